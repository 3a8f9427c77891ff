"""The figure of the training pools: how much of what a judge learns from shows each group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from judge.report.figures.drawing.paper import NARROW, current
from judge.report.figures.rows import (
    ROWS,
    by_cell,
    rows_figure,
    rows_of,
    share_axis,
    share_of,
    with_condition,
)
from judge.report.figures.style import empty, marks, one_axes, plain, styled
from judge.report.wording import largest, percent


@styled
def pool_composition(pools: pd.DataFrame) -> Figure:
    """Shares of the groups among the training pictures, by training weight where there is one.

    pools: condition, group, n (pictures), optionally weight (sum of the pictures' weights; the bar is then the
    share of the weight, the number still that of pictures). A group with n = 0 in a condition keeps its row.
    """
    pools = with_condition(pools)
    if pools.empty:
        return empty(*one_axes(1.2), "no training pictures")
    style = marks(pools["condition"])
    weigh = "weight" if "weight" in pools else "n"
    totals, heft = (pools.groupby("condition")[column].sum() for column in ("n", weigh))
    groups, left = largest(pools.set_index("group")["n"], ROWS)
    rows, cells = rows_of(groups, style), by_cell(pools)
    figure, (ax,) = rows_figure(rows)
    for y, condition, group, mark in rows:
        cell = cells.get((condition, group))
        n = 0 if cell is None else int(cell["n"])
        share = np.nan_to_num(share_of(0 if cell is None else cell[weigh], heft[condition]))
        ax.barh(y, share, 0.66, facecolor=mark.face, edgecolor=mark.colour, hatch=mark.hatch, linewidth=0.8,
                gid=f"pool:{condition}:{plain(group)}")  # fmt: skip
        said = f"{n:,} of {int(totals[condition]):,}"
        if weigh == "weight":
            said += f", {percent(share)} of the weight"
        else:
            said += f" ({percent(share)})"
        ax.text(share + 0.008, y, said, va="center", fontsize=7)
    ax.set_xlim(0, 1.3)
    words = "share of the training pool" + (", by training weight" if weigh == "weight" else "")
    share_axis(ax, words, left)
    ax.set_xticks(np.linspace(0, 1, 6 if current().width > NARROW else 3))
    return figure
