"""Tables that several pages share."""

import pandas as pd

from judge.report.conditions import with_order
from judge.report.html import Fold, Text
from judge.report.sections.tables import brackets_table, folded, metric_table, reasons_table, winners_table


def test_the_table_of_winners_counts_from_the_audits_shares(audit_rows):
    table = winners_table(audit_rows("skewed", (1, 3)), "ethnicity").set_index("group")
    assert table.loc["dark", ["entrants", "winners"]].tolist() == [6, 1]
    assert table.loc["light", "winner_share"] == 0.75


def measured(audit_rows, *names):
    audit = pd.concat([audit_rows(name, (1, 3)) for name in names])
    audit = audit[audit["metric"] == "selection_rate_ratio"]
    return with_order(audit, sorted(names, reverse=True))  # the last is the baseline


def test_two_conditions_stand_side_by_side_in_a_table_of_measures_the_baseline_first(audit_rows):
    table = metric_table(measured(audit_rows, "a", "b"), "c")
    assert [column.heading for column in table.columns] == ["measure", "group", "n", "b (baseline)", "a"]
    assert table.rows == [["selection-rate ratio", "dark", "6", *["0.333 [0.050, 1.500] p = .250"] * 2]]


def test_many_conditions_stand_one_under_the_other_within_a_group_and_the_baseline_is_marked_once(audit_rows):
    table = metric_table(measured(audit_rows, *"abcd"), "c")
    assert [column.heading for column in table.columns][:3] == ["measure", "group", "condition"]
    assert [row[2] for row in table.rows] == ["d (baseline)", "c", "b", "a"]


def test_a_long_table_is_folded_and_says_how_long_it_is(audit_rows):
    table = metric_table(measured(audit_rows, *"abcd"), "Ratios.")
    assert folded(table) is table
    fold = folded(table, limit=3)
    assert fold == Fold("Ratios: 4 rows", [table])


def test_brackets_that_agree_are_listed_once_and_empty_ones_are_counted(run_tables):
    table = brackets_table(run_tables["brackets"])
    assert [row[0] for row in table.rows] == ["f", "m", "x"]
    assert table.note == "The same in each condition. 1 without an entrant; 2 places unfilled."


def test_brackets_that_differ_are_listed_by_condition(run_tables):
    brackets = run_tables["brackets"]
    brackets.loc[0, "entrants"] = 5
    table = brackets_table(with_order(brackets, ["untouched", "evened"]))
    assert [row[0] for row in table.rows] == ["untouched (baseline)", *["untouched"] * 2, *["evened"] * 3]


def test_what_was_excluded_is_counted_by_reason():
    things = pd.DataFrame({"item": list("abc"), "reason": ["broken", "broken", "no label"]})
    assert reasons_table(things, "Exclusions.").rows == [["broken", "2"], ["no label", "1"]]
    counted = pd.DataFrame({"reason": ["broken"], "count": [7]})
    assert reasons_table(counted, "Exclusions.").rows == [["broken", "7"]]
    assert reasons_table(things.iloc[:0], "Exclusions.") == Text("Exclusions: none.")
