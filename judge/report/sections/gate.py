"""Whom the gate turned away, by rule and group."""

from __future__ import annotations

import pandas as pd

from judge.report.figures.style import percent
from judge.report.html.page import Column, Section, count, interval, label, table_from


def gate_section(rates: pd.DataFrame | None) -> Section:
    """rates: rule, feature, group, n, refused, rate, ci_low, ci_high; no blocks where there is no gate."""
    if rates is None or rates.empty:
        return Section("Whom the gate turned away")
    rates = rates.assign(range=interval(rates, share=True), group=rates["group"].map(str))
    columns = {
        "rule": Column("rule", label, numeric=False),
        "group": Column("group", label, numeric=False),
        "n": Column("entrants", count),
        "refused": Column("refused", count),
        "rate": Column("rate", percent),
        "range": Column("95 % interval", label),
    }
    note = "A picture that breaks several rules counts under each. The gate is the same for both judges."
    brackets = rates["feature"] == "bracket"
    whole = rates[brackets & (rates["rule"] == "any")]
    return Section(
        "Whom the gate turned away",
        [
            table_from(
                rates[~brackets], columns, "Refusals by rule and group, with Wilson intervals.", note=note
            ),
            table_from(
                whole, {k: c for k, c in columns.items() if k != "rule"}, "Refusals by bracket, by any rule."
            ),
        ],
    )
