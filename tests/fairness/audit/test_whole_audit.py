"""The whole audit: golden values of the published contest, the schema, and hostile tables."""

import numpy as np
import pandas as pd
import pytest

from judge.contest import Contest, fill_places
from judge.data.tables import AUDIT, validated
from judge.errors import InputError
from judge.fairness.audit import (
    audit,
    audit_beauty_ai_2016,
    audit_entrants,
    beauty_ai_2016,
    beauty_ai_2016_counts,
    read_entrants,
    selections,
    skew_curves,
)
from judge.fairness.audit.entrants import MISSING
from judge.fairness.audit.rows import SCHEMA, STRATIFIED

METRICS = {
    "entrant_share",
    "winner_share",
    "selection_rate",
    "selection_rate_ratio",
    "selection_rate_difference",
    "wallenius_odds",
    "skew_at_k",
    "min_skew",
    "max_skew",
    "ndkl",
    "exposure_ratio",
    "outrank_probability",
    "mean_score",
    "top_tail_score",
    "pearson",
    "mae",
    "signed_error",
    "calibration_slope",
}
QUICK = {"n_permutations": 200}


def people(n=400, seed=0):
    rng = np.random.default_rng(seed)
    rating = rng.normal(5, 1, n)
    return pd.DataFrame(
        {
            "ethnicity": rng.choice(["african", "asian", "white"], n, p=[0.1, 0.2, 0.7]),
            "gender": rng.choice(["female", "male"], n),
            "age_group": rng.choice(["18-29", "30-39"], n),
            "rating": rating,
            "score": rating + rng.normal(0, 0.5, n),
        }
    )


def value(table, metric, group, column="value", **where):
    """The one number in a row of the audit."""
    rows = table[(table["metric"] == metric) & (table["group"] == group)]
    for name, wanted in where.items():
        rows = rows[rows[name] == wanted]
    assert len(rows) == 1, f"{metric} {group}: {len(rows)} rows"
    return rows[column].iloc[0]


@pytest.fixture(scope="module")
def published():
    return audit_beauty_ai_2016()


SHARES = "winners_against_shares"


@pytest.mark.parametrize(
    ("expected", "metric", "group", "column", "where"),
    [
        (0.10806, SHARES, "white", "p_value", {"test": "binomial_greater", "flag": "at least 37 of 44"}),
        (0.10720, SHARES, "white", "p_value", {"test": "hypergeometric_greater"}),
        (0.2216, SHARES, "white", "p_value", {"test": "binomial_two_sided"}),
        (0.6993, SHARES, "white", "ci_low", {"test": "binomial_two_sided"}),
        (0.9336, SHARES, "white", "ci_high", {"test": "binomial_two_sided"}),
        (0.1940, SHARES, "white", "p_value", {"flag": "at least 36 of 44: another count in the press"}),
        (0.0523, SHARES, "white", "p_value", {"flag": "at least 38 of 44: another count in the press"}),
        (0.0215, SHARES, "white", "p_value", {"flag": "at least 39 of 44: another count in the press"}),
        (0.1231, SHARES, "dark", "p_value", {"test": "binomial_less"}),
        (0.1222, SHARES, "dark", "p_value", {"test": "hypergeometric_less"}),
        (0.0006, SHARES, "dark", "ci_low", {"test": "binomial_less"}),
        (0.1202, SHARES, "dark", "ci_high", {"test": "binomial_less"}),
        (0.1033, "smallest_significant_share", "dark", "value", {}),
        (0.3277, SHARES, "all groups", "p_value", {"test": "multinomial_exact"}),
        (0.2534, "selection_rate_ratio", "dark", "value", {}),
        (0.0348, "selection_rate_ratio", "dark", "ci_low", {}),
        (1.8426, "selection_rate_ratio", "dark", "ci_high", {}),
        (0.1741, "selection_rate_ratio", "dark", "p_value", {}),
        (0.5676, "selection_rate_ratio", "non-white", "value", {}),
        (0.2536, "selection_rate_ratio", "non-white", "ci_low", {}),
        (1.2704, "selection_rate_ratio", "non-white", "ci_high", {}),
        (0.2199, "selection_rate_ratio", "non-white", "p_value", {}),
        (0.1144, "skew_at_k", "white", "value", {"feature": "ethnicity"}),
        (-1.2585, "skew_at_k", "dark", "value", {}),
        (-0.2205, "skew_at_k", "rest", "value", {}),
        (0.386, "binomial_power_at_ratio_0.5", "not white", "value", {"test": "binomial_less"}),
        (0.075, "binomial_power_at_ratio_0.8", "not white", "value", {"test": "binomial_less"}),
        (95, "binomial_winners_needed_at_ratio_0.5", "not white", "value", {}),
        (735, "binomial_winners_needed_at_ratio_0.8", "not white", "value", {}),
        # of the two-sided exact test; with 44 winners it excludes nothing above, and so finds as much
        (0.386, "power_at_ratio_0.5", "not white", "value", {"test": STRATIFIED}),
        (0.0767, "power_at_ratio_0.8", "not white", "value", {"test": STRATIFIED}),
        (120, "winners_needed_at_ratio_0.5", "not white", "value", {}),
    ],
)
def test_the_published_contest_has_its_golden_values(published, expected, metric, group, column, where):
    assert value(published, metric, group, column, **where) == pytest.approx(expected, abs=1e-3)


