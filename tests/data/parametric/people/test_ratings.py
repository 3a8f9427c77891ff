"""Simulated raters: noise, planted skews, and the ceiling that noise leaves."""

import numpy as np
import pandas as pd
import pytest

from judge.data.parametric.people.population import sample
from judge.data.parametric.people.ratings import Raters, expected_ratings, group_shift, rate, raters_from
from judge.data.parametric.people.truth import truth
from judge.errors import InputError


@pytest.fixture(scope="module")
def people():
    table = sample(4000, seed=9)
    return table.join(truth(table)["truth"])


def means(people, raters, seed=9, start=0):
    single, _ = rate(people, people["truth"], raters, seed=seed, start=start)
    return single.groupby("image_id", sort=False)["rating"].mean().set_axis(people.index)


def test_without_noise_or_skew_everybody_gets_centre_plus_spread_times_truth(people):
    raters = Raters(noise=0, bias=0, low=-50, high=50)
    assert np.allclose(means(people, raters), 5.5 + 1.3 * people["truth"], atol=1e-4)


def test_truth_itself_reaches_the_ceiling_and_no_more(people):
    for raters in (Raters(low=-50, high=50), Raters(per_picture=3, noise=2.0, bias=1.0, low=-50, high=50)):
        reached = np.corrcoef(people["truth"], means(people, raters))[0, 1]
        assert reached == pytest.approx(raters.ceiling, abs=0.015)


def test_the_ceiling_is_counted_by_hand():
    # 4 of 5 raters: error = (1² + 2²·(5−4)/(5−1)) / 4 = .5; signal 1; reliability 2/3
    raters = Raters(per_picture=4, pool=5, noise=1.0, bias=2.0, spread=1.0)
    assert raters.error_variance == pytest.approx(0.5)
    assert raters.reliability == pytest.approx(2 / 3)
    assert raters.ceiling == pytest.approx(np.sqrt(2 / 3))
    # all raters rate all: their own means no longer differ between pictures
    assert Raters(per_picture=5, pool=5, noise=1.0, bias=9.0).error_variance == pytest.approx(0.2)


def test_each_picture_has_so_many_different_raters_of_the_pool(people):
    single, pool = rate(people.head(200), people["truth"].head(200), Raters(per_picture=7, pool=12), seed=9)
    by = single.groupby("image_id")["rater_id"]
    assert (by.size() == 7).all() and (by.nunique() == 7).all()
    assert set(single["rater_id"]) == set(pool["rater_id"]) and len(pool) == 12


def test_a_planted_shift_moves_that_group_by_so_many_points_and_nobody_else(people):
    wide = {"low": -50, "high": 50}
    before, after = means(people, Raters(**wide)), means(people, Raters(shift={"african": -1.25}, **wide))
    african = people["ethnicity"] == "african"
    assert np.allclose((after - before)[african], -1.25, atol=1e-3)
    assert np.allclose((after - before)[~african], 0, atol=1e-9)


def test_shifts_of_all_groups_that_fit_are_added():
    person = pd.DataFrame({"ethnicity": ["asian"], "gender": ["male"], "age_group": ["60-69"]})
    assert group_shift(person, {"asian": 1, "male": 0.5, "asian/male/60-69": 0.25, "asian/female": 9}) == [
        1.75
    ]


def test_a_planted_use_of_tone_costs_so_many_points_from_lightest_to_darkest(people):
    wide = {"low": -50, "high": 50}
    moved = means(people, Raters(tone=-2, **wide)) - means(people, Raters(**wide))
    assert np.polyfit(people["melanin"], moved, 1)[0] == pytest.approx(-2, abs=1e-3)


def test_raters_of_a_group_bring_their_own_shift_in_proportion_to_their_number(people):
    wide = {"low": -50, "high": 50, "per_picture": 20, "pool": 20}
    shift = {"caucasian": {"african": -1.0}}
    for share, expected in ((1.0, -1.0), (0.5, -0.5), (0.0, 0.0)):
        shares = {"caucasian": share, "african": 1 - share}
        raters = Raters(pool_shares=shares, pool_shift=shift, **wide)
        moved = means(people, raters) - means(people, Raters(pool_shares=shares, **wide))
        by = moved.groupby(people["ethnicity"]).mean()
        assert by["african"] == pytest.approx(expected, abs=1e-3)
        assert by["asian"] == pytest.approx(0, abs=1e-9)
        told = expected_ratings(people, people["truth"], raters) - 5.5 - 1.3 * people["truth"]
        assert told[people["ethnicity"] == "african"].iloc[0] == pytest.approx(expected)


def test_the_pool_has_the_composition_that_was_chosen(people):
    _, pool = rate(
        people.head(5), people["truth"].head(5), Raters(pool_shares={"asian": 1, "african": 3}), seed=1
    )
    assert pool["ethnicity"].value_counts().to_dict() == {"african": 45, "asian": 15}


def test_ratings_of_person_i_are_the_same_however_many_there_are(people):
    whole, _ = rate(people.head(50), people["truth"].head(50), Raters(), seed=9)
    part = people.iloc[20:30]
    later, _ = rate(part, part["truth"], Raters(), seed=9, start=20)
    assert later.equals(whole.iloc[200:300].reset_index(drop=True))


def test_other_raters_of_the_same_people_rate_otherwise(people):
    few = people.head(100)
    assert not means(few, Raters()).equals(means(few, Raters(seed=10)))
    assert means(few, Raters(seed=9)).equals(means(few, Raters()))


def test_ratings_keep_to_the_scale_and_its_steps(people):
    single, _ = rate(people, people["truth"], Raters(noise=4, step=1), seed=9)
    assert single["rating"].between(1, 10).all()
    assert (single["rating"] == single["rating"].round()).all()
    assert {1, 10} <= set(single["rating"])


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"per_picture": 70}, "pool of 60"),
        ({"per_picture": 0}, "per_picture"),
        ({"noise": -1}, "noise"),
        ({"low": 5, "high": 5}, "not below"),
        ({"shift": {"martian": 1}}, "martian"),
        ({"pool_shift": {"asian": {"martian": 1}}}, "martian"),
        ({"pool_shares": {"martian": 1}}, "african"),
        ({"n_raters": 5}, "n_raters"),
    ],
)
def test_raters_that_cannot_be_are_refused_by_name(settings, named):
    with pytest.raises(InputError, match=named):
        raters_from(settings)
