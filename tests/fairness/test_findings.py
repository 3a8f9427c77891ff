"""What an audit finds is what its table holds, wherever in the table it stands."""

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.fairness.audit import audit
from judge.fairness.findings import findings


def rows(*given):
    """An audit table of (metric, group, value, low, high, p, adjusted p) and columns by name."""
    names = ("metric", "group", "value", "ci_low", "ci_high", "p_value", "p_adjusted")
    table = pd.DataFrame(
        [dict(zip(names, row[:7], strict=True)) | (row[7] if len(row) > 7 else {}) for row in given]
    )
    defaults = {"feature": "g", "score_column": "s", "bracket": "all", "reference": "all others", "n": 100,
                "primary": False, "test": "mann_whitney", "interval": "", "flag": ""}  # fmt: skip
    for name, value in defaults.items():
        table[name] = value if name not in table else table[name].where(table[name].notna(), value)
    return table


PRIMARY = (
    "winner_share",
    "a",
    0.6,
    0.3,
    0.8,
    0.4,
    0.4,
    {"primary": True, "test": "stratified_exact", "n": 20},
)


def by_kind(table, **options):
    return {found.kind: found for found in findings(table, **options)}


@pytest.fixture(scope="module")
def planted():
    """600 people of three groups; the judge gives b half a point less than people do, and 16 win."""
    rng = np.random.default_rng(8)
    group = rng.choice(["a", "b", "c"], 600, p=[0.6, 0.25, 0.15])
    rating = rng.normal(5, 1, 600)
    people = pd.DataFrame({"group": group, "rating": rating, "gender": rng.choice(["f", "m"], 600)})
    people["score"] = rating + rng.normal(0, 0.6, 600) - 0.5 * (group == "b")
    return audit(people, features="group", score="score", rating="rating", brackets="gender", places=8,
                 n_permutations=999)  # fmt: skip


def test_half_a_point_that_moves_no_selection_result_is_found(planted):
    selected = planted[
        planted["metric"].isin(["winner_share", "selection_rate_ratio", "winners_against_chance"])
    ]
    assert (selected["p_value"] > 0.7).all()
    found = by_kind(planted)
    (only,) = found["survives"].rows
    assert (only["metric"], only["group"]) == ("outrank_probability", "b")
    assert only["value"] == pytest.approx(0.407, abs=0.005) and only["p_adjusted"] < 0.01
    error = found["error"].rows[0]
    assert error["group"] == "b" and error["value"] == pytest.approx(-0.475, abs=0.001)


def test_a_result_survives_where_its_adjusted_p_is_at_most_the_level_and_the_smallest_comes_first():
    table = rows(
        PRIMARY,
        ("outrank_probability", "a", 0.55, 0.5, 0.6, 0.02, 0.0501),
        ("outrank_probability", "b", 0.40, 0.3, 0.5, 0.01, 0.05),
        ("outrank_probability", "c", 0.52, 0.4, 0.6, 0.5, 1.0),
        ("ndkl", "all groups", 0.2, np.nan, np.nan, 0.002, 0.01, {"test": "permutation"}),
    )
    survives = by_kind(table)["survives"]
    assert [row["metric"] for row in survives.rows] == ["ndkl", "outrank_probability"]
    assert survives.rows[1]["group"] == "b"
    assert survives.facts["tests"] == 4
    assert [row["metric"] for row in by_kind(table, confidence=0.99)["survives"].rows] == ["ndkl"]


def test_where_none_survives_that_is_said_with_the_nearest():
    table = rows(
        PRIMARY,
        ("outrank_probability", "b", 0.45, 0.3, 0.6, 0.2, 0.6),
        ("ndkl", "all groups", 0.1, 0, 0, 0.5, 1),
    )
    found = by_kind(table)
    assert "survives" not in found
    assert found["none_survives"].rows[0]["group"] == "b" and found["none_survives"].facts["tests"] == 2


def test_the_primary_contrast_is_no_other_result():
    table = rows((*PRIMARY[:5], 0.001, 0.001, PRIMARY[7]))
    assert [found.kind for found in findings(table)] == ["primary"]


