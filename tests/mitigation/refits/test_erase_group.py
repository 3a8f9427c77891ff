"""The group erased from what the head reads: no mean differs where it was erased, and nothing outside is read."""

import numpy as np
import pandas as pd
import pytest
from shown_features import ShownFeatures
from sklearn.linear_model import LogisticRegression

from judge.errors import InputError
from judge.fairness.probes import probe
from judge.mitigation.refits import EraseGroup
from judge.mitigation.refits.erase_group import erasing, principal_directions

NAMES = [f"x{k}" for k in range(30)]
EVEN = (1 / 3, 1 / 3, 1 / 3)


def people(n, seed, shares=EVEN):
    """30 features of 8 causes; three groups lie apart in all of them; rated by a cause, and a point less in group c."""
    rng = np.random.default_rng(seed)
    ways = np.random.default_rng(99)
    group = np.repeat(["a", "b", "c"], np.round(np.array(shares) * n).astype(int))
    mean = {name: ways.normal(size=30) for name in "abc"}
    cause = rng.normal(size=(n, 8))
    x = cause @ ways.normal(size=(8, 30)) + np.array([mean[g] for g in group]) + rng.normal(0, 0.5, (n, 30))
    table = pd.DataFrame(x, columns=NAMES).assign(rating=5 + cause[:, 0] - (group == "c"), ethnicity=group)
    return table.assign(image_id=[f"{seed}-{i}" for i in range(n)], cause=cause[:, 0])


POOL, HELD_OUT, OTHERS = people(300, 0, (0.6, 0.3, 0.1)), people(300, 1), people(600, 2)


def refitted(method, judge=None, held_out=HELD_OUT):
    judge = ShownFeatures(NAMES).fit(POOL) if judge is None else judge
    return method(judge, POOL, held_out=held_out, feature="ethnicity", rng=np.random.default_rng(0))


def apart(x, group):
    """The largest difference of two groups' means, in the features' spread."""
    means = np.array([x[group == name].mean(0) for name in "abc"])
    return float(np.ptp(means, axis=0).max() / x.std())


@pytest.mark.parametrize(
    "whose, of", [("held_out", [HELD_OUT]), ("pool", [POOL]), ("both", [POOL, HELD_OUT])]
)
def test_where_it_was_fitted_all_groups_have_one_mean_and_no_linear_classifier_beats_a_constant(whose, of):
    judge = refitted(EraseGroup(dimensions=12, people=whose), held_out=None if whose == "pool" else HELD_OUT)
    fitted = pd.concat(of, ignore_index=True)
    x, group = judge.read(fitted)[0], fitted["ethnicity"].to_numpy()
    assert x.shape[1] == 12
    assert apart(x, group) < 1e-6
    assert apart(fitted[NAMES].to_numpy(), group) > 1
    # theorem 3.1: the best that a linear classifier can do is to say the same of everybody
    best = LogisticRegression(C=1e6, max_iter=2000).fit(x, group)
    shares = fitted["ethnicity"].value_counts(normalize=True).sort_index().to_numpy()
    np.testing.assert_allclose(best.predict_proba(x), np.tile(shares, (len(x), 1)), atol=1e-3)


def test_a_fresh_probe_reads_the_group_of_others_before_and_hardly_after():
    seen = [
        probe(judge.read(OTHERS)[0], OTHERS["ethnicity"])
        .set_index("probe")
        .loc["linear", "balanced_accuracy"]
        for judge in (ShownFeatures(NAMES).fit(POOL), refitted(EraseGroup(dimensions=12)))
    ]
    assert seen[0] > 0.9
    assert seen[1] < 0.45


def test_scores_no_longer_follow_the_group_and_still_follow_the_cause():
    gap = []
    for judge in (ShownFeatures(NAMES).fit(POOL), refitted(EraseGroup(dimensions=12))):
        score = judge.score(OTHERS)[0]["score"]
        means = score.groupby(OTHERS["ethnicity"]).mean()
        gap.append(abs(means["a"] - means["c"]))
        assert np.corrcoef(score, OTHERS["cause"])[0, 1] > 0.8
    assert gap[0] > 0.5
    assert gap[1] < gap[0] / 3


