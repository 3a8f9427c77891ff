"""The selection part of the audit: counts of one feature → rows with rates, ratios, odds, tests and power."""

from __future__ import annotations

import numpy as np
import pandas as pd

from judge.fairness.audit.remarks import joined, odds_remark, remarks_of
from judge.fairness.audit.rows import ALL_OTHERS, STRATIFIED, Rows
from judge.fairness.counts import Counts
from judge.fairness.inference.exact_tests import permutation_test, stratified_test
from judge.fairness.inference.intervals import wilson
from judge.fairness.inference.settings import Inference
from judge.fairness.inference.wallenius import wallenius_odds
from judge.fairness.metrics.ranking import skew
from judge.fairness.metrics.selection import selection_table

RATIO_METHODS = {"score": "Koopman score", "log": "Katz log"}


def add_selection_rows(
    rows: Rows,
    counts: Counts,
    *,
    reference: str | None,
    how: Inference,
    ratio_interval: str = "score",
    by_bracket: bool = False,
) -> None:
    """Shares, rates, ratio, difference with tests within brackets; one row a metric and group."""
    confidence = how.confidence
    rows = rows.sharing(reference=ALL_OTHERS if reference is None else reference)
    table = selection_table(counts, reference=reference, confidence=confidence, ratio_interval=ratio_interval)
    decided = int(counts.decided.sum())
    for row in table.itertuples(index=False):
        rows.add("entrant_share", row.group, row.entrant_share, row.entrants, reference="")
    for row in table.itertuples(index=False):
        test = stratified_test(counts, row.group) if row.entrants else None
        rows.add(
            "winner_share",
            row.group,
            row.winner_share,
            decided,
            ci_low=row.winner_share_low,
            ci_high=row.winner_share_high,
            interval="Clopper–Pearson",
            p_value=test.p if test else np.nan,
            test=STRATIFIED if test else "",
            reference=ALL_OTHERS,
            flag=joined(f"{row.winners:.6g} of {decided} winners", *remarks_of(test, counts)),
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
        test = stratified_test(counts, row.group, reference=reference) if tested else None
        rows.add(
            "selection_rate_ratio",
            row.group,
            row.selection_rate_ratio,
            row.entrants,
            ci_low=row.selection_rate_ratio_low,
            ci_high=row.selection_rate_ratio_high,
            interval=RATIO_METHODS[ratio_interval],
            p_value=test.p if test else np.nan,
            test=STRATIFIED if test else "",
            flag=joined(_four_fifths(row), *remarks_of(test, counts)),
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
    for row in compared.itertuples(index=False):
        odds = wallenius_odds(counts, row.group, reference=reference, confidence=confidence)
        rows.add(
            "wallenius_odds",
            row.group,
            odds.value,
            row.entrants,
            ci_low=odds.low,
            ci_high=odds.high,
            interval="" if np.isnan(odds.value) else "Wallenius mid-p",
            bracket="within" if len(counts.brackets) > 1 else "all",
            flag=odds_remark(counts, reference),
        )
    _add_skew_rows(rows.sharing(reference=""), table, decided)
    if by_bracket and len(counts.brackets) > 1:
        _add_bracket_rows(rows.sharing(reference=""), counts, confidence)
    if len(counts.groups) > 1:
        joint = permutation_test(counts, n_permutations=how.n_permutations, rng=how.rng)
        rows.add(
            "winners_against_chance",
            "all groups",
            joint.statistic,
            int(counts.entrants.sum()),
            p_value=joint.p,
            test="permutation",
            bracket="within" if len(counts.brackets) > 1 else "all",
            reference="",
            flag=joined(f"{how.n_permutations} permutations", *remarks_of(joint, counts)),
        )


def _add_skew_rows(rows: Rows, table: pd.DataFrame, decided: int) -> None:
    """skew@k at k = the number of winners; its interval is that of the winner share."""
    present = table[table["entrants"] > 0]
    values = skew(present["winner_share"], present["entrant_share"])
    lows = skew(present["winner_share_low"], present["entrant_share"])
    highs = skew(present["winner_share_high"], present["entrant_share"])
    remark = f"k = {decided}"
    for group, value, low, high in zip(present["group"], values, lows, highs, strict=True):
        note = remark if decided == 0 or np.isfinite(value) else f"{remark}; minus infinity: no winner"
        rows.add(
            "skew_at_k",
            group,
            value,
            decided,
            ci_low=low,
            ci_high=high,
            interval="Clopper–Pearson",
            flag=note,
        )
    if decided:
        for metric, i in (("min_skew", int(np.argmin(values))), ("max_skew", int(np.argmax(values)))):
            rows.add(metric, present["group"].iloc[i], values[i], decided, flag=remark)


def _add_bracket_rows(rows: Rows, counts: Counts, confidence: float) -> None:
    low, high = wilson(counts.winners, counts.entrants, confidence)
    for b, bracket in enumerate(counts.brackets):
        for g, group in enumerate(counts.groups):
            n, x = int(counts.entrants[b, g]), counts.winners[b, g]
            rows.add(
                "selection_rate",
                group,
                x / n if n else np.nan,
                n,
                ci_low=low[b, g],
                ci_high=high[b, g],
                interval="Wilson" if n else "",
                bracket=bracket,
                flag="" if n else "no entrants",
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
