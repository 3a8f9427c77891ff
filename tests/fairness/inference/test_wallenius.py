"""Wallenius' distribution against scipy, and the estimate of the favouring odds against planted ones."""

import numpy as np
import pytest
from scipy import stats

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference import wallenius
from judge.fairness.inference.wallenius import (
    total_distribution,
    wallenius_log_pmf,
    wallenius_moments,
    wallenius_odds,
)

CASES = [(480, 5520, 44, 0.5), (3, 3, 5, 0.3), (100, 50, 120, 3.0), (10, 100_000, 5, 8.0), (1, 1, 1, 0.7)]


@pytest.mark.parametrize(("group", "others", "winners", "odds"), CASES)
def test_the_distribution_is_scipys(group, others, winners, odds):
    x = np.arange(max(0, winners - others), min(group, winners) + 1)
    found = np.exp(wallenius_log_pmf(x, group, others, winners, odds))
    expected = stats.nchypergeom_wallenius.pmf(x, group + others, group, winners, odds)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert found.sum() == pytest.approx(1, abs=1e-9)


def test_odds_of_one_are_chance():
    x = np.arange(6)
    found = np.exp(wallenius_log_pmf(x, 30, 70, 5, 1.0))
    np.testing.assert_allclose(found, stats.hypergeom.pmf(x, 100, 30, 5), atol=1e-12)


def test_one_winner_of_two_people_wins_with_its_odds():
    # weight 3 against 1: the group's person wins 3 times of 4
    assert np.exp(wallenius_log_pmf(1, 1, 1, 1, 3.0)) == pytest.approx(0.75)


def test_a_count_that_cannot_be_has_probability_zero():
    assert np.exp(wallenius_log_pmf([-1, 4, 6], 3, 10, 5, 2.0)).tolist() == [0.0, 0.0, 0.0]


def test_in_one_bracket_the_estimate_maximises_scipys_likelihood():
    counts = Counts([[480, 5520]], [[1, 43]], ("dark", "others"))
    found = wallenius_odds(counts, "dark").value

    def likelihood(odds):
        return stats.nchypergeom_wallenius.pmf(1, 6000, 480, 44, odds)

    assert likelihood(found) >= max(likelihood(found * 1.01), likelihood(found / 1.01))


def test_interval_limits_leave_half_of_the_error_on_each_side():
    counts = Counts([[480, 5520]], [[3, 41]], ("dark", "others"))
    exact = wallenius_odds(counts, "dark", interval="exact")
    for odds, tail in ((exact.low, slice(3, None)), (exact.high, slice(None, 4))):
        pmf = stats.nchypergeom_wallenius.pmf(np.arange(45), 6000, 480, 44, odds)
        assert pmf[tail].sum() == pytest.approx(0.025, abs=1e-5)
    midp = wallenius_odds(counts, "dark")
    assert exact.low < midp.low < midp.value < midp.high < exact.high


def test_no_winner_keeps_an_upper_limit_and_every_winner_a_lower_one():
    none = wallenius_odds(Counts([[50, 500]], [[0, 20]], ("few", "many")), "few")
    assert (none.value, none.low) == (0.0, 0.0) and 0 < none.high < 3
    every = wallenius_odds(Counts([[500, 50]], [[20, 0]], ("few", "many")), "few")
    assert np.isinf(every.value) and np.isinf(every.high) and every.low > 0


def test_a_contest_that_says_nothing_has_no_odds():
    assert np.isnan(wallenius_odds(Counts([[5, 5]], [[5, 5]], ("a", "b")), "a")).all()
    assert np.isnan(wallenius_odds(Counts([[5, 0]], [[2, 0]], ("a", "b")), "a")).all()


def test_planted_odds_are_found_across_brackets():
    rng = np.random.default_rng(0)
    group, total, winners = rng.integers(20, 200, 40), rng.integers(400, 900, 40), 15
    won = [
        stats.nchypergeom_wallenius.rvs(n, g, winners, 0.5, random_state=rng)
        for g, n in zip(group, total, strict=True)
    ]
    counts = Counts(
        np.column_stack([group, total - group]),
        np.column_stack([won, winners - np.array(won)]),
        ("g", "o"),
        tuple(map(str, range(40))),
    )
    found = wallenius_odds(counts, "g")
    assert found.low < 0.5 < found.high
    assert found.high / found.low < 3


def test_the_normal_branch_agrees_with_the_exact_one(monkeypatch):
    rng = np.random.default_rng(1)
    entrants = rng.integers(300, 900, (30, 2))
    winners = np.array([rng.multivariate_hypergeometric(row, 60) for row in entrants])
    counts = Counts(entrants, winners, ("a", "b"), tuple(map(str, range(30))))
    exact = wallenius_odds(counts, "a")
    wallenius._odds_of.cache_clear()
    monkeypatch.setattr(wallenius, "MAX_SUPPORT", 1)
    np.testing.assert_allclose(wallenius_odds(counts, "a"), exact, rtol=5e-3)


def test_moments_are_close_to_the_distributions():
    pair = Counts([[480, 5520], [30, 300]], [[0, 44], [0, 10]], ("a", "b"), ("x", "y"))
    low, pmf = total_distribution(pair, 0.5)
    x = low + np.arange(len(pmf))
    mean = (x * pmf).sum()
    approximate = wallenius_moments(pair, 0.5)
    assert approximate[0] == pytest.approx(mean, rel=2e-3)
    assert approximate[1] == pytest.approx(((x - mean) ** 2 * pmf).sum(), rel=1e-2)


def test_an_unknown_interval_is_named():
    with pytest.raises(InputError, match="midp"):
        wallenius_odds(Counts([[5, 5]], [[1, 2]], ("a", "b")), "a", interval="wald")


def test_probabilities_and_odds_are_those_of_r():
    """R 4.2, BiasedUrn 2.0.9: dWNCHypergeo(x, m1, m2, n, odds), and the odds that maximise the product over brackets:

    f <- function(v) -sum(log(mapply(function(x, a, b, k) dWNCHypergeo(x, a, b, k, exp(v), precision = 1e-12),
                                     c(1, 3, 0, 2), c(10, 12, 8, 20), c(90, 60, 40, 100), c(5, 8, 5, 10))))
    exp(optimize(f, c(-3, 3), tol = 1e-10)$minimum)
    """
    found = np.exp(wallenius_log_pmf([0, 3, 7, 12], 20, 30, 15, 0.5))
    assert found == pytest.approx(
        [0.00385621353363289, 0.218510888412696, 0.0405207913078009, 8.39856388674222e-07], rel=1e-7
    )
    found = np.exp(wallenius_log_pmf([1, 4], 5, 400, 44, 2.5))
    assert found == pytest.approx([0.401121591010488, 0.0129773844506934], rel=1e-7)
    counts = Counts(
        [[10, 90], [12, 60], [8, 40], [20, 100]], [[1, 4], [3, 5], [0, 5], [2, 8]], ("a", "b"), tuple("wxyz")
    )
    assert wallenius_odds(counts, "a").value == pytest.approx(1.52498696310844, rel=1e-6)
