"""Intervals, one kind a file: rates and their ratio (`plain`), within brackets (`stratified`), means and spreads
(`scale`), pairs of numbers (`pairs`), ranks (`ranks`).

Those of rates survive zero counts; those that agree with the exact test are in `inference.conditional`.
"""

from judge.fairness.inference.intervals.plain import (
    clopper_pearson,
    katz_ratio,
    koopman_ratio,
    miettinen_nurminen_difference,
    wilson,
)
from judge.fairness.inference.intervals.stratified import (
    greenland_robins_ratio,
    stratified_score_difference,
    stratified_score_ratio,
)

__all__ = [
    "clopper_pearson",
    "greenland_robins_ratio",
    "katz_ratio",
    "koopman_ratio",
    "miettinen_nurminen_difference",
    "stratified_score_difference",
    "stratified_score_ratio",
    "wilson",
]
