"""Figure of a generator's report card: shown, coverage and density by group, beside real people against real people."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from judge.report.figures.style import BLUE, GREY, VERMILLION, above, new_figure, plain, rows_axis, styled

PANELS = {"shown": "shown as asked", "coverage": "coverage", "density": "density"}


@styled
def coverage_card(cards: pd.DataFrame, *, enough: float = 0.8) -> Figure:
    """One row a group, a panel a measure: a dot for generated faces, a bar for real people against real people.

    cards: group, shown, coverage, density, coverage_real, density_real, verdict. Groups whose verdict is not diverse
    are drawn in another colour and with another mark. Dashed ticks: `enough` of the value of real people.
    """
    panels = [name for name in PANELS if name in cards and cards[name].notna().any()]
    figure, axes = new_figure(0.9 + 0.24 * max(len(cards), 3), 1, max(len(panels), 1), sharey=True)
    good: dict[str, Any] = {"marker": "o", "color": BLUE}
    bad: dict[str, Any] = {"marker": "X", "color": VERMILLION}
    for ax, name in zip(axes[0], panels, strict=False):
        rows_axis(ax, [plain(group) for group in cards["group"]])
        for y, row in enumerate(cards.itertuples()):
            real = getattr(row, f"{name}_real", float("nan"))
            if pd.notna(real):
                ax.plot([real, real], [y - 0.36, y + 0.36], color=GREY, linewidth=2)
                ax.plot(
                    [enough * real] * 2,
                    [y - 0.36, y + 0.36],
                    color=GREY,
                    linewidth=0.8,
                    linestyle=(0, (2, 1)),
                )
            mark = good if row.verdict == "diverse" else bad
            ax.plot(
                [getattr(row, name)],
                [y],
                linestyle="none",
                markersize=5,
                gid=f"{name}:{plain(row.group)}",
                **mark,
            )
        ax.set_xlim(left=0)
        if name == "shown":
            ax.set_xlim(0, 1.03)
        ax.set_title(PANELS[name], fontweight="normal")
    above(
        figure,
        [
            (Line2D([], [], linestyle="none", **good), "generated, diverse"),
            (Line2D([], [], linestyle="none", **bad), "generated, another verdict"),
            (Line2D([], [], color=GREY, linewidth=2), "real people against real people"),
            (Line2D([], [], color=GREY, linewidth=0.8, linestyle=(0, (2, 1))), f"{enough:g} of it"),
        ],
    )
    return figure
