"""The first screen of a run's page, and what its tables are made of."""

import numpy as np
import pandas as pd
import pytest

from judge.contest import Contest
from judge.report.conditions import RATERS, with_order
from judge.report.sections.described import changes, described
from judge.report.sections.entrants import chosen_by_raters, contestants
from judge.report.sections.jury import gate_section
from judge.report.sections.pools import judge_of, pool_of, pool_table, pools_section
from judge.report.sections.summary import audited_alone, what_moved
from judge.report.sections.tables import winners_table

NAMES = ["untouched", "evened"]


def shares(audit_rows, **winners):
    audit = pd.concat([audit_rows(name, counts) for name, counts in winners.items()])
    return winners_table(with_order(audit, [name for name in winners if name != "truth"]), "ethnicity")


def test_the_sentence_says_who_moved_and_who_did_not(audit_rows):
    table = shares(audit_rows, old=(6, 44), even=(16, 34), near=(8, 42), far=(5, 45), truth=(25, 25))
    assert what_moved(table, "dark") == (
        "Against `old`, the dark share of the 50 winners moved under `even` (12 → 32 %); `near` and `far` moved no "
        "group by more than 2 places."
    )


def test_what_survives_in_the_baselines_own_audit_is_said_and_nothing_of_the_other_conditions(audit_rows):
    table = pd.concat([audit_rows("old", (1, 3)), audit_rows("even", (2, 2))])
    table = table.assign(p_adjusted=np.nan).reset_index(drop=True)
    ratio = table["metric"] == "selection_rate_ratio"
    table.loc[ratio & (table["condition"] == "even"), "p_adjusted"] = 0.001
    table.loc[ratio & (table["condition"] == "old"), "p_adjusted"] = 0.2
    assert audited_alone(table, "old") == (
        "The contest under `old`, audited by itself with the trained judge taken as given: the one other test "
        "does not survive Holm’s adjustment; smallest adjusted p: .200 (selection-rate ratio, dark against light)."
    )
    assert audited_alone(table, "even").endswith(
        "selection-rate ratio, dark against light: 1.000 [0.050, 1.500]; no difference: 1; adjusted p = .001."
    )
    assert audited_alone(table.drop(columns="p_adjusted"), "old") == ""


def test_a_condition_that_moved_another_group_names_it(audit_rows):
    table = shares(audit_rows, old=(10, 20, 20), one=(15, 15, 20), other=(10, 14, 26))
    assert what_moved(table, "dark") == (
        "Against `old`, a group’s share of the 50 winners moved under `one` (dark 20 → 30 %) and `other` "
        "(light 40 → 28 %)."
    )


def test_a_sentence_without_any_move_says_how_little_it_was(audit_rows):
    assert what_moved(shares(audit_rows, old=(6, 44), near=(7, 43)), "dark") == (
        "Against `old`, `near` moved no group by more than 1 place."
    )
    assert what_moved(shares(audit_rows, old=(6, 44), same=(6, 44)), "dark") == (
        "Against `old`, `same` moved no group at all."
    )
    assert what_moved(shares(audit_rows, old=(6, 44)), "dark") == "`old` stands alone."


def test_of_many_winners_two_places_are_no_move(audit_rows):
    table = shares(audit_rows, old=(500, 500), near=(530, 470), far=(550, 450))
    assert "moved under `far` (50 → 55 %); `near` moved no group by more than 30 places" in what_moved(
        table, "dark"
    )


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({}, "–"),
        ({"pool": {"_target_": "judge.mitigation.pools.Redraw", "shares": None}}, "pool: redraw"),
        ({"objective": {"_target_": "a.GroupDRO", "step": 0.01}}, "objective: group DRO (step 0.01)"),
        ({"trained_as": "old", "scores": {"_target_": "a.StandardiseWithin"}}, "scores: standardise within"),
        ({"jury": {"gate": None, "models": {"shares": "equal"}}}, "no gate; models: shares equal"),
        ({"jury": {"gate": {"_target_": "Gate", "max_yaw": None, "age": 18}}}, "gate: max_yaw none"),
        ({"refit": {"_target_": "a.Last", "a": 1, "b": 2, "c": 3, "d": 4}}, "refit: last (a 1, b 2, c 3, …)"),
    ],
)
def test_what_a_condition_changes_is_said_in_words(condition, said):
    gate = {"_target_": "Gate", "max_yaw": 25, "age": 18}
    assert changes({"conditions": {"c": condition}, "jury": {"gate": gate}}, "c") == said


def test_the_line_under_the_title_names_data_judge_contest_and_seed(run_tables, settings):
    brackets = with_order(run_tables["brackets"], NAMES)
    assert described(settings, brackets, 12) == (
        "Run tiny. Data: parametric, 2,000 pictures. 12 entrants. Judge: CnnJudge (small_net). 2 places in each of 3 "
        "brackets (gender). Seed 7."
    )
    other = settings | {"entrants_data": {"_target_": "a.read_fairface"}}
    assert "12 entrants of fairface." in described(other, None, 12)


def test_pools_are_counted_with_their_copies_and_weights(run_tables):
    manifest, membership = run_tables["manifest"], run_tables["membership"]
    table = pool_table(manifest, membership, "ethnicity", NAMES, {}).set_index(["condition", "group"])
    assert table.loc[("untouched", "dark"), "n"] == 1
    assert table.loc[("evened", "light"), ["n", "pool_n"]].tolist() == [5, 10]
    assert "weight" not in table
    first = membership["image_id"] == "evened0"
    heavy = membership.assign(
        copies=np.where(first, 2, 1), weight=np.where(first, 3.0, 1.0)
    )  # a dark picture, twice, three times as heavy
    table = pool_table(manifest, heavy, "ethnicity", NAMES, {}).set_index(["condition", "group"])
    assert table.loc[("evened", "dark"), ["n", "pool_n", "weight"]].tolist() == [6, 11, 10]


