"""The dose–response figure: an outcome against the training share, one dot a training run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator, PercentFormatter

from judge.report.figures.rows import offsets, with_condition
from judge.report.figures.style import (
    CROWDED,
    INK,
    above,
    empty,
    keys,
    marks,
    one_axes,
    panels_done,
    panels_of,
    plain,
    rule,
    rule_keys,
    styled,
    with_note,
)
from judge.report.wording import largest

#: More contests in a panel are drawn as bars, which take as much room for a million of them.
MOST_DOTS = 600
ENTERED: dict[str, Any] = {"color": INK, "linewidth": 0.8, "linestyle": (0, (1, 1.5))}


@styled
def dose_response(
    runs: pd.DataFrame,
    means: pd.DataFrame,
    *,
    outcome: str,
    label: str,
    lines: Sequence[tuple[float, str]] = (),
    is_share: bool = False,
    log: bool = False,
    dose_label: str = "majority’s share of the training pool",
    limit: int = 6,
) -> Figure:
    """An outcome against the training share: one dot a training run, mean and interval at each share.

    runs   share, seed, condition, group and the column `outcome`, one row a run × group
    means  group, condition, dose, value, ci_low, ci_high (rows dose_mean of the fairness room, a group each)
    lines  horizontal lines (height, words): parity, four fifths; a column entrant_share in `runs` adds each
           group's share of the entrants
    log    logarithmic outcome axis, for ratios: runs with 0 stand at its lower edge, as open triangles

    Where a panel would hold more than MOST_DOTS dots (`crowded`) there are bars in their place, a thin one for the
    middle nine tenths of the runs of a share and a thick one for the middle half.

    One panel a group, in order of name, at most `limit` (those with most entrants where `runs` has `entrants`).
    """
    table = with_condition(runs)
    table = table[table["share"].notna()]
    if table.empty:
        return empty(*one_axes(1.4), "no finished runs")
    style = marks(table["condition"])
    conditions = list(style)
    size = table.groupby("group")["entrants"].max() if "entrants" in table else table.groupby("group").size()
    groups, left = largest(size, limit)
    figure, axes = panels_of(len(groups), len(style), height=1.95, wide=True)
    doses = sorted(table["share"].unique())
    # of the way to the next dose: what all markers take, and how far a run may stand beside its own
    spread, beside = (0.3, 0.08) if len(conditions) <= CROWDED else (0.62, 0.2 / len(conditions))
    shift = offsets(conditions, spread * _gap(doses))
    labelled = _spaced(doses)
    floor = _floor(table[outcome].astype(float)) if log else None
    bars = crowded(table)
    for ax, group in zip(axes.flat, groups, strict=False):
        part = table[table["group"] == group]
        for condition, mark in style.items():
            mine = part[part["condition"] == condition]
            x = mine["share"] + shift[condition] + _jitter(mine, beside * _gap(doses))
            y = mine[outcome].astype(float)
            if bars:
                _draw_bars(ax, mine["share"] + shift[condition], y, mark.colour, floor)
                x, y = x[:0], y[:0]
            elif floor:
                at_floor = y < floor
                ax.plot(x[at_floor], [floor] * int(at_floor.sum()), "v", markersize=4, markerfacecolor="none",
                        markeredgecolor=mark.colour, markeredgewidth=0.7, clip_on=False, in_layout=False)  # fmt: skip
                x, y = x[~at_floor], y[~at_floor]
            if len(x):
                sns.scatterplot(
                    x=x,
                    y=y,
                    ax=ax,
                    marker=mark.marker,
                    s=13,
                    color=mark.colour,
                    alpha=0.55,
                    linewidth=0,
                    legend=False,
                )
            centre = _cell(means, group, condition).sort_values("dose")
            ax.errorbar(
                centre["dose"] + shift[condition], centre["value"],
                yerr=_errors(centre, floor), color=mark.colour, linestyle=mark.line, linewidth=1.1,
                elinewidth=1.4, capsize=2, gid=f"mean:{condition}:{plain(group)}",
                **{k: v for k, v in mark.points(4.8).items() if k != "linestyle"},
            )  # fmt: skip
        if "entrant_share" in part and is_share:
            ax.axhline(part["entrant_share"].mean(), **ENTERED)
        for at, _ in lines:
            ax.axhline(at, **rule(at))
        counts = part.dropna(subset=[outcome]).groupby("condition").size().reindex(conditions, fill_value=0)
        n = f"{counts.min():,}" if counts.min() == counts.max() else f"{counts.min():,}–{counts.max():,}"
        each = " a condition" if len(conditions) > 1 else ""
        ax.set_title(f"{plain(group)}\nn = {n} {'run' if n == '1' else 'runs'}{each}", fontsize=7.5)
        ax.set_xlabel("")
        ax.set_ylabel("")
        ax.set_xticks(doses, [f"{100 * dose:g}" if dose in labelled else "" for dose in doses])
        ax.xaxis.set_minor_locator(NullLocator())
        if log:
            ax.set_yscale("log", base=2)
            ax.yaxis.set_major_formatter(lambda v, _: f"{v:.3g}" if v >= 1 else f"1/{1 / v:.0f}")
        elif is_share:
            ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    if floor:
        axes[0, 0].set_ylim(bottom=floor)  # shared, and only now that all panels are drawn
    if is_share:  # nothing that is a share lies outside, and a marker at 0 or 1 is not cut in half
        low, high = axes[0, 0].get_ylim()
        axes[0, 0].set_ylim(max(low, -0.03), min(high, 1.03))
    panels_done(axes, len(groups))
    figure.supxlabel(with_note(f"{dose_label}, %", left), fontsize=8)
    figure.supylabel(label, fontsize=8)
    handles = keys(style, line=True)
    if "entrant_share" in table and is_share:
        handles.append((Line2D([], [], **ENTERED), "share of entrants"))
    above(figure, handles + rule_keys(lines))
    return figure


def crowded(runs: pd.DataFrame) -> bool:
    """Whether the figure of these runs has bars in place of dots."""
    return bool(runs[runs["share"].notna()].groupby("group").size().max() > MOST_DOTS)


def _draw_bars(ax: Any, x: pd.Series, y: pd.Series, colour: str, floor: float | None) -> None:
    """The middle nine tenths and the middle half of the runs at each place."""
    levels = y.groupby(x).quantile([0.05, 0.25, 0.75, 0.95]).unstack()
    if floor:
        levels = levels.clip(lower=floor)
    for low, high, width in ((0.05, 0.95, 1.0), (0.25, 0.75, 3.6)):
        ax.vlines(levels.index, levels[low], levels[high], color=colour, linewidth=width, alpha=0.4)


def _gap(doses: Sequence[float]) -> float:
    """The distance between neighbouring doses that markers may fill."""
    return float(np.diff(doses).min()) if len(doses) > 1 else 0.1


def _spaced(doses: Sequence[float]) -> list[float]:
    """Doses to label, leaving out those too close to the one before."""
    kept: list[float] = []
    reach = (max(doses) - min(doses)) or 1.0
    for dose in sorted(doses, reverse=True):
        if not kept or kept[-1] - dose > 0.06 * reach:
            kept.append(dose)
    return kept[::-1]


def _jitter(runs: pd.DataFrame, width: float) -> np.ndarray:
    """A sideways shift by order of seed, the same each time, so that dots of one share do not hide each other."""
    order = runs.groupby("share")["seed"].rank(method="first").to_numpy(float)
    most = order.max(initial=1.0)
    return (order - (most + 1) / 2) / max(most, 2.0) * 2 * width


def _floor(values: pd.Series) -> float:
    positive = values[np.isfinite(values) & (values > 0)]
    return float(2 ** np.floor(np.log2(positive.min()) - 0.5)) if len(positive) else 0.25


def _cell(means: pd.DataFrame, group: str, condition: str) -> pd.DataFrame:
    table = with_condition(means)
    return table[(table["group"] == group) & (table["condition"] == condition)]


def _errors(centre: pd.DataFrame, floor: float | None) -> np.ndarray:
    low = centre["ci_low"].astype(float).clip(lower=floor) if floor else centre["ci_low"].astype(float)
    return np.vstack(
        [(centre["value"] - low).clip(lower=0), (centre["ci_high"] - centre["value"]).clip(lower=0)]
    )
