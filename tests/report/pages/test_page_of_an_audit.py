"""The page of an audit: anybody's table, with names that mean harm."""

import numpy as np
import pandas as pd
import pytest

from judge.fairness.audit import audit
from judge.report.pages import write_audit_report

SCRIPT = '<script>alert("x")</script>'


def test_the_page_of_an_audit_runs_no_script_and_shows_an_empty_group(tmp_path, audit_rows, assert_safe):
    names = {"dark": SCRIPT, "light": "=1+1"}
    audit = audit_rows("", (0, 4), entrants=(0, 8)).drop(columns="condition")
    audit["group"] = audit["group"].map(names)
    audit = audit.assign(score_column="won", reference="=1+1", primary=False, p_adjusted=np.nan, flag="")
    page = write_audit_report(
        tmp_path, None, audit, features=["ethnicity"], winner_columns=["won"], title=SCRIPT, notes=[SCRIPT]
    )
    text = assert_safe(page).text
    assert SCRIPT in text
    assert "=1+1" in text
    cells = " ".join(text.split())
    assert f"{SCRIPT} 0 0.0 % 0 0.0 % [10.0, 90.0] % – " in cells  # nobody entered, so there is no rate


@pytest.mark.slow
def test_several_scores_are_audited_side_by_side_and_none_is_a_baseline(tmp_path, assert_safe):
    entrants = pd.DataFrame(
        {
            "ethnicity": ["a", "b"] * 20,
            "one": np.arange(40.0),
            "two": np.arange(40.0)[::-1],
            "rating": np.arange(40.0),
        }
    )
    table = audit(entrants, features="ethnicity", score=["one", "two"], places=5, n_permutations=50)
    page = write_audit_report(
        tmp_path,
        entrants,
        table,
        features=["ethnicity"],
        score_columns=["one", "two"],
        places=5,
        reference="a",
    )
    text = assert_safe(page).text
    assert "one" in text
    assert "two" in text
    assert "(baseline)" not in text
    assert {"scores.svg", "skew.svg", "winners.svg", "ratios.svg"} <= {
        p.name for p in (tmp_path / "figures").iterdir()
    }


def test_captions_name_the_level_of_the_intervals(tmp_path, audit_rows, assert_safe):
    table = audit_rows("", (1, 3)).drop(columns="condition").assign(score_column="won", primary=False)
    page = write_audit_report(
        tmp_path, None, table, features=["ethnicity"], winner_columns=["won"], confidence=0.99
    )
    text = assert_safe(page).flat
    assert "99 % interval" in text
    assert "95 %" not in text


def test_section_one_names_the_result_that_survives_though_it_stands_far_down_in_the_table(
    tmp_path, assert_safe
):
    rng = np.random.default_rng(1)
    group = rng.choice(["a", "b", "c"], 600, p=[0.6, 0.25, 0.15])
    rating = rng.normal(5, 1, 600)
    people = pd.DataFrame({"group": group, "rating": rating, "score": rating - 0.5 * (group == "b")})
    table = audit(people, features="group", score="score", rating="rating", places=8, n_permutations=50)
    page = write_audit_report(
        tmp_path,
        None,
        table,
        features=["group"],
        score_columns=["score"],
        places=8,
        rating="rating",
        notes=["a note"],
    )
    flat = assert_safe(page).flat.replace("\u00a0", " ")
    first = flat[flat.rindex("What was asked, and what was found") : flat.rindex("Who entered and who won")]
    row = table[(table["metric"] == "outrank_probability") & (table["group"] == "b")].iloc[0]
    assert f"probability of outranking, b against all others: {row['value']:.3f}" in first
    assert "Largest signed error: b −0.50" in first
    assert "Primary contrast: a has" in first
    assert "a note" in first


def test_figures_are_also_written_as_pdf_and_told_one_by_one(tmp_path, audit_rows):
    table = audit_rows("", (1, 3)).drop(columns="condition").assign(score_column="won", primary=False)
    told = []
    write_audit_report(
        tmp_path, None, table, features=["ethnicity"], winner_columns=["won"], pdf=True, progress=told.append
    )
    assert {p.stem for p in (tmp_path / "figures").glob("*.pdf")} == {"winners", "ratios"} == set(told)
