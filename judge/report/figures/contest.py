"""Figures of a contest: who trained the judge, who entered, who won, and by how much.

Each function takes a tidy table and returns a Figure; rows are groups in order of name, conditions (skewed,
rebalanced, or any others: score columns, robots) stand one under the other within a group. Nothing is
computed here that the audit table holds already: intervals and p-values come in as columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

from judge.report.figures.style import (
    GREY,
    INK,
    Mark,
    above,
    as_group,
    empty,
    in_order,
    keys,
    largest,
    level,
    marks,
    number,
    one_axes,
    p_said,
    percent,
    plain,
    rows_axis,
    rule,
    rule_keys,
    styled,
    with_note,
)

ROWS = 20  # groups a figure draws at most; the rest are counted under it
RATIO_LIMITS = (1 / 32, 32.0)  # a ratio beyond is drawn as an arrow at the edge, its value beside it


def with_condition(table: pd.DataFrame, *, group: str = "group") -> pd.DataFrame:
    """A copy whose group is text and which has a condition column ("" where the table has none)."""
    table = table.copy()
    table[group] = as_group(table[group]) if len(table) else table[group].astype(object)
    if "condition" not in table:
        table["condition"] = ""
    table["condition"] = as_group(table["condition"])
    return table


def offsets(conditions: Sequence[str], spread: float = 0.52) -> dict[str, float]:
    """Where each condition stands within its group's row, in rows."""
    places = np.linspace(-spread / 2, spread / 2, len(conditions)) if len(conditions) > 1 else [0.0]
    return dict(zip(conditions, places, strict=True))


