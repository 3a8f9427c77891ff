"""judge.rerank: who wins without and with a method, on tables that are counted by hand."""

import numpy as np
import pandas as pd
import pytest

import judge
from judge.errors import InputError
from judge.mitigation.ranking import Quotas
from judge.reranking import by_group, method_named, methods, price, rerank

PEOPLE = pd.DataFrame(
    {
        "id": list("abcdefgh"),
        "group": ["x", "x", "x", "x", "y", "y", "y", "y"],
        "score": [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
        "truth": [1.0, 1.0, 1.0, 1.0, 5.0, 5.0, 5.0, 5.0],
        "sex": ["f", "m"] * 4,
    }
)
ASKED = {"feature": "group", "score": "score", "places": 2}
COLUMNS = ["rank_before", "winner_before", "rank_after", "winner_after", "set_aside"]


def test_a_ranking_method_changes_ranks_and_leaves_scores():
    out = judge.rerank(PEOPLE, method="quota", **ASKED)
    assert out.columns.tolist() == [*PEOPLE.columns, *COLUMNS]
    assert out["rank_before"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert out["rank_after"].tolist() == [1, 3, 4, 5, 2, 6, 7, 8]
    assert out.loc[out["winner_after"], "id"].tolist() == ["a", "e"]
    pd.testing.assert_frame_equal(out[PEOPLE.columns], PEOPLE)


def test_brackets_have_places_of_their_own():
    out = judge.rerank(PEOPLE, method="quota", **ASKED | {"places": 1}, brackets="sex")
    assert out.loc[out["winner_before"], "id"].tolist() == ["a", "b"]
    # one place for two equal groups goes to the better of their best
    assert out.loc[out["winner_after"], "id"].tolist() == ["a", "b"]
    shares = {"x": 0.0, "y": 1.0}
    out = judge.rerank(
        PEOPLE, method="quota", settings={"shares": shares}, **ASKED | {"places": 1}, brackets=["sex"]
    )
    assert out.loc[out["winner_after"], "id"].tolist() == ["e", "f"]


def test_a_scores_method_is_fitted_on_others_and_ranks_by_the_new_scores():
    # of the others both groups spread alike and y lies 4 lower: 4 and −4 about their mean are taken away
    others = pd.DataFrame(
        {"group": ["x"] * 3 + ["y"] * 3, "score": [5.0, 6.0, 7.0, 1.0, 2.0, 3.0], "id": range(6)}
    )
    method = {"method": "standardise_within", "settings": {"min_people": 3, "spread": False}}
    out = judge.rerank(PEOPLE, **method, **ASKED, fit=others)
    assert out["score_after"].tolist() == [6.0, 5.0, 4.0, 3.0, 6.0, 5.0, 4.0, 3.0]
    assert out["winner_after"].tolist() == [True, False, False, False, True, False, False, False]
    assert out.attrs["notes"] == ["fitted on 6 other people"]


def test_without_others_it_says_that_it_was_fitted_on_the_entrants():
    out = judge.rerank(PEOPLE, method="standardise_within", settings={"min_people": 4}, **ASKED)
    assert out["score_after"].groupby(PEOPLE["group"]).mean().tolist() == pytest.approx([4.5, 4.5])
    assert any("fitted on the 8 entrants themselves" in note for note in out.attrs["notes"])


def test_people_to_fit_on_who_enter_as_well_are_told():
    out = judge.rerank(
        PEOPLE, method="standardise_within", settings={"min_people": 2}, **ASKED, fit=PEOPLE.iloc[1:7]
    )
    assert any("6 people of the table to fit on have the id of" in note for note in out.attrs["notes"])


def test_who_lacks_a_group_a_bracket_or_a_score_is_set_aside_and_told_and_stays_in_the_table():
    people = PEOPLE.assign(
        score=["8", "high", None, 5, 4, 3, 2, 1],
        group=["x", "x", "x", "x", "y", None, "y", "y"],
        sex=["f", "m", "f", None, "f", "m", "f", "m"],
    )
    out = judge.rerank(people, method="quota", **ASKED, brackets=["sex"])
    assert out["set_aside"].fillna("").tolist() == [
        "", "score is no number", "no score", "no sex", "", "no group", "", "",
    ]  # fmt: skip
    assert out["rank_after"].isna().tolist() == out["set_aside"].notna().tolist()
    assert sorted(out.attrs["notes"]) == [
        "1 of 8 people of the table set aside: no group",
        "1 of 8 people of the table set aside: no score (x 1)",
        "1 of 8 people of the table set aside: no sex (x 1)",
        "1 of 8 people of the table set aside: score is no number (x 1)",
    ]
    assert by_group(out, "group")["entrants"].sum() == 4


def test_who_won_and_what_it_costs_by_hand():
    out = judge.rerank(PEOPLE, method="quota", **ASKED)
    groups = by_group(out, "group").set_index("group")
    assert groups.loc["x"].tolist() == [4, 2, 1, 1, 0, 0.5, 1.0, 0.5]
    assert groups.loc["y"].tolist() == [4, 0, 1, 0, 1, 0.5, 0.0, 0.5]
    costs = price(out, ["score", "truth"]).set_index("column")
    # winners a and b (8, 7) become a and e (8, 4)
    assert costs.loc["score", ["before", "after", "difference", "lost", "gained"]].tolist() == [
        7.5, 6.0, -1.5, 7.0, 4.0,
    ]  # fmt: skip
    assert costs.loc["score", "in_sd"] == pytest.approx(-1.5 / PEOPLE["score"].std())
    assert costs.loc["truth", ["before", "after", "difference"]].tolist() == [1.0, 3.0, 2.0]


def test_where_nobody_loses_a_place_nothing_is_paid():
    out = judge.rerank(PEOPLE, method=Quotas(shares={"x": 1.0, "y": 0.0}), **ASKED)
    costs = price(out, ["score"]).iloc[0]
    assert costs["difference"] == 0 and np.isnan(costs["lost"])
    assert by_group(out, "group")[["lost", "gained"]].to_numpy().sum() == 0


def test_a_known_truth_may_be_missing_of_some():
    out = judge.rerank(PEOPLE.assign(truth=[1.0, None, 1, 1, 5, 5, 5, 5]), method="quota", **ASKED)
    costs = price(out, ["truth"]).iloc[0]
    assert (costs["known"], costs["winners"], costs["before"]) == (2, 3, 1.0)


def test_lots_among_those_who_tie_do_not_go_by_the_order_of_the_table():
    tied = PEOPLE.assign(score=1.0)
    turned = tied.iloc[::-1]
    won = [set(judge.rerank(t, method="quota", **ASKED).query("winner_after")["id"]) for t in (tied, turned)]
    assert won[0] == won[1]


def test_an_index_of_any_kind_stays():
    people = PEOPLE.set_index(pd.Index([7, 7, 3, 3, 1, 1, 0, 0]))
    out = judge.rerank(people, method="fa_ir", **ASKED)
    assert out.index.equals(people.index)
    assert sorted(out["rank_after"]) == list(range(1, 9))


def test_a_lottery_says_so_and_is_drawn_from_the_seed():
    asked = {"method": "exposure", **ASKED, "places": 1}
    outs = [judge.rerank(PEOPLE, **asked, seed=seed) for seed in (0, 0, *range(1, 12))]
    won = [tuple(out.query("winner_after")["id"]) for out in outs]
    assert won[0] == won[1] and len(set(won)) > 1
    assert outs[0].attrs["notes"] == [
        "one ranking was drawn by lot (seed 0): another seed gives other winners"
    ]


def test_every_method_of_both_seams_is_there_and_can_be_made():
    there = methods()
    assert {"standardise_within", "quota", "fa_ir", "det_const_sort", "exposure"} <= set(there)
    assert "redraw" not in there and "none" not in there
    for name, method in there.items():
        assert method_named(name).seam == method.seam
        assert method.what and method.what[0].islower(), name


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"method": "redraw"}, "no method 'redraw' that works on scores alone; there are "),
        ({"settings": {"share": 1}}, "quota has no setting 'share'; it has 'shares'"),
        ({"settings": {"shares": 3}}, "quota: its settings cannot be used"),
        ({"feature": "race"}, r"no column 'race' in the table; it has 'id', 'group'"),
        ({"places": 0}, "places is a whole number of at least 1"),
        ({"brackets": ["age"]}, "no column 'age' in the table"),
        ({"person": "group"}, r"6 row\(s\) are of people who came before in column 'group', first 'x'"),
        ({"fit": PEOPLE}, "a method of the ranking seam, is not fitted"),
        ({"method": "standardise_within"}, "4 scored people of 'x'.*at least 10"),
        ({"rating": "stars"}, "no column 'stars' in the table"),
        ({"method": judge.rerank}, "function acts at the seam None"),
    ],
)
def test_what_cannot_be_done_is_refused(changed, words):
    with pytest.raises(InputError, match=words):
        rerank(PEOPLE, **{"method": "quota", **ASKED, **changed})


def test_tables_that_cannot_be_ranked_are_refused():
    asked = {"method": "quota", **ASKED}
    with pytest.raises(InputError, match=r"column\(s\) 'rank_after' already"):
        rerank(PEOPLE.assign(rank_after=1), **asked)
    with pytest.raises(
        InputError, match="nobody is left to rank: 8 of 8 people of the table set aside: no score"
    ):
        rerank(PEOPLE.assign(score=None), **asked)
    with pytest.raises(InputError, match=r"0 rows"):
        rerank(PEOPLE.head(0), **asked)
    with pytest.raises(InputError, match="came before in column 'person_id'"):
        rerank(
            PEOPLE.assign(image_id=range(8), person_id=[1, 1, 2, 3, 4, 5, 6, 7]).drop(columns="id"), **asked
        )
    with pytest.raises(InputError, match="1 of 8 people have no id"):
        rerank(PEOPLE.assign(id=[None, *"bcdefgh"]), **asked)
    with pytest.raises(InputError, match="'sex' holds no numbers"):
        price(rerank(PEOPLE, **asked), ["sex"])
    with pytest.raises(InputError, match="settings belong to a method that is given by its name"):
        rerank(PEOPLE, **asked | {"method": Quotas()}, settings={"shares": None})
