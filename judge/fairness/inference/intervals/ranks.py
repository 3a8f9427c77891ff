"""Intervals for the probability of outranking: DeLong's where both sides are large enough, Newcombe's score below.

DeLong's variance is estimated from the placements of each side and says little of a side of a few people: with the
normal quantile it holds the truth 35 % of the time for one person against 50, 77 % for two, 91 % for five. Newcombe's
takes the variance from the value itself (Hanley & McNeil's exponential model, right for equal shapes of the two sides),
widened where the placements vary more than that. The sizes were set by `small_outranking` of
experiments/fairness_calibration.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from judge.fairness.inference.intervals.scale import inner

#: Fewest people on the smaller side, over all brackets, for an interval at all: with two to four people whose scores
#: spread twice as far as the others', the score interval holds the truth 82 to 88 % of the time.
FEWEST_TO_OUTRANK = 5
#: From so many on, DeLong's: at 15 it holds a probability of .15 under skewed scores 94 %, at ten 92 %.
FEWEST_FOR_DELONG = 20


class Placements(NamedTuple):
    """One side's placements in one bracket: people, mean and variance (÷ n) of the share of the other side below."""

    n: int
    mean: float
    variance: float


class OutrankInterval(NamedTuple):
    """Limits, the method's name, and why there are none."""

    low: float
    high: float
    interval: str
    flag: str


def outrank_interval(
    value: float, sides: Sequence[tuple[Placements, Placements]], *, confidence: float = 0.95
) -> OutrankInterval:
    """Of `value`, the share of pairs within brackets that the group wins.

    sides  the group's and the others' placements, a bracket

    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837; Newcombe (2006), Stat. Med. 25:559, method 5;
    Hanley & McNeil (1982), Radiology 143:29.
    """
    from scipy.special import expit, logit, ndtri, stdtrit

    smaller = min(sum(group.n for group, _ in sides), sum(others.n for _, others in sides))
    if smaller < FEWEST_TO_OUTRANK:
        whose = "n" if smaller == sum(group.n for group, _ in sides) else "others compared with"
        reason = f"{whose} = {smaller}: no interval below {FEWEST_TO_OUTRANK} people"
        return OutrankInterval(np.nan, np.nan, "", reason)
    variance, degrees = delong_variance(value, sides)
    t = float(stdtrit(max(degrees, 1.0), (1 + confidence) / 2)) if variance > 0 else 0.0
    z = float(ndtri((1 + confidence) / 2))
    if smaller >= FEWEST_FOR_DELONG and variance > 1e-30 and 0 < value < 1:
        half = t * np.sqrt(variance) / (value * (1 - value))
        return OutrankInterval(
            float(expit(logit(value) - half)), float(expit(logit(value) + half)), "DeLong logit t", ""
        )
    pairs = sum(group.n * others.n for group, others in sides)
    # Newcombe's variance is p (1 − p) (1 + (N/2 − 1) (…)) / pairs in one bracket; brackets weigh in by their pairs
    flat = 1 / pairs
    steep = sum(group.n * others.n * ((group.n + others.n) / 2 - 1) for group, others in sides) / pairs**2

    def modelled(p: float) -> float:
        return p * (1 - p) * (flat + steep * ((1 - p) / (2 - p) + p / (1 + p)))

    model = modelled(value)
    widened = max(1.0, (t / z) ** 2 * variance / model) if model > 0 else 1.0
    low, high = (_farthest(value, end, lambda p: z**2 * widened * modelled(p)) for end in (0.0, 1.0))
    return OutrankInterval(low, high, "Newcombe score", "")


def delong_variance(value: float, sides: Sequence[tuple[Placements, Placements]]) -> tuple[float, float]:
    """DeLong's variance of the share of pairs won, and its degrees of freedom by Welch & Satterthwaite.

    A single placement of a bracket is measured from the overall value.
    """
    pairs = sum(group.n * others.n for group, others in sides)
    parts, degrees = [], []
    for both in sides:
        weight = (both[0].n * both[1].n / pairs) ** 2
        for side in both:
            spread = side.variance * side.n / (side.n - 1) if side.n > 1 else (side.mean - value) ** 2
            parts.append(weight * spread / side.n)
            degrees.append(max(side.n - 1, 1))
    shares = np.array(parts)
    total = float(shares.sum())
    return total, float(total**2 / (shares**2 / np.array(degrees)).sum()) if total > 0 else np.nan


def placements_of(values: NDArray[np.float64], counts: NDArray[np.int64]) -> Placements:
    """From distinct placements and how many people have each."""
    times = counts.astype(float)
    n = int(counts.sum())
    mean = inner(times, values) / n
    return Placements(n, mean, inner(times, (values - mean) ** 2) / n)


def _farthest(value: float, end: float, allowed: Callable[[float], float]) -> float:
    """The point farthest from value towards end whose squared distance is allowed, by bisection."""
    near, far = value, end
    if (value - end) ** 2 <= allowed(end):
        return end
    for _ in range(50):
        middle = (near + far) / 2
        near, far = (middle, far) if (value - middle) ** 2 <= allowed(middle) else (near, middle)
    return near
