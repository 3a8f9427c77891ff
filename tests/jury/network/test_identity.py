"""judge/jury/network/identity.py: equal things are described in equal words, different things in different ones."""

import doctest
import json
from dataclasses import dataclass, field, make_dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from judge.errors import InputError
from judge.jury.network import identity
from judge.jury.network.identity import described, same_training
from judge.jury.network.losses import Huber, LabelDistribution, SquaredError


@dataclass(frozen=True)
class Step:
    size: float
    names: tuple = ()
    inner: object = None
    progress: bool = field(default=True, compare=False)


def a_function(loss, groups):
    return loss


def make(kind, size):
    return kind(size)


class Told(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def settings(self):
        return {"size": self.size}


class Untold(torch.nn.Module):
    pass


def test_the_example_of_the_docstring_holds():
    assert doctest.testmod(identity).attempted == 2
    assert doctest.testmod(identity).failed == 0


def test_a_description_is_the_type_and_the_settings_in_canonical_json():
    assert json.loads(described(SquaredError())) == {
        "type": "judge.jury.network.losses:SquaredError",
        "settings": {},
    }
    assert json.loads(described(Told(3)))["settings"] == {"size": 3}
    nested = json.loads(described(Step(1.0, inner=Huber(0.2))))
    assert nested["settings"]["inner"] == json.loads(described(Huber(0.2)))
    given = json.loads(described(Step(1.0), loss=Huber(0.2)))
    assert given["given"] == {"loss": json.loads(described(Huber(0.2)))}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Step(1.0), Step(2.0)),
        (Step(1.0), make_dataclass("Step", ["size"])(1.0)),
        (LabelDistribution(9), LabelDistribution(10)),
        (Told(1), Told(2)),
        (Told(1).settings, Told(2).settings),
        (Step, a_function),
        (a_function, make),
        (partial(make, Step), partial(make, Huber)),
        (partial(make, size=1), partial(make, size=2)),
        (Step(1.0, inner=np.zeros(3)), Step(1.0, inner=np.ones(3))),
        (Step(1.0, inner=np.zeros(4)), Step(1.0, inner=np.zeros((2, 2)))),
        (Step(1.0, inner=torch.zeros(3)), Step(1.0, inner=torch.ones(3))),
    ],
)
def test_different_things_are_described_differently(a, b):
    assert described(a) != described(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Step(1.0, ("a", "b")), Step(1.0, ["a", "b"])),
        (Step(1.0, ("a", "b")), Step(1.0, OmegaConf.create(["a", "b"]))),
        (Step(1.0, inner={"a": 1, "b": 2}), Step(1.0, inner={"b": 2, "a": 1})),
        (Step(1.0, inner={3, 1, 2}), Step(1.0, inner={2, 3, 1})),
        (Step(np.float64(1.0)), Step(1.0)),
        (Step(1.0, inner=Path("a/b")), Step(1.0, inner="a/b")),
        (Step(1.0), Step(1.0, progress=False)),
        (Told(1), Told(1)),
    ],
)
def test_equal_things_are_described_alike(a, b):
    assert described(a) == described(b)


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (Untold(), r"Untold does not say what it is made of.*settings\(\)"),
        (Step(1.0, inner=Untold()), r"Untold does not say"),
        (np.random.default_rng(0), "Generator does not say"),
        (lambda loss, groups: loss, "cannot be told from another function"),
        (Untold().forward, "Untold does not say"),
    ],
)
def test_what_cannot_be_told_apart_is_refused_with_what_is_to_be_done(thing, message):
    with pytest.raises(InputError, match=message):
        described(thing)


def test_a_function_that_closes_over_a_number_is_refused():
    number = 3

    def objective(loss, groups):
        return number

    with pytest.raises(InputError, match="cannot be told from another function"):
        described(objective)


def test_only_what_differs_between_two_trainings_is_named():
    found = {"objective": "a", "training": {"lr": 0.1, "batch": 8}, "levels": [1, 2]}
    same_training(Path("x"), found, {"objective": "a", "training": {"lr": 0.1, "batch": 8}, "levels": (1, 2)})
    with pytest.raises(
        InputError, match=r"^x belongs .*: objective is a, here b; training\.lr is 0\.1, here 0\.2$"
    ):
        same_training(Path("x"), found, {**found, "objective": "b", "training": {"lr": 0.2, "batch": 8}})
