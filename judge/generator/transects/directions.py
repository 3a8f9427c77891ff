"""Directions of a latent along which one attribute changes, raw and orthogonalised against those of the others.

A generator's faces of random latents are read for each attribute; the direction is the gradient of a linear model of
the reading on the latent (ridge regression, or the normal of a linear support vector machine that parts the upper half
of the readings from the lower), as Balakrishnan et al. (2020, arXiv:2007.06570) and Shen et al. (2020,
arXiv:1907.10786, eq. 4 on conditional manipulation) have it. What was asked for is taken out of the readings first:
with conditions in the model the latent explains only what the conditions leave open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from judge.errors import InputError, listed
from judge.generator.transects.attributes import Attribute

METHODS = ("ridge", "svm")
#: Of a direction's length left by the others', below which nothing is left but noise.
LEAST_KEPT = 0.02
FOLDS = 5
_PENALTIES = tuple(10.0 ** np.arange(-3, 5))


class Faces(Protocol):
    """What is needed of a generator: judge.generator.FaceGenerator, or a stand-in of known truth."""

    @property
    def conditions(self) -> Any: ...

    @property
    def size(self) -> int: ...

    def latents(self, n: int, seed: int, *, start: int = 0) -> Tensor: ...

    def draw(
        self, people: pd.DataFrame, *, seed: int = 0, psi: float = 1.0, latents: Tensor | None = None
    ) -> Tensor: ...


class Reader(Protocol):
    """What is needed of a parameter regressor (judge.generator.audit.spaces.parameter_regressor)."""

    def read(self, pictures: Tensor) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Directions:
    """Unit vectors of the latent, a row an attribute.

    attributes   names, in the order of the rows
    raw          (K, latent): along which the reading rises fastest
    orthogonal   (K, latent): what of it is orthogonal to the others' raw directions, so that none of their linear
                 models moves
    kept         (K,) length of that part, 0 to 1: a small one is mostly what the fit got wrong
    correlation  (K,) of the latent's prediction with the reading, in faces that it was not fitted on: near 0, the
                 latent does not govern the attribute, and its direction means nothing
    n            faces that they were fitted on
    """

    attributes: tuple[str, ...]
    raw: NDArray[np.float64]
    orthogonal: NDArray[np.float64]
    kept: NDArray[np.float64]
    correlation: NDArray[np.float64]
    n: int

    def of(self, attribute: str, *, orthogonal: bool = False) -> NDArray[np.float64]:
        """(latent,). Raises InputError for an attribute without a direction."""
        if attribute not in self.attributes:
            raise InputError(
                f"directions: there is none of {attribute!r}; there are {listed(self.attributes)}"
            )
        return (self.orthogonal if orthogonal else self.raw)[self.attributes.index(attribute)]

    def table(self) -> pd.DataFrame:
        """attribute, correlation, kept, n, and by cosine_<attribute> the cosine with each raw direction."""
        cosines = pd.DataFrame(self.raw @ self.raw.T, columns=[f"cosine_{a}" for a in self.attributes])
        facts = {
            "attribute": self.attributes,
            "correlation": self.correlation,
            "kept": self.kept,
            "n": self.n,
        }
        return pd.concat([pd.DataFrame(facts), cosines], axis=1)


def fit_directions(
    generator: Faces,
    attributes: Sequence[Attribute],
    regressor: Reader,
    *,
    n: int = 2000,
    seed: int = 0,
    psi: float = 1.0,
    method: str = "ridge",
) -> Directions:
    """Directions of each attribute, from n faces of random latents that are asked for as in the training data.

    Parameters
    ----------
    generator : FaceGenerator
    attributes : sequence of Attribute
        At least one; each is orthogonalised against all others of them.
    regressor : ParameterRegressor
        Its columns `reading` of the attributes are what a direction is fitted to.
    n : int
        Faces, at least 10 more than numbers in a latent.
    seed : int
        Of the latents and of what is asked for.
    psi : float
        Truncation, 0 (excluded: nothing would vary) to 1.
    method : {"ridge", "svm"}

    Raises
    ------
    InputError
        For too few faces, an unknown method, an attribute that no face varies in or that the others' directions leave
        nothing of.
    """
    if method not in METHODS:
        raise InputError(f"method={method!r}: allowed are {listed(METHODS)}")
    if not 0 < psi <= 1:
        raise InputError(f"psi={psi}: above 0, where no latent varies, to 1")
    z = generator.latents(n, seed)
    if n < z.shape[1] + 10:
        raise InputError(
            f"{n} faces: directions in a latent of {z.shape[1]} numbers need {z.shape[1] + 10} at least"
        )
    people = generator.conditions.ask(n, rng=np.random.default_rng(seed))
    asked = np.asarray(generator.conditions.encode(people), float)
    readings = regressor.read(generator.draw(people, latents=z, psi=psi))
    latents = z.numpy().astype(float)
    raw, correlation = [], []
    for attribute in attributes:
        left = _without(readings[attribute.reading].to_numpy(float), asked)
        if not left.std() > 1e-9:
            raise InputError(f"directions: {attribute.name} is the same in all {n} faces of the generator")
        raw.append(_direction(latents, left, method))
        correlation.append(_held_out(latents, left, method))
    stacked = np.stack(raw)
    orthogonal, kept = orthogonalised(stacked, [a.name for a in attributes])
    return Directions(tuple(a.name for a in attributes), stacked, orthogonal, kept, np.array(correlation), n)


def orthogonalised(
    directions: NDArray[np.float64], names: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each unit vector less its projection on the span of the others, at unit length; and what was left of it.

    directions  (K, d) of unit length. Unlike Gram and Schmidt's, the result does not depend on their order.
    Raises InputError where less than LEAST_KEPT is left.

    Examples
    --------
    >>> rows, kept = orthogonalised(np.array([[1.0, 0.0], [0.6, 0.8]]), ["age", "grey"])
    >>> rows.round(3).tolist(), kept.round(3).tolist()
    ([[0.8, -0.6], [0.0, 1.0]], [0.8, 0.8])
    """
    rows, kept = [], []
    for k, direction in enumerate(directions):
        others = np.delete(directions, k, 0)
        left = (
            direction - np.linalg.lstsq(others.T, direction, rcond=None)[0] @ others
            if len(others)
            else direction
        )
        length = float(np.linalg.norm(left))
        if length < LEAST_KEPT:
            raise InputError(
                f"directions: that of {names[k]} is a mixture of those of the others ({length:.3f} of it is left), so "
                "that it cannot change alone; ask for fewer attributes"
            )
        rows.append(left / length)
        kept.append(length)
    return np.stack(rows), np.array(kept)


