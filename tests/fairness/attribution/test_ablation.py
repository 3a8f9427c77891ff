from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from judge.contest import fill_places
from judge.errors import InputError
from judge.fairness.attribution import WHOLE, ablation, juries

pytestmark = pytest.mark.slow


def mean_panel(scores, manifest):
    return scores.groupby("image_id", as_index=False, sort=False)["score"].mean()


def best_panel(scores, manifest):
    return scores.groupby("image_id", as_index=False, sort=False)["score"].max()


def two_places(scores, manifest):
    place = fill_places(scores["image_id"], scores["score"], places=2)
    return SimpleNamespace(ranking=scores.assign(rank=place.rank, winner=place.winner))


# a, b are group x; c, d are group y. `likes_x` puts x first, `likes_y` y first and more strongly
MANIFEST = pd.DataFrame({"image_id": list("abcd"), "group": ["x", "x", "y", "y"]})
SCORES = pd.DataFrame(
    [
        {"image_id": i, "judge": judge, "seed": seed, "score": value}
        for seed in (0, 1)
        for judge, values in {"likes_x": [4, 3, 1, 0], "likes_y": [0, 1, 30, 40]}.items()
        for i, value in zip("abcd", values, strict=True)
    ]
)


def table(**settings):
    panels = settings.pop("panels", {"mean": mean_panel})
    out = ablation(SCORES, MANIFEST, feature="group", panels=panels, contest=two_places, **settings)
    return out.set_index(["rule", "jury", "group"])


def test_the_juries_are_the_whole_each_without_one_and_each_alone():
    assert juries(["a", "b", "c"]) == {
        WHOLE: ["a", "b", "c"],
        "without a": ["b", "c"], "without b": ["a", "c"], "without c": ["a", "b"],
        "a alone": ["a"], "b alone": ["b"], "c alone": ["c"],
    }  # fmt: skip


def test_leaving_out_the_judge_that_decides_turns_the_outcome_round():
    t = table(n_resamples=0)
    assert t.loc[("mean", WHOLE, "y"), "winners"] == 1
    assert t.loc[("mean", "without likes_y", "y"), "winners"] == 0
    assert t.loc[("mean", "without likes_y", "y"), "change"] == -1
    assert t.loc[("mean", "without likes_x", "y"), "change"] == 0
    assert t.loc[("mean", "likes_x alone", "x"), "winners"] == 1


def test_shares_of_entrants_and_places_are_counted():
    t = table(n_resamples=0)
    assert (t["entrants"] == 0.5).all() and (t["n"] == 2).all() and (t["places"] == 2).all()


def test_every_rule_has_its_own_whole_jury_to_be_compared_with():
    t = table(n_resamples=0, panels={"mean": mean_panel, "best": best_panel})
    assert (t.xs(WHOLE, level="jury")["change"] == 0).all()
    assert set(t.index.get_level_values("rule")) == {"mean", "best"}


def test_resampled_entrants_give_intervals_that_hold_the_chance_of_who_entered():
    t = table(n_resamples=25)
    row = t.loc[("mean", WHOLE, "y")]
    # with 4 entrants drawn with replacement, nobody of y enters in (1/2)**4 of the draws and one in 4/16
    assert row["ci_low"] < 1 and row["ci_high"] == 1
    assert t.loc[("mean", WHOLE, "x"), "change_low"] == 0


def test_one_seed_without_resampling_has_no_interval():
    one = SCORES[SCORES["seed"] == 0]
    out = ablation(
        one, MANIFEST, feature="group", panels={"m": mean_panel}, contest=two_places, n_resamples=0
    )
    assert out["ci_low"].isna().all()
    assert np.isfinite(out["winners"]).all()


def test_the_same_seed_of_the_generator_gives_the_same_table():
    pd.testing.assert_frame_equal(table(n_resamples=5, rng=3), table(n_resamples=5, rng=3))


def test_a_feature_that_is_not_there_is_named():
    with pytest.raises(InputError, match="feature='tone'"):
        ablation(SCORES, MANIFEST, feature="tone", panels={"m": mean_panel}, contest=two_places)


def test_entrants_as_they_are_are_judged_under_their_own_names():
    tied = SCORES.assign(score=1.0)
    won = two_places(
        tied[tied["judge"] == "likes_x"].query("seed == 0")[["image_id", "score"]], MANIFEST
    ).ranking
    share = MANIFEST.set_index("image_id").loc[won.loc[won["winner"], "image_id"], "group"].eq("x").mean()
    out = ablation(
        tied, MANIFEST, feature="group", panels={"m": mean_panel}, contest=two_places, n_resamples=0
    )
    assert out.set_index(["jury", "group"]).loc[(WHOLE, "x"), "winners"] == share


@pytest.mark.slow
def test_two_processes_give_the_table_of_one():
    one, two = (table(n_resamples=2, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert not one.equals(table(n_resamples=2, rng=1))  # and another draw of people is another table
