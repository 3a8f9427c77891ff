import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.jury.faces.alignment import MEASURES
from judge.jury.gate import Gate, refusal_rates

GOOD = {
    "faces": 1, "face_score": 0.99, "other_face": 0.0, "eye_distance": 40.0, "yaw": 0.0, "pitch": 0.0, "roll": 0.0,
    "sharpness": 0.35, "focus": 300.0, "face_luminance": 0.3, "picture_luminance": 0.3, "clipped_dark": 0.0,
    "clipped_bright": 0.0,
}  # fmt: skip


def entry(**people):
    """measures and manifest of people, each a mapping of what differs from a good picture of a woman of 25."""
    measures, manifest = [], []
    for name, facts in people.items():
        row = GOOD | {k: v for k, v in facts.items() if k in MEASURES}
        measures.append({"image_id": name, "problem": None, **row})
        person = {"gender": "female", "age": 25.0, "age_group": "18-29", "ethnicity": "a"}
        manifest.append({"image_id": name, **person, **{k: v for k, v in facts.items() if k not in MEASURES}})
    return pd.DataFrame(measures), pd.DataFrame(manifest)


@pytest.mark.parametrize(
    ("rule", "facts", "value", "threshold"),
    [
        ("no face", dict.fromkeys(MEASURES, np.nan) | {"faces": 0}, 0, 1),
        ("unreadable", dict.fromkeys(MEASURES, np.nan), np.nan, np.nan),
        ("face uncertain", {"face_score": 0.4}, 0.4, 0.7),
        ("more than one face", {"other_face": 0.5}, 0.5, 0.25),
        ("not frontal", {"yaw": -40.0}, 40, 25),
        ("not frontal", {"pitch": 31.0}, 31, 30),
        ("too small", {"eye_distance": 10.0}, 10, 18),
        ("not sharp", {"sharpness": 0.1}, 0.1, 0.18),
        ("too dark", {"picture_luminance": 0.01}, 0.01, 0.02),
        ("too bright", {"picture_luminance": 0.9}, 0.9, 0.85),
        ("clipped", {"clipped_dark": 0.2, "clipped_bright": 0.2}, 0.4, 0.35),
        ("too young", {"age": 17.0}, 17, 18),
        ("too old", {"age": 70.0}, 70, 69),
    ],
)  # fmt: skip
def test_each_rule_refuses_what_it_names_and_logs_value_and_threshold(rule, facts, value, threshold):
    result = Gate()(*entry(good={}, bad=facts))
    assert result.admitted == ["good"]
    (row,) = result.refusals.to_dict("records")
    assert (row["image_id"], row["rule"], row["bracket"], row["first"]) == ("bad", rule, "female 18-29", True)
    assert row["value"] == pytest.approx(value, nan_ok=True)
    assert row["threshold"] == pytest.approx(threshold, nan_ok=True)


def test_a_value_at_the_threshold_is_admitted():
    assert Gate()(*entry(a={"eye_distance": 18.0, "yaw": 25.0, "age": 69.0})).admitted == ["a"]


def test_null_switches_a_rule_off():
    table = entry(a={"sharpness": 0.0, "yaw": 80.0})
    assert Gate().__call__(*table).admitted == []
    assert Gate(min_sharpness=None, max_yaw=None)(*table).admitted == ["a"]


def test_every_broken_rule_is_logged_and_the_first_is_the_reason():
    log = Gate()(*entry(a={"sharpness": 0.1, "picture_luminance": 0.001, "age": 12.0})).refusals
    assert log["rule"].tolist() == ["not sharp", "too dark", "too young"]
    assert log["first"].tolist() == [True, False, False]


def test_exposure_on_the_face_refuses_dark_skin_in_light_where_exposure_of_the_picture_does_not():
    table = entry(a={"face_luminance": 0.01, "picture_luminance": 0.3})
    assert Gate(exposure_by="face")(*table).admitted == []
    assert Gate(exposure_by="picture")(*table).admitted == ["a"]


def test_without_stated_age_the_predicted_one_must_keep_a_margin():
    table = entry(**{i: {"age": np.nan, "age_group": None} for i in "abcd"})
    predicted = pd.Series({"a": 22.9, "b": 23.1, "c": 64.5})
    result = Gate()(*table, predicted_age=predicted)
    assert result.admitted == ["b"]
    assert result.refusals["rule"].tolist() == ["too young", "too old", "age unknown"]
    assert Gate(unknown_age="admit")(*table, predicted_age=predicted).admitted == ["b", "d"]


def test_an_age_group_is_a_stated_age_and_one_that_reaches_below_18_is_refused():
    table = entry(
        a={"age": np.nan, "age_group": "20-29"},
        b={"age": np.nan, "age_group": "10-19"},
        c={"age": np.nan, "age_group": "60-69"},
    )
    assert Gate()(*table).admitted == ["a", "c"]


def test_refusal_rates_count_each_rule_and_any_by_group():
    people = {"a": {"yaw": 50.0}, "b": {"yaw": 50.0, "sharpness": 0.0}, "c": {}, "d": {"ethnicity": "z"}}
    measures, manifest = entry(**people)
    table = refusal_rates(Gate()(measures, manifest).refusals, manifest, by="ethnicity")
    rate = table.set_index(["rule", "ethnicity"])["rate"]
    assert rate["any", "a"] == pytest.approx(2 / 3)
    assert rate["any", "z"] == 0
    assert rate["not frontal", "a"] == pytest.approx(2 / 3)
    assert rate["not sharp", "a"] == pytest.approx(1 / 3)
    row = table[(table["rule"] == "any") & (table["ethnicity"] == "z")].iloc[0]
    assert row["ci_low"] == pytest.approx(0) and row["ci_high"] == pytest.approx(0.7935, abs=1e-3)


def test_a_picture_that_was_not_measured_is_an_error():
    measures, manifest = entry(a={}, b={})
    with pytest.raises(InputError, match="not measured"):
        Gate()(measures.head(1), manifest)


def test_a_misspelt_choice_is_named():
    with pytest.raises(InputError, match="exposure_by"):
        Gate(exposure_by="faces")


@pytest.mark.parametrize("min_age", [None, 12])
def test_no_gate_lets_minors_in(min_age):
    with pytest.raises(InputError, match="minors"):
        Gate(min_age=min_age)


def test_an_open_band_of_ages_states_a_lowest_age_and_no_highest():
    measures, people = entry(a={}, b={}, c={})
    bands = people.assign(age=np.nan, age_group=["more than 70", "70+", "60-69"])
    log = Gate()(measures, bands)
    assert log.admitted == ["c"]
    assert set(log.refusals["rule"]) == {"too old"}
