"""Figures of a data set: how many of whom, and how they are rated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from judge.report.figures.rows import ROWS, with_condition
from judge.report.figures.style import (
    BLUE,
    GREY,
    INK,
    PALE,
    VERMILLION,
    empty,
    one_axes,
    plain,
    rows_axis,
    styled,
    with_note,
)
from judge.report.wording import as_group, largest, number


@styled
def cells(counts: pd.DataFrame, *, limit: int = 24) -> Figure:
    """How many pictures each group has in each bracket; an empty cell says 0 on white.

    counts: group, bracket, n; cells that are not in it are 0.
    """
    table = with_condition(counts)
    if table.empty:
        return empty(*one_axes(1.2), "no pictures")
    groups, left = largest(table.groupby("group")["n"].sum(), limit)
    brackets, more = largest(
        as_group(table["bracket"]).to_frame("b").assign(n=table["n"]).set_index("b")["n"], 12
    )
    grid = table.assign(bracket=as_group(table["bracket"])).pivot_table(
        index="group", columns="bracket", values="n", aggfunc="sum", fill_value=0
    )
    grid = grid.reindex(index=groups, columns=brackets, fill_value=0)
    figure, ax = one_axes(0.9 + 0.27 * len(groups))
    sns.heatmap(
        np.log1p(grid), ax=ax, cmap=sns.light_palette(BLUE, as_cmap=True), vmin=0,
        annot=grid.map(lambda n: f"{int(n):,}").to_numpy(), fmt="",
        linewidths=1.5, annot_kws={"fontsize": 7}, cbar=False, mask=(grid == 0),
        xticklabels=False, yticklabels=False,  # names as they are could be formulas to matplotlib
    )  # fmt: skip
    for y, x in zip(*np.nonzero(grid.to_numpy() == 0), strict=True):
        ax.text(
            x + 0.5, y + 0.5, "0", ha="center", va="center", fontsize=7, color=VERMILLION, fontweight="bold"
        )
    totals = table.groupby("group")["n"].sum()
    ax.set_yticks(
        np.arange(len(groups)) + 0.5, [f"{plain(g)}  (n = {int(totals[g]):,})" for g in groups], rotation=0
    )
    slant = len(brackets) > 6
    ax.set_xticks(
        np.arange(len(brackets)) + 0.5,
        [plain(b, 20) for b in brackets],
        rotation=30 if slant else 0,
        ha="right" if slant else "center",
    )
    ax.tick_params(length=0)
    ax.set_ylabel("")
    ax.set_xlabel(with_note(with_note("", left), more, "brackets"))
    return figure


@styled
def ratings_by_group(people: pd.DataFrame) -> Figure:
    """Ratings by group: box of quartiles with 5–95 % whiskers and the mean with its value.

    people: group, rating, one row a picture; pictures without a rating count as missing, beside the row.
    """
    table = with_condition(people)
    if table.empty or table["rating"].notna().sum() == 0:
        return empty(*one_axes(1.2), "no ratings")
    sizes = table.groupby("group").size()
    groups, left = largest(sizes, ROWS)
    figure, ax = one_axes(0.7 + 0.34 * len(groups))
    shown = table[table["group"].isin(groups)]
    rows_axis(ax, [f"{plain(g)}  (n = {int(sizes[g]):,})" for g in groups])
    for row, group in enumerate(groups):
        ratings = shown.loc[shown["group"] == group, "rating"].dropna()
        missing = int(sizes[group]) - len(ratings)
        if len(ratings):
            low, *box, high = ratings.quantile([0.05, 0.25, 0.5, 0.75, 0.95])
            ax.plot([low, high], [row, row], color=GREY, linewidth=0.9)
            ax.barh(row, box[2] - box[0], 0.5, left=box[0], facecolor=PALE, edgecolor=GREY, linewidth=0.9)
            ax.plot([box[1]] * 2, [row - 0.25, row + 0.25], color=GREY, linewidth=1.2)
            ax.plot([ratings.mean()], [row], "o", color=INK, markersize=4, gid=f"mean:{row}")
        text = f"mean {number(ratings.mean())}" if len(ratings) else "no ratings"
        ax.text(1.015, row, text + (f", {missing:,} missing" if missing and len(ratings) else ""),
                transform=ax.get_yaxis_transform(), va="center", fontsize=7)  # fmt: skip
    ax.grid(axis="x")
    ax.set_ylabel("")
    ax.set_xlabel(with_note("rating", left))
    return figure
