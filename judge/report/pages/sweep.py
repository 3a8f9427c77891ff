"""The page of a sweep: who wins against the training share, over training runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from judge.fairness.inference.randomisation import t_interval
from judge.report.figures import dose as figures_dose
from judge.report.figures.style import TRUTH, as_group, counted, in_order, number, p_said, percent
from judge.report.html.page import (
    P_VALUE,
    Block,
    Column,
    Items,
    Picture,
    Section,
    Table,
    Text,
    count,
    decimals,
    interval,
    label,
    table_from,
    write_page,
)
from judge.report.sections import contest as sections


@dataclass(frozen=True)
class Outcome:
    """How an outcome is drawn: its title, the axis' words, a share or not, log axis or not, reference lines."""

    title: str
    words: str
    is_share: bool = False
    log: bool = False
    lines: tuple[tuple[float, str], ...] = ()


OUTCOMES = {
    "winner_share": Outcome("Winners’ shares", "share of the winners", is_share=True),
    "selection_rate_ratio": Outcome(
        "Selection-rate ratios",
        "selection-rate ratio",
        log=True,
        lines=((1.0, "parity"), (0.8, "four fifths")),
    ),
    "pearson": Outcome("Agreement with ratings", "Pearson correlation with ratings"),
    "signed_error": Outcome("Signed errors", "signed error (score − rating)", lines=((0.0, "no error"),)),
    # winners come from the upper tail, so a group whose scores spread less loses places without any error of the mean
    "spread": Outcome("Spread of the scores", "standard deviation of the scores"),
}
ERRORS = {"pearson", "signed_error", "spread"}
TESTS = {
    "dose_slope": "slope",
    "dose_crossing": "training share at four fifths",
    "dose_mean_difference": "mean difference",
    "dose_slope_difference": "difference of slopes",
}
QUESTION = (
    "Judges are trained on pools of equal size in which one group has a larger and larger share, and on rebalanced "
    "pools, and then judge the same contestants. How do the winners move with that share?"
)


def write_compare_report(
    out: Path,
    runs: pd.DataFrame,
    dose: pd.DataFrame,
    failed: pd.DataFrame | None,
    *,
    feature: str,
    title: str,
    notes: Sequence[str] = (),
) -> Path:
    """Writes out/figures/*.png|svg and out/page.html; returns the page.

    runs    one row a training run × group: share (the majority's share of the pool; NaN where there is none), seed,
            condition, group, and of winner_share, selection_rate_ratio, entrant_share, pearson, signed_error, spread
            those that there are; optionally folder, n_group (entrants of the group), majority, reference
    dose    rows of judge.fairness.sweeps.dose_response with the columns outcome and of_group; may be empty
    failed  runs that are not in `runs`, with any columns (folder, state, reason)
    """
    runs = runs.assign(group=as_group(runs["group"]), condition=runs["condition"].map(str))
    if "n_group" in runs:
        runs["entrants"] = runs["n_group"]
    # the truth is no judge: it has winners, but no errors, and another scale
    judged = runs["condition"] != TRUTH
    for name in ERRORS & set(runs):
        runs[name] = runs[name].where(judged)
    outcomes = [name for name in OUTCOMES if name in runs and runs[name].notna().any()]
    means = {name: outcome_means(runs, dose, name) for name in outcomes}
    written = [
        Section(
            "The question, and what the runs say", _summary(runs, means.get("winner_share"), dose, notes)
        ),
        *(Section(OUTCOMES[o].title, _outcome(runs, means[o], dose, o, feature)) for o in outcomes),
        sections.limits_section(_limits(runs["seed"].nunique())),
        Section("Runs, finished and not", _runs(runs, failed)),
    ]
    trained = _training_runs(runs)
    subtitle = (
        f"{counted(len(trained), 'training run')}, {counted(runs['seed'].nunique(), 'seed')}, "
        f"{counted(runs['share'].nunique(), 'training share')}, by {feature}. Each dot is a training run."
    )
    return write_page(Path(out), title=title, subtitle=subtitle, sections=written)


