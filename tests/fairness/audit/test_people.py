"""People who come several times, and people who are missing: by name, by group, and in the denominator."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from judge.errors import InputError
from judge.fairness.audit import audit, read_entrants

QUICK = {"n_permutations": 99}


def value(table, metric, group, column="value", **where):
    rows = table[(table["metric"] == metric) & (table["group"] == group)]
    for name, wanted in where.items():
        rows = rows[rows[name] == wanted]
    assert len(rows) == 1, f"{metric} {group}: {len(rows)} rows"
    return rows[column].iloc[0]


def pictures():
    """Ann comes three times, Bob twice, Cem and Dea once; the best picture of Ann is the third."""
    return pd.DataFrame(
        {
            "image_id": ["a1", "b1", "a2", "c1", "a3", "b2", "d1"],
            "person_id": ["ann", "bob", "ann", "cem", "ann", "bob", "dea"],
            "g": list("xyxyxyy"),
            "score": [1.0, 5.0, 2.0, 4.0, 9.0, 3.0, 0.0],
            "rating": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
        }
    )


# people who come several times


def test_people_who_come_several_times_under_ids_of_their_own_pictures_are_refused():
    with pytest.raises(InputError, match=r"3 of 7 rows repeat a person_id.*ids: image_id.*--one-per-person"):
        audit(pictures(), features="g", score="score", places=1, **QUICK)


@pytest.mark.parametrize("name", ["Person ID", "participant_id", "subject_id", "entrant_id"])
def test_a_column_that_tells_people_apart_is_known_by_its_name(name):
    with pytest.raises(InputError, match=f"repeat a {name}"):
        read_entrants(pictures().rename(columns={"person_id": name}), features=["g"], score=["score"])


def test_a_column_with_another_part_to_play_is_no_id_of_people():
    table = pictures().rename(columns={"person_id": "subject_id"})
    assert read_entrants(table, features=["subject_id"], score=["score"]).n == 7


def test_people_who_come_once_pass_and_unknown_people_repeat_nobody():
    table = pictures().assign(person_id=["ann", None, None, "cem", None, "bob", "dea"])
    assert read_entrants(table, features=["g"], score=["score"]).n == 7


@pytest.mark.parametrize(
    ("rule", "scores", "ratings"),
    [
        # in the order of the rows that stay: best a3 b1 c1 d1; first and mean a1 b1 c1 d1
        ("best", [5.0, 4.0, 9.0, 0.0], [2.0, 4.0, 5.0, 7.0]),
        ("first", [1.0, 5.0, 4.0, 0.0], [1.0, 2.0, 4.0, 7.0]),
        ("mean", [4.0, 4.0, 4.0, 0.0], [3.0, 4.0, 4.0, 7.0]),
    ],
)
def test_one_row_a_person_by_each_rule_counted_by_hand(rule, scores, ratings):
    found = read_entrants(pictures(), features=["g"], score=["score"], rating="rating", one_per_person=rule)
    assert found.n == 4
    assert found.scores["score"].tolist() == scores and found.rating.tolist() == ratings
    assert found.notes[0].startswith("3 of 7 rows set aside")


def test_without_pictures_ids_the_repeated_id_itself_says_who_is_who():
    table = pictures().drop(columns="image_id")
    with pytest.raises(InputError, match="3 of 7 rows repeat a person_id that came before"):
        read_entrants(table, features=["g"], score=["score"])
    assert read_entrants(table, features=["g"], score=["score"], one_per_person="best").n == 4


def test_the_best_row_of_a_person_is_the_one_that_won():
    table = pictures().assign(won=[0, 0, 1, 0, 0, 0, 1])
    found = read_entrants(table, features=["g"], score=["score"], winner="won", one_per_person="best")
    assert found.winner.sum() == 2 and 2.0 in found.scores["score"]


def test_the_best_row_is_an_eligible_one_of_a_finite_score():
    table = pictures().assign(ok=[1, 1, 1, 1, 0, 1, 1])
    table.loc[5, "score"] = np.inf
    found = read_entrants(table, features=["g"], score=["score"], eligible="ok", one_per_person="best")
    assert sorted(found.scores["score"]) == [0.0, 2.0, 4.0, 5.0]


def test_the_note_on_the_best_of_many_says_how_many_each_group_had():
    found = read_entrants(pictures(), features=["g"], score=["score"], one_per_person="best")
    assert found.notes == [
        "3 of 7 rows set aside: the best row of each person_id counts, 4 people; rows a person: x 3.00, y 1.33 "
        "(more rows are more chances)"
    ]


def test_a_person_of_two_groups_is_told():
    table = pictures().assign(g=list("xyyyxyy"))
    found = read_entrants(table, features=["g"], score=["score"], one_per_person="first")
    assert "1 of 4 people have more than one g: that of the row kept counts" in found.notes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"one_per_person": "worst"}, "'best', 'first', 'mean'"),
        ({"one_per_person": "best", "score": ["score", "rating"]}, "one score at a time"),
        ({"one_per_person": "mean", "winner": "won"}, "mean is for scores"),
    ],
)
def test_rules_that_cannot_be_are_named(settings, message):
    table = pictures().assign(won=0)
    with pytest.raises(InputError, match=message):
        read_entrants(table, **{"features": ["g"], "score": ["score"], **settings})


def test_rows_of_unknown_people_cannot_be_put_together():
    table = pictures().assign(person_id=["ann", None, "ann", "cem", "ann", "bob", "dea"])
    with pytest.raises(InputError, match="1 of 7 rows have no person_id"):
        read_entrants(table, features=["g"], score=["score"], one_per_person="first")


# people who are missing


def planted():
    """100 a, of whom 60 have no score, and 100 b; of twenty places a gets 8, of all .08 to .12, of the scored .2."""
    best = np.r_[np.full(8, 10.0), np.full(32, 1.0), np.full(60, np.nan), np.full(12, 10.0), np.full(88, 1.0)]
    return pd.DataFrame({"g": ["a"] * 100 + ["b"] * 100, "score": best, "id": range(200)})


def test_people_without_a_score_stay_in_the_denominator_and_are_told_by_group():
    found = audit(planted(), features="g", score="score", places=20, reference="b", **QUICK)
    assert value(found, "selection_rate", "a") == 0.08 and value(found, "selection_rate", "a", "n") == 100
    # over the scored it would read 8/40 ÷ 12/100 = 1.67, and a group that is not judged would look favoured
    assert value(found, "selection_rate_ratio", "a") == pytest.approx(0.08 / 0.12)
    missing = found[found["metric"] == "missing_score_share"].set_index("group")
    assert missing.loc["a", ["value", "n"]].tolist() == [0.6, 100] and missing.loc["b", "value"] == 0
    # the exact test by hand: Fisher's, two-sided
    p = stats.fisher_exact([[60, 40], [0, 100]]).pvalue
    assert missing.loc["a", "p_value"] == pytest.approx(p, rel=1e-6)
    assert missing.loc["a", "ci_low"] == pytest.approx(0.502, abs=1e-3)  # Wilson, by hand
    assert (
        "60 of 200 people have no finite score (a 60 of 100, b 0 of 100): they count as entrants who were not "
        "selected; ranks and scores are those of the others"
    ) in found.attrs["notes"]


def test_where_nobody_is_missing_no_row_says_so():
    table = planted().fillna(0)
    found = audit(table, features="g", score="score", places=20, **QUICK)
    assert not found["metric"].str.startswith(("missing", "not_eligible", "log_share")).any()


def test_missing_people_are_tested_within_brackets():
    """All missing stand in the bracket that is nearly all a: who is missing there is a random draw of it."""
    table = pd.DataFrame({"g": list("aaaaaaaab") + list("bbbbbbbba"), "bracket": [1] * 9 + [2] * 9, "won": 0})
    table["score"] = [np.nan] * 4 + [1.0] * 14
    found = audit(table, features="g", score="score", winner="won", brackets="bracket", **QUICK)
    # given 4 missing of a bracket of 8 a and 1 b, all four are a with probability C(8,4)/C(9,4) = 5/9: the more likely
    # of two outcomes, so p = 1; pooled it would be Fisher's .08
    assert value(found, "missing_score_share", "a", "p_value") == pytest.approx(1)
    assert value(found, "missing_score_share", "a", "bracket") == "within"


def test_the_chain_of_entered_eligible_scored_and_won_adds_up():
    table = planted().assign(ok=["no"] * 50 + ["yes"] * 150)
    table.loc[:49, "score"] = np.nan
    table.loc[50:60, "score"] = 10.0
    found = audit(table, features="g", score="score", places=20, eligible="ok", **QUICK)
    steps = [value(found, f"log_share_{step}", "a") for step in ("admitted", "scored", "judged")]
    # entrants 100 to 100, eligible 50 to 100, scored 11 to 100, winners by lot among 23 who tie
    share = value(found, "winner_share", "a")
    assert steps[0] == pytest.approx(np.log((50 / 150) / (100 / 200)))
    assert steps[1] == pytest.approx(np.log((11 / 111) / (50 / 150)))
    assert steps[2] == pytest.approx(np.log(share / (11 / 111)))
    assert sum(steps) == pytest.approx(value(found, "log_share_total", "a"))
    refused = found[found["metric"] == "not_eligible_share"].set_index("group")
    assert refused.loc["a", ["value", "n"]].tolist() == [0.5, 100]
    unscored = found[found["metric"] == "missing_score_share"].set_index("group")
    assert unscored.loc["a", ["value", "n"]].tolist() == [39 / 50, 50]  # of the eligible
    assert value(found, "selection_rate", "a", "n") == 100


def test_whoever_is_not_eligible_takes_no_place_whatever_the_score():
    table = pd.DataFrame({"g": list("aabb"), "score": [9.0, 1.0, 8.0, 7.0], "ok": ["no", "yes", "yes", None]})
    found = audit(table, features="g", score="score", places=1, eligible="ok", **QUICK)
    assert value(found, "winner_share", "b") == 1
    assert value(found, "not_eligible_share", "b") == 0.5  # nothing said is a no
    assert found.loc[found["metric"] == "mean_score", "n"].sum() == 2


def test_a_winner_who_was_not_eligible_is_an_error():
    table = pd.DataFrame({"g": list("ab"), "won": [1, 0], "ok": ["no", "yes"]})
    with pytest.raises(InputError, match=r"1 winner\(s\) by won were not eligible by ok"):
        audit(table, features="g", winner="won", eligible="ok")


def test_missing_outcomes_are_told_by_group_with_their_test():
    won = [1] * 5 + [0] * 35 + [None] * 60 + [1] * 10 + [0] * 90
    table = pd.DataFrame({"g": ["a"] * 100 + ["b"] * 100, "won": won})
    found = audit(table, features="g", winner="won", **QUICK)
    assert "60 of 200 people excluded: won is missing (a 60 of 100, b 0 of 100)" in found.attrs["notes"]
    assert value(found, "missing_winner_share", "a") == 0.6
    p = stats.fisher_exact([[60, 40], [0, 100]]).pvalue
    assert value(found, "missing_winner_share", "a", "p_value") == pytest.approx(p, rel=1e-6)
    assert value(found, "selection_rate", "a", "n") == 40


def test_people_without_a_bracket_are_told_by_group():
    table = pd.DataFrame({"g": list("aaab"), "b": [None, "x", "x", "x"], "won": [0, 1, 0, 0]})
    found = audit(table, features="g", winner="won", brackets="b", **QUICK)
    assert value(found, "missing_bracket_share", "a") == pytest.approx(1 / 3)
    assert "1 of 4 people excluded: no b, so no bracket (a 1 of 3, b 0 of 1)" in found.attrs["notes"]


def test_of_many_groups_a_note_names_those_most_concerned():
    table = pd.DataFrame({"g": [f"g{i}" for i in range(20)] * 10, "score": 1.0})
    table.loc[table["g"] == "g7", "score"] = np.nan
    found = audit(table, features="g", score="score", **QUICK)
    (note,) = (note for note in found.attrs["notes"] if "no finite score" in note)
    assert "(g7 10 of 10, g0 0 of 10," in note and "14 more groups 0 of 140)" in note
