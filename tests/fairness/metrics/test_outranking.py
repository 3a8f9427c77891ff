"""The outranking probability against sklearn's area under the curve, its intervals against pROC and by simulation."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from judge.fairness.inference.intervals import ranks
from judge.fairness.inference.intervals.ranks import Placements, delong_variance
from judge.fairness.metrics import outrank_probability
from judge.fairness.metrics.outranking import ByScore


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    group = rng.choice(["a", "b", "c"], 200)
    score = rng.integers(0, 15, 200) + 2.0 * (group == "a")
    return score, group


def test_it_is_the_area_under_the_curve_with_ties_half(people):
    score, group = people
    pair = group != "c"
    found = outrank_probability(score, sensitive_feature=group, group="a", reference="b")
    assert found.value == pytest.approx(roc_auc_score(group[pair] == "a", score[pair]), abs=1e-12)


def test_its_p_value_is_mann_whitneys(people):
    score, group = people
    found = outrank_probability(score, sensitive_feature=group, group="a")
    expected = mannwhitneyu(score[group == "a"], score[group != "a"], method="asymptotic").pvalue
    assert found.p_value == pytest.approx(expected, abs=1e-12)


def test_three_people_by_hand():
    # a has 5; b has 3 and 5: one win and one tie of two pairs
    found = outrank_probability([5, 3, 5], sensitive_feature=["a", "b", "b"], group="a")
    assert found.value == 0.75


def test_only_pairs_within_a_bracket_count():
    # across brackets a would always lose; within each it always wins
    found = outrank_probability(
        [2, 1, 102, 101], sensitive_feature=list("abab"), group="a", bracket=["x", "x", "y", "y"]
    )
    assert found.value == 1.0


def test_the_variance_is_that_of_proc():
    # r <- roc(g, s, direction = "<"); r$auc; var(r, method = "delong"); ci.auc(r, method = "delong")
    a = [3.1, 4.2, 5.0, 2.2, 6.3, 4.8, 5.5, 3.9, 4.4, 5.1, 6.0, 2.9, 4.9, 5.2, 3.3, 4.1]
    b = [2.0, 3.0, 3.5, 4.0, 2.5, 5.0, 1.5, 3.8, 4.5, 2.8, 3.2, 3.6, 4.3, 2.1, 1.9, 5.6, 3.4, 2.7, 4.6, 3.7]
    names = ["a"] * 16 + ["b"] * 20
    people = sorted(zip(a + b, [0] * 16 + [1] * 20, strict=True))
    score, group = (np.array(column) for column in zip(*people, strict=True))
    sides = [sides for _, sides in ByScore.of(score, np.zeros(36, int), group, 2)._pairings(0, 1)]
    variance, _ = delong_variance(0.7484375, sides)
    assert variance == pytest.approx(0.00704983895285, abs=1e-13)
    found = outrank_probability(a + b, sensitive_feature=names, group="a")
    assert found.value == pytest.approx(0.7484375, abs=1e-12)
    assert found.value - 1.959964 * np.sqrt(variance) == pytest.approx(0.583872418558, abs=1e-6)
    # wilcox.test(s[g == 1], s[g == 0], exact = FALSE)$p.value, which R gives for want of an exact one with ties
    assert found.p_value == pytest.approx(0.0118970, abs=0.002) and found.test == "mann_whitney_exact"


def test_the_interval_of_large_sides_is_delongs_on_the_logit_scale(people):
    score, group = people
    found = outrank_probability(score, sensitive_feature=group, group="a", reference="b")
    a, b = score[group == "a"], score[group == "b"]
    wins = (a[:, None] > b).astype(float) + 0.5 * (a[:, None] == b)
    parts = wins.mean(axis=1).var(ddof=1) / len(a), wins.mean(axis=0).var(ddof=1) / len(b)
    variance = sum(parts)
    degrees = variance**2 / (parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1))
    half = stats.t.ppf(0.975, degrees) * np.sqrt(variance) / (found.value * (1 - found.value))
    middle = np.log(found.value / (1 - found.value))
    expected = 1 / (1 + np.exp(-np.array([middle - half, middle + half])))
    np.testing.assert_allclose([found.low, found.high], expected, atol=1e-10)
    assert found.interval == "DeLong logit t"


def test_a_small_side_has_newcombes_score_interval():
    # 8 against 8 with 10 of 64 pairs won: (value − p)² = z² V(p) at both limits, V by Hanley & McNeil with N = 8
    low, high = ranks.outrank_interval(10 / 64, [(Placements(8, 10 / 64, 0.0), Placements(8, 54 / 64, 0.0))])[
        :2
    ]
    for p in (low, high):
        variance = p * (1 - p) * (1 + 7 * ((1 - p) / (2 - p) + p / (1 + p))) / 64
        assert (10 / 64 - p) ** 2 == pytest.approx(1.959964**2 * variance, rel=1e-6)
    assert 0 < low < 10 / 64 < high < 1


def test_a_side_of_fewer_than_five_has_no_interval_and_says_why():
    names = ["a"] * 3 + ["b"] * 40
    score = np.random.default_rng(0).normal(size=43)
    found = outrank_probability(score, sensitive_feature=names, group="a")
    assert np.isnan([found.low, found.high]).all() and found.interval == ""
    assert found.flag == "n = 3: no interval below 5 people"
    other = outrank_probability(score, sensitive_feature=names, group="b", reference="a")
    assert other.flag == "others compared with = 3: no interval below 5 people"
    assert other.value == pytest.approx(1 - found.value) and other.p_value == pytest.approx(found.p_value)


@pytest.mark.parametrize("size", [5, 10, 20])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_small_groups_in_brackets_hold_the_truth(size, shift):
    """DeLong's with the normal quantile held 89 to 92 % at five people. Single people in a bracket widen it."""
    rng = np.random.default_rng(size)
    names = np.repeat(["a", "b"], [size, 80])
    held = []
    for _ in range(500):
        bracket = rng.choice(3, len(names), p=[0.6, 0.3, 0.1])
        score = rng.normal(size=len(names)) - shift * (names == "a")
        found = outrank_probability(
            score, sensitive_feature=names, group="a", bracket=bracket, n_permutations=1
        )
        held.append(found.low <= stats.norm.cdf(-shift / np.sqrt(2)) <= found.high)
    assert 0.92 <= np.mean(held) <= 0.995


def test_all_pairs_won_has_an_interval_below_one():
    found = outrank_probability(np.arange(40.0), sensitive_feature=["b"] * 20 + ["a"] * 20, group="a")
    assert found.value == found.high == 1.0 and 0.7 < found.low < 1 and found.interval == "Newcombe score"


def test_all_tied_is_parity_with_p_one():
    found = outrank_probability(np.zeros(20), sensitive_feature=["a", "b"] * 10, group="a")
    assert found.value == 0.5 and found.p_value == 1.0 and found.low < 0.5 < found.high


def test_an_empty_side_is_undefined():
    assert np.isnan(outrank_probability([1.0, 2.0], sensitive_feature=["a", "a"], group="a")[:4]).all()
    assert np.isnan(outrank_probability([1.0, 2.0], sensitive_feature=["a", "a"], group="b")[:4]).all()
