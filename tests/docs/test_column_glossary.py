"""Every column that runs, audits, comparisons and re-rankings write is on the page of columns."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import judge
from judge.cli import main
from judge.data.tables import RUN_TABLES
from judge.report.measures import WORDS

PAGE = (Path(__file__).parents[2] / "docs/reference/columns.md").read_text(encoding="utf-8")
KNOWN = {
    name
    for cell in re.findall(r"^\| (`[^|]*) \|", PAGE, re.MULTILINE)
    for name in re.findall(r"`([^`]+)`", cell)
}


def unknown(columns):
    patterns = [name.removesuffix("*") for name in KNOWN if name.endswith("*")]
    return [
        name for name in columns if name not in KNOWN | set(WORDS) and not name.startswith(tuple(patterns))
    ]


def test_the_columns_of_every_schema_are_told():
    assert {name: lost for name, schema in RUN_TABLES.items() if (lost := unknown(schema.columns))} == {}


def test_the_columns_of_an_audit_and_of_a_reranked_table_are_told(tmp_path):
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"person_id": range(60), "group": ["a", "b"] * 30, "score": rng.normal(size=60)})
    people.to_csv(tmp_path / "people.csv", index=False)
    found = judge.audit(people, features="group", score="score", places=10)
    assert unknown(found.columns) == []
    after = tmp_path / "after.csv"
    words = ["--feature", "group", "--score", "score", "--places", "10", "--out", str(after)]
    assert main(["rerank", str(tmp_path / "people.csv"), "--method", "quota", *words]) == 0
    assert unknown(pd.read_csv(after).columns.difference(people.columns)) == []


@pytest.mark.slow
def test_the_columns_of_runs_and_of_their_comparison_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = [
        "judge=embedding",
        "data.n=150",
        "data.size=32",
        "pool.n=30",
        "entrants.n=30",
        "pool.majority_share=.6",
    ]
    for i, share in enumerate((0.4, 0.6)):
        judge.run([*small, f"pool.majority_share={share}"], folder=tmp_path / f"runs/{i}")
    assert main(["compare", "runs", "--out", "compared"]) == 0
    assert main(["compare", "runs", "--group", "african", "--out", "changed"]) == 0
    tables = [
        *Path("runs/0").glob("*.parquet"),
        *Path("compared").glob("*.parquet"),
        *Path("changed").glob("*.parquet"),
    ]
    assert {table.stem for table in tables} >= {"manifest", "scores", "audit", "runs", "dose"}
    assert {table.stem: lost for table in tables if (lost := unknown(pd.read_parquet(table).columns))} == {}
    metrics = set(pd.read_parquet("runs/0/audit.parquet")["metric"])
    assert metrics - set(WORDS) - {name for name in metrics if name.removesuffix("_crude") in WORDS} == set()
    assert set(pd.read_parquet("compared/dose.parquet")["metric"]) - KNOWN == set()
