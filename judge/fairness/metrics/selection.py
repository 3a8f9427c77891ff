"""Who is selected: entrant and winner counts by group within brackets, rates, ratios, differences.

A group's *selection rate* is its winners divided by its entrants. The *selection-rate ratio* divides it by
the reference group's rate (or by the rate of all others); 1 is parity. The *difference* subtracts; 0 is parity.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from judge.errors import InputError, listed
from judge.fairness.counts import Counts
from judge.fairness.inference.intervals import (
    clopper_pearson,
    katz_ratio,
    koopman_ratio,
    miettinen_nurminen_difference,
    wilson,
)

RATIO_INTERVALS = {"score": koopman_ratio, "log": katz_ratio}


def selection_table(
    counts: Counts, *, reference: str | None = None, confidence: float = 0.95, ratio_interval: str = "score"
) -> pd.DataFrame:
    """Shares, rate, ratio and difference of each group, each with its interval; brackets are pooled.

    Parameters
    ----------
    counts : Counts
        Entrants and winners, brackets × groups.
    reference : str, optional
        Group that ratio and difference refer to. None: all others.
    confidence : float
        Level, in (0, 1).
    ratio_interval : {"score", "log"}
        Koopman's score interval, or Katz' log interval, which is NaN for zero counts.

    Returns
    -------
    DataFrame
        One row a group: group, entrants, winners, entrant_share, winner_share (Clopper–Pearson), selection_rate
        (Wilson), selection_rate_ratio, selection_rate_difference (Miettinen–Nurminen), each with _low and _high, and
        below_four_fifths: ratio < 0.8, missing where the ratio is undefined. A group without entrants keeps its row,
        with n = 0 and NaN.

    Raises
    ------
    InputError
        For an unknown reference or kind of interval.

    Examples
    --------
    2 of 4 against 1 of 6:

    >>> table = selection_table(Counts([[4, 6]], [[2, 1]], ("a", "b")), reference="b")
    >>> table[["group", "selection_rate", "selection_rate_ratio"]].round(3).values.tolist()
    [['a', 0.5, 3.0], ['b', 0.167, 1.0]]
    """
    if ratio_interval not in RATIO_INTERVALS:
        raise InputError(f"ratio_interval is one of {listed(RATIO_INTERVALS)}, not {ratio_interval!r}")
    n, x = counts.entrants.sum(axis=0).astype(float), counts.winners.sum(axis=0).astype(float)
    if reference is None:
        n_0, x_0 = n.sum() - n, x.sum() - x
    else:
        r = counts.index(reference)
        n_0, x_0 = np.full_like(n, n[r]), np.full_like(x, x[r])
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, rate_0 = x / n, x_0 / n_0
        table = pd.DataFrame(
            {
                "group": list(counts.groups),
                "entrants": n.astype(int),
                "winners": x if counts.lots else x.astype(int),
                "entrant_share": n / n.sum(),
                "winner_share": x / x.sum(),
                "selection_rate": rate,
                "selection_rate_ratio": rate / rate_0,
                "selection_rate_difference": rate - rate_0,
            }
        )
    intervals = {
        "winner_share": clopper_pearson(x, np.full_like(x, x.sum()), confidence),
        "selection_rate": wilson(x, n, confidence),
        "selection_rate_ratio": RATIO_INTERVALS[ratio_interval](x, n, x_0, n_0, confidence),
        "selection_rate_difference": miettinen_nurminen_difference(x, n, x_0, n_0, confidence),
    }
    for name, (low, high) in intervals.items():
        table[f"{name}_low"], table[f"{name}_high"] = low, high
    ratio = table["selection_rate_ratio"]
    table["below_four_fifths"] = (ratio < 0.8).astype("boolean").mask(ratio.isna())
    return table


def selection_rate(
    winner: ArrayLike, *, sensitive_feature: ArrayLike, confidence: float = 0.95
) -> pd.DataFrame:
    """Selection rate by group from one entry a person.

    Parameters
    ----------
    winner : (n,) array-like of bool
        Who won.
    sensitive_feature : (n,) array-like
        Groups, taken as text.
    confidence : float
        Level, in (0, 1).

    Returns
    -------
    DataFrame
        One row a group: group, value, n, ci_low, ci_high (Wilson).

    Examples
    --------
    >>> selection_rate([1, 0, 0, 1], sensitive_feature=list("aabb"))[["group", "value", "n"]].values.tolist()
    [['a', 0.5, 2], ['b', 0.5, 2]]
    """
    table = selection_table(
        Counts.from_people(winner, sensitive_feature=sensitive_feature), confidence=confidence
    )
    columns = ["group", "selection_rate", "entrants", "selection_rate_low", "selection_rate_high"]
    return table[columns].set_axis(["group", "value", "n", "ci_low", "ci_high"], axis=1)
