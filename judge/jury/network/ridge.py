"""Ridge regression of ratings on standardised features, its penalty by leave-one-out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Ridge(NamedTuple):
    """rating = ((features − mean) / scale) @ weight + bias"""

    mean: NDArray[np.float64]  # (F,)
    scale: NDArray[np.float64]  # (F,)
    weight: NDArray[np.float64]  # (F,)
    bias: float
    penalty: float  # per picture


def ridge(
    features: NDArray, rating: NDArray, weight: NDArray, penalties: Sequence[float] = PENALTIES
) -> Ridge:
    """Weighted ridge regression, features (n, F), rating and weight (n,).

    penalties  to choose from, per picture; the one with the lowest leave-one-out squared error is taken, in closed
               form (Golub, Heath & Wahba 1979; scikit-learn's RidgeCV). Rows must be different pictures: a copy
               left in training would give the held-out picture away.
    """
    weight = weight / weight.mean()
    mean = np.average(features, axis=0, weights=weight)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weight))
    scale[scale < 1e-6] = 1.0
    choices = np.asarray(penalties, float) * len(rating)
    # One thread: the matrices are small, and threads that wait for one another on a busy machine cost twentyfold.
    with threadpool_limits(1):
        fit = RidgeCV(alphas=choices).fit((features - mean) / scale, rating, sample_weight=weight)
    return Ridge(mean, scale, fit.coef_, float(fit.intercept_), float(fit.alpha_) / len(rating))


def once_each(manifest: pd.DataFrame) -> pd.DataFrame:
    """The first row of each image_id, with the sum of its rows' `weight` (1 each where there is no such column)."""
    weight = manifest["weight"] if "weight" in manifest else pd.Series(1.0, index=manifest.index)
    total = weight.groupby(manifest["image_id"], sort=False).sum()
    return manifest[~manifest["image_id"].duplicated()].assign(weight=total.to_numpy(float))
