"""Each skew is found where it was planted and nowhere else, and where nothing is, nothing is found."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from judge.errors import InputError
from judge.fairness.advice import advise
from judge.fairness.advice.evidence import LEAST, SKEWS, welch

#: The groups that bear each planted skew: of shares all but the first, else the last.
BEARERS = {skew: ["b", "c"] if skew in ("representation", "reference") else ["c"] for skew in SKEWS}


def strengths(told):
    return told.skews.set_index("skew")["strength"].to_dict()


@pytest.mark.parametrize("skew", SKEWS)
def test_a_planted_skew_is_clear_for_its_group_and_no_other_is_found(planted, skew):
    told = advise(**planted(2, skew))
    assert strengths(told) == {name: "clear" if name == skew else "none" for name in SKEWS}
    assert told.skews.set_index("skew").loc[skew, "groups"] == BEARERS[skew]


@pytest.mark.parametrize("skew", SKEWS)
def test_the_number_that_was_planted_lies_in_its_interval(planted, skew):
    truth = {
        "representation": ("pool_ratio", 0.02 * 3),
        "ratings": ("rating_shift", -0.7),
        "camera": ("exposure_change", -10),
        "reading": ("slope_ratio", 0.5 / 0.85),
        "reference": ("reference_ratio", 0.05 * 3),
    }
    rows = advise(**planted(2, skew)).evidence
    measure, value = truth[skew]
    rows = rows[(rows["measure"] == measure) & (rows["group"] == "c")]
    assert rows["ci_low"].item() < value < rows["ci_high"].item()


def test_all_skews_at_once_are_all_found(planted):
    assert set(strengths(advise(**planted(2, *SKEWS, per_group=1500))).values()) == {"clear"}


@pytest.mark.slow
def test_where_nothing_is_planted_nothing_is_found_in_nineteen_of_twenty_tables(planted):
    found = Counter(bool(advise(**planted(seed)).found) for seed in range(60))
    # Holm over all tests: at most .05; the 99th percentile of a binomial of 60 and .05 is 7
    assert found[True] <= 7


@pytest.mark.slow
def test_two_groups_are_one_comparison_not_two(planted):
    found = sum(bool(advise(**planted(seed, groups=("a", "b"))).found) for seed in range(30))
    assert found <= 5
    rows = advise(**planted(0, groups=("a", "b"))).evidence.query("measure == 'slope_ratio'")
    assert rows["p_value"].nunique() == 1
    assert rows["p_adjusted"].nunique() == 1


def test_what_is_not_given_is_not_known_and_what_is_lacking_is_said(planted):
    given = planted(0)
    told = advise(given["people"], feature="group")
    assert set(strengths(told).values()) == {"unknown"}
    why = told.skews.set_index("skew")["unknown"]
    assert "single ratings" in why["ratings"]
    assert "no scores" in why["reading"]
    told = advise(**{**given, "rater_group": None})
    assert strengths(told)["ratings"] == "unknown"
    assert "of which group they are is not known" in told.skews.set_index("skew").loc["ratings", "unknown"]
    told = advise(**{**given, "training": given["training"][["image_id", "group"]]})
    assert strengths(told)["camera"] == "unknown"
    assert "darker skin" in told.skews.set_index("skew").loc["camera", "unknown"]
    assert strengths(advise(**{**given, "reference_counts": {}}))["reference"] == "unknown"


def test_darker_skin_is_no_camera(planted):
    """Groups differ by 8 and 16 points of lightness in both tables: no change, no skew."""
    told = advise(**planted(0))
    level = told.evidence.query("measure == 'exposure_mean'").set_index("group")["value"]
    assert level["a"] - level["c"] > 12
    assert strengths(told)["camera"] == "none"


def test_a_shift_that_a_groups_own_raters_share_does_not_show(planted):
    given = planted(1)
    of = given["training"].set_index("image_id")["group"]
    shared = given["ratings"]["rating"] - 0.7 * (given["ratings"]["image_id"].map(of) == "c")
    assert (
        strengths(advise(**{**given, "ratings": given["ratings"].assign(rating=shared)}))["ratings"] == "none"
    )


def test_a_shift_without_noise_is_met_exactly_however_raters_and_pictures_meet():
    """Ratings are the picture's own worth, less .7 where a rater of another group rates c: nothing else."""
    from judge.fairness.advice.ratings import rating_shifts

    rng = np.random.default_rng(0)
    group = pd.Series(np.resize(["a", "b", "c"], 90), index=[f"p{i}" for i in range(90)])
    own = np.array(["c"] * 4 + ["a"] * 6 + ["b"] * 10)
    rows = [(f"p{i}", r) for i in range(90) for r in rng.choice(20, rng.integers(2, 9), replace=False)]
    ratings = pd.DataFrame(rows, columns=["image_id", "rater_id"]).assign(own=lambda t: own[t["rater_id"]])
    against = ratings["image_id"].map(group).eq("c") & ratings["own"].ne("c")
    ratings["rating"] = ratings["image_id"].str[1:].astype(float) - 0.7 * against
    found = rating_shifts(ratings, group, rater_group="own", confidence=0.95).rows
    assert next(row["value"] for row in found if row["group"] == "c") == pytest.approx(-0.7)


