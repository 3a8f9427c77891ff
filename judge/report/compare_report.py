"""The page of a sweep: who wins against the training share, over training runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from judge.fairness.resampling import t_interval
from judge.report import figures_causes, parts
from judge.report.page import (
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
    table_from,
    text_of,
    write_page,
)
from judge.report.style import as_group, in_order, number, percent

#: outcome → (words for the axis, is a share, logarithmic axis, horizontal lines)
OUTCOMES = {
    "winner_share": ("share of the winners", True, False, ()),
    "selection_rate_ratio": (
        "selection-rate ratio (log scale)",
        False,
        True,
        ((1.0, "parity"), (0.8, "four fifths")),
    ),
    "pearson": ("Pearson correlation with ratings", False, False, ()),
    "signed_error": ("signed error (score − rating)", False, False, ((0.0, "no error"),)),
}
TESTS = {
    "dose_slope": "slope",
    "dose_slope_mixed": "slope, mixed model",
    "dose_slope_bootstrap": "slope, bootstrap of seeds",
    "dose_crossing": "share at which four fifths is crossed",
    "dose_mean_difference": "mean difference",
    "dose_slope_difference": "difference of slopes",
}


def write_compare_report(
    out: Path,
    runs: pd.DataFrame,
    dose: pd.DataFrame,
    failed: pd.DataFrame,
    *,
    feature: str,
    title: str,
    notes: Sequence[str] = (),
) -> Path:
    """Writes out/figures/*.png|svg and out/page.html; returns the page.

    runs    one row a training run × group: share (the majority's share of the pool, NaN where there is none), seed,
            condition, group, and the outcomes winner_share, selection_rate_ratio, entrant_share, pearson, signed_error
            (those that there are); optionally n_group (entrants of the group), majority, reference
    dose    rows of judge.fairness.dose with `outcome` and `of_group`; may be empty (one share, one run)
    failed  runs that are not in `runs`: folder, state, reason, or any other columns
    """
    runs = runs.assign(group=as_group(runs["group"]), condition=runs["condition"].map(str))
    if "n_group" in runs:
        runs["entrants"] = runs["n_group"]
    outcomes = [o for o in OUTCOMES if o in runs and runs[o].notna().any()]
    means = pd.concat([_means(runs, dose, outcome) for outcome in outcomes]) if outcomes else pd.DataFrame()
    sections = [
        Section("The question and what the runs say", _summary(runs, means, dose, feature, notes)),
        *(Section(_title(outcome), _outcome(runs, means, dose, outcome, feature)) for outcome in outcomes),
        parts.limits_section(_limits(runs, dose)),
        Section("Runs, finished and not", _runs(runs, failed)),
    ]
    replicates = runs.drop_duplicates([c for c in ("folder", "share", "seed") if c in runs])
    return write_page(
        Path(out),
        title=title,
        subtitle=f"{len(replicates):,} runs over {runs['seed'].nunique():,} seed(s) and {runs['share'].nunique():,} training share(s), "
        f"by {feature}. Each dot is a training run.",
        sections=sections,
    )


def _title(outcome: str) -> str:
    return {"winner_share": "Winners' shares", "selection_rate_ratio": "Selection-rate ratios", "pearson": "Agreement with ratings",
            "signed_error": "Signed errors"}[outcome]  # fmt: skip


def _means(runs: pd.DataFrame, dose: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """group, condition, dose, value, n, ci_low, ci_high, outcome: from `dose`, else t intervals over the runs."""
    columns = ["group", "condition", "dose", "value", "n", "ci_low", "ci_high"]
    if len(dose) and {"outcome", "of_group"} <= set(dose.columns):
        rows = dose[(dose["metric"] == "dose_mean") & (dose["outcome"] == outcome)]
        if len(rows):
            rows = rows.assign(condition=rows["group"].map(str), group=as_group(rows["of_group"]))
            return rows[columns].assign(outcome=outcome)
    found = []
    for (group, condition, share), part in runs[runs["share"].notna()].groupby(
        ["group", "condition", "share"]
    ):
        values = part[outcome].astype(float)
        values = values[np.isfinite(values)]
        mean, low, high = t_interval(values.to_numpy())
        found.append((group, condition, share, mean, len(values), low, high))
    return pd.DataFrame(found, columns=columns).assign(outcome=outcome)


def _summary(
    runs: pd.DataFrame, means: pd.DataFrame, dose: pd.DataFrame, feature: str, notes: Sequence[str]
) -> list[Block]:
    majority = _majority(runs)
    told = []
    won = means[(means["outcome"] == "winner_share") & (means["group"] == majority)] if len(means) else means
    for condition in in_order(won["condition"]) if len(won) else []:
        part = won[won["condition"] == condition].sort_values("dose")
        ends = [part.iloc[0], part.iloc[-1]] if len(part) > 1 else [part.iloc[0]]
        seen = ", ".join(
            f"{percent(r['value'])} [{percent(r['ci_low']).removesuffix(' %')}, {percent(r['ci_high'])}] at a share of {percent(r['dose'], 0)} (n = {int(r['n'])} runs)"
            for r in ends
        )
        told.append(f"{condition}: {seen}.")
    blocks: list[Block] = [
        Text(
            "Judges are trained on pools of equal size in which one group has a larger and larger share, and on rebalanced pools, "
            "and judge the same contestants. How does the winners' composition move with that share?",
            "lead",
        )
    ]
    if told:
        blocks.append(Text(f"Share of the winners that are {majority}. " + " ".join(told)))
    tested = _tests(dose, "winner_share", majority)
    if len(tested):
        blocks.append(
            Text("Tests over training runs: " + "; ".join(_test_words(r) for _, r in tested.iterrows()) + ".")
        )
    if notes:
        blocks.append(Items(list(notes)))
    return blocks


def _tests(dose: pd.DataFrame, outcome: str, group: str | None = None) -> pd.DataFrame:
    if dose.empty or "metric" not in dose:
        return pd.DataFrame()
    rows = dose[dose["metric"].isin(TESTS)]
    if "outcome" in rows:
        rows = rows[rows["outcome"] == outcome]
    if group is not None and "of_group" in rows:
        rows = rows[as_group(rows["of_group"]) == group]
        rows = rows[rows["metric"].isin(["dose_slope", "dose_mean_difference"])]
    return rows


def _test_words(row: pd.Series) -> str:
    where = str(row["group"]).replace(" - ", " minus ")
    if row["metric"] == "dose_slope":
        change = f"{number(row['value'] / 10, 3)} [{number(row['ci_low'] / 10, 3)}, {number(row['ci_high'] / 10, 3)}]"
        return f"{where}: change for 10 points of share {change}, {_p(row['p_value'])}"
    return f"{where}: {TESTS[row['metric']]} {number(row['value'], 3)} [{number(row['ci_low'], 3)}, {number(row['ci_high'], 3)}], {_p(row['p_value'])}"


def _p(p: float) -> str:
    text = P_VALUE.write(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _outcome(
    runs: pd.DataFrame, means: pd.DataFrame, dose: pd.DataFrame, outcome: str, feature: str
) -> list[Block]:
    words, is_share, log, lines = OUTCOMES[outcome]
    shown, centre = runs, means[means["outcome"] == outcome]
    if outcome == "selection_rate_ratio" and "reference" in runs:
        shown = runs[runs["group"] != runs["reference"].astype(object).map(str)]
        centre = centre[centre["group"].isin(shown["group"])]
        references = runs["reference"].dropna().unique()
        words = f"selection rate over that of {references[0]}" if len(references) == 1 else words
    n_runs = shown.groupby(["condition", "group"]).size().max()
    infinite = int(np.isinf(shown[outcome].astype(float)).sum())
    shown = shown[np.isfinite(shown[outcome].astype(float))]
    blocks: list[Block] = [
        Picture(
            f"dose_{outcome}",
            figures_causes.dose_response(
                shown, centre, outcome=outcome, label=words, is_share=is_share, log=log, lines=lines,
                dose_label=f"share of {_majority(runs)} in the skewed training pool",
            ),
            f"{_title(outcome)} by {feature} against the training share: a dot is a training run, the large marker the mean over runs "
            f"with its 95 % t interval. {n_runs} runs a condition."
            + (" Open triangles at the lower edge: runs in which nobody of the group won, or means and intervals that reach 0." if log else "")
            + (f" {infinite} infinite value(s) (nobody of the reference won) are not drawn." if infinite else ""),
            f"{_title(outcome)} against the training share. "
            + "; ".join(f"{r.condition} {r.group} at {percent(r.dose, 0)}: {number(r.value)}" for r in centre.head(40).itertuples()) + ".",
        )
    ]  # fmt: skip
    write = percent if is_share else decimals(3)
    frame = centre.assign(range=interval(centre, digits=3, share=is_share)).sort_values(
        ["group", "dose"], kind="stable"
    )
    columns = {
        "group": Column("group", text_of, numeric=False), "condition": Column("condition", text_of, numeric=False),
        "dose": Column("training share", lambda v: percent(v, 0)), "n": Column("runs", count), "value": Column("mean", write),
        "range": Column("95 % interval", text_of),
    }  # fmt: skip
    blocks.append(table_from(frame, columns, f"{_title(outcome)}: means over training runs."))
    tests = _tests(dose, outcome)
    if len(tests):
        blocks.append(_tests_table(tests, outcome))
    return blocks


def _tests_table(tests: pd.DataFrame, outcome: str) -> Table:
    frame = tests.assign(range=interval(tests, digits=3), what=tests["metric"].map(TESTS))
    columns = {
        "of_group": Column("group", text_of, numeric=False),
        "group": Column("condition", lambda v: text_of(v).replace(" - ", " minus "), numeric=False),
        "what": Column("estimate", text_of, numeric=False), "n": Column("n", count), "value": Column("value", decimals(3)),
        "range": Column("95 % interval", text_of), "p_value": P_VALUE, "test": Column("how", text_of, numeric=False),
    }  # fmt: skip
    note = "Slopes are changes for a share going from 0 to 1. Seeds, not runs, are the replicates. P-values are not adjusted for the number of groups."
    return table_from(
        frame,
        {k: v for k, v in columns.items() if k in frame},
        f"{_title(outcome)}: trends and differences.",
        note=note,
    )


def _limits(runs: pd.DataFrame, dose: pd.DataFrame) -> list[str]:
    seeds = runs["seed"].nunique()
    items = []
    if seeds < 2:
        items.append("There is one seed: no interval over training runs exists, and nothing is claimed.")
    elif seeds < 5:
        items.append(
            f"There are {seeds} seeds; intervals over so few are wide and rest on the normal distribution."
        )
    items += [
        "The replicate is the training run; what other data sets, faces or kinds of judge would do is not in these intervals.",
        "Share and size are kept apart (equal pools), share and ratings are not: where a group is rated differently, fewer of its pictures "
        "also means that the judge knows less about that.",
        "Mean and interval of a ratio are on its own scale. A run in which nobody of a group won counts as 0.",
        "Several groups and outcomes are tested; one p-value below .05 among many is expected by chance.",
    ]
    return items


def _runs(runs: pd.DataFrame, failed: pd.DataFrame) -> list[Block]:
    table = runs.drop_duplicates([c for c in ("folder", "share", "seed", "condition") if c in runs])
    grid = table.groupby(["condition", "share"], dropna=False)["seed"].agg(["size", "nunique"]).reset_index()
    columns = {"condition": Column("condition", text_of, numeric=False), "share": Column("training share", percent),
               "size": Column("runs", count), "nunique": Column("seeds", count)}  # fmt: skip
    blocks: list[Block] = [table_from(grid, columns, "Finished training runs.")]
    if failed is not None and len(failed):
        shown = failed.head(200)
        blocks.append(
            Text(
                f"{len(failed):,} run(s) are missing from every number on this page because they failed or did not finish.",
                "caution",
            )
        )
        blocks.append(
            table_from(
                shown,
                {c: Column(str(c), text_of, numeric=False) for c in shown},
                "Runs that failed or are not finished.",
            )
        )
    else:
        blocks.append(Text("No run failed, and none is unfinished."))
    return blocks


def _majority(runs: pd.DataFrame) -> str:
    if "majority" in runs and runs["majority"].notna().any():
        return str(runs["majority"].dropna().iloc[0])
    return "the majority"
