"""Figures of membership attacks: who is found at which rate of false alarms, and by group."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from judge.report.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    VERMILLION,
    above,
    empty,
    one_axes,
    plain,
    rows_axis,
    styled,
)

#: One look a curve: attacks of one name share a colour, those without the person in any shadow are dashed.
_COLOURS = (GREY, BLUE, ORANGE, VERMILLION, GREEN, PURPLE)


@styled
def roc_curves(roc: pd.DataFrame) -> Figure:
    """Curves of attacks on logarithmic axes, on which rare false alarms can be seen; the diagonal is chance.

    roc: attack, fpr, tpr; points at a rate of 0 are not drawn.
    """
    figure, ax = one_axes(4.2)
    drawn = roc[(roc["fpr"] > 0) & (roc["tpr"] > 0)]
    if drawn.empty:
        return empty(figure, ax, "no attack finds anybody")
    families = list(dict.fromkeys(str(name).removesuffix(" offline") for name in roc["attack"]))
    least = float(min(drawn["fpr"].min(), drawn["tpr"].min()))
    ax.plot([least, 1], [least, 1], color=INK, linewidth=0.8)
    handles: list[tuple[Line2D, str]] = [(Line2D([], [], color=INK, linewidth=0.8), "chance")]
    for name, part in drawn.groupby("attack", sort=False):
        family = str(name).removesuffix(" offline")
        look = {
            "color": _COLOURS[families.index(family) % len(_COLOURS)],
            "linestyle": "-" if family == name else (0, (4, 2)),
        }
        ax.plot(part["fpr"], part["tpr"], drawstyle="steps-post", **look)
        handles.append((Line2D([], [], **look), plain(name, 40)))
    ax.set(xscale="log", yscale="log", xlim=(least, 1), ylim=(least, 1.1))
    ax.set_xlabel("false alarms, share of non-members")
    ax.set_ylabel("members found, share")
    ax.grid(True, which="major")
    above(figure, handles)
    return figure


@styled
def rates_by_group(rates: pd.DataFrame) -> Figure:
    """Members found and false alarms of each group at one threshold, with exact intervals.

    rates: group, tpr, ci_low, ci_high, fpr_reached, fpr_low, fpr_high of one attack and rate.
    """
    figure, ax = one_axes(0.9 + 0.35 * len(rates))
    if rates.empty or rates["tpr"].isna().all():
        return empty(figure, ax, "too few non-members for a threshold")
    looks = (("tpr", "ci_low", "ci_high", VERMILLION, "o", "members found"),
             ("fpr_reached", "fpr_low", "fpr_high", BLUE, "s", "false alarms"))  # fmt: skip
    for shift, (value, low, high, colour, marker, _) in zip((-0.14, 0.14), looks, strict=True):
        at = [row + shift for row in range(len(rates))]
        sides = [(rates[value] - rates[low]).clip(lower=0), (rates[high] - rates[value]).clip(lower=0)]
        ax.errorbar(rates[value], at, xerr=sides, linestyle="none", marker=marker, color=colour, elinewidth=1)
    rows_axis(ax, [plain(group) for group in rates["group"]])
    ax.set_xlim(left=0)
    ax.set_xlabel("share")
    above(figure, [(Line2D([], [], color=c, marker=m, linestyle="none"), words) for *_, c, m, words in looks])
    return figure