def test_rows_that_carry_one_test_are_one_result_told_by_the_ratio():
    one = {"test": "stratified_exact"}
    table = rows(
        PRIMARY,
        ("winner_share", "b", 0.1, 0, 0.2, 0.001, 0.003, one),
        ("selection_rate_ratio", "b", 0.3, 0.1, 0.6, 0.001, 0.003, one),
    )
    assert [row["metric"] for row in by_kind(table)["survives"].rows] == ["selection_rate_ratio"]


def test_the_largest_error_is_the_largest_and_beside_it_the_largest_that_is_sure():
    table = rows(
        ("signed_error", "tiny", 0.9, -0.4, 2.2, np.nan, np.nan, {"n": 2}),
        ("signed_error", "b", -0.5, -0.6, -0.4, np.nan, np.nan),
        ("signed_error", "c", 0.1, 0.05, 0.2, np.nan, np.nan),
        ("signed_error", "d", np.nan, np.nan, np.nan, np.nan, np.nan, {"n": 0}),
    )
    error = by_kind(table)["error"]
    assert [row["group"] for row in error.rows] == ["tiny", "b"]
    assert (error.facts["others_low"], error.facts["others_high"], error.facts["groups"]) == (-0.5, 0.1, 3)


def test_each_score_has_its_own_largest_error():
    table = rows(
        ("signed_error", "a", -0.5, -0.6, -0.4, np.nan, np.nan, {"score_column": "one"}),
        ("signed_error", "b", 0.1, 0.0, 0.2, np.nan, np.nan, {"score_column": "one"}),
        ("signed_error", "b", 0.3, 0.2, 0.4, np.nan, np.nan, {"score_column": "two"}),
    )
    errors = [found for found in findings(table) if found.kind == "error"]
    assert [(found.rows[0]["score_column"], found.rows[0]["group"]) for found in errors] == [
        ("one", "a"),
        ("two", "b"),
    ]


def test_people_without_a_score_are_told_by_group_and_reason():
    table = rows(
        ("missing_score_share", "a", 0.0, 0, 0.03, np.nan, np.nan),
        ("missing_score_share", "b", 0.6, 0.5, 0.7, 1e-9, 1e-8),
        ("not_eligible_share", "a", 0.0, 0, 0.03, np.nan, np.nan),
    )
    refused, missing = (found for found in findings(table) if found.kind == "absent")
    assert missing.rows[0]["group"] == "b"
    assert (missing.facts["people"], missing.facts["of"]) == (60, 200)
    assert refused.facts["people"] == 0


def test_brackets_that_differ_are_told_and_those_that_do_not_are_not():
    def differing(adjusted):
        row = ("homogeneity_over_brackets", "b", np.nan, np.nan, np.nan, 0.001, adjusted)
        return by_kind(rows(PRIMARY, row))

    found = differing(0.004)
    assert found["brackets_differ"].rows[0]["group"] == "b"
    assert found["survives"].rows[0]["metric"] == "homogeneity_over_brackets"  # it is a result like any other
    assert set(differing(0.2)) == {"primary", "none_survives"}


def test_of_two_groups_a_result_and_its_complement_are_one():
    table = rows(
        ("entrant_share", "a", 0.5, np.nan, np.nan, np.nan, np.nan),
        ("entrant_share", "b", 0.5, np.nan, np.nan, np.nan, np.nan),
        PRIMARY,
        ("winner_share", "b", 0.4, 0.2, 0.7, 0.4, 0.4, {"family": "primary", "test": "stratified_exact"}),
        ("outrank_probability", "a", 0.7, 0.6, 0.8, 0.001, 0.001),
        ("outrank_probability", "b", 0.3, 0.2, 0.4, 0.001, 0.001),
    )
    survives = by_kind(table)["survives"]
    assert len(survives.rows) == 1 and survives.facts["tests"] == 1


def test_a_table_without_extra_columns_or_tests_has_no_findings():
    table = pd.DataFrame({"metric": ["mean_score"], "feature": ["g"], "group": ["a"], "value": [1.0], "n": [3],
                          "ci_low": [0.0], "ci_high": [2.0], "p_value": [np.nan], "test": [""]})  # fmt: skip
    assert findings(table) == []


def test_a_confidence_out_of_range_is_refused():
    with pytest.raises(InputError):
        findings(rows(PRIMARY), confidence=1.5)
