"""What a condition may say, its short forms, and what is refused before any work."""

import pytest

from judge.errors import InputError
from judge.experiment.conditions import conditions_of, expanded, packaged_or_own
from judge.mitigation.pools import Redraw, Reweight
from judge.mitigation.scores import StandardiseWithin

REDRAW = {"_target_": "judge.mitigation.pools.Redraw"}
WITHIN = {"_target_": "judge.mitigation.scores.StandardiseWithin"}


def made(conditions):
    return conditions_of(expanded(conditions, packaged_or_own))


def test_the_first_is_the_baseline_and_the_order_is_kept():
    conditions = made({"z": {}, "a": {"pool": REDRAW}, "m": {"trained_as": "a", "scores": WITHIN}})
    assert list(conditions) == ["z", "a", "m"]
    assert isinstance(conditions["a"].pool, Redraw)
    assert isinstance(conditions["m"].scores, StandardiseWithin)
    assert [c.trained_as for c in conditions.values()] == [None, None, "a"]


@pytest.mark.parametrize(
    "value", ["reweight", {"pool": "reweight"}, {"_target_": "judge.mitigation.pools.Reweight"}]
)
def test_a_method_may_be_given_by_name_at_a_seam_or_alone(value):
    assert isinstance(made({"base": {}, "other": value})["other"].pool, Reweight)


def test_a_condition_that_trains_nothing_of_its_own_uses_the_judge_of_the_baseline():
    conditions = made({"base": {}, "within": "standardise_within", "gate_off": {"jury": {"gate": None}}})
    assert conditions["within"].trained_as == conditions["gate_off"].trained_as == "base"
    assert conditions["gate_off"].jury == {"gate": None}


def test_a_gate_may_be_named_and_a_bare_off_of_yaml_is_the_gate_of_that_name():
    named, bare = (made({"base": {}, "x": {"jury": {"gate": g}}})["x"].jury["gate"] for g in ("off", False))
    assert named == bare
    assert named["_target_"] == "judge.jury.gate.Gate"
    assert named["min_luminance"] is None


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"base": {}, "x": {"pols": REDRAW}}, ["conditions.x", "'pols'", "'pool'"]),
        ({"base": {}, "x": {"trained_as": "bose", "scores": WITHIN}}, ["conditions.x.trained_as='bose'", "'base'"]),
        ({"base": {}, "x": {"trained_as": "x", "scores": WITHIN}}, ["circle", "x → x"]),
        (
            {"a": {}, "b": {"trained_as": "c", "scores": WITHIN}, "c": {"trained_as": "b", "scores": WITHIN}},
            ["circle", "b → c → b"],
        ),
        ({"base": {}, "x": {}}, ["conditions.x changes nothing", "base"]),
        ({"base": {}, "x": {"trained_as": "base"}}, ["conditions.x changes nothing"]),
        ({"base": {}, "x": {"jury": {}}}, ["conditions.x changes nothing"]),
        ({"base": {}, "x": {"pool": REDRAW}, "y": {"pool": REDRAW}}, ["conditions.y", "the same as conditions.x"]),
        ({"base": {}, "x": {"trained_as": "base", "pool": REDRAW}}, ["trained_as=base", "'pool'", "not both"]),
        ({"base": {}, "x": {"pool": WITHIN}}, ["conditions.x.pool", "the seam scores"]),
        ({"base": {}, "x": {"pool": "no_such"}}, ["'no_such'", "'redraw'"]),
        ({"base": {}, "x": {"pool": {"_target_": "judge.no.Such"}}}, ["judge.no.Such", "cannot be found"]),
        ({"base": {}, "x": {"scores": {"_target_": "pathlib.Path"}}}, ["pathlib.Path", "seam"]),
        ({"base": {}, "x": {"jury": {"robots": {}}}}, ["conditions.x.jury", "'robots'", "'gate'"]),
        ({"base": {}, "truth": {"pool": REDRAW}}, ["conditions.truth"]),
        ({"base": {}, "a/b": {"pool": REDRAW}}, ["conditions.a/b", "letters"]),
        ({"base": {"scores": WITHIN}, "x": {"pool": REDRAW}}, ["conditions.base", "the baseline", "'scores'"]),
        ({"base": {"trained_as": "x"}, "x": {"scores": WITHIN}}, ["conditions.base", "the baseline", "'trained_as'"]),
        ({"base": {}, "x": {"trained_as": ["base"], "scores": WITHIN}}, ["conditions.x.trained_as=['base']"]),
        (
            {"base": {}, "x": {"scores": WITHIN}, "y": {"trained_as": "base", "scores": WITHIN}},
            ["conditions.y", "the same as conditions.x"],
        ),
        ({"base": {}, "x": "redraw", "y": {"pool": REDRAW | {"shares": None}}}, ["the same as conditions.x"]),
        ({"base": {}, "x": {"pool": REDRAW | {"sharess": 1}}}, ["conditions.x.pool", "sharess"]),
        ({}, ["the baseline first"]),
        (["skewed"], ["the baseline first", "skewed"]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_named(conditions, words):
    with pytest.raises(InputError) as error:
        made(conditions)
    for word in words:
        assert word in str(error.value)


def test_settings_of_a_method_that_cannot_be_are_told_by_the_method():
    with pytest.raises(InputError, match=r"conditions\.x\.scores: .*centre=false and spread=false"):
        made({"base": {}, "x": {"scores": WITHIN | {"centre": False, "spread": False}}})


def test_a_condition_may_use_the_judge_of_one_that_stands_after_it():
    conditions = made({"base": {}, "x": {"trained_as": "y", "scores": WITHIN}, "y": "reweight"})
    assert conditions["x"].trained_as == "y"
