"""Two other measures of memorised faces: AuthPct, of single people, and C_T, of a whole set.

AuthPct asks each fake, C_T only whether fakes on the whole are nearer to training faces than held-out faces are; it
names nobody. What each finds of planted copies is in experiments/planted_copies.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from judge.errors import InputError
from judge.generator.audit.neighbours import features_array, nearest


def closeness_to_training(queries: ArrayLike, training: ArrayLike) -> NDArray[np.float64]:
    """Distance to the nearest training face, over that face's own distance to its nearest neighbour in the training.

    Parameters
    ----------
    queries : (n, d) or (n, views, d) array
    training : (m, d) array
        At least two.

    Returns
    -------
    (n,) array
        Below 1: not authentic in the sense of Alaa et al. (2022), eq. 10. Infinite or NaN is avoided: a training
        face that is there twice has a neighbour at a distance that is no more than rounding.
    """
    seen = features_array(training, "training features")
    looked_at = features_array(queries, "features", views=True)
    if len(seen) < 2:
        raise InputError("authenticity needs at least 2 training faces, not 1")
    if looked_at.shape[-1] != seen.shape[1]:
        raise InputError(
            f"features are {seen.shape[1]} wide as the training features, not {looked_at.shape[-1]}"
        )
    own = nearest(seen, seen, 1, itself=np.arange(len(seen))).distance[:, 0]
    found = nearest(looked_at, seen, 1)
    return found.distance[:, 0] / np.maximum(own[found.row[:, 0]], 1e-12)


def authentic_share(fake: ArrayLike, training: ArrayLike) -> float:
    """AuthPct: the share of fakes that are farther from their nearest training face than its own neighbour is.

    Settings as in `closeness_to_training`. For people drawn as the training people were it is about a half, not 1:
    read it beside that of held-out people.

    References
    ----------
    Alaa et al. (2022), How faithful is your synthetic data?, sec. 4.3.
    """
    return float((closeness_to_training(fake, training) > 1).mean())


@dataclass(frozen=True)
class DataCopying:
    """C_T of a set of fakes.

    statistic   around 0 where fakes are as near to training faces as held-out faces are, and then no wider than a
                standard normal; far below 0: copies, far above 0: fakes lie apart. NaN where no cell could be tested
    cells       cell, training, held_out, fake (people in it), z (NaN: not tested)
    untested    held-out people and fakes in cells with too few of one of them
    """

    statistic: float
    cells: pd.DataFrame
    untested: dict[str, int]


def data_copying(
    training: ArrayLike,
    held_out: ArrayLike,
    fake: ArrayLike,
    *,
    cells: int = 10,
    least: int = 10,
    wide: int = 64,
    rng: np.random.Generator | int = 0,
) -> DataCopying:
    """C_T: in each cell of the training faces, a Mann–Whitney test of distances to the nearest training face.

    Parameters
    ----------
    training, held_out, fake : (m, d), (h, d) and (n, d) arrays
        Features; the latter two may have views, of which the middle one says the cell.
    cells : int
        Clusters (k-means) of the training faces, from 1.
    least : int
        Held-out people and fakes that a cell needs, each, and training faces at least 1.
    wide : int
        Principal directions of the training faces that are kept, if there are more.
    rng : int or Generator
        Starts the clusters.

    Returns
    -------
    DataCopying
        The cells' z averaged with the held-out people in them as weights, over the cells that could be tested.

    Raises
    ------
    InputError
        For features that do not fit together or more cells than training faces.

    References
    ----------
    Meehan, Chaudhuri & Dasgupta (2020), A non-parametric test to detect data-copying in generative models, eqs. 3
    and 4, with average ranks for ties.
    """
    from sklearn.cluster import KMeans

    seen = features_array(training, "training")
    others = [features_array(x, name, views=True) for x, name in ((held_out, "held_out"), (fake, "fake"))]
    if any(x.shape[-1] != seen.shape[1] for x in others):
        raise InputError(f"training, held_out and fake are features of one space of {seen.shape[1]} numbers")
    if not 1 <= cells <= len(seen) or least < 1:
        raise InputError(
            f"cells is 1 to {len(seen)}, the number of training faces, not {cells}; least from 1, not {least}"
        )
    middle = seen.mean(axis=0)
    if seen.shape[1] > wide:
        basis = np.linalg.eigh(np.cov(seen, rowvar=False))[1][:, -wide:]
        seen, *others = ((x - middle) @ basis for x in (seen, *others))
    start = int(np.random.default_rng(rng).integers(2**31))
    clusters = KMeans(cells, n_init=3, random_state=start).fit(seen)
    centres, own = clusters.cluster_centers_, clusters.labels_
    distances = [nearest(x, seen, 1).distance[:, 0] for x in others]
    where = [nearest(x if x.ndim == 2 else x[:, x.shape[1] // 2], centres, 1).row[:, 0] for x in others]
    rows = []
    for cell in range(cells):
        held_out_, fake_ = (far[at == cell] for far, at in zip(distances, where, strict=True))
        tested = min(len(held_out_), len(fake_)) >= least and (own == cell).any()
        rows.append(
            {
                "cell": cell, "training": int((own == cell).sum()), "held_out": len(held_out_), "fake": len(fake_),
                "z": _mann_whitney_z(fake_, held_out_) if tested else np.nan,
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    tested = table["z"].notna()
    weight = table["held_out"].where(tested, 0)
    statistic = float((table["z"].fillna(0) * weight).sum() / weight.sum()) if tested.any() else np.nan
    left = table.loc[~tested, ["held_out", "fake"]].sum()
    return DataCopying(statistic, table, {name: int(left[name]) for name in ("held_out", "fake")})


def _mann_whitney_z(fake: NDArray[np.float64], held_out: NDArray[np.float64]) -> float:
    """Below 0: the fakes' distances are the smaller ones."""
    n, m = len(fake), len(held_out)
    ranks = rankdata(np.concatenate([fake, held_out]))
    _, ties = np.unique(ranks, return_counts=True)
    above = ranks[:n].sum() - n * (n + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1)))
    return float((above - n * m / 2) / np.sqrt(variance)) if variance > 0 else 0.0
