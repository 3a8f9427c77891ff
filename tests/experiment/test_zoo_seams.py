"""What the seams promise: other ranks with the same scores, people to refit on, pools of a size of their own."""

import numpy as np
import pytest
from hydra import compose, initialize_config_module

from judge.errors import InputError
from judge.experiment.choices.fitting import fitted
from judge.experiment.draw import draw
from judge.experiment.run import run
from judge.experiment.run_folder import RunDir
from judge.experiment.settings import unpack

SMALL = [
    "judge=embedding", "judge.embedding.size=64", "judge.embedding.weights=none", "+judge.progress=false", "data.n=320",
    "data.size=32", "data.progress=false", "data.workers=1", "pool.n=40", "pool.majority_share=.6", "entrants.n=45",
    "audit.n_permutations=99", "report.page=false", "save_judges=false", "threads=1", "contest.brackets=[gender]",
    "contest.places=6", "pool.refit=9", "pool.calibration=30",
]  # fmt: skip
SHIFT = "pool.rating_shift={african: -1}"
pytestmark = pytest.mark.slow
CONDITIONS = [
    "+conditions.turned={ranking: {_target_: own_methods.LastFirst}}",
    "+conditions.turned_within={scores: standardise_within, ranking: {_target_: own_methods.LastFirst}}",
    "+conditions.flat={refit: {_target_: own_methods.ToHeldOutMean}}",
    "+conditions.half={pool: {_target_: own_methods.Half}}",
    "+conditions.up={pool: {_target_: own_methods.RateUp}}",
]


def composed(*overrides):
    with initialize_config_module("judge.conf", version_base="1.3"):
        return compose("config", overrides=[*SMALL, *overrides])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("JUDGE_CACHE", str(tmp_path_factory.mktemp("cache")))
    folder = tmp_path_factory.mktemp("run")
    run(composed(*CONDITIONS, SHIFT), folder)
    yield RunDir(folder)
    patch.undo()


def of(home, table, condition):
    return home.table(table).query("condition == @condition").drop(columns="condition")


def test_a_ranking_changes_who_wins_and_nobodys_score(home):
    own, base = of(home, "ranking", "turned"), of(home, "ranking", "skewed")
    assert (
        own.set_index("image_id")["score"]
        .sort_index()
        .equals(base.set_index("image_id")["score"].sort_index())
    )
    both = own.merge(base, on=["image_id", "bracket"], suffixes=("", "_base"))
    size = both.groupby("bracket")["rank"].transform("size")
    assert (both["rank"] == size + 1 - both["rank_base"]).all()
    assert both["winner"].equals(both["rank"] <= 6)
    assert both.groupby("bracket")["winner"].sum().eq(6).all()


def test_numbers_about_an_order_are_of_the_new_one_and_those_about_scores_stay(home):
    own, base = (
        of(home, "audit", name).set_index(["metric", "group"])["value"] for name in ("turned", "skewed")
    )
    outranks = [key for key in base.index if key[0] == "outrank_probability"]
    assert outranks
    for key in outranks:
        assert own[key] == pytest.approx(1 - base[key])
    errors = [key for key in base.index if key[0] == "signed_error"]
    assert errors and np.allclose(own[errors], base[errors])


def test_scores_and_ranking_of_one_condition_follow_one_another(home):
    ranked, adjusted = of(home, "ranking", "turned_within"), of(home, "scores", "turned_within")
    adjusted = adjusted[adjusted["judge"] == "beauty_adjusted"].set_index("image_id")["score"]
    assert np.allclose(ranked["image_id"].map(adjusted), ranked["score"])
    for _, bracket in ranked.groupby("bracket"):
        assert bracket.sort_values("rank")["score"].is_monotonic_increasing


def test_a_ranking_that_gives_one_place_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match="ranks that are not 1 to the number of people"):
        run(composed("+conditions.bad={ranking: {_target_: own_methods.AllFirst}}"), tmp_path)


def test_people_to_refit_on_are_rated_even_and_nobody_else(home):
    members = home.table("membership")
    people = home.table("manifest").set_index("image_id")
    refit = members[members["role"] == "refit"]
    assert set(refit["condition"]) == {"flat"}
    assert people.loc[refit["image_id"], "ethnicity"].value_counts().tolist() == [3, 3, 3]
    others = members[members["role"] != "refit"]["image_id"]
    assert not set(refit["image_id"]) & set(others)
    scores = of(home, "scores", "flat")["score"]
    assert np.allclose(scores, refit["rating"].mean())


