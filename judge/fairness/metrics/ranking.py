"""How groups fare along the whole ranking: skew@k, over k.

With brackets a person's rank is the one within the bracket, and "the top k" are the best k of each bracket.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.contest import order_of_merit
from judge.errors import InputError
from judge.fairness.inference.distributions import exact_distribution

#: Up to so many places a curve has every k; beyond, about 150 more, evenly spaced on a log scale.
DENSE = 100
#: Standard deviation of a count above which its null band is normal.
MAX_EXACT_SPREAD = 30.0


def skew(winner_share: ArrayLike, entrant_share: ArrayLike) -> NDArray[np.float64]:
    """log(share among the top / share that chance gives), natural log.

    Parameters
    ----------
    winner_share, entrant_share : array-like of float
        Shares, in [0, 1]. With brackets of unequal chances the second is the share expected within brackets.

    Returns
    -------
    float array
        0 is parity; −∞ for a group that had a chance and nobody at the top; NaN for one that had none.

    References
    ----------
    Geyik, Ambler & Kenthapadi (2019), KDD, eq. 1.

    Examples
    --------
    >>> skew([0.5, 0.25, 0.0], [0.5, 0.5, 0.1]).round(3).tolist()
    [0.0, -0.693, -inf]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(np.asarray(winner_share, float) / np.asarray(entrant_share, float))


def skew_curve(
    score: ArrayLike,
    *,
    sensitive_feature: ArrayLike,
    bracket: ArrayLike | None = None,
    ks: Sequence[int] | None = None,
    image_id: ArrayLike | None = None,
    tie_seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """skew@k of each group over k, with the band in which chance selection leaves it.

    A group's share of the top k of each bracket is compared with what chance within brackets gives it there, which
    in one bracket is its share of the entrants.

    Parameters
    ----------
    score : (n,) array-like of float
        Finite; higher is better.
    sensitive_feature : (n,) array-like
        Groups, taken as text.
    bracket : (n,) array-like, optional
        With brackets the top k are the best k of each. None: one bracket.
    ks : sequence of int, optional
        Places a bracket, at least 1. None: every k to 100, then about 150 more, evenly spaced on a log scale.
    image_id, tie_seed
        Who ties: as in `judge.contest.order_of_merit`.
    confidence : float
        Of the null band, in (0, 1).

    Returns
    -------
    DataFrame
        k, group, n (people within the top k), share, skew, null_low, null_high (from the exact distribution of the
        group's count among the top k of each bracket), min_skew, max_skew (over the groups, at this k).

    Raises
    ------
    InputError
        For scores that are not finite and for a k below 1.

    References
    ----------
    Geyik, Ambler & Kenthapadi (2019), KDD, eq. 1–3.

    Examples
    --------
    Both of the best two are a, who are half of the four entrants: log(1 / ½).

    >>> curve = skew_curve([4, 3, 2, 1], sensitive_feature=list("aabb"), ks=[2, 4])
    >>> curve[["k", "group", "share", "skew"]].round(3).values.tolist()
    [[2, 'a', 1.0, 0.693], [2, 'b', 0.0, -inf], [4, 'a', 0.5, 0.0], [4, 'b', 0.5, 0.0]]
    """
    group, names = pd.factorize(pd.Series(sensitive_feature).astype(str), sort=True)
    place = np.zeros(len(group), int) if bracket is None else pd.factorize(pd.Series(bracket), sort=True)[0]
    order, rank = order_of_merit(image_id, score, bracket=place, tie_seed=tie_seed)
    return skew_curve_of_codes(
        group[order], names=list(names), bracket=place[order], rank=rank, ks=ks, confidence=confidence
    )


def skew_curve_of_codes(
    group: NDArray,
    *,
    names: Sequence[str],
    bracket: NDArray,
    rank: NDArray,
    ks: Sequence[int] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """`skew_curve` for people who are ranked already: integer group and bracket codes, rank from 1."""
    G, n = len(names), len(group)
    size = np.bincount(bracket)
    entrants = np.bincount(bracket.astype(np.int64) * G + group, minlength=len(size) * G).reshape(-1, G)
    share = entrants.sum(axis=0) / n
    places_listed = _places(int(size.max())) if ks is None else np.asarray(sorted(set(ks)), int)
    if len(places_listed) == 0 or places_listed[0] < 1:
        raise InputError("each k is at least 1 (places a bracket)")
    # people by the first listed k that includes them, counted once and summed up over k
    level = np.searchsorted(places_listed, rank, side="left")
    inside = level < len(places_listed)
    at = np.bincount(level[inside] * G + group[inside], minlength=len(places_listed) * G).reshape(
        len(places_listed), G
    )
    top = at.cumsum(axis=0)
    chosen = np.minimum(places_listed[:, None], size[None, :])
    fair = chosen @ (entrants / np.maximum(size, 1)[:, None]) / chosen.sum(axis=1)[:, None]
    value = skew(top / chosen.sum(axis=1)[:, None], fair)
    tail = (1 - confidence) / 2
    band = np.full((len(places_listed), G, 2), np.nan)
    for i in range(len(places_listed)):
        for g in np.flatnonzero(share > 0):
            band[i, g] = skew(
                _chance_limits(entrants[:, g], size, chosen[i], tail) / chosen[i].sum(), fair[i, g]
            )
    curve = pd.DataFrame(
        {
            "k": np.repeat(places_listed, G),
            "group": np.tile(np.asarray(names, object), len(places_listed)),
            "n": np.repeat(chosen.sum(axis=1), G),
            "share": (top / chosen.sum(axis=1)[:, None]).ravel(),
            "skew": value.ravel(),
            "null_low": band[..., 0].ravel(),
            "null_high": band[..., 1].ravel(),
        }
    )
    curve["min_skew"] = np.repeat(np.nanmin(value, axis=1), G)
    curve["max_skew"] = np.repeat(np.nanmax(value, axis=1), G)
    return curve


def _chance_limits(group: NDArray, size: NDArray, chosen: NDArray, tail: float) -> NDArray[np.float64]:
    """Quantiles `tail` and 1 − `tail` of the group's count among the chosen; normal where it varies by dozens."""
    from scipy.special import ndtri

    p = group / np.maximum(size, 1)
    spread = float(np.sqrt((chosen * p * (1 - p) * (size - chosen) / np.maximum(size - 1, 1)).sum()))
    if spread > MAX_EXACT_SPREAD:
        return np.round((chosen * p).sum() + ndtri([tail, 1 - tail]) * spread)
    low, pmf = exact_distribution(group, size, chosen)
    return low + np.searchsorted(np.cumsum(pmf), [tail, 1 - tail - 1e-12]).astype(float)


def _places(most: int) -> NDArray[np.int64]:
    if most <= DENSE:
        return np.arange(1, most + 1)
    further = np.unique(np.geomspace(DENSE, most, 150).round().astype(int))
    return np.unique(np.concatenate([np.arange(1, DENSE + 1), further]))
