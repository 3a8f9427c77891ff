"""Rows of the AUDIT table, with the columns that this module adds to the schema.

p_adjusted    Holm's adjustment within the family; what is about the primary hypothesis keeps its own p-value
primary       True on the one named primary contrast
family        Holm's family and its number of hypotheses ("ethnicity by won: 7 hypotheses"), or "primary"
score_column  the score or winner column that the row judges
bracket       "all" (pooled), "within" (compared only inside brackets), or one bracket's name
reference     the group compared with, or "all others"
interval      name of the method of ci_low and ci_high
flag          a remark in words, such as "below four fifths"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from judge.fairness.counts import Counts
from judge.fairness.inference.exact_tests import SMALLEST, ExactTest, PermutationTest

ALL_OTHERS = "all others"
#: The test of winners within brackets, with its two-sided rule: p is the probability of all those outcomes.
STRATIFIED = "stratified_exact (outcomes at most as likely)"
#: Column of the AUDIT schema → its type. Checking each table with pandera would cost a second at the start; a test
#: holds these to the schema.
SCHEMA = {
    "metric": "str",
    "feature": "str",
    "group": "str",
    "value": "float64",
    "n": "int64",
    "ci_low": "float64",
    "ci_high": "float64",
    "p_value": "float64",
    "test": "str",
}
EXTRA = ("p_adjusted", "primary", "score_column", "bracket", "reference", "interval", "flag", "family")
_DEFAULTS: dict[str, Any] = {
    "ci_low": np.nan,
    "ci_high": np.nan,
    "p_value": np.nan,
    "test": "",
    "p_adjusted": np.nan,
    "primary": False,
    "score_column": "",
    "bracket": "all",
    "reference": "",
    "interval": "",
    "flag": "",
    "family": "",
}


class Rows:
    """Collects rows that share some columns."""

    def __init__(self, rows: list[dict[str, Any]] | None = None, **shared: Any) -> None:
        self.rows: list[dict[str, Any]] = [] if rows is None else rows
        self.shared = shared

    def sharing(self, **shared: Any) -> Rows:
        """The same list, with further shared columns."""
        return Rows(self.rows, **{**self.shared, **shared})

    def add(self, metric: str, group: str, value: float, n: int, **columns: Any) -> None:
        """One row; columns not given take the shared or the default value."""
        row: Mapping[str, Any] = {"metric": metric, "group": group, "value": float(value), "n": int(n)}
        self.rows.append({**_DEFAULTS, **self.shared, **row, **columns})


def table_of(rows: Rows) -> pd.DataFrame:
    """The rows as an AUDIT table with the extra columns last."""
    return pd.DataFrame(rows.rows, columns=[*SCHEMA, *EXTRA]).astype(SCHEMA)


def joined(*remarks: str) -> str:
    """The remarks that say something, in one line."""
    return "; ".join(remark for remark in remarks if remark)


def remarks_of(test: ExactTest | PermutationTest | None, counts: Counts) -> list[str]:
    """Remarks on a p-value: averaged over lots, or too small for a float."""
    if test is None:
        return []
    found = []
    if counts.lots is not None:
        found.append(
            f"{counts.lots.by_lot} winners by lot: averages over all lots, 95 % of which give p from "
            f"{test.low:.2g} to {test.high:.2g}"
        )
    if isinstance(test, ExactTest) and test.p <= SMALLEST:
        found.append(f"log10 p = {test.log10_p:.1f}; p_value is the smallest float, an upper bound")
    return found


def odds_remark(counts: Counts, reference: str | None) -> str:
    """Against a reference beside a third group the odds are an approximation."""
    if reference is None or len(counts.groups) < 3:
        return ""
    return "approximation: the other groups are left out, and how many of these two win is taken as given"
