"""Ratings corrected by a model of the raters: shifts that can be counted by hand, and planted ones."""

import time

import numpy as np
import pandas as pd
import pytest

from judge.data.groups import Groups
from judge.data.parametric.dataset import read_parametric
from judge.errors import InputError
from judge.experiment.draw import Drawn
from judge.mitigation.pools import CorrectRatings, rater_model


def crossed(shift, per_group=2, pictures=4, lenient=0.0):
    """Everybody rates everybody, without noise: pool and single ratings. shift: (rater group, group) → points"""
    names = ("a", "b", "c")
    group = np.repeat(names, pictures)
    level = np.linspace(3, 7, len(group))
    rows = [
        (f"p{i:02d}", f"{h}{r}", h, level[i] + shift.get((h, group[i]), 0.0) + lenient * (r - 0.5))
        for i in range(len(group))
        for h in names
        for r in range(per_group)
    ]
    ratings = pd.DataFrame(rows, columns=["image_id", "rater_id", "rater_g", "rating"])
    mean = ratings.groupby("image_id")["rating"].mean().to_numpy()
    pool = pd.DataFrame({"image_id": [f"p{i:02d}" for i in range(len(group))], "g": group, "rating": mean})
    return pool, ratings, level


def noisy(pool, ratings, sd=1.0, seed=0):
    rng = np.random.default_rng(seed)
    ratings = ratings.assign(rating=ratings["rating"] + sd * rng.normal(size=len(ratings)))
    return pool.assign(rating=ratings.groupby("image_id")["rating"].mean().to_numpy()), ratings


def applied(method, pool, ratings):
    return method(pool, pool, feature="g", rng=np.random.default_rng(0), ratings=ratings)


def shifts(out):
    return pd.DataFrame(out.attrs["rating_shifts"]).set_index(["rater_group", "group"])


OUTSIDERS = {("a", "b"): -1.5, ("c", "b"): -1.5}


def test_a_shift_that_outsiders_share_is_found_and_taken_out():
    # a little noise, without which the variances have no say
    pool, ratings = noisy(*crossed(OUTSIDERS, pictures=8)[:2], sd=0.02)
    out = applied(CorrectRatings(), pool, ratings)
    found = shifts(out)["shift"]
    assert found["a", "b"] == pytest.approx(-1.5, abs=0.05) == found["c", "b"]
    assert found.drop([("a", "b"), ("c", "b")]).abs().max() < 0.05
    assert found["b", "b"] == 0
    # four of six ratings of b were shifted
    moved = (out["rating"] - pool["rating"]).groupby(out["g"]).mean()
    assert moved["b"] == pytest.approx(1.0, abs=0.05)
    assert moved[["a", "c"]].abs().max() < 0.05
    assert list(out) == list(pool)


def test_rater_groups_that_differ_each_get_a_shift_of_their_own():
    pool, ratings = noisy(*crossed({("a", "b"): -2.0}, per_group=12, pictures=8)[:2], sd=0.02)
    found = shifts(applied(CorrectRatings(), pool, ratings))["shift"]
    assert found["a", "b"] < -1.5
    assert abs(found["c", "b"]) < 0.5


def test_a_strict_rater_of_everybody_is_no_shift():
    pool, ratings, _ = crossed({}, per_group=2, lenient=2.0)
    out = applied(CorrectRatings(), *noisy(pool, ratings, sd=0.1))
    assert shifts(out)["shift"].abs().max() < 0.2


def test_what_all_raters_share_is_not_seen():
    everybody = {(h, "b"): -1.5 for h in "abc"}
    out = applied(CorrectRatings(), *noisy(*crossed(everybody)[:2], sd=0.1))
    assert shifts(out)["shift"].abs().max() < 0.2


def test_only_named_groups_are_corrected():
    pool, ratings = noisy(*crossed(OUTSIDERS)[:2], sd=0.1)
    # nobody of c rates c: it cannot be corrected, and need not be
    ratings = ratings[
        ~((ratings["rater_g"] == "c") & ratings["image_id"].isin(pool[pool["g"] == "c"]["image_id"]))
    ]
    out = applied(CorrectRatings(groups="b"), pool, ratings)
    assert out["rating"][out["g"] != "b"].equals(pool["rating"][pool["g"] != "b"])
    assert (out["rating"] - pool["rating"])[out["g"] == "b"].mean() == pytest.approx(1, abs=0.2)
    with pytest.raises(
        InputError, match=r"no picture of 'c' in the pool has a rating by raters of that group"
    ):
        applied(CorrectRatings(), pool, ratings)


def test_a_shift_of_a_group_that_is_not_to_be_corrected_is_not_taken_for_the_raters_own():
    more = {**OUTSIDERS, ("a", "c"): -1.0, ("b", "c"): -1.0}
    pool, ratings = noisy(*crossed(more, pictures=8)[:2], sd=0.02)
    out = applied(CorrectRatings(groups=["b"]), pool, ratings)
    assert shifts(out)["shift"].loc[["a", "c"]].tolist() == pytest.approx([-1.5, -1.5], abs=0.05)
    assert out["rating"][out["g"] == "c"].equals(pool["rating"][pool["g"] == "c"])


def test_ratings_stay_on_the_scale():
    pool, ratings = noisy(*crossed({("a", "b"): -4.0, ("c", "b"): -4.0})[:2], sd=0.1)
    top = pool["g"] == "b"
    ratings = ratings.assign(rating=ratings["rating"].clip(upper=5.0))
    out = applied(CorrectRatings(), pool.assign(rating=np.where(top, 4.9, 4.0)), ratings)
    assert out["rating"].max() == ratings["rating"].max()


