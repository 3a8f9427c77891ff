import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from judge.data.tables import AUDIT, validated
from judge.errors import InputError
from judge.fairness.attribution import replace_in_contest, twin_changes
from judge.fairness.attribution.twins import newcombe_paired


def ranking(scores, places=2, bracket="all"):
    table = pd.DataFrame(
        {"image_id": [f"p{i}" for i in range(len(scores))], "bracket": bracket, "score": scores}
    )
    table["rank"] = table.groupby("bracket")["score"].rank(ascending=False, method="first").astype(int)
    return table.assign(winner=table["rank"] <= places)


def twins(**scores):
    return pd.DataFrame({"image_id": list(scores), "edit": "darker", "score": list(scores.values())})


def test_a_twin_takes_its_originals_place_and_nobody_else_moves():
    changes = replace_in_contest(ranking([9.0, 7.0, 5.0, 3.0]), twins(p0=6.0, p1=4.0, p2=8.0, p3=3.5))
    # p0 at 6 stands behind 7 only; p1 at 4 behind 9 and 5; p2 at 8 behind 9; p3 stays last
    assert changes["rank_change"].to_list() == [1, 1, -1, 0]
    assert changes["winner_change"].to_list() == [0, -1, 1, 0]
    assert changes["score_change"].to_list() == [-3.0, -3.0, 3.0, 0.5]


def test_ranks_equal_those_of_contests_held_again():
    rng = np.random.default_rng(0)
    table = ranking(rng.normal(size=30), places=5, bracket=np.repeat(["a", "b"], 15))
    edited = table[["image_id"]].assign(edit="darker", score=rng.normal(size=30))
    changes = replace_in_contest(table, edited)
    for i in range(30):
        again = table["score"].where(table.index != i, edited["score"][i])
        rank = again.groupby(table["bracket"]).rank(ascending=False).astype(int)[i]
        assert changes["rank_change"][i] == rank - table["rank"][i]
        assert changes["winner_change"][i] == int(rank <= 5) - int(table["winner"][i])


def test_an_unchanged_score_keeps_its_rank_among_equals_and_other_ties_stand_behind():
    table = ranking([5.0, 5.0, 5.0, 1.0])
    unchanged = replace_in_contest(table, twins(p0=5.0, p1=5.0, p2=5.0))
    assert unchanged["rank_change"].to_list() == [0, 0, 0]
    assert replace_in_contest(table, twins(p3=5.0))["rank_change"].to_list() == [0]


def test_in_a_bracket_with_unfilled_places_everybody_still_wins():
    changes = replace_in_contest(ranking([2.0, 1.0], places=5), twins(p0=0.0))
    assert (changes["rank_change"].item(), changes["winner_change"].item()) == (1, 0)


def test_strangers_repeats_and_missing_scores_are_refused():
    table = ranking([2.0, 1.0])
    with pytest.raises(InputError, match="not ranked, first 'q'"):
        replace_in_contest(table, twins(q=1.0))
    with pytest.raises(InputError, match="repeat image_id and edit"):
        replace_in_contest(table, pd.concat([twins(p0=1.0)] * 2))
    with pytest.raises(InputError, match="no finite score"):
        replace_in_contest(table, twins(p0=np.nan))


def changes_of(n=60, effect=-0.5, start=0):
    rng = np.random.default_rng(start)
    table = ranking(rng.normal(size=n), places=10)
    parts = [
        table[["image_id"]].assign(edit=edit, score=table["score"] + shift + 0.2 * rng.normal(size=n))
        for edit, shift in (("darker", effect), ("background", 0.0))
    ]
    return replace_in_contest(table, pd.concat(parts))


def test_a_planted_change_is_found_and_the_placebo_is_not():
    table = twin_changes(changes_of(), placebo=["background"])
    validated(table, AUDIT)
    rows = table.set_index(["metric", "group"])
    darker, background = (rows.loc[("twin_score_change", edit)] for edit in ("darker", "background"))
    assert darker["ci_low"] < -0.5 < darker["ci_high"] < 0
    assert darker["p_value"] < 0.001
    assert background["ci_low"] < 0 < background["ci_high"]
    assert rows.loc[("twin_score_change_over_placebo", "darker - background"), "value"] == pytest.approx(
        darker["value"] - background["value"]
    )
    assert rows.loc[("twin_rank_change", "darker"), "value"] > 0


def test_mcnemar_is_the_exact_one():
    changes = changes_of()
    darker = changes[changes["edit"] == "darker"]
    before = darker["original_winner"].astype(bool)
    after = before.astype(int) + darker["winner_change"] > 0
    table = pd.crosstab(before, after).reindex(index=[False, True], columns=[False, True], fill_value=0)
    rows = twin_changes(changes).set_index(["metric", "group"])
    assert rows.loc[("twin_win_change", "darker"), "p_value"] == pytest.approx(
        mcnemar(table, exact=True).pvalue
    )


def test_four_of_four_fallen_have_a_sign_test_p_of_one_in_eight():
    changes = pd.DataFrame(
        {"image_id": list("abcde"), "edit": "darker", "score_change": [-1.0, -2, -3, -4, 0]}
    )
    rows = twin_changes(changes).set_index("metric")
    assert rows.loc["twin_score_change_rose", "p_value"] == pytest.approx(2 / 16)
    assert rows.loc["twin_score_change_rose", "n"] == 4


def test_newcombes_published_example():
    # Newcombe 1998, table II, pairs (36, 12, 2, 0): difference .2, method 10 gives .0569 to .3404
    after = np.repeat([True, True, False, False], [36, 12, 2, 0])
    before = np.repeat([True, False, True, False], [36, 12, 2, 0])
    assert newcombe_paired(after, before) == pytest.approx((0.2, 0.0569, 0.3404), abs=5e-4)


def test_nobody_changing_still_leaves_an_interval():
    value, low, high = newcombe_paired(np.zeros(20, bool), np.zeros(20, bool))
    assert value == 0
    assert low < 0 < high


def test_several_judges_of_one_person_count_as_one_person():
    changes = changes_of()
    twice = pd.concat([changes, changes])
    rows = twin_changes(twice).set_index(["metric", "group"])
    assert rows.loc[("twin_score_change", "darker"), "n"] == 60
    assert rows.loc[("twin_win_change", "darker"), "test"].startswith("sign flips")


def test_an_unknown_placebo_is_named():
    with pytest.raises(InputError, match="'light'"):
        twin_changes(changes_of(), placebo=["light"])
