"""The attention that places receive, and how it is divided between groups inside each bracket."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.fairness.counts import parts_of
from judge.fairness.inference.settings import Interval

#: Random orders of which a small group's interval is read, and how many where there are more than MANY groups.
N_ORDERS, FEWER_ORDERS, MANY = 1000, 250, 200
#: Skewness of the group's exposure under chance below which its quantiles are Cornish & Fisher's, and people of the
#: smaller side above which they always are.
MAX_SKEWNESS, MAX_DRAWN = 0.2, 2000
#: log ω at which a group's exposure is simulated; between them it is interpolated.
_STEPS = np.array([0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0])
LOG_ODDS = np.concatenate([-_STEPS[::-1], [0.0], _STEPS])


def exposure(rank: ArrayLike) -> NDArray[np.float64]:
    """Attention that a place receives: 1 / log2(1 + rank).

    Parameters
    ----------
    rank : array-like of int
        From 1.

    Returns
    -------
    float array
        1 for the first place, falling towards 0.

    References
    ----------
    Singh & Joachims (2018), KDD, eq. 1, with the logarithmic discount.

    Examples
    --------
    >>> exposure([1, 3]).tolist()
    [1.0, 0.5]
    """
    return 1 / np.log2(1 + np.asarray(rank, float))


def exposure_ratio(
    rank: ArrayLike,
    group: NDArray,
    *,
    member: int,
    others: NDArray | int,
    bracket: NDArray | None = None,
    confidence: float = 0.95,
    rng: np.random.Generator | int = 0,
) -> Interval:
    """Exposure of a group divided by that of others, compared inside each bracket.

    Σ T₁n₀/N ÷ Σ T₀n₁/N over brackets, with T the exposures of a side added up, n its people and N = n₁ + n₀. It is 1
    just where the group receives what a random order of each bracket would give it on average; in one bracket it is
    the ratio of mean exposures. Brackets of other sizes cannot move it, as they would move a ratio of plain means:
    places of a small bracket are all near its top.

    Parameters
    ----------
    rank : (n,) array-like of int
        From 1 within the bracket.
    group : (n,) int array
        Group codes.
    member : int
        Code of the group.
    others : int or (n,) bool array
        Code of the reference group, or a mask of people.
    bracket : (n,) int array, optional
        Bracket codes; None: one bracket.
    confidence : float
        Level, in (0, 1).
    rng : numpy.random.Generator or int
        Draws the random orders.

    Returns
    -------
    Interval
        1 is parity; NaN where no bracket has both sides. The limits invert a permutation test of orders in which each
        of the group's people comes next ω times as likely as each other's: they are the ratios that the lowest and the
        highest ω which is not rejected let expect. At ω = 1 these are random orders of each bracket, so that 1 is left
        out as often as the permutation test rejects, for a group of one person too. Where the group's exposure is
        hardly skew the ratio itself is divided by the quantiles of chance.

    References
    ----------
    Singh & Joachims (2018), KDD, eq. 4: demographic parity of exposure, here as a ratio; the weights are those of
    Mantel & Haenszel (1959), J. Natl. Cancer Inst. 22:719. ω: Plackett (1975), Appl. Stat. 24:193. Moments of a sum
    drawn without replacement: Cochran (1977), Sampling Techniques, chapter 2; quantiles: Cornish & Fisher (1938).

    Examples
    --------
    The first place against the third: 1 against ½.

    >>> exposure_ratio([1, 3], np.array([0, 1]), member=0, others=1).value
    2.0
    """
    mask = others if isinstance(others, np.ndarray) else group == others
    code = np.where(group == member, 0, np.where(mask, 1, 2))
    return exposure_ratios(rank, code, bracket=bracket, n_groups=3, base=1, confidence=confidence, rng=rng)[0]


def exposure_ratios(
    rank: ArrayLike,
    group: NDArray,
    *,
    n_groups: int,
    base: int | None,
    bracket: NDArray | None = None,
    confidence: float = 0.95,
    rng: np.random.Generator | int = 0,
) -> list[Interval]:
    """`exposure_ratio` of every group code against the code `base` (None: against all others), in one pass."""
    seen = exposure(rank)
    group = np.asarray(group, np.int64)
    place = np.zeros(len(group), np.int64) if bracket is None else np.unique(bracket, return_inverse=True)[1]
    B = int(place.max(initial=0)) + 1
    # people of a cell (bracket, group) stand together, each cell's exposures in `held`
    cell = place * n_groups + group
    held = seen[np.argsort(cell, kind="stable")]
    size = np.bincount(cell, minlength=B * n_groups)
    start = np.concatenate([[0], np.cumsum(size)])
    powers = np.zeros((3, B * n_groups))
    for part in parts_of(
        len(cell)
    ):  # millions of equal numbers, added one by one, would all be rounded the same way
        for k in range(3):
            powers[k] += np.bincount(cell[part], weights=seen[part] ** (k + 1), minlength=B * n_groups)

    def pools(g: int, brackets: NDArray) -> list[NDArray]:
        """Exposures of the two sides together, a bracket each."""
        if base is None:
            return [held[start[b * n_groups] : start[(b + 1) * n_groups]] for b in brackets]
        both = [
            [held[start[c] : start[c + 1]] for c in (b * n_groups + g, b * n_groups + base)] for b in brackets
        ]
        return [np.concatenate(sides) for sides in both]

    return exposure_ratios_of(
        size.reshape(B, n_groups),
        powers.reshape(3, B, n_groups),
        pools,
        base=base,
        confidence=confidence,
        rng=rng,
    )


def exposure_ratios_of(
    size: NDArray[np.int64],
    powers: NDArray[np.float64],
    pools: Callable[[int, NDArray], list[NDArray]],
    *,
    base: int | None,
    confidence: float = 0.95,
    rng: np.random.Generator | int = 0,
) -> list[Interval]:
    """`exposure_ratios` from sums of exposures, for people who are not held in memory.

    Parameters
    ----------
    size : (B, G) int
        People by bracket and group.
    powers : (3, B, G) float
        Their exposures, squares and cubes of these, added up.
    pools : callable
        (group, brackets) → for each of the brackets the exposures of the two sides together, or of a sample of them.
        It is asked only for groups so small or exposures so skew that chance has to be simulated.
    base, confidence, rng
        As for `exposure_ratios`.

    Returns
    -------
    list of Interval
        One a group.
    """
    rng = np.random.default_rng(rng)
    n_groups = size.shape[1]
    everybody = size.sum(axis=1), powers.sum(axis=2)
    orders = N_ORDERS if n_groups <= MANY else FEWER_ORDERS
    known: dict[bytes, _Chance] = {}
    found = []
    for g in range(n_groups):
        n1, total = size[:, g], everybody[0] if base is None else size[:, g] + size[:, base]
        sums = everybody[1] if base is None else powers[:, :, g] + powers[:, :, base]
        own = powers[0, :, g]
        used = (n1 > 0) & (total > n1) & (g != base)
        if not used.any():
            found.append(Interval(np.nan, np.nan, np.nan))
            continue
        side = _Sides(n1[used], total[used], sums[:, used])
        value = side.ratio(own[used])
        key = n1.tobytes() if base is None else b""  # the same places are shared out, to as many people
        if base is not None or key not in known:
            drawn_from = partial(pools, g, np.flatnonzero(used))
            known[key] = side.chance(drawn_from, orders, (1 - confidence) / 2, rng)
        found.append(Interval(float(value), *known[key].limits(float(value))))
    return found


class _Chance(NamedTuple):
    """Quantiles of the ratio and the ratio to be expected, at each of LOG_ODDS; or quantiles under chance alone."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]

    def limits(self, value: float) -> tuple[float, float]:
        if len(self.mean) == 1:
            return value / float(self.high[0]), value / float(self.low[0])
        return tuple(self._expected(value, quantile) for quantile in (self.high, self.low))  # type: ignore[return-value]

    def _expected(self, value: float, quantile: NDArray) -> float:
        """The ratio to be expected where a quantile, which rises with ω, reaches the value."""
        rising = np.maximum.accumulate(quantile)
        # of several ω with the same quantile the one farthest from the estimate: interp takes the last
        if quantile is self.high:
            rising = np.minimum.accumulate(quantile[::-1])[::-1]
            keep = np.concatenate([[True], np.diff(rising) > 1e-12])
        else:
            keep = np.concatenate([np.diff(rising) > 1e-12, [True]])
        return float(np.interp(value, rising[keep], self.mean[keep]))


