"""Scores and their errors by group, with intervals from resampling people within each group.

The intervals of spread, rmse and top_tail_score are in closed form, see `inference.scale_intervals`. With a rating
(what people say) and a score (what the judge says) of each person of a group:

mean_score          mean score
spread              standard deviation of the scores (n − 1)
top_tail_score      mean of the group's best 5 % of scores, at least one person: winners are extremes
mean_rating         mean rating
pearson             correlation of score and rating; 1 is best
mae, rmse           mean |score − rating|, √ mean (score − rating)²; 0 is best; both on one scale
signed_error        mean (score − rating): above 0 the judge flatters the group
calibration_slope   slope of rating regressed on score; 1 is calibrated, below 1 the scores are too far apart
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError
from judge.fairness.inference.bootstrap import TOP, percentile_levels, resampled_means, top_tail
from judge.fairness.inference.scale_intervals import rmse_interval, spread_interval, top_tail_interval
from judge.fairness.inference.settings import Inference

SCORE_METRICS = ("mean_score", "spread", "top_tail_score")
ERROR_METRICS = ("mean_rating", "pearson", "mae", "rmse", "signed_error", "calibration_slope")
#: Fewest people for which each metric is defined.
FEWEST = {"spread": 2, "pearson": 3, "calibration_slope": 3}


def group_metrics(
    score: ArrayLike,
    *,
    sensitive_feature: ArrayLike,
    rating: ArrayLike | None = None,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    rng: np.random.Generator | int = 0,
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
    n_resamples : int
        Samples of each group's people (the size of a group is kept); a group of one has no interval.
    rng : numpy.random.Generator or int
        Each group has a stream of its own, so its interval does not depend on which other groups there are.

    Returns
    -------
    DataFrame
        One row a metric and group: metric, group, value, n, ci_low, ci_high. The metrics are listed at the head of
        `judge.fairness.metrics.score_errors`.

    Raises
    ------
    InputError
        For scores or ratings that are missing or infinite.

    References
    ----------
    Hesterberg (2015), Am. Stat. 69:371, section 5.2: percentiles expanded for small groups.

    Examples
    --------
    >>> table = group_metrics([1, 3, 5], sensitive_feature=["a", "a", "b"], rating=[2, 3, 3], n_resamples=20)
    >>> table[table["metric"] == "signed_error"][["group", "value", "n"]].values.tolist()
    [['a', -0.5, 2], ['b', 2.0, 1]]
    """
    group, names = pd.factorize(pd.Series(sensitive_feature).astype(str), sort=True)
    score = _finite(score, "score")
    rating = None if rating is None else _finite(rating, "rating")
    how = Inference(confidence, n_resamples=n_resamples, rng=rng)
    return group_metrics_of_codes(score, rating, group, list(names), how=how)


def group_metrics_of_codes(
    score: NDArray[np.float64],
    rating: NDArray[np.float64] | None,
    group: NDArray,
    names: list[str] | tuple[str, ...],
    *,
    how: Inference,
) -> pd.DataFrame:
    """`group_metrics` for integer group codes; a group without people keeps rows with n = 0 and NaN."""
    seed = how.seed()
    wanted = SCORE_METRICS + (ERROR_METRICS if rating is not None else ())
    order = np.argsort(group.astype(np.uint16) if len(names) < 65_536 else group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=len(names)))
    rows = []
    for code, name in enumerate(names):
        # each group has a stream of its own: its interval does not depend on which other groups there are
        rng = np.random.default_rng([seed, code])
        members = order[(ends[code - 1] if code else 0) : ends[code]]
        s = score[members]
        r = None if rating is None else rating[members]
        values, low, high = _one_group(s, r, how=how, rng=rng)
        rows += [(metric, name, values[metric], len(s), low[metric], high[metric]) for metric in wanted]
    return pd.DataFrame(rows, columns=["metric", "group", "value", "n", "ci_low", "ci_high"])


