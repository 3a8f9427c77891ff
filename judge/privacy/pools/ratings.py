"""Ratings that follow the appearance: one noisy moment of rating × appearance, and each group's noisy distribution.

A rating per candidate, from those who voted for it, drowns: with 1,000 candidates each has a handful of voters. The
direction of the appearance in which ratings rise takes as many numbers as the appearance has dimensions, some 40, and
all people tell of it. Given it, people of a cell are put in order, and the order takes the ratings of the cell's noisy
histogram. Both ways are held against one another in experiments/private_ratings.py.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.privacy.labels import PrivateLabels, cell_codes
from judge.privacy.people import PrivatePeople, Rows
from judge.privacy.pools.appearance import Appearance

#: A rating counts in standard deviations from its cell's mean, divided by as many, and at most once.
SPREAD = 2.0


def rating_direction(
    people: PrivatePeople,
    labels: PrivateLabels,
    appearance: Appearance,
    *,
    features: str,
    rng: np.random.Generator,
    what: str,
) -> NDArray[np.float64]:
    """(d,): Σ over people of rating × appearance, noisy; one use of `what`, sensitivity 1.

    A rating is standardised by its cell's noisy histogram and clipped to −1 … 1, an appearance to norm 1 (√d before
    it is divided by √d: the root mean square of what has unit variance in d dimensions).

    features  name of the pictures' features that `people` derived
    """
    place = {name: k for k, name in enumerate(labels.cells.index)}
    mean, sd = moments(labels)
    reach = math.sqrt(appearance.width)

    def query(rows: Rows) -> tuple[NDArray, NDArray]:
        cell = cell_codes(rows.manifest, labels.features, place)
        rating = rows.manifest["rating"].to_numpy(float)
        seen = appearance(rows.derived[features]) / reach
        told = np.isfinite(seen).all(axis=1) & np.isfinite(rating) & (cell >= 0)
        seen = np.where(told[:, None], seen, 0.0)
        seen /= np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), 1.0)
        standard = np.clip((np.nan_to_num(rating) - mean[cell]) / (SPREAD * sd[cell]), -1.0, 1.0)
        return np.where(told, 0, -1), seen * standard[:, None]

    return people.sums(what, query, 1, sensitivity=1.0, rng=rng)[0]


def moments(labels: PrivateLabels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each cell's rating, of its noisy histogram; the latter at least a bin's width."""
    edges = np.linspace(*labels.rating_range, labels.counts.shape[1] + 1)
    centres, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    share = np.stack([labels.distribution(cell) for cell in labels.cells.index])
    mean = share @ centres
    return mean, np.sqrt(np.maximum((share * (centres - mean[:, None]) ** 2).sum(1), width**2))


def rated(
    cells: pd.Series, appearance: NDArray[np.float64], direction: NDArray[np.float64], labels: PrivateLabels
) -> NDArray[np.float64]:
    """A rating for each made person: the cell's noisy quantile at the person's place along the direction."""
    order = pd.Series(appearance @ direction).groupby(cells.to_numpy()).rank(method="first").to_numpy()
    out = np.empty(len(cells))
    for cell, rows in pd.Series(np.arange(len(cells))).groupby(cells.to_numpy()):
        out[rows] = labels.quantile(str(cell), (order[rows] - 0.5) / len(rows))
    return out
