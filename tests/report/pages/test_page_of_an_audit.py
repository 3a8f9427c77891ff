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
    table = audit(
        entrants, features="ethnicity", score=["one", "two"], places=5, n_resamples=20, n_permutations=50
    )
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
