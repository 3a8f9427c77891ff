"""Sim-PE: votes of a cell for its own candidates, variations, ratings that follow the appearance."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from private_folder import rendered

from judge.errors import InputError
from judge.privacy.budget import Budget, BudgetError, Mechanism, plan
from judge.privacy.labels import private_labels
from judge.privacy.people import PrivatePeople
from judge.privacy.pools import Release, SimPE, make_pool
from judge.privacy.pools.appearance import Appearance, nearest
from judge.privacy.pools.ratings import rated, rating_direction
from judge.privacy.pools.rendered import random_people, vary
from judge.privacy.pools.sim_pe import _resampled


def test_people_vote_for_the_nearest_of_their_own_cell():
    candidates = np.array([[0.0], [10.0], [0.0], [4.0]])
    of = np.array([0, 0, 1, 1])
    people = np.array([[9.0], [3.0], [9.0], [1.0], [np.nan]])
    cells = np.array([0, 0, 1, -1, 0])
    assert nearest(people, candidates, cells, of, 2).tolist() == [1, 0, 3, -1, -1]


def test_a_variation_draws_a_share_anew_and_keeps_the_group():
    people = random_people(40, {"gender": "male", "ethnicity": "asian"}, seed=1, mode="natural")
    others = random_people(40, {"gender": "male", "ethnicity": "asian"}, seed=2, mode="natural")
    changed = vary(people, others, 0.25, np.random.default_rng(0))
    local = [name for name in people if name.startswith("local_")]
    assert (changed[local].to_numpy() != people[local].to_numpy()).mean() == pytest.approx(0.25, abs=0.04)
    assert (changed["stream"] == others["stream"]).all()
    assert np.allclose(changed[["african", "asian", "caucasian"]].sum(axis=1), 1)
    assert set(changed["gender"]) == {"male"}
    assert vary(people, others, 0.0, np.random.default_rng(0))[local].equals(people[local])


def test_a_group_that_the_renderer_does_not_know_starts_as_anybody():
    people = random_people(60, {"ethnicity": "mideastern", "gender": "female"}, seed=1)
    assert set(people["gender"]) == {"female"}
    assert set(people["ethnicity"]) == {"african", "asian", "caucasian"}


def test_parents_are_drawn_by_votes_and_without_votes_alike():
    codes = np.array([0, 0, 1, 1])
    parents = _resampled(codes, np.array([0.0, 5.0, 0.0, 0.0]), np.array([3, 200]), np.random.default_rng(0))
    assert parents[:3].tolist() == [1, 1, 1]
    assert np.bincount(parents[3:])[2:].tolist() == pytest.approx([100, 100], abs=30)


def cloud(n, seed, epsilon=math.inf):
    """People whose appearance is two numbers; ratings rise with the first."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    table = pd.DataFrame({"image_id": [f"p{i}" for i in range(n)], "rating": np.clip(5 + x[:, 0], 1, 9)})
    people = PrivatePeople(
        table, plan(Budget(epsilon), [Mechanism("labels"), Mechanism("ratings")], n).ledger()
    )
    people.derive("features", lambda _: x)
    labels = private_labels(people, [], rating_range=(1, 9), known_groups={}, rng=rng)
    return people, labels


def plane():
    one = pd.Series([1.0, 1.0], ["a", "b"])
    return Appearance(np.zeros(2), np.ones(2), np.eye(2), np.zeros(2), one)


@pytest.mark.parametrize("epsilon", [1, math.inf])
def test_ratings_follow_the_appearance(epsilon):
    people, labels = cloud(3000, 0, epsilon)
    rng = np.random.default_rng(1)
    direction = rating_direction(people, labels, plane(), features="features", rng=rng, what="ratings")
    assert direction[0] / np.linalg.norm(direction) > 0.98
    made = np.array([[-1.0, 9.0], [0.0, -9.0], [1.0, 0.0]])
    ratings = rated(pd.Series(["all"] * 3), made, np.array([1.0, 0.0]), labels)
    # the sixth, half and five sixths of a normal distribution about 5
    assert ratings == pytest.approx([4.03, 5, 5.97], abs=0.25)


