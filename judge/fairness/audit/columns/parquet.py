"""Columns of a Parquet file, read one at a time and batch by batch.

Text arrives as codes into the file's own dictionaries, truth values and numbers as plain arrays: no Python object a
person is made, and a column that is not needed any more is gone. What is rare (numbers as names of groups, ids that do
not rise and may repeat) goes through pandas, as in `FrameColumns`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from judge.data.user_tables import EXACT
from judge.fairness.audit.columns import frame
from judge.fairness.audit.columns.codes import (
    MISSING,
    Codes,
    code_type,
    codes_of,
    sorted_codes,
    spelling_notes,
)

#: Rows decoded at a time.
BATCH = 1 << 18


class StoredIds:
    """Ids that are read from the file when lots are drawn from them: where nobody ties, never."""

    def __init__(self, read: Callable[[], pd.Series], rows: NDArray[np.int64] | None = None) -> None:
        self._read = read if isinstance(read, _Once) else _Once(read)
        self._rows = rows

    def __getitem__(self, keep: NDArray) -> StoredIds:
        """The ids of some people, by mask or positions."""
        positions = np.flatnonzero(keep) if keep.dtype == bool else keep
        return StoredIds(self._read, positions if self._rows is None else self._rows[positions])

    def __call__(self, who: NDArray[np.int64]) -> list:
        """The ids at these positions."""
        return self._read().iloc[who if self._rows is None else self._rows[who]].tolist()


class _Once:
    """Calls a function once and keeps what it gave."""

    def __init__(self, function: Callable[[], pd.Series]) -> None:
        self._function, self._found = function, None

    def __call__(self) -> pd.Series:
        if self._found is None:
            self._found = self._function()
        return self._found


class ParquetColumns:
    """The columns of a Parquet file; `FrameColumns` has the same methods."""

    weight = None

    def __init__(self, path: Path) -> None:
        self.path = path
        with pq.ParquetFile(path) as file:
            self.schema = file.schema_arrow
            self.n = file.metadata.num_rows
        self.names = list(self.schema.names)
        self.notes: list[str] = []

    def codes(self, name: str) -> Codes:
        codes = self._codes(name)
        self.notes += spelling_notes(name, codes)
        return codes

    def _codes(self, name: str) -> Codes:
        kind = self.schema.field(name).type
        if not _is_text(kind):
            return codes_of(self._series(name))
        position: dict[str, int] = {}
        code: NDArray[Any] = np.empty(self.n, np.int8)
        at = 0
        for part in self._batches(name, as_dictionary=True):
            values = part.dictionary.to_pylist()
            for value in values:
                if value is not None:
                    position.setdefault(value, len(position))
            if code_type(len(position)) != code.dtype:
                code = code.astype(code_type(len(position)))
            index = (part.indices.fill_null(-1) if part.null_count else part.indices).to_numpy()
            known = [-1 if value is None else position[value] for value in values]
            if known != list(range(len(known))):  # a row group with a dictionary of its own order
                # a further entry: where nothing is said the index is −1, the last one
                index = np.array([*known, -1], code.dtype)[index]
            code[at : at + len(part)] = index
            at += len(part)
        return sorted_codes(code, [text.strip() for text in position])

    def absent(self, name: str) -> NDArray[np.bool_]:
        found = np.zeros(self.n, bool)
        at = 0
        for part in self._batches(name):
            if part.null_count or pa.types.is_floating(part.type):
                # pandas' rule: NaN says nothing, as a null does
                found[at : at + len(part)] = part.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
            at += len(part)
        return found

    def numbers(self, name: str) -> NDArray[np.float64]:
        kind = self.schema.field(name).type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)) or pa.types.is_float16(kind):
            return frame.numbers_of(self._series(name), name)
        values = self._filled(name, np.float64)
        if pa.types.is_integer(kind) and kind.bit_width == 64 and (np.abs(values) >= EXACT).any():
            return frame.numbers_of(self._series(name), name)  # says which are no longer told apart
        return values

    def yes_no(self, name: str, *, what: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
        kind = self.schema.field(name).type
        if pa.types.is_boolean(kind):
            yes, unknown, at = np.empty(self.n, bool), None, 0
            for part in self._batches(name):
                here = slice(at, at + len(part))
                if part.null_count:
                    unknown = np.zeros(self.n, bool) if unknown is None else unknown
                    unknown[here] = part.is_null().to_numpy(zero_copy_only=False)
                    part = part.fill_null(False)
                yes[here] = part.cast(pa.uint8()).to_numpy().view(bool)
                at += len(part)
            return yes, unknown
        if _is_text(kind):
            codes = self._codes(name)
            values = pd.Series([None if value == MISSING else value for value in codes.names], dtype=object)
            yes, unknown = frame.yes_no_of(values, name, what=what)
            return yes[codes.code], None if unknown is None else unknown[codes.code]
        return frame.yes_no_of(self._series(name), name, what=what)

    def checked_ids(self, name: str) -> None:
        if self._rises(name):
            return
        column = self._whole(name)
        if not _surely_ids(column):
            frame.check_ids(_as_series(column, name), name)

    def ids(self, name: str) -> StoredIds:
        return StoredIds(lambda: _as_series(self._whole(name), name))

    def repeats(self, name: str) -> int:
        if self._rises(name):
            return 0
        column = self._whole(name)
        known = len(column) - column.null_count
        return known - int(pc.count_distinct(column, mode="only_valid").as_py())

    def persons(self, name: str) -> NDArray[np.int64]:
        column = _as_series(self._whole(name), name)
        frame.check_present(column, name)
        return pd.factorize(column)[0]

    def _rises(self, name: str) -> bool:
        """Whether each id is there and above the one before: then none comes twice, for one look at each."""
        if not _may_be_ids(self.schema.field(name).type):
            return False
        last = None
        for part in self._batches(name):
            if part.null_count or _blank(part):
                return False
            first, before = part[0].as_py(), last
            last = part[-1].as_py()
            if (before is not None and not before < first) or pc.any(
                pc.less_equal(part[1:], part[:-1])
            ).as_py():
                return False
        return True

    def _batches(self, name: str, *, as_dictionary: bool = False) -> Iterator[Any]:
        with pq.ParquetFile(self.path, read_dictionary=[name] if as_dictionary else None) as file:
            for batch in file.iter_batches(batch_size=BATCH, columns=[name], use_threads=False):
                part = batch.column(0)
                yield part.dictionary_encode() if as_dictionary and not _is_dictionary(part) else part

    def _whole(self, name: str) -> pa.ChunkedArray:
        with pq.ParquetFile(self.path) as file:
            return file.read(columns=[name], use_threads=False).column(0)

    def _series(self, name: str) -> pd.Series:
        with pq.ParquetFile(self.path) as file:
            return file.read(columns=[name], use_threads=False).to_pandas(self_destruct=True)[name]

    def _filled(self, name: str, dtype: type) -> NDArray:
        values, at = np.empty(self.n, dtype), 0
        for part in self._batches(name):
            values[at : at + len(part)] = part.to_numpy(zero_copy_only=False)  # a null becomes NaN
            at += len(part)
        return values


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_dictionary(part: pa.Array) -> bool:
    return pa.types.is_dictionary(part.type)


def _as_series(column: pa.ChunkedArray, name: str) -> pd.Series:
    """Text and whole numbers stay where Arrow has them; what else may be an id becomes what pandas makes of it."""
    kind = column.type
    if _is_text(kind) or (pa.types.is_integer(kind) and not column.null_count):
        return pd.Series(pd.arrays.ArrowExtensionArray(column), name=name)
    return column.to_pandas().rename(name)


def _surely_ids(column: pa.ChunkedArray) -> bool:
    """Nothing missing, nothing blank, nothing twice; a False may also mean that pandas has to look."""
    if column.null_count or not _may_be_ids(column.type) or _blank(column):
        return False
    return pc.count_distinct(column).as_py() == len(column)


def _may_be_ids(kind: pa.DataType) -> bool:
    return _is_text(kind) or pa.types.is_integer(kind)


def _blank(column: pa.Array | pa.ChunkedArray) -> bool:
    """Whether a text is empty or nothing but space."""
    if not _is_text(column.type):
        return False
    return bool(pc.any(pc.utf8_is_space(column)).as_py()) or pc.min(pc.binary_length(column)).as_py() == 0