def test_the_published_ratio_fails_four_fifths_and_says_how_unsure_that_is(published):
    flag = value(published, "selection_rate_ratio", "non-white", "flag")
    assert flag == "below four fifths of white (interval 0.254 to 1.270, reaches 0.8)"


def test_the_published_entrants_are_the_published_counts():
    counted = beauty_ai_2016().groupby("ethnicity")["won"].agg(["size", "sum"])
    table = beauty_ai_2016_counts().set_index("ethnicity")
    assert counted["size"].to_dict() == table["entrants"].to_dict()
    assert counted["sum"].to_dict() == {"white": 37, "dark": 1, "rest": 6}


def test_every_metric_and_test_of_the_module_is_there_and_valid():
    table = audit(
        people(),
        features="ethnicity",
        score="score",
        brackets=["gender", "age_group"],
        places=5,
        rating="rating",
        **QUICK,
    )
    assert set(table["metric"]) >= METRICS
    assert set(table["test"]) >= {STRATIFIED, "permutation", "permutation, sequential"}
    checked = validated(table, AUDIT)
    assert [name for name in AUDIT.columns if name != "condition"] == list(SCHEMA)
    pd.testing.assert_frame_equal(checked[list(SCHEMA)], table[list(SCHEMA)])
    assert table["primary"].sum() == 1


def test_shares_rates_and_ratio_counted_by_hand():
    table = pd.DataFrame({"g": ["a"] * 4 + ["b"] * 6, "won": [1, 1, 0, 0, 1, 0, 0, 0, 0, 0]})
    found = audit(table, features="g", winner="won", reference="b", **QUICK)
    assert value(found, "entrant_share", "a") == 0.4
    assert value(found, "winner_share", "a") == pytest.approx(2 / 3)
    assert value(found, "selection_rate", "a") == 0.5
    assert value(found, "selection_rate_ratio", "a") == pytest.approx(3)
    assert value(found, "selection_rate_difference", "a") == pytest.approx(1 / 3)
    assert value(found, "selection_rate_ratio", "a", "reference") == "b"
    assert not ((found["metric"] == "selection_rate_ratio") & (found["group"] == "b")).any()


def test_without_a_reference_each_group_is_compared_with_all_others():
    table = pd.DataFrame({"g": ["a"] * 4 + ["b"] * 3 + ["c"] * 3, "won": [1, 1, 0, 0, 1, 0, 0, 0, 0, 0]})
    found = audit(table, features="g", winner="won", **QUICK)
    assert value(found, "selection_rate_ratio", "a") == pytest.approx(0.5 / (1 / 6))
    assert value(found, "selection_rate_ratio", "a", "reference") == "all others"


