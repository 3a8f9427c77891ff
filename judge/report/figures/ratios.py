"""The forest plot of selection-rate ratios."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from judge.report.figures.drawing.paper import NARROW, current
from judge.report.figures.rows import ROWS, beside, by_cell, rows_figure, rows_of, with_condition
from judge.report.figures.style import (
    GREY,
    Mark,
    above,
    empty,
    marks,
    one_axes,
    plain,
    rule,
    rule_keys,
    styled,
    with_note,
)
from judge.report.wording import largest, level, number, p_said

RATIO_LIMITS = (1 / 32, 32.0)  # a ratio beyond is drawn as an arrow at the edge, its value beside it


@styled
def ratio_forest(rows: pd.DataFrame, *, reference: str) -> Figure:
    """Selection-rate ratios to the reference with intervals, on a log axis; parity at 1, four fifths dashed.

    rows: group, value, ci_low, ci_high, p_value, n (entrants), optionally condition. A ratio of 0 or ∞ and
    interval ends beyond 1/32 … 32 are drawn as arrows at the edge, with the exact values in the margin;
    a ratio that is not available keeps its row and says so. Where `bracket` says "within", so does the axis.
    """
    rows = with_condition(rows)
    if rows.empty:
        return empty(*one_axes(1.2), "no group to compare with the reference")
    groups, left = largest(rows.groupby("group")["n"].max(), ROWS)
    drawn, cells = rows[rows["group"].isin(groups)], by_cell(rows)
    lines = rows_of(groups, marks(rows["condition"]), drawn.groupby("group")["n"].max())
    figure, (ax,) = rows_figure(lines)
    low, high = _limits(drawn)
    for y, condition, group, mark in lines:
        cell = cells.get((condition, group))
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
            beside(ax, y, "–")
            continue
        _estimate(ax, y, cell, mark, (low, high), gid=f"ratio:{condition}:{plain(group)}")
        text = f"{number(cell['value'])}  [{number(cell['ci_low'])}, {number(cell['ci_high'])}]"
        beside(ax, y, f"{text}   {p_said(cell.get('p_value', np.nan))}")
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ticks = [t for t in (1 / 32, 1 / 16, 1 / 8, 0.25, 0.5, 0.8, 1, 2, 4, 8, 16, 32) if low <= t <= high]
    if high / low > 40 or current().width <= NARROW:
        ticks = [t for t in ticks if t != 0.8]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"1/{1 / v:.0f}" if v < 0.75 else f"{v:.3g}"))
    ax.axvline(1, zorder=0, **rule(1))
    ax.axvline(0.8, zorder=0, **rule(0.8))
    ax.axvline(1.25, zorder=0, **rule(0.8))
    adjusted = ", adjusted for brackets" if "bracket" in rows and (rows["bracket"] == "within").any() else ""
    ax.set_xlabel(
        with_note(f"selection rate divided by that of {plain(reference)}{adjusted} (log scale)", left)
    )
    beside(ax, 0, f"ratio  [{level(rows)} interval]   p", header=True)
    above(figure, rule_keys(((1.0, "parity"), (0.8, "four fifths, either way"))))
    return figure


def _estimate(
    ax: Axes, y: float, cell: pd.Series, mark: Mark, limits: tuple[float, float], *, gid: str
) -> None:
    """One estimate with its interval; what lies beyond the axis becomes an arrow at its edge."""
    low, high = limits
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
    ax.plot([inside], [y], color=mark.colour, clip_on=False, gid=gid, **points)


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    values = rows[["value", "ci_low", "ci_high"]].to_numpy(float).ravel()
    values = values[np.isfinite(values) & (values > 0)]
    low = min(values.min(initial=0.5) / 1.25, 0.4)
    high = max(values.max(initial=2.0) * 1.25, 2.5)
    return max(low, RATIO_LIMITS[0]), min(high, RATIO_LIMITS[1])
