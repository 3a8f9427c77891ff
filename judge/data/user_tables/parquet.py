"""Parquet: the index that pandas had is among the columns, and lists are not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from judge.data.user_tables.cells import cleaned, strings
from judge.data.user_tables.table import UserTable
from judge.errors import InputError, listed

if TYPE_CHECKING:
    import pyarrow as pa

#: A Parquet file of a few kB can hold more equal rows than any memory.
MAX_ROWS = 50_000_000
_INDEX = re.compile(r"__index_level_\d+__")


def _range_index(schema: pa.Schema) -> dict[str, range]:
    """Indices that pandas describes instead of storing, where they have a name."""
    indices = (schema.pandas_metadata or {}).get("index_columns", [])
    return {
        str(one["name"]): range(one["start"], one["stop"], one["step"])
        for one in indices
        if isinstance(one, dict) and one.get("kind") == "range" and one.get("name") is not None
    }


def _counts_rows(schema: pa.Schema, name: str) -> bool:
    import pyarrow as pa

    return _INDEX.fullmatch(name) is not None and pa.types.is_integer(schema.field(name).type)


def read_parquet(path: Path, columns: Sequence[str] | None, categories: set[str]) -> UserTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    notes: list[str] = []
    file = pq.ParquetFile(path)
    rows, schema = file.metadata.num_rows, file.schema_arrow
    if rows > MAX_ROWS:
        raise InputError(f"{path} holds {rows:,} rows, at most {MAX_ROWS:,} are read")
    twice = [name for name, count in Counter(schema.names).items() if count > 1]
    if twice and (columns is None or set(twice) & set(columns)):
        raise InputError(f"{path}: two columns {listed(twice)}: rename one of them")
    described = {name: r for name, r in _range_index(schema).items() if len(r) == rows}
    nested = [f.name for f in schema if pa.types.is_nested(f.type)]
    names = [n for n in schema.names if not _counts_rows(schema, n)]
    if columns is None:
        names = [name for name in names if name not in nested]
        if nested:
            notes.append(f"{path.name}: column(s) {listed(nested)} hold lists and are left out")
    else:
        there = [*described, *names]
        missing = [name for name in columns if name not in there]
        if missing:
            raise InputError(f"no column {listed(missing)} in {path}; it has {listed(there)}")
        if lists := [name for name in columns if name in nested]:
            raise InputError(f"{path}: column(s) {listed(lists)} hold lists: one value a row is needed")
        names = [name for name in dict.fromkeys(columns) if name in names]
    table = file.read(columns=names)
    found: dict[str, Any] = {
        name: np.asarray(r) for name, r in described.items() if columns is None or name in columns
    }
    edged = 0
    for name in names:
        cells, kind = table.column(name), schema.field(name).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
            cells = cells.cast(kind)
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            cells, kind = cells.cast(pa.large_string()), pa.large_string()  # ArrowInvalid unless it is UTF-8
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
        if text:
            cells, changed = cleaned(strings(cells))
            edged += changed
        found[name] = (cells.dictionary_encode() if text and name in categories else cells).to_pandas()
    if edged:
        notes.append(f"{path.name}: blanks around {edged:,} value(s) taken off")
    order = [*dict.fromkeys(columns)] if columns is not None else list(found)
    frame = pd.DataFrame({name: found[name] for name in order}, index=range(rows))
    frame.columns = [str(name) for name in frame.columns]
    return UserTable(path.name, frame, notes, lists=tuple(nested))


def parquet_columns(path: Path) -> list[str]:
    """The names of the columns, the index among them, without reading the rows."""
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    return [*_range_index(schema), *(name for name in schema.names if not _counts_rows(schema, name))]
