"""The contest: who may be ranked, in which bracket, and who wins."""

import hashlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from judge.contest import Contest, fill_places, order_of_merit
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
    assert len(result.unranked) == 0


def test_an_entrant_of_unknown_age_is_not_ranked_among_people_of_known_age():
    table = people(3, age_group=["18-29", None, "18-29"])
    result = Contest()(scored(table, [1, 9, 2]), table)
    assert result.unranked.values.tolist() == [["p1", "age_group unknown"]]


@pytest.mark.parametrize(("age", "reason"), [(17.9, "younger than 18"), (70, "older than 69")])
def test_ages_outside_the_contest_are_refused_by_reason(age, reason):
    table = people(2, age=[30.0, age])
    assert Contest()(scored(table, [1, 2]), table).unranked["reason"].tolist() == [reason]


def test_an_entrant_without_a_finite_score_is_refused_and_costs_nobody_else():
    table = people(4)
    result = Contest()(scored(table, [1, np.nan, np.inf, 2]), table)
    assert result.unranked["reason"].tolist() == ["no score", "score not finite"]
    assert result.ranking["image_id"].tolist() == ["p3", "p0"]


def test_ties_do_not_depend_on_the_order_of_the_table():
    table = people(200)
    winners = []
    for order in (table, table.iloc[::-1], table.sample(frac=1, random_state=3)):
        ranking = Contest(places=5)(scored(order, np.ones(200)), order).ranking
        winners.append(set(ranking.query("winner")["image_id"]))
    assert winners[0] == winners[1] == winners[2]


def test_ties_fall_by_the_hash_of_seed_and_id_within_bracket_and_score():
    rng = np.random.default_rng(0)
    table = people(300, gender=rng.choice(["female", "male"], 300))
    scores = scored(table, rng.integers(0, 6, 300).astype(float))
    lot = [hashlib.blake2b(f"5:{i}".encode(), digest_size=8).hexdigest() for i in table["image_id"]]
    expected = scores.assign(lot=lot, bracket=table["gender"] + " 18-29").sort_values(
        ["bracket", "score", "lot"], ascending=[True, False, True]
    )
    ranking = Contest(places=5, tie_seed=5)(scores, table).ranking
    assert ranking["image_id"].tolist() == expected["image_id"].tolist()
    place = fill_places(table["image_id"], scores["score"], places=5, bracket=table["gender"], tie_seed=5)
    own = ranking.set_index("image_id").loc[table["image_id"]]
    assert place.rank.tolist() == own["rank"].tolist() and place.winner.tolist() == own["winner"].tolist()


def test_ties_favour_no_group_that_comes_first_in_the_table():
    ids = people(400)["image_id"]
    wins_of_first_half = 0
    for seed in range(40):
        won = fill_places(ids, np.ones(400), places=5, tie_seed=seed).winner
        wins_of_first_half += int(won[:200].sum())
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
    assert dict(result.unranked.values) == {"p0": "perhaps younger than 18"}


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
    assert dict(Contest()(scored(table, [1, 2]), table).unranked.values) == {"p1": reason}


def test_places_go_to_the_best_of_each_bracket():
    won = fill_places(list("abcde"), [5, 4, 3, 9, 1], places=2, bracket=np.array([0, 0, 0, 1, 1])).winner
    assert won.tolist() == [True, True, False, True, True]


def test_more_places_than_people_let_everybody_win():
    assert fill_places(["a", "b"], [1.0, 2.0], places=5).winner.all()


def test_fewer_than_one_place_is_refused():
    with pytest.raises(InputError, match="at least 1"):
        fill_places(["a"], [1.0], places=0)


@pytest.mark.parametrize(
    "ids", [None, np.arange(10), pd.Series([f"p{i}" for i in range(10)], index=range(5, 15))]
)
def test_every_one_of_ten_equals_is_as_likely_to_win(ids):
    firsts = [int(np.flatnonzero(fill_places(ids, np.zeros(10), places=1, tie_seed=seed).winner)[0])
              for seed in range(300)]  # fmt: skip
    assert stats.chisquare(np.bincount(firsts, minlength=10)).pvalue > 1e-3


def test_ranks_start_at_one_in_every_bracket_and_brackets_come_by_name():
    order, rank = order_of_merit(list("pqrs"), [1.0, 3.0, 2.0, 5.0], bracket=["y", "x", "y", "x"])
    assert order.tolist() == [3, 1, 2, 0] and rank.tolist() == [1, 2, 1, 2]
    order, rank = order_of_merit(list("pqr"), [1.0, 3.0, 2.0], bracket=[-1, 2_000_000, -1])
    assert order.tolist() == [2, 0, 1] and rank.tolist() == [1, 2, 1]


def test_nobody_has_no_order():
    order, rank = order_of_merit([], [])
    assert len(order) == len(rank) == 0


def test_scores_that_are_not_finite_are_counted_and_lengths_that_differ_named():
    with pytest.raises(InputError, match="2 of 3 scores"):
        order_of_merit(list("abc"), [np.nan, np.inf, 1.0])
    with pytest.raises(InputError, match="one id and bracket a score"):
        order_of_merit(["a"], [1.0, 2.0])


def test_the_contest_and_the_statistics_start_without_torch_or_pandera():
    code = (
        "import sys, judge.contest, judge.fairness, judge.fairness.audit, judge.fairness.metrics; "
        "assert not {'torch', 'pandera', 'statsmodels', 'scipy.stats', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
