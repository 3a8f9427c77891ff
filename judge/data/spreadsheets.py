"""CSV that a spreadsheet opens without running anything; the one way in which a CSV is written here."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd

from judge.storage import write_bytes

#: A cell that starts with one of these may be run as a formula by a spreadsheet; the wide forms by those of East Asia.
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: Line ends and what separates columns elsewhere: a cell with one of these is quoted, or it would be two.
_SEPARATING = "\r\n;\t"


def spreadsheet_safe(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before each text that a spreadsheet would take for a formula; headers, index too.

    Only the CSV is written so; Parquet and JSON keep the names as they are.
    """
    safe = table.copy()
    for place in range(table.shape[1]):
        if _is_text(column := table.iloc[:, place]):
            text = column.astype(object)
            risky = text.map(_is_risky).astype(bool)
            if risky.any():
                safe.isetitem(place, text.where(~risky, "'" + text.astype(str)))
    safe.columns, safe.index = _safe_index(safe.columns), _safe_index(safe.index)
    return safe


def csv_bytes(table: pd.DataFrame, *, index: bool = False) -> bytes:
    r"""The table as CSV in UTF-8: spreadsheet-safe, and a line break of any kind within quotes.

    index  write the index as the first column as well

    >>> csv_bytes(pd.DataFrame({"=a": ["x\ry", "-1"], "n": [1, 2]}))
    b'"\'=a","n"\n"x\ry",1\n"\'-1",2\n'
    """
    safe = spreadsheet_safe(table)
    # the csv module leaves a lone carriage return without quotes, at which most readers begin a new row
    how = csv.QUOTE_NONNUMERIC if _needs_quotes(safe, index) else csv.QUOTE_MINIMAL
    text = safe.to_csv(index=index, quoting=how, lineterminator="\n")
    return text.encode("utf-8", errors="backslashreplace")  # half a surrogate: a file name that is no UTF-8


def write_csv(table: pd.DataFrame, path: str | Path, *, index: bool = False) -> None:
    """Writes `csv_bytes` to a file, completely or not at all."""
    write_bytes(path, csv_bytes(table, index=index))


def _is_text(column: pd.Series) -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _is_text(pd.Series(column.cat.categories))
    return pd.api.types.is_string_dtype(column) or column.dtype == object


def _is_risky(value: object) -> bool:
    return isinstance(value, str) and value.startswith(RISKY)


def _safe_index(index: pd.Index) -> pd.Index:
    def safe(value: Any) -> Any:
        return f"'{value}" if _is_risky(value) else value

    if isinstance(index, pd.MultiIndex):
        return pd.MultiIndex.from_tuples(
            [tuple(map(safe, entry)) for entry in index], names=[safe(name) for name in index.names]
        )
    if pd.api.types.is_numeric_dtype(index.dtype):
        return index.rename(safe(index.name))
    return pd.Index([safe(value) for value in index], name=safe(index.name))


def _needs_quotes(table: pd.DataFrame, index: bool) -> bool:
    heads = [*table.columns, *(table.index if index else ()), *table.index.names]
    texts = [table.iloc[:, i] for i in range(table.shape[1]) if _is_text(table.iloc[:, i])]
    return any(
        isinstance(value, str) and any(mark in value for mark in _SEPARATING)
        for values in (heads, *(text.unique() for text in texts))
        for value in values
    )