def _lookup(table: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    return {(row["condition"], row["group"]): row for _, row in table.iterrows()}


@styled
def pool_composition(pools: pd.DataFrame) -> Figure:
    """Shares of the groups among the training pictures, by training weight where there is one.

    pools: condition, group, n (pictures), optionally weight (sum of the pictures' weights; the bar is then the
    share of the weight, the number still that of pictures). A group with n = 0 in a condition keeps its row.
    """
    pools = with_condition(pools)
    if pools.empty:
        return empty(*one_axes(1.2), "no training pictures")
    conditions, style = in_order(pools["condition"]), marks(in_order(pools["condition"]))
    totals = pools.groupby("condition")["n"].sum()
    weigh = "weight" if "weight" in pools else "n"
    heft = pools.groupby("condition")[weigh].sum()
    groups, left = largest(pools.set_index("group")["n"], ROWS)
    figure, ax = _rows_figure(groups, len(conditions))
    where, cells = offsets(conditions, 0.4), _lookup(pools)
    height = 0.36 if len(conditions) > 1 else 0.6
    for condition in conditions:
        for row, group in enumerate(groups):
            cell = cells.get((condition, group))
            n = 0 if cell is None else int(cell["n"])
            share = _share(0 if cell is None else cell[weigh], heft[condition])
            mark = style[condition]
            ax.barh(
                row + where[condition],
                0 if np.isnan(share) else share,
                height,
                facecolor=mark.colour if mark.filled else "white",
                edgecolor=mark.colour,
                hatch=mark.hatch,
                linewidth=0.8,
            )
            ax.text(
                (0 if np.isnan(share) else share) + 0.008,
                row + where[condition],
                f"n = {n:,} ({percent(share)})",
                va="center",
                fontsize=7,
            )
    rows_axis(ax, [plain(g) for g in groups])
    ax.set_xlim(0, 1.18)
    _share_axis(
        ax, "share of the training pool" + (", by training weight" if weigh == "weight" else ""), left
    )
    ax.set_xticks(np.linspace(0, 1, 6))
    handles = [
        (
            Patch(facecolor=m.colour if m.filled else "white", edgecolor=m.colour, hatch=m.hatch),
            f"{plain(name)} (n = {int(totals[name]):,})" if name else f"n = {int(totals[name]):,}",
        )
        for name, m in style.items()
    ]
    above(figure, handles)
    return figure


@styled
def entrants_to_winners(shares: pd.DataFrame) -> Figure:
    """From each group's share of the entrants (bar) to its share of the winners (marker with interval).

    shares: group, entrants, winners (counts), optionally condition and ci_low, ci_high of the winners' share.
    A group with no entrants or no winners stays visible and says so.
    """
    shares = with_condition(shares)
    if shares.empty:
        return empty(*one_axes(1.2), "no entrants")
    conditions, style = in_order(shares["condition"]), marks(in_order(shares["condition"]))
    total = shares.groupby("condition")[["entrants", "winners"]].sum()
    groups, left = largest(shares.groupby("group")["entrants"].max(), ROWS)
    figure, ax = _rows_figure(groups, len(conditions))
    where, cells = offsets(conditions, 0.46), _lookup(shares)
    for row, group in enumerate(groups):
        for condition in conditions:
            y, cell, mark = row + where[condition], cells.get((condition, group)), style[condition]
            entrants = 0 if cell is None else int(cell["entrants"])
            winners = 0 if cell is None else int(cell["winners"])
            entered = _share(entrants, total.loc[condition, "entrants"])
            won = _share(winners, total.loc[condition, "winners"])
            if entrants:
                ax.plot([entered] * 2, [y - 0.17, y + 0.17], color=INK, linewidth=2.2, solid_capstyle="butt")
            if not entrants:
                text = "no entrants (n = 0)"
            elif np.isnan(won):
                text = f"{entrants:,} → no winners at all"
            else:
                text = f"{entrants:,} → {winners:,}  ({percent(entered)} → {percent(won)})"
                ax.plot([entered, won], [y, y], color=mark.colour, linewidth=0.9, alpha=0.55)
                if {"ci_low", "ci_high"} <= set(shares.columns):
                    ax.plot(
                        [cell["ci_low"], cell["ci_high"]], [y, y], color=mark.colour, linewidth=2.6, alpha=0.3
                    )
                ax.plot([won], [y], color=mark.colour, gid=f"won:{condition}:{row}", **mark.points(5.5))
            _beside(ax, y, text)
    rows_axis(ax, [plain(g) for g in groups])
    _share_axis(ax, "share of all entrants (bar) and of all winners (marker)", left)
    reach = max((line.get_xdata().max(initial=0) for line in ax.lines), default=1.0)
    reach = 1.0 if np.isnan(reach) or reach > 0.7 else max(1.1 * reach, 0.002)
    ax.set_xlim(-0.02 * reach, 1.02 * reach)
    _beside(ax, -0.5, "n entrants → n winners", header=True)
    won = {name: f"{int(total.loc[name, 'winners']):,} winners" for name in style}
    handles = [
        (mark.key(), f"{plain(name)}: {won[name]}" if name else won[name]) for name, mark in style.items()
    ]
    bar = Line2D([], [], color=INK, marker="|", linestyle="none", markersize=8, markeredgewidth=2)
    above(figure, [*handles, (bar, "share of entrants")])
    return figure


@styled
def ratio_forest(rows: pd.DataFrame, *, reference: str) -> Figure:
    """Selection-rate ratios to the reference with intervals, on a log axis; parity at 1, four fifths dashed.

    rows: group, value, ci_low, ci_high, p_value, n (entrants), optionally condition. A ratio of 0 or ∞ and
    interval ends beyond 1/32 … 32 are drawn as arrows at the edge, with the exact values in the margin;
    a ratio that is not available keeps its row and says so.
    """
    rows = with_condition(rows)
    if rows.empty:
        return empty(*one_axes(1.2), "no group to compare with the reference")
    conditions, style = in_order(rows["condition"]), marks(in_order(rows["condition"]))
    groups, left = largest(rows.groupby("group")["n"].max(), ROWS)
    figure, ax = _rows_figure(groups, len(conditions))
    where, cells = offsets(conditions, 0.46), _lookup(rows)
    drawn = rows[rows["group"].isin(groups)]
    low, high = _ratio_limits(drawn)
    for row, group in enumerate(groups):
        for condition in conditions:
            y, cell, mark = row + where[condition], cells.get((condition, group)), style[condition]
            if cell is None or pd.isna(cell["value"]):
                ax.text(
                    1,
                    y,
                    "not available",
                    ha="center",
                    va="center",
                    color=GREY,
                    fontsize=7,
                    backgroundcolor="white",
                )
                _beside(ax, y, "–")
                continue
            _interval(ax, y, cell, mark, low, high)
            text = f"{number(cell['value'])}  [{number(cell['ci_low'])}, {number(cell['ci_high'])}]"
            _beside(ax, y, f"{text}   {p_said(cell.get('p_value', np.nan))}")
    counts = drawn.groupby("group")["n"].max()
    rows_axis(ax, [f"{plain(g)}\nn = {int(counts[g]):,}" for g in groups])
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ticks = [t for t in (1 / 32, 1 / 16, 1 / 8, 0.25, 0.5, 0.8, 1, 2, 4, 8, 16, 32) if low <= t <= high]
    if high / low > 40:
        ticks = [t for t in ticks if t != 0.8]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"1/{1 / v:.0f}" if v < 0.75 else f"{v:.3g}"))
    ax.axvline(1, zorder=0, **rule(1))
    ax.axvline(0.8, zorder=0, **rule(0.8))
    ax.set_xlabel(with_note(f"selection rate divided by that of {plain(reference)} (log scale)", left))
    _beside(ax, -0.5, f"ratio  [{level(rows)} interval]   p", header=True)
    above(figure, keys(style) + rule_keys(((1.0, "parity"), (0.8, "four fifths"))))
    return figure


