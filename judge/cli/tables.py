"""A table that a command writes where the user says: CSV for spreadsheets, Parquet, or JSON; here, or in a store."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from judge.errors import InputError
from judge.storage import make_writable, replacing, write_text
from judge.storage.stores import make_url_writable, write_place

if TYPE_CHECKING:
    import pandas as pd


#: What a table's name may end in, unless a command takes more.
ENDINGS = (".csv", ".parquet")


def make_room(out: str | Path, endings: Sequence[str] = ENDINGS) -> None:
    """Refuses what no table can be written to: before the work, hours of which must not end there.

    out  a path, or an address in a store as `stores.place` gives it
    """
    if isinstance(out, str):
        _check_ending(out, endings)
        make_url_writable(out.rpartition("/")[0])
        return
    if out.is_dir():
        raise InputError(f"--out is a file to write, such as scores.csv, not the folder {out}")
    if out.exists() and not out.is_file():  # a device such as /dev/stdout is written to as it is
        if not os.access(out, os.W_OK):
            raise InputError(f"--out {out} cannot be written: no permission")
        return
    _check_ending(out, endings)
    make_writable(out.resolve().parent)


def write(table: pd.DataFrame, out: str | Path) -> None:
    """Writes the table completely or not at all; a CSV holds nothing that a spreadsheet would run."""
    from judge.data.spreadsheets import csv_bytes, write_csv

    if isinstance(out, str):
        if _ending(out) == ".parquet":
            content = io.BytesIO()
            table.to_parquet(content, index=False)
            write_place(out, content.getvalue())
        else:
            write_place(out, csv_bytes(table))
    elif _ending(out) == ".parquet":
        with replacing(out) as part:
            table.to_parquet(part, index=False)
    elif _ending(out) == ".json":
        text = table.to_json(orient="records", date_format="iso", force_ascii=False, indent=1)
        write_text(out, text + "\n")
    else:
        write_csv(table, out)


def beside(out: str | Path, ending: str) -> str | Path:
    """The name of a file beside a table: scores.csv → scores.excluded.csv."""
    if isinstance(out, Path):
        return out.with_name(out.stem + ending)
    folder, _, name = out.rpartition("/")
    return f"{folder}/{PurePosixPath(name).stem}{ending}"


def _ending(out: str | Path) -> str:
    return PurePosixPath(out).suffix.lower()


def _check_ending(out: str | Path, endings: Sequence[str]) -> None:
    if _ending(out) not in endings:
        raise InputError(f"--out {out}: a table ends in {', '.join(endings[:-1])} or {endings[-1]}")
