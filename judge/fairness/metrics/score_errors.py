"""Scores and their errors by group, with an interval for each that holds what it says in a group of its size.

With a rating (what people say) and a score (what the judge says) of each person of a group:

mean_score          mean score
spread              standard deviation of the scores (n − 1)
top_tail_score      mean of the group's best 5 % of scores, at least one person: winners are extremes
mean_rating         mean rating
pearson             correlation of score and rating; 1 is best
mae, rmse           mean |score − rating|, √ mean (score − rating)²; 0 is best; both on one scale
signed_error        mean (score − rating): above 0 the judge flatters the group
calibration_slope   slope of rating regressed on score; 1 is calibrated, below 1 the scores are too far apart

The intervals are in closed form (`inference.intervals.scale` and `.pairs`), so the same people with the
same ratings have one interval wherever they are asked for. Each needs a number of people (INTERVALS); a row without one
says why in `flag`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError
from judge.fairness.inference.intervals.pairs import (
    FEWEST_FOR_CORRELATION,
    FEWEST_FOR_SLOPE,
    pearson_interval,
    slope_interval,
)
from judge.fairness.inference.intervals.scale import (
    FEWEST_FOR_SCALE,
    FEWEST_IN_TAIL,
    TOP,
    inner,
    mae_interval,
    rmse_interval,
    spread_interval,
    student_interval,
    top_tail,
    top_tail_interval,
)
from judge.fairness.inference.settings import Inference

SCORE_METRICS = ("mean_score", "spread", "top_tail_score")
ERROR_METRICS = ("mean_rating", "pearson", "mae", "rmse", "signed_error", "calibration_slope")
#: Metric → the interval's name in the audit, and the fewest people for it.
INTERVALS = {
    "mean_score": ("Student t", 2),
    "spread": ("Bonett", FEWEST_FOR_SCALE),
    "top_tail_score": ("t of the tail", round(FEWEST_IN_TAIL / TOP)),
    "mean_rating": ("Student t", 2),
    "pearson": ("Fisher z, robust", FEWEST_FOR_CORRELATION),
    "mae": ("log t", 3),
    "rmse": ("log t of squares", FEWEST_FOR_SCALE),
    "signed_error": ("Student t", 2),
    "calibration_slope": ("t, robust", FEWEST_FOR_SLOPE),
}
#: Fewest people for which each metric is defined.
FEWEST = {"spread": 2, "pearson": 3, "calibration_slope": 3}


class Measured(NamedTuple):
    """A metric of one group, its limits and, where there are none, why."""

    metric: str
    value: float
    low: float
    high: float

    def row(self, group: str, n: int) -> tuple[object, ...]:
        """As a row of `group_metrics`."""
        method, fewest = INTERVALS[self.metric]
        known = not np.isnan(self.low)
        return (
            self.metric, group, self.value, n, self.low, self.high,
            method if known else "", "" if known or n == 0 else self._reason(n, fewest),
        )  # fmt: skip

    def _reason(self, n: int, fewest: int) -> str:
        if n < FEWEST.get(self.metric, 1):
            return f"n = {n}: undefined below {FEWEST[self.metric]} people"
        if n < fewest:
            return f"n = {n}: no interval below {fewest} people"
        if np.isnan(self.value):
            return "undefined: scores or ratings are all alike"
        return f"no interval: the {n} people differ too little to say how sure this is"


def group_metrics(
    score: ArrayLike,
    *,
    sensitive_feature: ArrayLike,
    rating: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Level, spread, upper tail and errors of the scores of each group.

    Parameters
    ----------
    score : (n,) array-like of float
        Finite.
    sensitive_feature : (n,) array-like
        Groups, taken as text.
    rating : (n,) array-like of float, optional
        Finite, on the scale of the scores; the error metrics are there when it is given.
    confidence : float
        Level, from 0.5 to below 1.

    Returns
    -------
    DataFrame
        One row a metric and group: metric, group, value, n, ci_low, ci_high, interval (the method's name), flag (why
        there is none). The metrics are listed at the head of `judge.fairness.metrics.score_errors`.

    Raises
    ------
    InputError
        For scores or ratings that are missing or infinite.

    References
    ----------
    Student (1908), Biometrika 6:1, for means; the other intervals name theirs in `judge.fairness.inference`.

    Examples
    --------
    >>> table = group_metrics([1, 3, 5], sensitive_feature=["a", "a", "b"], rating=[2, 3, 3])
    >>> table[table["metric"] == "signed_error"][["group", "value", "n"]].values.tolist()
    [['a', -0.5, 2], ['b', 2.0, 1]]
    """
    group, names = pd.factorize(pd.Series(sensitive_feature).astype(str), sort=True)
    score = _finite(score, "score")
    rating = None if rating is None else _finite(rating, "rating")
    return group_metrics_of_codes(score, rating, group, list(names), how=Inference(confidence))


