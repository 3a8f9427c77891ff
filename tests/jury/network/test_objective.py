"""The objective's seam: a factory is called `(loss, groups)`, what it makes is trained, checkpointed and told apart."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
import torch
from rated_squares import rated_squares
from torch import nn

import judge.jury.beauty
from judge.data.groups import Groups
from judge.errors import InputError
from judge.jury.beauty import CnnJudge
from judge.jury.network.augmentation import Augmentation
from judge.jury.network.losses import SquaredError
from judge.jury.network.pool import Pool
from judge.jury.network.spec import NetworkSpec, build_network
from judge.jury.network.training import Training, train
from judge.storage.tensors import load_tensors

pytestmark = pytest.mark.slow

RANGE = (1, 9)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """40 squares; `smile` is no column that the program knows, and its first 30 rows lack one of the groups."""
    table = rated_squares(tmp_path_factory.mktemp("squares"), n=40)
    smile = np.where(np.arange(40) % 3 == 0, "wide", "none").astype(object)
    smile[30:] = ["faint", "wide"] * 5
    smile[4] = None
    return table.assign(smile=smile)


@pytest.fixture(scope="module")
def groups(manifest):
    return Groups.of(manifest, "smile")


def small(epochs=2, **options):
    training = Training(epochs=epochs, batch=8, lr=3e-3, layer_decay=1.0, accelerator="cpu", **options)
    return CnnJudge(
        backbone="test_efficientnet", weights="none", size=32, loss=SquaredError(), training=training, progress=False
    )  # fmt: skip


@dataclass(frozen=True)
class WeighGroups:
    """A factory: the loss of one group counts `factor` times."""

    factor: float = 2.0
    group: str = "wide"

    def __call__(self, loss, groups):
        code = groups.names.index(self.group)

        def objective(network, batch):
            times = torch.where(batch.groups[groups.feature] == code, self.factor, 1.0)
            return loss(network, replace(batch, share=batch.share * times))

        return objective


class Interrupted(Exception):
    pass


class Guessing(nn.Module):
    """An objective with a layer of its own, that guesses the group from the features; its steps are counted."""

    def __init__(self, loss, groups, factor=0.1, stop_at=None):
        super().__init__()
        self.loss, self.groups, self.factor, self.stop_at = loss, groups, factor, stop_at
        self.bias = nn.Parameter(torch.randn(len(groups.names)))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def settings(self):
        return {"factor": self.factor, "groups": self.groups}

    def attach(self, network):
        self.layer = nn.Linear(network.head.in_features, len(self.groups.names), bias=False)

    def forward(self, network, batch):
        if self.steps == self.stop_at:
            raise Interrupted
        self.steps += 1
        codes = batch.groups[self.groups.feature].clamp(min=0)
        guess = self.layer(network(batch.pixels).features) + self.bias
        wrong = batch.mean(nn.functional.cross_entropy(guess, codes, reduction="none"))
        return {"loss": self.loss(network, batch)["loss"] + self.factor * wrong}


class GuessingFactory:
    def __init__(self, stop_at=None):
        self.stop_at = stop_at

    def settings(self):
        return {}

    def __call__(self, loss, groups):
        return Guessing(loss, groups, stop_at=self.stop_at)


def weights(judge):
    return judge.network.state_dict()


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_a_code_is_the_same_group_in_training_validation_and_batch_whatever_the_column(
    manifest, groups, monkeypatch
):
    taken = []

    def recorded(make_network, objective, pool, val, **options):
        taken.extend([pool, val])
        return train(make_network, objective, pool, val, **options)

    seen = {}

    class Looking:
        def __call__(self, loss, groups):
            def objective(network, batch):
                seen.update(zip(batch.rows.tolist(), batch.groups["smile"].tolist(), strict=True))
                return loss(network, batch)

            return objective

    monkeypatch.setattr(judge.jury.beauty, "train", recorded)
    small().fit(
        manifest[:30], manifest[30:], rating_range=RANGE, seed=0, groups=groups, objective=Looking()
    )  # fmt: skip
    assert groups.names == ("faint", "none", "wide")
    # nobody of the training part smiles faintly, nobody of the validation part not at all
    code = {"faint": 0, "none": 1, "wide": 2, None: -1}
    expected = [
        code[value] for value in manifest["smile"].astype(object).where(manifest["smile"].notna(), None)
    ]
    assert taken[0].groups["smile"].tolist() == expected[:30]
    assert taken[1].groups["smile"].tolist() == expected[30:]
    assert [seen[row] for row in range(30)] == expected[:30]


def test_groups_alone_change_no_weight_and_an_objective_does(manifest, groups):
    plain = small(epochs=1).fit(manifest[:24], rating_range=RANGE, seed=0)
    grouped = small(epochs=1).fit(manifest[:24], rating_range=RANGE, seed=0, groups=groups)
    one = small(epochs=1).fit(
        manifest[:24], rating_range=RANGE, seed=0, groups=groups, objective=WeighGroups(1.0)
    )
    three = small(epochs=1).fit(
        manifest[:24], rating_range=RANGE, seed=0, groups=groups, objective=WeighGroups(3.0)
    )
    assert same(weights(plain), weights(grouped))
    assert same(weights(plain), weights(one))
    assert not same(weights(plain), weights(three))
    assert three.facts["objective"]["settings"] == {"factor": 3.0, "group": "wide"}
    assert three.facts["objective"]["given"]["groups"]["settings"]["names"] == ["faint", "none", "wide"]


def test_an_objective_without_groups_or_settings_is_refused_before_a_picture_is_read(manifest, groups):
    unreadable = manifest.assign(path="nowhere.png")
    with pytest.raises(InputError, match="an objective needs the groups of the sensitive feature"):
        small().fit(unreadable, rating_range=RANGE, seed=0, objective=WeighGroups())
    with pytest.raises(InputError, match="cannot be told from another function"):
        small().fit(
            unreadable, rating_range=RANGE, seed=0, groups=groups, objective=lambda loss, groups: loss
        )
    with pytest.raises(InputError, match="no column 'smile'"):
        small().fit(manifest.drop(columns="smile"), rating_range=RANGE, seed=0, groups=groups)


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize(
    ("other", "message"),
    [
        (None, r"WeighGroups.*here .*SquaredError"),
        (WeighGroups(3.0), r'"factor": 2.0.*here .*"factor": 3.0'),
        (GuessingFactory(), r"WeighGroups.*here .*GuessingFactory"),
    ],
    ids=["the loss", "another setting", "another type"],
)
def test_a_training_under_another_objective_refuses_and_hands_no_network_back(
    manifest, groups, tmp_path, other, message, finished, begun
):
    for file in begun[finished]:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    judge = small()
    with pytest.raises(InputError, match=rf"belongs to another training.*: objective is .*{message}"):
        judge.fit(manifest, rating_range=RANGE, seed=0, workdir=tmp_path, groups=groups, objective=other)
    assert judge.network is None


@pytest.fixture(scope="module")
def begun(manifest, groups, tmp_path_factory):
    """Files of a training under WeighGroups(2.0): stopped in its second epoch, and finished."""

    @dataclass(frozen=True)
    class Stops(WeighGroups):
        def __call__(self, loss, groups):
            inner, left = super().__call__(loss, groups), iter(range(7))

            def objective(network, batch):
                if next(left, None) is None:
                    raise Interrupted
                return inner(network, batch)

            return objective

    Stops.__module__, Stops.__qualname__ = WeighGroups.__module__, WeighGroups.__qualname__
    options = {"rating_range": RANGE, "seed": 0, "groups": groups}
    folders = [tmp_path_factory.mktemp("stopped"), tmp_path_factory.mktemp("finished")]
    with pytest.raises(Interrupted):
        small().fit(manifest, workdir=folders[0], objective=Stops(), **options)
    small().fit(manifest, workdir=folders[1], objective=WeighGroups(), **options)
    files = [sorted(folder.iterdir()) for folder in folders]
    assert [[file.name for file in part] for part in files] == [
        ["best.safetensors", "state.safetensors"],
        ["best.safetensors"],
    ]
    return files


def test_the_network_of_an_epoch_that_is_left_alone_in_a_folder_is_refused_too(
    manifest, groups, tmp_path, begun
):
    best = begun[False][0]
    (tmp_path / best.name).write_bytes(best.read_bytes())
    with pytest.raises(InputError, match=r"best\.safetensors belongs to another training"):
        small().fit(manifest, rating_range=RANGE, seed=0, workdir=tmp_path, groups=groups)


def test_an_objective_with_parameters_is_trained_along_and_resumes_to_the_bit(manifest, groups, tmp_path):
    options = {"rating_range": RANGE, "seed": 0, "groups": groups}
    torch.manual_seed(8)
    whole = small().fit(manifest, objective=GuessingFactory(), **options)
    torch.manual_seed(9)  # what the caller drew before is no part of a training
    every_step = small(checkpoint_every=0.0)
    with pytest.raises(Interrupted):
        every_step.fit(manifest, workdir=tmp_path, objective=GuessingFactory(stop_at=7), **options)
    state = load_tensors(tmp_path / "state.safetensors")[0]
    assert state["heads.objective.steps"] == 7
    torch.manual_seed(0)  # the seed of the fit, in which the factory drew the layer's start
    assert not torch.equal(state["heads.objective.bias"], torch.randn(3))
    resumed = every_step.fit(manifest, workdir=tmp_path, objective=GuessingFactory(), **options)
    assert same(weights(whole), weights(resumed))
    assert whole.history == resumed.history


class Scaled(nn.Module):
    """Squared error weighed by a variance that is learnt along: its parameter steers what the network learns."""

    def __init__(self):
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(()))

    def settings(self):
        return {}

    def forward(self, network, batch):
        error = (network(batch.pixels).rating - batch.rating).square()
        return {"loss": batch.mean(error * torch.exp(-self.log_variance) + self.log_variance)}


def trained(folder, *, devices=1, objective=None, lr=2e-3):
    spec = NetworkSpec("test_efficientnet_ln", 32, centre=5.0, spread=2.0)
    rng = torch.Generator().manual_seed(0)
    rating = torch.rand(24, generator=rng) * 8 + 1
    pixels = (rating / 9 * 255).view(-1, 1, 1, 1).expand(-1, 3, 36, 36).to(torch.uint8)
    network, _ = train(
        partial(build_network, spec, "none"),
        objective or Scaled(),
        Pool(pixels, rating, torch.ones(24)),
        None,
        size=32,
        augmentation=Augmentation(),
        settings=Training(epochs=2, batch=8, lr=lr, select="last", accelerator="cpu", devices=devices),
        seed=0,
        workdir=folder,
        progress=False,
    )
    return network.state_dict()


def test_an_objective_that_the_caller_made_is_not_changed_by_a_training(tmp_path):
    objective = Scaled()
    first = trained(tmp_path / "first", objective=objective)
    assert objective.log_variance == 0
    assert same(first, trained(tmp_path / "second", objective=objective))


@pytest.mark.slow
def test_two_devices_learn_what_one_learns_the_parameters_of_an_objective_included(tmp_path):
    one, two = (trained(tmp_path / str(devices), devices=devices) for devices in (1, 2))
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-3, atol=1e-4)
