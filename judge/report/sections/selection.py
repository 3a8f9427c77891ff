"""Sections of who was selected: entrants and winners, selection-rate ratios. Made from an audit table."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from judge.fairness.findings import ABSENT_METRICS
from judge.report import figures
from judge.report.conditions import TRUTH, in_order
from judge.report.html import (
    P_VALUE,
    Block,
    Column,
    Picture,
    Section,
    Text,
    count,
    decimals,
    interval,
    label,
)
from judge.report.sections.tables import (
    POWER_METRICS,
    RATIO_METRICS,
    SAID,
    by_condition,
    folded,
    is_within,
    metric_table,
    reference_of,
    rows_of,
    told_by,
    winners_table,
)
from judge.report.wording import level, number, percent

#: The one test of winners, with its two-sided rule.
EXACT = (
    "exact conditional test within brackets, two-sided (the probability of all outcomes at most as likely as the one "
    "observed),"
)


def winners_section(
    audit: pd.DataFrame, feature: str, *, stem: str = "winners", benchmarks: pd.DataFrame | None = None
) -> Section:
    """Entrants → winners, figure and table.

    benchmarks: condition, group, entrants, winners whom nobody trained would have chosen; they are drawn only.
    """
    title = "Who entered and who won"
    table = winners_table(audit, feature)
    if table.empty:
        return Section(title, [Text("The audit holds no winners.", "caution")])
    drawn = table
    if benchmarks is not None and len(benchmarks):
        drawn = pd.concat([table, benchmarks], ignore_index=True)
    said = "; ".join(_said(drawn, condition) for condition in in_order(drawn["condition"]))
    several = is_within(rows_of(audit, "expected_winner_share", feature=feature))
    expectation = "Cross: the share that chance gives it within brackets. " if several else ""
    picture = Picture(
        stem,
        figures.entrants_to_winners(drawn if several else drawn.drop(columns="expected_winner_share")),
        f"From each group’s share of the entrants (bar) to its share of the winners (marker), by {feature}. "
        f"{expectation}Shaded: {level(audit)} interval of the winners’ share{_method(audit, feature)}. Margin: numbers "
        "of people, and shares.",
        f"Shares of entrants and winners by {feature}. {said}.",
    )
    rates = rows_of(audit, "selection_rate", feature=feature)
    rates = rates.assign(rate=interval(rates, share=True)).rename(columns={"value": "selection_rate"})
    full = table.assign(won=interval(table, share=True)).merge(
        rates[["condition", "group", "selection_rate", "rate"]], on=["condition", "group"], how="left"
    )
    full = by_condition(full)
    columns = {
        "condition": Column("condition", label, numeric=False, whole=True),
        "group": Column("group", label, numeric=False),
        "entrants": Column("entrants", count),
        "entrant_share": Column("share", percent),
        "expected_winner_share": Column("chance gives", percent),
        "winners": Column("winners", count),
        "winner_share": Column("share", percent),
        "won": Column(f"{level(audit)} interval", label),
        "selection_rate": Column("selection rate", lambda share: percent(share, 2)),
        "rate": Column(f"{level(audit)} interval", label),
        "p_value": P_VALUE,
    }
    note = f"p: {EXACT} of the group against everybody else, not adjusted for the number of groups. "
    note += "The interval of the share is that of the same test."
    if several:
        note += " Chance gives: the share of the winners if those of each bracket were drawn from its entrants by lot."
    else:
        columns.pop("expected_winner_share")
    blocks: list[Block] = [
        picture,
        folded(told_by(full, columns, f"Entrants and winners by {feature}.", note=note)),
    ]
    absent = rows_of(audit, ABSENT_METRICS, feature=feature)
    if len(absent):
        blocks.append(folded(metric_table(absent, f"Who did not take part, by {feature}, and why.")))
    return Section(title, blocks)


def ratio_section(audit: pd.DataFrame, feature: str, *, stem: str = "ratios") -> Section:
    """Selection-rate ratios, forest plot and exact numbers."""
    title = "Selection-rate ratios"
    rows = rows_of(audit, "selection_rate_ratio", feature=feature)
    if rows.empty:
        return Section(title, [Text("There is only one group, and so nothing to compare it with.")])
    reference, within = reference_of(rows), is_within(rows)
    adjusted = ", adjusted for brackets" if within else ""
    said = "; ".join(
        f"{r.condition} {r.group} {number(r.value)} [{number(r.ci_low)}, {number(r.ci_high)}]".strip()
        for r in rows.head(SAID).itertuples()
    )
    judged = rows[rows["condition"] != TRUTH]
    columns = {
        "condition": Column("condition", label, numeric=False, whole=True),
        "group": Column("group", label, numeric=False),
        "n": Column("entrants", count),
        "value": Column("ratio", decimals(2)),
        "range": Column(f"{level(audit)} interval", label),
        "p_value": P_VALUE,
    }
    note = f"p: {EXACT} against the reference."
    if within:
        note += " Ratio and interval are adjusted for brackets likewise (Mantel–Haenszel)."
    if "p_adjusted" in rows:
        columns["p_adjusted"] = Column("p, Holm", P_VALUE.write)
        note += " Holm: adjusted over the other tests of its family, the primary contrast not among them."
    blocks: list[Block] = [
        Picture(
            stem,
            figures.ratio_forest(rows, reference=reference),
            f"Selection rate of each group divided by that of {reference}, by {feature}{adjusted}, with "
            f"{level(rows)} intervals. "
            "Full line: parity; dashed: four fifths. Arrows reach beyond the axis; the margin has the exact values.",
            f"Forest plot of selection-rate ratios to {reference}: {said}.",
        ),
        Text(_four_fifths(judged, rows_of(audit, "four_fifths_ratio", feature=feature))),
        folded(
            told_by(
                by_condition(rows.assign(range=interval(rows)), ["group"]),
                columns,
                f"Selection-rate ratio to {reference}, by {feature}{adjusted}.",
                note=note,
            )
        ),
    ]
    beside = rows_of(audit, RATIO_METRICS, feature=feature)
    if len(beside):
        blocks.append(folded(metric_table(beside, f"Beside the ratio, by {feature}."), limit=8))
    power = rows_of(audit, POWER_METRICS, feature=feature)
    if len(power):
        caption = "What this number of winners can show, and how many would be needed."
        table = metric_table(power, caption)
        tests = sorted({str(flag).split(";")[0] for flag in power.get("flag", ()) if "α" in str(flag)})
        note = (
            f"{table.note} Power of the test that is reported: {', '.join(tests)}." if tests else table.note
        )
        blocks.append(folded(replace(table, note=note.strip())))
    return Section(title, blocks)


def _method(audit: pd.DataFrame, feature: str) -> str:
    """The method of the intervals of the winners' shares in brackets, where there is one."""
    rows = rows_of(audit, "winner_share", feature=feature)
    methods = sorted({str(name) for name in rows.get("interval", ()) if str(name) not in ("", "nan")})
    return f" ({methods[0]})" if len(methods) == 1 else ""


