"""judge rerank, as a person uses it."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from judge.cli import main
from judge.reranking import methods


@pytest.fixture
def scores(tmp_path):
    path = tmp_path / "scores.csv"
    pd.DataFrame(
        {
            "id": ["007", "08", *"cdefgh"],
            "group": ["x"] * 4 + ["y"] * 4,
            "score": [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
            "truth": [-1.5, 1, 1, 1, 5, 5, 5, 5],
            "name": ["=1+1", *"bcdefgh"],
        }
    ).to_csv(path, index=False)
    return path


def rerank(path, *more, method="quota"):
    return main(
        [
            "rerank",
            str(path),
            "--method",
            method,
            "--feature",
            "group",
            "--score",
            "score",
            "--places",
            "2",
            *more,
        ]
    )


def test_it_prints_who_won_before_and_after_and_the_price(scores, capsys):
    assert rerank(scores, "--truth", "truth") == 0
    out = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["x", "4", "50.0%", "2", "(100%)", "1", "(50%)", "1", "0"] in out
    assert ["y", "4", "50.0%", "0", "(0%)", "1", "(50%)", "0", "1"] in out
    assert ["score", "7.5", "6", "−1.5", "−0.612", "7", "4"] in out
    assert [line[:4] for line in out if line[:1] == ["truth"]] == [["truth", "-0.25", "1.75", "+2"]]


def test_the_output_has_the_columns_of_the_table_and_is_safe_for_spreadsheets(scores, tmp_path, capsys):
    out = tmp_path / "new" / "out.csv"
    assert rerank(scores, "--out", str(out)) == 0
    assert f"table  {out}" in capsys.readouterr().out
    lines = out.read_text().splitlines()
    assert lines[0] == "id,group,score,truth,name,rank_before,winner_before,rank_after,winner_after,set_aside"
    assert lines[1] == "007,x,8.0,-1.5,'=1+1,1,True,1,True,"
    assert lines[5] == "e,y,4.0,5.0,e,5,False,2,True,"
    assert len(lines) == 9


def test_a_parquet_holds_the_same(scores, tmp_path):
    assert rerank(scores, "--out", str(tmp_path / "out.parquet")) == 0
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert table["name"][0] == "=1+1"
    assert table["rank_after"].tolist() == [1, 3, 4, 5, 2, 6, 7, 8]


def test_who_is_set_aside_stays_in_the_output(scores, tmp_path, capsys):
    text = scores.read_text().replace("c,x,6.0", "c,x,").replace("d,x,5.0", "d,,5.0")
    scores.write_text(text)
    assert rerank(scores, "--out", str(tmp_path / "out.csv")) == 0
    assert "1 of 8 people of the table set aside: no score (x 1)" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "out.csv")
    assert table["set_aside"].fillna("").tolist() == ["", "", "no score", "no group", "", "", "", ""]


def test_numbers_with_a_decimal_comma_are_read(tmp_path, capsys):
    path = tmp_path / "scores.csv"
    path.write_text("id;group;score\n1;x;3,5\n2;x;3,25\n3;y;2,5\n4;y;high\n", encoding="utf-8")
    assert rerank(path, "--out", str(tmp_path / "out.csv")) == 0
    assert "1 of 4 people of the table set aside: score is no number (y 1)" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "out.csv", dtype=str)
    assert table["score"].tolist() == ["3,5", "3,25", "2,5", "high"]
    assert table["rank_before"].fillna("").tolist() == ["1", "2", "3", ""]


def test_settings_are_read_as_the_yaml_file_would(scores, tmp_path):
    out = tmp_path / "out.csv"
    assert rerank(scores, "--set", "shares={x: 0, y: 1}", "--out", str(out)) == 0
    assert pd.read_csv(out).query("winner_after")["id"].tolist() == ["e", "f"]
    more = ["--set", "protected=[y]", "--set", "alpha=5e-1", "--set", "share=.9", "--out", str(out)]
    assert rerank(scores, *more, method="fa_ir") == 0


def test_a_method_of_the_scores_seam_is_fitted_on_others(scores, tmp_path, capsys):
    rng = np.random.default_rng(0)
    others = tmp_path / "others.csv"
    group = np.repeat(["x", "y"], 100)
    truth = rng.normal(size=200)
    pd.DataFrame(
        {
            "group": group,
            "score": truth + 4.5 + 2 * (group == "x") - 2 * (group == "y"),
            "stars": truth + rng.normal(size=200) * 0.2,
        }
    ).to_csv(others, index=False)
    fitted = ["--fit", str(others), "--rating", "stars", "--out", str(tmp_path / "out.csv")]
    for name, method in methods().items():
        if method.seam == "scores":
            assert rerank(scores, *fitted, method=name) == 0, name
            assert "fitted on 200 other people" in capsys.readouterr().out
            won = pd.read_csv(tmp_path / "out.csv").query("winner_after")["group"]
            assert sorted(won) == ["x", "y"], name


def test_without_others_it_says_what_that_means(scores, capsys):
    assert rerank(scores, "--set", "min_people=4", method="standardise_within") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "fitted on the 8 entrants themselves" in out and "the fewer people a group has" in out


def test_the_list_names_every_method_with_its_settings(capsys):
    assert main(["rerank", "--list"]) == 0
    out = capsys.readouterr().out
    for name, method in methods().items():
        assert any(line.startswith(name + " ") for line in out.splitlines())
        assert all(f"{setting}=" in out for setting in method.settings)


def test_the_input_is_never_written_over(scores, tmp_path, capsys):
    before = scores.read_bytes()
    link = tmp_path / "link.csv"
    link.symlink_to(scores)
    for out in (scores, link, tmp_path / "." / "scores.csv"):
        assert rerank(scores, "--out", str(out)) == 2
        assert "is a table that is read; give another name" in capsys.readouterr().err
    assert scores.read_bytes() == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--method", "fair"], "no method 'fair' that works on scores alone; there are 'calibrate_within'"),
        (["--set", "shares"], "--set takes KEY=VALUE"),
        (["--set", "shares=[1"], "cannot be read as YAML"),
        (["--set", "a=1", "--set", "a=2"], "--set a is given twice"),
        (["--feature", "race"], "no column 'race' in the table; it has 'id', 'group', 'score'"),
        (["--truth", "beauty"], "no column 'beauty' in the table"),
        (["--out", "out.xlsx"], "a table ends in .csv or .parquet"),
        (["--fit", "nobody.csv"], "no such file: nobody.csv"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_and_nothing_is_written(
    scores, tmp_path, capsys, monkeypatch, more, words
):
    monkeypatch.chdir(tmp_path)
    assert rerank(scores, *more) == 2
    err = capsys.readouterr().err
    assert err.startswith("judge rerank: ") and words in err and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_what_is_needed_is_named(capsys):
    assert main(["rerank"]) == 2
    assert "needed as well: TABLE, --method NAME (--list), --feature COLUMN" in capsys.readouterr().err


def test_it_needs_no_torch(scores):
    code = (
        "import sys; from judge.cli import main; "
        f"code = main(['rerank', {str(scores)!r}, '--method', 'exposure', '--feature', 'group', '--score', 'score', "
        "'--places', '2']); names = ('torch', 'timm', 'hydra', 'pandera', 'matplotlib'); "
        "heavy = [m for m in names if m in sys.modules]; "
        "assert not heavy, heavy; sys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
