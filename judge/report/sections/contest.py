"""Sections that several pages share, made from an audit table: winners, ratios, scores, ranks, errors."""

from __future__ import annotations

import pandas as pd

from judge.report.figures import contest as figures_contest
from judge.report.figures import errors as figures_errors
from judge.report.figures import scores as figures_scores
from judge.report.figures.style import TRUTH, in_order, largest, level, number, percent
from judge.report.html.page import (
    P_VALUE,
    Block,
    Column,
    Items,
    Picture,
    Section,
    Text,
    count,
    decimals,
    interval,
    label,
    table_from,
)
from judge.report.sections.tables import (
    ERROR_METRICS,
    POWER_METRICS,
    RANK_METRICS,
    SCORE_METRICS,
    finite,
    metric_table,
    reference_of,
    rows_of,
    winners_table,
    words,
)

MANY = 100_000  # entrants from which curves over k stop at the best 1,000 of a bracket
SAID = 24  # groups that an alternative text names, at most


def winners_section(
    audit: pd.DataFrame, feature: str, *, stem: str = "winners", benchmarks: pd.DataFrame | None = None
) -> Section:
    """Entrants → winners, figure and table.

    benchmarks: condition, group, entrants, winners of winners that somebody else would have chosen; drawn only.
    """
    title = "Who entered and who won"
    table = winners_table(audit, feature)
    if table.empty:
        return Section(title, [Text("The audit holds no winners.", "caution")])
    drawn = table
    if benchmarks is not None and len(benchmarks):
        drawn = pd.concat([table, benchmarks], ignore_index=True)
    said = "; ".join(_said(drawn, condition) for condition in in_order(drawn["condition"]))
    picture = Picture(
        stem,
        figures_contest.entrants_to_winners(drawn),
        f"From each group’s share of the entrants (bar) to its share of the winners (marker), by {feature}. "
        f"Shaded: {level(audit)} Clopper–Pearson interval of the winners’ share. Margin: numbers of people, and "
        "shares.",
        f"Shares of entrants and winners by {feature}. {said}.",
    )
    rates = rows_of(audit, "selection_rate", feature=feature)
    rates = rates.assign(rate=interval(rates, share=True)).rename(columns={"value": "selection_rate"})
    full = table.assign(won=interval(table, share=True)).merge(
        rates[["condition", "group", "selection_rate", "rate"]], on=["condition", "group"], how="left"
    )
    order = {name: i for i, name in enumerate(in_order(full["condition"]))}
    full = full.sort_values("condition", key=lambda c: c.map(order), kind="stable")
    columns = {
        "condition": Column("condition", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "entrants": Column("entrants", count),
        "entrant_share": Column("share", percent),
        "winners": Column("winners", count),
        "winner_share": Column("share", percent),
        "won": Column(f"{level(audit)} interval", label),
        "selection_rate": Column("selection rate", lambda share: percent(share, 2)),
        "rate": Column(f"{level(audit)} interval", label),
        "p_value": P_VALUE,
    }
    note = (
        "p: exact conditional test within brackets of the group against everybody else, two-sided, not adjusted "
        "for the number of groups."
    )
    return Section(
        title,
        [picture, table_from(full, without(columns, full), f"Entrants and winners by {feature}.", note=note)],
    )


def ratio_section(audit: pd.DataFrame, feature: str, *, stem: str = "ratios") -> Section:
    """Selection-rate ratios, forest plot and exact numbers."""
    title = "Selection-rate ratios"
    rows = rows_of(audit, "selection_rate_ratio", feature=feature)
    if rows.empty:
        return Section(title, [Text("There is only one group, and so nothing to compare it with.")])
    reference = reference_of(rows)
    said = "; ".join(
        f"{r.condition} {r.group} {number(r.value)} [{number(r.ci_low)}, {number(r.ci_high)}]".strip()
        for r in rows.head(SAID).itertuples()
    )
    judged = rows[rows["condition"] != TRUTH]
    below = judged[judged["value"] < 0.8]
    columns = {
        "condition": Column("condition", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "n": Column("entrants", count),
        "value": Column("ratio", decimals(2)),
        "range": Column(f"{level(audit)} interval", label),
        "p_value": P_VALUE,
    }
    note = (
        "p: exact conditional test within brackets against the reference. The interval pools the brackets, the "
        "test does not, so that the two may disagree near the edge."
    )
    if "p_adjusted" in rows:
        columns["p_adjusted"] = Column("p, Holm", P_VALUE.write)
        note += " Holm: adjusted over all p-values of the audit but the primary one."
    blocks: list[Block] = [
        Picture(
            stem,
            figures_contest.ratio_forest(rows, reference=reference),
            f"Selection rate of each group divided by that of {reference}, by {feature}, with {level(rows)} intervals. "
            "Full line: parity; dashed: four fifths. Arrows reach beyond the axis; the margin has the exact values.",
            f"Forest plot of selection-rate ratios to {reference}: {said}.",
        ),
        Text(
            f"{len(below)} of {len(judged)} ratios lie below four fifths, {int((below['ci_high'] < 0.8).sum())} of "
            "them with their whole interval. Four fifths is a convention and no test: with few winners it is the "
            "interval that decides what can be said."
        ),
        table_from(
            rows.assign(range=interval(rows)),
            without(columns, rows),
            f"Selection-rate ratio to {reference}, by {feature}.",
            note=note,
        ),
    ]
    power = rows_of(audit, POWER_METRICS, feature=feature)
    if len(power):
        blocks.append(
            metric_table(power, "What this number of winners can show, and how many would be needed.")
        )
    return Section(title, blocks)


def scores_section(
    people: pd.DataFrame, audit: pd.DataFrame, feature: str, *, stem: str = "scores"
) -> Section:
    """Score distributions with the winners' cut, and the numbers of the upper tail.

    people: condition, group, bracket, score, winner, one row an entrant (thinned or not: counts are the audit's).
    """
    counted: pd.DataFrame | None = winners_table(audit, feature)
    if counted is None or not set(people["condition"]) <= set(counted["condition"]):
        counted = None
    n = (
        people.groupby("group").size() if counted is None else counted.groupby("group")["entrants"].max()
    ).head(SAID)
    blocks: list[Block] = [
        Picture(
            stem,
            figures_scores.scores_by_group(people, counted),
            f"Scores by {feature} and the winners’ cut. Curve: density; thick bar: the middle half; ticks: winners. "
            "With several brackets a score is drawn as its distance to the last winner of the person’s own bracket.",
            f"Score distributions by {feature}; n: {', '.join(f'{group} {size:,}' for group, size in n.items())}.",
        )
    ]
    rows = rows_of(audit, SCORE_METRICS, feature=feature)
    if len(rows):
        blocks.append(metric_table(rows, f"Scores by {feature}."))
    return Section("Scores and the winners’ cut", blocks)


def ranks_section(
    people: pd.DataFrame, audit: pd.DataFrame, feature: str, *, places: int | None, stem: str = "skew"
) -> Section:
    """Skew@k over all k with its null band, and the measures of ranks. `people` as for scores, not thinned."""
    blocks: list[Block] = []
    curves, sizes = _skew_curves(people)
    if len(curves):
        blocks.append(
            Picture(
                stem,
                figures_scores.skew_at_k(curves, sizes=sizes, places=places),
                "Skew@k: natural log of a group’s share among the best k of each bracket over its share among all "
                "entrants. 0 is parity. Grey: where 95 % of random rankings lie, point by point. A curve that enters "
                "from below has nobody among the first.",
                f"Skew@k curves by {feature} for {', '.join(sorted(set(curves['group'])))}.",
            )
        )
    rows = rows_of(audit, RANK_METRICS, feature=feature)
    if len(rows):
        blocks.append(metric_table(rows, f"Ranks by {feature}."))
    return Section("The whole ranking", blocks)


def _skew_curves(people: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    import numpy as np

    from judge.fairness.metrics.ranking import skew_curve

    sizes = people.groupby(["condition", "group"]).size().groupby("group").max()
    kept, _ = largest(sizes, 9)
    curves = []
    for condition, part in people.groupby("condition", sort=False):
        part = part[finite(part["score"])]
        if part.empty:
            continue
        most = int(part.groupby("bracket").size().max())
        ks = np.unique(
            np.geomspace(1, most if len(part) <= MANY else min(most, 1000), 160).round().astype(int)
        )
        # groups that are not drawn count as one, which leaves the curve of every other group as it is
        group = part["group"].where(part["group"].isin(kept), "\0")
        curve = skew_curve(part["score"], sensitive_feature=group, bracket=part["bracket"], ks=ks.tolist())
        curves.append(curve[curve["group"] != "\0"].assign(condition=condition))
    table = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()
    return table, {str(group): int(n) for group, n in sizes.items()}


def errors_section(
    people: pd.DataFrame, audit: pd.DataFrame, feature: str, *, stem: str = "errors"
) -> Section:
    """How far each group's scores are from people's ratings; no blocks where there are no ratings."""
    rows = rows_of(audit, ERROR_METRICS, feature=feature)
    if rows.empty:
        return Section("Errors", [])
    said = "; ".join(
        f"{words(r.metric)} {r.condition} {r.group} {number(r.value)}" for r in rows.head(36).itertuples()
    )
    blocks: list[Block] = [
        Picture(
            stem,
            figures_errors.error_by_group(rows),
            f"Agreement with people’s mean ratings by {feature}: correlation, mean absolute error, and signed error "
            f"(above 0 the judge gives the group more than people did). {level(rows)} intervals over people.",
            f"Errors by {feature}: {said}.",
        )
    ]
    if "rating" in people and people["rating"].notna().any():
        blocks.append(
            Picture(
                stem.replace("errors", "calibration"),
                figures_errors.calibration(people),
                f"Score against mean rating by {feature}. Dots: entrants; markers: means of tenths by rating, with "
                "±1.96 standard errors. Where the line falls under the diagonal at the right, the group’s best are "
                "given too little.",
                f"Calibration of scores against ratings, one panel for each group of {feature}.",
            )
        )
    blocks.append(metric_table(rows, f"Errors by {feature}."))
    return Section("Errors against ratings", blocks)


def numbers_section(audit: pd.DataFrame) -> Section:
    """Every row of the audit, up to the page's limit; columns that say nothing are left out."""
    always = ("metric", "group", "n", "value", "range")
    columns = {
        "condition": Column("condition", label, numeric=False),
        "score_column": Column("judged by", label, numeric=False),
        "metric": Column("metric", label, numeric=False),
        "feature": Column("feature", label, numeric=False),
        "bracket": Column("bracket", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "reference": Column("against", label, numeric=False),
        "n": Column("n", count),
        "value": Column("value", decimals(4)),
        "range": Column(f"{level(audit)} interval", label),
        "p_value": P_VALUE,
    }
    frame = audit.assign(range=interval(audit, digits=3))
    if "score_column" in frame and frame["condition"].eq(frame["score_column"].astype(object).map(str)).all():
        columns.pop("score_column")
    shown = {
        k: v for k, v in columns.items() if k in always or (k in frame and frame[k].nunique(dropna=False) > 1)
    }
    return Section(
        "All numbers of the audit",
        [table_from(frame, shown, "The audit table.", note="Also as audit.parquet and audit.csv.")],
    )


def limits_section(items: list[str]) -> Section:
    return Section("What these numbers do not show", [Items(items)])


def without(columns: dict[str, Column], frame: pd.DataFrame) -> dict[str, Column]:
    """The columns, less the condition where there is only one without a name."""
    if in_order(frame["condition"]) == [""]:
        return {key: column for key, column in columns.items() if key != "condition"}
    return columns


def _said(table: pd.DataFrame, condition: str) -> str:
    part = table[table["condition"] == condition].head(SAID)
    return f"{condition or 'winners'}: " + ", ".join(
        f"{r.group} {int(r.winners):,} of {int(r.entrants):,} entrants" for r in part.itertuples()
    )
