"""Methods of a user's own, as a setting `_target_: own_methods.X` finds them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class RaiseAll:
    """A refit that adds points to every score, by the bias of a ridge regression."""

    points: float = 1.0
    seam: ClassVar[str] = "refit"

    def __call__(self, judge, pool: pd.DataFrame, *, held_out, feature: str, rng: np.random.Generator):
        judge.head["bias"] = judge.head["bias"] + self.points
        return judge


class Plain:
    """An objective that is the base loss itself."""

    seam = "objective"

    def __init__(self, base, groups, *, step: float = 0.1):
        self.base, self.groups, self.step = base, groups, step

    def settings(self):
        return {"step": self.step}

    def __call__(self, network, batch):
        return self.base(network, batch)


@dataclass(frozen=True)
class LastFirst:
    """A ranking that turns the order of each bracket around."""

    seam: ClassVar[str] = "ranking"

    def __call__(self, scores, people, *, merit, feature, brackets, places, rng):
        return merit.groupby(brackets).transform("max") - merit + 1


@dataclass(frozen=True)
class AllFirst:
    """A ranking that gives everybody the first place, which no contest has."""

    seam: ClassVar[str] = "ranking"

    def __call__(self, scores, people, *, merit, feature, brackets, places, rng):
        return merit * 0 + 1


@dataclass(frozen=True)
class ToHeldOutMean:
    """A refit that gives everybody the mean rating of the people whom it gets to be fitted on."""

    seam: ClassVar[str] = "refit"
    needs_held_out: ClassVar[bool] = True

    def __call__(self, judge, pool: pd.DataFrame, *, held_out, feature: str, rng: np.random.Generator):
        judge.head = {"weight": judge.head["weight"] * 0, "bias": np.array([held_out["rating"].mean()])}
        return judge


@dataclass(frozen=True)
class Half:
    """A pool of every second picture, which keeps its size."""

    seam: ClassVar[str] = "pool"
    own_size: ClassVar[bool] = True

    def __call__(self, pool, source, *, feature: str, rng: np.random.Generator):
        return pool.iloc[::2]


@dataclass(frozen=True)
class RateUp:
    """A pool whose ratings are raised by as much as the single ratings say they may be."""

    seam: ClassVar[str] = "pool"
    reads_ratings: ClassVar[bool] = True

    def __call__(self, pool, source, *, feature: str, rng: np.random.Generator, ratings):
        top = ratings.groupby("image_id")["rating"].max()
        return pool.assign(rating=(pool["rating"] + 1).clip(upper=pool["image_id"].map(top)))


class ScoresOnly:
    """A judge that shows nobody what its head reads."""

    kind = "own_methods:ScoresOnly"

    def refusal(self, seam, method=None):
        return None
