"""Figures of selective secrecy: errors and Eve's reading against the closed form; what secrecy costs; who wins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from judge.report.figures.style import (
    BLUE,
    GREEN,
    GREY,
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

_LOOK: dict[tuple[str, str], dict[str, Any]] = {
    ("alice", "public"): {"color": VERMILLION, "marker": "o", "label": "Alice, public"},
    ("alice", "bob"): {"color": BLUE, "marker": "D", "label": "Alice, read by Bob"},
    ("leace", "public"): {"color": GREEN, "marker": "s", "label": "group erased (LEACE)"},
    ("noise", "public"): {"color": ORANGE, "marker": "v", "label": "noise"},
}


@styled
def toy_trials(trials: pd.DataFrame) -> Figure:
    """A point a seed: public error and Bob's over the closed form, and Eve's reading; bands are what was allowed.

    trials: seed, public_ratio, bob_ratio, eve, eve_low, eve_high, eve_bound, eve_of_score, success.
    """
    if trials.empty:
        return empty(*one_axes(1.2), "no trainings")
    figure, axes = new_figure(2.3, 1, 3)
    place = np.arange(len(trials))
    for ax, column, title in zip(
        axes.flat,
        ("public_ratio", "bob_ratio", "eve"),
        ("public error / closed form", "Bob's error / closed form", "read by the strongest fresh Eve"),
        strict=True,
    ):
        centre, band = (1.0, 0.05) if column != "eve" else (float(trials["eve_bound"].iloc[0]), 0.02)
        ax.axhspan(centre - band if column != "eve" else 0, centre + band, color="#eeeeee", zorder=-2)
        ax.axhline(centre, color=INK, linewidth=0.8)
        if column == "eve":
            ax.vlines(place, trials["eve_low"], trials["eve_high"], color=GREY, linewidth=1)
            forced = float(trials["eve_of_score"].iloc[0])
            ax.axhline(forced, color=GREY, linewidth=0.9, linestyle=(0, (4, 2)))
            ax.set_ylim(0.45, max(forced, trials["eve_high"].max()) + 0.03)
        for good, colour in ((True, BLUE), (False, VERMILLION)):
            chosen = trials["success"].to_numpy(bool) == good
            ax.plot(place[chosen], trials.loc[chosen, column], "o", color=colour, markersize=4)
        ax.set_title(title, fontweight="normal")
        ax.set_xlabel("seed")
        ax.set_xticks([])
    above(
        figure,
        [
            (Line2D([], [], color=BLUE, marker="o", linestyle="none"), "all three within the band"),
            (Line2D([], [], color=VERMILLION, marker="o", linestyle="none"), "not"),
            (
                Line2D([], [], color=GREY, linewidth=0.9, linestyle=(0, (4, 2))),
                "Eve reads of the score without secrecy",
            ),
        ],
    )
    return figure


@styled
def secrecy_curve(means: pd.DataFrame) -> Figure:
    """What Eve reads (across) against Pearson's r (up), one line a method and reader, a point a level.

    means: method, level, reader, pearson, pearson_low, pearson_high, eve, eve_low, eve_high, chance.
    """
    if means.empty:
        return empty(*one_axes(1.2), "nothing was published")
    figure, ax = one_axes(3.2)
    keys = []
    for (method, reader), look in _LOOK.items():
        rows = means[(means["method"] == method) & (means["reader"] == reader)].sort_values("eve")
        if rows.empty:
            continue
        style = {k: v for k, v in look.items() if k != "label"}
        ax.errorbar(
            rows["eve"], rows["pearson"],
            [rows["pearson"] - rows["pearson_low"], rows["pearson_high"] - rows["pearson"]],
            [rows["eve"] - rows["eve_low"], rows["eve_high"] - rows["eve"]],
            elinewidth=0.8, linewidth=1.1, markersize=4.5, **style,
        )  # fmt: skip
        keys.append((Line2D([], [], **style), look["label"]))
    bound = means[means["method"] == "independent"]
    if len(bound):
        line = {"color": INK, "linewidth": 0.9, "linestyle": (0, (4, 2))}
        ax.axhline(float(bound["pearson"].iloc[0]), **line)
        keys.append((Line2D([], [], **line), "independent of a known group"))
    ax.axvline(float(means["chance"].iloc[0]), color=INK, linewidth=0.8)
    ax.set_xlabel("balanced accuracy of the strongest fresh Eve (line: chance)")
    ax.set_ylabel("Pearson's r with the rating")
    above(figure, keys)
    return figure


@styled
def secret_winners(winners: pd.DataFrame) -> Figure:
    """A row a published score, a panel a contest: each group's share of the winners; bars: its share of entrants.

    winners: contest, score, group, share_entrants, share_winners, and low and high of the share of winners.
    """
    if winners.empty:
        return empty(*one_axes(1.2), "no contest")
    contests = list(dict.fromkeys(winners["contest"]))
    scores = list(dict.fromkeys(winners["score"]))
    groups = sorted(winners["group"].unique())
    colours = dict(zip(groups, (VERMILLION, BLUE, GREEN, ORANGE, GREY) * len(groups), strict=False))
    figure, axes = new_figure(0.9 + 0.3 * len(scores), 1, len(contests), sharey=True)
    for ax, contest in zip(axes.flat, contests, strict=True):
        rows_axis(ax, [plain(s, 40) for s in scores])
        part = winners[winners["contest"] == contest]
        for k, group in enumerate(groups):
            rows = part[part["group"] == group].set_index("score")
            offset = 0.5 * ((k + 1) / (len(groups) + 1) - 0.5)
            y = [scores.index(s) + offset for s in rows.index]
            ax.hlines(y, rows["low"], rows["high"], color=colours[group], linewidth=1)
            ax.plot(rows["share_winners"], y, "o", color=colours[group], markersize=4)
            if len(rows):
                ax.axvline(
                    float(rows["share_entrants"].iloc[0]), color=colours[group], linewidth=0.7, zorder=0
                )
        ax.set_title("one contest for all" if contest == "all" else "within brackets", fontweight="normal")
        ax.set_xlim(0, None)
    figure.supxlabel("share of the winners (lines: of the entrants)", fontsize=8)
    above(
        figure, [(Line2D([], [], color=colours[g], marker="o", linestyle="none"), plain(g)) for g in groups]
    )
    return figure
