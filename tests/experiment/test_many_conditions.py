"""A run of ten conditions: what is trained, what is used again, and what each seam does to who wins."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_module

from judge.contest import Contest
from judge.errors import InputError
from judge.experiment.run import run
from judge.experiment.run_folder import RunDir, read_json, write_json

SMALL = [
    "judge=embedding", "judge.embedding.size=64", "judge.embedding.weights=none", "+judge.progress=false", "data.n=220",
    "data.size=32", "data.progress=false", "data.workers=1", "pool.n=40", "pool.majority_share=.7", "entrants.n=40",
    "audit.n_permutations=99", "report.page=false", "save_judges=false", "threads=1", "contest.brackets=[gender]",
]  # fmt: skip
pytestmark = pytest.mark.slow
CONDITIONS = [
    "+conditions.reweight=reweight", "+conditions.up=resample_up", "+conditions.placebo=none",
    "+conditions.ahead={trained_as: late, scores: standardise_within}", "+conditions.within=standardise_within",
    "+conditions.within_new={trained_as: rebalanced, scores: standardise_within}",
    "+conditions.raised={refit: {_target_: own_methods.RaiseAll, points: 2}}",
    "+conditions.raised_within={trained_as: raised, scores: standardise_within}",
    "+conditions.late={pool: {_target_: judge.mitigation.pools.ReweighLabels, bins: 3}}",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("JUDGE_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


def held(folder, *overrides, own=None):
    """own: settings of another judge"""
    settings = SMALL if own is None else [word for word in SMALL if "judge" not in word] + own
    with initialize_config_module("judge.conf", version_base="1.3"):
        settings = compose("config", overrides=[*settings, *overrides])
    run(settings, folder)
    return RunDir(folder)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return held(tmp_path_factory.mktemp("run"), *CONDITIONS)


def of(home, table, condition):
    return home.table(table).query("condition == @condition")


def test_nothing_is_trained_twice(home):
    assert sorted(path.name for path in (home / "judges").iterdir()) == [
        "late", "raised", "rebalanced", "reweight", "skewed", "up",
    ]  # fmt: skip
    assert home.done["trained_as"] == {
        "skewed": "skewed", "rebalanced": "rebalanced", "reweight": "reweight", "up": "up", "placebo": "skewed",
        "ahead": "late", "late": "late",
        "within": "skewed", "within_new": "rebalanced", "raised": "raised", "raised_within": "raised",
    }  # fmt: skip


def test_order_and_baseline_are_in_the_summary_and_every_table_says_its_condition(home):
    names = home.done["conditions"]
    assert names == [
        "skewed",
        "rebalanced",
        *(re.match(r"\+conditions\.(\w+)", word)[1] for word in CONDITIONS),
    ]
    assert home.done["baseline"] == "skewed"
    for table in ("scores", "ranking", "audit", "brackets"):
        assert set(home.table(table)["condition"]) == {*names, "truth"}
    assert set(home.table("membership")["condition"]) == set(names)


def test_pools_have_one_size_and_membership_counts_copies_and_weights(home):
    members = home.table("membership")
    pool = members[members["role"].isin(["train", "validation"])]
    assert set(pool.groupby("condition")["copies"].sum()) == {40}
    assert pool.query("condition == 'up'")["copies"].max() > 1
    assert pool.query("condition == 'reweight'")["weight"].nunique() == 2
    assert pool.query("condition == 'skewed'")["weight"].eq(1).all()
    assert home.table("manifest")["image_id"].is_unique
    assert set(members["image_id"]) == set(home.table("manifest")["image_id"])


def test_a_placebo_changes_nobody_and_a_judge_used_again_scores_the_same(home):
    for name in ("placebo", "within"):
        same = of(home, "scores", name).query("judge == 'beauty'").set_index("image_id")["score"]
        pd.testing.assert_series_equal(
            same, of(home, "scores", "skewed").set_index("image_id")["score"], check_names=False
        )
    for column in ("rank", "score"):
        assert (
            of(home, "ranking", "placebo")[column].tolist() == of(home, "ranking", "skewed")[column].tolist()
        )


def test_a_refit_works_on_a_judge_of_its_own(home):
    before, after = (of(home, "scores", name).set_index("image_id")["score"] for name in ("skewed", "raised"))
    np.testing.assert_allclose(after - before, 2.0, atol=1e-9)
    # raising everybody changes no rank
    assert set(of(home, "ranking", "raised").query("winner")["image_id"]) == set(
        of(home, "ranking", "skewed").query("winner")["image_id"]
    )


def test_adjusted_scores_are_what_is_ranked_and_are_standardised_by_people_who_do_not_enter(home):
    members, people = home.table("membership"), home.table("manifest").set_index("image_id")["ethnicity"]
    calibration = set(members.query("role == 'calibration'")["image_id"])
    entrants = set(members.query("role == 'entrant'")["image_id"])
    learnt = set(members.query("role == 'train'")["image_id"])
    assert calibration and not calibration & (entrants | learnt)

    kept = pd.read_parquet(home / "judges/skewed/calibration.parquet")
    assert set(kept["image_id"]) == calibration
    moments = kept.groupby(kept["image_id"].map(people))["score"].agg(["mean", "std"])
    raw = of(home, "scores", "within").query("judge == 'beauty'").set_index("image_id")["score"]
    group = raw.index.map(people)
    z = (raw - group.map(moments["mean"])) / group.map(moments["std"])
    expected = z * kept["score"].std() + kept["score"].mean()
    adjusted = of(home, "scores", "within").query("judge == 'beauty_adjusted'").set_index("image_id")["score"]
    np.testing.assert_allclose(adjusted, expected.loc[adjusted.index], atol=1e-9)
    ranked = of(home, "ranking", "within").set_index("image_id")["score"]
    np.testing.assert_allclose(ranked, adjusted.loc[ranked.index])


def test_winners_are_those_of_the_contest_over_the_final_scores(home):
    members = home.table("membership").query("role == 'entrant' and condition == 'within_new'")
    people = home.table("manifest").merge(members[["image_id"]], on="image_id")
    final = of(home, "ranking", "within_new")[["image_id", "score"]]
    again = Contest(places=5, brackets=["gender"])(final, people).ranking
    won = of(home, "ranking", "within_new").query("winner")["image_id"]
    assert set(won) == set(again.loc[again["winner"], "image_id"])


def test_a_run_killed_after_some_trainings_ends_in_the_same_tables(home, tmp_path):
    shutil.copytree(home.path, tmp_path / "killed")
    for name in ("done.json", "ranking.parquet", "judges/raised", "judges/reweight/scores.parquet"):
        path = tmp_path / "killed" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    again = held(tmp_path / "killed", *CONDITIONS)
    for file in sorted(home.path.glob("*.parquet")):
        assert file.read_bytes() == (again / file.name).read_bytes(), file.name


def test_scores_of_other_people_are_not_read_back(home, tmp_path):
    shutil.copytree(home.path, tmp_path / "run")
    (tmp_path / "run/done.json").unlink()
    file = tmp_path / "run/judges/up/scores.parquet"
    pd.read_parquet(file).head(20).to_parquet(file, index=False)
    again = held(tmp_path / "run", *CONDITIONS)
    pd.testing.assert_frame_equal(again.table("ranking"), home.table("ranking"))


@pytest.mark.parametrize("seam", ["refit", "objective"])
def test_what_another_refit_or_objective_left_behind_is_refused(home, tmp_path, seam):
    shutil.copytree(home.path, tmp_path / "run")
    (tmp_path / "run/done.json").unlink()
    file = tmp_path / "run/judges/raised/training.json"
    there = read_json(file)
    other = {
        "refit": [{"_target_": "own_methods.RaiseAll", "points": 3}],
        "objective": {"_target_": "own_methods.Plain"},
    }
    write_json(file, there | {seam: other[seam]})
    with pytest.raises(InputError, match=rf"raised holds another training: {seam} was .*own_methods"):
        held(tmp_path / "run", *CONDITIONS)


def test_judges_are_saved_where_asked_and_the_refit_is_among_them(home, tmp_path):
    assert not list(home.path.glob("judges/*/judge.json"))
    shutil.copytree(home.path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run/judges")  # a finished run's tables do not need it
    again = held(tmp_path / "run", *CONDITIONS, "save_judges=true")
    assert sorted(p.parent.name for p in again.path.glob("judges/*/judge.json")) == [
        "late", "raised", "rebalanced", "reweight", "skewed", "up",
    ]  # fmt: skip
    assert json.loads((again / "done.json").read_text()) == home.done


def test_a_judge_that_cannot_have_an_objective_says_so_before_any_work(tmp_path):
    with pytest.raises(
        InputError, match=r"conditions\.own\.objective: the embedding judge's features are frozen"
    ):
        held(tmp_path, "+conditions.own=match_features")
    assert not (tmp_path / "judges").exists()


@pytest.mark.parametrize(
    "settings, words",
    [
        ("step: -1", "group_dro: step is a number of at least 0, not -1"),
        ("stpe: 1", "unexpected keyword argument 'stpe'"),
    ],
)
def test_a_wrong_setting_of_an_objective_is_told_before_any_work(tmp_path, settings, words):
    with pytest.raises(InputError, match=rf"conditions\.own\.objective: .*{words}"):
        held(tmp_path, f"+conditions.own={{_target_: judge.mitigation.objectives.GroupDRO, {settings}}}")
    assert not (tmp_path / "judges").exists()


@pytest.mark.parametrize(
    "refit, words",
    [
        ("last_layer", r"needs a judge with 'read', 'set_head' .*ScoresOnly"),
        ("leace", r"needs a judge with 'read', 'project', 'set_head'"),
    ],
)
def test_a_judge_that_shows_no_features_is_not_refitted_and_says_so_before_any_work(tmp_path, refit, words):
    own = ["judge=embedding", "judge._target_=own_methods.ScoresOnly"]
    with pytest.raises(InputError, match=rf"conditions\.own\.refit: it {words}"):
        held(tmp_path, f"+conditions.own={refit}", own=own)
    assert not (tmp_path / "judges").exists()


def test_groups_that_are_too_small_for_a_refit_are_told_before_any_work(tmp_path):
    small = "+conditions.own={refit: {_target_: judge.mitigation.refits.LastLayer, people: pool}}"
    with pytest.raises(
        InputError, match=r"conditions\.own\.refit: last_layer: two groups or more are needed"
    ):
        held(tmp_path, small, "pool.shares={african: .03, asian: .03, caucasian: .94}", "pool.validation=.4")
    assert not (tmp_path / "judges").exists()