def test_a_judge_that_marks_a_group_down_is_seen_in_ranks_scores_and_winners():
    table = people(2000)
    table.loc[table["ethnicity"] == "african", "score"] -= 1.5
    found = audit(
        table, features="ethnicity", score="score", places=40, reference="white", rating="rating", **QUICK
    )
    assert value(found, "outrank_probability", "african", "ci_high") < 0.3
    assert value(found, "signed_error", "african", "ci_high") < -1.3
    assert value(found, "selection_rate_ratio", "african", "p_value") < 0.05
    assert value(found, "min_skew", "african") < 0
    assert abs(value(found, "signed_error", "asian")) < 0.1


def test_scores_side_by_side_select_their_own_winners():
    table = people().assign(other=lambda t: -t["score"])
    found = audit(table, features="ethnicity", score=["score", "other"], places=10, **QUICK)
    assert set(found["score_column"]) == {"score", "other"}
    share = [value(found, "mean_score", "white", score_column=name) for name in ("score", "other")]
    assert share[0] == pytest.approx(-share[1])


def test_intersections_are_one_more_feature():
    found = audit(
        people(), features=["ethnicity", "gender"], score="score", places=9, intersections=True, **QUICK
    )
    joint = found[found["feature"] == "ethnicity × gender"]
    assert "african × female" in set(joint["group"])
    shares = joint[joint["metric"] == "entrant_share"]
    assert len(shares) == 6 and shares["value"].sum() == pytest.approx(1)


def test_rates_by_bracket_sum_up_to_the_whole():
    found = audit(
        people(), features="ethnicity", score="score", brackets="gender", places=9, by_bracket=True, **QUICK
    )
    rates = found[found["metric"] == "selection_rate"]
    per = rates[rates["bracket"].isin(["female", "male"])]
    whole = rates[rates["bracket"] == "all"]
    assert (per["value"] * per["n"]).sum() == pytest.approx((whole["value"] * whole["n"]).sum())


def test_the_primary_contrast_can_be_named():
    found = audit(people(), features="ethnicity", score="score", places=80, primary="african", **QUICK)
    assert found.loc[found["primary"], "group"].tolist() == ["african"]
    assert value(found, "power_at_ratio_0.5", "african") > 0
    with pytest.raises(InputError, match=r"primary.*martian"):
        audit(people(), features="ethnicity", score="score", primary="martian")


def test_the_same_seed_gives_the_same_table():
    settings = {"features": "ethnicity", "score": "score", "places": 9, "rating": "rating", **QUICK}
    pd.testing.assert_frame_equal(audit(people(), **settings), audit(people(), **settings))


def test_the_table_given_is_left_as_it_was():
    table = people()
    before = table.copy()
    audit(table, features="ethnicity", score="score", places=5, **QUICK)
    pd.testing.assert_frame_equal(table, before)


def test_skew_curves_cover_every_score_and_feature():
    table = people().assign(other=1.0)
    entrants = read_entrants(table, features=["ethnicity", "gender"], score=["score", "other"])
    curves = skew_curves(entrants)
    assert len(curves.groupby(["feature", "score_column"])) == 4


# hostile tables


def test_people_whose_score_is_missing_or_infinite_entered_and_were_not_selected():
    table = people()
    table.loc[:2, "score"] = [np.nan, np.inf, -np.inf]
    found = audit(table, features="ethnicity", score="score", places=5, **QUICK)
    assert any(note.startswith("3 of 400 people have no finite score (") for note in found.attrs["notes"])
    assert found.loc[found["metric"] == "entrant_share", "n"].sum() == 400
    assert found.loc[found["metric"] == "mean_score", "n"].sum() == 397


def test_a_score_without_any_finite_value_is_an_error():
    with pytest.raises(InputError, match="no finite score in 400 rows"):
        audit(people().assign(score=np.nan), features="ethnicity", score="score")


def test_missing_ratings_are_left_out_of_the_errors_only():
    table = people()
    table.loc[:9, "rating"] = np.nan
    found = audit(table, features="ethnicity", score="score", rating="rating", **QUICK)
    assert found.loc[found["metric"] == "mae", "n"].sum() == 390
    assert found.loc[found["metric"] == "mean_score", "n"].sum() == 400
    assert any("10 of 400" in note for note in found.attrs["notes"])


