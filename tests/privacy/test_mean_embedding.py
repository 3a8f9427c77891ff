"""DP-MEPF: what one person can move in the released sums, their noise, and a generator that follows them."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from discs import discs, one_more

from judge.errors import InputError
from judge.privacy.budget import Budget, BudgetError, Mechanism, plan
from judge.privacy.labels import private_labels
from judge.privacy.people import PrivatePeople
from judge.privacy.pools import mean_embedding
from judge.privacy.pools.frozen import WIDTH, FrozenFeatures
from judge.privacy.pools.mean_embedding import (
    SUMS,
    MeanEmbedding,
    level_edges,
    levels_of,
    people_at_levels,
    unit,
)
from judge.privacy.pools.pool import LABELS, Release, make_pool

GROUPS = {"ethnicity": ["dark", "light"]}
RANGE = (2.0, 7.0)
TINY = {"size": 16, "side": 32, "widths": (8, 8), "latent": 4, "pictures": 80, "batch": 16}


def asked(manifest, epsilon=math.inf, seed=0):
    """People behind a ledger, and their labels."""
    mechanisms = [Mechanism(LABELS, 0.5), Mechanism(SUMS)]
    people = PrivatePeople(manifest, plan(Budget(epsilon), mechanisms, len(manifest)).ledger())
    labels = private_labels(
        people,
        ["ethnicity"],
        rating_range=RANGE,
        known_groups=GROUPS,
        rng=np.random.default_rng(seed),
        bins=4,
        what=LABELS,
    )
    return people, labels


def sums(method, people, labels, seed=0):
    """(rows, WIDTH): what was released, before it was divided by counts."""
    found = method.released(people, labels, noise=np.random.default_rng(seed))
    return found.means.numpy() * found.table["noisy_count"].to_numpy()[:, None]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return discs(tmp_path_factory.mktemp("people"), n=60)


def test_contributions_have_norm_1_or_none_whatever_the_network_said():
    rng = np.random.default_rng(0)
    hostile = rng.normal(size=(6, WIDTH))
    hostile[1] *= 1e200  # its squares overflow
    hostile[2] *= 1e-200
    hostile[3] = 0
    hostile[4, 7] = np.nan
    hostile[5, 7] = np.inf
    assert np.linalg.norm(unit(hostile), axis=1) == pytest.approx([1, 1, 1, 0, 0, 0], abs=1e-12)


def test_a_person_more_moves_the_sums_by_1_at_most(people, tmp_path):
    method, more = MeanEmbedding(**TINY), one_more(tmp_path / "more", people)
    _, labels = asked(people)  # released before: the same for both
    before = sums(method, asked(people)[0], labels)
    moved = np.linalg.norm(sums(method, asked(more)[0], labels) - before)
    assert moved == pytest.approx(1, abs=1e-4)
    nobody = more.assign(ethnicity=more["ethnicity"].where(more["image_id"] != "more"))
    assert np.linalg.norm(sums(method, asked(nobody)[0], labels) - before) == pytest.approx(0, abs=1e-4)


def test_features_that_were_not_normalised_are_found(people, monkeypatch):
    monkeypatch.setattr(mean_embedding, "unit", lambda features: 100 * np.asarray(features, float))
    with pytest.raises(BudgetError, match="over the sensitivity 1"):
        sums(MeanEmbedding(**TINY), *asked(people))


def test_a_broken_picture_adds_nothing(people, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    bad = people.assign(path=people["path"].where(people["image_id"] != "0003", str(broken)))
    method, (_, labels) = MeanEmbedding(**TINY), asked(people)
    without = people[people["image_id"] != "0003"].reset_index(drop=True)
    assert sums(method, asked(bad)[0], labels) == pytest.approx(
        sums(method, asked(without)[0], labels), abs=1e-4
    )


def test_noise_has_the_stated_scale(people):
    method, (_, labels) = MeanEmbedding(**TINY), asked(people)
    clean = sums(method, asked(people)[0], labels)
    drawn = []
    for seed in range(3):
        private, _ = asked(people, epsilon=2.0)
        drawn.append(sums(method, private, labels, seed=seed) - clean)
    noise = np.stack(drawn)
    # 3 × 4 × 1,280 draws: their standard deviation is known to .6 %
    assert noise.std() == pytest.approx(private.ledger.plan.noise(SUMS), rel=0.03)
    assert noise.mean() == pytest.approx(0, abs=0.1)


def test_the_sums_can_be_asked_for_once(people):
    private, labels = asked(people)
    sums(MeanEmbedding(**TINY), private, labels)
    with pytest.raises(BudgetError, match="1 of 1 steps are used"):
        sums(MeanEmbedding(**TINY), private, labels)


def test_levels_hold_equally_many_of_the_released_people(people):
    _, labels = asked(people)
    edges = level_edges(labels, 2)
    assert edges.shape == (2, 1)
    at = people_at_levels(labels, 2, each=50, rng=np.random.default_rng(0))
    assert at.groupby("row").size().tolist() == [50] * 4
    cell = (at["row"] // 2).to_numpy()
    assert levels_of(at["rating"].to_numpy(), cell, edges).tolist() == (at["row"] % 2).tolist()
    assert level_edges(labels, 1).shape == (2, 0)


def test_private_and_made_pictures_take_one_path():
    network = FrozenFeatures(32)
    pictures = torch.randint(0, 256, (5, 3, 16, 16), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )
    floats = (pictures.float() / 127.5 - 1).requires_grad_(True)
    made = network(floats)
    assert torch.allclose(made.detach(), network.of_bytes(pictures), atol=1e-5)
    assert torch.allclose(network.of_bytes(pictures[:2]), network.of_bytes(pictures)[:2], atol=1e-6)
    made.sum().backward()
    assert float(floats.grad.abs().sum()) > 0
    assert not any(module.training for module in network.train().modules())


def pool(manifest, epsilon=20.0, noise=0, seed=0, **settings):
    release = Release(Budget(epsilon), ["ethnicity"], GROUPS, RANGE, n=10, bins=4)
    return make_pool(
        MeanEmbedding(**{**TINY, **settings}), manifest, release,
        noise=np.random.default_rng(noise), seed=seed, progress=False,
    )  # fmt: skip


@pytest.mark.slow
def test_a_pool_of_discs(people):
    made = pool(people)
    assert made.pictures.shape == (10, 3, 16, 16)
    assert made.manifest["rating"].between(*RANGE).all()
    assert made.statement["spent"]["opacus_rdp"] <= 20
    assert [m["steps_used"] for m in made.statement["mechanisms"]] == [1, 1]
    assert len(made.tables["noise"]) == 4
    again = pool(people)
    assert torch.equal(made.pictures, again.pictures)
    assert made.manifest.equals(again.manifest)
    assert not torch.equal(made.pictures, pool(people, noise=1).pictures)


@pytest.mark.slow
def test_a_generator_learns_the_colours_of_the_groups(people):
    made = pool(people, epsilon=math.inf, pictures=3200, lr=3e-3)
    red, blue = made.pictures.float().mean((2, 3))[:, [0, 2]].T
    redder = pd.Series((red - blue).numpy()).groupby(made.manifest["ethnicity"].to_numpy()).mean()
    assert redder["dark"] > redder["light"]
    distances = made.tables["fit"]["distance"]
    assert distances.iloc[-1] < distances.iloc[0]


@pytest.mark.slow
def test_the_packaged_generator_is_asked_in_its_own_words(people):
    own = people.assign(ethnicity=people["ethnicity"].map({"dark": "african", "light": "asian"}))
    release = Release(
        Budget(math.inf), ["ethnicity"], {"ethnicity": ["african", "asian"]}, RANGE, n=4, bins=4
    )
    settings = {"start": "packaged", "size": 64, "pictures": 4, "batch": 4, "side": 32, "widths": None}
    made = make_pool(MeanEmbedding(**settings), own, release, noise=np.random.default_rng(0), progress=False)
    assert made.pictures.shape == (4, 3, 64, 64)
    assert "packaged" in made.statement["public"]["start"]
    with pytest.raises(InputError, match=r"start: the generator knows ethnicity .african."):
        pool(people, **settings)


def test_settings_are_refused_by_name():
    for wrong in (
        {"side": 16},
        {"levels": 0},
        {"batch": 1},
        {"floor": 0},
        {"lr": math.nan},
        {"weight": True},
        {"size": 40},
        {"widths": (8,)},
    ):
        with pytest.raises(InputError, match=next(iter(wrong))):
            MeanEmbedding(**wrong)


def test_a_start_of_another_size_is_refused(people):
    with pytest.raises(InputError, match="draws 64 px"):
        MeanEmbedding(start="packaged", size=32).beginning(asked(people)[1], seed=0)
