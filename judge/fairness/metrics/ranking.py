"""How groups fare along the whole ranking: skew@k, NDKL, exposure.

With brackets a person's rank is the one within the bracket, and "the top k" are the best k of each bracket.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError
from judge.fairness.inference.exact_tests import exact_distribution
from judge.fairness.metrics.ordering import order_within_brackets

#: Up to so many places a curve has every k; beyond, about 150 more, evenly spaced on a log scale.
DENSE = 100
#: Standard deviation of a count above which its null band is normal.
MAX_EXACT_SPREAD = 30.0


def skew(winner_share: ArrayLike, entrant_share: ArrayLike) -> NDArray[np.float64]:
    """log(share among the top / share among the entrants), natural log (Geyik et al. 2019, eq. 1).

    0 is parity; −∞ for a group with entrants and nobody at the top; NaN for a group without entrants.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(np.asarray(winner_share, float) / np.asarray(entrant_share, float))


def ranked_groups(
    score: ArrayLike, *, sensitive_feature: ArrayLike, bracket: ArrayLike | None = None, seed: int = 0
) -> pd.DataFrame:
    """Everybody in order: columns bracket (integer code), rank (from 1 within the bracket), group (name)."""
    code, _ = pd.factorize(
        pd.Series(np.zeros(len(np.asarray(score))) if bracket is None else bracket), sort=True
    )
    order, rank = order_within_brackets(score, bracket=code, seed=seed)
    groups = pd.Series(sensitive_feature).astype(str).to_numpy()
    return pd.DataFrame({"bracket": code[order], "rank": rank, "group": groups[order]})


