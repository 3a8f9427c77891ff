"""The contest: who may be ranked, in which bracket, and who wins."""

import numpy as np
import pandas as pd
import pytest

from judge.contest import Contest
from judge.errors import InputError


def people(n=6, **columns):
    table = pd.DataFrame(
        {
            "image_id": [f"p{i}" for i in range(n)],
            "path": "x.png",
            "rating": np.nan,
            "rating_source": None,
            "source": "parametric",
            "gender": "female",
            "age_group": "18-29",
        }
    )
    return table.assign(**columns)


def scored(table, values):
    return pd.DataFrame({"image_id": table["image_id"], "score": values})


def test_the_best_of_each_bracket_win():
    table = people(6, gender=["female"] * 3 + ["male"] * 3)
    result = Contest(places=1)(scored(table, [1, 3, 2, 9, 7, 8]), table)
    assert set(result.ranking.query("winner")["image_id"]) == {"p1", "p3"}
    assert result.ranking.query("bracket == 'male 18-29'")["rank"].tolist() == [1, 2, 3]


def test_empty_brackets_and_unfilled_places_stay_visible():
    table = people(2)
    brackets = Contest(places=5)(scored(table, [1, 2]), table).brackets.set_index("bracket")
    assert len(brackets) == 5  # one gender × five age groups
    assert brackets.loc["female 18-29"].tolist() == [2, 5, 2, 3]
    assert brackets.loc["female 60-69"].tolist() == [0, 5, 0, 5]


def test_gender_alone_makes_the_brackets_where_no_age_is_known():
    table = people(3, age_group=None)
    result = Contest(places=1)(scored(table, [1, 2, 3]), table)
    assert result.brackets["bracket"].tolist() == ["female"]
    assert len(result.refused) == 0


def test_an_entrant_of_unknown_age_is_not_ranked_among_people_of_known_age():
    table = people(3, age_group=["18-29", None, "18-29"])
    result = Contest()(scored(table, [1, 9, 2]), table)
    assert result.refused.values.tolist() == [["p1", "age_group unknown"]]


@pytest.mark.parametrize(("age", "reason"), [(17.9, "younger than 18"), (70, "older than 69")])
def test_ages_outside_the_contest_are_refused_by_reason(age, reason):
    table = people(2, age=[30.0, age])
    assert Contest()(scored(table, [1, 2]), table).refused["reason"].tolist() == [reason]


def test_an_entrant_without_a_finite_score_is_refused_and_costs_nobody_else():
    table = people(4)
    result = Contest()(scored(table, [1, np.nan, np.inf, 2]), table)
    assert result.refused["reason"].tolist() == ["no score", "score not finite"]
    assert result.ranking["image_id"].tolist() == ["p3", "p0"]


def test_ties_do_not_depend_on_the_order_of_the_table():
    table = people(200)
    winners = []
    for order in (table, table.iloc[::-1], table.sample(frac=1, random_state=3)):
        ranking = Contest(places=5)(scored(order, np.ones(200)), order).ranking
        winners.append(set(ranking.query("winner")["image_id"]))
    assert winners[0] == winners[1] == winners[2]


def test_ties_favour_no_group_that_comes_first_in_the_table():
    table = people(400)
    wins_of_first_half = 0
    for seed in range(40):
        ranking = Contest(places=5, tie_seed=seed)(scored(table, np.ones(400)), table).ranking
        won = ranking.query("winner")["image_id"].str[1:].astype(int)
        wins_of_first_half += int((won < 200).sum())
    assert 70 <= wins_of_first_half <= 130  # 200 places, 100 expected, ±4 standard deviations


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ({"image_id": ["p0", "p0"], "score": [1, 2]}, "more than one score"),
        ({"image_id": ["p0", "nobody"], "score": [1, 2]}, "nobody who entered"),
        ({"image_id": ["p0"], "score": [np.nan]}, "nobody is left to rank"),
    ],
)
def test_wrong_scores_are_named(scores, words):
    with pytest.raises(InputError, match=words):
        Contest()(pd.DataFrame(scores), people(2))


def test_minors_cannot_be_let_in_by_a_setting():
    with pytest.raises(InputError, match="minors"):
        Contest(min_age=16)


def test_an_age_group_that_begins_below_the_least_age_is_refused_where_no_age_is_known():
    table = people(4, age=[np.nan, 30, np.nan, np.nan], age_group=["10-19", "10-19", "18-29", "70+"])
    result = Contest(places=1, max_age=200)(scored(table, [9, 1, 2, 3]), table)
    assert dict(result.refused.values) == {"p0": "perhaps younger than 18"}


@pytest.mark.parametrize(
    ("band", "reason"),
    [
        ("19-Oct", "perhaps younger than 18"),
        ("0–2", "perhaps younger than 18"),
        ("grown", "age_group cannot be read"),
    ],
)
def test_no_band_that_a_spreadsheet_damaged_or_nobody_can_read_is_ranked(band, reason):
    table = people(2, age_group=["18-29", band])
    assert dict(Contest()(scored(table, [1, 2]), table).refused.values) == {"p1": reason}
