"""Attacks by shadow trainings, on toys whose best attack is known in closed form."""

import numpy as np
import pytest
from scipy import stats

from judge.errors import InputError
from judge.privacy.attacks import (
    ATTACKS,
    Trainings,
    attack,
    attack_rates,
    balanced_members,
    bavaria,
    coin_members,
    lira,
    rmia,
    small_error,
    trained,
)

FPR = 0.01


def toy(shadows, *, people=2000, targets=5, seed=0, shift=1.5, spread=1.0):
    """Errors of a person: normal around a mean of their own, less `shift` if the judge was trained on them."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(4, 1, people)  # far from 0 for all: who is in moves towards it

    def errors(members):
        return Trainings(members, mean - shift * members + rng.normal(0, spread, members.shape))

    return errors(coin_members(people, targets, rng)), errors(balanced_members(people, shadows, rng))


def found(name, targets, shadows, fpr=FPR):
    table = attack_rates(attack(name, targets.errors, shadows), targets.members, fprs=[fpr])
    return table[table["scope"] == "all targets"].iloc[0]


@pytest.mark.parametrize("name", ["LiRA", "LiRA offline", "BaVarIA", "BaVarIA offline"])
def test_many_shadows_reach_the_best_attack_there_is(name):
    # two normal distributions 1.5 standard deviations apart: Φ(1.5 − z) at a rate of false alarms whose quantile is z
    best = stats.norm.cdf(1.5 - stats.norm.isf(FPR))
    targets, shadows = toy(512)
    row = found(name, targets, shadows)
    # the interval of the share of members, wider by what the threshold of 5,000 non-members is uncertain by
    slack = (
        stats.norm.pdf(1.5 - stats.norm.isf(FPR))
        / stats.norm.pdf(stats.norm.isf(FPR))
        * np.sqrt(FPR / 5000)
        * 2
    )
    assert row["ci_low"] - slack <= best <= row["ci_high"] + slack + 0.01  # 512 shadows know no mean exactly


def test_few_shadows_cost_and_own_variances_cost_most():
    targets, few = toy(4)
    assert found("BaVarIA", targets, few)["tpr"] > 5 * FPR
    own = attack_rates(lira(targets.errors, few, own_variance=True), targets.members, fprs=[FPR])
    pooled = attack_rates(lira(targets.errors, few, own_variance=False), targets.members, fprs=[FPR])
    last = [t[t["scope"] == "all targets"]["tpr"].item() for t in (own, pooled)]
    assert last[0] < last[1]
    assert lira(targets.errors, few) == pytest.approx(lira(targets.errors, few, own_variance=False))


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_finds_anything_where_membership_changes_nothing(name):
    targets, shadows = toy(16, shift=0.0, seed=3)
    row = found(name, targets, shadows)
    assert row["chance_low"] <= row["tpr"] <= row["chance_high"]
    assert abs(row["auc"] - 0.5) < 0.02


def test_a_person_by_hand():
    # errors with the person: 1 and 3, without: 5 and 7; the variances are 2 each
    shadows = Trainings(np.array([[True], [True], [False], [False]]), np.array([[1.0], [3], [5], [7]]))
    log_ratio = ((3 - 6) ** 2 - (3 - 2) ** 2) / (2 * 2)
    assert lira([[3.0]], shadows)[0, 0] == pytest.approx(log_ratio)
    assert lira([[3.0]], shadows, online=False)[0, 0] == pytest.approx((6 - 3) / np.sqrt(2))
    # a mean below 0 is moved upwards
    mirrored = Trainings(shadows.members, -shadows.errors)
    assert lira([[-3.0]], mirrored, online=False)[0, 0] == pytest.approx((6 - 3) / np.sqrt(2))
    assert small_error([[3.0]])[0, 0] == -9


def test_ratios_by_hand():
    members = np.array([[True, True], [True, True], [False, False], [False, False]])
    errors = np.array([[0.0, 0], [0, 0], [1, 1], [1, 1]])
    # the mean square error without a person is 1; the first's ratio is 1 over, the second's e^−½ over the same mean
    score = rmia([[0.0, 1.0]], Trainings(members, errors))
    assert score.tolist() == [[1.0, 0.5]]
    assert rmia([[0.0, 1.0]], Trainings(members, errors), gamma=1.01).tolist() == [[0.5, 0.0]]
    one = rmia([[0.0, 1.0]], Trainings(members, errors), population=np.array([False, True]))
    assert one.tolist() == [[1.0, 1.0]]


def test_one_variance_of_all_makes_the_bayesian_attack_the_pooled_one():
    targets, shadows = toy(64, people=500)
    pooled = lira(targets.errors, shadows, own_variance=False)
    assert np.corrcoef(bavaria(targets.errors, shadows).ravel(), pooled.ravel())[0, 1] > 0.99


def test_a_judge_that_passes_through_its_members_is_no_division_by_zero():
    rng = np.random.default_rng(0)
    members = balanced_members(50, 8, rng)
    shadows = Trainings(members, np.where(members, 0.0, rng.normal(size=members.shape)))
    inside = coin_members(50, 1, rng)
    for name in ("LiRA", "BaVarIA", "RMIA"):
        score = attack(name, np.where(inside, 0.0, 1.0), shadows)
        assert np.isfinite(score).all()
        assert score[inside].min() >= score[~inside].max()


def test_shadows_hold_each_person_in_half_of_them():
    members = balanced_members(30, 6, np.random.default_rng(1))
    assert (members.sum(axis=0) == 3).all()
    assert len({tuple(row) for row in members.T}) > 5


def test_trainings_are_told_who_is_in_and_what_is_off():
    members = np.array([[True, False, True]])
    seen = []

    def mean_of_members(inside, rng):
        seen.append(inside.copy())
        return np.full(3, np.array([1.0, 2, 5])[inside].mean())

    result = trained(mean_of_members, members, [1, 2, 5], np.random.default_rng(0))
    assert seen[0].tolist() == [True, False, True]
    assert result.errors.tolist() == [[2, 1, -2]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: balanced_members(9, 5, np.random.default_rng(0)), "shadows=5: an even number from 4"),
        (lambda: balanced_members(9, 2, np.random.default_rng(0)), "shadows=2"),
        (lambda: coin_members(9, 0, np.random.default_rng(0)), "targets=0"),
        (lambda: attack("loss", [[0.0]], None), "attack='loss'"),
        (lambda: Trainings(np.ones((2, 3)), np.ones((2, 3))), "members, bool"),
        (lambda: Trainings(np.ones((1, 1), bool), [[np.nan]]), "finite"),
        (lambda: lira([[0.0]], Trainings(np.array([[True], [True], [False]]), np.zeros((3, 1)))), "out of at least 2"),
        (lambda: lira([[0.0, 1.0]], toy(4, people=3)[1]), r"\(targets, 3 people\)"),
        (lambda: rmia(np.zeros((1, 3)), toy(4, people=3)[1], gamma=0), "gamma is over 0"),
        (
            lambda: trained(lambda m, r: np.zeros(3), np.ones((1, 3), bool), [1, np.nan, 2], np.random.default_rng(0)),
            "some have none",
        ),
        (
            lambda: trained(lambda m, r: np.zeros(2), np.ones((1, 3), bool), [1, 1, 2], np.random.default_rng(0)),
            "a score for each of 3",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_attacked_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
