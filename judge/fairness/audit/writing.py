"""An audit as files and as JSON that programs and spreadsheets read without surprises."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from judge.data.spreadsheets import spreadsheet_safe
from judge.storage import write_bytes


def records_json(table: pd.DataFrame, *, indent: int | None = 1) -> str:
    """The rows as a JSON list of objects; NaN becomes null, ±∞ the strings "Infinity" and "-Infinity".

    JSON has no number for what is infinite. The strings are those of Protocol Buffers' JSON mapping: float("Infinity")
    in Python, Number("Infinity") in JavaScript and as.numeric("Infinity") in R read them as what they are, so that an
    open upper limit or a skew of −∞ is not taken for a value that is missing.

    Parameters
    ----------
    table : DataFrame
        Of numbers, texts and truth values.
    indent : int or None
        Spaces a level; None: one line.

    Returns
    -------
    str
        Valid JSON.

    Examples
    --------
    >>> records_json(pd.DataFrame({"group": ["a"], "value": [np.inf], "n": [3]}), indent=None)
    '[{"group": "a", "value": "Infinity", "n": 3}]'
    """
    records = [
        {key: _plain(value) for key, value in zip(table.columns, row, strict=True)}
        for row in table.itertuples(index=False, name=None)
    ]
    return json.dumps(records, ensure_ascii=False, allow_nan=False, indent=indent)


def _plain(value: object) -> object:
    if isinstance(value, (float, np.floating)):
        if np.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return None if np.isnan(value) else float(value)
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    return value


def write_numbers(table: pd.DataFrame, stem: Path, *, as_json: bool = False) -> list[Path]:
    """Writes a table as Parquet and CSV and, if asked, as JSON; each complete or not at all.

    Parameters
    ----------
    table : DataFrame
        Its `attrs` are not written.
    stem : Path
        stem.parquet, stem.csv (with an apostrophe before what a spreadsheet would run) and stem.json are written; the
        folder is made.
    as_json : bool
        Also write stem.json.

    Returns
    -------
    list of Path
        What was written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_numbers(pd.DataFrame({"value": [1.0]}), Path(folder) / "audit")]
    ['audit.parquet', 'audit.csv']
    """
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
