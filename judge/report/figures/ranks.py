"""The figure of the whole ranking: how each group stands among the best k, for every k."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullLocator

from judge.report.figures.rows import with_condition
from judge.report.figures.style import (
    GREY,
    INK,
    PALE,
    above,
    empty,
    marks,
    one_axes,
    panels_done,
    panels_of,
    plain,
    styled,
    with_note,
)
from judge.report.wording import largest


@styled
def skew_at_k(curve: pd.DataFrame, *, sizes: Mapping[str, int], places: int | None = None) -> Figure:
    """Skew@k, ln(share among the best k ÷ share among all), over k, with the band in which chance leaves it.

    curve   group, k (places a bracket), skew, null_low, null_high, optionally condition: `fairness.ranking.skew_curve`
    sizes   entrants of each group         places   the contest's own k, drawn as a dotted line

    One panel a group, at most nine. A curve that leaves the axis at the bottom has nobody yet (−∞).
    """
    curve = with_condition(curve)
    if curve.empty:
        return empty(*one_axes(1.2), "no ranking")
    style = marks(curve["condition"])
    groups, left = largest(pd.Series({g: sizes.get(g, 0) for g in curve["group"].unique()}), 9)
    figure, axes = panels_of(len(groups), len(style), height=1.7)
    curve = curve[curve["k"].isin(_thinned(curve["k"]))]
    finite = curve.loc[np.isfinite(curve["skew"]), "skew"]
    reach = float(np.clip(finite.abs().max() if len(finite) else 1, 0.5, 3)) * 1.1
    for ax, group in zip(axes.flat, groups, strict=False):
        for i, (condition, mark) in enumerate(style.items()):
            part = curve[(curve["group"] == group) & (curve["condition"] == condition)].sort_values("k")
            if i == 0 and "null_low" in part:
                low, high = (part[c].clip(-reach, reach) for c in ("null_low", "null_high"))
                ax.fill_between(part["k"], low, high, color=PALE, zorder=0, linewidth=0)
            ax.plot(
                part["k"], part["skew"].clip(-2 * reach, reach), color=mark.colour, linestyle=mark.line,
                linewidth=1.3, gid=f"skew:{condition}:{plain(group)}",
            )  # fmt: skip
        ax.axhline(0, color=INK, linewidth=0.7)
        if places:
            ax.axvline(places, color=GREY, linewidth=0.8, linestyle=(0, (1, 1.5)))
        ax.set_title(f"{plain(group)}\nn = {sizes.get(group, 0):,}")
        ax.set_xscale("log")
        ax.set_ylim(-reach, reach)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
        ax.xaxis.set_minor_locator(NullLocator())
    panels_done(axes, len(groups))
    figure.supxlabel(with_note("the best k of each bracket (log scale)", left), fontsize=8)
    figure.supylabel("skew@k (natural log)", fontsize=8)
    handles: list[tuple[Line2D | Patch, str]] = [
        (Line2D([], [], color=m.colour, linestyle=m.line), m.label) for name, m in style.items() if name
    ]
    if "null_low" in curve:
        handles.append((Patch(facecolor=PALE), "95 % of chance"))
    if places:
        handles.append((Line2D([], [], color=GREY, linestyle=(0, (1, 1.5))), f"{places:,} places a bracket"))
    above(figure, handles)
    return figure


def _thinned(k: pd.Series, most: int = 240) -> np.ndarray:
    """All k up to a few hundred, then evenly spaced on the log axis: more cannot be seen."""
    top = int(k.max())
    return (
        np.unique(np.round(np.geomspace(1, top, most)).astype(int)) if top > most else np.arange(1, top + 1)
    )