def group_metrics_of_codes(
    score: NDArray[np.float64],
    rating: NDArray[np.float64] | None,
    group: NDArray,
    names: list[str] | tuple[str, ...],
    *,
    how: Inference,
) -> pd.DataFrame:
    """`group_metrics` for integer group codes; a group without people keeps rows with n = 0 and NaN."""
    order = np.argsort(group.astype(np.uint16) if len(names) < 65_536 else group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=len(names)))
    rows = []
    for code, name in enumerate(names):
        members = order[(ends[code - 1] if code else 0) : ends[code]]
        s = score[members]
        r = None if rating is None else rating[members]
        rows += [found.row(name, len(s)) for found in _one_group(s, r, confidence=how.confidence)]
    columns = ["metric", "group", "value", "n", "ci_low", "ci_high", "interval", "flag"]
    return pd.DataFrame(rows, columns=columns)


def _one_group(s: NDArray, r: NDArray | None, *, confidence: float) -> Iterator[Measured]:
    n = len(s)
    if n == 0:
        for metric in SCORE_METRICS + (ERROR_METRICS if r is not None else ()):
            yield Measured(metric, np.nan, np.nan, np.nan)
        return
    # centred first: squares of large scores would cancel
    s_mid = float(s.mean())
    a = s - s_mid
    spread = float(a.std(ddof=1)) if n > 1 else np.nan
    tail = top_tail(s)
    yield Measured("mean_score", s_mid, *student_interval(s, confidence=confidence))
    yield Measured("spread", spread, *spread_interval(a, confidence=confidence))
    yield Measured("top_tail_score", tail, *top_tail_interval(s, tail, confidence=confidence))
    if r is None:
        return
    r_mid = float(r.mean())
    b, error = r - r_mid, s - r
    s_squares, r_squares, products = inner(a, a), inner(b, b), inner(a, b)
    # a score that is constant up to rounding has no slope and no correlation
    s_flat = n < FEWEST["pearson"] or s_squares <= n * 1e-14 * max(s_mid**2, 1e-30)
    r_flat = r_squares <= n * 1e-14 * max(r_mid**2, 1e-30)
    slope, pearson = (np.nan, np.nan, np.nan), (np.nan, np.nan, np.nan)
    if not s_flat:
        slope = products / s_squares, *slope_interval(b, a, confidence=confidence)
        if not r_flat:
            r_value = float(np.clip(products / np.sqrt(s_squares * r_squares), -1, 1))
            pearson = r_value, *pearson_interval(a, b, confidence=confidence)
    yield Measured("mean_rating", r_mid, *student_interval(r, confidence=confidence))
    yield Measured("pearson", *pearson)
    yield Measured("mae", float(np.abs(error).mean()), *mae_interval(error, confidence=confidence))
    rmse = float(np.sqrt(inner(error, error) / n))
    yield Measured("rmse", rmse, *rmse_interval(error, confidence=confidence))
    yield Measured("signed_error", float(error.mean()), *student_interval(error, confidence=confidence))
    yield Measured("calibration_slope", *slope)


def _finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, float)
    bad = int((~np.isfinite(array)).sum())
    if bad:
        raise InputError(f"{bad} of {len(array)} {name}s are missing or infinite; exclude them first")
    return array
