"""One group's share of the winners in each arm of a sweep, a row an arm, beside the share that the truth gives it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from judge.report.conditions import TRUTH, in_order
from judge.report.figures.rows import Rows, beside, rows_figure, share_axis
from judge.report.figures.style import BLACK, GREY, INK, empty, keys, marks, one_axes, plain, styled
from judge.report.figures.style import above as legend
from judge.report.wording import percent


@styled
def arms(
    each: pd.DataFrame, means: pd.DataFrame, heads: Mapping[int, str], *, label: str, level: str = "95 %"
) -> Figure:
    """A block of rows a setting, in it a row a condition: dots are trainings, the marker their mean with its interval.

    each    setting, condition, value: one row a seed and arm
    means   setting, condition, value, ci_people_low, ci_people_high: one row an arm; both with `with_order`
    heads   setting → what it is called, in the order of the blocks
    label   words of the axis

    Where the means have the truth, it is a line through each block.
    """
    if means.empty:
        return empty(*one_axes(1.2), "no finished runs")
    judged = means[means["condition"] != TRUTH]
    style = marks(judged["condition"])
    names = {str(setting): head for setting, head in heads.items()}
    rows = Rows(
        list(names), {name: style[name] for name in in_order(judged["condition"])},
        {setting: plain(head, 90) for setting, head in names.items()},
    )  # fmt: skip
    figure, (ax,) = rows_figure(rows)
    cells = means.set_index([means["setting"].map(str), means["condition"].map(str)])
    dots = each.assign(setting=each["setting"].map(str), condition=each["condition"].map(str))
    rng = np.random.default_rng(0)
    last = -1.0
    beside(ax, -0.2 if not rows.alone else 0.0, f"mean [{level} interval]", header=True)
    for y, condition, setting, mark in rows:
        last = max(last, y)
        if (setting, condition) not in cells.index:
            beside(ax, y, "not run")
            continue
        mine = dots[(dots["setting"] == setting) & (dots["condition"] == condition)]["value"].to_numpy(float)
        ax.plot(
            mine, y + rng.uniform(-0.26, 0.26, len(mine)), ".", markersize=4.6, alpha=0.5, color=mark.colour,
            markeredgewidth=0,
        )  # fmt: skip
        row = cells.loc[(setting, condition)]
        ends = row[["ci_people_low", "ci_people_high"]].astype(float).tolist()
        ax.plot(ends, [y, y], color=INK, linewidth=1.5, solid_capstyle="butt")
        ax.plot([row["value"]], [y], color=mark.colour, gid=f"arm:{setting}:{condition}", **mark.points(5.5))
        limits = "" if np.isnan(ends).any() else f"  [{100 * ends[0]:.0f}, {100 * ends[1]:.0f}]"
        beside(ax, y, f"{percent(row['value'])}{limits}")
    handles = keys(rows.style)
    if (means["condition"] == TRUTH).any():
        share = float(means.loc[means["condition"] == TRUTH, "value"].mean())
        line = {"color": BLACK, "linewidth": 1.1, "linestyle": (0, (4, 2))}
        ax.axvline(share, zorder=-6, gid="truth", **line)  # under the heads
        handles.append((Line2D([], [], **line), f"if the known truth decided: {percent(share)}"))
    handles.append((Line2D([], [], linestyle="none", marker=".", markersize=4, color=GREY), "one training"))
    share_axis(ax, label)
    ax.set_xlim(left=min(0.0, ax.get_xlim()[0]))
    legend(figure, handles)
    return figure
