"""Exact tests against scipy, statsmodels and enumeration by hand."""

import itertools
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.multitest import multipletests

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference import (
    expected_winners,
    holm,
    multinomial_exact,
    permutation,
    stratified_exact,
)
from judge.fairness.inference.distributions import exact_distribution, hypergeometric_pmf


def one_bracket(a, b, c, d):
    """a of b in the group win, c of d of the others."""
    return Counts([[b, d]], [[a, c]], ("group", "others"))


@given(
    st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from(["two-sided", "greater", "less"]),
)
def test_in_one_bracket_it_is_fishers_exact_test(group, others, alternative):
    (a, b), (c, d) = group, others
    expected = stats.fisher_exact([[a, b - a], [c, d - c]], alternative=alternative).pvalue
    found = stratified_exact(one_bracket(a, b, c, d), "group", alternative=alternative)
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("group", "total", "winners"), [(480, 6000, 44), (3, 10, 9), (300_000, 1_000_000, 90_000)]
)
def test_the_hypergeometric_distribution_is_scipys(group, total, winners):
    low, pmf = hypergeometric_pmf(group, total, winners)
    x = low + np.arange(len(pmf))
    np.testing.assert_allclose(pmf, stats.hypergeom.pmf(x, total, group, winners), atol=1e-10)
    assert pmf.sum() == pytest.approx(1, abs=1e-12)


def test_far_tails_keep_their_relative_precision():
    # all 40 winners out of 40 from a group of 60 among 6,000: C(60, 40) / C(6000, 40)
    p = stratified_exact(one_bracket(40, 60, 0, 5940), "group", alternative="greater")
    assert p == pytest.approx(comb(60, 40) / comb(6000, 40), rel=1e-9)
    assert 0 < p < 1e-80


def test_two_brackets_counted_by_hand():
    # bracket one: 1 of 2 in the group, 1 winner; bracket two: 1 of 3, 1 winner. Both won by the group: 1/2 · 1/3
    counts = Counts([[1, 1], [1, 2]], [[1, 0], [1, 0]], ("group", "others"), ("one", "two"))
    assert stratified_exact(counts, "group", alternative="greater") == pytest.approx(1 / 6)
    # outcomes 0, 1, 2 have 2/6, 3/6, 1/6: only the observed one is as rare
    assert stratified_exact(counts, "group") == pytest.approx(1 / 6)


def test_the_sum_over_brackets_is_the_sum_over_every_combination():
    group, total, winners = [3, 5, 2], [9, 11, 6], [2, 4, 3]
    low, pmf = exact_distribution(group, total, winners)
    parts = [
        stats.hypergeom(n, g, m).pmf(np.arange(m + 1)) for g, n, m in zip(group, total, winners, strict=True)
    ]
    expected = np.zeros(sum(winners) + 1)
    for combination in itertools.product(*(range(m + 1) for m in winners)):
        expected[sum(combination)] += np.prod([p[x] for p, x in zip(parts, combination, strict=True)])
    np.testing.assert_allclose(pmf, expected[low : low + len(pmf)], atol=1e-13)


def test_with_many_winners_it_agrees_with_statsmodels_stratified_table():
    rng = np.random.default_rng(3)
    entrants = np.column_stack([rng.integers(200, 400, 8), rng.integers(600, 900, 8)])
    winners = np.column_stack([rng.binomial(entrants[:, 0], 0.28), rng.binomial(entrants[:, 1], 0.3)])
    counts = Counts(entrants, winners, ("group", "others"), tuple("abcdefgh"))
    tables = [[[x, n - x], [y, m - y]] for (n, m), (x, y) in zip(entrants, winners, strict=True)]
    # Mantel–Haenszel's test with continuity correction is the normal limit
    limit = StratifiedTable([np.array(t) for t in tables]).test_null_odds(correction=True).pvalue
    assert stratified_exact(counts, "group") == pytest.approx(limit, abs=0.01)


def test_mantel_haenszels_statistic_follows_from_the_exact_distribution():
    tables = [np.array([[8, 12], [20, 60]]), np.array([[5, 25], [9, 61]])]
    low, pmf = exact_distribution([20, 30], [100, 100], [28, 14])
    x = low + np.arange(len(pmf))
    mean = (x * pmf).sum()
    variance = ((x - mean) ** 2 * pmf).sum()
    statistic = (13 - mean) ** 2 / variance
    assert statistic == pytest.approx(
        StratifiedTable(tables).test_null_odds(correction=False).statistic, rel=1e-9
    )


