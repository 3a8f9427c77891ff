"""The short tables of an audit, and their LaTeX: what a paper can take in as it is."""

import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from judge.fairness.audit import audit
from judge.report.compact import Compact, compact_tables
from judge.report.latex import escaped, latex_tables

HOSTILE = ["R&B_50%", r"\input{x}", "$x^2$ ~ #1", "[4pt]", "*", "<a|b>", 'say "`hi`"', "José Müller"]


def table(rows, headings=("group", "winners"), kind="winners", **columns):
    return Compact("race_of", "won", kind, headings, rows, **columns)


def test_specials_of_latex_are_escaped_one_by_one():
    assert (
        escaped("a_b & 50% #1 {x} $y$ ^~")
        == r"a\_b \& 50\% \#1 \{x\} \$y\$ \textasciicircum{}\textasciitilde{}"
    )
    assert escaped("\\") == r"\textbackslash{}"
    assert escaped("−0.5 × 2 – ∞") == r"$-$0.5 $\times$ 2 -- $\infty$"
    assert escaped("a\nb\x00c") == "a b c"


def test_a_table_has_booktabs_rules_and_as_many_cells_as_columns():
    text = latex_tables([table(tuple((name, "3") for name in HOSTILE))], caption="50 % of 1")
    assert re.findall(r"\\(top|mid|bottom)rule", text) == ["top", "mid", "bottom"]
    assert r"\begin{tabular}{lr}" in text
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")].strip().splitlines()[1:]
    assert len(body) == len(HOSTILE)
    assert all(len(re.findall(r"(?<!\\)&", line)) == 1 and line.endswith(r" \\") for line in body)
    assert not [line for line in body if line.startswith(("[", "*"))]  # an option of the line before
    assert r"\caption{50 \% of 1: who entered and who won by race\_of (won)." in text


def test_a_table_of_many_groups_may_break_over_pages():
    rows = tuple((f"g{i}", "1") for i in range(60))
    text = latex_tables([table(rows)], caption="c")
    assert r"\begin{longtable}{lr}" in text and r"\usepackage{longtable}" in text
    assert r"\begin{table}" not in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX here")
def test_the_source_compiles(tmp_path):
    short = table(tuple((name, "−3 [1, 2]") for name in HOSTILE))
    long = table(tuple((name, "3") for name in HOSTILE * 6), kind="scores", note="ratio against a_b", more=3)
    source = latex_tables([short, long], caption="Audit of a_b.csv")
    packages = source.splitlines()[0].removeprefix("% ")
    document = rf"\documentclass{{article}}{packages}\begin{{document}}{source}\end{{document}}"
    (tmp_path / "paper.tex").write_text(
        document.replace("% \\usepackage", "\n% \\usepackage", 1), encoding="utf-8"
    )
    done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"], cwd=tmp_path,
                          capture_output=True, text=True, errors="replace", check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 1000


def test_short_tables_count_by_hand():
    people = pd.DataFrame(
        {"g": ["a"] * 4 + ["b"] * 6, "won": [1, 1, 0, 0, 1, 0, 0, 0, 0, 0], "s": np.arange(10.0)}
    )
    found = audit(people, features="g", score="s", winner="won", reference="b", n_permutations=99)
    by_kind = {(short.score, short.kind): short for short in compact_tables(found)}
    won = by_kind["won", "winners"]
    cells = [dict(zip(won.headings, row, strict=True)) for row in won.rows]
    assert [(row["group"], row["entrants"], row["winners"]) for row in cells] == [
        ("a", "4", "2"),
        ("b", "6", "1"),
    ]
    assert cells[0]["of entrants"] == "40.0 %" and cells[0]["rate"] == "50.00 %"
    assert cells[0]["ratio"].startswith("3.00 [") and cells[1]["ratio"] == "–"
    scores = by_kind["s", "scores"]
    assert dict(zip(scores.headings, scores.rows[0], strict=True))["outranks"].startswith("0.00")
    assert "signed error" not in scores.headings  # nobody was rated


def test_a_limit_keeps_the_largest_groups_and_counts_the_others():
    people = pd.DataFrame({"g": ["a"] * 2 + ["b"] * 6 + ["c"] * 4, "won": [1, 0] * 6})
    found = audit(people, features="g", winner="won", n_permutations=99)
    (short,) = compact_tables(found, limit=2)
    assert [row[0] for row in short.rows] == ["b", "c"] and short.more == 1
