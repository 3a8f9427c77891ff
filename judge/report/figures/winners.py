"""The figure of the winners: from who entered to who won."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from judge.report.figures.rows import (
    ROWS,
    beside,
    by_cell,
    rows_figure,
    rows_of,
    share_axis,
    share_of,
    with_condition,
)
from judge.report.figures.style import INK, above, empty, marks, one_axes, plain, styled
from judge.report.wording import headcount, largest, percent


@styled
def entrants_to_winners(shares: pd.DataFrame) -> Figure:
    """From each group's share of the entrants (bar) to its share of the winners (marker with interval).

    shares: group, entrants, winners (counts), optionally condition, ci_low, ci_high of the winners' share, and
    expected_winner_share, what chance gives within brackets (a cross).
    A group with no entrants or no winners stays visible and says so.
    """
    shares = with_condition(shares)
    if shares.empty:
        return empty(*one_axes(1.2), "no entrants")
    style = marks(shares["condition"])
    total = shares.groupby("condition")[["entrants", "winners"]].sum()
    groups, left = largest(shares.groupby("group")["entrants"].max(), ROWS)
    rows, cells = rows_of(groups, style), by_cell(shares)
    figure, (ax,) = rows_figure(rows)
    for y, condition, group, mark in rows:
        cell = cells.get((condition, group))
        entrants, winners = (0, 0) if cell is None else (int(cell["entrants"]), cell["winners"])
        entered = share_of(entrants, total.loc[condition, "entrants"])
        won = share_of(winners, total.loc[condition, "winners"])
        if entrants:
            ax.plot([entered] * 2, [y - 0.3, y + 0.3], color=INK, linewidth=2.2, solid_capstyle="butt")
        if not entrants:
            text = "no entrants (n = 0)"
        elif np.isnan(won):
            text = f"{entrants:,} → no winners at all"
        else:
            text = f"{entrants:,} → {headcount(winners)}  ({percent(entered)} → {percent(won)})"
            ax.plot([entered, won], [y, y], color=mark.colour, linewidth=0.9, alpha=0.55)
            if {"ci_low", "ci_high"} <= set(shares.columns):
                ends = [cell["ci_low"], cell["ci_high"]]
                ax.plot(ends, [y, y], color=mark.colour, linewidth=3, alpha=0.3)
            if "expected_winner_share" in shares and not pd.isna(cell["expected_winner_share"]):
                chance = float(cell["expected_winner_share"])
                ax.plot([chance], [y], "x", color=INK, markersize=5, gid=f"chance:{condition}:{plain(group)}")
            ax.plot([won], [y], color=mark.colour, gid=f"won:{condition}:{plain(group)}", **mark.points(5.5))
        beside(ax, y, text)
    share_axis(ax, "share of all entrants (bar) and of all winners (marker)", left)
    reach = _reach(shares[shares["group"].isin(groups)], total)
    ax.set_xlim(-0.02 * reach, 1.02 * reach)
    beside(ax, 0, "n entrants → n winners", header=True)
    bar = Line2D([], [], color=INK, marker="|", linestyle="none", markersize=8, markeredgewidth=2)
    marker = Line2D([], [], color=INK, marker="o", linestyle="none", markerfacecolor="none", markersize=5)
    keys = [(bar, "share of entrants"), (marker, "share of winners, with interval")]
    if "expected_winner_share" in shares:
        cross = Line2D([], [], color=INK, marker="x", linestyle="none", markersize=5)
        keys.insert(1, (cross, "share that chance gives within brackets"))
    above(figure, keys)
    return figure


def _reach(shares: pd.DataFrame, total: pd.DataFrame) -> float:
    """The largest share that is drawn and some air, or 1 where that is large."""
    of_all = [
        shares[column] / shares["condition"].astype(object).map(total[column]).replace(0, np.nan)
        for column in ("entrants", "winners")
    ]
    drawn = np.concatenate(
        [
            *of_all,
            *(shares.get(name, pd.Series(dtype=float)) for name in ("ci_high", "expected_winner_share")),
        ]
    ).astype(float)
    reach = float(np.nanmax(drawn, initial=0.0))
    return 1.0 if reach > 0.7 else max(1.1 * reach, 0.002)