def test_nothing_is_read_outside_the_directions_and_those_between_the_groups_are_gone():
    basis = refitted(EraseGroup(dimensions=12)).projection.basis
    # the means of three groups lie in a plane: two of twelve directions
    assert np.linalg.matrix_rank(basis, tol=1e-8 * np.abs(basis).max()) == 10


def test_a_judge_that_is_erased_twice_reads_what_the_second_time_leaves():
    once = refitted(EraseGroup(dimensions=12))
    first = once.score(OTHERS)[0]["score"]
    twice = refitted(EraseGroup(dimensions=8), once)
    assert twice.read(OTHERS)[0].shape == (600, 8)
    both = np.concatenate([POOL["ethnicity"], HELD_OUT["ethnicity"]])
    assert apart(twice.read(pd.concat([POOL, HELD_OUT]))[0], both) < 1e-6
    assert np.corrcoef(twice.score(OTHERS)[0]["score"], first)[0, 1] > 0.9


def test_held_out_ratings_do_not_matter_and_people_of_no_group_erase_nothing():
    method = EraseGroup(dimensions=12, people="held_out")
    blind = refitted(method, held_out=HELD_OUT.assign(rating=np.nan))
    np.testing.assert_array_equal(blind.head.weight, refitted(method).head.weight)
    odd = pd.concat([HELD_OUT, people(60, 5).assign(ethnicity=None)])
    assert apart(refitted(method, held_out=odd).read(HELD_OUT)[0], HELD_OUT["ethnicity"].to_numpy()) < 1e-6


@pytest.mark.parametrize("shape", [(40, 9), (9, 40)])
def test_principal_directions_are_those_of_the_singular_value_decomposition(shape):
    x = np.random.default_rng(0).normal(size=shape)
    x -= x.mean(0)
    found = principal_directions(x, 5)
    expected = np.linalg.svd(x, full_matrices=False)[2][:5].T
    np.testing.assert_allclose(np.abs(found.T @ expected), np.eye(5), atol=1e-9)
    # nine centred rows span eight directions
    assert principal_directions(x, 99).shape[1] == (8 if shape[0] == 9 else 9)


def test_a_small_difference_of_a_rare_group_is_erased_too():
    rng = np.random.default_rng(0)
    group = np.array(["a"] * 1996 + ["b"] * 4)
    x = rng.normal(size=(2000, 3)) + 0.1 * (group == "b")[:, None]
    x -= x.mean(0)
    left = x @ erasing(x, group)
    assert np.abs(left[group == "b"].mean(0) - left[group == "a"].mean(0)).max() < 1e-9


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"people": "all"}, "held_out, pool or both"),
        ({"dimensions": 1}, "at least 2"),
        ({"penalties": [0]}, "over 0"),
    ],
)
def test_wrong_settings_are_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        EraseGroup(**wrong)


def test_people_who_are_too_few_are_refused():
    assert EraseGroup().needs_held_out and not EraseGroup(people="pool").needs_held_out
    with pytest.raises(InputError, match="with 3 groups dimensions is at least 3"):
        EraseGroup(dimensions=2).check(POOL, HELD_OUT, feature="ethnicity")
    with pytest.raises(InputError, match=r"at least 3 .*people=pool.*'c': 2"):
        EraseGroup(people="pool").check(POOL.iloc[:272], None, feature="ethnicity")
    with pytest.raises(InputError, match="300 people to fit the eraser on and 400 dimensions"):
        EraseGroup(dimensions=400, people="held_out").check(POOL, HELD_OUT, feature="ethnicity")
    with pytest.raises(InputError, match="20 people to fit the eraser on and 20 dimensions"):
        erasing(np.random.default_rng(0).normal(size=(20, 20)), np.array(["a", "b"] * 10))
