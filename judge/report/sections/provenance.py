"""What stands at the end of a page: all numbers, what they do not show, what was excluded, settings, versions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from judge.report.conditions import cells
from judge.report.html import (
    P_VALUE,
    Block,
    Code,
    Column,
    Fold,
    Items,
    Section,
    Text,
    count,
    decimals,
    interval,
    label,
    table_from,
)
from judge.report.sections.tables import brackets_table, folded, reasons_table
from judge.report.wording import level

FOLDED_ROWS = 1000  # of the audit table, at most; the rest is in its file


def setting_of(settings: Any, *keys: str) -> Any:
    """settings[key][key]…, or None where one of them is not there."""
    for key in keys:
        settings = settings.get(key) if isinstance(settings, Mapping) else None
    return settings


def settings_blocks(rundir: Path, settings: Mapping[str, Any], environment: Mapping[str, Any]) -> list[Block]:
    """Command, resolved settings, and versions. The command comes from `environment` or rundir/started.json."""
    command = environment.get("command")
    started = rundir / "started.json"
    if command is None and started.is_file():
        command = json.loads(started.read_text(encoding="utf-8")).get("command")
    plain = json.loads(json.dumps(settings, default=str))
    packages = environment.get("packages") or {}
    facts = [
        f"{key}: {_in_words(value)}"
        for key, value in environment.items()
        if key not in ("packages", "command") and value not in (None, {}, [])
    ]
    if packages:
        facts.append(
            "packages: " + ", ".join(f"{name} {version}" for name, version in packages.items() if version)
        )
    blocks: list[Block] = []
    if command:
        blocks += [Text("The command that made this run:"), Code(str(command))]
    written = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).strip()
    blocks += [Fold("The settings, as resolved", [Code(written)]), Items(facts)]
    return blocks


def exclusion_blocks(tables: Mapping[str, pd.DataFrame]) -> list[Block]:
    """Brackets, entrants that were not ranked, and pictures that could not be used."""
    blocks: list[Block] = []
    if len(tables.get("brackets", ())):
        blocks.append(folded(brackets_table(tables["brackets"])))
    if "unranked" in tables:
        blocks.append(folded(reasons_table(tables["unranked"], "Entrants that were not ranked, by reason.")))
    if "excluded" in tables:
        caption = "Pictures of the data sets that could not be used, by reason."
        blocks.append(folded(reasons_table(tables["excluded"], caption)))
    return blocks


def numbers_section(audit: pd.DataFrame) -> Section:
    """Every row of the audit, up to the page's limit; columns that say nothing are left out."""
    always = ("metric", "group", "n", "value", "range")
    columns = {
        "condition": Column("condition", label, numeric=False, whole=True),
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
    text = audit["condition"].astype(object)
    if "score_column" in audit and text.eq(audit["score_column"].astype(object).map(str)).all():
        columns.pop("score_column")
    frame = audit.assign(range=interval(audit, digits=3), condition=cells(audit["condition"]))
    shown = {
        k: v for k, v in columns.items() if k in always or (k in frame and frame[k].nunique(dropna=False) > 1)
    }
    note = "Also as audit.parquet and audit.csv."
    table = table_from(frame, shown, "The audit table.", note=note, limit=FOLDED_ROWS)
    return Section("All numbers of the audit", [folded(table, 0)])


def limits_section(items: Sequence[str]) -> Section:
    """What the page's numbers do not show."""
    return Section("What these numbers do not show", [Items(items)])


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return str(value)
