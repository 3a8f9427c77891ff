"""The numbers of a run that a comparison reads: a row a condition and group. A finished run has them in its done.json."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import yaml

from judge.experiment.run_folder import RunDir

METRICS = (
    "entrant_share",
    "winner_share",
    "expected_winner_share",
    "selection_rate",
    "selection_rate_ratio",
    "mean_score",
    "top_tail_score",
    "spread",
    "pearson",
    "mae",
    "signed_error",
    "calibration_slope",
)
#: Columns of a run's table `judges` that its rows of the comparison have as well, each under a name of its own there.
JUDGES = {
    **{
        name: name
        for name in ("off_scale", "score_low", "score_high", "scale_low", "scale_high", "agreement")
    },
    "ci_low": "agreement_low",
    "ci_high": "agreement_high",
}
#: Numbers over all brackets, or within them.
OVERALL = (None, "", "all", "within")
NUMBERS = ("condition", "group", "n_group", "winners", *METRICS)
_AUDIT = ("condition", "metric", "group", "value", "n", "bracket")


def comparison_of(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """What done.json keeps for comparisons, of a run's tables: JSON-able, a missing number is null.

    columns, rows  NUMBERS: condition, group, entrants of the group, winners of all groups, METRICS; sorted
    judges         condition that trained → the columns of JUDGES; {} where the judges were not checked
    """
    audit = tables["audit"]
    columns = {name: audit[name].tolist() for name in _AUDIT if name in audit}
    judges = tables["judges"].to_dict("list") if "judges" in tables else {}
    return _comparison(columns, judges)


def comparison(run: RunDir) -> dict[str, Any]:
    """The same of a finished run: from its done.json, else (a run of an earlier version) from its tables."""
    known = (run.done or {}).get("comparison")
    if known:
        return dict(known)
    audit = pq.ParquetFile(run / "audit.parquet")
    wanted = [name for name in _AUDIT if name in audit.schema_arrow.names]
    judges = {}
    if (run / "judges.parquet").is_file():
        judges = pq.ParquetFile(run / "judges.parquet").read(["condition", *JUDGES]).to_pydict()
    return _comparison(audit.read(wanted).to_pydict(), judges)


def _comparison(audit: Mapping[str, list[Any]], judges: Mapping[str, list[Any]]) -> dict[str, Any]:
    brackets = audit.get("bracket") or [None] * len(audit["metric"])
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    n: dict[tuple[str, str, str], int] = {}
    several: dict[tuple[str, str, str], list[float]] = {}
    for condition, metric, group, value, size, bracket in zip(
        *(audit[name] for name in _AUDIT[:5]), brackets, strict=True
    ):
        if metric not in _KNOWN or not (bracket in OVERALL or bracket != bracket):
            continue
        key = str(condition), str(group)
        n[(*key, metric)] = int(size)
        if value is not None and not math.isnan(value):
            several.setdefault((*key, metric), []).append(float(value))
            cells.setdefault(key, {})
    for (condition, group, metric), values in several.items():
        cells[condition, group][metric] = sum(values) / len(values)
    rows = [
        [*key, n.get((*key, "entrant_share"), 0), n.get((*key, "winner_share"), 0), *(cells[key].get(m) for m in METRICS)]
        for key in sorted(cells)
    ]  # fmt: skip
    checked = {
        str(name): {new: _plain(judges[old][i]) for old, new in JUDGES.items()}
        for i, name in enumerate(judges.get("condition", []))
    }
    return {"columns": list(NUMBERS), "rows": rows, "judges": checked}


_KNOWN = frozenset(METRICS)


def _plain(value: Any) -> float | int | None:
    return None if value is None or value != value else value


def flat_settings(run: RunDir) -> dict[str, Any]:
    """Dotted setting → value of a finished run; a list is told as text."""
    known = (run.done or {}).get("settings")
    return known if known else flattened(read_settings(run / "settings.yaml"))


def read_settings(path: Path) -> Any:
    # in C: ten times as fast as safe_load, which reads the same
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def flattened(value: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted key → value of nested settings; lists and empty mappings as JSON text."""
    if not isinstance(value, dict) or not value:
        return {sys.intern(prefix): json.dumps(value) if isinstance(value, list | dict) else value}
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= flattened(inner, f"{prefix}.{key}" if prefix else str(key))
    return flat
