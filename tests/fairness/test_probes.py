"""What fresh probes find where it was planted, and what they do not find where nothing is."""

import numpy as np
import pytest

from judge.errors import InputError
from judge.fairness.probes import PROBES, balanced_accuracy, probe


def told(x, groups, **more):
    return probe(x, groups, **more).set_index("probe")


def halves(n):
    return np.array(["a", "b"] * (n // 2))


def test_a_shift_of_one_column_is_found_by_all_as_well_as_can_be():
    group = halves(600)
    x = np.random.default_rng(0).normal(size=(600, 1)) + 2 * (group == "b")[:, None]
    found = told(x, group)
    # two normals two standard deviations apart: Φ(1) = .841 is the best that anybody can do
    assert found["balanced_accuracy"].between(0.78, 0.88).all()
    assert ((found["ci_low"] < 0.841) & (found["ci_high"] > 0.841)).all()
    assert (found["p_value"] == 1 / 2001).all()
    assert found["shuffled"].between(0.4, 0.6).all()
    assert (found[["n_train", "n_test", "n_excluded"]] == [300, 300, 0]).all(axis=None)


def test_a_cue_that_only_two_columns_together_carry_escapes_the_linear_probe():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(800, 2))
    group = np.where(x[:, 0] * x[:, 1] > 0, "same sign", "other sign")
    found = told(x, group)
    assert found.loc["linear", "p_value"] > 0.05
    assert (found.loc[["two_layer", "boosted_trees"], "balanced_accuracy"] > 0.85).all()


@pytest.mark.parametrize("b", [200, 30])
def test_one_column_with_a_group_in_its_middle_is_read_however_rare_the_group(b):
    rng = np.random.default_rng(2)
    group = np.array(["a"] * 400 + ["b"] * b)
    x = np.where(group == "b", 0.0, rng.choice([-1.5, 1.5], 400 + b)) + rng.normal(0, 0.4, 400 + b)
    found = told(x[:, None], group)
    assert found.loc["linear", "balanced_accuracy"] < 0.65
    assert (found.loc[["two_layer", "boosted_trees"], "balanced_accuracy"] > 0.85).all()


@pytest.mark.slow
def test_wide_features_hide_neither_a_cue_spread_over_all_columns_nor_one_in_a_single_column():
    rng = np.random.default_rng(3)
    group = rng.integers(0, 3, 600)
    spread = rng.normal(size=(600, 800)) + 0.17 * rng.normal(size=(3, 800))[group]
    assert told(spread, group).loc["linear", "balanced_accuracy"] > 0.6
    one = rng.normal(size=(600, 800))
    one[:, 7] += 3 * group
    assert told(one, group).loc["boosted_trees", "balanced_accuracy"] > 0.6


def test_turning_wide_features_first_changes_nothing_for_the_linear_probe():
    from sklearn.linear_model import LogisticRegression

    from judge.fairness.probes import _read, _Turned

    rng = np.random.default_rng(4)
    code = rng.integers(0, 2, 120)
    x = rng.normal(size=(120, 300)) + 0.2 * code[:, None]
    train, test = x[:60], x[60:]
    mean, sd = train.mean(0), train.std(0)
    straight = LogisticRegression(C=1 / 30, class_weight="balanced", max_iter=5000, tol=1e-8)
    straight.fit((train - mean) / sd, code[:60])
    assert (
        _read("linear", _Turned.of(train, test), code[:60], 0) == straight.predict((test - mean) / sd)
    ).all()


@pytest.mark.slow
def test_of_noise_p_is_spread_evenly_and_the_accuracy_is_chance():
    seeds = range(60)
    runs = [told(np.random.default_rng(s).normal(size=(150, 1)), np.arange(150) % 3, seed=s) for s in seeds]
    p = np.array([run["p_value"] for run in runs])
    accuracy = np.array([run["balanced_accuracy"] for run in runs])
    # sd of a mean of 60: .29/√60 = .037 for p; √(2/9 / 75) / √60 = .007 for the accuracy
    assert (abs(p.mean(0) - 0.5) < 0.13).all()
    assert ((p < 0.05).mean(0) < 0.15).all()
    assert (abs(accuracy.mean(0) - 1 / 3) < 0.025).all()
    assert {run["chance"].iloc[0] for run in runs} == {1 / 3}


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(5)
    code = np.repeat([0, 1, 2], [75, 75, 15])
    truth = np.array([0.9, 0.6, 0.3])
    inside = []
    for _ in range(1000):
        right = rng.random(len(code)) < truth[code]
        value, low, high = balanced_accuracy(np.where(right, code, -1), code)
        assert low <= value <= high
        inside.append(low <= truth.mean() <= high)
    assert 0.94 <= np.mean(inside) <= 0.99


def test_the_mean_of_recalls_counts_groups_alike():
    code = np.array([0] * 8 + [1, 1])
    assert balanced_accuracy(np.zeros(10, int), code)[0] == 0.5  # all in the large group: 100 % and 0 %


def test_a_probe_that_is_tested_on_the_faces_it_was_taught_finds_what_is_not_there():
    from judge.fairness.probes import _read, _Turned

    rng = np.random.default_rng(6)
    x, code = rng.normal(size=(120, 20)), np.arange(120) % 2
    same = _read("two_layer", _Turned.of(x, x), code, 0)
    assert balanced_accuracy(same, code)[0] > 0.9
    assert abs(told(x, code).loc["two_layer", "balanced_accuracy"] - 0.5) < 0.2


def test_who_cannot_be_used_is_counted():
    x = np.random.default_rng(7).normal(size=(43, 1))
    group = np.array(["a", "b"] * 20 + ["c"] * 3, object)
    x[0], group[1] = np.nan, None
    found = probe(x, group)
    assert found["n_excluded"].tolist() == [5, 5, 5]  # no number, no group, three of a group of three
    assert found["probe"].tolist() == list(PROBES)
    assert set(found["chance"]) == {0.5}


def test_a_seed_repeats_and_a_constant_score_tells_nothing():
    x = np.random.default_rng(8).normal(size=(80, 1))
    assert probe(x, halves(80), seed=3).equals(probe(x, halves(80), seed=3))
    constant = probe(np.ones((80, 1)), halves(80))
    assert constant["balanced_accuracy"].tolist() == [0.5, 0.5, 0.5]
    assert (constant["p_value"] == 1).all()


@pytest.mark.parametrize(
    ("x", "groups", "words"),
    [
        (np.zeros(8), halves(8), "at least one column"),
        (np.zeros((8, 0)), halves(8), "at least one column"),
        (np.zeros((8, 1)), halves(6), "a group for each of the 8 rows"),
        ([["x"]] * 8, halves(8), "to be numbers"),
        (np.zeros((8, 1)), ["a"] * 8, "there are a 8"),
        (np.zeros((9, 1)), ["a"] * 6 + ["b"] * 3, "there are a 6, b 3"),
        (np.full((8, 1), np.inf), halves(8), "nobody"),
    ],
)
def test_what_no_probe_can_read_is_refused_in_words(x, groups, words):
    with pytest.raises(InputError, match=words):
        probe(x, groups)


def test_confidence_is_checked():
    with pytest.raises(InputError, match="confidence"):
        probe(np.zeros((8, 1)), halves(8), confidence=95)