def test_raters_who_never_met_over_a_picture_say_nothing():
    from judge.fairness.advice.ratings import rating_shifts

    rows = [
        (f"p{i}", f"{side}{r}", side, i % 2) for i in range(40) for side in "cd"[i // 20] for r in range(4)
    ]
    ratings = pd.DataFrame(rows, columns=["image_id", "rater_id", "own", "c"]).assign(rating=5.0)
    group = ratings.drop_duplicates("image_id").set_index("image_id")["c"].map({0: "c", 1: "d"})
    found = rating_shifts(ratings, group, rater_group="own", confidence=0.95)
    assert found.rows == []
    assert [why.split(":")[1] for _, why in found.unknown] == [
        " its own raters and others hardly rated the same pictures"
    ] * 2
    one = rating_shifts(ratings, group[group == "c"], rater_group="own", confidence=0.95)
    assert one.unknown == [("ratings", "only pictures of c have single ratings")]


def test_without_ratings_spread_alone_is_compared_and_that_is_said(planted):
    told = advise(**{**planted(2, "reading"), "rating": None})
    assert set(told.evidence.query("skew == 'reading'")["measure"]) == {"spread_ratio"}
    assert strengths(told)["reading"] == "clear"
    assert "of the people themselves" in told.skews.set_index("skew").loc["reading", "unknown"]


def test_counts_say_the_same_as_the_table_they_count(planted):
    given = planted(3, "representation")
    counts = given["training"]["group"].value_counts().to_dict()
    by_table = advise(given["people"], feature="group", training=given["training"]).evidence
    by_counts = advise(given["people"], feature="group", training_counts=counts).evidence
    rows = "skew == 'representation'"
    pd.testing.assert_frame_equal(by_table.query(rows), by_counts.query(rows))


def test_a_group_without_any_training_picture_has_a_ratio_of_0_and_an_interval():
    people = pd.DataFrame({"group": ["a", "b"] * 50})
    row = (
        advise(people, feature="group", training_counts={"a": 100})
        .evidence.query("measure == 'pool_ratio'")
        .iloc[1]
    )
    assert (row["group"], row["value"], row["ci_low"], row["strength"]) == ("b", 0, 0, "clear")
    assert 0 < row["ci_high"] < 0.2


def test_a_small_but_sure_effect_is_weak_and_a_ratio_above_1_harms_nobody():
    people = pd.DataFrame({"group": ["a", "b"] * 4000})
    told = advise(people, feature="group", training_counts={"a": 6000, "b": 3000})
    rows = told.evidence.query("measure == 'pool_ratio'").set_index("group")
    assert rows.loc["b", "value"] > LEAST["pool_ratio"]  # .667, p far below .01
    assert rows["strength"].to_dict() == {"a": "none", "b": "weak"}


def test_who_has_no_group_or_no_number_is_counted(planted):
    given = planted(0)
    people = given["people"].copy()
    people.loc[0, "group"] = None
    people.loc[1, "score"] = np.inf
    notes = " ".join(advise(**{**given, "people": people}).notes)
    assert "entrants: 1 of 300 of no known group are left out" in notes
    assert "entrants: 1 of 300 have no score" in notes


def test_cures_are_named_for_what_is_found_only(planted, cures):
    from judge.fairness.advice.cures import _checked

    told = advise(**planted(2, "representation"), cures=_checked(cures))
    verdicts = told.cures.set_index("cure")["verdict"].to_dict()
    assert verdicts == {
        "more_pictures": "supported", "dear": "costly", "unsure": "not supported", "weak": "not supported",
    }  # fmt: skip
    assert "moonlight" in told.notes[-1]
    assert advise(**planted(2), cures=_checked(cures)).cures.empty
    both = advise(**planted(2, "representation", "ratings", per_group=1500), cures=_checked(cures)).cures
    assert list(both["skew"].unique()) == ["representation", "ratings", "all"]


def test_welch_agrees_with_scipy():
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=9), rng.normal(0.5, 2, 14)
    value, low, high, p = welch([(1, x), (-1, y)], 0.95)
    other = ttest_ind(x, y, equal_var=False)
    assert np.allclose([p, low, high], [other.pvalue, *other.confidence_interval()])
    assert value == x.mean() - y.mean()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"feature": "race"}, "entrants lack the column"),
        ({"score": "points"}, "lack the column"),
        ({"training_counts": {"a": 3}}, "not as both"),
        ({"training": None, "training_counts": {"a": -1}}, "whole numbers from 0"),
        ({"reference_counts": {"a": 0}}, "not all 0"),
        ({"rater_group": "race"}, "ratings lack the column"),
        ({"id_column": "file"}, "ratings lack the column"),
        ({"confidence": 95}, "confidence"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(planted, change, words):
    with pytest.raises(InputError, match=words):
        advise(**{**planted(0), **change})


def test_one_group_cannot_be_compared():
    with pytest.raises(InputError, match="at least two groups"):
        advise(pd.DataFrame({"group": ["a"] * 5}), feature="group")
