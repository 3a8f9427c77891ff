"""Figure of truncation: shares, coverage, density, variety and tone against ψ, a line a group."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from judge.report.figures.style import above, empty, keys, marks, new_figure, one_axes, panels_done, styled

NAMES = {
    "share_out": "share shown",
    "coverage": "coverage",
    "density": "density",
    "vendi": "Vendi score",
    "ita": "tone, ITA in degrees",
}


@styled
def truncation_lines(table: pd.DataFrame) -> Figure:
    """One panel a measure, a line a group with its interval where it has one.

    table: psi, feature, group, measure, value, ci_low, ci_high; rows of feature `group` are of all of its measures,
    others of share_out, of which the first feature is drawn.
    """
    features = [f for f in table["feature"].unique() if f != "group"]
    parts = {}
    for measure, title in NAMES.items():
        rows = table[table["measure"] == measure]
        if measure == "share_out" and features:
            rows = rows[rows["feature"] == features[0]]
            title = f"{title}: {features[0]}"
        if len(rows) and rows["value"].notna().any():
            parts[title] = rows
    if not parts:
        return empty(*one_axes(1.4), "no truncation was measured")
    style = marks(pd.concat(parts.values())["group"])
    columns = min(len(parts), 3)
    lines = -(-len(parts) // columns)
    figure, axes = new_figure(0.7 + 1.9 * lines + 0.05 * len(style), lines, columns, sharex=True)
    for ax, (title, rows) in zip(axes.flat, parts.items(), strict=False):
        for group, mark in style.items():
            mine = rows[rows["group"] == group].sort_values("psi")
            if mine.empty:
                continue
            ax.plot(mine["psi"], mine["value"], color=mark.colour, linestyle=mark.line, linewidth=1.1)
            ax.plot(mine["psi"], mine["value"], color=mark.colour, **mark.points(4))
            if mine["ci_low"].notna().any():
                ax.fill_between(
                    mine["psi"], mine["ci_low"], mine["ci_high"], color=mark.colour, alpha=0.12, linewidth=0
                )
        ax.set_title(title, fontweight="normal")
    panels_done(axes, len(parts))
    figure.supxlabel("truncation ψ", fontsize=8)
    above(figure, keys(style, line=True))
    return figure
