"""Tables that several pages share, made from an audit table, and the ways of reading one.

Pages speak of conditions; the page of an audit has none and uses its score columns instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from judge.report.conditions import baseline_of, cells, in_order, titled
from judge.report.html import (
    P_VALUE,
    ROWS,
    Block,
    Column,
    Fold,
    Table,
    Text,
    count,
    interval,
    label,
    table_from,
)
from judge.report.measures import words
from judge.report.wording import counted, level, number, p_said

RANK_METRICS = (
    "skew_at_k", "min_skew", "max_skew", "skew_at_k_crude", "ndkl", "exposure_ratio", "outrank_probability",
    "wallenius_odds",
)  # fmt: skip
SCORE_METRICS = ("mean_score", "top_tail_score", "spread", "mean_rating")
ERROR_METRICS = ("pearson", "mae", "rmse", "signed_error", "calibration_slope")
#: Beside the ratio within brackets: the rule's own comparison, and what it would be without brackets.
RATIO_METRICS = (
    "selection_rate_difference", "four_fifths_ratio", "homogeneity_over_brackets", "selection_rate_ratio_crude",
    "selection_rate_difference_crude",
)  # fmt: skip
POWER_METRICS = (
    "power_at_ratio_0.5", "power_at_ratio_0.8", "smallest_detectable_ratio",
    "winners_needed_at_ratio_0.5", "winners_needed_at_ratio_0.8",
)  # fmt: skip
SIDE_BY_SIDE = 3  # more conditions than these stand one under the other
FOLDED = 24  # rows from which a table is opened on demand
SAID = 24  # groups that an alternative text names, at most


def rows_of(audit: pd.DataFrame, metric: str | Sequence[str], *, feature: str | None = None) -> pd.DataFrame:
    """The audit's rows of a metric over all brackets together, optionally of one feature."""
    keep = audit["metric"].isin([metric] if isinstance(metric, str) else list(metric))
    if feature is not None:
        keep &= audit["feature"].astype(str) == feature
    if "bracket" in audit:
        keep &= audit["bracket"].fillna("all").isin(["all", "within", ""])
    return audit[keep]


def conditioned(audit: pd.DataFrame, by: str) -> pd.DataFrame:
    """The table with a text column `condition` taken from `by`; "" where there is no such column."""
    table = audit.copy()
    table["condition"] = table[by].astype(object).map(str) if by in table and len(table) else ""
    return table


def winners_table(audit: pd.DataFrame, feature: str) -> pd.DataFrame:
    """condition, group, entrants, winners, both shares, and the interval and p-value of the winners' share.

    Also expected_winner_share, what chance gives within brackets; the share of the entrants where an audit has none.
    """
    entered = rows_of(audit, "entrant_share", feature=feature)[["condition", "group", "n", "value"]]
    entered = entered.rename(columns={"n": "entrants", "value": "entrant_share"})
    won = rows_of(audit, "winner_share", feature=feature).rename(columns={"value": "winner_share"})
    # whole numbers of people, except where winners by lot are averages
    winners = (won["winner_share"] * won["n"]).fillna(0).round(6)
    won["winners"] = winners.astype(int) if (winners % 1 == 0).all() else winners
    kept = ["condition", "group", "winners", "winner_share", "ci_low", "ci_high", "p_value"]
    table = entered.merge(won[kept], on=["condition", "group"], how="right")
    table["entrants"] = table["entrants"].fillna(0).astype(int)
    chance = rows_of(audit, "expected_winner_share", feature=feature)[["condition", "group", "value"]]
    table = table.merge(
        chance.rename(columns={"value": "expected_winner_share"}), on=["condition", "group"], how="left"
    )
    table["expected_winner_share"] = table["expected_winner_share"].fillna(table["entrant_share"])
    return table


def is_within(rows: pd.DataFrame) -> bool:
    """Whether these rows compare people only inside brackets."""
    return "bracket" in rows and bool((rows["bracket"] == "within").any())


def reference_of(rows: pd.DataFrame) -> str:
    """The one group that ratios refer to, or words for several."""
    names = [str(r) for r in rows["reference"].dropna().unique() if str(r)] if "reference" in rows else []
    return names[0] if len(names) == 1 else "the reference"


