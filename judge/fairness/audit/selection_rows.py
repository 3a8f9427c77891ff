"""The selection part of the audit: counts of one feature → rows with rates, ratios, odds and tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from judge.fairness.audit.rows import ALL_OTHERS, STRATIFIED, Rows, joined, odds_remark, remarks_of
from judge.fairness.counts import Counts
from judge.fairness.inference.exact_tests import holm, permutation_test, stratified_test
from judge.fairness.inference.homogeneity import homogeneity
from judge.fairness.inference.intervals import clopper_pearson, wilson
from judge.fairness.inference.settings import Inference
from judge.fairness.inference.wallenius import wallenius_odds
from judge.fairness.metrics.ranking import skew
from judge.fairness.metrics.selection import selection_table

EXACT = "exact, as the test"
#: Kind of interval → its name for the ratio in one bracket, in several, and for the difference.
INTERVALS = {
    "exact": (EXACT, EXACT, EXACT),
    "score": ("Koopman score", "stratified score", "Miettinen–Nurminen score"),
    "log": ("Katz log", "Greenland–Robins log", "Miettinen–Nurminen score"),
}
CRUDE_RATIO = {"exact": "Koopman score", "score": "Koopman score", "log": "Katz log"}
#: Whether an effect is the same in all brackets is asked of so many groups: those with the most winners expected.
MOST_TESTED = 50


def add_selection_rows(
    rows: Rows,
    counts: Counts,
    *,
    reference: str | None,
    how: Inference,
    ratio_interval: str = "exact",
    by_bracket: bool = False,
) -> list[str]:
    """Shares, rates, ratio, difference with tests within brackets, one row a metric and group; returns notes."""
    confidence = how.confidence
    several = len(counts.brackets) > 1
    within = "within" if several else "all"
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
            **_limits(row, "winner_share", EXACT),
            p_value=test.p if test else np.nan,
            test=STRATIFIED if test else "",
            reference=ALL_OTHERS,
            flag=joined(f"{row.winners:.6g} of {decided} winners", *remarks_of(test, counts)),
        )
    for row in table.itertuples(index=False):
        rows.add(
            "expected_winner_share",
            row.group,
            row.expected_winner_share,
            decided,
            bracket=within,
            reference="",
            flag=f"{row.expected_winners:.6g} of {decided} winners by chance{' within brackets' if several else ''}",
        )
    for row in table.itertuples(index=False):
        rows.add(
            "selection_rate",
            row.group,
            row.selection_rate,
            row.entrants,
            **_limits(row, "selection_rate", "Wilson"),
            reference="",
            flag="" if row.entrants else "no entrants",
        )
    compared = table[table["group"] != reference]
    _add_ratio_rows(rows.sharing(bracket=within), counts, compared, reference, ratio_interval)
    if several:
        _add_crude_rows(rows, compared, ratio_interval)
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
            bracket=within,
            flag=odds_remark(counts, reference),
        )
    _add_skew_rows(rows.sharing(reference="", bracket=within), table, decided)
    if several:
        _add_crude_skew_rows(rows.sharing(reference=""), table, decided, confidence)
    notes = _add_homogeneity_rows(rows.sharing(bracket=within), counts, compared, reference, how)
    if by_bracket and several:
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
            bracket=within,
            reference="",
            flag=joined(f"{how.n_permutations} permutations", *remarks_of(joint, counts)),
        )
    return notes


def _limits(row: Any, name: str, interval: str) -> dict[str, Any]:
    """The columns of an interval of the selection table; no name where there is none."""
    low, high = getattr(row, f"{name}_low"), getattr(row, f"{name}_high")
    return {"ci_low": low, "ci_high": high, "interval": "" if np.isnan(low) else interval}


def _add_ratio_rows(
    rows: Rows, counts: Counts, compared: pd.DataFrame, reference: str | None, kind: str
) -> None:
    """Ratio and difference within brackets, and the four-fifths rule's own comparison with the highest rate."""
    one, several, of_difference = INTERVALS[kind]
    of_ratio = several if len(counts.brackets) > 1 else one
    base = ALL_OTHERS if reference is None else reference
    for row in compared.itertuples(index=False):
        tested = row.entrants > 0 and len(counts.groups) > 1
        test = stratified_test(counts, row.group, reference=reference) if tested else None
        rows.add(
            "selection_rate_ratio",
            row.group,
            row.selection_rate_ratio,
            row.entrants,
            **_limits(row, "selection_rate_ratio", of_ratio),
            p_value=test.p if test else np.nan,
            test=STRATIFIED if test else "",
            flag=joined(_either_way(row, base), *remarks_of(test, counts)),
        )
    for row in compared.itertuples(index=False):
        rows.add(
            "selection_rate_difference",
            row.group,
            row.selection_rate_difference,
            row.entrants,
            **_limits(row, "selection_rate_difference", of_difference),
        )
    for row in compared.itertuples(index=False):
        if not np.isnan(row.four_fifths_ratio):
            rows.add(
                "four_fifths_ratio",
                row.group,
                row.four_fifths_ratio,
                row.entrants,
                **_limits(row, "four_fifths_ratio", f"{EXACT}, Bonferroni over groups"),
                reference=row.highest,
                flag=_of_the_rule(row),
            )


def _add_crude_rows(rows: Rows, compared: pd.DataFrame, kind: str) -> None:
    """Ratio and difference as if there were no brackets."""
    for metric, interval in (
        ("selection_rate_ratio_crude", CRUDE_RATIO[kind]),
        ("selection_rate_difference_crude", "Miettinen–Nurminen score"),
    ):
        for row in compared.itertuples(index=False):
            value, limits = getattr(row, metric), _limits(row, metric, interval)
            rows.add(metric, row.group, value, row.entrants, **limits, flag="brackets thrown together")


