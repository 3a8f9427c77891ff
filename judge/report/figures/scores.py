"""The figure of the scores: where each group stands to the winners’ cut."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from judge.report.figures.rows import with_condition
from judge.report.figures.style import (
    GREY,
    INK,
    PALE,
    Mark,
    above,
    empty,
    marks,
    new_figure,
    one_axes,
    panels_done,
    plain,
    rows_axis,
    styled,
    with_note,
)
from judge.report.wording import largest

DENSITY_POINTS = 5_000  # people a density is drawn from; box, n and winners are always those of everybody
DOTS = 400  # winners drawn as single dots, at most, a row


def margins(scores: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Adds `cut` (score of the last winner of the own bracket and condition) and `margin` to it.

    With one bracket the margin is the score itself; else score − cut, so that brackets can share an axis.
    Returns the table and the axis label. Entrants of a bracket without winners have NaN.
    """
    table = with_condition(scores)
    if "bracket" not in table:
        table["bracket"] = "all"
    cut = table[table["winner"].astype(bool)].groupby(["condition", "bracket"])["score"].min().rename("cut")
    table = table.join(cut, on=["condition", "bracket"])
    if table["bracket"].nunique() <= 1:
        table["margin"] = table["score"]
        return table, "score"
    table["margin"] = table["score"] - table["cut"]
    return table, "score minus the winners’ cut of the own bracket"


