"""What the flag of a row says of its p-value: its range over lots, and its size where a float cannot hold it."""

from __future__ import annotations

from judge.fairness.counts import Counts
from judge.fairness.inference.exact_tests import SMALLEST, ExactTest, PermutationTest


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
