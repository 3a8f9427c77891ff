"""Holm's families: one p-value a hypothesis, one family a feature and score."""

import numpy as np
import pandas as pd
import pytest

from judge.fairness.audit import audit
from judge.fairness.audit.families import hypothesis_of
from judge.fairness.inference import holm

QUICK = {"n_permutations": 199}


def people(groups, n=600, seed=2):
    rng = np.random.default_rng(seed)
    group = rng.choice(list(groups), n)
    return pd.DataFrame(
        {"group": group, "gender": rng.choice(["f", "m"], n), "s": rng.normal(size=n) - 0.5 * (group == "a")}
    )


def test_in_a_contest_of_two_groups_the_complement_is_the_primary_hypothesis():
    found = audit(people("ab"), features="group", score="s", places=60, **QUICK)
    about = found[found["metric"].isin(["winner_share", "selection_rate_ratio"])]
    assert about["p_value"].nunique() == 1
    assert (about["p_adjusted"] == about["p_value"]).all() and (about["family"] == "primary").all()
    assert found["primary"].sum() == 1
    assert (found.loc[found["metric"] == "outrank_probability", "family"].nunique()) == 1


def test_a_ratio_to_all_others_is_the_test_of_the_share():
    found = audit(people("abc"), features="group", score="s", places=60, primary="c", **QUICK)
    share = found[found["metric"] == "winner_share"].set_index("group")
    ratio = found[found["metric"] == "selection_rate_ratio"].set_index("group")
    for group in "abc":
        assert share.at[group, "p_adjusted"] == ratio.at[group, "p_adjusted"]
    # a and b against the others, all together, NDKL, and three outrankings; c against the others is the primary one
    distinct = [
        *share.loc[["a", "b"], "p_value"],
        *found.loc[
            found["metric"].isin(["winners_against_chance", "ndkl", "outrank_probability"]), "p_value"
        ],
    ]
    assert share.at["a", "family"] == "group by s: 7 hypotheses"
    assert share.at["a", "p_adjusted"] == pytest.approx(holm(distinct)[0])


def test_against_a_reference_is_another_hypothesis_where_a_third_group_stands():
    three = frozenset("abc")
    row = pd.Series({"metric": "winner_share", "group": "a", "reference": "all others", "bracket": "all"})
    ratio = row.replace({"winner_share": "selection_rate_ratio"})
    assert hypothesis_of(row, three) == hypothesis_of(ratio, three)
    assert hypothesis_of(ratio.replace({"all others": "b"}), three) != hypothesis_of(row, three)
    two = frozenset("ab")
    assert hypothesis_of(ratio.replace({"all others": "b"}), two) == hypothesis_of(row, two)
    together = pd.Series(
        {"metric": "winners_against_chance", "group": "all groups", "reference": "", "bracket": "all"}
    )
    assert hypothesis_of(together, two) == hypothesis_of(row, two)
    assert hypothesis_of(together, three) != hypothesis_of(row, three)


def test_each_feature_and_score_has_a_family_of_its_own():
    table = people("abc").assign(t=lambda x: -x["s"])
    found = audit(table, features=["group", "gender"], score=["s", "t"], places=60, **QUICK)
    tested = found[found["p_value"].notna()]
    # the primary hypothesis is of group and s only
    assert set(tested["family"]) == {
        "primary", "group by s: 7 hypotheses", "group by t: 8 hypotheses", "gender by s: 3 hypotheses",
        "gender by t: 3 hypotheses",
    }  # fmt: skip
    assert (found.loc[found["p_value"].isna(), "family"] == "").all()
    assert (tested["p_adjusted"] >= tested["p_value"]).all()


def test_ndkl_can_pass_the_adjustment_of_its_family():
    table = people("abcde", n=900)
    table["s"] -= 3.0 * (table["group"] == "a")
    found = audit(table, features="group", score="s", places=60, **QUICK)
    row = found[found["metric"] == "ndkl"].iloc[0]
    assert int(row["family"].split(": ")[1].split()[0]) >= 11
    assert row["p_adjusted"] < 0.05
