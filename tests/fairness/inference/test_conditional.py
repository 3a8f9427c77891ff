"""Intervals that agree with the exact test within brackets: by hand, against R, and beside the test."""

from __future__ import annotations

from math import comb, prod

import numpy as np
import pytest

from judge.fairness.counts import Counts
from judge.fairness.inference import stratified_exact
from judge.fairness.inference.conditional import conditional_effects
from judge.fairness.inference.homogeneity import homogeneity
from judge.fairness.inference.intervals import (
    greenland_robins_ratio,
    katz_ratio,
    koopman_ratio,
    miettinen_nurminen_difference,
    stratified_score_difference,
    stratified_score_ratio,
)

#: 30 of 60 against 14 of 20 in a small bracket, 0 of 20 against 40 of 900 in a large one.
PLANTED = ([[30, 0]], [[60, 20]], [[14, 40]], [[20, 900]])


def test_within_brackets_the_planted_ratio_is_below_one_and_agrees_with_the_test():
    effect = conditional_effects(*PLANTED)
    above, below = 30 * 20 / 80 + 0, 14 * 60 / 80 + 40 * 20 / 920
    assert effect.ratio[0] == pytest.approx(above / below)  # 0.66, where the pooled ratio is 6.39
    assert effect.expected[0] == pytest.approx(60 * 44 / 80 + 20 * 40 / 920)
    counts = Counts([[60, 20], [20, 900]], [[30, 14], [0, 40]], ("a", "b"), ("small", "large"))
    assert stratified_exact(counts, "a") == pytest.approx(0.09923, abs=1e-5)
    assert effect.ratio_low[0] < 1 < effect.ratio_high[0]
    assert effect.difference_low[0] < 0 < effect.difference_high[0]


def test_the_limits_are_those_of_the_inverted_test_in_r():
    # R, with BiasedUrn: pmf <- function(odds) { p <- dFNCHypergeo(0:44, 60, 20, 44, odds); q <- dFNCHypergeo(0:20, 20,
    # 900, 40, odds); r <- numeric(65); for (i in 1:45) r[i:(i + 20)] <- r[i:(i + 20)] + p[i] * q; r }
    # two <- function(odds) { f <- pmf(odds); sum(f[f <= f[31] * (1 + 1e-7)]) }; the outermost odds with two(odds) > .05
    # on both sides, and there sum(pmf(odds) * 0:64)
    effect = conditional_effects(*PLANTED)
    assert effect.winners_low[0] == pytest.approx(26.9018, abs=3e-4)
    assert effect.winners_high[0] == pytest.approx(34.4610, abs=3e-4)


def test_a_limit_is_where_the_two_sided_p_crosses():
    # one bracket, 3 of 10 against 9 of 12, written out with Fisher's noncentral distribution
    effect = conditional_effects([[3]], [[10]], [[9]], [[12]])
    x = np.arange(0, 11)
    weight = np.array([comb(10, i) * comb(12, 12 - i) for i in x], float)

    def p_at(mean):
        low, high = -20.0, 20.0
        for _ in range(100):
            middle = (low + high) / 2
            f = weight * np.exp(middle * x) / (weight * np.exp(middle * x)).sum()
            low, high = (middle, high) if f @ x < mean else (low, middle)
        return f[f <= f[3] * (1 + 1e-7)].sum()

    for limit, outside in ((effect.winners_low[0], -1e-3), (effect.winners_high[0], 1e-3)):
        assert p_at(limit + outside) < 0.05 < p_at(limit - outside)
    assert effect.ratio[0] == pytest.approx(0.3 / 0.75)
    assert effect.difference[0] == pytest.approx(0.3 - 0.75)


def test_the_interval_leaves_out_parity_exactly_where_the_test_rejects():
    rng = np.random.default_rng(5)
    n = rng.integers(1, [15, 60], (400, 3, 2))
    x = rng.binomial(n, rng.uniform(0.05, 0.6, (400, 1, 2)))
    effect = conditional_effects(x[..., 0], n[..., 0], x[..., 1], n[..., 1])
    rejected = 0
    for i in range(400):
        p = stratified_exact(Counts(n[i], x[i], ("a", "b"), ("p", "q", "r")), "a")
        left_out = not effect.ratio_low[i] <= 1 <= effect.ratio_high[i]
        if abs(p - 0.05) > 1e-6 and not np.isnan(effect.ratio_low[i]):
            assert left_out == (p < 0.05)
        assert left_out == (not effect.difference_low[i] <= 0 <= effect.difference_high[i])
        rejected += p < 0.05
    assert 50 < rejected < 350