def _one_group(
    s: NDArray, r: NDArray | None, *, how: Inference, rng: np.random.Generator
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    n, confidence = len(s), how.confidence
    metrics = SCORE_METRICS + (ERROR_METRICS if r is not None else ())
    nothing = dict.fromkeys(metrics, np.nan)
    if n == 0:
        return nothing, nothing, nothing
    # centred first: squares of large scores would cancel
    s_mid, r_mid = float(s.mean()), 0.0 if r is None else float(r.mean())
    columns = [s - s_mid, (s - s_mid) ** 2]
    if r is not None:
        error = s - r
        columns += [r - r_mid, (r - r_mid) ** 2, (s - s_mid) * (r - r_mid), np.abs(error), error**2]
    people = np.column_stack(columns)
    point = _metrics_of(people.mean(axis=0)[None, :], np.array([top_tail(s)]), s_mid, r_mid, n)
    values = {name: float(value[0]) if n >= FEWEST.get(name, 1) else np.nan for name, value in point.items()}
    if n < 2:
        return values, nothing, nothing
    means, tails = resampled_means(people, s, n_resamples=how.n_resamples, rng=rng)
    samples = _metrics_of(means, tails, s_mid, r_mid, n)
    levels = percentile_levels(n, confidence)
    low, high = dict(nothing), dict(nothing)
    for name, sample in samples.items():
        defined = sample[~np.isnan(sample)]
        # a metric that most samples cannot compute (a constant score) has no interval
        if n > FEWEST.get(name, 1) and len(defined) > how.n_resamples / 2 and not np.isnan(values[name]):
            limits = [float(q) for q in np.quantile(defined, levels)]
            # no width: all people are alike, which says nothing about how sure one may be
            if limits[0] < limits[1]:
                low[name], high[name] = limits
    low["spread"], high["spread"] = spread_interval(s - s_mid, confidence=confidence)
    tail = top_tail_interval(s, values["top_tail_score"], part=TOP, confidence=confidence)
    low["top_tail_score"], high["top_tail_score"] = tail
    if r is not None:
        low["rmse"], high["rmse"] = rmse_interval(error, confidence=confidence)
    return values, low, high


def _metrics_of(means: NDArray, tails: NDArray, s_mid: float, r_mid: float, n: int) -> dict[str, NDArray]:
    """Metrics from rows of means, in the order in which `_one_group` makes them."""
    s = means[:, 0]
    s_var = np.maximum(means[:, 1] - s**2, 0)
    unbiased = n / (n - 1) if n > 1 else np.nan
    found = {"mean_score": s + s_mid, "spread": np.sqrt(s_var * unbiased), "top_tail_score": tails}
    if means.shape[1] == 2:
        return found
    r = means[:, 2]
    r_var = np.maximum(means[:, 3] - r**2, 0)
    covariance = means[:, 4] - s * r
    # a score that is constant up to rounding has no slope and no correlation
    tiny = 1e-14
    s_flat, r_flat = s_var <= tiny * max(s_mid**2, 1e-30), r_var <= tiny * max(r_mid**2, 1e-30)
    with np.errstate(divide="ignore", invalid="ignore"):
        pearson = np.where(s_flat | r_flat, np.nan, covariance / np.sqrt(s_var * r_var))
        slope = np.where(s_flat, np.nan, covariance / s_var)
    found |= {
        "mean_rating": r + r_mid,
        "pearson": np.clip(pearson, -1, 1),
        "mae": means[:, 5],
        "rmse": np.sqrt(np.maximum(means[:, 6], 0)),
        "signed_error": s + s_mid - r - r_mid,
        "calibration_slope": slope,
    }
    return found


def _finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, float)
    bad = int((~np.isfinite(array)).sum())
    if bad:
        raise InputError(f"{bad} of {len(array)} {name}s are missing or infinite; exclude them first")
    return array
