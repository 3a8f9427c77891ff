"""Means over the runs of a sweep: one number a combination of what varied, with its interval over seeds.

A share's interval stays within 0 to 1 and a ratio's above 0. Simulated (experiments/calibration_checks/seeds_people.py)
with contests of 44 winners, shares about .02, .1 and .5 and three sizes of scatter, Student's t on the logit covers
94–98 % with 5 and 10 seeds (up to 99 % of a rare group) and 95–100 % with 3. Cut off at 0 and 1 instead, t covers
85–86 % of a rare group whose runs scatter, on the arcsine 90 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError, listed
from judge.fairness.inference.settings import Interval

#: Fewest seeds for an interval over them: from two, Student's quantile is 12.7 and the limits say nothing.
FEWEST_SEEDS = 3
SHARE = (0.0, 1.0)
RATIO = (0.0, np.inf)


def mean_interval(
    values: ArrayLike,
    *,
    bounds: tuple[float, float] | None = None,
    step: float = 0.0,
    confidence: float = 0.95,
) -> Interval:
    """Mean over seeds with an interval that does not leave the range of what is averaged.

    Student's t with the standard error that the delta method gives on the scale on which the range has no ends: the
    logit of a share, the logarithm of a ratio, the outcome itself where it has no range.

    Parameters
    ----------
    values : (seeds,) array-like of float
        One number a seed; finite, within `bounds`.
    bounds : (low, high), optional
        The range: (0, 1) of a share, (0, inf) of a ratio, (−1, 1) of a difference of shares. None: unbounded.
    step : float
        The smallest change that a run can show (of a share of 44 winners 1/44). Where all seeds stand at an end of the
        range, the interval reaches as far as if one of them were a step away from it; 0: unknown, and no interval.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    Interval
        Mean and limits. NaN limits with fewer than three seeds, and where all seeds agree (but for such an end).

    Raises
    ------
    judge.errors.InputError
        If a value lies outside the bounds.

    References
    ----------
    Delta method on a transformed scale: Agresti (2013), Categorical Data Analysis, section 3.1.

    Examples
    --------
    Mean .2, standard error .1/√3; on the logit the half-width is 4.303 · .0577 / (.2 · .8) = 1.553:

    >>> [round(number, 3) for number in mean_interval([0.1, 0.2, 0.3], bounds=(0, 1))]
    [0.2, 0.05, 0.541]

    Five contests of 20 winners, none of the group; one winner in one of them would have moved the mean by .01:

    >>> [round(number, 3) for number in mean_interval([0] * 5, bounds=(0, 1), step=1 / 20)]
    [0.0, 0.0, 0.143]
    """
    x = np.asarray(values, float)
    if x.size == 0:
        return Interval(np.nan, np.nan, np.nan)
    low, high = bounds or (-np.inf, np.inf)
    if x.min() < low - 1e-9 or x.max() > high + 1e-9:
        raise InputError(f"values from {x.min():g} to {x.max():g} do not lie within {low:g} to {high:g}")
    mean, error = float(x.mean()), error_over_seeds(x, bounds, step)
    if not error > 0:
        return Interval(mean, np.nan, np.nan)
    limits = bounded_limits(mean, error, x.size - 1, bounds=bounds, step=step / x.size, confidence=confidence)
    return Interval(mean, *limits)


def error_over_seeds(
    values: NDArray[np.float64], bounds: tuple[float, float] | None = None, step: float = 0.0
) -> float:
    """Standard error of a mean over seeds; NaN below three seeds, 0 where all agree.

    Where all stand at one end of the range, that of seeds of which one is a step away from it: step / seeds.
    """
    n = len(values)
    if n < FEWEST_SEEDS:
        return float("nan")
    if np.ptp(values) > 1e-12 * max(1.0, float(np.abs(values).max())):
        return float(values.std(ddof=1)) / n**0.5
    at_end = bounds is not None and min(abs(values[0] - bounds[0]), abs(bounds[1] - values[0])) < 1e-12
    return step / n if at_end else 0.0


def bounded_limits(
    mean: float,
    error: float,
    df: float,
    *,
    bounds: tuple[float, float] | None = None,
    step: float = 0.0,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Limits of Student's t that stay within the bounds, by the delta method; see `mean_interval`.

    A mean at an end of its range has that end as its limit, and as the other the one that a mean `step` away from the
    end would have; NaN where the step is not known.
    """
    from scipy import stats  # half a second, which a page without intervals need not pay

    low, high = map(float, bounds or (-np.inf, np.inf))
    half = float(stats.t.ppf((1 + confidence) / 2, df)) * error
    at_low, at_high = mean - low < 1e-12, high - mean < 1e-12
    if (at_low or at_high) and step == 0:
        return float("nan"), float("nan")
    centre = low + step if at_low else high - step if at_high else mean
    if np.isinf(low) and np.isinf(high):
        return centre - half, centre + half
    with np.errstate(over="ignore"):
        if np.isinf(high):
            turn = np.exp(half / (centre - low))
            limits = low + (centre - low) / turn, low + (centre - low) * turn
        else:
            part = (centre - low) / (high - low)
            logit, reach = np.log(part / (1 - part)), half / (high - low) / (part * (1 - part))
            limits = tuple(low + (high - low) / (1 + np.exp(-(logit + d))) for d in (-reach, reach))
    return low if at_low else float(limits[0]), high if at_high else float(limits[1])


def means_over_seeds(
    runs: pd.DataFrame,
    *,
    by: Sequence[str] | str,
    outcome: str,
    bounds: tuple[float, float] | None = None,
    step: float = 0.0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Mean of an outcome over the runs of each combination, with an interval over seeds (`mean_interval`).

    Parameters
    ----------
    runs : DataFrame
        One row a training run (and whatever `by` tells apart within one), with the columns of `by` and `outcome`.
    by : str or sequence of str
        What is held constant: condition, group, share, factors. Missing values are a level of their own.
    outcome : str
        Column of numbers. Runs without one are left out; `n` says how many there are.
    bounds, step
        Range and smallest change of the outcome, as in `mean_interval`: bounds=(0, 1) of a share.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    DataFrame
        One row a combination that occurs: the columns of `by`, value, ci_low, ci_high, n. Limits are NaN below three
        runs.

    Raises
    ------
    judge.errors.InputError
        If a column is missing.

    Examples
    --------
    >>> runs = pd.DataFrame({"share": [0.5, 0.5, 0.5, 0.9], "winner_share": [0.1, 0.2, 0.3, 0.4]})
    >>> means_over_seeds(runs, by="share", outcome="winner_share", bounds=(0, 1)).round(3).to_dict("records")[0]
    {'share': 0.5, 'value': 0.2, 'ci_low': 0.05, 'ci_high': 0.541, 'n': 3}
    """
    keys = [by] if isinstance(by, str) else list(by)
    missing = [column for column in (*keys, outcome) if column not in runs]
    if missing:
        raise InputError(f"means over seeds: no column {listed(missing)}; there is {listed(runs.columns)}")
    rows = []
    for key, part in runs.groupby(keys, dropna=False, observed=True):
        values = part[outcome].to_numpy(float)
        values = values[np.isfinite(values)]
        mean, low, high = mean_interval(values, bounds=bounds, step=step, confidence=confidence)
        rows.append((*key, mean, low, high, len(values)))
    return pd.DataFrame(rows, columns=[*keys, "value", "ci_low", "ci_high", "n"])
