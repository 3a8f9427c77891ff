"""Which generated faces are copies of training faces: nearer than faces are that the generator has not seen.

A distance says little by itself, since some people look like many and others like nobody: it is divided by the mean
distance to the faces around (Carlini et al. 2021, sec. 6; 2023, sec. 5). The threshold is set on held-out people, who
must not be found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError
from judge.fairness.inference import clopper_pearson
from judge.generator.audit.neighbours import features_array, nearest

#: Faces around the nearest that its distance is measured by.
NEIGHBOURS = 50
#: A score below it is that of the same features.
SAME = 1e-5
ALL = "all"


@dataclass(frozen=True)
class Copies:
    """What `find_copies` found.

    score       (n,) of each fake; small: near
    nearest     (n,) row of the training face that it is nearest to
    threshold   a fake is a copy below it
    flagged     rows of the fakes that are copies, nearest first
    by_group    group, n, flagged, share, low, high (exact interval); held_out, false_alarms, fpr, fpr_low, fpr_high;
                first all fakes, then each group
    excluded    reason → held-out faces left out of the threshold
    """

    score: NDArray[np.float64]
    nearest: NDArray[np.int64]
    threshold: float
    flagged: NDArray[np.int64]
    by_group: pd.DataFrame
    excluded: Mapping[str, int]


def nearness(
    queries: ArrayLike,
    training: ArrayLike,
    *,
    k: int = NEIGHBOURS,
    calibrated: bool = True,
    itself: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(score, row of the nearest training face) of each query.

    Parameters
    ----------
    queries : (n, d) or (n, views, d) array
    training : (m, d) array
    k : int
        Faces around the nearest, at most m − 1 (fewer are taken where there are fewer).
    calibrated : bool
        Distance to the nearest over the mean distance to the k next ones, 0 to 1; else the distance itself.
    itself : (n,) array of int, optional
        The row of each query among the training faces, which is then no neighbour of its own.

    Returns
    -------
    tuple of (n,) arrays
        Scores and rows.
    """
    seen = features_array(training, "training features")
    looked_at = features_array(queries, "features", views=True)
    if looked_at.shape[-1] != seen.shape[1]:
        raise InputError(
            f"features are {seen.shape[1]} wide as the training features, not {looked_at.shape[-1]}"
        )
    own = itself is not None
    around = min(k, len(seen) - own - 1) if calibrated else 0
    if calibrated and around < 1:
        raise InputError(f"a neighbourhood needs at least {2 + own} training faces, not {len(seen)}")
    found = nearest(looked_at, seen, around + 1, itself=itself)
    score = found.distance[:, 0]
    if calibrated:
        score = score / np.maximum(found.distance[:, 1:].mean(axis=1), np.finfo(float).tiny)
    return score, found.row[:, 0]


def threshold_at(scores: NDArray[np.float64], fpr: float) -> float:
    """The threshold below which a fresh face lies with probability at most `fpr`, if it is like those of `scores`.

    The ⌊fpr (n + 1)⌋-th smallest score (split conformal prediction; Vovk et al. 2005).

    Raises
    ------
    InputError
        If there are fewer than 1/fpr − 1 scores, so that no threshold has so few false alarms.
    """
    rank = rank_at(len(scores), fpr)
    if rank < 1:
        raise InputError(f"fpr={fpr} needs at least {needed_for(fpr)} held-out faces, not {len(scores)}")
    return float(np.partition(scores, rank - 1)[rank - 1])


def rank_at(n: int, fpr: float) -> int:
    """Which of n scores in rising order is the threshold; 0: none."""
    if not 0 < fpr < 1:
        raise InputError(f"fpr is a share of held-out faces between 0 and 1, not {fpr!r}")
    return int(np.floor(fpr * (n + 1) + 1e-9))


def needed_for(fpr: float) -> int:
    """Held-out faces without which no threshold has so few false alarms."""
    return int(np.ceil(1 / fpr - 1e-9)) - 1


