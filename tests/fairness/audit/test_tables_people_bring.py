"""An audit of tables as spreadsheets, other programs and other machines write them: the right numbers, or a refusal."""

import json

import numpy as np
import pandas as pd
import pytest

from judge.cli import main
from judge.errors import InputError
from judge.fairness.audit import audit

QUICK = ["--permutations", "99"]


def audited(capsys, *words) -> pd.DataFrame:
    assert main(["audit", *map(str, words), "--json", *QUICK]) == 0
    return pd.DataFrame(json.loads(capsys.readouterr().out)).set_index(["metric", "group"])


def people(groups: dict[str, tuple[int, int]]) -> pd.DataFrame:
    """group → (winners, entrants)"""
    rows = [(name, int(i < won)) for name, (won, n) in groups.items() for i in range(n)]
    return pd.DataFrame(rows, columns=["ethnicity", "won"])


def test_groups_called_na_and_none_are_groups(tmp_path, capsys):
    people({"NA": (2, 20), "EU": (9, 20), "None": (3, 10), "AF": (1, 10)}).to_csv(
        tmp_path / "t.csv", index=False
    )
    table = audited(
        capsys, tmp_path / "t.csv", "--feature", "ethnicity", "--winner", "won", "--reference", "EU"
    )
    ratio = table.loc["selection_rate_ratio"]
    assert ratio["value"].round(4).to_dict() == {"AF": 0.2222, "NA": 0.2222, "None": 0.6667}
    # R: fisher.test(matrix(c(2, 18, 9, 11), 2))$p.value and likewise
    assert ratio["p_value"].round(4).to_dict() == {"AF": 0.1008, "NA": 0.031, "None": 0.6942}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_number_codes_with_a_blank_keep_their_names(tmp_path, capsys, ending):
    table = people({"0": (12, 30), "1": (2, 20), "2": (4, 10), "": (0, 1)})
    table["ethnicity"] = pd.to_numeric(table["ethnicity"])  # a blank makes 0 the float 0.0
    path = tmp_path / f"t.{ending}"
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    if ending == "csv":
        path.write_text(path.read_text().replace(".0,", ","))
    ratio = audited(capsys, path, "--feature", "ethnicity", "--winner", "won", "--reference", "0").loc[
        "selection_rate_ratio"
    ]
    assert ratio["value"].round(4).to_dict() == {"(missing)": 0.0, "1": 0.25, "2": 1.0}
    assert ratio["p_value"].round(5).to_dict() == {"(missing)": 1.0, "1": 0.02642, "2": 1.0}
    frame = audit(table, features="ethnicity", winner="won", reference="0", n_permutations=9)
    assert set(frame["group"]) >= {"0", "1", "2", "(missing)"}


