"""Power against simulation and against the plain sum over outcomes."""

import numpy as np
import pytest
from scipy import stats

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference.distributions import exact_distribution
from judge.fairness.inference.exact_tests import p_values, stratified_exact
from judge.fairness.inference.power import (
    binomial_power,
    share_of_winners,
    smallest_detectable_ratio,
    smallest_significant_share,
    stratified_power,
    winners_needed,
)


@pytest.mark.parametrize("share", [0.01, 0.08, 0.25, 0.9])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 0.8, 1.0])
def test_binomial_power_is_the_sum_over_the_rejected_outcomes(share, ratio):
    for n in (1, 7, 44, 300):
        cdf = stats.binom.cdf(np.arange(n + 1), n, share)
        excluded = np.flatnonzero(cdf <= 0.05)
        expected = stats.binom.pmf(excluded, n, share_of_winners(share, ratio)).sum()
        assert binomial_power(n, share, ratio) == pytest.approx(expected, abs=1e-9)


def test_favouring_a_group_is_disfavouring_the_others():
    assert binomial_power(44, 0.75, 2.0) == pytest.approx(float(binomial_power(44, 0.25, 0.5)))


def test_the_published_contest_had_little_power():
    assert binomial_power(44, 0.25, 0.5) == pytest.approx(0.386, abs=1e-3)
    assert binomial_power(44, 0.25, 0.8) == pytest.approx(0.075, abs=1e-3)
    assert winners_needed(0.25, 0.5) == 95
    assert winners_needed(0.25, 0.8) == 735


def test_from_the_winners_needed_on_the_power_stays():
    needed = int(winners_needed(0.08, 0.5))
    n = np.arange(needed, 2 * needed, 5)
    assert (binomial_power(n, 0.08, 0.5) >= 0.8).all()
    assert binomial_power(needed - 5, 0.08, 0.5) < 0.8


def test_no_number_of_winners_shows_a_ratio_of_one():
    assert np.isnan(winners_needed(0.25, 1.0))
    assert np.isnan(winners_needed(1e-5, 0.9, most=1000))


def test_the_smallest_detectable_ratio_has_the_power_asked_for():
    ratio = smallest_detectable_ratio(200, 0.25)
    assert binomial_power(200, 0.25, ratio - 1e-6) >= 0.8 > binomial_power(200, 0.25, ratio + 1e-6)
    favoured = smallest_detectable_ratio(200, 0.25, favoured=True)
    assert favoured > 1 and binomial_power(200, 0.25, favoured + 1e-6) >= 0.8
    assert np.isnan(smallest_detectable_ratio(44, 0.05))


def test_the_smallest_significant_share_has_p_of_exactly_five_percent():
    share = smallest_significant_share(1, 44)
    assert share == pytest.approx(0.1033, abs=5e-5)
    assert stats.binom.cdf(1, 44, share) == pytest.approx(0.05, abs=1e-9)
    with pytest.raises(InputError, match="0 to 43"):
        smallest_significant_share(44, 44)


def test_every_outcome_has_the_p_value_of_its_own_test():
    counts = Counts([[30, 70], [10, 90]], [[4, 6], [1, 9]], ("a", "b"), ("x", "y"))
    low, pmf = exact_distribution([30, 10], [100, 100], [10, 10])
    for alternative in ("two-sided", "greater", "less"):
        p = p_values(pmf, alternative)[5 - low]
        assert p == pytest.approx(stratified_exact(counts, "a", alternative=alternative), abs=1e-12)


def test_stratified_power_agrees_with_simulated_contests():
    entrants = np.array([[40, 160], [25, 275], [60, 240]])
    places = 15
    counts = Counts(entrants, np.array([[0, places]] * 3), ("few", "many"), ("x", "y", "z"))
    computed = stratified_power(counts, "few", 0.4, alternative="less")[0]
    rng = np.random.default_rng(0)
    draws = np.column_stack(
        [
            stats.nchypergeom_wallenius.rvs(a + b, a, places, 0.4, size=2000, random_state=rng)
            for a, b in entrants
        ]
    )
    p = {}
    for row in {tuple(r) for r in draws}:
        won = np.column_stack([row, places - np.array(row)])
        p[row] = stratified_exact(
            Counts(entrants, won, ("few", "many"), ("x", "y", "z")), "few", alternative="less"
        )
    simulated = np.mean([p[tuple(r)] <= 0.05 for r in draws])
    assert computed == pytest.approx(simulated, abs=0.035)
    assert stratified_power(counts, "few", 1.0)[0] <= 0.05


def test_impossible_shares_are_refused():
    with pytest.raises(InputError, match="between 0 and 1"):
        binomial_power(44, 1.0, 0.5)
    with pytest.raises(InputError, match="at least 0"):
        binomial_power(44, 0.5, -1.0)
