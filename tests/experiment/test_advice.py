"""Advice on a run: what its folder, pictures and data set tell."""

import pandas as pd
import pytest
from hydra import compose, initialize_config_module

from judge.errors import InputError
from judge.experiment.advice import advise_run
from judge.experiment.advice.of_run import _reference_counts
from judge.experiment.run import run

SMALL = [
    "judge=embedding", "judge.embedding.size=64", "judge.embedding.weights=none", "+judge.progress=false", "data.n=330",
    "data.size=32", "data.progress=false", "data.workers=1", "pool.n=60", "pool.majority_share=.9", "entrants.n=90",
    "audit.n_permutations=99", "report.page=false", "save_judges=false", "threads=1", "contest.brackets=[gender]",
    "data.ratings.pool_shift={caucasian: {african: -1.5}, asian: {african: -1.5}}",
]  # fmt: skip
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("JUDGE_CACHE", str(tmp_path_factory.mktemp("cache")))
    with initialize_config_module("judge.conf", version_base="1.3"):
        settings = compose("config", overrides=SMALL)
    where = tmp_path_factory.mktemp("run")
    run(settings, where)
    yield where
    patch.undo()


def test_a_run_of_few_african_pictures_and_unfair_raters_is_told_so(folder):
    told, audit = advise_run(folder)
    strength = told.skews.set_index("skew")["strength"]
    assert strength["representation"] == "clear"
    assert strength["ratings"] == "clear"
    shift = told.evidence.query("measure == 'rating_shift' and group == 'african'").iloc[0]
    assert shift["ci_low"] < -1.5 * 0.95 < shift["ci_high"]  # ratings are cut at the ends of the scale
    share = told.evidence.query("measure == 'pool_share'").set_index("group")["value"]
    assert share["caucasian"] == pytest.approx(0.9)
    assert strength["reference"] == "unknown"
    assert set(audit["condition"]) == {"skewed"}
    assert told.evidence.query("measure == 'exposure_mean'")["n"].sum() == 90


def test_another_condition_has_its_own_pool(folder):
    told, _ = advise_run(folder, condition="rebalanced", pictures=False)
    assert told.skews.set_index("skew")["strength"]["representation"] == "none"
    assert "camera" not in set(told.evidence["skew"])
    with pytest.raises(InputError, match="no condition 'cured'"):
        advise_run(folder, condition="cured")


@pytest.mark.parametrize(
    ("shares", "counts"),
    [
        ("as_pool", {"a": 45, "b": 15}),
        ("equal", {"a": 30, "b": 30}),
        ({"a": 0.9, "b": 0.1}, {"a": 54, "b": 6}),
    ],
)
def test_the_reference_set_is_counted_by_the_settings_and_a_condition_may_have_its_own(shares, counts):
    robot = {"_target_": "judge.jury.robots.resemblance.ResemblanceRobot"}
    jury = {"robots": {"resemblance": robot}, "models": {"n": 60, "shares": shares}}
    settings = {"jury": jury, "conditions": {"plain": {}, "even": {"jury": {"models": {"shares": "equal"}}}}}
    pool, notes = pd.Series(["a"] * 30 + ["b"] * 10), []
    assert _reference_counts(settings, "plain", pool, notes) == counts
    assert ("follows the training pool" in " ".join(notes)) == (shares == "as_pool")
    assert _reference_counts(settings, "even", pool, notes) == {"a": 30, "b": 30}
    assert _reference_counts({**settings, "jury": {**jury, "robots": {}}}, "plain", pool, notes) == {}
    assert _reference_counts({**settings, "jury": None}, "plain", pool, notes) == {}