def skew_curve(
    score: ArrayLike,
    *,
    sensitive_feature: ArrayLike,
    bracket: ArrayLike | None = None,
    ks: Sequence[int] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """skew@k of each group over k, with the band in which chance selection leaves it.

    Columns: k (places a bracket), group, n (people within the top k), share, skew, null_low, null_high
    (from the exact distribution of the group's count among the top k of each bracket), min_skew, max_skew
    (over the groups, at this k: Geyik et al. 2019, eq. 2–3). ks: None takes every k to 100, then 150 more.
    """
    ranked = ranked_groups(score, sensitive_feature=sensitive_feature, bracket=bracket, seed=seed)
    group, names = pd.factorize(ranked["group"], sort=True)
    place, rank = ranked["bracket"].to_numpy(), ranked["rank"].to_numpy()
    return skew_curve_of_codes(
        group, names=list(names), bracket=place, rank=rank, ks=ks, confidence=confidence
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
    value = skew(top / chosen.sum(axis=1)[:, None], share)
    tail = (1 - confidence) / 2
    band = np.full((len(places_listed), G, 2), np.nan)
    for i in range(len(places_listed)):
        for g in np.flatnonzero(share > 0):
            band[i, g] = skew(
                _chance_limits(entrants[:, g], size, chosen[i], tail) / chosen[i].sum(), share[g]
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


def ndkl(groups_in_order: ArrayLike, *, bracket: ArrayLike | None = None) -> float:
    """Normalised discounted Kullback–Leibler divergence of a ranking from its entrants (Geyik et al. 2019, eq. 4).

    (1/Z) Σ_i D(shares among the first i ‖ shares among all) / log2(i + 1), natural log inside, Z = Σ_i 1/log2(i + 1).
    0 is parity at every depth, which no finite ranking reaches: compare with `ndkl_of_chance`.

    groups_in_order   (n,) group of each person, best first; with brackets each bracket's people together
    bracket           (n,) the bracket of each; the value is the mean over brackets, weighted by their entrants
    """
    group, names = pd.factorize(pd.Series(groups_in_order))
    code = np.zeros(len(group), np.int64) if bracket is None else pd.factorize(pd.Series(bracket))[0]
    if (np.diff(code) < 0).any() or (group < 0).any():
        raise InputError("ndkl needs a group for everybody, and the people of one bracket together")
    return ndkl_of_codes(group, bracket=code, n_groups=len(names))


def ndkl_of_codes(group: NDArray, *, bracket: NDArray, n_groups: int) -> float:
    """`ndkl` of integer codes in order of bracket and rank, in time O(n) whatever the number of groups.

    Σ_g c_g log c_g changes by one term when a person is added, so the divergence of every prefix is a difference
    of running sums.
    """
    n = len(group)
    if n == 0:
        return np.nan
    size = np.bincount(bracket)
    start = np.cumsum(size) - size
    cell = bracket.astype(np.int64) * n_groups + group
    count = np.bincount(cell, minlength=len(size) * n_groups)
    nth = _occurrence(cell, count)
    i = np.arange(1, n + 1) - np.repeat(start, size)
    before = nth - 1.0
    gain = nth * np.log(nth) - before * np.log(np.maximum(before, 1.0))
    log_share = np.log(count[cell] / np.repeat(size, size))
    running = np.cumsum(gain - log_share)
    offset = np.concatenate([[0.0], running])[start]
    divergence = (running - np.repeat(offset, size)) / i - np.log(i)
    discount = 1 / np.log2(i + 1)
    used = size > 0
    total = np.add.reduceat(discount * divergence, start[used]) / np.add.reduceat(discount, start[used])
    return float((total * size[used]).sum() / n)


def _occurrence(cell: NDArray, count: NDArray) -> NDArray[np.int64]:
    """For each element how many equal ones came so far, itself included."""
    small = cell.astype(np.uint16) if len(count) < 65_536 else cell
    order = np.argsort(small, kind="stable")
    nth = np.empty(len(cell), np.int64)
    nth[order] = np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count) + 1
    return nth


def ndkl_of_chance(
    groups_in_order: NDArray, *, bracket: NDArray, n_groups: int, n_permutations: int = 199, seed: int = 0
) -> NDArray[np.float64]:
    """NDKL of so many random orders within brackets: what no preference at all looks like."""
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(n_permutations):
        shuffled = np.lexsort((rng.random(len(bracket)), bracket))
        values.append(ndkl_of_codes(groups_in_order[shuffled], bracket=bracket, n_groups=n_groups))
    return np.array(values)


def exposure(rank: ArrayLike) -> NDArray[np.float64]:
    """Attention that a place receives: 1 / log2(1 + rank) (Singh & Joachims 2018, eq. 1, logarithmic discount)."""
    return 1 / np.log2(1 + np.asarray(rank, float))


def exposure_ratio(
    rank: ArrayLike, group: NDArray, *, member: int, others: NDArray | int, confidence: float = 0.95
) -> tuple[float, float, float]:
    """(ratio, low, high): mean exposure of a group divided by that of others; 1 is parity.

    rank     (n,) from 1 within the bracket     group   (n,) integer codes
    others   code of the reference group, or a mask of people

    Demographic parity of exposure of Singh & Joachims (2018, eq. 4), as a ratio. Interval on the log scale (delta
    method) with the spread of exposure over both sides together: that of a small group is small just when it has
    missed the few places of high exposure, which left the truth outside 11 % of the time instead of 5 %.
    NaN for an empty group or others.
    """
    from scipy.special import ndtri

    seen = exposure(rank)
    sides = [seen[group == member], seen[others if isinstance(others, np.ndarray) else group == others]]
    if min(len(side) for side in sides) == 0:
        return np.nan, np.nan, np.nan
    means = [side.mean() for side in sides]
    ratio = float(means[0] / means[1])
    if min(len(side) for side in sides) < 2:
        return ratio, np.nan, np.nan
    everybody = np.concatenate(sides)
    squared = everybody.var(ddof=1) / everybody.mean() ** 2
    variance = squared * (1 / len(sides[0]) + 1 / len(sides[1]))
    factor = float(np.exp(ndtri((1 + confidence) / 2) * np.sqrt(variance)))
    return ratio, ratio / factor, ratio * factor
