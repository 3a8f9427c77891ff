"""How trainings went: the loss by epoch, a line a network."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from judge.report.figures.style import above, empty, keys, marks, new_figure, one_axes, styled


@styled
def losses(history: pd.DataFrame) -> Figure:
    """Loss on the training pictures and Pearson correlation on the validation pictures against the epoch.

    history: condition, epoch, loss, optionally val_pearson; one row an epoch. An epoch is a pass over the pool.
    """
    table = history[history["loss"].notna()]
    if table.empty:
        return empty(*one_axes(1.2), "no record of a training")
    style = marks(table["condition"])
    shown = {"loss": "training loss", "val_pearson": "Pearson with held-back ratings"}
    shown = {name: words for name, words in shown.items() if name in table and table[name].notna().any()}
    figure, axes = new_figure(2.1, 1, len(shown))
    for ax, (column, words) in zip(axes[0], shown.items(), strict=True):
        for condition, mark in style.items():
            mine = table[table["condition"] == condition].sort_values("epoch")
            look = mark.points(4) | {"linestyle": mark.line, "color": mark.colour, "linewidth": 1.2}
            ax.plot(mine["epoch"], mine[column], gid=f"{column}:{condition}", **look)
        ax.set_title(words, fontweight="normal")
        ax.set_xlabel("epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(axis="y")
    above(figure, keys(style, line=True))
    return figure
