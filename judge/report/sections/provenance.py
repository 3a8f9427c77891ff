"""Where a run's numbers come from: settings, versions, the command; and what was excluded on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from judge.report.html.page import Block, Code, Items, Text
from judge.report.sections import tables as parts


def setting_of(settings: Any, *keys: str) -> Any:
    """settings[key][key]…, or None where one of them is not there."""
    for key in keys:
        settings = settings.get(key) if isinstance(settings, Mapping) else None
    return settings


def settings_blocks(rundir: Path, settings: Mapping[str, Any], environment: Mapping[str, Any]) -> list[Block]:
    """Command, resolved settings, and versions. The command comes from `environment` or rundir/started.json."""
    import yaml

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
    blocks += [
        Text("The settings, as resolved:"),
        Code(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).strip()),
        Items(facts),
    ]
    return blocks


def exclusion_blocks(tables: Mapping[str, pd.DataFrame]) -> list[Block]:
    """Brackets, entrants that were not ranked, and pictures that could not be used."""
    blocks: list[Block] = []
    if len(tables.get("brackets", ())):
        blocks.append(parts.brackets_table(tables["brackets"]))
    if "refused" in tables:
        blocks.append(parts.reasons_table(tables["refused"], "Entrants that were not ranked, by reason."))
    if "excluded" in tables:
        caption = "Pictures of the data sets that could not be used, by reason."
        blocks.append(parts.reasons_table(tables["excluded"], caption))
    return blocks


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return str(value)
