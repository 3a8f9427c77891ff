"""Selection rows of an audit with brackets of unequal chances: adjusted, crude beside, and what they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from judge.fairness.audit import audit
from judge.fairness.counts import Counts
from judge.fairness.metrics.selection import selection_table


def people_of(cells):
    """(bracket, group, entrants, winners) → one row a person."""
    return pd.concat(
        [pd.DataFrame({"bracket": b, "group": g, "won": np.arange(n) < x}) for b, g, n, x in cells],
        ignore_index=True,
    )


def audited(cells, **settings):
    return audit(
        people_of(cells), features="group", winner="won", brackets="bracket", n_permutations=999, **settings
    )


def row(table, metric, group):
    found = table[(table["metric"] == metric) & (table["group"] == group)]
    assert len(found) == 1, (metric, group, len(found))
    return found.iloc[0]


PLANTED = [("small", "a", 60, 30), ("small", "b", 20, 14), ("large", "a", 20, 0), ("large", "b", 900, 40)]
OPPOSITE = [("one", "a", 100, 2), ("one", "b", 100, 18), ("two", "a", 100, 18), ("two", "b", 100, 2)]


def test_the_ratio_within_brackets_agrees_with_the_test_and_the_crude_one_stands_beside():
    table = audited(PLANTED, reference="b")
    ratio, crude = row(table, "selection_rate_ratio", "a"), row(table, "selection_rate_ratio_crude", "a")
    assert ratio["value"] == pytest.approx(0.6597, abs=1e-4) and ratio["bracket"] == "within"
    assert ratio["ci_low"] < 1 < ratio["ci_high"] and ratio["p_value"] == pytest.approx(0.0992, abs=1e-4)
    assert crude["value"] == pytest.approx(6.39, abs=0.005) and crude["bracket"] == "all"
    assert (crude["ci_low"], crude["ci_high"]) == pytest.approx((4.31, 9.25), abs=0.005)
    difference = row(table, "selection_rate_difference", "a")
    assert difference["value"] < 0 < row(table, "selection_rate_difference_crude", "a")["value"]


def test_the_share_that_chance_gives_stands_beside_the_share_and_skew_is_their_log_ratio():
    table = audited(PLANTED)
    share, expected = row(table, "winner_share", "a"), row(table, "expected_winner_share", "a")
    fair = (44 * 60 / 80 + 40 * 20 / 920) / 84
    assert share["value"] == pytest.approx(30 / 84) and expected["value"] == pytest.approx(fair)
    assert share["ci_low"] < fair < share["ci_high"]
    skew, crude = row(table, "skew_at_k", "a"), row(table, "skew_at_k_crude", "a")
    assert skew["value"] == pytest.approx(np.log(30 / 84 / fair)) and skew["ci_low"] < 0 < skew["ci_high"]
    assert skew["ci_low"] == pytest.approx(np.log(share["ci_low"] / fair))
    assert crude["value"] == pytest.approx(np.log(30 / 84 / 0.08)) and crude["ci_low"] > 1


def test_with_one_bracket_nothing_is_crude():
    people = people_of([("x", "a", 40, 8), ("x", "b", 60, 6)])
    table = audit(people, features="group", winner="won", reference="b", n_permutations=99)
    assert not table["metric"].str.endswith("crude").any()
    assert "homogeneity_over_brackets" not in set(table["metric"])
    assert row(table, "selection_rate_ratio", "a")["value"] == pytest.approx(2)
    assert set(table["bracket"]) == {"all"}
    assert row(table, "expected_winner_share", "a")["value"] == pytest.approx(0.4)


def test_opposite_effects_are_said():
    table = audited(OPPOSITE, reference="b")
    assert row(table, "selection_rate_ratio", "a")["value"] == pytest.approx(1)
    assert row(table, "winner_share", "a")["p_value"] == pytest.approx(1)
    assert row(table, "homogeneity_over_brackets", "a")["p_value"] < 1e-6
    (note,) = [note for note in table.attrs["notes"] if "not the same in all brackets" in note]
    assert "0.11 in one" in note and "9.00 in two" in note


def test_the_same_effect_in_both_brackets_is_not_said():
    table = audited([("one", "a", 100, 5), ("one", "b", 100, 15), ("two", "a", 50, 3), ("two", "b", 60, 9)])
    assert row(table, "homogeneity_over_brackets", "a")["p_value"] > 0.5
    assert not [note for note in table.attrs["notes"] if "not the same" in note]


def test_four_fifths_looks_both_ways():
    table = audited([("x", "a", 100, 30), ("x", "b", 100, 10), ("x", "c", 100, 28)], reference="b")
    flag = row(table, "selection_rate_ratio", "a")["flag"]
    assert flag.startswith("above: b below four fifths of it (interval") and "reaches" not in flag
    rule = row(table, "four_fifths_ratio", "c")
    assert rule["reference"] == "a" and rule["value"] == pytest.approx(28 / 30)
    assert rule["flag"].startswith("not below four fifths of the highest rate, a (interval")
    other = audited([("x", "a", 100, 30), ("x", "b", 100, 10)], reference="a")
    low = row(other, "selection_rate_ratio", "b")
    assert low["flag"].startswith("below four fifths of a (interval")
    assert not np.isnan([low["ci_low"], low["ci_high"]]).any()


def test_one_winner_of_one_entrant_is_not_the_highest_rate():
    counts = Counts([[1, 60, 60]], [[1, 20, 10]], ("lone", "b", "c"))
    table = selection_table(counts).set_index("group")
    assert set(table["highest"]) == {"b"} and np.isnan(table.at["b", "four_fifths_ratio"])
    assert table.at["c", "four_fifths_ratio"] == pytest.approx(0.5)
    # allowing for two possible denominators: wider than the plain interval of c against b
    plain = selection_table(counts, reference="b").set_index("group").loc["c"]
    assert table.at["c", "four_fifths_ratio_low"] < plain["selection_rate_ratio_low"]


def test_kinds_of_interval_share_the_estimate():
    counts = Counts([[60, 20], [20, 900]], [[30, 14], [0, 40]], ("a", "b"), ("small", "large"))
    found = [selection_table(counts, ratio_interval=kind).iloc[0] for kind in ("exact", "score", "log")]
    assert len({round(table["selection_rate_ratio"], 12) for table in found}) == 1
    assert len({round(table["selection_rate_ratio_low"], 6) for table in found}) == 3
