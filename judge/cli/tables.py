"""A table that a command writes where the user says: CSV for spreadsheets, Parquet, or JSON."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from judge.errors import InputError
from judge.storage import make_writable, replacing, write_text

if TYPE_CHECKING:
    import pandas as pd


def make_room(out: Path, endings: Sequence[str] = (".csv", ".parquet")) -> None:
    """Refuses what no table can be written to: before the work, hours of which must not end there."""
    if out.is_dir():
        raise InputError(f"--out is a file to write, such as scores.csv, not the folder {out}")
    if out.exists() and not out.is_file():  # a device such as /dev/stdout is written to as it is
        if not os.access(out, os.W_OK):
            raise InputError(f"--out {out} cannot be written: no permission")
        return
    if out.suffix.lower() not in endings:
        raise InputError(f"--out {out}: a table ends in {', '.join(endings[:-1])} or {endings[-1]}")
    make_writable(out.resolve().parent)


def write(table: pd.DataFrame, out: Path) -> None:
    """Writes the table completely or not at all; a CSV holds nothing that a spreadsheet would run."""
    from judge.data.spreadsheets import write_csv

    if out.suffix.lower() == ".parquet":
        with replacing(out) as part:
            table.to_parquet(part, index=False)
    elif out.suffix.lower() == ".json":
        write_text(
            out,
            table.to_json(orient="records", lines=False, date_format="iso", force_ascii=False, indent=1)
            + "\n",
        )
    else:
        write_csv(table, out)
