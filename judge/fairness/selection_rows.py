"""The selection part of the audit: counts of one feature → rows with rates, ratios, odds, tests and power."""

from __future__ import annotations

import numpy as np

from judge.fairness.rows import ALL_OTHERS, Rows
from judge.fairness.selection import Counts, selection_table
from judge.fairness.significance import permutation, stratified_exact

RATIO_METHODS = {"score": "Koopman score", "log": "Katz log"}


def add_selection_rows(
    rows: Rows,
    counts: Counts,
    *,
    reference: str | None,
    confidence: float,
    seed: int,
    n_permutations: int,
    ratio_interval: str = "score",
    by_bracket: bool = False,
) -> None:
    """Shares, rates, ratio, difference with tests within brackets; one row a metric and group."""
    rows = rows.sharing(reference=ALL_OTHERS if reference is None else reference)
    table = selection_table(counts, reference=reference, confidence=confidence, ratio_interval=ratio_interval)
    decided = int(table["winners"].sum())
    for row in table.itertuples(index=False):
        rows.add("entrant_share", row.group, row.entrant_share, row.entrants, reference="")
    for row in table.itertuples(index=False):
        rows.add(
            "winner_share",
            row.group,
            row.winner_share,
            decided,
            ci_low=row.winner_share_low,
            ci_high=row.winner_share_high,
            interval="Clopper–Pearson",
            p_value=stratified_exact(counts, row.group) if row.entrants else np.nan,
            test="stratified_exact" if row.entrants else "",
            reference=ALL_OTHERS,
            flag=f"{row.winners} of {decided} winners",
        )
    for row in table.itertuples(index=False):
        rows.add(
            "selection_rate",
            row.group,
            row.selection_rate,
            row.entrants,
            ci_low=row.selection_rate_low,
            ci_high=row.selection_rate_high,
            interval="Wilson",
            reference="",
            flag="" if row.entrants else "no entrants",
        )
    compared = table[table["group"] != reference]
    for row in compared.itertuples(index=False):
        tested = row.entrants > 0 and len(counts.groups) > 1
        rows.add(
            "selection_rate_ratio",
            row.group,
            row.selection_rate_ratio,
            row.entrants,
            ci_low=row.selection_rate_ratio_low,
            ci_high=row.selection_rate_ratio_high,
            interval=RATIO_METHODS[ratio_interval],
            p_value=stratified_exact(counts, row.group, reference=reference) if tested else np.nan,
            test="stratified_exact" if tested else "",
            flag=_four_fifths(row),
        )
    for row in compared.itertuples(index=False):
        rows.add(
            "selection_rate_difference",
            row.group,
            row.selection_rate_difference,
            row.entrants,
            ci_low=row.selection_rate_difference_low,
            ci_high=row.selection_rate_difference_high,
            interval="Miettinen–Nurminen score",
        )
    if len(counts.groups) > 1:
        statistic, p = permutation(counts, n_permutations=n_permutations, seed=seed)
        rows.add(
            "winners_against_chance",
            "all groups",
            statistic,
            int(counts.entrants.sum()),
            p_value=p,
            test="permutation",
            bracket="within" if len(counts.brackets) > 1 else "all",
            reference="",
            flag=f"{n_permutations} permutations",
        )


def _four_fifths(row: object) -> str:
    """The four-fifths remark, never without its interval: the ratio alone proves little."""
    low, high = row.selection_rate_ratio_low, row.selection_rate_ratio_high  # type: ignore[attr-defined]
    if np.isnan(row.selection_rate_ratio):  # type: ignore[attr-defined]
        return "ratio undefined: nobody selected on either side"
    known = f"interval {low:.3f} to {high:.3f}"
    if not row.below_four_fifths:  # type: ignore[attr-defined]
        return f"not below four fifths ({known})"
    return f"below four fifths ({known}{'' if high < 0.8 else ', reaches 0.8'})"