def test_who_neither_trains_nor_enters_is_rated_by_the_same_raters_as_the_pool(home):
    # the shift of the pool's ratings is on them as well: a cure must not learn from raters without prejudice
    members = home.table("membership").drop_duplicates(["image_id", "role"])
    truth = home.table("manifest").set_index("image_id")
    known = members.assign(
        group=members["image_id"].map(truth["ethnicity"]),
        error=members["rating"] - 5.5 - 1.3 * members["image_id"].map(truth["truth"]),
    )
    for role in ("train", "calibration", "refit"):
        mean = known[(known["role"] == role)].groupby("group")["error"].mean()
        assert mean["african"] < -0.4 < mean.drop("african").min()
    entered = known[known["role"] == "entrant"].groupby("group")["error"].mean()
    assert entered["african"] > -0.4


def test_a_pool_of_a_size_of_its_own_cuts_no_other(home):
    assert home.done["pool_n"]["half"] == 20
    assert home.done["pool_n"]["skewed"] == home.done["pool_n"]["rebalanced"] == 40


def test_single_ratings_move_with_the_mean_that_a_method_has_changed():
    drawn = draw(fitted(composed(*CONDITIONS, SHIFT)))
    pool, before = (drawn.pools[name].set_index("image_id")["rating"] for name in ("up", "skewed"))
    moved = (pool - before)[pool - before > 1e-9]
    assert len(moved) > 10
    own, base = drawn.ratings_for("up"), drawn.ratings_for("skewed")
    assert base is drawn.ratings
    change = (own["rating"] - base["rating"]).groupby(own["image_id"]).max()
    in_scale = base.groupby("image_id")["rating"].max() + change <= drawn.rating_range[1]
    for image_id in moved.index[in_scale[moved.index].to_numpy()]:
        assert change[image_id] == pytest.approx(moved[image_id])
    others = own[~own["image_id"].isin(moved.index)]
    assert (others["rating"] == base.loc[others.index, "rating"]).all()


def test_agreement_is_told_by_group_for_people_whom_the_judge_has_not_learnt_from(home):
    table = of(home, "agreement", "skewed").set_index(["people", "group"])
    assert table.loc[("validation", "all"), "n"] == 6  # 15 % of 40
    assert table.loc[("calibration", "all"), "n"] == 30
    people = home.table("membership").query("condition == 'skewed' and role == 'calibration'")
    group = home.table("manifest").set_index("image_id")["ethnicity"]
    counted = people["image_id"].map(group).value_counts()
    for name, n in counted.items():
        assert table.loc[("calibration", name), "n"] == n
    whole, parts = table.loc[("calibration", "all"), "mse"], table.loc["calibration"].drop("all")
    assert whole == pytest.approx((parts["mse"] * parts["n"]).sum() / parts["n"].sum())


def test_probes_read_the_features_of_each_judge_and_the_score_of_each_condition(home):
    probes = home.table("probes")
    features, scores = (probes[probes["reads"] == what] for what in ("features", "score"))
    assert set(features["condition"]) == set(home.done["trained_as"].values())
    assert set(scores["condition"]) == set(home.done["conditions"])
    assert (probes["n_train"] + probes["n_test"] == 45).all()
    # one score for everybody tells nothing
    flat = scores[scores["condition"] == "flat"]
    assert (flat["balanced_accuracy"] - flat["chance"]).abs().max() < 1e-9


def test_probes_are_made_where_a_method_claims_something_or_somebody_asks():
    for words, wanted in (
        ([], False),
        (["audit.probe=true"], True),
        (["+conditions.flat={refit: {_target_: own_methods.ToHeldOutMean}}"], True),
        (["+conditions.flat={refit: {_target_: own_methods.ToHeldOutMean}}", "audit.probe=false"], False),
    ):
        assert unpack(composed(*words)).probes is wanted


def test_too_few_people_to_refit_on_are_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(InputError, match="rated people of each group who neither train nor enter"):
        run(
            composed(
                "+conditions.flat={refit: {_target_: own_methods.ToHeldOutMean}}", "pool.n=192", "pool.validation=.006",
                "pool.jointly=null",
                "pool.majority_share=.3334", "conditions.rebalanced=none", "entrants.n=null",
            ),
            tmp_path,
        )  # fmt: skip
    assert not (tmp_path / "judges").exists()
