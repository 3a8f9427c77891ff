"""Sections that several pages share, made from an audit table: winners, ratios, errors, exact numbers.

`by` names the column that sets conditions apart: `condition` on the page of a run, `score_column` on the page
of an audit. Rows of single brackets (column `bracket`) stay out of the figures; they are in the full table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from judge.report import figures, figures_scores
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
)
from judge.report.style import in_order, largest, number, percent

RANK_METRICS = (
    "skew_at_k",
    "min_skew",
    "max_skew",
    "ndkl",
    "exposure_ratio",
    "outrank_probability",
    "wallenius_odds",
)
MANY = 100_000  # entrants from which curves over k stop at the best 1,000 of a bracket
WORDS = figures_scores.ERRORS | {
    "calibration_slope": "calibration slope (score on rating)",
    "mean_score": "mean score",
    "top_tail_score": "score at the upper tail",
    "score_spread": "spread of the scores",
    "skew_at_k": "skew@k at the winners' k",
    "min_skew": "smallest skew@k over groups",
    "max_skew": "largest skew@k over groups",
    "ndkl": "NDKL of the ranking",
    "exposure_ratio": "exposure ratio",
    "outrank_probability": "probability of outranking",
    "wallenius_odds": "favouring odds (Wallenius)",
}
CUT_NOTE = (
    "A filled curve is the density of a group's scores, the thick bar its middle half, each tick a winner. "
    "With several brackets a score is drawn as its distance to the last winner of the person's own bracket."
)


def rows_of(audit: pd.DataFrame, metric: str | Sequence[str], *, feature: str | None = None) -> pd.DataFrame:
    """The audit's rows of a metric over all brackets, optionally of one feature."""
    wanted = [metric] if isinstance(metric, str) else list(metric)
    keep = audit["metric"].isin(wanted)
    if feature is not None:
        keep &= audit["feature"].astype(str) == feature
    if "bracket" in audit:
        keep &= audit["bracket"].fillna("all").isin(["all", "within", ""])
    return audit[keep]


def conditioned(audit: pd.DataFrame, by: str) -> pd.DataFrame:
    """The table with a text column `condition` taken from `by`; empty where there is only one."""
    table = audit.copy()
    table["condition"] = table[by].astype(object).map(str) if by in table and len(table) else ""
    return table


def winners_table(audit: pd.DataFrame, feature: str) -> pd.DataFrame:
    """condition, group, entrants, winners and the winners' share with its interval, from the audit's own rows."""
    entered = rows_of(audit, "entrant_share", feature=feature)[["condition", "group", "n", "value"]]
    won = rows_of(audit, "winner_share", feature=feature)
    if won.empty:
        columns = [
            "condition",
            "group",
            "entrants",
            "winners",
            "entrant_share",
            "winner_share",
            "ci_low",
            "ci_high",
        ]
        return pd.DataFrame(
            {c: pd.Series(dtype=object if c in ("condition", "group") else float) for c in columns}
        )
    won = won.assign(
        winners=(won["value"] * won["n"]).round().fillna(0).astype(int), winner_share=won["value"]
    )
    entered = entered.rename(columns={"n": "entrants", "value": "entrant_share"})
    table = won[["condition", "group", "winners", "winner_share", "ci_low", "ci_high", "p_value"]]
    table = entered.merge(table, on=["condition", "group"], how="right")
    table["entrants"] = table["entrants"].fillna(0).astype(int)
    return table


def reference_of(rows: pd.DataFrame) -> str:
    names = [str(r) for r in rows["reference"].dropna().unique() if str(r)] if "reference" in rows else []
    return names[0] if len(names) == 1 else "the reference"