def test_a_prior_draws_shifts_towards_none():
    pool, ratings = noisy(*crossed(OUTSIDERS)[:2])
    free, drawn = (shifts(applied(CorrectRatings(prior_sd=sd), pool, ratings)) for sd in (None, 0.3))
    assert 0.2 < drawn["shift"]["a", "b"] / free["shift"]["a", "b"] < 0.9
    assert drawn["se"]["a", "b"] < free["se"]["a", "b"]


def test_the_variances_are_those_that_made_the_ratings():
    rng = np.random.default_rng(0)
    n, raters = 400, 40
    image, rater = np.divmod(np.arange(n * raters), raters)
    keep = rng.random(len(image)) < 0.3
    image, rater = image[keep], rater[keep]
    kinds = np.array(["a", "b"])
    rating = rng.normal(0, 2, n)[image] + rng.normal(0, 0.7, raters)[rater] + rng.normal(0, 1.5, len(image))
    rating += rng.normal(0, 0.5, (raters, 2))[rater, image % 2]
    found = rater_model(image, rater, kinds[rater % 2], kinds[image % 2], rating, ["a", "b"]).variances
    assert found["noise"] == pytest.approx(1.5**2, rel=0.05)
    assert found["rater"] == pytest.approx(0.7**2, rel=0.7)
    assert found["rater_by_group"] == pytest.approx(0.5**2, rel=0.5)
    assert np.isnan(found["rater_groups"])  # one group of outsiders each


@pytest.fixture(scope="module")
def prejudiced():
    shift = {"african": -0.65 / 0.95}
    return read_parametric(
        1000,
        seed=2,
        ratings={
            "pool_shares": {"caucasian": 0.8, "african": 0.1, "asian": 0.1},
            "pool_shift": {"caucasian": shift, "asian": shift},
        },
        render=False,
    )


def test_planted_shifts_lie_within_their_errors_and_take_less_than_two_seconds(prejudiced):
    pool = prejudiced.manifest.iloc[:600]
    started = time.process_time()
    out = CorrectRatings()(
        pool, pool, feature="ethnicity", rng=np.random.default_rng(0), ratings=prejudiced.ratings
    )
    assert time.process_time() - started < 2
    found = pd.DataFrame(out.attrs["rating_shifts"]).query("rater_group != group")
    planted = np.where(found["group"] == "african", -0.65 / 0.95, 0.0)
    assert (np.abs(found["shift"] - planted) < 2.5 * found["se"]).all()
    assert found["se"].between(0.05, 0.4).all()
    corrected = out["rating"] - pool["rating"]
    assert corrected[pool["ethnicity"] == "african"].mean() > 0.3


def test_single_ratings_that_a_judge_learns_from_move_with_the_picture(prejudiced):
    source = prejudiced.manifest
    pool = source.iloc[:300].reset_index(drop=True)
    out = CorrectRatings()(
        pool, source, feature="ethnicity", rng=np.random.default_rng(0), ratings=prejudiced.ratings
    )
    drawn = Drawn(
        pools={"plain": pool, "corrected": out}, groups=Groups.of(source, "ethnicity"), source=source,
        entrants=source, calibration=None, refit=None, ratings=prejudiced.ratings, rating_range=(1.0, 10.0),
        one_scale=True, excluded=pd.DataFrame(), real_people=False,
    )  # fmt: skip
    assert drawn.ratings_for("plain") is prejudiced.ratings
    after = drawn.ratings_for("corrected").groupby("image_id")["rating"].mean()[out["image_id"]]
    inside = prejudiced.ratings.groupby("image_id")["rating"].agg(["min", "max"]).loc[out["image_id"]]
    inside = (inside["min"] > 2).to_numpy() & (inside["max"] < 9).to_numpy()
    assert inside.sum() > 30
    np.testing.assert_allclose(after[inside], out["rating"][inside], atol=1e-3)


def test_what_cannot_be_corrected_is_named():
    pool, ratings, _ = crossed(OUTSIDERS)
    with pytest.raises(InputError, match="the data set has no single ratings"):
        applied(CorrectRatings(), pool, None)
    with pytest.raises(InputError, match="single ratings without rater_g"):
        applied(CorrectRatings(), pool, ratings.drop(columns="rater_g"))
    with pytest.raises(InputError, match="single ratings without rater_g"):
        applied(CorrectRatings(), pool, ratings.assign(rater_g=None))
    with pytest.raises(
        InputError, match="24 of 72 ratings of the pool are by raters whose rater_g is unknown"
    ):
        applied(
            CorrectRatings(),
            pool,
            ratings.assign(rater_g=ratings["rater_g"].where(ratings["rater_g"] != "a")),
        )
    with pytest.raises(InputError, match="1 pictures of the pool have no single ratings: 'p00'"):
        applied(CorrectRatings(), pool, ratings[ratings["image_id"] != "p00"])
    with pytest.raises(InputError, match=r"no picture of 'a' in the pool.*raters are 'b', 'c'"):
        applied(CorrectRatings(), pool, ratings[ratings["rater_g"] != "a"])
    apart = ratings.merge(pool[["image_id", "g"]])
    lone = (apart["g"] != "a") | ((apart["rater_g"] == "a") == (apart["image_id"] == "p00"))
    with pytest.raises(
        InputError, match="no picture of 'a' was rated by raters of its own group and by others"
    ):
        applied(CorrectRatings(), pool, apart[lone])
    with pytest.raises(InputError, match="groups has 'd'; g is one of 'a', 'b', 'c'"):
        applied(CorrectRatings(groups=["d"]), pool, ratings)
    with pytest.raises(InputError, match="prior_sd is above 0 or null; given 0"):
        CorrectRatings(prior_sd=0)