def _add_skew_rows(rows: Rows, table: pd.DataFrame, decided: int) -> None:
    """skew@k at k = the number of winners; its interval is that of the winner share."""
    present = table[table["entrants"] > 0]
    expected = present["expected_winner_share"]
    values, lows, highs = (
        skew(present[name], expected) for name in ("winner_share", "winner_share_low", "winner_share_high")
    )
    remark = f"k = {decided}"
    for group, value, low, high in zip(present["group"], values, lows, highs, strict=True):
        note = remark if decided == 0 or not np.isneginf(value) else f"{remark}; minus infinity: no winner"
        rows.add(
            "skew_at_k",
            group,
            value,
            decided,
            ci_low=low,
            ci_high=high,
            interval="" if np.isnan(low) else EXACT,
            flag=note,
        )
    if np.isfinite(values).any() or np.isneginf(values).any():
        for metric, i in (("min_skew", int(np.nanargmin(values))), ("max_skew", int(np.nanargmax(values)))):
            rows.add(metric, present["group"].iloc[i], values[i], decided, flag=remark)


def _add_crude_skew_rows(rows: Rows, table: pd.DataFrame, decided: int, confidence: float) -> None:
    """skew@k against the share of all entrants, as if there were no brackets."""
    present = table[table["entrants"] > 0]
    shares = clopper_pearson(present["winners"], np.full(len(present), decided), confidence)
    values, lows, highs = (
        skew(share, present["entrant_share"]) for share in (present["winner_share"], *shares)
    )
    for group, value, low, high in zip(present["group"], values, lows, highs, strict=True):
        rows.add(
            "skew_at_k_crude",
            group,
            value,
            decided,
            ci_low=low,
            ci_high=high,
            interval="" if np.isnan(low) else "Clopper–Pearson",
            flag=f"k = {decided}; brackets thrown together",
        )


def _add_homogeneity_rows(
    rows: Rows, counts: Counts, compared: pd.DataFrame, reference: str | None, how: Inference
) -> list[str]:
    """Whether each group's effect is the same in all brackets, and a note of those of which it is not."""
    if len(counts.brackets) < 2 or len(counts.groups) < 2:
        return []
    if reference is None and len(counts.groups) == 2:
        compared = compared.head(1)  # the other group's odds are the inverse of these
    tested = []
    for row in compared.nlargest(MOST_TESTED, "expected_winners").itertuples(index=False):
        p = homogeneity(
            counts, row.group, reference=reference, n_permutations=how.n_permutations, rng=how.rng
        )
        if not np.isnan(p):
            tested.append((row, p))
    for row, p in tested:
        rows.add(
            "homogeneity_over_brackets",
            row.group,
            np.nan,
            row.entrants,
            p_value=p,
            test="zelen_exact",
            flag=joined(
                "is the effect the same in all brackets?",
                "" if counts.lots is None else "mean of p over lots",
            ),
        )
    adjusted = holm([p for _, p in tested])
    base = ALL_OTHERS if reference is None else reference
    return [
        f"{rows.shared.get('feature', '')}, winners by {rows.shared.get('score_column', '')}: the effect for "
        f"{row.group} against {base} is not the same in all brackets (Zelen's exact test, p = {p:.2g}): its "
        f"ratio within brackets, {row.selection_rate_ratio:.2f}, is a mean of {_extremes(counts, row.group, reference)}"
        for (row, p), holds in zip(tested, adjusted, strict=True)
        if holds <= 0.05
    ]


def _extremes(counts: Counts, group: str, reference: str | None) -> str:
    """The brackets in which the group is most below and most above what chance gives it, with their ratios."""
    pair = counts.against(group, reference)
    total, won = pair.entrants.sum(axis=1), pair.winners.sum(axis=1)
    share = pair.entrants[:, 0] / np.maximum(total, 1)
    spread = np.sqrt(won * share * (1 - share) * (total - won) / np.maximum(total - 1, 1))
    gap = (pair.winners[:, 0] - won * share) / np.where(spread > 0, spread, np.inf)
    said = []
    for b in (int(np.argmin(gap)), int(np.argmax(gap))):
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = pair.winners[b] / pair.entrants[b]
            said.append(f"{rate[0] / rate[1]:.2f} in {counts.brackets[b]}")
    return " and ".join(said)


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


def _either_way(row: Any, base: str) -> str:
    """The four-fifths remark on a ratio to the reference, never without its interval: the ratio alone proves little."""
    if np.isnan(row.selection_rate_ratio):
        return "ratio undefined: nobody selected on either side"
    low, high = row.selection_rate_ratio_low, row.selection_rate_ratio_high
    known = "no interval" if np.isnan(low) else f"interval {low:.3f} to {high:.3f}"
    if row.below_four_fifths:
        return f"below four fifths of {base} ({known}{', reaches 0.8' if high >= 0.8 else ''})"
    if row.reference_below_four_fifths:
        return f"above: {base} below four fifths of it ({known}{', reaches 1.25' if low <= 1.25 else ''})"
    return f"not below four fifths, nor {base} of it ({known})"


def _of_the_rule(row: Any) -> str:
    """The rule itself: the denominator is the group with the highest rate."""
    low, high = row.four_fifths_ratio_low, row.four_fifths_ratio_high
    known = "no interval" if np.isnan(low) else f"interval {low:.3f} to {high:.3f}"
    of = f"four fifths of the highest rate, {row.highest}"
    if row.four_fifths_ratio >= 0.8:
        return f"not below {of} ({known})"
    return f"below {of} ({known}{', reaches 0.8' if high >= 0.8 else ''})"
