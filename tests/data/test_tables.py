"""Tables: what those of a run hold; on disk, Parquet keeps what is there, CSV is safe in a spreadsheet."""

import numpy as np
import pandas as pd
import pytest

from judge.data.tables import RANKING, RUN_TABLES, SCORES, validated, validated_run_table, write_table
from judge.errors import InputError

ROWS = {
    "manifest": {"path": "x.png", "rating": None, "rating_source": None, "source": "photo"},
    "membership": {"role": "train", "copies": 1, "weight": 1.0, "rating": None},
    "scores": {"judge": "beauty", "seed": 0, "score": 1.0},
    "ranking": {"bracket": "all", "score": 1.0, "rank": 1, "winner": True},
    "audit": {"metric": "m", "feature": "f", "group": "g", "value": 1.0, "n": 1, "ci_low": None, "ci_high": None,
              "p_value": None, "test": None},
    "brackets": {"bracket": "all", "entrants": 1, "places": 1, "winners": 1, "unfilled": 0},
    "unranked": {"reason": "no score"},
    "excluded": {"item": "x", "reason": "r", "detail": "", "dataset": "d"},
    "judges": {"n": 1, "score_low": 1.0, "score_high": 9.0, "scale_low": None, "scale_high": None, "off_scale": 0,
               "n_rated": 0, "agreement": None, "ci_low": None, "ci_high": None, "rated": "entrants"},
    "agreement": {"people": "calibration", "group": "all", "n": 1, "mse": 0.5, "mean_error": 0.1, "pearson": None},
    "probes": {"reads": "score", "probe": "linear", "n_train": 10, "n_test": 10, "n_excluded": 0,
               "balanced_accuracy": 0.5, "ci_low": 0.2, "ci_high": 0.8, "chance": 0.5, "shuffled": 0.4, "p_value": 0.9},
    "gate": {"rule": "too dark", "value": 0.1, "threshold": None, "first": True, "bracket": "all"},
    "gate_rates": {"rule": "any", "feature": "f", "group": "g", "n": 1, "refused": 0, "rate": 0.0, "ci_low": 0.0,
                   "ci_high": 0.9},
}  # fmt: skip
WITHOUT_CONDITION = ("manifest", "excluded")


def rows_of(name, **changes):
    """One entrant in two conditions, as the table has it."""
    table = pd.DataFrame(
        [ROWS[name] | {"image_id": "p0", "condition": condition} for condition in ("x", "y")]
    )
    if name in WITHOUT_CONDITION:
        table = table.drop(columns="condition").head(1)
    return table.assign(**changes)


def test_the_tables_of_a_run_are_all_here():
    assert set(RUN_TABLES) == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_an_entrant_may_be_in_each_condition_once(name):
    assert len(validated_run_table(name, rows_of(name))) == len(rows_of(name))
    assert len(validated_run_table(name, rows_of(name).head(0))) == 0


@pytest.mark.parametrize("name", [name for name in ROWS if name not in WITHOUT_CONDITION])
def test_every_row_of_a_run_says_its_condition(name):
    with pytest.raises(InputError, match=f"the {name} table lacks the column.s. 'condition'"):
        validated_run_table(name, rows_of(name).drop(columns="condition"))
    with pytest.raises(InputError, match="condition: not_nullable fails for 1 row"):
        validated_run_table(name, rows_of(name, condition=["x", None]))


@pytest.mark.parametrize("name", ["membership", "scores", "ranking", "brackets", "unranked", "judges"])
def test_nothing_is_in_a_condition_twice(name):
    with pytest.raises(InputError, match=f"the {name} table has 1 row.s. more than once: .*condition 'x'"):
        validated_run_table(name, rows_of(name, condition="x"))


def test_a_picture_is_in_the_manifest_once():
    with pytest.raises(InputError, match="image_id: field_uniqueness fails for 2"):
        validated_run_table("manifest", pd.concat([rows_of("manifest")] * 2, ignore_index=True))


def test_one_picture_may_have_several_roles_judges_and_seeds():
    validated_run_table("membership", rows_of("membership", condition="x", role=["train", "calibration"]))
    validated_run_table("scores", rows_of("scores", condition="x", judge=["beauty", "panel"]))
    validated_run_table("scores", rows_of("scores", condition="x", seed=[0, 1]))


def test_an_unknown_table_is_an_error():
    with pytest.raises(InputError, match=r"no table 'refused'; its tables are 'manifest', 'membership'"):
        validated_run_table("refused", rows_of("unranked"))


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("membership", {"role": "pool"}, "role: isin"),
        ("membership", {"copies": 0}, "copies: greater_than_or_equal_to"),
        ("membership", {"weight": -1.0}, "weight: greater_than_or_equal_to"),
        ("ranking", {"rank": 0}, "rank: greater_than_or_equal_to"),
        ("audit", {"p_value": 1.5}, "p_value: in_range"),
        ("gate_rates", {"rate": -0.1}, "rate: in_range"),
    ],
)
def test_a_value_that_breaks_a_rule_is_named(name, changes, words):
    with pytest.raises(InputError, match=words):
        validated_run_table(name, rows_of(name, **changes))


def test_a_contest_of_one_condition_need_not_say_which():
    alone = rows_of("ranking").drop(columns="condition").head(1)
    assert list(validated(alone, RANKING)) == list(alone)
    with pytest.raises(InputError, match=r"ranking table has 1 row.s. more than once: image_id 'p0'"):
        validated(pd.concat([alone, alone]), RANKING)
    assert "condition" in validated(rows_of("scores"), SCORES)


def test_numbers_are_coerced_and_further_columns_are_kept():
    table = validated_run_table("scores", rows_of("scores", score=["1.5", None], note="n"))
    assert table["score"].tolist() == pytest.approx([1.5, np.nan], nan_ok=True)
    assert table["note"].tolist() == ["n", "n"]


def test_a_text_that_a_spreadsheet_would_run_is_defused_in_the_csv_and_kept_in_the_parquet(tmp_path):
    table = pd.DataFrame({"group": ["=HYPERLINK(1)", "+1", "plain", None], "shift": [-1.0, 0.5, 2.0, -3.0]})
    write_table(table, tmp_path / "t")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table, check_dtype=False)
    read = pd.read_csv(tmp_path / "t.csv")
    assert read["group"].tolist()[:3] == ["'=HYPERLINK(1)", "'+1", "plain"]
    assert read["shift"].tolist() == [-1.0, 0.5, 2.0, -3.0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.csv", "t.parquet"]
