"""What an audit found, in words, and in few lines of a terminal."""

import json

import numpy as np
import pandas as pd
import pytest

from judge.cli.audit.text import audit_text, findings_text
from judge.fairness.audit import audit
from judge.fairness.findings import findings
from judge.report.measures import words
from judge.report.sentences import findings_json, said


def people(groups, n, *, less, seed=1):
    """n people; the judge gives the groups in `less` half a point less than people do."""
    rng = np.random.default_rng(seed)
    group = rng.choice(groups, n)
    rating = rng.normal(5, 1, n)
    score = rating + rng.normal(0, 0.3, n) - 0.5 * np.isin(group, less)
    return pd.DataFrame({"group": group, "rating": rating, "score": score})


def audited(*args, places=8, **options):
    return audit(people(*args, **options), features="group", score="score", rating="rating", places=places,
                 n_permutations=99)  # fmt: skip


@pytest.fixture(scope="module")
def hidden():
    """Half a point for one group of three among 600 people, of whom eight win: no selection result is significant."""
    return audited(["a", "b", "c"], 600, less=["b"])


def test_the_first_lines_of_the_terminal_name_what_was_planted(hidden):
    row = hidden[(hidden["metric"] == "outrank_probability") & (hidden["group"] == "b")].iloc[0]
    error = hidden[(hidden["metric"] == "signed_error") & (hidden["group"] == "b")].iloc[0]
    first = " ".join(" ".join(audit_text(hidden, notes=[]).splitlines()[:20]).split())
    assert f"probability of outranking, b against all others: {row['value']:.3f}" in first
    assert f"Largest signed error: b −{-error['value']:.2f} [" in first
    assert "Primary contrast: " in first
    assert "Detectable with these 8 winners" in first


def test_forty_groups_of_which_twenty_stand_out_still_take_twenty_lines_and_count_the_rest():
    names = [f"{i:02d} of a country with a long name" for i in range(40)]
    table = audited(names, 8000, less=names[::2])
    n = len(next(found for found in findings(table) if found.kind == "survives").rows)
    lines = findings_text(table).splitlines()
    assert len(lines) <= 20
    listed = sum(line.startswith("    - probability of outranking") for line in lines)
    assert listed >= 3
    assert f"    - and {n - listed} more, in the audit table (p_adjusted)" in lines


def test_no_line_breaks_within_a_p_value_or_an_interval(hidden):
    for width in range(40, 110, 7):
        lines = findings_text(hidden, width=width).splitlines()
        assert not [line for line in lines if line.endswith((" =", " <", "p"))]
        assert all(line.count("[") == line.count("]") for line in lines)


def test_a_name_with_control_characters_or_of_great_length_does_no_harm():
    table = audited(["\x1b[2Jred", "b" * 3000], 100, less=[])
    text = audit_text(table, notes=["\x1b[1m" + "n" * 1000], everything=True)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) < 400


def test_everything_has_all_rows_and_the_short_form_a_line_a_group(hidden):
    assert "skew_at_k" in audit_text(hidden, notes=[], everything=True)
    short = audit_text(hidden, notes=[])
    assert "skew_at_k" not in short
    assert sum(line.startswith("b  ") for line in short.splitlines()) == 2  # who won, and scores


def test_the_json_of_findings_has_sentence_facts_and_whole_rows(hidden):
    records = json.loads(findings_json(findings(hidden), hidden))
    kinds = [record["kind"] for record in records]
    assert kinds[0] == "primary" and {"survives", "error", "power"} <= set(kinds)
    survives = next(record for record in records if record["kind"] == "survives")
    assert survives["rows"][0]["metric"] == "outrank_probability"
    assert len(survives["items"]) == len(survives["rows"])
    assert set(survives["rows"][0]) >= {"group", "value", "ci_low", "ci_high", "p_adjusted"}


def test_no_survivor_is_said_to_be_none():
    table = audited(["a", "b"], 200, less=[])
    text = next(
        sentence.text for sentence in said(findings(table), table) if sentence.kind == "none_survives"
    )
    assert text.startswith("None of the ")


def missing(*rows):
    """What an audit finds in rows of feature, group, share, people, adjusted p of people without a score."""
    table = pd.DataFrame(rows, columns=["feature", "group", "value", "n", "p_adjusted"])
    table = table.assign(
        metric="missing_score_share", score_column="s", ci_low=np.nan, ci_high=np.nan, p_value=0.5
    )
    table = table.assign(test="stratified_exact", bracket="all", reference="", primary=False)
    (sentence,) = said(findings(table), table)
    return sentence.text


def test_missing_people_are_told_by_group_the_largest_share_first_with_a_p_that_survives():
    told = missing(("g", "a", 0.0, 50, 1.0), ("g", "b", 0.6, 100, 1e-9), ("g", "c", 0.02, 50, 0.8))
    assert told == (
        "Without a score: 61 of 200: b 60 of 100 (60.0 %, adjusted p < .001), c 1 of 50 (2.0 %), a 0 of 50 (0.0 %)."
    )
    assert missing(("g", "a", 0.0, 50, np.nan)) == "Without a score: nobody of 50."


def test_people_missing_by_several_features_are_counted_once_and_further_features_speak_where_they_tell_something():
    by_g = [("g", "a", 0.1, 10, 1.0), ("g", "b", 0.0, 10, 1.0)]
    head = "Without a score: 1 of 20: by g a 1 of 10 (10.0 %), b 0 of 10 (0.0 %)"
    assert missing(*by_g, ("h", "x", 0.0, 10, 1.0), ("h", "y", 0.1, 10, 1.0)) == f"{head}."
    told = missing(*by_g, ("h", "x", 0.0, 10, 1.0), ("h", "y", 0.1, 10, 0.04))
    assert told == f"{head}; by h y 1 of 10 (10.0 %, adjusted p = .040)."


def test_three_features_brackets_and_two_scores_still_take_twenty_lines():
    rng = np.random.default_rng(0)
    table = people(["a", "b", "c", "d"], 800, less=["b"]).rename(columns={"group": "race"})
    for name in ("gender", "age"):
        table[name] = rng.choice([f"{name} one", f"{name} two"], 800)
    table["other"] = table["score"] + rng.normal(0, 0.2, 800)
    found = audit(table, features=["race", "gender", "age"], score=["score", "other"], rating="rating", places=20,
                  intersections=True, n_permutations=49)  # fmt: skip
    assert len(findings_text(found).splitlines()) <= 20


def test_adjusted_and_crude_measures_are_called_so():
    assert words("selection_rate_ratio", "within") == "selection-rate ratio (adjusted for brackets)"
    assert words("selection_rate_ratio") == "selection-rate ratio"
    assert words("selection_rate_ratio_crude") == "selection-rate ratio (crude: brackets pooled)"
    assert words("outrank_probability", "within") == "probability of outranking (within brackets)"
