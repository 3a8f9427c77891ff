"""The whole jury over one contest: what is fitted on what, who is turned away, what the panel makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_module
from hydra.utils import instantiate

from judge.data.parametric.dataset import read_parametric
from judge.errors import InputError
from judge.experiment import settings  # noqa: F401  registers the typed root
from judge.jury.deliberation import Jury, JurySettings, Sitting
from judge.jury.gate import Gate
from judge.jury.panel import Panel
from judge.jury.robots.protocol import Judging
from judge.jury.robots.reference import ReferenceSet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def robots():
    with initialize_config_module("judge.conf", version_base="1.3"):
        jury = compose("config", overrides=["jury=full"]).jury
    return {name: instantiate(robot) for name, robot in jury.robots.items()}, instantiate(jury.reader)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    home = tmp_path_factory.mktemp("faces")
    return read_parametric(90, seed=5, size=96, cache_dir=home, workers=1, progress=False).manifest


@pytest.fixture(scope="module")
def sit(robots, people, tmp_path_factory):
    """sit(sittings, pools) → a jury over 18 entrants whose pictures are measured once for all tests."""
    cache = tmp_path_factory.mktemp("measurements")
    source, entrants = people.iloc[:72], people.iloc[72:].reset_index(drop=True)
    everybody = {"skewed": source.iloc[:60], "rebalanced": source.iloc[12:]}

    def jury(sittings, pools=everybody, sitting_robots=None):
        chosen = list(robots[0].values()) if sitting_robots is None else sitting_robots
        return Jury(
            JurySettings(chosen, robots[1], cache=cache), sittings, pools=pools, source=source,
            people={"entrants": entrants}, baseline=next(iter(pools)), feature="ethnicity", seed=0,
        )  # fmt: skip

    return jury, entrants


MODELS = ReferenceSet(n=9, top_share=1)
SITTINGS = {name: Sitting(Gate(), MODELS, Panel()) for name in ("skewed", "rebalanced")}


@pytest.fixture(scope="module")
def jury(sit):
    return sit[0](SITTINGS), sit[1]


def judged(jury, condition, entrants):
    """Scores of all judges and of the panel."""
    single = jury.single(condition, beauty(entrants))
    return pd.concat([single, jury.combined(condition, single)], ignore_index=True)


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
    admitted, refusals = whole.admitted("skewed")
    scores = judged(whole, "skewed", entrants)
    assert set(scores["judge"]) == {r.name for r in whole.robots} | {"beauty", "panel"}
    assert scores.groupby("judge")["image_id"].apply(set).map(lambda ids: ids == set(admitted)).all()
    assert set(refusals["image_id"]) | set(admitted) == set(entrants["image_id"])


def test_the_panel_is_the_mean_of_the_judges_z_scores(jury):
    whole, entrants = jury
    scores = judged(whole, "skewed", entrants).pivot(index="image_id", columns="judge", values="score")
    single = scores.drop(columns="panel")
    expected = ((single - single.mean()) / single.std(ddof=0)).mean(axis=1)
    np.testing.assert_allclose(scores["panel"], expected, atol=1e-9)


def test_the_training_pool_reaches_the_robots_that_learn_from_it(jury):
    whole, entrants = jury
    both = {
        name: judged(whole, name, entrants).pivot(index="image_id", columns="judge", values="score")
        for name in ("skewed", "rebalanced")
    }
    assert not np.allclose(both["skewed"]["age"], both["rebalanced"]["age"], equal_nan=True)
    # resemblance learns from the reference set, which both conditions share
    np.testing.assert_allclose(both["skewed"]["resemblance"], both["rebalanced"]["resemblance"])


def test_conditions_may_differ_in_gate_reference_set_and_panel_over_one_set_of_measurements(sit, people):
    sitting, entrants = sit
    dark = Gate(min_luminance=0.3, exposure_by="face")
    pools = dict.fromkeys(("base", "gate", "reference", "panel"), people.iloc[:60])
    jury = sitting(
        {
            "base": Sitting(None, MODELS, Panel()),
            "gate": Sitting(dark, MODELS, Panel()),
            "reference": Sitting(None, ReferenceSet(n=9, top_share=1, shares={"african": 1.0}), Panel()),
            "panel": Sitting(None, MODELS, Panel(rule="minimum")),
        },
        pools,
    )
    scores = {
        name: judged(jury, name, entrants).pivot(index="image_id", columns="judge", values="score")
        for name in pools
    }
    assert len(jury.admitted("base")[0]) == len(entrants) > len(jury.admitted("gate")[0])
    resemblance = {name: table["resemblance"] for name, table in scores.items()}
    assert not np.allclose(resemblance["base"], resemblance["reference"], equal_nan=True)
    pd.testing.assert_series_equal(resemblance["base"], resemblance["panel"])
    for judge in ("wrinkles", "age", "symmetry"):
        pd.testing.assert_series_equal(scores["base"][judge], scores["reference"][judge])
    assert not np.allclose(scores["base"]["panel"], scores["panel"]["panel"])
    tables = jury.gate_tables(["gender", "age_group"])
    assert set(tables["gate"]["condition"]) == {"gate"}
    assert set(tables["gate_rates"]["condition"]) == set(pools)


@dataclass(frozen=True)
class Taught(Judging):
    """A robot that gives everybody the mean rating of those whom it has learnt from, weights counted."""

    name: str = "taught"
    learns_from: ClassVar[str] = "pool"
    missing_because: ClassVar[str] = "none"
    fitted: Mapping[str, np.ndarray] | None = field(default=None, repr=False, compare=False)

    def measure(self, portraits):
        return np.zeros((len(portraits), 1), np.float32)

    def fit(self, measurements, rows):
        weight = rows["weight"] if "weight" in rows else np.ones(len(rows))
        return self.with_fitted({"mean": np.array([np.average(rows["rating"], weights=weight)])})

    def score(self, measurements, rows):
        return np.full(len(measurements), self.known()["mean"][0])


def test_a_robot_that_reads_ratings_learns_those_of_its_own_condition(sit, people):
    sitting, entrants = sit
    pool = people.iloc[:60].assign(rating=4.0)
    up = np.arange(60) < 30
    weighted = pool.assign(rating=np.where(up, 4.0, 8.0), weight=np.where(up, 0.5, 1.5))
    pools = {"first": pool, "corrected": pool.assign(rating=5.0), "weighted": weighted, "again": pool.copy()}
    jury = sitting({name: Sitting(None, None, Panel()) for name in pools}, pools, [Taught()])
    taught = {
        name: judged(jury, name, entrants).query("judge == 'taught'")["score"].unique().tolist()
        for name in pools
    }
    assert taught["first"] == [4.0] == taught["again"]
    assert taught["corrected"] == [5.0]
    shown = jury.measured.take(weighted["image_id"]).rows["image_id"]
    known = weighted.set_index("image_id").loc[shown]
    assert taught["weighted"] == [pytest.approx(np.average(known["rating"], weights=known["weight"]))]
    # the same people with the same ratings share one robot
    assert jury._fitted["first"][0] is jury._fitted["again"][0]


def test_two_robots_of_one_name_are_refused(robots):
    with pytest.raises(InputError, match="two robots of one name"):
        JurySettings([robots[0]["symmetry"], robots[0]["symmetry"]], robots[1])


def test_a_robot_that_cannot_learn_is_found_before_any_network_is_trained(sit, people, robots):
    nobody = people.iloc[:60].assign(age=np.nan, age_group=None)
    with pytest.raises(InputError, match=r"50 faces of known age .* given 0\. .*data@jury\.age_data"):
        sit[0]({"base": Sitting(None, MODELS, None)}, {"base": nobody}, [robots[0]["age"]])