@styled
def scores_by_group(scores: pd.DataFrame, totals: pd.DataFrame | None = None) -> Figure:
    """Scores by group as density and box (5, 25, 50, 75, 95 %), winners as dots, and the winners’ cut as a line.

    scores: group, score, winner (bool), optionally bracket and condition, one row an entrant. With several
    brackets the axis is the distance to the cut of the own bracket: who is right of 0 has won.
    totals: condition, group, entrants, winners, where `scores` is a thinned table (`thinned`).
    """
    table, label = margins(scores)
    total = len(table)
    table = table[np.isfinite(table["margin"].astype(float))]
    if table.empty:
        return empty(*one_axes(1.2), "no scores")
    style = marks(table["condition"])
    if totals is None:
        counted = with_condition(scores).groupby(["condition", "group"])["winner"]
        totals = counted.agg(entrants="size", winners="sum").reset_index()
    totals = with_condition(totals).set_index(["condition", "group"])
    sizes = totals["entrants"]
    groups, left = largest(sizes.groupby("group").max(), 12)
    columns = min(len(style), 3)
    lines = -(-len(style) // columns)
    one_scale = _one_scale(table)
    figure, axes = new_figure(
        0.75 + lines * ((0.2 if one_scale else 0.42) + 0.48 * len(groups)),
        lines,
        columns,
        sharex=one_scale,
        sharey=True,
    )
    counts = sizes.groupby("group").max()
    for i, (ax, (condition, mark)) in enumerate(zip(axes.flat, style.items(), strict=False)):
        part = table[table["condition"] == condition]
        rows_axis(ax, [f"{plain(g)}\nn = {int(counts[g]):,}" for g in groups])
        ax.tick_params(labelleft=i % columns == 0)
        for row, group in enumerate(groups):
            won = int(totals["winners"].get((condition, group), 0))
            _score_row(ax, row, part[part["group"] == group], mark, won)
        for cut in part["cut"].dropna().unique() if label == "score" else [0.0]:
            ax.axvline(cut, color=INK, linewidth=0.9, zorder=1)
        if condition:
            ax.set_title(mark.label)
        low, high = _limits(table if one_scale else part)
        ax.set_xlim(low, high)
    panels_done(axes, len(style))
    label = with_note(label if one_scale else f"{label}; each panel has its own scale", left)
    if total > len(table):
        label += f"\nnot drawn, for want of a score or of a winner in the bracket: {total - len(table):,}"
    figure.supxlabel(label, fontsize=8)
    handles = [
        (Patch(facecolor=PALE, edgecolor=GREY), "density"),
        (Line2D([], [], color=INK, linewidth=3, solid_capstyle="butt"), "middle half, line 5–95 %"),
        (Line2D([], [], color=INK, marker="|", linestyle="none", markersize=6), "a winner"),
        (Line2D([], [], color=INK, linewidth=0.9), "winners’ cut"),
    ]
    above(figure, handles)
    return figure


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    """The span of the margins, with some air; a few far below do not press the rest together."""
    margin = table["margin"]
    low, high = np.quantile(margin, [0.0005, 1]) if len(margin) > 50 else margin.agg(["min", "max"])
    pad = 0.04 * (high - low or 1)
    return float(low - pad), float(high + pad)


def _one_scale(table: pd.DataFrame) -> bool:
    """False where a condition's scores (standardised ones, sums of ranks) would vanish on the others' axis."""
    middle = table.groupby("condition")["margin"].quantile([0.05, 0.95]).unstack()
    widths = middle[0.95] - middle[0.05]
    whole = middle[0.95].max() - middle[0.05].min()
    return bool(widths.min() > 0.2 * whole) or whole == 0 or len(widths) < 2


def thinned(scores: pd.DataFrame, most: int = 200_000) -> pd.DataFrame:
    """Evenly spaced order statistics of each condition and group: quantiles and cuts stay, millions of rows go.

    The last winner and the winners' tops of every bracket are kept, so the cut is exact.
    """
    if len(scores) <= most:
        return scores
    step = -(-len(scores) // most)
    ordered = scores.sort_values("score", ascending=False, kind="stable")
    keys = [c for c in ("condition", "group") if c in ordered]
    every = ordered.groupby(keys, sort=False, observed=True).cumcount() % step == 0
    won = ordered["winner"].astype(bool)
    edge = [c for c in ("condition", "bracket") if c in ordered]
    last = (
        ordered[won].groupby(edge, sort=False, observed=True).tail(1).index
        if edge
        else ordered[won].tail(1).index
    )
    return ordered[every | ordered.index.isin(last)].sort_index()


def _score_row(ax: Axes, row: int, part: pd.DataFrame, mark: Mark, n_won: int) -> None:
    values = part["margin"].to_numpy(float)
    if not len(values):
        ax.text(0.5, row, "none", transform=ax.get_yaxis_transform(), ha="center", va="center", color=GREY)
        return
    if len(values) > 4 and np.ptp(values) > 0:
        grid, height = _density(values)
        ax.fill_between(
            grid, row - 0.02, row - 0.02 - 0.4 * height, color=mark.colour, alpha=0.25, linewidth=0
        )
        ax.plot(grid, row - 0.02 - 0.4 * height, color=mark.colour, linewidth=0.7)
    q = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
    ax.plot(q[[0, 4]], [row + 0.1] * 2, color=mark.colour, linewidth=0.9)
    ax.plot(q[[1, 3]], [row + 0.1] * 2, color=mark.colour, linewidth=3.2, solid_capstyle="butt")
    ax.plot(
        [q[2]], [row + 0.1], marker="|", color="white", markersize=5, markeredgewidth=1.2, gid=f"median:{row}"
    )
    won = np.sort(part.loc[part["winner"].astype(bool), "margin"].to_numpy(float))[::-1]
    ax.plot(
        won[:DOTS],
        [row + 0.3] * len(won[:DOTS]),
        "|",
        color=INK,
        markersize=5,
        markeredgewidth=0.7,
        alpha=0.8,
    )
    ax.text(
        0.01,
        row + 0.3,
        f"{n_won:,} won",
        transform=ax.get_yaxis_transform(),
        ha="left",
        va="center",
        fontsize=6.5,
        color=GREY,
    )


def _density(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian kernel density on a grid, its top at 1, from evenly spaced order statistics of large groups."""
    from scipy.stats import gaussian_kde

    if len(values) > DENSITY_POINTS:
        values = np.quantile(values, (np.arange(DENSITY_POINTS) + 0.5) / DENSITY_POINTS)
    grid = np.linspace(values.min(), values.max(), 120)
    height = gaussian_kde(values)(grid)
    return grid, height / height.max()
