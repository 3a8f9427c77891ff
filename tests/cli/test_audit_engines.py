"""judge audit --engine: in memory or out of core, by size where nobody says which, and the same text either way."""

import importlib.util
import json

import numpy as np
import pandas as pd
import pytest

from judge.cli import main
from judge.cli.audit import engines

pytest.importorskip("duckdb")
BASIC = ["--feature", "g", "--score", "s", "--places", "2", "--permutations", "9"]


@pytest.fixture
def folder(tmp_path):
    """Forty people in two files of a folder, and all of them in one file beside it."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"g": rng.choice(["a", "b"], 40), "s": rng.normal(size=40), "person": range(40)})
    (tmp_path / "parts").mkdir()
    table.iloc[:15].to_parquet(tmp_path / "parts" / "1.parquet")
    table.iloc[15:].to_parquet(tmp_path / "parts" / "2.parquet")
    table.to_parquet(tmp_path / "all.parquet")
    table.to_csv(tmp_path / "all.csv", index=False)
    return tmp_path


def printed(capsys, *arguments):
    code = main(["audit", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def numbers(text):
    return [{key: row[key] for key in ("metric", "group", "n", "flag")} for row in json.loads(text)]


def test_folder_glob_and_file_have_the_same_numbers_by_either_engine(folder, capsys):
    code, memory, _ = printed(capsys, folder / "all.parquet", *BASIC, "--json", "--engine", "memory")
    assert code == 0
    for table in ("parts", "parts/*.parquet", "all.parquet"):
        code, stored, said = printed(capsys, folder / table, *BASIC, "--json", "--engine", "duckdb")
        assert code == 0 and numbers(stored) == numbers(memory)
        assert "40 people, counted and not held in memory" in said


def test_the_engine_is_chosen_by_size(folder, capsys, monkeypatch):
    def engine(table):
        _, _, said = printed(capsys, folder / table, *BASIC, "--json")
        return "duckdb" if "out of core" in said else "memory"

    assert [engine(table) for table in ("all.csv", "all.parquet", "parts")] == ["memory", "memory", "duckdb"]
    monkeypatch.setattr(engines, "MOST_IN_MEMORY", 39)
    assert [engine(table) for table in ("all.csv", "all.parquet")] == ["memory", "duckdb"]


def test_without_duckdb_the_extra_is_named(folder, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    code, _, said = printed(capsys, folder / "parts", *BASIC)
    assert code != 0 and "pip install 'judge[scale]'" in said
    # a large file is read in memory, as it always was, and the way out is told
    monkeypatch.setattr(engines, "MOST_IN_MEMORY", 39)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, _, said = printed(capsys, folder / "all.parquet", *BASIC, "--json")
    assert code == 0 and "note: read in memory; pip install 'judge[scale]'" in said


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ("parts", ["--engine", "memory"], "--engine memory reads one file"),
        ("all.csv", ["--engine", "duckdb"], "only Parquet is read"),
        ("none/*.parquet", [], "no file matches"),
        ("parts", ["--memory", "much"], "the memory limit is a size such as 1.5GB"),
        ("parts", ["--threads", "0"], "threads is at least 1, not 0"),
        ("parts", ["--one-per-person", "best"], "needs all rows of a person at once"),
        ("parts", ["--id", "nobody"], "no column 'nobody'"),
    ],
)
def test_what_cannot_be_is_refused(folder, capsys, table, options, message):
    code, out, said = printed(capsys, folder / table, *BASIC, *options)
    assert code != 0 and out == "" and message in said


def test_a_page_of_counted_people_has_numbers_and_no_figures_of_single_scores(folder, capsys):
    out = folder / "out"
    code, _, _ = printed(capsys, folder / "parts", *BASIC, "--out", out)
    assert code == 0
    page = (out / "page.html").read_text()
    assert "40 entrants" in page and "counted and not held in memory" in page
    figures = {path.stem for path in (out / "figures").iterdir()}
    assert "winners" in figures and not figures & {"scores", "skew", "errors"}
    assert not list(out.glob("skew_curves*")) and len(pd.read_parquet(out / "audit.parquet"))
