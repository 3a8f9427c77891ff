"""Advice on a run: what its folder, pictures and data set tell."""

import pytest
from hydra import compose, initialize_config_module

from judge.errors import InputError
from judge.experiment.advice import advise_run
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
