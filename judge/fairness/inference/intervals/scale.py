"""Intervals in closed form for the level, the spread and the upper tail of one group's scores.

Nothing here is resampled: the same people and ratings have the same interval, and ten million people cost a few passes.
Percentiles of a bootstrap hold too little in small groups, because a resample can be no wider than its sample (of four
people the true mean 87 %, of 15 the true standard deviation 84 % of the time where 95 % is asked).

Every constant below was set by `small_scores` of experiments/fairness_calibration.py: normal scores, skewed ones and
whole numbers from 1 to 5, from one person to 300.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: No limits.
NONE = (np.nan, np.nan)
#: Part of a group's people who are its top tail.
TOP = 0.05
#: Fewest people in the top tail for an interval: with fewer, the tail of the group is not in the data.
FEWEST_IN_TAIL = 10
#: Fewest people for the interval of a standard deviation or a root mean square: below, Bonett's factor n/(n − z)
#: multiplies the limits by two to sixty.
FEWEST_FOR_SCALE = 5
#: Half widths of the two are multiplied by 1 + WIDER/√n: fourth moments of skewed scores are mostly estimated too
#: small. Without it 92 % of the intervals hold a spread of skewness 1 at 30 people, with it 94 %; normal scores of
#: fewer than 20 people then have 97 to 99 %.
WIDER = 0.5


def inner(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Σ a b on one thread: for a vector BLAS wakes threads that wait longer than they add."""
    return float(np.einsum("i,i", a, b))


def student_interval(values: NDArray[np.float64], *, confidence: float = 0.95) -> tuple[float, float]:
    """Of a mean, Student (1908); exact for normal values. NaN below two values or where all are alike.

    Skewness costs: of eight values with skewness 0.95 it holds 93 %, of eight exponential ones (2) 90 %.
    """
    x = np.asarray(values, float)
    if len(x) < 2:
        return NONE
    return student_limits(len(x), float(x.mean()), float(x.std(ddof=1)), confidence=confidence)