def metric_table(rows: pd.DataFrame, caption: str) -> Table:
    """Audit rows, measure in words; two or three conditions stand side by side, in columns."""
    conditions = in_order(rows["condition"])
    brackets = rows["bracket"] if "bracket" in rows else ["all"] * len(rows)
    rows = rows.assign(measure=[words(m, b) for m, b in zip(rows["metric"], brackets, strict=True)])
    if 1 < len(conditions) <= SIDE_BY_SIDE:
        return _side_by_side(rows, conditions, caption)
    columns = {
        "measure": Column("measure", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "condition": Column("condition", label, numeric=False, whole=True),
        "n": Column("n", count),
        "said": Column("value", label),
        "range": Column(f"{level(rows)} interval", label),
        "p_value": P_VALUE,
        "p_adjusted": Column("p, Holm", P_VALUE.write),
    }
    if rows["p_value"].isna().all():
        columns.pop("p_value")
    if "p_adjusted" not in rows or rows["p_adjusted"].isna().all():
        columns.pop("p_adjusted")
    if rows["ci_low"].isna().all():
        columns.pop("range")
    rows = rows.assign(said=_values(rows), range=interval(rows, digits=3))
    if len(conditions) > 1:
        rows = _extremes_together(rows.assign(order=pd.factorize(rows["metric"])[0]))
        rows = by_condition(rows, ["order", "group"])
    return told_by(rows, columns, caption)


def told_by(
    rows: pd.DataFrame, columns: dict[str, Column], caption: str, *, note: str = "", limit: int = ROWS
) -> Table:
    """A table of the rows with the baseline marked; the one nameless condition of an audit has no column."""
    if in_order(rows["condition"]) == [""]:
        columns = {key: column for key, column in columns.items() if key != "condition"}
    return table_from(
        rows.assign(condition=cells(rows["condition"])), columns, caption, note=note, limit=limit
    )


def by_condition(rows: pd.DataFrame, before: Sequence[str] = ()) -> pd.DataFrame:
    """The rows in the order of `before` and then of the conditions; all else stays as it is."""
    order = {name: i for i, name in enumerate(in_order(rows["condition"]))}
    places = rows["condition"].astype(object).map(order)
    return rows.assign(_place=places).sort_values([*before, "_place"], kind="stable").drop(columns="_place")


def folded(table: Table | Text, limit: int = FOLDED) -> Block:
    """The table, to be opened on demand where it has more than `limit` rows."""
    if isinstance(table, Text) or len(table.rows) <= limit:
        return table
    return Fold(f"{table.caption.rstrip('.')}: {counted(len(table.rows), 'row')}", [table])


def _values(rows: pd.DataFrame) -> list[str]:
    """Values as text: numbers of people are whole."""
    return [
        number(value, 0 if str(metric).startswith("winners_needed") else 3)
        for metric, value in zip(rows["metric"], rows["value"], strict=True)
    ]


def _side_by_side(rows: pd.DataFrame, conditions: Sequence[str], caption: str) -> Table:
    """Measure and group in rows, a column of value, interval and p for each condition."""
    said = [
        " ".join(text for text in (v, r.strip("–"), p_said(p)) if text)
        for v, r, p in zip(_values(rows), interval(rows, digits=3), rows["p_value"], strict=True)
    ]
    rows = _extremes_together(rows.assign(said=said))
    table = rows.assign(rank=pd.factorize(rows["metric"])[0]).sort_values(["rank", "group"], kind="stable")
    table["order"] = pd.factorize(pd.Series(list(zip(table["metric"], table["group"], strict=True))))[0]
    wide = table.pivot_table(index="order", columns="condition", values="said", aggfunc="first").fillna("–")
    wide.columns = [str(name) for name in wide.columns]
    baseline = baseline_of(rows["condition"])
    heads = table.groupby("order")[["measure", "group", "n"]].agg(
        {"measure": "first", "group": "first", "n": "max"}
    )
    columns = {
        "measure": Column("measure", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "n": Column("n", count),
        **{condition: Column(titled(condition, baseline), label) for condition in conditions},
    }
    note = "" if rows["ci_low"].isna().all() else f"In brackets: {level(rows)} intervals."
    table = table_from(heads.join(wide), columns, caption, note=note)
    return replace(table, dense=len(conditions) > 2)


def _extremes_together(rows: pd.DataFrame) -> pd.DataFrame:
    """The smallest and the largest skew of any group as one line each: every condition may have another group there."""
    extreme = rows["metric"].isin(["min_skew", "max_skew"])
    said = [
        f"{text} ({group})" if at else text
        for text, group, at in zip(rows["said"], rows["group"], extreme, strict=True)
    ]
    return rows.assign(said=said, group=rows["group"].where(~extreme, "all groups"))


def brackets_table(brackets: pd.DataFrame) -> Table:
    """Brackets with their entrants, places and winners, empty ones included; once if the conditions agree."""
    unfilled = int(brackets["unfilled"].sum()) if "unfilled" in brackets else 0
    empty = int((brackets["entrants"] == 0).sum()) if "entrants" in brackets else 0
    note = f"{empty} without an entrant; {unfilled} places unfilled."
    same = brackets.drop(columns="condition", errors="ignore").drop_duplicates()
    if "condition" in brackets and not same["bracket"].duplicated().any():
        conditions = brackets["condition"].nunique()
        note = f"The same in each condition. {empty // conditions} without an entrant; "
        note += f"{unfilled // conditions} places unfilled."
        brackets = same
    columns = {
        "condition": Column("condition", label, numeric=False, whole=True),
        "bracket": Column("bracket", label, numeric=False),
        **{name: Column(name, count) for name in ("entrants", "places", "winners", "unfilled")},
    }
    shown = {key: column for key, column in columns.items() if key in brackets}
    if "condition" in shown:
        return told_by(brackets, shown, "Brackets by condition.", note=note)
    return table_from(brackets, shown, "Brackets.", note=note)


def reasons_table(exclusions: pd.DataFrame | None, caption: str) -> Table | Text:
    """Things excluded, counted by reason: from rows (reason, count) or from one row a thing."""
    if exclusions is None or exclusions.empty:
        return Text(f"{caption.rstrip('.')}: none.")
    by = [c for c in ("condition", "dataset", "reason") if c in exclusions]
    table = exclusions.copy()
    table["count"] = table.get("count", 1)
    table = table.groupby(by, sort=False, dropna=False)["count"].sum().reset_index()
    columns = {c: Column(c.replace("dataset", "data set"), label, numeric=False) for c in by}
    columns["count"] = Column("count", count)
    return told_by(table, columns, caption) if "condition" in by else table_from(table, columns, caption)


def finite(values: pd.Series) -> pd.Series:
    """Which values are numbers."""
    return pd.Series(np.isfinite(values.astype(float)), index=values.index)
