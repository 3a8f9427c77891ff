"""An audit as files and as JSON that programs and spreadsheets read without surprises."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from judge.data.spreadsheets import spreadsheet_safe
from judge.storage import write_bytes


def records_json(table: pd.DataFrame, *, indent: int | None = 1) -> str:
    """The rows as a JSON list of objects; NaN and ±∞ become null (the flag says which)."""
    records = [
        {key: _plain(value) for key, value in zip(table.columns, row, strict=True)}
        for row in table.itertuples(index=False, name=None)
    ]
    return json.dumps(records, ensure_ascii=False, allow_nan=False, indent=indent)


def _plain(value: object) -> object:
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    return value


def write_numbers(table: pd.DataFrame, stem: Path, *, as_json: bool = False) -> list[Path]:
    """Writes stem.parquet, stem.csv (spreadsheet-safe) and, if asked, stem.json; each complete or not at all."""
    plain = table.copy()
    plain.attrs = {}
    contents = {
        "parquet": plain.to_parquet(index=False),
        "csv": spreadsheet_safe(plain).to_csv(index=False).encode("utf-8"),
    }
    if as_json:
        contents["json"] = records_json(plain).encode("utf-8")
    written = [stem.with_name(f"{stem.name}.{ending}") for ending in contents]
    for path, content in zip(written, contents.values(), strict=True):
        write_bytes(path, content)
    return written