def _without(reading: NDArray[np.float64], asked: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left of a reading after a linear model on the conditions."""
    x = np.column_stack([np.ones(len(reading)), asked])
    left: NDArray[np.float64] = reading - x @ np.linalg.lstsq(x, reading, rcond=None)[0]
    return left


def _direction(
    latents: NDArray[np.float64], reading: NDArray[np.float64], method: str
) -> NDArray[np.float64]:
    if method == "ridge":
        from sklearn.linear_model import RidgeCV

        weight = RidgeCV(alphas=_PENALTIES).fit(latents, reading / reading.std()).coef_
    else:
        from sklearn.svm import LinearSVC

        upper = reading > np.median(reading)
        weight = LinearSVC(C=0.01, dual=False).fit(latents, upper).coef_[0]
    length = float(np.linalg.norm(weight))
    return np.asarray(weight, float) / (length if length > 0 else 1.0)


def _held_out(latents: NDArray[np.float64], reading: NDArray[np.float64], method: str) -> float:
    """Correlation over FOLDS folds of the reading with the position along a direction fitted on the others."""
    fold = np.arange(len(reading)) % FOLDS
    found = []
    for k in range(FOLDS):
        out = fold == k
        place = latents[out] @ _direction(latents[~out], reading[~out], method)
        spread = place.std() * reading[out].std()
        together = np.mean((place - place.mean()) * (reading[out] - reading[out].mean()))
        found.append(float(together / spread) if spread > 0 else 0.0)
    return float(np.mean(found))


def along(latents: Tensor, direction: NDArray[np.float64], step: float) -> Tensor:
    """Latents whose component in a unit direction is `step`, standard deviations of the latent; the rest is kept.

    It is set and not added, so that a latent stays as likely as one that is drawn.
    """
    d = torch.from_numpy(direction).to(latents)
    return latents + (step - latents @ d)[:, None] * d