def student_limits(n: int, mean: float, sd: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """`student_interval` of n values with this mean and standard deviation (n − 1)."""
    from scipy.special import stdtrit

    # alike up to rounding
    if n < 2 or sd / np.sqrt(n) <= 1e-14 * abs(mean):
        return NONE
    half = float(stdtrit(n - 1, (1 + confidence) / 2) * (sd / np.sqrt(n)))
    return mean - half, mean + half


def mae_interval(error: NDArray[np.float64], *, confidence: float = 0.95) -> tuple[float, float]:
    """Of the mean of |error|: Student's t on the log scale, because absolute values are skewed and stay above 0.

    error  (n,) finite. NaN below three values (the upper limit of two is no number to print) or where all are alike.
    """
    x = np.abs(np.asarray(error, float))
    if len(x) < 3:
        return NONE
    return mae_limits(len(x), float(x.mean()), float(x.std(ddof=1)), confidence=confidence)


def mae_limits(n: int, mean: float, spread: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """`mae_interval` of n absolute errors with this mean and standard deviation (n − 1)."""
    from scipy.special import stdtrit

    if n < 3 or mean == 0 or spread <= 1e-14 * mean:
        return NONE
    half = float(stdtrit(n - 1, (1 + confidence) / 2) * spread / np.sqrt(n) / mean)
    return mean * float(np.exp(-half)), mean * float(np.exp(half))


def spread_interval(values: NDArray[np.float64], *, confidence: float = 0.95) -> tuple[float, float]:
    """Of a standard deviation, without assuming normality (Bonett 2006, Comput. Stat. Data Anal. 50:775, eq. 4).

    values  (n,) finite. NaN below FEWEST_FOR_SCALE values or where all are alike. Half width times 1 + WIDER/√n.
    """
    x = np.asarray(values, float)
    n = len(x)
    if n < FEWEST_FOR_SCALE:
        return NONE
    cut = trimmed(n)
    middle = x.mean() if n <= 2 * cut else np.partition(x, (cut, n - cut - 1))[cut : n - cut].mean()
    fourth = float(((x - middle) ** 4).sum())
    return spread_limits(n, float(((x - x.mean()) ** 2).sum()), fourth, confidence=confidence)


def trimmed(n: int) -> int:
    """How many of n ≥ FEWEST_FOR_SCALE values the trimmed mean of `spread_interval` leaves out at each end.

    About their mean the kurtosis of a skewed sample is too small. Where nobody would be left (n ≤ twice as many), the
    mean stands in.
    """
    return int(n / (2 * np.sqrt(n - 4)))


def spread_limits(n: int, squares: float, fourth: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """`spread_interval` from sums: of squares about the mean, of fourth powers about the trimmed mean."""
    from scipy.special import ndtri

    if n < FEWEST_FOR_SCALE or squares <= 0:
        return NONE
    z = float(ndtri((1 + confidence) / 2))
    if n <= z + 1:
        return NONE
    variance = squares / (n - 1)
    kurtosis = n * fourth / squares**2
    c = n / (n - z)
    half = z * c * np.sqrt(max(kurtosis - (n - 3) / n, 0) / (n - 1)) * (1 + WIDER / np.sqrt(n))
    if half <= 0:
        return NONE
    return float(np.sqrt(c * variance * np.exp(-half))), float(np.sqrt(c * variance * np.exp(half)))


def rmse_interval(error: NDArray[np.float64], *, confidence: float = 0.95) -> tuple[float, float]:
    """Of a root mean square: log scale, delta method, Student's t and Bonett's small-sample factor n/(n − z).

    error  (n,) finite. NaN below FEWEST_FOR_SCALE values or where all squares are alike. Half width times
    1 + WIDER/√n.
    """
    square = np.asarray(error, float) ** 2
    if len(square) < FEWEST_FOR_SCALE:
        return NONE
    return rmse_limits(len(square), float(square.mean()), float(square.std(ddof=1)), confidence=confidence)


def rmse_limits(n: int, mean: float, sd: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """`rmse_interval` of n squared errors with this mean and standard deviation (n − 1)."""
    from scipy.special import ndtri, stdtrit

    z = float(ndtri((1 + confidence) / 2))
    if n < FEWEST_FOR_SCALE or n <= z + 1 or sd == 0:
        return NONE
    c = n / (n - z)
    half = stdtrit(n - 1, (1 + confidence) / 2) * c * sd / np.sqrt(n) / mean
    half *= 1 + WIDER / np.sqrt(n)
    return float(np.sqrt(c * mean * np.exp(-half))), float(np.sqrt(c * mean * np.exp(half)))


def top_tail(scores: NDArray[np.float64]) -> float:
    """Mean of the best TOP of the scores (at least one; the last one counts in part); NaN for nobody."""
    if len(scores) == 0:
        return np.nan
    wanted = max(TOP * len(scores), 1.0)
    whole = int(np.ceil(wanted))
    best = np.sort(-np.partition(-scores, whole - 1)[:whole])[::-1]
    weights = np.ones(whole)
    weights[-1] -= whole - wanted
    return float(best @ weights / wanted)


def top_tail_interval(
    values: NDArray[np.float64], value: float, *, part: float = TOP, confidence: float = 0.95
) -> tuple[float, float]:
    """Of the mean of the best `part`: `value` ± t · s.e. · m/(m − z), m people in the tail, t with m − 1 degrees.

    values  (n,) finite. The tail is the mean of q + (x − q)₊ / part at its cut q, whose own error has no first-order
    effect (Rockafellar & Uryasev 2000). NaN with fewer than FEWEST_IN_TAIL people in the tail.
    """
    x = np.asarray(values, float)
    n = len(x)
    in_tail = people_in_tail(n, part)
    if in_tail < FEWEST_IN_TAIL:
        return NONE
    cut = -np.partition(-x, in_tail - 1)[in_tail - 1]
    sd = float((np.maximum(x - cut, 0) / part).std(ddof=1))
    return top_tail_limits(n, value, sd, part=part, confidence=confidence)


def people_in_tail(n: int, part: float = TOP) -> int:
    """How many of n people are surely in the best `part`; the last of them is at the cut of `top_tail_interval`."""
    return int(part * n + 1e-9)


def top_tail_limits(
    n: int, value: float, sd: float, *, part: float = TOP, confidence: float = 0.95
) -> tuple[float, float]:
    """`top_tail_interval` from the standard deviation (n − 1) of (x − cut)₊ / part over all n people."""
    from scipy.special import ndtri, stdtrit

    in_tail = people_in_tail(n, part)
    if in_tail < FEWEST_IN_TAIL:
        return NONE
    error = sd / np.sqrt(n)
    z = float(ndtri((1 + confidence) / 2))
    half = float(stdtrit(in_tail - 1, (1 + confidence) / 2) * error) * in_tail / (in_tail - z)
    return (value - half, value + half) if half > 0 else NONE