def find_copies(
    train_features: ArrayLike,
    held_out_features: ArrayLike,
    fake_features: ArrayLike,
    *,
    fpr: float = 0.01,
    groups: ArrayLike | None = None,
    held_out_groups: ArrayLike | None = None,
    k: int = NEIGHBOURS,
    calibrated: bool = True,
    confidence: float = 0.95,
    seed: int = 0,
) -> Copies:
    """Fakes that are nearer to a training face than held-out faces are.

    Parameters
    ----------
    train_features : (m, d) array
        Of the faces that the generator has learnt from, such as `CopySpace.of` gives them.
    held_out_features, fake_features : (h, d) and (n, d), or (h, views, d) and (n, views, d) arrays
        Of people that it has not seen, and of those that it drew, such as `CopySpace.views` gives them.
    fpr : float
        Share of held-out faces that may be found. One threshold for all groups.
    groups, held_out_groups : (n,) and (h,) arrays of str, optional
        Groups of the fakes and of the held-out faces.
    k, calibrated
        As in `nearness`.
    confidence : float
        Of the intervals.
    seed : int
        Of the halves that the false alarms are counted in.

    Returns
    -------
    Copies
        False alarms are counted in each half of the held-out faces at the threshold that the other half sets, since
        at the threshold that they set themselves their number is no finding. A held-out face that is a training face
        to the bit of its features is no held-out face: it is left out and counted.

    Raises
    ------
    InputError
        For features that do not fit together, groups of another length, or too few held-out faces for `fpr`.

    References
    ----------
    Carlini et al. (2021), Extracting training data from large language models; Carlini et al. (2023), Extracting
    training data from diffusion models. Interval: Clopper & Pearson (1934).
    """
    fakes, fake_nearest = nearness(fake_features, train_features, k=k, calibrated=calibrated)
    held_out, _ = nearness(held_out_features, train_features, k=k, calibrated=calibrated)
    names = _groups(groups, len(fakes), "groups")
    held_out_names = _groups(held_out_groups, len(held_out), "held_out_groups")
    # without any distance, but for rounding
    same = held_out < SAME * (1.0 if calibrated else np.median(held_out))
    held_out, held_out_names = held_out[~same], held_out_names[~same]
    if rank_at(len(held_out) // 2, fpr) < 1:
        raise InputError(
            f"fpr={fpr} needs at least {2 * needed_for(fpr)} held-out faces that are no training faces (half of them "
            f"set the threshold that is tried on the other half), not {len(held_out)}"
        )
    threshold = threshold_at(held_out, fpr)
    found = fakes < threshold
    alarms = _false_alarms(held_out, fpr, seed)
    rows: list[dict[str, object]] = []
    for group in (ALL, *sorted(set(names) | set(held_out_names) - {ALL})):
        if group == ALL and rows:
            continue
        own, unseen = (names == group) | (group == ALL), (held_out_names == group) | (group == ALL)
        row: dict[str, object] = {"group": group, "n": int(own.sum()), "flagged": int(found[own].sum())}
        row |= _share(row["flagged"], row["n"], confidence, ("share", "low", "high"))
        row |= {"held_out": int(unseen.sum()), "false_alarms": int(alarms[unseen].sum())}
        row |= _share(row["false_alarms"], row["held_out"], confidence, ("fpr", "fpr_low", "fpr_high"))
        rows.append(row)
    flagged = np.flatnonzero(found)
    return Copies(
        score=fakes,
        nearest=fake_nearest,
        threshold=threshold,
        flagged=flagged[np.argsort(fakes[flagged], kind="stable")],
        by_group=pd.DataFrame(rows),
        excluded={"is a training face": int(same.sum())} if same.any() else {},
    )


def _groups(groups: ArrayLike | None, n: int, name: str) -> NDArray[np.str_]:
    if groups is None:
        return np.full(n, ALL)
    names = np.asarray(groups).astype(str)
    if names.shape != (n,):
        raise InputError(f"{name} has one name for each of {n} faces, not the shape {names.shape}")
    return names


def _false_alarms(scores: NDArray[np.float64], fpr: float, seed: int) -> NDArray[np.bool_]:
    order = np.random.default_rng(seed).permutation(len(scores))
    alarms = np.zeros(len(scores), dtype=bool)
    halves = order[::2], order[1::2]
    for half, other in (halves, halves[::-1]):
        alarms[half] = scores[half] < threshold_at(scores[other], fpr)
    return alarms


def _share(count: object, n: object, confidence: float, names: tuple[str, str, str]) -> dict[str, float]:
    low, high = clopper_pearson(count, n, confidence)  # type: ignore[arg-type]
    share = count / n if n else np.nan  # type: ignore[operator]
    return dict(zip(names, (float(share), float(low), float(high)), strict=True))