def winners_section(
    audit: pd.DataFrame,
    feature: str,
    *,
    stem: str = "winners",
    benchmarks: pd.DataFrame | None = None,
    title: str = "Who entered and who won",
) -> Section:
    """Entrants → winners: figure and table. `benchmarks` has the same columns for winners chosen otherwise."""
    table = winners_table(audit, feature)
    drawn = (
        table if benchmarks is None or benchmarks.empty else pd.concat([table, benchmarks], ignore_index=True)
    )
    if table.empty:
        return Section(title, [Text("The audit holds no winners.", "caution")])
    sentences = "; ".join(_sentence(drawn, name) for name in in_order(drawn["condition"]))
    blocks: list[Block] = [
        Picture(
            stem,
            figures.entrants_to_winners(drawn),
            f"From each group's share of the entrants (bar) to its share of the winners (marker), by {feature}. Shaded: 95 % "
            "Clopper–Pearson interval of the winners' share. In the margin: numbers of people, and shares.",
            f"Shares of entrants and winners by {feature}. {sentences}.",
        )
    ]
    rates = rows_of(audit, "selection_rate", feature=feature)
    rates = rates.assign(rate=interval(rates, share=True)).rename(columns={"value": "selection_rate"})
    full = table.assign(won=interval(table, share=True)).merge(
        rates[["condition", "group", "selection_rate", "rate"]], on=["condition", "group"], how="left"
    )
    columns = {
        "condition": Column("condition", text_of, numeric=False),
        "group": Column("group", text_of, numeric=False),
        "entrants": Column("entrants", count),
        "entrant_share": Column("share", percent),
        "winners": Column("winners", count),
        "winner_share": Column("share", percent),
        "won": Column("95 % interval", text_of),
        "selection_rate": Column("selection rate", lambda v: percent(v, 2)),
        "rate": Column("95 % interval", text_of),
        "p_value": P_VALUE,
    }
    if in_order(full["condition"]) in ([""], []):
        columns.pop("condition")
    order = {name: i for i, name in enumerate(in_order(full["condition"]))}
    full = full.sort_values("condition", key=lambda c: c.map(order), kind="stable")
    note = "p: exact conditional test within brackets, the group against everybody else, two-sided, not adjusted for the number of groups."
    blocks.append(table_from(full, columns, f"Entrants and winners by {feature}.", note=note))
    return Section(title, blocks)


def ratio_section(audit: pd.DataFrame, feature: str, *, stem: str = "ratios") -> Section:
    """Selection-rate ratios: forest plot and exact numbers."""
    rows = rows_of(audit, "selection_rate_ratio", feature=feature)
    title = "Selection-rate ratios"
    if rows.empty:
        return Section(title, [Text("There is only one group, so nothing to compare it with.")])
    reference = reference_of(rows)
    listed = "; ".join(
        f"{(r.condition + ' ') if r.condition else ''}{r.group} {number(r.value)} [{number(r.ci_low)}, {number(r.ci_high)}]"
        for r in rows.head(24).itertuples()
    )
    below = rows[(rows["value"] < 0.8)]
    sure = below[below["ci_high"] < 0.8]
    blocks: list[Block] = [
        Picture(
            stem,
            figures.ratio_forest(rows, reference=reference),
            f"Selection rate of each group divided by that of {reference}, by {feature}, with 95 % intervals. The full line is "
            "parity, the dashed line four fifths. Arrows reach beyond the axis; the margin has the exact values.",
            f"Forest plot of selection-rate ratios to {reference}: {listed}.",
        ),
        Text(
            f"{len(below)} of {len(rows)} ratios are below four fifths; in {len(sure)} of them the whole interval is."
            " The rule of four fifths is a convention, not a test: with few winners the interval decides what can be said."
        ),
    ]
    adjusted = "p_adjusted" in rows
    frame = rows.assign(range=interval(rows))
    columns = {
        "condition": Column("condition", text_of, numeric=False),
        "group": Column("group", text_of, numeric=False),
        "n": Column("entrants", count),
        "value": Column("ratio", decimals(2)),
        "range": Column("95 % interval", text_of),
        "p_value": P_VALUE,
    } | ({"p_adjusted": Column("p, Holm", P_VALUE.write)} if adjusted else {})
    if in_order(rows["condition"]) == [""]:
        columns.pop("condition")
    blocks.append(
        table_from(
            frame, columns, f"Selection-rate ratio to {reference}, by {feature}.",
            note="p: exact conditional test within brackets against the reference. The interval pools the brackets, the test does "
            "not, so the two may disagree near the edge." + (" Holm: adjusted over all p-values of the audit but the primary one." if adjusted else ""),
        )
    )  # fmt: skip
    return Section(title, blocks)