def test_pictures_of_people_who_do_not_exist_are_counted_where_they_are_beside_others(run_tables):
    manifest, membership = run_tables["manifest"], run_tables["membership"]
    made = manifest["image_id"].isin([f"evened{i}" for i in range(3)])
    told = manifest.assign(source=manifest["source"].where(~made, "generated"))
    table = pool_table(told, membership, "ethnicity", NAMES, {})
    assert table.groupby("condition")["generated"].sum().to_dict() == {"untouched": 0, "evened": 3}
    section = pools_section(table, {name: name for name in NAMES}, "ethnicity")
    assert section.blocks[1].text == (
        "Pictures of people who do not exist: 3 of 10 of `evened`. Nobody rated them: their ratings were asked for."
    )
    assert sum("generated)" in cell for row in section.blocks[-1].rows for cell in row) == 1
    assert "generated" not in pool_table(told.assign(source="generated"), membership, "ethnicity", NAMES, {})


def test_a_group_that_one_pool_lacks_is_counted_as_zero(run_tables):
    membership = run_tables["membership"]
    membership = membership[membership["image_id"] != "untouched0"]  # the one dark picture
    table = pool_table(run_tables["manifest"], membership, "ethnicity", NAMES, {})
    assert table.set_index(["condition", "group"]).loc[("untouched", "dark"), "n"] == 0


def test_a_condition_that_trains_nothing_has_the_pool_of_the_judge_that_it_uses(run_tables):
    trained_as = {"again": "twice", "twice": "evened", "evened": "evened"}
    assert judge_of("again", trained_as) == "evened"
    names = [*NAMES, "twice", "again"]
    table = pool_table(run_tables["manifest"], run_tables["membership"], "ethnicity", names, trained_as)
    assert table.set_index(["condition", "group"]).loc[("again", "dark"), ["n", "pool_n"]].tolist() == [5, 10]
    owners = pool_of(run_tables["membership"], names, trained_as)
    assert owners == {"untouched": "untouched", "evened": "evened", "twice": "evened", "again": "evened"}
    text, picture, counts = pools_section(table, owners, "ethnicity").blocks
    assert text.text.endswith("`twice` and `again` learned from the pool of `evened`.")
    assert [row[0] for row in counts.rows] == ["untouched (baseline)", "evened"]
    assert "evened dark 5" in picture.alt


def test_two_pools_of_the_same_pictures_differ_by_their_weights(run_tables):
    membership = run_tables["membership"].query("condition == 'untouched'")
    both = pd.concat([membership, membership.assign(condition="evened")])
    assert pool_of(both, NAMES, {}) == {"untouched": "untouched", "evened": "untouched"}
    weighed = pd.concat([membership, membership.assign(condition="evened", weight=2.0)])
    assert pool_of(weighed, NAMES, {}) == {"untouched": "untouched", "evened": "evened"}


def people(run_tables):
    table = contestants(run_tables["manifest"], run_tables["ranking"], "ethnicity")
    return with_order(table, NAMES)


def test_raters_choose_as_many_winners_in_each_bracket(run_tables):
    # ratings rise from e0 to e11; two places a bracket: f has e7, e8 (light), m has e10, e11 (light)
    table = chosen_by_raters(people(run_tables)).set_index("group")
    assert table["winners"].to_dict() == {"dark": 0, "light": 4}
    assert set(table["condition"]) == {RATERS}
    one_missing = people(run_tables)
    one_missing.loc[0, "rating"] = np.nan
    assert chosen_by_raters(one_missing).empty


@pytest.mark.parametrize("tie_seed", [0, 1, 2])
def test_ties_of_the_raters_fall_as_in_the_contest(run_tables, tie_seed):
    tied = people(run_tables).assign(rating=5.0)
    manifest = run_tables["manifest"][run_tables["manifest"]["image_id"].str.startswith("e")]
    manifest = manifest[manifest["image_id"].isin(tied["image_id"])]
    contest = Contest(places=2, brackets=["gender"], tie_seed=tie_seed)
    scores = manifest[["image_id"]].assign(score=5.0)
    won = contest(scores, manifest).ranking.query("winner")["image_id"]
    expected = manifest[manifest["image_id"].isin(won)]["ethnicity"].value_counts()
    found = chosen_by_raters(tied, tie_seed=tie_seed).set_index("group")["winners"]
    assert found[found > 0].to_dict() == expected.to_dict()


def gate_rates(**refused):
    rows = [
        (name, rule, by, group, 10, n, n / 10, 0.0, 1.0)
        for name, n in refused.items()
        for rule, by, group in (("any", "ethnicity", "dark"), ("any", "bracket", "f"))
    ]
    columns = ["condition", "rule", "feature", "group", "n", "refused", "rate", "ci_low", "ci_high"]
    return with_order(pd.DataFrame(rows, columns=columns), list(refused))


def test_a_gate_that_is_the_same_everywhere_is_told_once_and_others_by_condition():
    by_rule, by_bracket = gate_section(gate_rates(a=2, b=2)).blocks
    assert [row[:3] for row in by_rule.rows] == [["any", "dark", "10"]]
    assert by_rule.note.endswith("The same people are turned away in each condition.")
    by_rule, by_bracket = gate_section(gate_rates(a=2, b=0)).blocks
    assert [row[2] for row in by_rule.rows] == ["a (baseline)", "b"]
    assert [row[1] for row in by_bracket.rows] == ["a (baseline)", "b"]
    assert not gate_section(None).blocks