def outcome_means(runs: pd.DataFrame, dose: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """group, condition, dose, value, n, ci_low, ci_high: the rows of `dose`, else t intervals over the runs."""
    columns = ["group", "condition", "dose", "value", "n", "ci_low", "ci_high"]
    rows = _of(dose, outcome, ["dose_mean"])
    if len(rows):
        return rows.assign(condition=rows["group"].map(str), group=as_group(rows["of_group"]))[columns]
    found = []
    for (group, condition, share), part in runs[runs["share"].notna()].groupby(
        ["group", "condition", "share"]
    ):
        values = part[outcome].to_numpy(float)
        values = values[np.isfinite(values)]
        mean, low, high = t_interval(values)
        found.append((group, condition, share, mean, len(values), low, high))
    return pd.DataFrame(found, columns=columns)


def _of(dose: pd.DataFrame, outcome: str, metrics: Sequence[str], group: str | None = None) -> pd.DataFrame:
    """Rows of the dose table about an outcome; none where the table is empty."""
    if dose.empty or not {"outcome", "of_group", "metric"} <= set(dose.columns):
        return pd.DataFrame()
    rows = dose[dose["metric"].isin(list(metrics)) & (dose["outcome"] == outcome)]
    return rows if group is None else rows[as_group(rows["of_group"]) == group]


def _summary(
    runs: pd.DataFrame, means: pd.DataFrame | None, dose: pd.DataFrame, notes: Sequence[str]
) -> list[Block]:
    majority = _majority(runs)
    blocks: list[Block] = [Text(QUESTION, "lead")]
    told = []
    won = means[means["group"] == majority] if means is not None else pd.DataFrame()
    for condition in in_order(won["condition"]) if len(won) else []:
        part = won[won["condition"] == condition].sort_values("dose")
        ends = part.iloc[[0, -1]] if len(part) > 1 else part
        told.append(f"{condition}, {'; '.join(map(_mean_words, ends.to_dict('records')))}")
    if told:
        blocks.append(Text(f"Winners who are {majority}: " + ". ".join(told) + "."))
    tests = _of(dose, "winner_share", ["dose_slope", "dose_mean_difference"], majority)
    if len(tests):
        told = [_test_words(row) for row in tests.to_dict("records")]
        blocks.append(
            Text(f"Tests over training runs, share of the winners who are {majority}: {'; '.join(told)}.")
        )
    if notes:
        blocks.append(Items(list(notes)))
    return blocks


def _mean_words(row: dict) -> str:
    low, high = (percent(row[c]).removesuffix(" %") for c in ("ci_low", "ci_high"))
    interval_ = "" if pd.isna(row["ci_low"]) else f" [{low}, {high}]"
    where = f"at a share of {percent(row['dose'], 0)} ({counted(int(row['n']), 'run')})"
    return f"{percent(row['value'])}{interval_} {where}"


def _test_words(row: dict) -> str:
    where = str(row["group"]).replace(" - ", " minus ")
    what, scale = TESTS[row["metric"]], 1.0
    if row["metric"] == "dose_slope":
        what, scale = "change for ten points of training share", 0.1
    value, low, high = (number(100 * scale * row[c], 1) for c in ("value", "ci_low", "ci_high"))
    return f"{where}, {what} {value} points [{low}, {high}], {p_said(row['p_value'])}"


def _outcome(
    runs: pd.DataFrame, means: pd.DataFrame, dose: pd.DataFrame, outcome: str, feature: str
) -> list[Block]:
    how, words = OUTCOMES[outcome], OUTCOMES[outcome].words
    shown = runs
    if outcome == "selection_rate_ratio" and "reference" in runs:
        shown = runs[runs["group"] != runs["reference"].astype(object).map(str)]
        means = means[means["group"].isin(shown["group"])]
        references = runs["reference"].dropna().unique()
        words += f" to {references[0]}" if len(references) == 1 else ""
    if outcome in ERRORS:
        shown, means = (t[t["condition"] != TRUTH] for t in (shown, means))
    values = shown[outcome].astype(float)
    caption = (
        f"{how.title} by {feature} against the training share. A dot is a training run, the large marker the mean over "
        "runs with its 95 % t interval."
    )
    if (shown["condition"] == TRUTH).any():
        caption += " Truth: winners by the known truth of the same contestants."
    if how.log:
        caption += " Open triangles at the lower edge: runs in which nobody of the group won."
    if np.isinf(values).any():
        caption += (
            f" {int(np.isinf(values).sum())} infinite values (nobody of the reference won) are not drawn."
        )
    figure = figures_dose.dose_response(
        shown[np.isfinite(values)],
        means,
        outcome=outcome,
        label=words,
        is_share=how.is_share,
        log=how.log,
        lines=how.lines,
        dose_label=f"share of {_majority(runs)} in the skewed training pool",
    )
    said = "; ".join(
        f"{r.condition} {r.group} at {percent(r.dose, 0)}: {number(r.value)}"
        for r in means.head(40).itertuples()
    )
    blocks: list[Block] = [
        Picture(f"dose_{outcome}", figure, caption, f"{how.title} against the training share. {said}."),
        _means_table(means, how),
    ]
    tests = _of(dose, outcome, [name for name in TESTS if name != "dose_crossing" or how.log])
    tests = tests[tests["value"].notna()] if len(tests) else tests
    if len(tests):
        blocks.append(_tests_table(tests, how.title))
    return blocks


def _means_table(means: pd.DataFrame, how: Outcome) -> Table:
    """Means with intervals: group and share in rows, a column for each condition."""
    write = percent if how.is_share else decimals(3)
    ranges = interval(means, digits=3, share=how.is_share)
    said = [
        write(value) + ("" if text == "–" else f" {text.removesuffix(' %')}")
        for value, text in zip(means["value"], ranges, strict=True)
    ]
    table = means.assign(said=said)
    wide = table.pivot_table(
        index=["group", "dose"], columns="condition", values="said", aggfunc="first"
    ).fillna("–")
    wide = wide.join(table.groupby(["group", "dose"])["n"].min()).reset_index()
    columns = {
        "group": Column("group", label, numeric=False),
        "dose": Column("training share", lambda share: percent(share, 0)),
        "n": Column("runs", count),
        **{condition: Column(condition, label) for condition in in_order(means["condition"])},
    }
    return table_from(wide, columns, f"{how.title}: means over training runs, with 95 % t intervals.")


def _tests_table(tests: pd.DataFrame, title: str) -> Table:
    columns = {
        "of_group": Column("group", label, numeric=False),
        "group": Column("condition", lambda name: label(name).replace(" - ", " minus "), numeric=False),
        "what": Column("estimate", label, numeric=False),
        "n": Column("n", count),
        "value": Column("value", decimals(3)),
        "range": Column("95 % interval", label),
        "p_value": P_VALUE,
        "test": Column("test", label, numeric=False),
    }
    note = (
        "A slope is the change for a training share going from 0 to 1. Seeds, not runs, are the replicates. P-values "
        "are not adjusted for the number of groups. Slopes by a mixed model and a bootstrap of seeds are in dose.csv."
    )
    frame = tests.assign(range=interval(tests, digits=3), what=tests["metric"].map(TESTS))
    order = {name: i for i, name in enumerate(in_order(frame["group"]))}
    frame = frame.assign(order=frame["group"].map(order)).sort_values(["of_group", "order"], kind="stable")
    return table_from(frame, columns, f"{title}: trends and differences.", note=note)


def _limits(seeds: int) -> list[str]:
    items = [
        "The replicate is the training run. Other data sets, other faces and other kinds of judge are not in these "
        "intervals.",
        "Pools are of equal size, so share is kept apart from size. It is not kept apart from ratings: where a group "
        "is rated differently, fewer of its pictures also mean that the judge learns less of that.",
        "Means and intervals of ratios are on their own scale; a run in which nobody of a group won counts as 0.",
        "Several groups and outcomes are tested, and one p-value below .05 among many is to be expected.",
    ]
    if seeds < 2:
        items.insert(0, "There is one seed: no interval over training runs exists, and nothing is claimed.")
    elif seeds < 5:
        items.insert(
            0, f"There are {seeds} seeds; intervals over so few are wide and lean on a normal distribution."
        )
    return items


def _runs(runs: pd.DataFrame, failed: pd.DataFrame | None) -> list[Block]:
    trained = _training_runs(runs)
    grid = (
        trained.groupby(["condition", "share"], dropna=False)["seed"].agg(["size", "nunique"]).reset_index()
    )
    columns = {
        "condition": Column("condition", label, numeric=False),
        "share": Column("training share", percent),
        "size": Column("runs", count),
        "nunique": Column("seeds", count),
    }
    blocks: list[Block] = [table_from(grid, columns, "Finished training runs.")]
    if failed is None or failed.empty:
        return [*blocks, Text("No run failed, and none is unfinished.")]
    text = f"Failed or not finished, and so in no number on this page: {counted(len(failed), 'run')}."
    shown = {column: Column(str(column), label, numeric=False) for column in failed}
    return [
        *blocks,
        Text(text, "caution"),
        table_from(failed, shown, "Runs that failed or are not finished."),
    ]


def _training_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a training run: the truth was not trained."""
    trained = runs[runs["condition"] != TRUTH]
    return trained.drop_duplicates([c for c in ("folder", "share", "seed", "condition") if c in runs])


def _majority(runs: pd.DataFrame) -> str:
    if "majority" in runs and runs["majority"].notna().any():
        return str(runs["majority"].dropna().iloc[0])
    return "the majority"
