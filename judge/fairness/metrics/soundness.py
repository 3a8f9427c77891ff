"""Whether a judge's scores can be taken for ratings at all: do they stay on the scale, do they agree with the raters?

A contest takes the most extreme scores, so a judge that is broken for a few pictures gives these the places, and one
that cannot tell people apart draws its winners at random, which looks fair. Neither shows in who won. So each judge is
held against its own rating scale and against rated people it has not learnt from, before anything is concluded from its
winners.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judge.errors import InputError

#: Share of the rating scale's width by which a score may leave the scale. A mean rating cannot leave it; a regression
#: that means well may, by some tenths of a point where it meets people better liked than all it has learnt from. No
#: training with a shrunk scale in experiments/feature_scaling.py came near a tenth of the width (.9 points of a scale
#: from 1 to 10).
RANGE_MARGIN = 0.10
#: Correlation with the ratings of people that the judge has not learnt from, below which it hardly agrees with them.
#: Of the advantage in rating that a faultless judge's winners have, the winners of a judge with correlation r have the
#: share r (both normal): below .3 more than seven tenths of what decides is not what raters saw.
AGREEMENT = 0.30
#: Rated people below which nothing is said of the agreement: the interval is then wider than the scale it is on.
FEWEST_RATED = 10


def soundness(
    score: ArrayLike,
    rating: ArrayLike,
    *,
    rating_range: tuple[float, float] | None,
    confidence: float = 0.95,
) -> dict[str, float]:
    """Where a judge's scores lie on its rating scale, and how well they agree with ratings it has not learnt from.

    Parameters
    ----------
    score : (n,) array
        Of everybody it judged, in rating points; NaN where it gave none.
    rating : (n,) array
        Mean rating of the same people on the same scale, NaN where unknown. Nobody it learnt from.
    rating_range : (low, high) or None
        The scale's ends; None: unknown, and no score is off it.
    confidence : float
        Of the interval of the agreement, in (0, 1).

    Returns
    -------
    dict
        n (scores), score_low, score_high (the most extreme), scale_low, scale_high (NaN where unknown), off_scale
        (number of scores farther than RANGE_MARGIN of the scale's width beyond it), n_rated, agreement (Pearson
        correlation of score and rating; NaN below FEWEST_RATED people or where one of the two is constant), ci_low,
        ci_high (Fisher's z).

    Raises
    ------
    judge.errors.InputError
        For arrays of different lengths, or a scale whose ends are not in order.

    References
    ----------
    Fisher (1921), Metron 1:3, for the interval; scipy.stats.pearsonr.

    Examples
    --------
    One of four scores lies below 1 − .9; three rated people are too few for an agreement:

    >>> found = soundness([-5, 4, 5, 10.5], [2, 4, 6, float("nan")], rating_range=(1, 10))
    >>> found["off_scale"], found["score_low"], found["n_rated"], found["agreement"]
    (1, -5.0, 3, nan)
    """
    x, y = np.asarray(score, float), np.asarray(rating, float)
    if x.ndim != 1 or x.shape != y.shape:
        raise InputError(f"one rating a score is needed; given {y.shape} for {x.shape}")
    low, high = rating_range or (np.nan, np.nan)
    if rating_range is not None and not low < high:
        raise InputError(f"rating_range={rating_range}: the lowest rating comes first")
    scored = np.isfinite(x)
    y, x = y[scored], x[scored]
    margin = RANGE_MARGIN * (high - low)
    found: dict[str, float] = {
        "n": len(x),
        "score_low": float(x.min(initial=np.inf)) if len(x) else np.nan,
        "score_high": float(x.max(initial=-np.inf)) if len(x) else np.nan,
        "scale_low": float(low),
        "scale_high": float(high),
        "off_scale": int(((x < low - margin) | (x > high + margin)).sum()),
        "n_rated": int(np.isfinite(y).sum()),
    }
    return found | _agreement(x[np.isfinite(y)], y[np.isfinite(y)], confidence)


def _agreement(x: np.ndarray, y: np.ndarray, confidence: float) -> dict[str, float]:
    if len(x) < FEWEST_RATED or np.ptp(x) == 0 or np.ptp(y) == 0:
        return dict.fromkeys(("agreement", "ci_low", "ci_high"), np.nan)
    from scipy.stats import pearsonr  # half a second that an audit without judges does not spend

    fit = pearsonr(x, y)
    low, high = fit.confidence_interval(confidence)
    return {"agreement": float(fit.statistic), "ci_low": float(low), "ci_high": float(high)}


def leaves_the_scale(row: Mapping[str, Any]) -> bool:
    """Whether some score of a judge (a row of `soundness`) is farther off the scale than RANGE_MARGIN allows."""
    return row["off_scale"] > 0


def hardly_agrees(row: Mapping[str, Any]) -> bool:
    """Whether a judge's agreement (a row of `soundness`) is known and below AGREEMENT."""
    return bool(row["agreement"] < AGREEMENT)