def test_people_without_a_group_keep_competing_and_people_without_a_bracket_are_excluded():
    table = people()
    table.loc[:4, "ethnicity"] = None
    table.loc[5:7, "gender"] = None
    found = audit(table, features="ethnicity", score="score", brackets="gender", places=5, **QUICK)
    assert value(found, "selection_rate", MISSING, "n") == 5
    notes = " ".join(found.attrs["notes"])
    assert "3 of 400 people excluded: no gender, so no bracket (" in notes
    assert "5 of 400 people have no ethnicity" in notes


@pytest.mark.parametrize("ids", [["a", "b", "a", "c"], [1, 2, 2, 2]])
def test_repeated_ids_are_an_error_with_their_number(ids):
    table = pd.DataFrame({"id": ids, "g": list("xxyy"), "s": [1.0, 2, 3, 4]})
    with pytest.raises(InputError, match=r"(1|2) of 4 rows repeat a id"):
        audit(table, features="g", score="s", person="id")


@pytest.mark.parametrize("ids", [["a", None, "b", "c"], ["a", " ", "b", "c"], [1.0, np.nan, 2.0, 3.0]])
def test_missing_ids_are_an_error_with_their_rows(ids):
    table = pd.DataFrame({"id": ids, "g": list("xxyy"), "s": [1.0, 2, 3, 4]})
    with pytest.raises(InputError, match="1 of 4 rows have no id, first rows 2"):
        audit(table, features="g", score="s", person="id")


def test_one_group_only_has_shares_but_nothing_to_compare():
    found = audit(people().assign(ethnicity="all"), features="ethnicity", score="score", places=5, **QUICK)
    assert value(found, "entrant_share", "all") == 1
    assert np.isnan(value(found, "selection_rate_ratio", "all"))
    assert "outrank_probability" not in set(found["metric"])


def test_a_group_of_one_keeps_its_row():
    table = people()
    table.loc[0, "ethnicity"] = "lone"
    found = audit(
        table, features="ethnicity", score="score", rating="rating", places=5, reference="white", **QUICK
    )
    assert value(found, "selection_rate_ratio", "lone", "n") == 1
    assert np.isnan(value(found, "pearson", "lone")) and np.isnan(
        value(found, "mean_score", "lone", "ci_low")
    )
    assert np.isnan(value(found, "outrank_probability", "lone", "ci_low"))
    assert 0 < value(found, "outrank_probability", "lone", "p_value") <= 1
    assert value(found, "outrank_probability", "lone", "flag") == "n = 1: no interval below 5 people"


def test_a_lone_group_of_one_as_reference_still_gives_intervals():
    table = people()
    table.loc[0, "ethnicity"] = "lone"
    found = audit(table, features="ethnicity", score="score", places=5, reference="lone", **QUICK)
    assert np.isfinite(value(found, "selection_rate_ratio", "white", "ci_low"))


def test_a_bracket_without_entrants_is_told():
    table = people()
    table = table[~((table["gender"] == "male") & (table["age_group"] == "30-39"))]
    found = audit(
        table, features="ethnicity", score="score", brackets=["gender", "age_group"], places=2, **QUICK
    )
    assert "1 bracket(s) without entrants: 'male × 30-39'" in found.attrs["notes"]


def test_more_places_than_people_leave_places_empty_and_everybody_wins():
    found = audit(people(30), features="ethnicity", score="score", brackets="gender", places=40, **QUICK)
    rates = found[found["metric"] == "selection_rate"]
    assert (rates["value"] == 1).all()
    assert "score: 50 place(s) stay empty in 2 bracket(s) with fewer than 40 people" in found.attrs["notes"]
    assert (found.loc[found["test"] == STRATIFIED, "p_value"] == 1).all()  # and no power: nothing is decided
    assert found.loc[found["metric"] == "wallenius_odds", "value"].isna().all()


def test_winners_by_lot_are_those_of_the_contest_in_whatever_order_the_table_comes():
    table = people().assign(image_id=[f"p{i}" for i in range(400)], score=lambda t: t["score"].round(0))
    held = Contest(places=7, brackets=("gender",), tie_seed=2)(
        table[["image_id", "score"]], table.drop(columns="score")
    ).ranking
    won = table["image_id"].isin(held.loc[held["winner"], "image_id"])
    for order in (table, table.iloc[::-1], table.sample(frac=1, random_state=1)):
        read = read_entrants(order, features=["ethnicity"], score=["score"], brackets=["gender"])
        ((_, _, winner),) = selections(read, places=7, tie_seed=2)
        assert winner.tolist() == won[order.index].tolist()


