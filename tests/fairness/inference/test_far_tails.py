"""Exact p-values too small for a convolution around the mode: against whole numbers, R and published cases."""

from fractions import Fraction
from math import comb, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judge.fairness.counts import Counts
from judge.fairness.inference import stratified_exact, stratified_test
from judge.fairness.inference.distributions import log_tail

bracket = st.integers(2, 60).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(0, n))
)  # group, total, winners


def in_whole_numbers(brackets, observed, alternative):
    """The p-value as a fraction, by full enumeration in integers."""
    ways = {0: 1}
    for group, total, winners in brackets:
        summed = {}
        for x in range(max(0, winners - (total - group)), min(group, winners) + 1):
            here = comb(group, x) * comb(total - group, winners - x)
            for before, count in ways.items():
                summed[before + x] = summed.get(before + x, 0) + count * here
        ways = summed
    chosen = {
        "two-sided": lambda x: ways[x] <= ways[observed],
        "greater": lambda x: x >= observed,
        "less": lambda x: x <= observed,
    }[alternative]
    return Fraction(sum(count for x, count in ways.items() if chosen(x)), sum(ways.values()))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(bracket, min_size=1, max_size=3),
    st.integers(0, 1000),
    st.sampled_from(["two-sided", "greater", "less"]),
)
def test_tilting_gives_the_whole_number_sum_in_every_tail(brackets, pick, alternative):
    low = sum(max(0, m - (n - g)) for g, n, m in brackets)
    high = sum(min(g, m) for g, n, m in brackets)
    observed = low + pick % (high - low + 1)
    p = in_whole_numbers(brackets, observed, alternative)
    g, n, m = zip(*brackets, strict=True)
    found = log_tail(g, n, m, observed, alternative=alternative)
    assert found == pytest.approx(log(p.numerator) - log(p.denominator), abs=1e-9)


def test_counts_of_forty_thousand_have_fishers_p_to_ten_digits():
    counts = Counts([[20_000, 20_000]], [[4656, 3344]], ("a", "b"))
    # R: fisher.test(matrix(c(4656, 15344, 3344, 16656), 2))$p.value
    assert stratified_exact(counts, "a") == pytest.approx(1.43404037100507e-60, rel=1e-10)
    assert stratified_exact(counts, "b") == pytest.approx(1.43404037100507e-60, rel=1e-10)


def test_a_p_value_below_every_float_is_a_bound_with_its_logarithm():
    test = stratified_test(Counts([[200_000, 200_000]], [[40_000, 20_000]], ("a", "b")), "a")
    assert test.log10_p == pytest.approx(-1733.2084, abs=1e-3)
    assert test.p == np.finfo(float).tiny


def test_many_large_brackets_far_from_chance_match_whole_numbers():
    brackets = [(300, 700, 120), (50, 400, 90), (220, 300, 170)]
    p = in_whole_numbers(brackets, 305, "two-sided")
    g, n, m = zip(*brackets, strict=True)
    won = np.array([110, 40, 155])
    counts = Counts(
        np.column_stack([g, np.subtract(n, g)]),
        np.column_stack([won, np.array(m) - won]),
        ("a", "b"),
        tuple("xyz"),
    )
    assert won.sum() == 305
    assert stratified_exact(counts, "a") == pytest.approx(float(p), rel=1e-9)
    assert 0 < float(p) < 1e-30


@pytest.mark.parametrize(
    ("entrants", "winners", "alternative", "expected"),
    [
        # R: a <- array(c(6,24,14,156, 2,18,30,150, 9,11,25,55), dim=c(2,2,3)); mantelhaen.test(a, exact=TRUE)$p.value
        ([[30, 170], [20, 180], [20, 80]], [[6, 14], [2, 30], [9, 25]], "two-sided", 0.16915602357282),
        ([[30, 170], [20, 180], [20, 80]], [[6, 14], [2, 30], [9, 25]], "greater", 0.114356751460592),
        # R: b <- array(c(1,59,20,120, 0,40,15,85), dim=c(2,2,2)); mantelhaen.test(b, exact=TRUE, alternative=…)
        ([[60, 140], [40, 100]], [[1, 20], [0, 15]], "two-sided", 5.80623327375193e-05),
        ([[60, 140], [40, 100]], [[1, 20], [0, 15]], "less", 2.92549755217837e-05),
    ],
)
def test_rs_mantelhaen_test_gives_the_same_p(entrants, winners, alternative, expected):
    counts = Counts(entrants, winners, ("group", "others"), tuple("xyz")[: len(entrants)])
    assert stratified_exact(counts, "group", alternative=alternative) == pytest.approx(expected, rel=1e-10)
