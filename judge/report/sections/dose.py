"""Sections of a sweep: an outcome against the training share, its means over runs, its tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from judge.fairness.sweeps.contestants import OVERLAPPING, SAME
from judge.fairness.sweeps.over_seeds import RATIO, SHARE, mean_interval
from judge.report import figures
from judge.report.conditions import TRUTH, baseline_of, in_order, titled, with_order
from judge.report.html import (
    P_VALUE,
    Block,
    Column,
    Picture,
    Table,
    count,
    decimals,
    interval,
    label,
    table_from,
)
from judge.report.sections.tables import SIDE_BY_SIDE, by_condition, folded, told_by
from judge.report.wording import as_group, number, percent


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


@dataclass(frozen=True)
class Setting:
    """Runs that differ in share and seed alone, their rows of the dose table, and what they are called.

    name is "" where all runs of the page are such; stem is a part of file names.
    """

    name: str
    stem: str
    runs: pd.DataFrame
    dose: pd.DataFrame


def settings_of(runs: pd.DataFrame, dose: pd.DataFrame, factors: Sequence[str]) -> list[Setting]:
    """The runs by the values of their factors, in order of appearance."""
    if not factors:
        return [Setting("", "", runs, dose)]
    values = runs[list(factors)].astype(object).map(label).drop_duplicates()
    if len(values) <= 1:
        return [Setting("", "", runs, dose)]
    found = []
    for i, row in enumerate(values.to_dict("records"), 1):
        name = ", ".join(f"{factor} {value}" for factor, value in row.items())
        found.append(Setting(name, f"_{i}", *(_where(table, row) for table in (runs, dose))))
    return found


def _where(table: pd.DataFrame, values: Mapping[str, str]) -> pd.DataFrame:
    """The rows that have these values, in the columns that the table has."""
    keep = pd.Series(True, index=table.index)
    for column, value in values.items():
        if column in table:
            keep &= table[column].astype(object).map(label) == value
    return table[keep]


def outcome_means(runs: pd.DataFrame, dose: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """group, condition, dose, value, n, ci_low, ci_high (over seeds, for these contestants), ci_people_low and -high.

    The rows of `dose`, else means with intervals over the runs, and none that counts the people.
    """
    columns = ["group", "condition", "dose", "value", "n"]
    columns += ["ci_low", "ci_high", "ci_people_low", "ci_people_high"]
    rows = dose_rows(dose, outcome, ["dose_mean"])
    if len(rows):
        named = rows.assign(condition=rows["group"], group=as_group(rows["of_group"]))
        rows = named.reindex(columns=columns)
        return with_order(rows, list(runs["condition"].cat.categories))
    found = []
    bounds = SHARE if OUTCOMES[outcome].is_share else RATIO if OUTCOMES[outcome].log else None
    for (group, condition, share), part in runs[runs["share"].notna()].groupby(
        ["group", "condition", "share"]
    ):
        values = part[outcome].to_numpy(float)
        values = values[np.isfinite(values)]
        mean, low, high = mean_interval(values, bounds=bounds)
        found.append((group, condition, share, mean, len(values), low, high, np.nan, np.nan))
    return with_order(pd.DataFrame(found, columns=columns), list(runs["condition"].cat.categories))


def dose_rows(
    dose: pd.DataFrame, outcome: str, metrics: Sequence[str], group: str | None = None
) -> pd.DataFrame:
    """Rows of the dose table about an outcome; none where the table is empty."""
    if dose.empty or not {"outcome", "of_group", "metric"} <= set(dose.columns):
        return pd.DataFrame()
    rows = dose[dose["metric"].isin(list(metrics)) & (dose["outcome"] == outcome)]
    return rows if group is None else rows[as_group(rows["of_group"]) == group]


def outcome_blocks(setting: Setting, outcome: str, feature: str) -> list[Block]:
    """Figure, means and tests of one outcome of one setting; nothing where no run has it."""
    how, words = OUTCOMES[outcome], OUTCOMES[outcome].words
    runs = shown = setting.runs
    if runs[outcome].isna().all():
        return []
    means = outcome_means(runs, setting.dose, outcome)
    if outcome == "selection_rate_ratio" and "reference" in runs:
        shown = runs[runs["group"] != runs["reference"].astype(object).map(str)]
        means = means[means["group"].isin(shown["group"])]
        references = runs["reference"].dropna().unique()
        words += f" to {references[0]}" if len(references) == 1 else ""
    if outcome in ERRORS:
        shown, means = (t[t["condition"] != TRUTH] for t in (shown, means))
    values = shown[outcome].astype(float)
    caption = f"{setting.name}. " if setting.name else ""
    each = "A dot is a run"
    if figures.crowded(shown):
        each = "Thick bars hold the middle half of the runs of a share, thin ones nine tenths"
    caption += (
        f"{how.title} by {feature} against the training share. {each}, the large marker the mean over runs"
        + ("." if means["ci_low"].isna().all() else f" with its 95 % interval{_whose(means, setting.dose)}.")
    )
    if (shown["condition"] == TRUTH).any():
        caption += " Truth: winners by the known truth of the same contestants."
    if how.log and (values == 0).any():
        told = (
            "Bars that end at the lower edge hold"
            if figures.crowded(shown)
            else "Open triangles at the lower edge:"
        )
        caption += f" {told} runs in which nobody of the group won."
    if np.isinf(values).any():
        caption += (
            f" {int(np.isinf(values).sum())} infinite values (nobody of the reference won) are not drawn."
        )
    figure = figures.dose_response(
        shown[np.isfinite(values)],
        means,
        outcome=outcome,
        label=words,
        is_share=how.is_share,
        log=how.log,
        lines=how.lines,
        dose_label=f"share of {majority_of(runs)} in the baseline’s training pool",
    )
    said = "; ".join(
        f"{r.condition} {r.group} at {percent(r.dose, 0)}: {number(r.value)}"
        for r in means.head(40).itertuples()
    )
    blocks: list[Block] = [
        Picture(
            f"dose_{outcome}{setting.stem}",
            figure,
            caption,
            f"{how.title} against the training share. {said}.",
        ),
        folded(_means_table(means, how, setting.dose)),
    ]
    tests = dose_rows(setting.dose, outcome, [name for name in TESTS if name != "dose_crossing" or how.log])
    tests = tests[tests["value"].notna()] if len(tests) else tests
    if len(tests):
        blocks.append(folded(trends_table(tests, f"{how.title}: trends and differences.", runs)))
    return blocks


def _whose(rows: pd.DataFrame, dose: pd.DataFrame) -> str:
    """Over what the intervals are, and that they hold for these contestants where the seeds shared them."""
    shared = "contestants" in dose and dose["contestants"].isin([SAME, OVERLAPPING]).any()
    return " over seeds for these contestants" if shared or crossed(rows) else " over seeds"


def crossed(rows: pd.DataFrame) -> bool:
    """Whether rows have an interval for other contestants that is not the one over seeds."""
    if "ci_people_low" not in rows:
        return False
    people = rows["ci_people_low"]
    return bool((people.notna() & (people != rows["ci_low"])).any())


def both_intervals(rows: pd.DataFrame, *, digits: int = 3, share: bool = False) -> pd.DataFrame:
    """The rows with the text columns `range` (these contestants) and, where it is another one, `people`."""
    rows = rows.assign(range=_range(rows, "ci_low", "ci_high", digits, share))
    if crossed(rows):
        rows = rows.assign(people=_range(rows, "ci_people_low", "ci_people_high", digits, share))
    return rows


def _range(rows: pd.DataFrame, low: str, high: str, digits: int, share: bool) -> pd.Series:
    """[low, high] as text; a limit that is none is told by the other one alone."""
    write = percent if share else decimals(digits)
    text = interval(rows, low, high, digits=digits, share=share)
    for i, a, b in zip(rows.index, rows[low], rows[high], strict=True):
        if np.isinf(a) and np.isinf(b):
            text[i] = "any"
        elif np.isinf(a) or np.isinf(b):
            text[i] = f"up to {write(b)}" if np.isinf(a) else f"from {write(a)}"
    return text


def interval_columns(rows: pd.DataFrame) -> dict[str, Column]:
    """The columns of `both_intervals`; none where no row has an interval."""
    if rows["range"].eq("–").all():
        return {}
    if "people" not in rows:
        return {"range": Column("95 % interval", label)}
    return {
        "range": Column("95 % interval, these contestants", label),
        "people": Column("95 % interval, for others, too", label),
    }


def _means_table(means: pd.DataFrame, how: Outcome, dose: pd.DataFrame) -> Table:
    """Means with intervals: group, share and condition in rows; two or three conditions have a column each."""
    write = percent if how.is_share else decimals(3)
    table = both_intervals(means, share=how.is_share)
    none = table["range"].eq("–").all()
    caption = f"{how.title}: means over runs" + (
        "; too few seeds for intervals." if none else f", with 95 % intervals{_whose(means, dose)}."
    )
    if "people" in table:
        caption += " In braces: for others, too (seeds and people crossed)."
    table["said"] = [said(write(row.value), row) for row in table.itertuples()]
    conditions = in_order(means["condition"])
    columns = {
        "group": Column("group", label, numeric=False),
        "dose": Column("training share", lambda share: percent(share, 0)),
    }
    if len(conditions) > SIDE_BY_SIDE:
        columns["condition"] = Column("condition", label, numeric=False, whole=True)
        columns |= {"n": Column("runs", count), "said": Column("mean", label)}
        return told_by(by_condition(table, ["group", "dose"]), columns, caption)
    wide = table.pivot_table(
        index=["group", "dose"], columns="condition", values="said", aggfunc="first"
    ).fillna("–")
    wide.columns = [str(name) for name in wide.columns]
    wide = wide.join(table.groupby(["group", "dose"])["n"].min()).reset_index()
    baseline = baseline_of(means["condition"])
    columns |= {"n": Column("runs", count)}
    columns |= {condition: Column(titled(condition, baseline), label) for condition in conditions}
    return table_from(wide, columns, caption)


def said(value: str, row: Any) -> str:
    """12.3 % [10.1, 14.2] {8.0, 17.5}: mean, interval for these contestants, for others, too."""
    texts = [value]
    if row.range != "–":
        texts.append(row.range.removesuffix(" %"))
    people = getattr(row, "people", "–")
    if people != "–":
        texts.append(people.removesuffix(" %").replace("[", "{").replace("]", "}"))
    return " ".join(texts)


def trends_table(tests: pd.DataFrame, caption: str, runs: pd.DataFrame) -> Table:
    """Slopes and differences; conditions in their order, differences between two of them after these."""
    columns = {
        "of_group": Column("group", label, numeric=False),
        "group": Column("condition", lambda name: label(name).replace(" - ", " minus "), numeric=False),
        "what": Column("estimate", label, numeric=False),
        "n": Column("runs", count),
        "value": Column("value", decimals(3)),
        **interval_columns(tests := both_intervals(tests)),
        "p_value": P_VALUE,
        "test": Column("test", label, numeric=False),
    }
    note = "" if "range" in columns else "Too few seeds for intervals. "
    note += (
        "A slope is the change for a training share going from 0 to 1. Seeds, not runs, are the replicates. P-values "
        "are not adjusted for the number of groups and speak of other trainings only. Slopes by a mixed model and a "
        "bootstrap of seeds are in dose.csv."
    )
    frame = tests.assign(what=tests["metric"].map(TESTS))
    conditions, baseline = in_order(runs["condition"]), baseline_of(runs["condition"])
    names = [*conditions, *(f"{one} - {other}" for one in conditions for other in conditions)]
    frame = frame.assign(order=frame["group"].map({name: i for i, name in enumerate(names)}))
    frame = frame.sort_values(["of_group", "order"], kind="stable")
    text = frame["group"].map(str).tolist()
    if baseline in text:
        text[text.index(baseline)] = titled(baseline, baseline)
    frame["group"] = text
    return table_from(frame, columns, caption, note=note)


def majority_of(runs: pd.DataFrame) -> str:
    """The group whose share of the pool is the dose."""
    if "majority" in runs and runs["majority"].notna().any():
        return str(runs["majority"].dropna().iloc[0])
    return "the majority"