class _Sides:
    """A group and those it is compared with, in the brackets where both stand."""

    def __init__(self, n1: NDArray, total: NDArray, sums: NDArray) -> None:
        self.n1, self.n0, self.total = n1.astype(float), (total - n1).astype(float), total.astype(float)
        self.sums = sums[0]
        mean = sums[0] / total
        self.fair = float((self.n1 * self.n0 / self.total * mean).sum())
        squares = np.maximum(sums[1] - total * mean**2, 0)
        cubes = sums[2] - 3 * mean * sums[1] + 2 * total * mean**3
        product = self.n1 * self.n0 / self.total
        self.variance = product * squares / np.maximum(self.total - 1, 1)
        self.third = product * (self.n0 - self.n1) * cubes
        self.third = self.third / np.maximum((self.total - 1) * (self.total - 2), 1)

    def ratio(self, own: NDArray) -> NDArray[np.float64]:
        """The ratio for exposures (…, B) of the group by bracket."""
        above = (own * self.n0 / self.total).sum(axis=-1)
        return above / ((self.sums - own) * self.n1 / self.total).sum(axis=-1)

    def chance(
        self, pools: Callable[[], list[NDArray]], orders: int, tail: float, rng: np.random.Generator
    ) -> _Chance:
        """Quantiles `tail` and 1 − `tail` of the ratio, each not nearer to the middle than it is."""
        from scipy.special import ndtri

        variance, third = float(self.variance.sum()), float(self.third.sum())
        if variance <= 1e-18:  # whatever the order, the same exposure
            return _Chance(*np.full((3, 1), 1.0))
        skewness = third / variance**1.5
        smaller = min(self.n1.sum(), self.n0.sum())
        if smaller > MAX_DRAWN or abs(skewness) < MAX_SKEWNESS:
            z = np.array([ndtri(tail), -ndtri(tail)])
            shift = np.sqrt(variance) * (z + (z**2 - 1) * skewness / 6)
            part = float((self.variance * self.n0 / self.total).sum()) / variance
            low, high = (self.fair + part * shift) / np.maximum(self.fair - (1 - part) * shift, 1e-12)
            return _Chance(np.array([low]), np.array([high]), np.ones(1))
        people = pools()
        own = np.empty((len(LOG_ODDS), orders, len(people)))
        for b, pool in enumerate(people):
            n1, n0 = int(self.n1[b]), int(self.n0[b])
            signed = LOG_ODDS if n1 <= n0 else -LOG_ODDS
            drawn = _drawn_sums(np.sort(pool)[::-1], min(n1, n0), np.exp(signed), orders, rng)
            own[:, :, b] = drawn if n1 <= n0 else self.sums[b] - drawn
        mean = self.ratio(own.mean(axis=1))
        ratios = np.sort(self.ratio(own), axis=1)
        at = min(int(np.ceil((1 - tail) * (orders + 1))) - 1, orders - 1)
        # a hair outward: the observed order may be one of the drawn ones, added up in another order
        low, high = ratios[:, orders - 1 - at] * (1 - 1e-9), ratios[:, at] * (1 + 1e-9)
        # what is expected at ω = 1 is known to be 1, and nothing beyond the most extreme order can be
        mean = np.clip(mean / mean[len(LOG_ODDS) // 2], ratios.min(), ratios.max())
        return _Chance(low, high, np.maximum.accumulate(mean))


def _drawn_sums(
    pool: NDArray, k: int, odds: NDArray, orders: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Exposure of k people of a bracket whose places receive `pool`, best first, in random orders: (odds, orders)."""
    n = len(pool)
    if k * (k - 1) < 0.02 * n:  # nearly nobody would be drawn twice in one order
        places = rng.integers(n, size=(orders, k))
    elif n <= 400:
        keys = rng.random((orders, n), dtype=np.float32)
        places = np.argpartition(keys, k - 1, axis=1)[:, :k] if k < n else np.tile(np.arange(n), (orders, 1))
    else:
        places = np.array([rng.choice(n, k, replace=False, shuffle=False) for _ in range(orders)])
    # a place is a waiting time, −log(1 − place/n); with odds ω people wait 1/ω of it
    waited = np.log1p(-(places + rng.random(places.shape)) / n)
    result = np.empty((len(odds), orders))
    for i, ratio in enumerate(odds):
        moved = places if ratio == 1 else np.minimum((-np.expm1(waited / ratio) * n).astype(np.int64), n - 1)
        result[i] = pool[moved].sum(axis=1)
    return result