def scores_section(
    people: pd.DataFrame, audit: pd.DataFrame, feature: str, *, stem: str = "scores"
) -> Section:
    """Score distributions with the winners' cut, and the numbers of the upper tail.

    people: condition, group, score, winner, bracket, one row an entrant (possibly thinned: counts come from the audit).
    """
    totals = winners_table(audit, feature)
    totals = totals if set(people["condition"]) <= set(totals["condition"]) else None
    listed = (
        people.groupby("group").size().head(24)
        if totals is None
        else totals.groupby("group")["entrants"].max().head(24)
    )
    blocks: list[Block] = [
        Picture(
            stem,
            figures_scores.scores_by_group(people, totals),
            f"Scores by {feature}, and the winners' cut. {CUT_NOTE}",
            f"Score distributions by {feature} with the winners' cut; n: {', '.join(f'{g} {n:,}' for g, n in listed.items())}.",
        )
    ]
    rows = rows_of(audit, ["mean_score", "top_tail_score", "score_spread"], feature=feature)
    if len(rows):
        blocks.append(metric_table(rows, f"Scores by {feature}."))
    return Section("Scores and the winners' cut", blocks)


def ranks_section(
    people: pd.DataFrame, audit: pd.DataFrame, feature: str, *, places: int | None, stem: str = "skew"
) -> Section:
    """Skew@k over all k with its null band, and the measures of ranks."""
    from judge.fairness.ranking import skew_curve

    sizes = people.groupby(["condition", "group"]).size().groupby("group").max()
    kept, _ = largest(sizes, 9)
    curves = []
    for condition, part in people.groupby("condition", sort=False):
        part = part[np.isfinite(part["score"].astype(float))]
        if part.empty:
            continue
        most = int(part.groupby("bracket").size().max())
        ks = np.unique(
            np.geomspace(1, most if len(part) <= MANY else min(most, 1000), 160).round().astype(int)
        )
        # the groups that are not drawn count as one, which leaves every drawn group's curve as it is
        group = part["group"].where(part["group"].isin(kept), "\0others")
        curve = skew_curve(part["score"], sensitive_feature=group, bracket=part["bracket"], ks=ks.tolist())
        curves.append(curve[curve["group"] != "\0others"].assign(condition=condition))
    blocks: list[Block] = []
    if curves:
        blocks.append(
            Picture(
                stem,
                figures.skew_at_k(pd.concat(curves), sizes=sizes.astype(int).to_dict(), places=places),
                "Skew@k: natural log of a group's share among the best k of each bracket over its share among all entrants. "
                "0 is parity; grey: where 95 % of random rankings lie at that k (point by point). A curve that starts below the "
                "axis has nobody among the first.",
                f"Skew@k curves by {feature} for {', '.join(map(str, kept))}.",
            )
        )
    rows = rows_of(audit, RANK_METRICS, feature=feature)
    if len(rows):
        blocks.append(metric_table(rows, f"Ranks by {feature}."))
    return Section("The whole ranking", blocks)


def metric_table(rows: pd.DataFrame, caption: str) -> Table:
    """Audit rows with their measure in words."""
    frame = rows.assign(range=interval(rows, digits=3))
    columns = {
        "condition": Column("condition", text_of, numeric=False),
        "metric": Column("measure", lambda m: WORDS.get(m, str(m).replace("_", " ")), numeric=False),
        "group": Column("group", text_of, numeric=False),
        "n": Column("n", count),
        "value": Column("value", decimals(3)),
        "range": Column("95 % interval", text_of),
        "p_value": P_VALUE,
    }
    if in_order(rows["condition"]) == [""]:
        columns.pop("condition")
    if rows["p_value"].isna().all():
        columns.pop("p_value")
    return table_from(frame, columns, caption)