def test_without_ids_a_person_excluded_elsewhere_in_the_table_changes_no_lot():
    table = people().assign(score=1.0, gender=lambda t: t["gender"].where(t.index > 0))
    read = read_entrants(table, features=["ethnicity"], score=["score"], brackets=["gender"])
    ((_, _, winner),) = selections(read, places=5)
    rows = np.flatnonzero(table["gender"].notna())
    again = fill_places(rows, np.ones(399), places=5, bracket=table["gender"][rows])
    assert winner.tolist() == again.winner.tolist()


def test_the_rows_are_valid_with_the_condition_that_a_run_adds():
    table = audit(people(), features="ethnicity", score="score", places=5, **QUICK)
    assert (validated(table.assign(condition="skewed"), AUDIT)["condition"] == "skewed").all()


def test_a_generator_gives_the_table_of_the_seed_it_draws():
    settings = {"features": "ethnicity", "score": "score", "places": 9, **QUICK}
    first, second = (audit(people(), rng=np.random.default_rng(5), **settings) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_nobody_wins_is_answered():
    found = audit(people().assign(won=0), features="ethnicity", winner="won", reference="white", **QUICK)
    assert (found.loc[found["metric"] == "selection_rate", "value"] == 0).all()
    assert found.loc[found["metric"] == "winner_share", "value"].isna().all()
    assert "undefined" in value(found, "selection_rate_ratio", "asian", "flag")


def test_a_group_without_winners_has_a_ratio_of_zero_with_an_upper_limit():
    table = pd.DataFrame({"g": ["a"] * 30 + ["b"] * 70, "won": [0] * 30 + [1] * 10 + [0] * 60})
    found = audit(table, features="g", winner="won", reference="b", **QUICK)
    assert value(found, "selection_rate_ratio", "a") == 0
    assert 0 < value(found, "selection_rate_ratio", "a", "ci_high") < 2
    assert np.isneginf(value(found, "skew_at_k", "a"))
    assert "minus infinity" in value(found, "skew_at_k", "a", "flag")


def test_an_unknown_reference_lists_the_groups():
    with pytest.raises(InputError, match=r"'martian'.*'african', 'asian', 'white'"):
        audit(people(), features="ethnicity", score="score", reference="martian")


@pytest.mark.slow
def test_a_thousand_groups_are_answered():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"g": [f"g{i:04d}" for i in rng.integers(0, 1000, 6000)], "s": rng.normal(size=6000)}
    )
    table["won"] = table["s"] > 2.4
    found = audit(table, features="g", winner="won", **QUICK)
    assert (found["metric"] == "selection_rate").sum() == table["g"].nunique()
    assert found["p_adjusted"].dropna().between(0, 1).all()


@pytest.mark.parametrize(
    "name", ["Ñandú 女性 Ελλάδα", "<script>alert(1)</script>", "=1+2", "a" * 500, "🙂", "nan"]
)
def test_any_name_is_only_a_name(name):
    table = people()
    table.loc[:50, "ethnicity"] = name
    found = audit(table, features="ethnicity", score="score", places=5, **QUICK)
    assert value(found, "selection_rate", name, "n") == 51


@pytest.mark.parametrize("name", ["", " ", None])
def test_a_blank_name_is_a_missing_one(name):
    table = people()
    table.loc[:50, "ethnicity"] = name
    found = audit(table, features="ethnicity", score="score", places=5, **QUICK)
    assert value(found, "selection_rate", MISSING, "n") == 51


def test_combinations_whose_names_would_be_one_stay_two():
    table = pd.DataFrame({"a": ["x × y", "x"] * 20, "b": ["z", "y × z"] * 20, "won": [1, 0] * 20})
    found = audit(table, features=["a", "b"], winner="won", intersections=True, **QUICK)
    rates = found[(found["feature"] == "a × b") & (found["metric"] == "selection_rate")]
    assert rates.set_index("group")["value"].to_dict() == {"“x × y” × z": 1.0, "x × “y × z”": 0.0}


