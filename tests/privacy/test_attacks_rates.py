"""Rates of an attack, by hand: thresholds, exact intervals, what chance finds, what too few people cannot say."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from judge.errors import InputError
from judge.privacy.attacks import attack_rates, group_differences, roc, threshold_at

OUTSIDE = np.arange(20.0)  # scores of 20 non-members
INSIDE = np.array([30.0, 9.5, 9.0])


def one_target(**how):
    scores = np.concatenate([OUTSIDE, INSIDE])
    return attack_rates(scores, np.arange(23) >= 20, fprs=[0.5], **how)


def test_members_above_the_threshold_of_the_non_members():
    row = one_target().iloc[0]
    # 10 false alarms are allowed: above 9, which the last member does not exceed
    assert threshold_at(OUTSIDE, 0.5) == 9
    assert (row["members"], row["non_members"], row["found"], row["false_alarms"]) == (3, 20, 2, 10)
    exact = stats.binomtest(2, 3).proportion_ci(method="exact")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((exact.low, exact.high))
    assert row["tpr"] == pytest.approx(2 / 3)
    # pairs in which the member is higher, ties counted half: 20 + 10 + 9.5 of 60
    assert row["auc"] == pytest.approx(39.5 / 60)


def test_chance_is_that_of_drawing_both_from_one_urn():
    row = one_target().iloc[0]
    # members drawn before the 11th non-member
    urn = stats.nhypergeom(23, 3, 11)
    assert row["p_value"] == pytest.approx(urn.sf(1))
    assert (row["chance_low"], row["chance_high"]) == pytest.approx((urn.ppf(0.025) / 3, urn.ppf(0.975) / 3))


def test_chance_covers_what_membership_by_coin_gives():
    rng = np.random.default_rng(0)
    rows = pd.concat(
        [attack_rates(rng.normal(size=400), rng.random(400) < 0.5, fprs=[0.1]) for _ in range(200)]
    )
    inside = (rows["chance_low"] <= rows["tpr"]) & (rows["tpr"] <= rows["chance_high"])
    assert inside.mean() > 0.92
    assert 0.01 < (rows["p_value"] < 0.05).mean() < 0.09


def test_one_score_for_all_finds_nobody():
    row = attack_rates(np.zeros(60), np.arange(60) < 30, fprs=[0.5]).iloc[0]
    assert (row["found"], row["false_alarms"], row["auc"]) == (0, 0, 0.5)


def test_too_few_non_members_are_said():
    scores, members = np.arange(1500.0), np.arange(1500) % 3 == 0
    table = attack_rates(scores, members)
    known = table.set_index("fpr")
    assert known.loc[0.01, "note"] == "" and not np.isnan(known.loc[0.01, "tpr"])
    assert known.loc[0.001, "note"] == "needs 10,000 non-members, has 1,000, enough for 0.01"
    assert np.isnan(known.loc[0.001, ["tpr", "ci_low", "chance_low"]].astype(float)).all()


def test_several_targets_are_told_both_ways():
    scores = np.stack([np.concatenate([OUTSIDE, INSIDE]), np.concatenate([OUTSIDE, INSIDE - 100])])
    members = np.tile(np.arange(23) >= 20, (2, 1))
    table = attack_rates(scores, members, fprs=[0.5]).set_index("scope")
    assert table.loc[["0", "1"], "found"].tolist() == [2, 0]
    assert table.loc["all targets", "found"] == 2 and table.loc["all targets", "members"] == 6
    mean = table.loc["over targets"]
    # shares 2/3 and 0: mean 1/3, standard error 1/3, Student's quantile with one degree of freedom 12.706
    assert (mean["tpr"], mean["ci_high"]) == pytest.approx((1 / 3, 1 / 3 + 12.706 / 3), rel=1e-3)
    assert mean["targets"] == 2


def test_groups_share_the_threshold_of_all():
    groups = np.array(["a"] * 10 + ["b"] * 10 + ["a", "b", "b"])
    table = one_target(groups=groups).set_index("group")
    assert table.loc["a", ["members", "found", "false_alarms"]].tolist() == [1, 1, 0]
    assert table.loc["b", ["members", "found", "false_alarms"]].tolist() == [2, 1, 10]
    assert np.isnan(table.loc["a", "chance_low"])
    differences = group_differences(
        np.concatenate([OUTSIDE, INSIDE]), np.arange(23) >= 20, groups, fpr=0.5
    ).set_index("group")
    assert differences.loc["a", "difference"] == pytest.approx(1 - 1 / 2)
    assert differences.loc["b", "difference"] == pytest.approx(1 / 2 - 1)
    assert np.isnan(differences.loc["a", "over_low"])


def test_the_curve_rises_from_one_false_alarm_to_all():
    curve = roc(np.concatenate([OUTSIDE, INSIDE]), np.arange(23) >= 20)
    assert (np.diff(curve["fpr"]) > 0).all() and (np.diff(curve["tpr"]) >= 0).all()
    assert curve.iloc[0].tolist() == pytest.approx([1 / 20, 1 / 3])
    assert curve.iloc[-1].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"scores": [1.0, 2], "members": [1, 0]}, "members is bool"),
        ({"scores": [1.0, 2], "members": [True, True]}, "members and non-members"),
        ({"scores": [1.0, np.nan], "members": [True, False]}, "some are missing"),
        ({"scores": [1.0, 2], "members": [True, False], "fprs": [1.0]}, "between 0 and 1"),
        ({"scores": [1.0, 2], "members": [True, False], "fprs": []}, "between 0 and 1"),
        ({"scores": [1.0, 2], "members": [True, False], "groups": ["a"]}, "each of 2 people"),
        ({"scores": [1.0, 2], "members": [True, False], "confidence": 95}, "confidence=95"),
    ],
)
def test_what_cannot_be_counted_is_refused(how, words):
    with pytest.raises(InputError, match=words):
        attack_rates(**how)
