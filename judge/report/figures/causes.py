"""Figures of causes: twins, decompositions, effects, one robot at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from judge.report.figures.rows import ROWS, offsets, with_condition
from judge.report.figures.style import (
    BLACK,
    BLUE,
    GREY,
    INK,
    VERMILLION,
    above,
    empty,
    keys,
    marks,
    new_figure,
    one_axes,
    panels_done,
    plain,
    rows_axis,
    styled,
    with_note,
)
from judge.report.wording import as_group, largest, number, p_said, percent


@styled
def twin_changes(changes: pd.DataFrame) -> Figure:
    """How a picture's score, rank or winning changes when one thing about the same person is changed.

    changes: edit, change, one row a twin pair; optionally measure (one panel each), placebo (bool: an edit
    that should change nothing, drawn grey), condition. Dots are pairs, the marker is the mean with its
    95 % t interval over pairs.
    """
    table = with_condition(changes.rename(columns={"edit": "group"}))
    table = table[np.isfinite(table["change"].astype(float))]
    if table.empty:
        return empty(*one_axes(1.2), "no twins")
    if "measure" not in table:
        table["measure"] = "change of score"
    if "placebo" not in table:
        table["placebo"] = False
    measures = list(dict.fromkeys(table["measure"]))
    style = marks(table["condition"])
    edits, left = largest(table.groupby("group").size(), ROWS)
    placebo = table.groupby("group")["placebo"].any()
    edits = sorted(edits, key=list(dict.fromkeys(table["group"])).index)  # as given, e.g. from light to dark
    edits = [e for e in edits if not placebo[e]] + [e for e in edits if placebo[e]]
    figure, axes = new_figure(0.75 + len(edits) * max(0.42, 0.26 * len(style)), 1, len(measures), sharey=True)
    sizes = table.groupby(["measure", "condition", "group"]).size().groupby("group").max()
    where = offsets(list(style), 0.44)
    rng = np.random.default_rng(0)
    for ax, measure in zip(axes[0], measures, strict=True):
        rows_axis(
            ax, [f"{plain(e)}{' (placebo)' if placebo[e] else ''}\nn = {int(sizes[e]):,}" for e in edits]
        )
        for row, edit in enumerate(edits):
            for condition, mark in style.items():
                cell = table.query("measure == @measure and condition == @condition and group == @edit")[
                    "change"
                ]
                values, y = cell.to_numpy(float), row + where[condition]
                if not len(values):
                    continue
                shown = values[:: max(1, -(-len(values) // 500))]
                ax.plot(
                    shown, y + rng.uniform(-0.09, 0.09, len(shown)), ".", markersize=2.2, alpha=0.35,
                    color=GREY if placebo[edit] else mark.colour, markeredgewidth=0, rasterized=len(shown) > 200,
                )  # fmt: skip
                mean, half = values.mean(), _t_half(values)
                ax.plot([mean - half, mean + half], [y, y], color=INK, linewidth=1.4)
                ax.plot([mean], [y], color=mark.colour, gid=f"{measure}:{condition}:{row}", **mark.points(5))
        ax.axvline(0, color=INK, linewidth=0.8, zorder=0)
        ax.set_title(plain(measure, 40), fontweight="normal")
        ax.grid(axis="x")
    words = "edited picture minus original, of the same person"
    figure.supxlabel(with_note(words, left, "edits"), fontsize=8)
    above(figure, keys(style))
    return figure


@styled
def decomposition_chain(terms: pd.DataFrame) -> Figure:
    """The chain population → entrants → eligible → winners: log shares that add up to the whole change.

    terms: group, term, value (natural log), ci_low, ci_high, in the order of the chain; a row whose term is
    "total" is drawn last and apart. One panel a group, at most six. −∞ (nobody left) is said in words.
    """
    table = with_condition(terms)
    if table.empty:
        return empty(*one_axes(1.2), "no decomposition")
    names = [t for t in dict.fromkeys(table["term"]) if t != "total"]
    order = names + (["total"] if "total" in set(table["term"]) else [])
    weight = table["n"] if "n" in table else table["value"].abs()
    groups, left = largest(weight.groupby(table["group"]).max().fillna(0), 6)
    columns = min(len(groups), 3)
    lines = -(-len(groups) // columns)
    figure, axes = new_figure(
        0.65 + lines * (0.5 + 0.26 * len(order)), lines, columns, sharex=True, sharey=True
    )
    for ax, group in zip(axes.flat, groups, strict=False):
        part = table[table["group"] == group].drop_duplicates("term").set_index("term")
        rows_axis(ax, [plain(t, 30) for t in order], zebra=False)
        for row, term in enumerate(order):
            value = part.loc[term, "value"] if term in part.index else np.nan
            if not np.isfinite(value):
                ax.text(0.02, row, "nobody left (−∞)" if value == -np.inf else "not available",
                        transform=ax.get_yaxis_transform(), va="center", fontsize=6.5, color=GREY)  # fmt: skip
                continue
            total = term == "total"
            colour = BLACK if total else VERMILLION if value < 0 else BLUE
            ax.barh(row, value, 0.56, facecolor=colour if value < 0 and not total else "white", edgecolor=colour,
                    hatch="" if total or value < 0 else "/////", linewidth=0.9)  # fmt: skip
            if "ci_low" in part and np.isfinite(part.loc[term, ["ci_low", "ci_high"]].astype(float)).all():
                ax.plot(
                    part.loc[term, ["ci_low", "ci_high"]].astype(float), [row, row], color=INK, linewidth=1.0
                )
        size = f"\nn = {int(part['n'].max()):,}" if "n" in part else ""
        ax.axvline(0, color=INK, linewidth=0.8)
        ax.set_title(f"{plain(group)}{size}")
        ax.grid(axis="x")
    panels_done(axes, len(groups))
    note = "change of the group’s log share (natural log; below 0 the group loses)"
    figure.supxlabel(with_note(note, left), fontsize=8)
    return figure


@styled
def effects(table: pd.DataFrame, *, label: str, zero: float = 0.0) -> Figure:
    """Effects with intervals, one row each, exact numbers beside: Shapley-averaged effects, Oaxaca–Blinder parts.

    table: effect, value, ci_low, ci_high, optionally p_value, n, group (one block a group).
    """
    rows = table.copy()
    if rows.empty:
        return empty(*one_axes(1.2), "no effects")
    left = max(len(rows) - 2 * ROWS, 0)
    rows = rows.iloc[: 2 * ROWS].reset_index(drop=True)
    names = [plain(e, 34) for e in rows["effect"]]
    if "group" in rows:
        names = [f"{plain(g, 20)}: {n}" for g, n in zip(rows["group"], names, strict=True)]
    if "n" in rows:
        names = [f"{n}  (n = {int(size):,})" for n, size in zip(names, rows["n"], strict=True)]
    figure, ax = one_axes(0.65 + 0.3 * len(rows))
    rows_axis(ax, names)
    ax.text(
        1.015,
        -0.5,
        "effect  [95 % interval]",
        transform=ax.get_yaxis_transform(),
        fontsize=7,
        color=GREY,
        va="bottom",
    )
    for y, row in rows.iterrows():
        if not np.isfinite(row["value"]):
            ax.text(
                1.015,
                y,
                "not available",
                transform=ax.get_yaxis_transform(),
                va="center",
                fontsize=7,
                color=GREY,
            )
            continue
        ax.plot([row["ci_low"], row["ci_high"]], [y, y], color=INK, linewidth=1.3)
        ax.plot([row["value"]], [y], "s", color=INK, markersize=4.5, gid=f"effect:{y}")
        text = f"{number(row['value'], 3)}  [{number(row['ci_low'], 3)}, {number(row['ci_high'], 3)}]"
        text += f"   {p_said(row.get('p_value', np.nan))}"
        ax.text(1.015, y, text, transform=ax.get_yaxis_transform(), va="center", fontsize=7)
    ax.axvline(zero, color=INK, linewidth=0.8, zorder=0)
    ax.grid(axis="x")
    ax.set_xlabel(with_note(label, left, "effects"))
    return figure


@styled
def ablation(table: pd.DataFrame) -> Figure:
    """Winners' shares by robot (rows) and group (columns): colour is the distance from the share of entrants.

    table: robot, group, winner_share, entrant_share, optionally n (winners). Brown is below, purple above; the
    number in the cell is the winners' share, so that the figure reads without colour.
    """
    table = table.copy()
    if table.empty:
        return empty(*one_axes(1.2), "no robots")
    table["group"] = as_group(table["group"])
    size = table.groupby("group")["entrant_share"].max()
    groups, left = largest(size, 10)
    robots = list(dict.fromkeys(table["robot"].map(str)))
    table["robot"] = table["robot"].map(str)
    won = table.pivot_table(
        index="robot", columns="group", values="winner_share", aggfunc="first", dropna=False
    )
    entered = table.pivot_table(
        index="robot", columns="group", values="entrant_share", aggfunc="first", dropna=False
    )
    won, entered = (t.reindex(index=robots, columns=groups) for t in (won, entered))
    change = won - entered
    reach = max(float(np.nanmax(np.abs(change.to_numpy(float)), initial=0.0)), 0.05)
    figure, ax = one_axes(0.9 + 0.34 * len(robots))
    sns.heatmap(
        change, ax=ax, cmap="PuOr", vmin=-reach, vmax=reach, annot=won.map(percent).to_numpy(), fmt="", linewidths=1.5,
        annot_kws={"fontsize": 7},
        cbar_kws={"label": "winners’ minus entrants’ share", "format": PercentFormatter(1, symbol=" %"), "aspect": 12},
    )  # fmt: skip
    for y, x in zip(*np.nonzero(change.isna().to_numpy()), strict=True):
        ax.text(x + 0.5, y + 0.5, "not available", ha="center", va="center", fontsize=7, color=GREY)
    counts = table.groupby("robot")["n"].sum() if "n" in table else None
    ax.set_yticks(
        np.arange(len(robots)) + 0.5,
        [plain(r, 30) + ("" if counts is None else f"  (n = {int(counts[r]):,})") for r in robots],
        rotation=0,
    )
    ax.set_xticks(
        np.arange(len(groups)) + 0.5,
        [f"{plain(g, 14)}\n{percent(size[g])} entered" for g in groups],
        rotation=0,
    )
    ax.tick_params(length=0)
    ax.set_ylabel("")
    ax.set_xlabel(with_note("", left))
    return figure


def _t_half(values: np.ndarray) -> float:
    """Half the width of the 95 % t interval of a mean; NaN for fewer than two values."""
    from scipy import stats

    if len(values) < 2:
        return float("nan")
    return float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
