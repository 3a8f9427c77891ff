"""Figures of scores and of ratings: where each group stands to the winners' cut, and how it is misjudged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from judge.report.figures import ROWS, offsets, with_condition
from judge.report.style import (
    GREY,
    INK,
    PALE,
    Mark,
    above,
    empty,
    in_order,
    largest,
    left_out_note,
    marks,
    new_figure,
    number,
    one_axes,
    panels_done,
    plain,
    rows_axis,
    styled,
)

DENSITY_POINTS = 5_000  # people a density is drawn from; box, n and winners are always those of everybody
DOTS = 400  # winners drawn as single dots, at most, a row
ERRORS = {
    "pearson": "Pearson correlation",
    "mae": "mean absolute error",
    "signed_error": "signed error (score − rating)",
}


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
    return table, "score minus the winners' cut of the own bracket"


@styled
def scores_by_group(scores: pd.DataFrame, totals: pd.DataFrame | None = None) -> Figure:
    """Scores by group as density and box (5, 25, 50, 75, 95 %), winners as dots, and the winners' cut as a line.

    scores: group, score, winner (bool), optionally bracket and condition, one row an entrant. With several
    brackets the axis is the distance to the cut of the own bracket: who is right of 0 has won.
    totals: condition, group, entrants, winners, where `scores` is a thinned table (`thinned`).
    """
    table, label = margins(scores)
    total = len(table)
    table = table[np.isfinite(table["margin"].astype(float))]
    if table.empty:
        return empty(*one_axes(1.2), "no scores")
    conditions, style = in_order(table["condition"]), marks(in_order(table["condition"]))
    if totals is None:
        counted = with_condition(scores).groupby(["condition", "group"])["winner"]
        totals = counted.agg(entrants="size", winners="sum").reset_index()
    totals = with_condition(totals).set_index(["condition", "group"])
    sizes = totals["entrants"]
    groups, left = largest(sizes.groupby("group").max(), 12)
    low, high = (
        np.quantile(table["margin"], [0.0005, 1]) if len(table) > 50 else table["margin"].agg(["min", "max"])
    )
    pad = 0.04 * (high - low or 1)
    figure, axes = new_figure(
        0.75 + len(groups) * (0.5 if len(conditions) < 3 else 0.42),
        1,
        len(conditions),
        sharex=True,
        sharey=True,
    )
    for ax, condition in zip(axes[0], conditions, strict=True):
        part = table[table["condition"] == condition]
        for row, group in enumerate(groups):
            won = int(totals["winners"].get((condition, group), 0))
            _score_row(ax, row, part[part["group"] == group], style[condition], won)
        cuts = part["cut"].dropna().unique() if label == "score" else [0.0]
        for cut in cuts:
            ax.axvline(cut, color=INK, linewidth=0.9, zorder=1)
        if condition:
            ax.set_title(plain(condition))
        ax.set_xlim(low - pad, high + pad)
        ax.set_xlabel("")
    counts = sizes.groupby("group").max()
    rows_axis(axes[0, 0], [f"{plain(g)}\nn = {int(counts[g]):,}" for g in groups])
    for ax in axes[0, 1:]:
        rows_axis(ax, [""] * len(groups))
        ax.set_yticks(range(len(groups)), [f"{plain(g)}\nn = {int(counts[g]):,}" for g in groups])
        ax.tick_params(axis="y", length=0, labelleft=False)
    notes = [label, left_out_note(left)]
    if total > len(table):
        notes.append(
            f"{total - len(table):,} entrants without a score or in a bracket without a winner are not drawn"
        )
    figure.supxlabel("\n".join(n for n in notes if n), fontsize=8)
    handles = [
        (Patch(facecolor=PALE, edgecolor=GREY), "density"),
        (Line2D([], [], color=INK, linewidth=3, solid_capstyle="butt"), "middle half, line 5–95 %"),
        (Line2D([], [], color=INK, marker="|", linestyle="none", markersize=6), "a winner"),
        (Line2D([], [], color=INK, linewidth=0.9), "winners' cut"),
    ]
    above(figure, handles)
    return figure


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


@styled
def error_by_group(audit: pd.DataFrame) -> Figure:
    """Pearson correlation, mean absolute error and signed error by group with intervals, one panel each.

    audit: rows of the audit table with these metrics, optionally with a condition column.
    """
    rows = with_condition(audit[audit["metric"].isin(ERRORS)])
    if rows.empty:
        return empty(*one_axes(1.2), "no ratings to compare the scores with")
    conditions, style = in_order(rows["condition"]), marks(in_order(rows["condition"]))
    sizes = rows.groupby("group")["n"].max()
    groups, left = largest(sizes, ROWS)
    metrics = [m for m in ERRORS if m in set(rows["metric"])]
    figure, axes = new_figure(
        0.85 + len(groups) * max(0.36, 0.2 * len(conditions)), 1, len(metrics), sharey=True
    )
    where = offsets(conditions, 0.4)
    for ax, metric in zip(axes[0], metrics, strict=True):
        cells = rows[rows["metric"] == metric].set_index(["condition", "group"])
        rows_axis(ax, [f"{plain(g)}\nn = {int(sizes[g]):,}" for g in groups])
        for condition in conditions:
            for row, group in enumerate(groups):
                y, key = row + where[condition], (condition, group)
                value = cells.loc[key, "value"] if key in cells.index else np.nan
                if pd.isna(value):
                    ax.text(
                        0.5,
                        y,
                        "not available",
                        transform=ax.get_yaxis_transform(),
                        ha="center",
                        va="center",
                        fontsize=6.5,
                        color=GREY,
                    )
                    continue
                mark = style[condition]
                ax.plot(
                    cells.loc[key, ["ci_low", "ci_high"]].astype(float),
                    [y, y],
                    color=mark.colour,
                    linewidth=1.2,
                )
                ax.plot([value], [y], color=mark.colour, gid=f"{metric}:{condition}:{row}", **mark.points())
        if metric != "pearson":
            ax.axvline(0, color=INK, linewidth=0.8, zorder=0)
        ax.set_title(ERRORS[metric], fontweight="normal")
        ax.grid(axis="x")
    figure.supxlabel(left_out_note(left), fontsize=8)
    above(figure, [(Line2D([], [], color=m.colour, **m.points()), plain(n)) for n, m in style.items() if n])
    return figure


@styled
def calibration(points: pd.DataFrame, *, same_scale: bool = True) -> Figure:
    """Score against rating by group: means of tenths of the ratings with ±1.96 standard errors, over all points.

    points: group, rating, score, optionally condition. With `same_scale` the diagonal is where both agree;
    a line flatter than it gives the best of a group too little, and winners are the best. At most nine groups.
    """
    table = with_condition(points)
    table = table[np.isfinite(table[["rating", "score"]].astype(float)).all(axis=1)]
    if table.empty:
        return empty(*one_axes(1.2), "no ratings to compare the scores with")
    conditions, style = in_order(table["condition"]), marks(in_order(table["condition"]))
    sizes = table.groupby(["condition", "group"]).size().groupby("group").max()
    groups, left = largest(sizes, 9)
    columns = min(len(groups), 3)
    lines = -(-len(groups) // columns)
    figure, axes = new_figure(0.55 + 1.9 * lines, lines, columns, sharex=True, sharey=True)
    for ax, group in zip(axes.flat, groups, strict=False):
        for condition in conditions:
            part = table[(table["group"] == group) & (table["condition"] == condition)]
            if part.empty:
                continue
            mark = style[condition]
            shown = part if len(part) <= 1000 else part.iloc[:: -(-len(part) // 1000)]
            sns.scatterplot(
                x=shown["rating"], y=shown["score"], ax=ax, s=4, color=mark.colour, alpha=0.18,
                linewidth=0, legend=False, rasterized=len(shown) > 300,
            )  # fmt: skip
            means = _tenths(part)
            ax.errorbar(
                means["rating"], means["score"], yerr=1.96 * means["error"], color=mark.colour, linestyle=mark.line,
                marker=mark.marker, markersize=4, elinewidth=0.8, markeredgewidth=0.9,
                markerfacecolor=mark.colour if mark.filled else "white",
            )  # fmt: skip
        if same_scale:
            ax.axline((table["rating"].mean(),) * 2, slope=1, color=INK, linewidth=0.8, zorder=0)
        ax.set_title(f"{plain(group)}, n = {int(sizes[group]):,}")
        ax.set_xlabel("")
        ax.set_ylabel("")
    panels_done(axes, len(groups))
    note = left_out_note(left)
    figure.supxlabel("mean rating by people" + (f"\n{note}" if note else ""), fontsize=8)
    figure.supylabel("score by the judge", fontsize=8)
    handles = [
        (Line2D([], [], color=m.colour, **(m.points() | {"linestyle": m.line})), plain(n))
        for n, m in style.items()
        if n
    ]
    if same_scale:
        handles.append((Line2D([], [], color=INK, linewidth=0.8), "score = rating"))
    above(figure, handles)
    return figure


def _tenths(part: pd.DataFrame) -> pd.DataFrame:
    """Mean rating, mean score and its standard error in up to ten equal parts by rating."""
    bins = int(np.clip(len(part) // 10, 1, 10))
    cell = pd.qcut(part["rating"].rank(method="first"), bins, labels=False)
    cells = part.groupby(cell)
    means = cells[["rating", "score"]].mean()
    means["error"] = cells["score"].std() / np.sqrt(cells.size())
    return means.fillna({"error": 0.0})


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
    sns.boxplot(
        data=shown, x="rating", y="group", order=groups, ax=ax, whis=(5, 95), width=0.5, showfliers=False,
        color=PALE, linecolor=GREY, linewidth=0.9,
    )  # fmt: skip
    rows_axis(ax, [f"{plain(g)}  (n = {int(sizes[g]):,})" for g in groups])
    for row, group in enumerate(groups):
        ratings = shown.loc[shown["group"] == group, "rating"].dropna()
        missing = int(sizes[group]) - len(ratings)
        if len(ratings):
            ax.plot([ratings.mean()], [row], "o", color=INK, markersize=4, gid=f"mean:{row}")
        text = f"mean {number(ratings.mean())}" if len(ratings) else "no ratings"
        ax.text(1.015, row, text + (f", {missing:,} missing" if missing and len(ratings) else ""),
                transform=ax.get_yaxis_transform(), va="center", fontsize=7)  # fmt: skip
    ax.grid(axis="x")
    ax.set_ylabel("")
    note = left_out_note(left)
    ax.set_xlabel("rating" + (f"\n{note}" if note else ""))
    return figure