def errors_section(
    people: pd.DataFrame, audit: pd.DataFrame, feature: str, *, stem: str = "errors"
) -> Section:
    """How far each group's scores are from people's ratings; empty where there are no ratings."""
    rows = rows_of(audit, [*figures_scores.ERRORS, "calibration_slope"], feature=feature)
    if rows.empty:
        return Section("Errors", [])
    listed = "; ".join(
        f"{r.metric} {r.condition} {r.group} {number(r.value)}".replace("  ", " ")
        for r in rows.head(36).itertuples()
    )
    blocks: list[Block] = [
        Picture(
            stem,
            figures_scores.error_by_group(rows),
            f"Agreement with people's mean ratings by {feature}: correlation, mean absolute error, and signed error (above 0: the "
            "judge gives the group more than people did). 95 % intervals over people.",
            f"Errors by {feature}: {listed}.",
        )
    ]
    if "rating" in people and people["rating"].notna().any():
        blocks.append(
            Picture(
                "calibration",
                figures_scores.calibration(people),
                f"Score against mean rating by {feature}: dots are entrants, markers the means of tenths by rating with ±1.96 "
                "standard errors. Where the line lies under the diagonal at the right, the group's best are given too little.",
                f"Calibration of scores against ratings, a panel for each group of {feature}.",
            )
        )
    blocks.append(metric_table(rows, f"Errors by {feature}."))
    return Section("Errors against ratings", blocks)


def numbers_section(audit: pd.DataFrame, *, title: str = "All numbers of the audit") -> Section:
    """Every row of the audit, up to the page's limit."""
    frame = audit.assign(range=interval(audit, digits=3))
    columns = {
        "condition": Column("condition", text_of, numeric=False),
        "score_column": Column("judged by", text_of, numeric=False),
        "metric": Column("metric", text_of, numeric=False),
        "feature": Column("feature", text_of, numeric=False),
        "bracket": Column("bracket", text_of, numeric=False),
        "group": Column("group", text_of, numeric=False),
        "n": Column("n", count),
        "value": Column("value", decimals(4)),
        "range": Column("95 % interval", text_of),
        "p_value": P_VALUE,
    }
    shown = {
        k: v
        for k, v in columns.items()
        if k in frame
        and (k in ("metric", "group", "n", "value", "range") or frame[k].nunique(dropna=False) > 1)
    }
    return Section(
        title, [table_from(frame, shown, "The audit table.", note="Also as audit.parquet and audit.csv.")]
    )


def brackets_table(brackets: pd.DataFrame) -> Table:
    """Brackets with their entrants, places and winners; empty ones included."""
    names = {"condition": ("condition", False), "bracket": ("bracket", False), "entrants": ("entrants", True),
             "places": ("places", True), "winners": ("winners", True), "unfilled": ("unfilled", True)}  # fmt: skip
    columns = {
        key: Column(heading, count if numeric else text_of, numeric)
        for key, (heading, numeric) in names.items()
        if key in brackets
    }
    unfilled = int(brackets["unfilled"].sum()) if "unfilled" in brackets else 0
    empty = int((brackets["entrants"] == 0).sum()) if "entrants" in brackets else 0
    return table_from(
        brackets,
        columns,
        "Brackets.",
        note=f"{empty} bracket(s) without an entrant, {unfilled} place(s) unfilled.",
    )


def reasons_table(aside: pd.DataFrame, caption: str) -> Table | Text:
    """Things set aside, counted by reason: from (reason, count) rows or from one row a thing."""
    if aside is None or aside.empty:
        return Text(f"{caption.rstrip('.')}: nothing.")
    by = [c for c in ("condition", "dataset", "reason") if c in aside]
    table = aside.fillna(dict.fromkeys(by, "–"))
    if "count" in table:
        table = table.groupby(by, sort=False)["count"].sum().reset_index()
    else:
        table = table.groupby(by, sort=False).size().rename("count").reset_index()
    columns = {c: Column(c, text_of, numeric=False) for c in by} | {"count": Column("count", count)}
    return table_from(table, columns, caption)


def limits_section(items: Sequence[str]) -> Section:
    return Section("What these numbers do not show", [Items(list(items))])


def _sentence(table: pd.DataFrame, condition: str) -> str:
    part = table[table["condition"] == condition]
    won = ", ".join(f"{r.group} {r.winners} of {r.entrants} entrants" for r in part.head(12).itertuples())
    return f"{condition or 'winners'}: {won}"
