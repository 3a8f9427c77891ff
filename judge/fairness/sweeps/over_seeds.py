"""Means over the runs of a sweep: one number a combination of what varied, with its interval over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.fairness.inference.randomisation import t_interval


def means_over_seeds(
    runs: pd.DataFrame, *, by: Sequence[str] | str, outcome: str, confidence: float = 0.95
) -> pd.DataFrame:
    """Mean of an outcome over the runs of each combination, with Student's t interval.

    Parameters
    ----------
    runs : DataFrame
        One row a training run (and whatever `by` tells apart within one), with the columns of `by` and `outcome`.
    by : str or sequence of str
        What is held constant: condition, group, share, factors. Missing values are a level of their own.
    outcome : str
        Column of numbers. Runs without one are left out; `n` says how many there are.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    DataFrame
        One row a combination that occurs: the columns of `by`, value, ci_low, ci_high, n. Limits are NaN for a single
        run.

    Raises
    ------
    judge.errors.InputError
        If a column is missing.

    Examples
    --------
    >>> runs = pd.DataFrame({"share": [0.5, 0.5, 0.5, 0.9], "winner_share": [0.1, 0.2, 0.3, 0.4]})
    >>> means_over_seeds(runs, by="share", outcome="winner_share").round(3).to_dict("records")[0]
    {'share': 0.5, 'value': 0.2, 'ci_low': -0.048, 'ci_high': 0.448, 'n': 3}
    """
    keys = [by] if isinstance(by, str) else list(by)
    missing = [column for column in (*keys, outcome) if column not in runs]
    if missing:
        raise InputError(f"means over seeds: no column {listed(missing)}; there is {listed(runs.columns)}")
    rows = []
    for key, part in runs.groupby(keys, dropna=False, observed=True):
        values = part[outcome].to_numpy(float)
        values = values[np.isfinite(values)]
        mean, low, high = t_interval(values, confidence=confidence)
        rows.append((*key, mean, low, high, len(values)))
    return pd.DataFrame(rows, columns=[*keys, "value", "ci_low", "ci_high", "n"])
