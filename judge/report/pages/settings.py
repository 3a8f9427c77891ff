"""The page of a sweep over many settings: what each factor does to who wins, and the settings that stand out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from judge.report import figures
from judge.report.conditions import TRUTH, in_order, with_order
from judge.report.html import (
    Block,
    Column,
    Items,
    Picture,
    Section,
    Text,
    count,
    decimals,
    label,
    table_from,
    write_page,
)
from judge.report.pages.sweep import MOST_LISTED, QUESTION, unfinished_blocks
from judge.report.sections.dose import OUTCOMES, dose_rows, majority_of
from judge.report.sections.provenance import limits_section
from judge.report.sections.replicates import counted_runs
from judge.report.wording import as_group, counted, percent

#: Levels of a factor, and factors, that the page tells apart.
MOST_LEVELS, MOST_FACTORS = 12, 8


def write_settings_report(
    out: Path,
    runs: pd.DataFrame,
    dose: pd.DataFrame,
    others: pd.DataFrame | None,
    *,
    conditions: Sequence[str],
    factors: Sequence[str],
    warnings: Sequence[str] = (),
) -> Path:
    """Writes out/figures and out/page.html, of one size however many runs there are; returns the page.

    runs        one row a training run × group, with the factors, as `write_compare_report` takes them
    dose        rows of judge.fairness.sweeps.dose_response with the columns outcome, of_group and the factors
    others      runs that are not in `runs` (folder, state, reason)
    conditions  those of the runs, in order; the first is the baseline
    factors     columns of both that set the runs apart besides share and seed
    """
    runs = with_order(runs.assign(group=as_group(runs["group"])), conditions)
    majority = majority_of(runs)
    settings = runs[list(factors)].drop_duplicates()
    lead: list[Block] = [Text(QUESTION, "lead"), *(Text(told, "caution") for told in warnings)]
    lead.append(
        Items(
            [
                f"{counted(len(settings), 'setting')} of {counted(len(factors), 'factor')}: each is a sweep of its "
                "own, and dose.csv has its means, slopes and tests over seeds.",
                "Intervals that count the contestants, and mixed models, are made for up to 20 settings: "
                "judge compare RUNS --where FACTOR=VALUE.",
            ]
        )
    )
    title = (
        f"Who wins, by the training pool’s share of {majority} and {counted(len(factors), 'other factor')}"
    )
    subtitle = (
        f"{counted(counted_runs(runs, factors), 'run')}, {counted(len(settings), 'setting')}, "
        f"{counted(runs['seed'].nunique(), 'seed')}, {counted(runs['share'].nunique(), 'training share')}."
    )
    limits = [
        "Means over settings describe this sweep: they estimate nothing outside of it, and have no interval.",
        "The settings that stand out were chosen because they do: among so many, some slopes are large by chance.",
    ]
    sections = [
        Section("The question, and what was varied", lead),
        Section("All settings together", _together(runs, majority)),
        Section("By factor", _by_factor(runs, factors, majority)),
        Section("Settings with the largest slopes", _largest(dose, factors, majority)),
        limits_section(limits),
        Section("Runs that are in no number", unfinished_blocks(others)),
    ]
    return write_page(Path(out), title=title, subtitle=subtitle, sections=sections)


def _together(runs: pd.DataFrame, majority: str) -> list[Block]:
    """The share of the winners against the training share, over all runs of all settings."""
    known = runs[runs["share"].notna() & runs["winner_share"].notna()]
    if known.empty:
        return [Text("No run has a training share and winners.", "caution")]
    means = known.groupby(["group", "condition", "share"], observed=True)["winner_share"].mean().reset_index()
    means = means.rename(columns={"share": "dose", "winner_share": "value"}).assign(
        ci_low=np.nan, ci_high=np.nan
    )
    figure = figures.dose_response(
        known,
        means,
        outcome="winner_share",
        label=OUTCOMES["winner_share"].words,
        is_share=True,
        dose_label=f"share of {majority} in the baseline’s training pool",
    )
    told = (
        "bars hold the middle half and nine tenths of the runs"
        if figures.crowded(known)
        else "a dot is a run"
    )
    caption = f"Winners’ shares over all settings: {told}, large markers are means."
    return [Picture("dose_winner_share", figure, caption, caption)]


def _by_factor(runs: pd.DataFrame, factors: Sequence[str], majority: str) -> list[Block]:
    """By level of each factor: the majority's mean share of the winners at the smallest and largest training share."""
    own = runs[(runs["group"] == majority) & runs["share"].notna() & (runs["condition"] != TRUTH)]
    if own.empty:
        return [Text(f"Nobody of the group {majority} is among the entrants.", "caution")]
    low, high = own["share"].min(), own["share"].max()
    names = in_order(own["condition"])
    blocks: list[Block] = []
    for factor in factors[:MOST_FACTORS]:
        level = own[factor].astype(object).map(label)
        rows = []
        for value in level.value_counts().index[:MOST_LEVELS]:
            part = own[level == value]
            cells = [
                f"{percent(mine[mine['share'] == low]['winner_share'].mean())} → "
                f"{percent(mine[mine['share'] == high]['winner_share'].mean())}"
                for mine in (part[part["condition"] == name] for name in names)
            ]
            rows.append([value, part["folder"].nunique(), *cells])
        frame = pd.DataFrame(rows, columns=["level", "runs", *names]).sort_values("level", kind="stable")
        columns = {"level": Column(factor, label, numeric=False), "runs": Column("runs", count)}
        columns |= {name: Column(name, label) for name in names}
        left = level.nunique() - len(frame)
        caption = (
            f"{factor}: winners who are {majority}, {percent(low, 0)} → {percent(high, 0)} training share."
        )
        caption += f" {counted(left, 'rarer level')} in runs.csv only." if left else ""
        blocks.append(table_from(frame, columns, caption))
    if len(factors) > MOST_FACTORS:
        blocks.append(Text(f"Other factors, in runs.csv: {', '.join(factors[MOST_FACTORS:])}."))
    return blocks


def _largest(dose: pd.DataFrame, factors: Sequence[str], majority: str) -> list[Block]:
    slopes = dose_rows(dose, "winner_share", ["dose_slope"], majority)
    if slopes.empty:
        return [Text("No setting has two training shares, so there is no slope.", "caution")]
    slopes = slopes.assign(size=slopes["value"].abs()).sort_values("size", ascending=False, kind="stable")
    shown = slopes.head(MOST_LISTED)
    limits = [
        f"[{a:.3f}, {b:.3f}]" if a == a else "–"
        for a, b in zip(shown["ci_low"], shown["ci_high"], strict=True)
    ]
    columns = {factor: Column(factor, label, numeric=False) for factor in factors[:MOST_FACTORS]}
    columns |= {
        "group": Column("condition", label, numeric=False),
        "n": Column("runs", count),
        "value": Column("slope", decimals(3)),
        "range": Column("95 % interval over seeds", label),
    }
    caption = (
        f"Slopes of the share of winners who are {majority}, for a training share going from 0 to 1: the "
        f"{len(shown)} largest of {len(slopes):,}; all are in dose.csv."
    )
    return [table_from(shown.assign(range=limits), columns, caption)]
