"""The page of a sweep: who wins against the training share, over training runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from judge.fairness.sweeps.over_seeds import FEWEST_SEEDS
from judge.report import figures
from judge.report.conditions import TRUTH, in_order, with_order
from judge.report.html import Block, Column, Items, Section, Text, count, label, table_from, write_page
from judge.report.sections.dose import (
    ERRORS,
    OUTCOMES,
    Setting,
    both_intervals,
    crossed,
    dose_rows,
    majority_of,
    outcome_blocks,
    outcome_means,
    said,
    settings_of,
    trends_table,
)
from judge.report.sections.provenance import limits_section
from judge.report.sections.replicates import counted_runs, each_run, majority_missing, replicate_notes
from judge.report.sections.tables import folded, told_by
from judge.report.wording import as_group, counted, percent

#: Rows of a table that a page shows one by one.
MOST_LISTED = 50
QUESTION = (
    "Judges are trained on pools of equal size in which one group has a larger and larger share, and then judge the "
    "same contestants. How do the winners move with that share, and how under each other condition?"
)


def write_compare_report(
    out: Path,
    runs: pd.DataFrame,
    dose: pd.DataFrame,
    others: pd.DataFrame | None,
    *,
    conditions: Sequence[str],
    feature: str,
    title: str,
    notes: Sequence[str] = (),
    factors: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> Path:
    """Writes out/figures/*.png|svg and out/page.html; returns the page.

    runs        one row a training run × group: share (the majority's share of the pool; NaN where there is none),
                seed, condition, group, and of winner_share, selection_rate_ratio, entrant_share, pearson,
                signed_error, spread those that there are; optionally folder, n_group (entrants of the group),
                majority, reference
    dose        rows of judge.fairness.sweeps.dose_response with the columns outcome and of_group; may be empty
    others      runs that are not in `runs`, with any columns (folder, state, reason)
    conditions  those of the runs, in order; the first is the baseline
    factors     columns of `runs`, and of `dose` where it has them, that set the runs apart besides share and seed.
                Runs that agree in all of them are drawn, and their means taken, together; else apart
    warnings    sentences that have to be read before any number: judges off their scale, or no better than chance

    Raises InputError where `runs` has a condition that is neither in `conditions` nor the truth.
    """
    runs = with_order(runs.assign(group=as_group(runs["group"])), conditions)
    if "n_group" in runs:
        runs["entrants"] = runs["n_group"]
    # the truth is no judge: it has winners, but no errors, and another scale
    judged = runs["condition"] != TRUTH
    for name in ERRORS & set(runs):
        runs[name] = runs[name].where(judged)
    settings = settings_of(runs, dose, factors)
    outcomes = [name for name in OUTCOMES if name in runs and runs[name].notna().any()]
    replicates = replicate_notes(runs, dose, conditions, factors)
    written = [
        Section("The question, and what the runs say", _summary(settings, [*replicates, *notes], warnings)),
        *(
            Section(
                OUTCOMES[name].title, [block for s in settings for block in outcome_blocks(s, name, feature)]
            )
            for name in outcomes
        ),
        limits_section(_limits(runs["seed"].nunique())),
        Section("Runs, finished and not", _runs(runs, others, factors)),
    ]
    subtitle = (
        f"{counted(counted_runs(runs, factors), 'run')}, {counted(runs['seed'].nunique(), 'seed')}, "
        f"{counted(runs['share'].nunique(), 'training share')}, by {feature}."
        + ("" if figures.crowded(runs) else " Each dot is one contest of a run.")
    )
    return write_page(Path(out), title=title, subtitle=subtitle, sections=written)


def _summary(settings: Sequence[Setting], notes: Sequence[str], warnings: Sequence[str]) -> list[Block]:
    blocks: list[Block] = [Text(QUESTION, "lead"), *(Text(told, "caution") for told in warnings)]
    for setting in settings:
        blocks += _found(setting)
    if notes:
        blocks.append(Items(list(notes)))
    return blocks


def _found(setting: Setting) -> list[Block]:
    """What the runs of a setting say of the majority's winners: means at the ends of the dose, tests."""
    majority, where = majority_of(setting.runs), f"{setting.name}. " if setting.name else ""
    blocks: list[Block] = []
    if missing := majority_missing(setting.runs, majority):
        return [Text(f"{where}{missing}", "caution")]
    if "winner_share" in setting.runs:
        means = outcome_means(setting.runs, setting.dose, "winner_share")
        won = means[means["group"] == majority].sort_values("dose")
        rows = [
            [name, *(_mean_words(won, name, at) for at in (0, -1))] for name in in_order(won["condition"])
        ]
        frame = pd.DataFrame(rows, columns=["condition", "least", "most"])
        frame["condition"] = frame["condition"].astype(won["condition"].dtype)
        columns = {
            "condition": Column("condition", label, numeric=False, whole=True),
            "least": Column("at the smallest training share", label),
            "most": Column("at the largest", label),
        }
        caption = f"{where}Winners who are {majority}: means over runs"
        caption += "." if won["ci_low"].isna().all() else ", with 95 % intervals over seeds"
        if crossed(won):
            caption += " for these contestants; in braces for others, too."
        elif not won["ci_low"].isna().all():
            caption += "."
        blocks.append(told_by(frame, columns, caption))
    tests = dose_rows(setting.dose, "winner_share", ["dose_slope", "dose_mean_difference"], majority)
    if len(tests):
        caption = f"{where}Tests over seeds, share of the winners who are {majority}."
        blocks.append(trends_table(tests, caption, setting.runs))
    return blocks


def _mean_words(won: pd.DataFrame, condition: str, at: int) -> str:
    row = both_intervals(won[won["condition"] == condition], share=True).iloc[[at]]
    told = said(percent(row["value"].iloc[0]), next(row.itertuples()))
    return f"{told} at {percent(row['dose'].iloc[0], 0)} ({counted(int(row['n'].iloc[0]), 'run')})"


def _limits(seeds: int) -> list[str]:
    items = [
        "The replicate is the seed. Other data sets, other faces and other kinds of judge are not in these intervals; "
        "other contestants are where the page says so.",
        "Pools are of equal size, so share is kept apart from size. It is not kept apart from ratings: where a group "
        "is rated differently, fewer of its pictures also mean that the judge learns less of that.",
        "Means of ratios are on their own scale; a run in which nobody of a group won counts as 0. Intervals of shares "
        "stay within 0 to 100 % (Student’s t on the logit), those of ratios above 0 (on the logarithm).",
        "Several groups and outcomes are tested, and one p-value below .05 among many is to be expected.",
    ]
    if seeds < 2:
        items.insert(0, "There is one seed: no interval over training runs exists, and nothing is claimed.")
    elif seeds < FEWEST_SEEDS:
        items.insert(0, f"There are {seeds} seeds: too few for any interval, and no claim is made from dots.")
    elif seeds < 5:
        items.insert(
            0, f"There are {seeds} seeds; intervals over so few are wide and lean on a normal distribution."
        )
    return items


def _runs(runs: pd.DataFrame, others: pd.DataFrame | None, factors: Sequence[str]) -> list[Block]:
    grid = each_run(runs, factors).groupby([*factors, "share"], dropna=False)["seed"].agg(["size", "nunique"])
    grid = grid.reset_index()
    columns = {
        **{factor: Column(factor, label, numeric=False) for factor in factors},
        "share": Column("training share", percent),
        "size": Column("runs", count),
        "nunique": Column("seeds", count),
    }
    blocks: list[Block] = [
        folded(table_from(grid, columns, "Finished runs; each is held under every condition."))
    ]
    return [*blocks, *unfinished_blocks(others)]


def unfinished_blocks(others: pd.DataFrame | None) -> list[Block]:
    """Runs that are in no number: how many, why, and the first of them by name."""
    if others is None or others.empty:
        return [Text("No run failed, and none is unfinished.")]
    text = f"Failed or not finished, and so in no number on this page: {counted(len(others), 'run')}."
    shown = {column: Column(str(column), label, numeric=False) for column in others}
    blocks: list[Block] = [Text(text, "caution")]
    caption = "Runs that failed or are not finished."
    if len(others) > MOST_LISTED:
        if {"state", "reason"} <= set(others):
            reasons = others.groupby(["state", "reason"], sort=False).size().rename("runs").reset_index()
            reasons = reasons.sort_values("runs", ascending=False, kind="stable").head(MOST_LISTED)
            counts = {"state": Column("state", label, numeric=False), "runs": Column("runs", count),
                      "reason": Column("reason", label, numeric=False)}  # fmt: skip
            blocks.append(
                table_from(reasons, counts, "Why they are not in the numbers, the most frequent first.")
            )
        caption = f"The first {MOST_LISTED} of them; `judge runs` lists all."
    return [*blocks, table_from(others.head(MOST_LISTED), shown, caption)]
