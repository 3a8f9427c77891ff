"""Intervals that agree with the exact test: a group's effect common to all brackets, winners a bracket fixed.

Given the entrants and the number of winners of each bracket, an odds ratio ψ common to all brackets makes the group's
winners in a bracket noncentral hypergeometric (Fisher's). Their sum S over brackets is what `stratified_exact` tests at
ψ = 1. The interval holds every ψ at which S would not be rejected by the same rule (all outcomes at most as likely
as the observed one), so that it leaves out "no effect" just where the test's p falls below 1 − confidence.

What is reported is not ψ but what it means for these brackets: the winners that it lets expect of the group, and from
them shares, the Mantel–Haenszel ratio and difference. All rise with ψ, and so their limits are its limits, read off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.fairness.inference.roots import rising_roots

#: Log probabilities further below the mode than this are left out; a limit 5 standard errors away is exact to 1e-9.
CUT = 90.0
#: Standard deviation of the group's winners above which the limits are those of the normal approximation.
MAX_SPREAD = 250.0
#: log ψ is searched within so much of the estimate.
REACH = 40.0
#: Outcomes whose probability ties with the observed one up to this factor count as equally extreme.
TIE = 1e-7
#: Points between the one-sided limits at a twentieth of α and at α, among which the outermost accepted ψ is sought.
SCAN = 24
STEPS = 26


class Effects(NamedTuple):
    """What the limits of ψ mean for each pair of groups, arrays (P,); NaN limits where the margins leave no chance.

    winners, expected      the group's winners over the brackets, and those that chance selection within them gives
    ratio, difference      Mantel–Haenszel's, of selection rates
    *_low, *_high          limits of the winners to be expected of the group, of the ratio, of the difference
    """

    winners: NDArray[np.float64]
    expected: NDArray[np.float64]
    ratio: NDArray[np.float64]
    difference: NDArray[np.float64]
    winners_low: NDArray[np.float64]
    winners_high: NDArray[np.float64]
    ratio_low: NDArray[np.float64]
    ratio_high: NDArray[np.float64]
    difference_low: NDArray[np.float64]
    difference_high: NDArray[np.float64]


def conditional_effects(
    count: ArrayLike, n: ArrayLike, count_0: ArrayLike, n_0: ArrayLike, *, confidence: float = 0.95
) -> Effects:
    """Adjusted ratio and difference of each group against its reference, with exact intervals that match the test.

    Parameters
    ----------
    count, n, count_0, n_0 : (P, B) array-like of int
        Winners and entrants of P groups and of their references in B brackets, broadcast against each other; groups
        of the same counts are computed once.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Effects
        Point estimates: ratio Σ x₁n₀/N ÷ Σ x₀n₁/N, in [0, ∞], and difference (S − expected) ÷ Σ n₁n₀/N, sums over
        brackets; both at parity exactly where S = expected. In one bracket they are the plain ratio and difference of
        rates. A limit is the most extreme value that the fixed numbers of winners allow where every more extreme
        ψ is accepted too: 0 and ∞ for the ratio, unless a bracket has more places than one side has people.

    Notes
    -----
    Above a standard deviation of 250 winners the limits come from the normal approximation.

    References
    ----------
    Mantel & Haenszel (1959), J. Natl. Cancer Inst. 22:719; Rothman, Greenland & Lash (2008), Modern Epidemiology,
    chapter 15, for the ratio of risks; Gart (1970), Biometrika 57:471, for the distribution of S; Fay (2010),
    Biostatistics 11:373, for intervals that match a two-sided test.

    Examples
    --------
    30 of 60 against 14 of 20 in a small bracket, 0 of 20 against 40 of 900 in a large one: pooled, the group's rate
    is 6.39 times the other's; within brackets it is lower.

    >>> effect = conditional_effects([[30, 0]], [[60, 20]], [[14, 40]], [[20, 900]])
    >>> round(float(effect.ratio[0]), 2), bool(effect.ratio_low[0] < 1 < effect.ratio_high[0])
    (0.66, True)
    """
    arrays = np.broadcast_arrays(*[np.asarray(a, np.int64) for a in (count, n, count_0, n_0)])
    table = np.concatenate(arrays, axis=1)
    _, first, back = np.unique(table, axis=0, return_index=True, return_inverse=True)
    x1, n1, x0, n0 = (array[first] for array in arrays)
    total = np.maximum(n1 + n0, 1)
    weight, share_1, share_0 = n1 * n0 / total, n1 / total, n0 / total
    above, below = (x1 * share_0).sum(axis=1), (x0 * share_1).sum(axis=1)
    winners, expected = x1.sum(axis=1).astype(float), ((x1 + x0) * share_1).sum(axis=1)
    mean = _means_at_limits(x1, n1, x0, n0, 1 - confidence)  # (2, P, B)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio, difference = above / below, (winners - expected) / weight.sum(axis=1)
        likely = mean.sum(axis=2)
        ratios = (mean * share_0).sum(axis=2) / ((x1 + x0 - mean) * share_1).sum(axis=2)
        differences = (likely - expected) / weight.sum(axis=1)
    found = (winners, expected, ratio, difference, *likely, *ratios, *differences)
    return Effects(*(np.asarray(values)[back.ravel()] for values in found))


def _means_at_limits(x1: NDArray, n1: NDArray, x0: NDArray, n0: NDArray, alpha: float) -> NDArray[np.float64]:
    """(2, P, B) winners to be expected of the group in each bracket at the lower and the upper limit of ψ."""
    won = x1 + x0
    least, most = np.maximum(0, won - n0), np.minimum(n1, won)
    s, s_least, s_most = x1.sum(axis=1), least.sum(axis=1), most.sum(axis=1)
    open_ = s_most > s_least
    inside = np.clip(s, s_least + 0.5, s_most - 0.5)
    centre = _rising_root(lambda v: _moments(v, n1, n0, won)[0].sum(axis=1) - inside, len(s))
    spread = np.sqrt(_moments(centre, n1, n0, won)[1].sum(axis=1))
    result = np.full((2, *x1.shape), np.nan)
    for end, target in enumerate((least, most)):
        at_edge = open_ & (s == (s_least, s_most)[end])
        result[end, at_edge] = target[at_edge]
    wide = np.flatnonzero(open_ & (spread > MAX_SPREAD))
    for end, log_odds in enumerate(_normal_limits(s[wide], n1[wide], n0[wide], won[wide], alpha)):
        inner = wide[np.isnan(result[end, wide, 0])]
        result[end, inner] = _moments(log_odds, n1[wide], n0[wide], won[wide])[0][np.isin(wide, inner)]
    parts, sums = {}, []
    known: dict[tuple[float, ...], tuple[int, NDArray]] = {}
    for i in np.flatnonzero(open_ & (spread <= MAX_SPREAD)):
        own = []
        # any tilt within a fraction of its standard error, 1 / spread, will do: so few differ, and few are computed
        tilt = round(float(centre[i]), 1 if spread[i] < 3 else 2 if spread[i] < 30 else 3)
        for a, b, w, floor, top in zip(
            n1[i].tolist(), n0[i].tolist(), won[i].tolist(), least[i].tolist(), most[i].tolist(), strict=True
        ):
            if floor == top:
                own.append((floor, np.zeros(1)))
                continue
            key = (a, b, w, tilt)
            if key not in known:
                known[key] = _log_pmf(a, b, w, tilt)
            own.append(known[key])
        parts[i] = own
        sums.append((i, *_summed(own)))
    sums.sort(key=lambda entry: len(entry[2]))
    start = 0
    while start < len(sums):  # distributions of like length together: little is padded, and no block is large
        block = sums[start : start + max(1, min(512, 200_000 // len(sums[start][2])))]
        start += len(block)
        observed = [int(s[i]) - low for i, low, _ in block]
        for end, tilts in enumerate(_matched_limits([logs for _, _, logs in block], observed, alpha)):
            for (i, _, _), tilt in zip(block, tilts, strict=True):
                if np.isnan(result[end, i, 0]):
                    result[end, i] = [_tilted_mean(low, logs, tilt) for low, logs in parts[i]]
    return result


def _moments(
    log_odds: NDArray, n1: NDArray, n0: NDArray, won: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Approximate means and variances (P, B): the mode's equation and the harmonic variance of the four cells."""
    odds = np.exp(np.asarray(log_odds))[:, None]
    # x (n0 − w + x) = ψ (n1 − x)(w − x), the root inside the range, in the form that does not cancel: b < 0 needs ψ < 1
    b = (n1 + won) * odds + n0 - won
    root = np.sqrt(np.maximum(b**2 - 4 * odds * (odds - 1) * n1 * won, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(b < 0, (b - root) / (2 * (odds - 1)), 2 * odds * n1 * won / (b + root))
        mean = np.nan_to_num(mean)
        mean = np.clip(mean, np.maximum(0, won - n0), np.minimum(n1, won))
        cells = np.array([mean, n1 - mean, won - mean, n0 - won + mean])
        total = n1 + n0
        return mean, total / np.maximum(total - 1, 1) / (1 / np.maximum(cells, 1e-300)).sum(axis=0)


def _rising_root(rising: Callable[[NDArray], NDArray], size: int) -> NDArray[np.float64]:
    return rising_roots(rising, np.full(size, -REACH), np.full(size, REACH), tolerance=1e-11)


def _normal_limits(
    s: NDArray, n1: NDArray, n0: NDArray, won: NDArray, alpha: float
) -> list[NDArray[np.float64]]:
    from scipy.special import ndtri

    z = float(ndtri(1 - alpha / 2))

    def distance(log_odds: NDArray) -> NDArray:
        means, variances = _moments(log_odds, n1, n0, won)
        return (means.sum(axis=1) - s) / np.sqrt(np.maximum(variances.sum(axis=1), 1e-12))

    return [_rising_root(lambda v, at=at: distance(v) - at, len(s)) for at in (-z, z)]  # type: ignore[misc]


def _log_pmf(n1: int, n0: int, won: int, log_odds: float) -> tuple[int, NDArray[np.float64]]:
    """(smallest count, log probabilities up to a constant), built outward from the mode by neighbouring terms."""
    least, most = max(0, won - n0), min(n1, won)
    odds = np.exp(log_odds)
    b = (n1 + won + 2) * odds + n0 - won
    root = np.sqrt(max(b**2 - 4 * odds * (odds - 1) * (n1 + 1) * (won + 1), 0.0))
    mode = min(max(int(2 * odds * (n1 + 1) * (won + 1) / (b + root)), least), most)
    cells = (mode + 1, n1 - mode + 1, won - mode + 1, n0 - won + mode + 1)
    spread = np.sqrt(max(1 / sum(1 / cell for cell in cells), 1.0))
    reach = int(CUT + np.sqrt(2.5 * CUT) * spread)
    low, high = max(least, mode - reach), min(most, mode + reach)
    up = np.arange(mode, high, dtype=float)
    rising = np.log((n1 - up) * (won - up) / ((up + 1) * (n0 - won + up + 1))) + log_odds
    down = np.arange(mode, low, -1, dtype=float)
    falling = np.log(down * (n0 - won + down) / ((n1 - down + 1) * (won - down + 1))) - log_odds
    logs = np.concatenate([np.cumsum(falling)[::-1], [0.0], np.cumsum(rising)])
    kept = np.flatnonzero(logs >= -CUT)
    return low + int(kept[0]), logs[kept[0] : kept[-1] + 1]


def _summed(parts: Sequence[tuple[int, NDArray]]) -> tuple[int, NDArray[np.float64]]:
    """(smallest sum, log probabilities) of independent counts."""
    low, pmf = 0, np.ones(1)
    for start, logs in sorted(parts, key=lambda part: len(part[1])):
        low += start
        if len(logs) == 1:
            continue
        pmf = np.convolve(pmf, np.exp(logs))
        kept = np.flatnonzero(pmf >= pmf.max() * np.exp(-CUT))
        low += int(kept[0])
        pmf = pmf[kept[0] : kept[-1] + 1]
    return low, np.log(pmf / pmf.sum())


def _tilted_mean(low: int, logs: NDArray, tilt: float) -> float:
    if len(logs) == 1:
        return float(low)
    steps = np.arange(len(logs))
    tilted = logs + tilt * steps
    weight = np.exp(tilted - tilted.max())
    return low + float(weight @ steps / weight.sum())


def _matched_limits(
    logs: Sequence[NDArray], observed: Sequence[int], alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest tilt of each distribution at which its observed count is accepted."""
    width = max(map(len, logs))
    table = np.full((len(logs), width), -np.inf)
    for row, values in zip(table, logs, strict=True):
        row[: len(values)] = values
    at = np.asarray(observed)
    step = (
        np.arange(width)[None, :] - at[:, None]
    )  # tilting by this leaves the observed outcome's log as it is
    here = table[np.arange(len(at)), at][:, None]
    upper = step >= 0

    def tails(tilt: NDArray, above: bool) -> tuple[NDArray, NDArray]:
        """One-sided tail, and the two-sided p by the rule of the least likely outcomes."""
        tilted = table + tilt[:, None] * step
        top = tilted.max(axis=1, keepdims=True)
        weight = np.exp(tilted - top)
        total = weight.sum(axis=1)
        one = (weight * (upper if above else step <= 0)).sum(axis=1) / total
        return one, (weight * (tilted <= here + TIE)).sum(axis=1) / total

    found = []
    for above, sign in ((True, -1.0), (False, 1.0)):
        ends = []
        for level in (alpha / 20, alpha):
            far, near = np.full(len(at), REACH), np.zeros(len(at))
            for _ in range(STEPS):
                middle = (far + near) / 2
                inside = tails(sign * middle, above)[0] > level
                near, far = np.where(inside, middle, near), np.where(inside, far, middle)
            ends.append(far)
        # the two-sided p need not fall steadily: from outside inwards, the first ψ that is accepted
        outside, accepted, open_ = ends[0], ends[1], np.ones(len(at), bool)
        for k in range(SCAN):
            middle = ends[0] + (ends[1] - ends[0]) * k / SCAN
            taken = tails(sign * middle, above)[1] > alpha
            first = open_ & taken
            accepted = np.where(first, middle, accepted)
            open_ &= ~taken
            outside = np.where(open_, middle, outside)
        outside = np.maximum(outside, accepted)
        for _ in range(STEPS):
            middle = (outside + accepted) / 2
            inside = tails(sign * middle, above)[1] > alpha
            accepted, outside = np.where(inside, middle, accepted), np.where(inside, outside, middle)
        found.append(sign * accepted)
    return found[0], found[1]
