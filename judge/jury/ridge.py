"""Ridge regression of ratings on standardised features, and the linear map that may stand before it.

The head of every judge on frozen features, the head that a network may start as, and what a refit puts in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits

from judge.errors import InputError
from judge.jury.scaling import PRIOR_SPREAD, shrunk_scale

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Ridge(NamedTuple):
    """rating = ((features − mean) / scale) @ weight + bias"""

    mean: NDArray[np.float64]  # (F,)
    scale: NDArray[np.float64]  # (F,)
    weight: NDArray[np.float64]  # (F,)
    bias: float
    penalty: float  # per picture


def ridge(
    features: NDArray,
    rating: NDArray,
    weight: NDArray,
    penalties: Sequence[float] = PENALTIES,
    *,
    prior: float | None = PRIOR_SPREAD,
) -> Ridge:
    """Weighted ridge regression, features (n, F), rating and weight (n,), on features divided by `shrunk_scale`.

    penalties  to choose from, per picture; the one with the lowest leave-one-out squared error is taken, in closed
               form (Golub, Heath & Wahba 1979; scikit-learn's RidgeCV). Rows must be different pictures: a copy
               left in training would give the held-out picture away.
    prior      as in `shrunk_scale`; None: the features stay on their scale, as those of a Projection have to, where
               little spread means little importance
    """
    weight = weight / weight.mean()
    mean = np.average(features, axis=0, weights=weight)
    scale = np.ones_like(mean) if prior is None else shrunk_scale(features, weight, prior=prior)
    choices = np.asarray(penalties, float) * len(rating)
    # One thread: the matrices are small, and threads that wait for one another on a busy machine cost twentyfold.
    with threadpool_limits(1):
        fit = RidgeCV(alphas=choices).fit((features - mean) / scale, rating, sample_weight=weight)
    return Ridge(mean, scale, fit.coef_, float(fit.intercept_), float(fit.alpha_) / len(rating))


class Conditioned(NamedTuple):
    """Standardised features turned and stretched until every direction is learnt from at one speed.

    Turned to the at most n directions in which n pictures differ, and divided there by g = √(variance + penalty), they
    make of the ridge regression a problem whose second derivatives are those of Σ θ²: mean error² + Σ (θ curve)².
    Exact: no direction is left out that a regression on the features could use.
    """

    features: NDArray[np.float64]  # (n, r)
    back: NDArray[np.float64]  # (F, r): weights on standardised features = back @ θ
    curve: NDArray[np.float64]  # (r,)

    @classmethod
    def of(cls, x: NDArray, weight: NDArray, penalty: float) -> Conditioned:
        """x (n, F) of weighted mean 0, weight (n,) over 0 with mean 1, penalty per picture."""
        root = np.sqrt(weight)[:, None] * x
        with threadpool_limits(1):
            value, vector = np.linalg.eigh(root @ root.T if x.shape[1] > len(x) else root.T @ root)
            there = value > 1e-10 * value.max()
            value, vector = value[there], vector[:, there]
            directions = root.T @ vector / np.sqrt(value) if x.shape[1] > len(x) else vector
            g = np.sqrt(value / len(x) + penalty)
            return cls(x @ directions / g, directions / g, np.sqrt(penalty) / g)


def left_out_errors(features: NDArray, rating: NDArray, weight: NDArray, fit: Ridge) -> NDArray[np.float64]:
    """(n,) rating less what the regression gives for it without this picture, penalty and scale kept, in points.

    A regression on more features than pictures nearly passes through all of them: its residuals say little of what it
    has not understood. In closed form, e / (1 − leverage). Weights over 0.
    """
    weight = weight / weight.mean()
    x = (features - fit.mean) / fit.scale
    own = weight * (1 + (Conditioned.of(x, weight, fit.penalty).features ** 2).sum(1)) / len(x)
    return (rating - x @ fit.weight - fit.bias) / (1 - own)


def once_each(manifest: pd.DataFrame) -> pd.DataFrame:
    """The first row of each image_id, with the sum of its rows' `weight` (1 each where there is no such column)."""
    weight = manifest["weight"] if "weight" in manifest else pd.Series(1.0, index=manifest.index)
    total = weight.groupby(manifest["image_id"], sort=False).sum()
    return manifest[~manifest["image_id"].duplicated()].assign(weight=total.to_numpy(float))


#: Rows that a matrix product of a projection is made of a multiple of.
WHOLE_ROWS = 64


class Projection(NamedTuple):
    """What a head reads of wider features: (features − mean) @ basis, so that nothing outside the basis is read."""

    mean: NDArray[np.float64]  # (F,)
    basis: NDArray[np.float64]  # (F, k)

    def __call__(self, features: NDArray) -> NDArray[np.float64]:
        """(n, F) → (n, k); a row's numbers do not depend, to the bit, on the rows beside it."""
        n = len(features)
        # a matrix product treats the rows that are left over at its end otherwise than the others
        rows = np.zeros((-(-n // WHOLE_ROWS) * WHOLE_ROWS, len(self.mean)))
        rows[:n] = np.asarray(features, np.float64) - self.mean
        return (rows @ self.basis)[:n]

    def then(self, other: Projection) -> Projection:
        """First this projection, then the other, as one."""
        back = np.linalg.lstsq(self.basis.T, other.mean, rcond=None)[0]
        return Projection(self.mean + back, self.basis @ other.basis)

    @classmethod
    def checked(cls, mean: NDArray, basis: NDArray, width: int | None = None) -> Projection:
        """Raises InputError for shapes that do not belong together, or other than `width` features."""
        mean, basis = np.asarray(mean, np.float64), np.asarray(basis, np.float64)
        if mean.ndim != 1 or basis.ndim != 2 or len(basis) != len(mean) or not basis.shape[1]:
            raise InputError(f"no projection: its mean has shape {mean.shape}, its basis {basis.shape}")
        if width is not None and len(mean) != width:
            raise InputError(f"the projection reads {len(mean)} features, there are {width}")
        return cls(mean, basis)
