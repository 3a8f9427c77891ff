"""Changes of a sweep, counted by hand: paired by seed, one thing at a time."""

import numpy as np
import pytest

from judge.errors import InputError
from judge.fairness.contests import Contests
from judge.fairness.effects import Arms, arms, changes

PEOPLE = ["a1", "a2", "b1", "b2"]
GROUPS = ["a", "a", "b", "b"]


def held(winners, *, people=lambda seed: PEOPLE):
    """Contests of two places; winners: (seed, setting, condition) → the two who won."""
    contests = Contests()
    for key, won in winners.items():
        order = sorted(PEOPLE, key=lambda name: name not in won)
        rank = [order.index(name) + 1 for name in PEOPLE]
        flags = [name in won for name in PEOPLE]
        contests.add(key, people(key[0]), GROUPS, ["all"] * 4, rank, flags, [0.0] * 4)
    return contests


def shares(setting, condition, counts):
    """Winners of group a by seed: 0, 1 or 2 of two."""
    won = {0: ["b1", "b2"], 1: ["a1", "b1"], 2: ["a1", "a2"]}
    return {(seed, setting, condition): won[n] for seed, n in enumerate(counts)}


def test_a_change_is_the_mean_of_the_differences_within_seeds():
    winners = shares("even", "as judged", [2, 1, 2, 1]) | shares("skewed", "as judged", [1, 0, 1, 1])
    found = Arms.of(held(winners), "a")
    table = changes(found, setting="even", condition="as judged")
    assert table["value"].tolist() == [pytest.approx(-(0.5 + 0.5 + 0.5 + 0) / 4)]
    # of the 2⁴ signs of (½, ½, ½, 0) four give a sum as large
    assert table["p_value"].item() == pytest.approx(4 / 16)
    assert arms(found)["value"].tolist() == pytest.approx([0.75, 0.375])


def test_each_condition_is_held_against_the_baseline_of_its_own_setting_and_settings_against_the_first():
    winners = {}
    for setting, counts in (("even", [2, 2, 1]), ("skewed", [1, 0, 0])):
        winners |= shares(setting, "as judged", counts) | shares(setting, "cured", [2, 2, 2])
    table = changes(Arms.of(held(winners), "a"), setting="even", condition="as judged")
    told = table.set_index(["what", "setting", "condition"])["value"].to_dict()
    assert told == {
        ("setting", "skewed", "as judged"): pytest.approx((0.5 - 1 + 0 - 1 + 0 - 0.5) / 3),
        ("condition", "even", "cured"): pytest.approx((0 + 0 + 0.5) / 3),
        ("condition", "skewed", "cured"): pytest.approx((0.5 + 1 + 1) / 3),
    }


def test_a_seed_that_lacks_one_of_the_two_arms_is_left_out_of_that_change():
    winners = shares("even", "as judged", [2, 1, 2, 0]) | shares("skewed", "as judged", [1, 0, 1])
    table = changes(Arms.of(held(winners), "a"), setting="even", condition="as judged")
    assert (table["n"].item(), table["value"].item()) == (3, pytest.approx(-0.5))


def test_where_seeds_have_contestants_of_their_own_the_interval_over_seeds_is_the_whole_answer():
    winners = shares("even", "as judged", [2, 1, 2, 1]) | shares("skewed", "as judged", [1, 0, 1, 1])
    apart = held(winners, people=lambda seed: [f"{name} of {seed}" for name in PEOPLE])
    row = changes(Arms.of(apart, "a"), setting="even", condition="as judged").iloc[0]
    assert row["contestants"] == "redrawn"
    assert (row["ci_people_low"], row["ci_people_high"]) == (row["ci_low"], row["ci_high"])


def test_people_who_stand_for_others_widen_the_interval_of_an_arm():
    row = arms(Arms.of(held(shares("even", "as judged", [2, 1, 1, 1, 0, 1])), "a")).iloc[0]
    assert row["contestants"] == "same"
    assert row["ci_people_low"] < row["ci_low"] < row["value"] < row["ci_high"] < row["ci_people_high"]


def test_two_seeds_have_a_mean_and_no_interval():
    winners = shares("even", "as judged", [2, 1]) | shares("skewed", "as judged", [1, 0])
    row = changes(Arms.of(held(winners), "a"), setting="even", condition="as judged").iloc[0]
    assert row["value"] == pytest.approx(-0.5)
    assert np.isnan(
        row[["ci_low", "ci_high", "ci_people_low", "ci_people_high", "p_value"]].astype(float)
    ).all()


def test_a_group_of_nobody_and_an_arm_that_is_not_there_are_refused():
    contests = held(shares("even", "as judged", [1, 1, 1]))
    with pytest.raises(InputError, match="nobody who entered is of that group; 'a', 'b'"):
        Arms.of(contests, "c")
    with pytest.raises(InputError, match="no arm"):
        changes(Arms.of(contests, "a"), setting="skewed", condition="as judged")