def test_the_limits_end_where_the_fixed_numbers_of_winners_end():
    # one of ten wins, of five winners: at most 1 against 4 of 9
    effect = conditional_effects([[1]], [[1]], [[4]], [[9]])
    assert effect.ratio[0] == effect.ratio_high[0] == pytest.approx(1 / (4 / 9))
    # by chance in half of all draws: with winners ≤ 0.05 expected a winner would be a surprise at 5 %
    assert effect.winners_low[0] == pytest.approx(0.05, abs=1e-6)
    # everybody wins, or nobody is there: nothing to be unsure of
    assert np.isnan(conditional_effects([[2]], [[2]], [[5]], [[5]]).ratio_low[0])
    assert np.isnan(conditional_effects([[0]], [[0]], [[5]], [[9]]).ratio[0])


def test_many_winners_have_the_limits_of_the_score_interval():
    for scale in (1, 40):  # 100 and 4,000 expected winners: summed exactly, and by the normal approximation
        counts = [[80 * scale]], [[2_000 * scale]], [[1_100 * scale]], [[20_000 * scale]]
        effect, (low, high) = conditional_effects(*counts), koopman_ratio(*np.ravel(counts))
        assert effect.ratio_low[0] == pytest.approx(float(low), rel=0.01)
        assert effect.ratio_high[0] == pytest.approx(float(high), rel=0.01)


def test_in_one_bracket_the_stratified_intervals_are_the_plain_ones():
    x, n, x0, n0 = np.array([0, 3, 10]), np.array([10, 40, 90]), np.array([4, 0, 30]), np.array([30, 70, 100])
    strata = [array[:, None] for array in (x, n, x0, n0)]
    for stratified, plain in (
        (stratified_score_ratio, koopman_ratio),
        (stratified_score_difference, miettinen_nurminen_difference),
        (greenland_robins_ratio, katz_ratio),
    ):
        np.testing.assert_allclose(stratified(*strata), plain(x, n, x0, n0), rtol=1e-9)


def test_the_log_interval_of_the_planted_table_by_hand():
    # Greenland & Robins: Σ (won n₁ n₀ / N² − x₁ x₀ / N) / (R S)
    spread = (44 * 60 * 20 / 80**2 - 30 * 14 / 80) + 40 * 20 * 900 / 920**2
    r, s = 7.5, 10.5 + 40 * 20 / 920
    half = 1.959964 * np.sqrt(spread / (r * s))
    low, high = greenland_robins_ratio(*PLANTED)
    assert low[0] == pytest.approx(r / s * np.exp(-half)) and high[0] == pytest.approx(r / s * np.exp(half))


def test_opposite_effects_in_two_brackets_are_found():
    counts = Counts([[100, 100], [100, 100]], [[2, 18], [18, 2]], ("a", "b"), ("one", "two"))
    assert stratified_exact(counts, "a") == pytest.approx(1)
    # all divisions of the group's 20 winners over two brackets of 20 winners: Σ P at most that of (2, 18)
    chance = np.array([(comb(100, i) * comb(100, 20 - i)) ** 2 for i in range(21)], float)
    p = chance[chance <= chance[2] * (1 + 1e-9)].sum() / chance.sum()
    assert homogeneity(counts, "a") == pytest.approx(p) and p < 1e-6
    assert homogeneity(counts, "a", reference="b") == pytest.approx(p)


def test_random_divisions_have_the_enumerated_p():
    n = np.array([[12, 30], [9, 20], [5, 40]])
    x = np.array([[6, 4], [1, 6], [0, 8]])
    counts = Counts(n, x, ("a", "b"), ("p", "q", "r"))
    weights, won = {}, x.sum(axis=1)
    for i in range(8):
        for j in range(8):
            k = 7 - i - j
            if 0 <= k <= 5:
                cells = zip((i, j, k), n, won, strict=True)
                weights[i, j, k] = float(
                    prod([comb(int(a), c) * comb(int(b), int(w) - c) for c, (a, b), w in cells])
                )
    total = sum(weights.values())
    exact = sum(w for w in weights.values() if w <= weights[6, 1, 0] * (1 + 1e-9)) / total
    p = homogeneity(counts, "a", n_permutations=20_000, rng=1)
    assert p == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))


def test_one_bracket_has_no_homogeneity():
    assert np.isnan(homogeneity(Counts([[5, 5]], [[1, 2]], ("a", "b")), "a"))
