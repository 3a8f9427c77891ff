"""Whom the gate turned away, by rule and group."""

from __future__ import annotations

import pandas as pd

from judge.report.conditions import in_order
from judge.report.html import Block, Column, Section, count, interval, label
from judge.report.sections.tables import by_condition, folded, told_by
from judge.report.wording import percent


def gate_section(rates: pd.DataFrame | None) -> Section:
    """rates: condition, rule, feature, group, n, refused, rate, ci_low, ci_high; no blocks where there is no gate.

    A gate that is the same in every condition is told once.
    """
    title = "Whom the gate turned away"
    if rates is None or rates.empty:
        return Section(title)
    rates = rates.assign(range=interval(rates, share=True), group=rates["group"].map(str))
    gated = in_order(rates["condition"])
    numbers = [
        rates[rates["condition"] == name].drop(columns="condition").reset_index(drop=True) for name in gated
    ]
    note = "A picture that breaks several rules counts under each."
    if all(part.equals(numbers[0]) for part in numbers[1:]):
        rates = numbers[0].assign(condition="")
        note += " The same people are turned away in each condition." if len(gated) > 1 else ""
    rates = by_condition(rates, ["feature", "rule", "group"])
    columns = {
        "rule": Column("rule", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "condition": Column("condition", label, numeric=False, whole=True),
        "n": Column("entrants", count),
        "refused": Column("refused", count),
        "rate": Column("rate", percent),
        "range": Column("95 % interval", label),
    }
    brackets = rates["feature"] == "bracket"
    whole = rates[brackets & (rates["rule"] == "any")]
    caption = "Refusals by rule and group, with Wilson intervals."
    blocks: list[Block] = [folded(told_by(rates[~brackets], columns, caption, note=note))]
    columns.pop("rule")
    blocks.append(folded(told_by(whole, columns, "Refusals by bracket, by any rule.")))
    return Section(title, blocks)