def _four_fifths(ratios: pd.DataFrame, rule: pd.DataFrame) -> str:
    """How many ratios are beyond four fifths either way, and what the rule itself, against the highest rate, says."""
    below, above = ratios[ratios["value"] < 0.8], ratios[ratios["value"] > 1.25]
    sure = int((below["ci_high"] < 0.8).sum() + (above["ci_low"] > 1.25).sum())
    text = (
        f"{len(below)} of {len(ratios)} ratios lie below four fifths, and {len(above)} above five quarters, where it "
        f"is the reference that has less than four fifths; {sure} of them with their whole interval."
    )
    if len(rule):
        low = rule[rule["value"] < 0.8]
        certain = int((low["ci_high"] < 0.8).sum())
        text += (
            f" The rule’s own denominator is the group with the highest rate ({reference_of(rule)}): "
            f"{len(low)} of {len(rule)} other groups lie below four fifths of it, {certain} with their whole interval."
        )
    return (
        f"{text} Four fifths is a convention and no test: with few winners it is the interval that decides what can be "
        "said."
    )


def _said(table: pd.DataFrame, condition: str) -> str:
    part = table[table["condition"] == condition].head(SAID)
    return f"{condition or 'winners'}: " + ", ".join(
        f"{r.group} {int(r.winners):,} of {int(r.entrants):,} entrants" for r in part.itertuples()
    )