def test_a_comma_at_the_end_of_every_row_moves_no_column(tmp_path, capsys):
    lines = ["image_id,gender,ethnicity,score"]
    lines += [f"p{i},{'fm'[i % 2]},{'white' if i < 12 else 'black'},{5 - i / 10}," for i in range(24)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    table = audited(capsys, tmp_path / "t.csv", "--feature", "ethnicity", "--score", "score", "--places", "6")
    assert table.loc["winner_share", "value"].to_dict() == {"black": 0.0, "white": 1.0}
    assert table.loc[("winner_share", "white"), "p_value"] == pytest.approx(0.01373, abs=1e-5)


@pytest.mark.parametrize("how", ["csv", "id", "groups", "nameless"])
def test_a_parquet_index_is_a_column(tmp_path, capsys, how):
    table = people({"white": (8, 20), "black": (2, 20)}).assign(image_id=[f"p{i}" for i in range(40)])
    path = tmp_path / ("t.csv" if how == "csv" else "t.parquet")
    if how == "csv":
        table.to_csv(path, index=False)
    elif how == "nameless":
        table.sample(frac=1, random_state=0).to_parquet(path)
    else:
        table.set_index("image_id" if how == "id" else "ethnicity").to_parquet(path)
    found = audited(capsys, path, "--feature", "ethnicity", "--winner", "won", "--reference", "white")
    assert found.loc[("selection_rate_ratio", "black"), ["value", "p_value"]].to_numpy(
        float
    ) == pytest.approx([0.25, 0.06483], abs=1e-5)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_blanks_around_a_group_are_no_part_of_it_and_letter_case_is_said(tmp_path, capsys, ending):
    table = pd.DataFrame({"g": ["white ", "white", " white", "White", "black"], "won": [1, 0, 1, 0, 0]})
    path = tmp_path / f"t.{ending}"
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    assert main(["audit", str(path), "--feature", "g", "--winner", "won", "--json", *QUICK]) == 0
    out = capsys.readouterr()
    shares = pd.DataFrame(json.loads(out.out)).set_index(["metric", "group"]).loc["entrant_share", "n"]
    assert shares.to_dict() == {"White": 1, "black": 1, "white": 3}
    assert "'White' and 'white' differ in spelling alone" in out.err


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (pd.date_range("2020-01-01", periods=4), "times, which are no numbers"),
        (pd.to_timedelta([1, 2, 3, 4], "h"), "durations, which are no numbers"),
        ([2**53, 2**53 + 1, 2**53 + 3, 7], "beyond 2\\^53"),
        ([[1.0], [2.0], [3.0], [4.0]], "lists"),
        (["1", "2", "3", "high"], "1 of 4 rows that are no number, first 'high'"),
    ],
    ids=["times", "durations", "huge", "lists", "words"],
)
def test_what_is_no_score_is_refused_from_a_frame_and_from_parquet(tmp_path, capsys, score, message):
    table = pd.DataFrame({"g": list("aabb"), "s": score})
    with pytest.raises(InputError, match=message):
        audit(table, features="g", score="s", places=1)
    table.to_parquet(tmp_path / "t.parquet")
    words = ["audit", str(tmp_path / "t.parquet"), "--feature", "g", "--score", "s", "--places", "1"]
    assert main([*words, *QUICK]) == 2
    assert message.replace("\\", "") in capsys.readouterr().err


def test_ids_are_text(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("image_id,g,s\n007,a,1\n7,a,2\n1e5,b,3\n100000,b,4\nNA,b,5\n")
    assert audited(capsys, tmp_path / "t.csv", "--feature", "g", "--score", "s", "--places", "1").loc[
        ("entrant_share", "b"), "n"
    ] == 3  # fmt: skip


@pytest.mark.parametrize("value", [1e308, -1e308, 1e61])
@pytest.mark.parametrize("column", ["s", "r"])
def test_numbers_that_cannot_be_squared_are_refused(column, value):
    table = pd.DataFrame({"g": ["a", "b"] * 3, "s": 1.0, "r": 2.0})
    table.loc[0, column] = value
    with pytest.raises(
        InputError, match=rf"column {column} holds numbers beyond ±1e\+60, the largest of size"
    ):
        audit(table, features="g", score="s", rating="r", places=2)


@pytest.mark.parametrize("value", [1e59, -1e59, 5e-324, np.inf, -np.inf])
def test_extreme_scores_rank_and_nothing_overflows_in_silence(value):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"g": ["a", "b"] * 30, "s": rng.normal(size=60), "r": rng.normal(size=60)})
    table.loc[0, "s"] = value
    found = audit(table, features="g", score="s", rating="r", places=5, n_permutations=99)
    counts = found[found["metric"] == "winner_share"].set_index("group")["n"]
    assert (counts == 5).all()
    rate = found[(found["metric"] == "selection_rate") & (found["group"] == "a")]["value"].iloc[0]
    best = table["s"].where(np.isfinite(table["s"])).nlargest(5).index
    assert rate == (best % 2 == 0).sum() / 30
