"""The whole jury over one contest: what is fitted on what, who is turned away, what the panel makes of it."""

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from judge.data.parametric.dataset import read_parametric
from judge.errors import InputError
from judge.experiment import settings as config  # noqa: F401
from judge.jury.deliberation import Jury


def settings(*overrides):
    with initialize_config_module("judge.conf", version_base="1.3"):
        return compose("config", overrides=["jury=full", *overrides]).jury


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    home = tmp_path_factory.mktemp("faces")
    return read_parametric(90, seed=5, size=96, cache_dir=home, workers=1, progress=False).manifest


@pytest.fixture(scope="module")
def jury(people, tmp_path_factory):
    chosen = settings(
        "jury.models.n=9", "jury.models.top_share=1", f"jury.cache={tmp_path_factory.mktemp('looks')}"
    )
    source, entrants = people.iloc[:72], people.iloc[72:].reset_index(drop=True)
    pools = {"skewed": source.iloc[:60], "rebalanced": source.iloc[12:]}
    return Jury(chosen, pools, source, entrants, feature="ethnicity", seed=0), entrants


def beauty(entrants):
    return pd.DataFrame(
        {
            "image_id": entrants["image_id"],
            "judge": "beauty",
            "seed": 0,
            "score": np.arange(len(entrants)) + 0.0,
        }
    )


def test_every_robot_and_the_network_and_the_panel_score_the_admitted(jury):
    whole, entrants = jury
    admitted, refusals = whole.admitted()
    scores = whole.scores("skewed", beauty(entrants))
    assert set(scores["judge"]) == {r.name for r in whole.robots} | {"beauty", "panel"}
    assert scores.groupby("judge")["image_id"].apply(set).map(lambda ids: ids == set(admitted)).all()
    assert set(refusals["image_id"]) | set(admitted) == set(entrants["image_id"])


def test_the_panel_is_the_mean_of_the_judges_z_scores(jury):
    whole, entrants = jury
    scores = whole.scores("skewed", beauty(entrants)).pivot(index="image_id", columns="judge", values="score")
    single = scores.drop(columns="panel")
    expected = ((single - single.mean()) / single.std(ddof=0)).mean(axis=1)
    np.testing.assert_allclose(scores["panel"], expected, atol=1e-9)


def test_the_training_pool_reaches_the_robots_that_learn_from_it(jury):
    whole, entrants = jury
    both = {
        name: whole.scores(name, beauty(entrants)).pivot(index="image_id", columns="judge", values="score")
        for name in ("skewed", "rebalanced")
    }
    assert not np.allclose(both["skewed"]["antiageist"], both["rebalanced"]["antiageist"], equal_nan=True)
    # resemblance learns from the reference set, which both conditions share
    np.testing.assert_allclose(both["skewed"]["madis"], both["rebalanced"]["madis"])


def test_two_robots_of_one_name_are_refused(people):
    chosen = settings()
    OmegaConf.set_struct(chosen, False)
    chosen.robots.again = dict(chosen.robots.symmetry)
    with pytest.raises(InputError, match="two robots of one name"):
        Jury(chosen, {"skewed": people}, people, people, feature="ethnicity", seed=0)


def test_a_robot_that_cannot_learn_is_found_before_any_network_is_trained(people, tmp_path):
    nobody_s_age = people.iloc[:60].assign(age=np.nan, age_group=None)
    chosen = settings("jury.models.n=9", "jury.models.top_share=1", f"jury.cache={tmp_path}")
    with pytest.raises(InputError, match=r"50 faces of known age .* given 0\. .*data@jury\.age_data"):
        Jury(chosen, {"skewed": nobody_s_age}, people, people.iloc[60:], feature="ethnicity", seed=0)
