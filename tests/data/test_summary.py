"""Counts, means and reliability that can be checked by hand."""

import numpy as np
import pandas as pd
import pytest

from judge.data.summary import (
    counts,
    exclusion_counts,
    known_features,
    missing_values,
    ratings_by_group,
    reliability,
)

PEOPLE = pd.DataFrame(
    {
        "image_id": list("abcdef"),
        "ethnicity": ["x", "x", "y", "y", "y", None],
        "gender": ["female", "female", "female", "male", "male", "male"],
        "age_group": ["18-29", "18-29", "30-39", None, "18-29", "18-29"],
        "skin_tone": [None] * 6,
        "rating": [1.0, 3.0, 5.0, np.nan, 6.0, 4.0],
    }
)


def test_a_column_without_values_is_no_feature():
    assert known_features(PEOPLE) == ["ethnicity", "gender", "age_group"]


def test_empty_brackets_and_missing_labels_stay_visible():
    table = counts(PEOPLE, "ethnicity")
    assert table.loc["x", "female 18-29"] == 2
    assert table.loc["y", "male (missing)"] == 1
    assert table.loc["(missing)", "male 18-29"] == 1
    assert table["female 60-69"].tolist() == [0, 0, 0, 0]  # nobody, but there
    assert table.loc["all", "all"] == 6
    assert len(table.columns) == 2 * 6 + 1  # five age groups and (missing), both genders, all


def test_without_brackets_only_the_groups_are_counted():
    table = counts(PEOPLE, "ethnicity", brackets=())
    assert table["all"].to_dict() == {"(missing)": 1, "x": 2, "y": 3}


def test_means_leave_unrated_pictures_out_but_count_them():
    table = ratings_by_group(PEOPLE, ["ethnicity"]).set_index("group")
    assert table.loc["y", ["pictures", "rated", "mean"]].tolist() == [3, 2, 5.5]
    assert table.loc["x", "sd"] == pytest.approx(np.sqrt(2))
    assert np.isnan(table.loc["(missing)", "sd"])  # one person has no spread


def test_missing_values_are_counted_by_column():
    table = missing_values(PEOPLE).set_index("column")["missing"]
    assert table.to_dict() == {"ethnicity": 1, "age_group": 1, "skin_tone": 6, "rating": 1}


def test_exclusions_are_counted_by_reason():
    excluded = pd.DataFrame({"item": list("abc"), "reason": ["p", "q", "q"], "detail": ""})
    assert exclusion_counts(excluded).to_numpy().tolist() == [["q", 2], ["p", 1]]


def single(signal, noise, raters, pictures=400, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, signal, (pictures, 1))
    ratings = truth + rng.normal(0, noise, (pictures, raters))
    table = pd.DataFrame(ratings).rename_axis("image_id").reset_index().melt("image_id", var_name="rater_id")
    return table.rename(columns={"value": "rating"})


def test_reliability_recovers_what_was_planted():
    # variance 1 between pictures, 4 within: means of 12 have 1 / (1 + 4/12) = .75, of 6 raters .6
    found = reliability(single(1, 2, 12, pictures=4000), rng=np.random.default_rng(1))
    assert found.split_half == pytest.approx(0.6, abs=0.02)
    assert found.spearman_brown == pytest.approx(0.75, abs=0.02)
    assert found.pictures == 4000
    assert found.median_ratings == 12


def test_raters_who_agree_wholly_are_wholly_reliable():
    found = reliability(single(1, 0, 4), rng=np.random.default_rng(1))
    assert found.split_half == pytest.approx(1)


def test_the_order_of_the_ratings_does_not_matter():
    table = single(1, 1, 5)
    shuffled = table.sample(frac=1, random_state=0)
    one, two = (reliability(t, rng=np.random.default_rng(1), halvings=200) for t in (table, shuffled))
    assert one.split_half == pytest.approx(two.split_half, abs=0.01)


def test_one_rating_a_picture_says_nothing_about_reliability():
    assert reliability(single(1, 1, 1), rng=np.random.default_rng(1)) is None
    equal = single(1, 1, 4).assign(rating=3.0)
    assert reliability(equal, rng=np.random.default_rng(1)) is None
