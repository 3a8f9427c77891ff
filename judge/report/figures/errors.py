"""Figures of errors: how far each group's scores are from people's ratings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from judge.report.figures.rows import ROWS, rows_figure, rows_of, with_condition
from judge.report.figures.style import (
    CROWDED,
    GREY,
    INK,
    above,
    empty,
    keys,
    marks,
    one_axes,
    panels_done,
    panels_of,
    plain,
    rule_keys,
    styled,
    with_note,
)
from judge.report.wording import largest

ERRORS = {
    "pearson": "Pearson correlation",
    "mae": "mean absolute error",
    "signed_error": "signed error (score − rating)",
}


@styled
def error_by_group(audit: pd.DataFrame) -> Figure:
    """Pearson correlation, mean absolute error and signed error by group with intervals, one panel each.

    audit: rows of the audit table with these metrics, optionally with a condition column.
    """
    rows = with_condition(audit[audit["metric"].isin(ERRORS)])
    if rows.empty:
        return empty(*one_axes(1.2), "no ratings to compare the scores with")
    sizes = rows.groupby("group")["n"].max()
    groups, left = largest(sizes, ROWS)
    lines = rows_of(groups, marks(rows["condition"]), sizes)
    metrics = [m for m in ERRORS if m in set(rows["metric"])]
    figure, axes = rows_figure(lines, len(metrics))
    for ax, metric in zip(axes, metrics, strict=True):
        cells = rows[rows["metric"] == metric].set_index(["condition", "group"])
        for y, condition, group, mark in lines:
            key = (condition, group)
            value = cells.loc[key, "value"] if key in cells.index else np.nan
            if pd.isna(value):
                ax.text(0.5, y, "not available", transform=ax.get_yaxis_transform(), ha="center", va="center",
                        fontsize=6.5, color=GREY)  # fmt: skip
                continue
            ends = cells.loc[key, ["ci_low", "ci_high"]].astype(float)
            ax.plot(ends, [y, y], color=mark.colour, linewidth=1.2)
            ax.plot(
                [value], [y], color=mark.colour, gid=f"{metric}:{condition}:{plain(group)}", **mark.points()
            )
        if metric != "pearson":
            ax.axvline(0, color=INK, linewidth=0.8, zorder=0)
        ax.set_title(ERRORS[metric], fontweight="normal")
        ax.grid(axis="x")
    figure.supxlabel(with_note("", left), fontsize=8)
    return figure


@styled
def calibration(points: pd.DataFrame, *, same_scale: bool = True) -> Figure:
    """Score against rating by group: means of tenths of the ratings with ±1.96 standard errors.

    points: group, rating, score, optionally condition; they are dots too, as long as a panel has few conditions.
    With `same_scale` the diagonal is where both agree; a line flatter than it gives the best of a group too little,
    and winners are the best. At most nine groups.
    """
    table = with_condition(points)
    table = table[np.isfinite(table[["rating", "score"]].astype(float)).all(axis=1)]
    if table.empty:
        return empty(*one_axes(1.2), "no ratings to compare the scores with")
    style = marks(table["condition"])
    sizes = table.groupby(["condition", "group"]).size().groupby("group").max()
    groups, left = largest(sizes, 9)
    figure, axes = panels_of(len(groups), len(style), height=1.9)
    # a few scores far out would press all others into a line
    reach = list(table["score"].quantile([0.02, 0.98]))
    for ax, group in zip(axes.flat, groups, strict=False):
        for condition, mark in style.items():
            part = table[(table["group"] == group) & (table["condition"] == condition)]
            if part.empty:
                continue
            shown = part if len(part) <= 1000 else part.iloc[:: -(-len(part) // 1000)]
            if len(style) <= CROWDED:
                sns.scatterplot(
                    x=shown["rating"], y=shown["score"], ax=ax, s=4, color=mark.colour, alpha=0.18,
                    linewidth=0, legend=False, rasterized=len(shown) > 300,
                )  # fmt: skip
            means = _tenths(part)
            ax.errorbar(
                means["rating"], means["score"], yerr=1.96 * means["error"], color=mark.colour, linestyle=mark.line,
                marker=mark.marker, markersize=4, elinewidth=0.8, markeredgewidth=0.9,
                markerfacecolor=mark.face, gid=f"tenths:{condition}:{plain(group)}",
            )  # fmt: skip
            reach += [means["score"].min(), means["score"].max()]
        if same_scale:
            ax.axline((table["rating"].mean(),) * 2, slope=1, color=INK, linewidth=0.8, zorder=0)
        ax.set_title(f"{plain(group)}\nn = {int(sizes[group]):,}")
        ax.set_xlabel("")
        ax.set_ylabel("")
    pad = 0.06 * (max(reach) - min(reach))
    axes[0, 0].set_ylim(min(reach) - pad, max(reach) + pad)
    panels_done(axes, len(groups))
    figure.supxlabel(with_note("mean rating by people", left), fontsize=8)
    figure.supylabel("score by the judge", fontsize=8)
    above(figure, keys(style, line=True) + (rule_keys([(1, "score = rating")]) if same_scale else []))
    return figure


def _tenths(part: pd.DataFrame) -> pd.DataFrame:
    """Mean rating, mean score and its standard error in up to ten equal parts by rating."""
    bins = int(np.clip(len(part) // 10, 1, 10))
    cell = pd.qcut(part["rating"].rank(method="first"), bins, labels=False)
    cells = part.groupby(cell)
    means = cells[["rating", "score"]].mean()
    means["error"] = cells["score"].std() / np.sqrt(cells.size())
    return means.fillna({"error": 0.0})
