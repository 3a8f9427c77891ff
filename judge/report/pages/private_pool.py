"""The page of `judge private pool`: what is claimed, how it was spent, who is in the pool. Released numbers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from judge.report.html import (
    Block,
    Code,
    Column,
    Faces,
    Items,
    Section,
    Text,
    count,
    decimals,
    label,
    table_from,
    write_page,
)
from judge.report.sections.tables import folded
from judge.report.wording import counted, number


def write_private_pool_page(
    out: Path,
    statement: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    *,
    limits: Sequence[str],
    faces: Faces | None = None,
    title: str = "A private synthetic pool",
) -> Path:
    """Writes out/page.html and returns it.

    statement  privacy.json
    tables     labels: cell, noisy_count, noise_sd, share, pictures; those of the method are shown as they are
    limits     sentences
    faces      of the pool; None where one may resemble somebody
    """
    said = claim_said(statement)
    sections = [
        Section("What is claimed", [Text(said[0], "lead"), *(Text(s) for s in said[1:])]),
        Section("Faces", [] if faces is None else [faces]),
        Section("Groups", _groups(statement, tables["labels"])),
        Section("How the budget was spent", [_mechanisms(pd.DataFrame(statement["mechanisms"]))]),
        Section("What is public", [Items([f"{k}: {v}" for k, v in statement["public"].items()])]),
        Section("How it was made", _own(statement, tables)),
        Section("Limits", [Items(list(limits))]),
    ]
    people = f"{counted(int(statement['pictures']), 'synthetic picture')} by {statement['method']}"
    return write_page(
        Path(out), title=title, subtitle=f"{people}, of {statement['n']:,} private ones.", sections=sections
    )


def claim_said(statement: Mapping[str, Any]) -> list[str]:
    """The claim in sentences."""
    if not statement["protects"]:
        return [statement["says"]]
    spent = statement["spent"]
    noise = statement.get("noise", "")
    return [
        f"ε = {statement['epsilon']:g} and δ = {statement['delta']:.2e}, where {statement['adjacency']}.",
        statement["says"],
        f"Spent by Opacus' accountant: ε = {spent['opacus_rdp']:.4f}; by dp-accounting: "
        f"{spent['dp_accounting_rdp']:.4f}. {statement['mechanism']}.",
        *([f"The noise was {noise}."] if noise else []),
    ]


def _groups(statement: Mapping[str, Any], labels: pd.DataFrame) -> list[Block]:
    columns = {
        "cell": Column("group", label, numeric=False),
        "pictures": Column("pictures", count),
        "noisy_count": Column("private people, noisy", decimals(0)),
        "noise_sd": Column("noise, standard deviation", decimals(1)),
        "relative": Column("noise / count", decimals(2)),
        "share": Column("share, noisy", decimals(3)),
    }
    shown = labels.assign(
        relative=labels["noise_sd"] / labels["noisy_count"].where(labels["noisy_count"] > 0)
    )
    blocks: list[Block] = [
        table_from(
            shown,
            columns,
            "The pool's pictures and the private people's noisy counts. The noise is the same for every group, so that "
            "it weighs most where people are few. The true counts are told nowhere.",
        )
    ]
    if statement["left_out"]:
        told = ", ".join(f"{cell} ({number(value)})" for cell, value in statement["left_out"].items())
        blocks.append(Text(f"Left out, too few to be told from noise (noisy counts): {told}."))
    return blocks


def _mechanisms(table: pd.DataFrame) -> Block:
    columns = {
        "what": Column("what", label, numeric=False),
        "noise_multiplier": Column("noise multiplier", decimals(3)),
        "steps_used": Column("times", count),
        "steps_planned": Column("planned", count),
        "sample_rate": Column("sampling rate", decimals(4)),
    }
    return table_from(table, columns, "Gaussian mechanisms; the noise multiplier is for one time.")


def _own(statement: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> list[Block]:
    blocks: list[Block] = []
    for name, table in tables.items():
        if name == "labels" or table.empty:
            continue
        columns = {
            column: Column(column.replace("_", " "), *_written(table[column])) for column in table.columns
        }
        blocks.append(folded(table_from(table, columns, name.replace("_", " ").capitalize() + ".")))
    settings = statement.get("settings", {})
    if settings:
        blocks.append(Code("\n".join(f"{key}: {value}" for key, value in settings.items())))
    return blocks


def _written(values: pd.Series) -> tuple[Any, bool]:
    if pd.api.types.is_integer_dtype(values):
        return count, True
    return (decimals(2), True) if pd.api.types.is_numeric_dtype(values) else (label, False)
