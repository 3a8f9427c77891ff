"""Places that fall by lot: no number of an audit depends on which lot was drawn, nor on the order of its table."""

import numpy as np
import pandas as pd
import pytest

from judge.fairness.audit import audit, audit_entrants, read_entrants, selections
from judge.fairness.audit.winners import chosen
from judge.fairness.counts import Counts
from judge.fairness.inference import stratified_exact

QUICK = {"n_permutations": 999}


def whole_numbers(n=300, seed=4):
    """7 people have a 9 and win 7 of the 30 places; 60 have an 8, among whom a lot fills the other 23."""
    rng = np.random.default_rng(seed)
    score = np.r_[np.full(7, 9), np.full(60, 8), rng.integers(3, 8, n - 67)]
    group = rng.choice(["a", "b", "c"], n, p=[0.3, 0.5, 0.2])
    return pd.DataFrame(
        {"id": range(n), "group": group, "score": score, "rating": score + rng.normal(size=n)}
    )


@pytest.mark.parametrize("reference", [None, "b"])
def test_no_number_depends_on_the_lot_or_on_the_order_of_the_rows(reference):
    table = whole_numbers()
    settings = {
        "features": "group",
        "score": "score",
        "places": 30,
        "reference": reference,
        "rating": "rating",
        **QUICK,
    }
    once = audit(table, **settings)
    pd.testing.assert_frame_equal(once, audit(table, tie_seed=9, **settings))
    other = audit(table.sample(frac=1, random_state=3).drop(columns="id"), **settings)
    pd.testing.assert_frame_equal(once, other)


def test_one_lot_gives_p_from_a_tenth_to_one_and_the_audit_their_mean():
    table = whole_numbers()
    read = read_entrants(table, features=["group"], score=["score"], person="id")
    single = []
    for seed in range(400):
        ((_, _, won),) = selections(read, places=30, tie_seed=seed)
        counts = Counts.from_people(won, sensitive_feature=table["group"])
        single.append(stratified_exact(counts, "a"))
    assert min(single) < 0.1 and max(single) == pytest.approx(1)
    found = audit_entrants(read, places=30, **QUICK)
    row = found[(found["metric"] == "winner_share") & (found["group"] == "a")].iloc[0]
    assert row["p_value"] == pytest.approx(np.mean(single), abs=4 * np.std(single) / 20)
    assert "23 winners by lot: averages over all lots, 95 % of which give p from" in row["flag"]
    assert any("23 of 30 winners by lot, drawn among 60 people" in note for note in found.attrs["notes"])


def test_shares_are_those_of_the_average_over_lots():
    table = whole_numbers()
    found = audit(table, features="group", score="score", places=30, **QUICK)
    sure = (table["score"] == 9).groupby(table["group"]).sum()
    tied = (table["score"] == 8).groupby(table["group"]).sum()
    share = found[found["metric"] == "winner_share"].set_index("group")["value"]
    assert (share * 30).to_dict() == pytest.approx((sure + tied * 23 / 60).to_dict())


def test_a_winner_column_is_a_fact_and_has_no_lots():
    table = whole_numbers()
    table["won"] = np.arange(len(table)) < 30
    found = audit(table, features="group", winner="won", **QUICK)
    share = found[found["metric"] == "winner_share"].set_index("group")["value"]
    assert (share * 30).round(9).to_dict() == table.loc[table["won"], "group"].value_counts().to_dict()
    assert not found["flag"].str.contains("by lot").any()


def test_all_tied_says_nothing_of_anybody_and_draws_no_conclusion():
    table = whole_numbers().assign(score=1.0)
    found = audit(table, features="group", score="score", places=5, **QUICK)
    assert "5 of 5 winners by lot" in " ".join(found.attrs["notes"])
    assert found.loc[found["metric"] == "exposure_ratio", "value"].to_numpy() == pytest.approx(1)
    ratio = found.loc[found["metric"] == "selection_rate_ratio", "value"]
    assert ratio.to_numpy() == pytest.approx(1)
    assert (found["p_value"].dropna() > 0.2).all()


def test_nobody_without_a_score_wins_and_everybody_entered():
    table = pd.DataFrame({"g": list("aabb"), "s": [2.0, np.nan, 2.0, 1.0]})
    read = read_entrants(table, features=["g"], score=["s"])
    (one,) = chosen(read, places=1)
    counts = one.counts(read, "g")
    assert counts.entrants.tolist() == [[2, 2]] and counts.winners.tolist() == [[0.5, 0.5]]
