"""Figures of transects: what moves along, and effects on a judge's score beside the exact ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from judge.report.figures.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    VERMILLION,
    above,
    empty,
    new_figure,
    one_axes,
    plain,
    rows_axis,
    styled,
)
from judge.report.wording import number

#: In this order, where they are there; the renderer's last, as the one that nothing should move in.
ORDER = ("condition", "latent", "orthogonal latent", "renderer")
_LOOK: dict[str, dict[str, Any]] = {
    "condition": {"marker": "o", "color": VERMILLION},
    "latent": {"marker": "s", "color": ORANGE},
    "orthogonal latent": {"marker": "D", "color": BLUE},
}
#: Movement at which the colour is full.
FULL = 1.0


def _cell(value: float) -> str:
    """One decimal, whatever the size: more figures would not fit."""
    return "0.0" if abs(value) < 0.05 else number(value, 1)


@styled
def leakage_matrix(table: pd.DataFrame, *, value: str = "leakage") -> Figure:
    """A panel a space: rows are attributes that were changed, columns those that were read, the number is `value`.

    table: space, target, attribute, `value`. What was changed itself is left white; – where the transect did not move.
    """
    spaces = [s for s in ORDER if s in set(table["space"])]
    if not spaces:
        return empty(*one_axes(1.2), "no transects")
    attributes = list(dict.fromkeys(table["attribute"]))
    targets = [a for a in attributes if a in set(table["target"])]
    columns = min(len(spaces), 2)
    lines = -(-len(spaces) // columns)
    figure, axes = new_figure(lines * (1.0 + 0.21 * len(targets)), lines, columns)
    for ax in axes.flat[len(spaces) :]:
        ax.set_axis_off()
    for ax, space in zip(axes.flat, spaces, strict=False):
        part = table[table["space"] == space]
        wide = part.pivot(index="target", columns="attribute", values=value)
        rows = [t for t in targets if t in wide.index]
        wide = wide.reindex(index=rows, columns=attributes)
        shown = wide.to_numpy(float, copy=True)
        for i, target in enumerate(rows):
            shown[i, attributes.index(target)] = 0.0
        ax.imshow(np.nan_to_num(shown), cmap="PuOr", norm=TwoSlopeNorm(0, -FULL, FULL), aspect="auto")
        for i, target in enumerate(rows):
            for j, attribute in enumerate(attributes):
                own, v = target == attribute, wide.iloc[i, j]
                ax.text(
                    j, i, "·" if own else _cell(v), ha="center", va="center", fontsize=6,
                    color="white" if not own and abs(v) > 0.6 * FULL else INK,
                )  # fmt: skip
        ax.set_xticks(
            range(len(attributes)), [plain(a) for a in attributes], rotation=60, ha="right", fontsize=6.5
        )
        ax.set_yticks(range(len(rows)), [plain(t) for t in rows], fontsize=6.5)
        ax.set_title(plain(space, 40), fontweight="normal")
        ax.tick_params(length=0)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
    figure.supylabel("changed", fontsize=8)
    return figure


@styled
def effects_against_exact(over: pd.DataFrame) -> Figure:
    """One row an attribute: the renderer's effect as a bar, that of each space as a mark with its bias's interval.

    over: space, target, exact, effect, bias, and ci_low, ci_high of the bias (drawn about the effect), or where
    there are none faces_low, faces_high; optionally condition (a panel each).
    """
    table = over[np.isfinite(over["exact"].astype(float))]
    if table.empty:
        return empty(*one_axes(1.2), "no effects")
    panels = list(dict.fromkeys(table["condition"])) if "condition" in table else [None]
    targets = list(dict.fromkeys(table["target"]))
    spaces = [s for s in ORDER if s in set(table["space"])]
    figure, axes = new_figure(0.85 + 0.36 * len(targets), 1, len(panels), sharey=True)
    places = np.linspace(-0.22, 0.22, len(spaces)) if len(spaces) > 1 else np.zeros(1)
    for ax, panel in zip(axes[0], panels, strict=True):
        part = table if panel is None else table[table["condition"] == panel]
        rows_axis(ax, [plain(t) for t in targets])
        ax.axvline(0, color=INK, linewidth=0.7, zorder=0)
        for y, target in enumerate(targets):
            here = part[part["target"] == target]
            if len(here):
                exact = float(here["exact"].iloc[0])
                ax.plot([exact, exact], [y - 0.4, y + 0.4], color=GREEN, linewidth=2.4)
            for place, space in zip(places, spaces, strict=True):
                for row in here[here["space"] == space].itertuples():
                    if not np.isfinite(row.effect):
                        continue
                    low, high = (
                        (row.ci_low, row.ci_high)
                        if np.isfinite(row.ci_low)
                        else (row.faces_low, row.faces_high)
                    )
                    look = _LOOK[space]
                    ax.plot(
                        [row.exact + low, row.exact + high],
                        [y + place] * 2,
                        color=look["color"],
                        linewidth=1.1,
                    )
                    ax.plot(
                        [row.effect],
                        [y + place],
                        linestyle="none",
                        markersize=4.5,
                        gid=f"{space}:{target}",
                        **look,
                    )
        if panel is not None and len(panels) > 1:
            ax.set_title(plain(panel, 40), fontweight="normal")
        ax.grid(axis="x")
    figure.supxlabel("points of score for one standard deviation of the attribute", fontsize=8)
    keys = [(Line2D([], [], color=GREEN, linewidth=2.4), "exact (renderer)")]
    keys += [(Line2D([], [], linestyle="none", **_LOOK[s]), s) for s in spaces]
    above(figure, keys)
    return figure
