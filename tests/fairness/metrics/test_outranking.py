"""The outranking probability against scipy's Mann–Whitney test and against sklearn's area under the curve."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from judge.fairness.metrics import outrank_probability


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
    assert found.value == 1.0 and found.low < 1.0


def test_the_interval_is_delongs(people):
    score, group = people
    found = outrank_probability(score, sensitive_feature=group, group="a", reference="b")
    a, b = score[group == "a"], score[group == "b"]
    wins = (a[:, None] > b).astype(float) + 0.5 * (a[:, None] == b)
    variance = wins.mean(axis=1).var(ddof=1) / len(a) + wins.mean(axis=0).var(ddof=1) / len(b)
    half = 1.959964 * np.sqrt(variance) / (found.value * (1 - found.value))
    middle = np.log(found.value / (1 - found.value))
    expected = 1 / (1 + np.exp(-np.array([middle - half, middle + half])))
    np.testing.assert_allclose([found.low, found.high], expected, atol=1e-7)


def test_all_tied_is_parity_with_p_one():
    found = outrank_probability(np.zeros(20), sensitive_feature=["a", "b"] * 10, group="a")
    assert found.value == 0.5 and found.p_value == 1.0 and found.low < 0.5 < found.high


def test_an_empty_side_is_undefined():
    assert np.isnan(outrank_probability([1.0, 2.0], sensitive_feature=["a", "a"], group="a")).all()