def test_groups_that_are_numbers_are_named_by_them():
    found = audit(
        people().assign(ethnicity=lambda t: (t["ethnicity"] == "white") * 1),
        features="ethnicity",
        score="score",
        **QUICK,
    )
    assert set(found["group"]) >= {"0", "1"}


@pytest.mark.parametrize(
    "won",
    [
        [1, 0, 0, 1],
        [1.0, 0.0, 0.0, 1.0],
        [True, False, False, True],
        ["yes", "no", "No", "YES"],
        ["True", "False", "false", "true"],
        ["won", "lost", "lost", "Won"],
    ],
)
def test_winners_are_read_from_any_yes_or_no(won):
    table = pd.DataFrame({"g": list("aabb"), "won": won})
    found = audit(table, features="g", winner="won", **QUICK)
    assert value(found, "selection_rate", "a") == 0.5 and value(found, "selection_rate", "b") == 0.5


def test_winners_that_are_neither_yes_nor_no_are_named():
    with pytest.raises(InputError, match="'perhaps'"):
        audit(pd.DataFrame({"g": ["a", "b"], "won": ["yes", "perhaps"]}), features="g", winner="won")
    with pytest.raises(InputError, match=r"2"):
        audit(pd.DataFrame({"g": ["a", "b"], "won": [2, 1]}), features="g", winner="won")


def test_missing_winners_are_excluded():
    table = pd.DataFrame({"g": list("aabb"), "won": ["yes", None, "no", ""]})
    found = audit(table, features="g", winner="won", **QUICK)
    assert "2 of 4 people excluded: won is missing (a 1 of 2, b 1 of 2)" in found.attrs["notes"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": "race", "score": "score"}, "no column 'race'.*'ethnicity'"),
        ({"features": [], "score": "score"}, "at least one sensitive feature"),
        ({"features": "ethnicity"}, "score column or a winner column"),
        ({"features": "ethnicity", "score": "gender"}, "gender has 400 of 400 rows that are no number"),
        ({"features": "ethnicity", "score": "score", "places": 0}, "places is at least 1"),
        ({"features": "ethnicity", "winner": "gender", "places": 3}, "places needs a score"),
        ({"features": "ethnicity", "score": "score", "confidence": 95}, "confidence"),
        ({"features": "ethnicity", "score": "score", "n_permutations": 0}, "n_permutations"),
        ({"features": "ethnicity", "score": "score", "n_permutations": 10**12}, "at most 10,000,000"),
        ({"features": "ethnicity", "score": "score", "rng": -1}, "the seed is a whole number from 0"),
        ({"features": "ethnicity", "winner": ["won"]}, "winner is one name"),
        ({"features": "ethnicity", "score": ["score", "other"]}, "no column 'other'.*'rating'"),
        ({"features": "gender", "score": "score", "brackets": "gender"}, "one group only"),
        ({"features": "score", "score": "score"}, "one part to play"),
        ({"features": "ethnicity", "score": "score", "places": 3, "ratio_interval": "wald"}, "score"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        audit(people(), **settings)


def test_something_that_is_no_table_is_named():
    with pytest.raises(InputError, match=r"DataFrame\), not a str"):
        audit("entrants.csv", features="ethnicity", score="score")


def test_a_table_without_rows_or_with_a_column_twice_is_named():
    with pytest.raises(InputError, match="0 rows"):
        audit(people().iloc[:0], features="ethnicity", score="score")
    twice = pd.concat([people(), people()[["score"]]], axis=1)
    with pytest.raises(InputError, match="twice"):
        audit(twice, features="ethnicity", score="score")


def test_everybody_excluded_is_an_error_with_the_reason():
    with pytest.raises(InputError, match="no entrant is left of 400: 400 of 400 people excluded: no gender"):
        audit(people().assign(gender=None), features="ethnicity", score="score", brackets="gender")


def test_entrants_that_are_read_once_give_the_same_audit():
    table = people()
    read = read_entrants(table, features=["ethnicity"], score=["score"])
    first = audit_entrants(read, places=5, **QUICK)
    pd.testing.assert_frame_equal(first, audit(table, features="ethnicity", score="score", places=5, **QUICK))
