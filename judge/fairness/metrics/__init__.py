"""What is measured: selection, ranks, scores and their errors, by group.

Who is selected (`selection_table`, `selection_rate`), how groups fare along the whole ranking (`skew_curve`, `ndkl`,
`exposure_ratio`, `outrank_probability`), and what the scores say of each group (`group_metrics`). Plain arrays in,
numbers or tidy tables out; the sensitive feature is always a keyword, and a group without people stays visible as NaN
with n = 0.
"""

from judge.fairness.metrics.attention import exposure, exposure_ratio
from judge.fairness.metrics.divergence import ndkl, ndkl_of_chance, ndkl_test
from judge.fairness.metrics.outranking import Outranking, outrank_probability
from judge.fairness.metrics.ranking import skew, skew_curve
from judge.fairness.metrics.score_errors import group_metrics
from judge.fairness.metrics.selection import selection_rate, selection_table

__all__ = [
    "Outranking",
    "exposure",
    "exposure_ratio",
    "group_metrics",
    "ndkl",
    "ndkl_of_chance",
    "ndkl_test",
    "outrank_probability",
    "selection_rate",
    "selection_table",
    "skew",
    "skew_curve",
]
