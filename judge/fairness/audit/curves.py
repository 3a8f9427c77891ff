"""skew@k over k for every score and feature of an audit, one below the other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from judge.fairness.audit.entrants import Entrants
from judge.fairness.metrics.ranking import skew_curve_of_codes

#: Features with more groups than this get no curve: nobody could tell the lines apart.
MOST_GROUPS = 24


def skew_curves(people: Entrants, *, tie_seed: int = 0, confidence: float = 0.95) -> pd.DataFrame:
    """skew@k over k for every score and feature.

    Parameters
    ----------
    people : Entrants
        As `read_entrants` gives them.
    tie_seed : int
        Key of the lottery among those who tie.
    confidence : float
        Of the null band, in (0, 1).

    Returns
    -------
    DataFrame
        Columns of `judge.fairness.metrics.skew_curve`, feature and score_column; empty without scores. A feature of
        more than 24 groups is left out: nobody could tell its lines apart.

    Examples
    --------
    >>> from judge.fairness.audit import read_entrants
    >>> people = read_entrants(pd.DataFrame({"g": list("ab"), "s": [2.0, 1.0]}), features=["g"], score=["s"])
    >>> skew_curves(people)[["k", "group", "share", "feature", "score_column"]].head(2).values.tolist()
    [[1, 'a', 1.0, 'g', 's'], [1, 'b', 0.0, 'g', 's']]
    """
    found = []
    for name, score in people.scores.items():
        finite = np.flatnonzero(np.isfinite(score))
        code = people.bracket.code[finite]
        order, rank = people.ranked(name, tie_seed=tie_seed)
        people_in_order, bracket = finite[order], code[order]
        for feature, codes in people.features.items():
            if len(codes.names) > MOST_GROUPS:
                continue
            curve = skew_curve_of_codes(
                codes.code[people_in_order],
                names=codes.names,
                bracket=bracket,
                rank=rank,
                confidence=confidence,
            )
            found.append(curve.assign(feature=feature, score_column=name))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()
