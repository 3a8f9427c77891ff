"""Figure of probes: how well a freshly trained classifier reads the group from each judge."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from judge.report.figures.rows import by_cell, rows_figure, rows_of, share_axis, with_condition
from judge.report.figures.style import INK, marks, plain, styled

READS = {"features": "read from the features", "score": "read from the score alone"}
PROBES = {"linear": "linear", "two_layer": "two-layer", "boosted_trees": "boosted trees"}


@styled
def probes(table: pd.DataFrame) -> Figure:
    """Balanced accuracy of each probe with its interval, one panel a probe, and chance as a line.

    table: condition, reads, probe, balanced_accuracy, ci_low, ci_high, chance.
    """
    rows = with_condition(table.assign(group=table["reads"].map(READS)))
    style = marks(rows["condition"])
    lines = rows_of([name for name in READS.values() if name in set(rows["group"])], style)
    kinds = [kind for kind in PROBES if kind in set(rows["probe"])]
    figure, axes = rows_figure(lines, len(kinds))
    for ax, kind in zip(axes, kinds, strict=True):
        cells = by_cell(rows[rows["probe"] == kind])
        for y, condition, group, mark in lines:
            row = cells.get((condition, group))
            if row is None:  # it has another condition's features, which are shown there
                continue
            ax.plot([row["ci_low"], row["ci_high"]], [y, y], color=mark.colour, linewidth=1.2)
            ax.plot([row["balanced_accuracy"]], [y], color=mark.colour,
                    gid=f"probe:{condition}:{plain(group)}", **mark.points())  # fmt: skip
        ax.axvline(float(rows["chance"].iloc[0]), color=INK, linewidth=0.8, zorder=0)
        ax.set_xlim(0, 1.03)
        ax.set_title(PROBES[kind], fontweight="normal")
        share_axis(ax, "")
    figure.supxlabel("balanced accuracy on people whom the probe has not seen", fontsize=8)
    return figure