def test_one_person_moves_the_direction_by_at_most_the_sensitivity():
    """Somebody hostile, with an appearance a million wide and the highest rating, against nobody in their place."""
    people, labels = cloud(200, 0)
    rows = people._PrivatePeople__rows
    rng = np.random.default_rng(0)
    told = {}
    for who in ("hostile", "nobody"):
        ledger = plan(Budget(math.inf), [Mechanism("labels"), Mechanism("ratings")], 200).ledger()
        table = rows.manifest.copy()
        x = rows.derived["features"].copy()
        table.loc[7, "rating"] = 9.0
        x[7] = [1e6, -1e6] if who == "hostile" else [np.nan, np.nan]
        other = PrivatePeople(table, ledger)
        other.derive("features", lambda _, x=x: x)
        told[who] = rating_direction(other, labels, plane(), features="features", rng=rng, what="ratings")
    assert 0.5 < np.linalg.norm(told["hostile"] - told["nobody"]) <= 1 + 1e-9


def test_without_the_clipping_an_assertion_stops_it(monkeypatch):
    """The line that clips an appearance to norm 1 is broken: the ledger's people refuse the contribution."""
    people, labels = cloud(200, 0)
    monkeypatch.setattr("judge.privacy.pools.ratings.np.maximum", lambda a, b: np.ones_like(a))
    with pytest.raises(BudgetError, match="norm is over the sensitivity"):
        rating_direction(
            people, labels, plane(), features="features", rng=np.random.default_rng(0), what="ratings"
        )


def test_the_appearance_is_what_is_told_of_candidates_left_out():
    rng = np.random.default_rng(0)
    parameters = pd.DataFrame(rng.normal(size=(300, 12)), columns=[f"p{k}" for k in range(12)])
    features = np.concatenate([parameters.to_numpy()[:, :9], rng.normal(size=(300, 30))], axis=1)
    found = Appearance.of(features, parameters)
    assert set(found.told.index) == {f"p{k}" for k in range(9)}
    shown = found(features)
    assert shown.shape == (300, 9)
    assert np.cov(shown.T) == pytest.approx(np.eye(9), abs=0.3)
    assert np.isnan(found(np.full((1, 39), np.nan))).all()


RELEASE = {"features": ["gender"], "groups": {"gender": ["female", "male"]}, "rating_range": (1, 10)}


@pytest.mark.slow
def test_a_pool_of_few_people(tmp_path):
    method = SimPE(size=32, side=32, rounds=2, candidates=40, workers=1)
    people = rendered(120, tmp_path)
    pools = [
        make_pool(
            method,
            people,
            Release(Budget(20), n=24, **RELEASE),
            noise=np.random.default_rng(5),
            progress=False,
        )
        for _ in range(2)
    ]
    assert pools[0].pictures.shape == (24, 3, 32, 32)
    assert torch.equal(pools[0].pictures, pools[1].pictures)
    pd.testing.assert_frame_equal(pools[0].manifest, pools[1].manifest)
    assert pools[0].manifest["rating"].between(1, 10).all()
    assert pools[0].tables["labels"]["pictures"].sum() == 24
    assert (pools[0].tables["rounds"]["candidates"] == 20).all()
    assert not set(pools[0].manifest["image_id"]) & set(people["image_id"])


@pytest.mark.parametrize(
    "settings",
    [
        {"rounds": 0}, {"candidates": 5}, {"degrees": (0.5,)}, {"degrees": (0, 1)}, {"size": 16}, {"side": 8},
        {"threshold": -1}, {"population": {"composition": {}}},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_named(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        SimPE(**settings)


def test_what_cannot_be_released_is_refused(tmp_path):
    people = pd.DataFrame(
        {"image_id": [f"p{i}" for i in range(20)], "path": "", "gender": "female", "rating": 5.0}
    )
    noise = np.random.default_rng(0)

    def make(table=people, budget=10.0, **how):
        return make_pool(
            SimPE(), table, Release(Budget(budget), **(RELEASE | how)), noise=noise, progress=False
        )

    with pytest.raises(InputError, match="need ratings"):
        make(people.drop(columns="rating"))
    with pytest.raises(InputError, match="no column 'tone'"):
        make(features=["tone"])
    with pytest.raises(InputError, match="n=0"):
        make(n=0)
    with pytest.raises(InputError, match=r"male \(noisy count"):
        make()
    with pytest.raises(InputError, match="shares name 'other'"):
        make(budget=math.inf, leave_out=True, shares={"other": 1.0})
