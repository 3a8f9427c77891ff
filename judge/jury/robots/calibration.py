"""Weights for what a robot measures, learnt from a reference set whose truth is labelled.

The robots of 2016 were trained on labelled pictures ("our database had a lot more white people", said the maker of
the wrinkle database), so a labelled reference set is one more place where skew can enter. A ridge regression (Hoerl &
Kennard 1970) whose penalty is chosen by leave-one-out; what is missing takes the reference's mean.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed


def labels_of(rows: pd.DataFrame, column: str, robot: str) -> NDArray[np.float64]:
    """The label column as numbers (n,), NaN where missing.

    Raises InputError, naming the robot, where the reference set lacks the column or has fewer than 20 labels.
    """
    if column not in rows:
        raise InputError(
            f"{robot}: labels={column!r} is no column of the reference set; it has {listed(rows.columns)}"
        )
    label = rows[column].to_numpy(float)
    if np.isfinite(label).sum() < 20:
        raise InputError(f"{robot}: 20 labelled faces are needed; {column} has {np.isfinite(label).sum()}")
    return label


def learn(measured: NDArray, label: NDArray) -> dict[str, NDArray]:
    """Arrays for `apply` from measurements (n, k), NaN allowed, and labels (n,)."""
    # some seconds that processes which only measure do not spend
    from sklearn.linear_model import RidgeCV

    known = np.isfinite(label)
    x, y = np.asarray(measured, np.float64)[known], np.asarray(label, np.float64)[known]
    there = np.isfinite(x)
    mean = np.where(there, x, 0).sum(0) / np.maximum(there.sum(0), 1)
    filled = np.where(there, x, mean)
    scale = filled.std(0) + 1e-9
    model = RidgeCV(alphas=np.logspace(-1, 4, 16)).fit((filled - mean) / scale, y)
    return {
        "label_mean": mean,
        "label_weights": model.coef_ / scale,
        "label_intercept": np.array([model.intercept_]),
    }


def apply(measured: NDArray, learnt: Mapping[str, NDArray]) -> NDArray[np.float64]:
    """Predicted labels (n,) of measurements (n, k); NaN where nothing was measured."""
    x = np.asarray(measured, np.float64)
    there = np.isfinite(x)
    filled = np.where(there, x, learnt["label_mean"]) - learnt["label_mean"]
    value = filled @ learnt["label_weights"] + learnt["label_intercept"][0]
    return np.where(there.any(1), value, np.nan)
