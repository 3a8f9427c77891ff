"""FA*IR and DetConstSort against other people's implementations, 200 random rankings each (made by make_golden.py).

Where they differ, the test says what the library does otherwise, and counts.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from judge.mitigation.ranking.constrained_sort import det_const_sort
from judge.mitigation.ranking.fair_top_k import adjusted_alpha, adjusted_minima, failing, fair_top_k, minima

HERE = Path(__file__).parent


def golden(name):
    table = pd.read_csv(HERE / f"golden_{name}.csv.gz", dtype=str)
    assert len(table) == 200
    return list(table.itertuples())


def numbers(text):
    return np.array(text.split(), int)


@pytest.fixture(scope="module")
def fairsearchcore():
    return [
        {
            "k": int(row.k),
            "share": float(row.share),
            "alpha": float(row.alpha),
            "protected": np.array([person == "p" for person in row.people]),
            "failing": float(row.failing),
            "adjusted_alpha": float(row.adjusted_alpha),
            **{name: numbers(getattr(row, name)) for name in
               ("minima", "adjusted_minima", "ranking", "adjusted_ranking")},
        }
        for row in golden("fa_ir")
    ]  # fmt: skip


def test_the_table_of_minima_is_that_of_fairsearchcore_but_for_a_rounding(fairsearchcore):
    other = [
        case for case in fairsearchcore
        if minima(case["k"], case["share"], case["alpha"]).tolist() != case["minima"].tolist()
    ]  # fmt: skip
    # P(nobody of two) is .1², which is α; scipy's quantile, which it takes, finds .1² a little smaller
    assert [(case["share"], case["alpha"]) for case in other] == [(0.9, 0.01)] * 3
    assert all(np.flatnonzero(minima(c["k"], 0.9, 0.01) != c["minima"]).tolist() == [1] for c in other)


def test_the_same_table_gives_the_same_ranking_as_fairsearchcore(fairsearchcore):
    for case in fairsearchcore:
        assert fair_top_k(case["protected"], case["minima"]) == case["ranking"].tolist()
        assert fair_top_k(case["protected"], case["adjusted_minima"]) == case["adjusted_ranking"].tolist()


def test_the_probability_to_fail_is_that_of_fairsearchcore_which_leaves_the_last_place_out(fairsearchcore):
    for case in fairsearchcore:
        found = failing(case["adjusted_minima"][:-1], case["share"])
        assert found == pytest.approx(case["failing"], abs=1e-9)


def test_the_adjusted_table_is_that_of_fairsearchcore_or_nearer_to_alpha(fairsearchcore):
    same = same_ranking = 0
    for case in fairsearchcore:
        k, share, alpha = case["k"], case["share"], case["alpha"]
        own, other = adjusted_minima(k, share, alpha), case["adjusted_minima"]
        same += own.tolist() == other.tolist()
        same_ranking += fair_top_k(case["protected"], own) == case["adjusted_ranking"].tolist()
        assert own.tolist() == minima(k, share, adjusted_alpha(k, share, alpha)).tolist()
        assert abs(failing(own, share) - alpha) <= abs(failing(other, share) - alpha) + 1e-12
    assert (same, same_ranking) == (141, 185)


def test_the_ranking_is_that_of_fairranktune_where_positions_are_read_as_it_does():
    same, kept, broken = 0, 0, 0
    for row in golden("det_const_sort"):
        people, k = np.array(list(row.people), object), int(row.k)
        shares = {pair[0]: float(pair[2:]) for pair in row.shares.split()}
        theirs = numbers(row.ranking).tolist()
        assert det_const_sort(people, shares, k, literal=True) == theirs
        own = det_const_sort(people, shares, k)
        same += own == theirs
        kept += holds_the_minima(people[own], shares, people)
        broken += not holds_the_minima(people[theirs], shares, people)
    # its lists begin at 0 and the algorithm's places at 1: people slip a place too far, and the minima are broken
    assert (same, kept, broken) == (10, 200, 185)


def holds_the_minima(ranked, shares, people):
    k = np.arange(1, len(ranked) + 1)
    return all(
        (np.cumsum(ranked == name) >= np.minimum(np.floor(k * share + 1e-9), (people == name).sum())).all()
        for name, share in shares.items()
    )