def _rows_figure(groups: Sequence[str], conditions: int) -> tuple[Figure, Axes]:
    row = 0.42 if len(groups) <= 10 else 0.3
    return one_axes(0.85 + len(groups) * max(row, 0.22 * conditions))


def _beside(ax: Axes, y: float, text: str, *, header: bool = False) -> None:
    ax.text(
        1.015,
        y,
        text,
        transform=ax.get_yaxis_transform(),
        ha="left",
        va="bottom" if header else "center",
        fontsize=7,
        color=GREY if header else INK,
    )


def _interval(ax: Axes, y: float, cell: pd.Series, mark: Mark, low: float, high: float) -> None:
    """One estimate with its interval; what lies beyond the axis becomes an arrow at its edge."""
    inside = float(np.clip(cell["value"], low, high))
    ends = [cell["ci_low"], cell["ci_high"]]
    if not any(pd.isna(end) for end in ends):
        left, right = (float(np.clip(end, low, high)) for end in ends)
        ax.plot([left, right], [y, y], color=mark.colour, linewidth=1.3, linestyle=mark.line)
        for end, edge, arrow in ((ends[0], low, "<"), (ends[1], high, ">")):
            beyond = end < low if arrow == "<" else end > high
            if beyond:
                ax.plot([edge], [y], arrow, color=mark.colour, markersize=4.5, clip_on=False, in_layout=False)
    points = mark.points(5.5)
    if not low <= cell["value"] <= high:
        points["marker"] = "<" if cell["value"] < low else ">"
    ax.plot([inside], [y], color=mark.colour, clip_on=False, gid=f"estimate:{y:.3f}", **points)


def _ratio_limits(rows: pd.DataFrame) -> tuple[float, float]:
    values = rows[["value", "ci_low", "ci_high"]].to_numpy(float).ravel()
    values = values[np.isfinite(values) & (values > 0)]
    low = min(values.min(initial=0.5) / 1.25, 0.4)
    high = max(values.max(initial=2.0) * 1.25, 2.5)
    return max(low, RATIO_LIMITS[0]), min(high, RATIO_LIMITS[1])


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _share_axis(ax: Axes, label: str, left_out: int = 0) -> None:
    ax.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    ax.grid(axis="x")
    ax.set_xlabel(with_note(label, left_out))
