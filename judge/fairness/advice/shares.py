"""Representation: how many people of each group are in what is learnt from, or compared with, against who enters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import fisher_exact

from judge.fairness.advice.evidence import Found
from judge.fairness.inference.intervals import clopper_pearson, koopman_ratio

#: Fewer pictures of a group than this are said to be few, whatever its share.
FEW = 30


def shares(
    counts: Mapping[str, int], entrants: Mapping[str, int], *, skew: str, measure: str, confidence: float
) -> Found:
    """Each group's share of these people over its share of the entrants, with Koopman's interval and Fisher's test.

    counts, entrants  group → people; a group that only one of them has counts 0 in the other

    Fisher's exact test asks whether both have one composition: the entrants are taken as a sample as well. A group of
    whom nobody enters is described by its share and not tested.
    """
    found = Found()
    total, entering = sum(counts.values()), sum(entrants.values())
    if not total or not entering:
        found.unknown.append((skew, "nobody is counted"))
        return found
    for group in sorted({*counts, *entrants}):
        k, m = int(counts.get(group, 0)), int(entrants.get(group, 0))
        low, high = clopper_pearson(k, total, confidence)
        found.rows.append(
            {"skew": skew, "group": group, "measure": measure.replace("_ratio", "_share"), "value": k / total,
             "n": total, "ci_low": float(low), "ci_high": float(high), "test": "Clopper–Pearson",
             "detail": f"{k:,} of {total:,}" + (", few in number" if k < FEW else "")}
        )  # fmt: skip
        if not m:
            continue
        low, high = koopman_ratio(k, total, m, entering, confidence)
        found.rows.append(
            {"skew": skew, "group": group, "measure": measure, "value": (k / total) / (m / entering), "n": total,
             "ci_low": float(low), "ci_high": float(high),
             "p_value": float(fisher_exact(np.array([[k, total - k], [m, entering - m]])).pvalue),
             "test": "Fisher’s exact test; Koopman’s interval",
             "detail": f"{k:,} of {total:,} against {m:,} of {entering:,} entrants"}
        )  # fmt: skip
    return found
