"""skew@k over k for every score and feature of an audit, one below the other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from judge.fairness.audit.entrants import Entrants
from judge.fairness.metrics.ranking import skew_curve_of_codes

#: Features with more groups than this get no curve: nobody could tell the lines apart.
MOST_GROUPS = 24


def skew_curves(people: Entrants, *, confidence: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """`ranking.skew_curve` with the columns feature and score_column; empty without scores."""
    found = []
    for name, score in people.scores.items():
        finite = np.flatnonzero(np.isfinite(score))
        code = people.bracket.code[finite]
        order, rank = people.ranked(name, seed=seed)
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
