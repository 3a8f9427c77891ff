"""Power of the two-sided exact test within brackets, in terms of selection-rate ratios."""

import numpy as np
import pytest
from scipy import stats

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference import (
    binomial_power,
    contest_power,
    contest_winners_needed,
    detectable_ratio,
    stratified_power,
)


def contest(group, others, winners):
    """Winners as they fall where the group wins none, or has to."""
    forced = max(0, winners - others)
    return Counts([[group, others]], [[forced, winners - forced]], ("few", "many"))


def test_fifty_winners_find_half_the_rate_in_42_of_100_contests_where_a_one_sided_binomial_says_58():
    assert float(binomial_power(50, 0.25, 0.5)) == pytest.approx(0.576, abs=5e-4)
    assert contest_power(contest(25_000, 75_000, 50), "few", 0.5) == pytest.approx(0.416, abs=2e-3)
    assert contest_power(contest(25_000, 75_000, 50), "few", 0.5, alternative="less") == pytest.approx(
        0.576, abs=2e-3
    )


def test_in_one_bracket_it_is_the_sum_over_the_rejected_outcomes():
    # R, BiasedUrn: x <- 0:15; p0 <- dhyper(x, 40, 160, 15)
    #   pv <- sapply(x, function(i) sum(p0[p0 <= p0[i+1]*(1+1e-7)]))
    #   sum(dWNCHypergeo(x, 40, 160, 15, .4, 1e-12)[pv <= .05])
    assert stratified_power(contest(40, 160, 15), "few", 0.4)[0] == pytest.approx(0.224824310830859, abs=1e-6)


def test_the_ratio_is_that_of_the_rates_expected_at_its_odds():
    counts = contest(60, 140, 40)
    rejected = [
        x
        for x in range(41)
        if stats.hypergeom.pmf(range(41), 200, 60, 40)[
            stats.hypergeom.pmf(range(41), 200, 60, 40) <= stats.hypergeom.pmf(x, 200, 60, 40) * (1 + 1e-7)
        ].sum()
        <= 0.05
    ]
    # odds by bisection on scipy's exact mean: rate ratio (m/60) / ((40 − m)/140) = .5
    low, high = 0.1, 1.0
    for _ in range(40):
        odds = (low + high) / 2
        m = stats.nchypergeom_wallenius(200, 60, 40, odds).mean()
        low, high = (odds, high) if (m / 60) / ((40 - m) / 140) < 0.5 else (low, odds)
    expected = stats.nchypergeom_wallenius(200, 60, 40, odds).pmf(rejected).sum()
    assert contest_power(counts, "few", 0.5) == pytest.approx(expected, abs=2e-3)


def test_favoured_asks_about_the_other_side():
    counts = contest(300, 700, 60)
    assert contest_power(counts, "many", 0.5, favoured=True) == pytest.approx(
        contest_power(counts, "few", 0.5)
    )
    assert contest_power(counts, "many", 0.5, favoured=True, alternative="greater") == pytest.approx(
        contest_power(counts, "few", 0.5, alternative="less")
    )


def test_the_detectable_ratio_and_the_winners_needed_have_the_power_asked_for():
    entrants = np.array([[100, 400], [60, 140], [30, 570]])
    counts = Counts(entrants, [[0, 40], [0, 30], [0, 50]], ("few", "many"), tuple("xyz"))
    ratio = detectable_ratio(counts, "few")
    assert contest_power(counts, "few", ratio) >= 0.8 > contest_power(counts, "few", ratio * 1.02)
    needed = contest_winners_needed(counts, "few", 0.5)
    factor = needed / 120

    def of_size(c):
        return Counts(
            np.rint(entrants * c),
            np.rint(np.array([[0, 40], [0, 30], [0, 50]]) * c),
            ("few", "many"),
            tuple("xyz"),
        )

    assert contest_power(of_size(factor * 1.05), "few", 0.5) >= 0.8
    assert contest_power(of_size(factor * 0.8), "few", 0.5) < 0.8


def test_the_normal_branch_continues_the_exact_one():
    # 4,000 possible counts are the border: on both sides of it the power hardly differs
    below, above = (contest_power(contest(20_000, 80_000, k), "few", 0.94) for k in (3_900, 4_200))
    assert 0.1 < below < above < below + 0.06


def test_what_cannot_be_is_nan_or_an_error():
    assert np.isnan(contest_power(contest(5, 5, 10), "few", 0.5))  # everybody wins
    assert np.isnan(contest_power(contest(5, 95, 99), "few", 0.5))  # at least 4 of 5 win
    assert np.isnan(contest_winners_needed(contest(50, 50, 10), "few", 1.0))
    assert np.isnan(detectable_ratio(contest(2, 98, 3), "few"))
    with pytest.raises(InputError, match="above 0"):
        contest_power(contest(5, 5, 3), "few", 0.0)
    with pytest.raises(InputError, match="alpha"):
        contest_power(contest(5, 5, 3), "few", 0.5, alpha=1.0)
