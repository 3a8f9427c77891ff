"""The last layer on equally many people of each group: a cue that misleads a few is no longer leant on."""

import numpy as np
import pandas as pd
import pytest
from shown_features import ShownFeatures

from judge.errors import InputError
from judge.mitigation.refits import LastLayer


def people(n, share, seed):
    """Rating y. Feature x0 is y with noise; x1 is the cue: y itself in group a, −y in group b, a `share` of all."""
    rng = np.random.default_rng(seed)
    group = np.where(np.arange(n) < round(n * share), "b", "a")
    y = rng.normal(size=n)
    cue = np.where(group == "a", y, -y) + rng.normal(0, 0.2, n)
    return pd.DataFrame(
        {"image_id": [f"{seed}-{i}" for i in range(n)], "rating": 5 + y, "ethnicity": group,
         "x0": y + rng.normal(0, 0.5, n), "x1": cue}
    )  # fmt: skip


POOL, HELD_OUT, OTHERS = people(600, 0.04, 0), people(200, 0.3, 1), people(400, 0.5, 2)


def worst_error(judge):
    error = (judge.score(OTHERS)[0]["score"] - OTHERS["rating"]) ** 2
    return error.groupby(OTHERS["ethnicity"]).mean().max()


def refitted(method, pool=POOL, held_out=HELD_OUT, seed=0):
    judge = ShownFeatures(["x0", "x1"]).fit(pool)
    return method(judge, pool, held_out=held_out, feature="ethnicity", rng=np.random.default_rng(seed))


@pytest.mark.parametrize("whose", ["held_out", "pool"])
@pytest.mark.parametrize("seed", range(5))
def test_the_worst_groups_error_is_less_than_half_of_plain_trainings(whose, seed):
    pool, held_out = people(600, 0.04, 10 + seed), people(200, 0.3, 20 + seed)
    plain = ShownFeatures(["x0", "x1"]).fit(pool)
    assert plain.slope("x1") > 0.3
    again = refitted(LastLayer(people=whose), pool, held_out, seed)
    # as many for whom the cue points up as for whom it points down: it says nothing
    assert abs(again.slope("x1")) < 0.2 < again.slope("x0")
    assert worst_error(again) < worst_error(plain) / 2


def test_the_head_is_the_mean_of_heads_on_balanced_draws():
    one = [refitted(LastLayer(draws=1), seed=seed).slope("x0") for seed in range(40)]
    ten = [refitted(LastLayer(draws=10), seed=seed).slope("x0") for seed in range(40)]
    assert np.mean(ten) == pytest.approx(np.mean(one), abs=0.02)
    assert np.std(ten) < np.std(one) / 2  # √10 times less


def test_a_picture_that_comes_several_times_is_one_person():
    twice = pd.concat([POOL, POOL[POOL["ethnicity"] == "b"]], ignore_index=True)
    method = LastLayer(people="pool", draws=3)
    assert refitted(method, twice).slope("x1") == refitted(method, POOL).slope("x1")


def test_unrated_people_and_those_of_no_group_are_left_out():
    odd = people(50, 0.5, 3)
    odd.loc[:24, "rating"] = np.nan
    odd.loc[25:, "ethnicity"] = None
    mixed = pd.concat([HELD_OUT, odd], ignore_index=True)
    method = LastLayer(draws=3)
    assert refitted(method, held_out=mixed).slope("x1") == refitted(method).slope("x1")


@pytest.mark.parametrize(
    "wrong, words",
    [({"people": "all"}, "held_out or pool"), ({"draws": 0}, "at least 1"), ({"penalties": []}, "over 0")],
)
def test_wrong_settings_are_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        LastLayer(**wrong)


def test_groups_that_are_too_small_are_refused():
    assert LastLayer().needs_held_out and not LastLayer(people="pool").needs_held_out
    few = HELD_OUT[(HELD_OUT["ethnicity"] == "a") | (HELD_OUT.index < 2)]
    with pytest.raises(
        InputError, match=r"at least 3 rated people each, among held-out people.*'a': 140, 'b': 2"
    ):
        LastLayer().check(POOL, few, feature="ethnicity")
    LastLayer(people="pool").check(POOL, None, feature="ethnicity")
    with pytest.raises(InputError, match="'b': 2"):
        refitted(LastLayer(), held_out=few)