def test_a_group_against_a_reference_leaves_the_third_out():
    counts = Counts([[10, 20, 500]], [[3, 2, 50]], ("a", "b", "c"))
    assert stratified_exact(counts, "a", reference="b") == pytest.approx(
        stats.fisher_exact([[3, 7], [2, 18]]).pvalue
    )


def test_nothing_to_decide_gives_one():
    assert stratified_exact(one_bracket(0, 5, 0, 7), "group") == 1.0
    assert stratified_exact(one_bracket(5, 5, 7, 7), "group") == 1.0


def test_an_unknown_group_or_alternative_is_named():
    with pytest.raises(InputError, match=r"'martian'.*'group', 'others'"):
        stratified_exact(one_bracket(1, 2, 1, 2), "martian")
    with pytest.raises(InputError, match="two-sided"):
        stratified_exact(one_bracket(1, 2, 1, 2), "group", alternative="both")


def test_permuting_counts_agrees_with_shuffling_people():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], [30, 50, 20])
    bracket = np.tile([0, 1], 50)
    winner = np.zeros(100, bool)
    winner[:8] = True
    counts = Counts.from_codes(winner, group, bracket, ("a", "b", "c"), ("x", "y"))
    expected = expected_winners(counts)

    def distance(chosen):
        return ((np.bincount(group[chosen], minlength=3) - expected) ** 2 / expected).sum()

    hits, shuffles = 1, 4000
    for _ in range(shuffles):
        shuffled = winner.copy()
        for b in (0, 1):
            shuffled[bracket == b] = rng.permutation(winner[bracket == b])
        hits += distance(shuffled) >= distance(winner) - 1e-9
    statistic, p = permutation(counts, n_permutations=20_000, rng=1)
    assert statistic == pytest.approx(distance(winner))
    assert p == pytest.approx(hits / (1 + shuffles), abs=0.01)


def test_the_permutation_p_is_exact_enough_for_two_groups():
    # 1 of 2 in the group and 1 of 18 others win: a second table is as far from chance only if both winners are few
    counts = one_bracket(1, 2, 1, 18)
    p_exact = 1 - comb(18, 2) / comb(20, 2)
    assert permutation(counts, n_permutations=50_000)[1] == pytest.approx(p_exact, abs=0.006)


def test_permutation_repeats_with_its_seed():
    counts = Counts([[30, 40, 50]], [[5, 2, 9]], ("a", "b", "c"))
    assert permutation(counts, rng=4) == permutation(counts, rng=4)


def test_multinomial_counted_by_hand():
    # two winners, shares ½ ½: (1, 1) has ½, (2, 0) and (0, 2) have ¼ each
    assert multinomial_exact([1, 1], [0.5, 0.5]) == pytest.approx(1.0)
    assert multinomial_exact([2, 0], [0.5, 0.5]) == pytest.approx(0.5)


def test_multinomial_with_four_groups_agrees_with_plain_enumeration():
    winners, shares = np.array([5, 0, 2, 1]), np.array([0.4, 0.3, 0.2, 0.1])
    n = winners.sum()

    def probability(x):
        return factorial(n) / np.prod([factorial(int(k)) for k in x]) * np.prod(shares**x)

    outcomes = [x for x in itertools.product(range(n + 1), repeat=4) if sum(x) == n]
    observed = probability(winners)
    expected = sum(p for p in map(probability, map(np.array, outcomes)) if p <= observed * (1 + 1e-7))
    assert multinomial_exact(winners, shares) == pytest.approx(expected, abs=1e-12)


def test_multinomial_names_shares_that_do_not_sum_to_one():
    with pytest.raises(InputError, match="sum to 1"):
        multinomial_exact([1, 2], [0.5, 0.4])
    assert multinomial_exact([1, 2], [0.0, 1.0]) == 0.0


def test_holm_agrees_with_statsmodels_and_leaves_missing_values_out():
    p = [0.01, 0.04, np.nan, 0.03, 0.2]
    known = [0.01, 0.04, 0.03, 0.2]
    found = holm(p)
    assert np.isnan(found[2])
    np.testing.assert_allclose(np.delete(found, 2), multipletests(known, method="holm")[1], atol=1e-12)
