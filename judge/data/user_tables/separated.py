"""CSV: the separator, the width of every row, the header, and what is left out of the cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from judge.data.user_tables.cells import cleaned, strings, trimmed
from judge.data.user_tables.encodings import HEAD, encodings, opened
from judge.data.user_tables.table import UserTable
from judge.errors import InputError, listed

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATORS = (",", ";", "\t", "|")
_BLOCK = 1 << 24  # bytes; no row may be longer than two
#: A longer cell is the rest of a file behind a quote, or no name and no number.
MAX_CELL = 1_000_000


class _OtherEncoding(ValueError):
    pass


class Head:
    """What the beginning of a CSV tells: separator, lines above the header, names of the columns."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.path, self.encoding = path, encoding
        with opened(path) as file, io.TextIOWrapper(file, encoding, newline="") as text:
            start = text.read(HEAD).lstrip("\ufeff")
        lines = start.splitlines(keepends=True)
        self.skip = 0
        while self.skip < len(lines) and not lines[self.skip].strip():
            self.skip += 1
        first = lines[self.skip].strip("\r\n ") if self.skip < len(lines) else ""
        told = re.fullmatch(r"(?i)\"?sep=(.)\"?", first)  # a spreadsheet's own line
        self.skip += told is not None
        self.start = "".join(lines[self.skip :])
        self.separator = told[1] if told else self._separator()
        self.raw: list[str] = next(self._rows(self.separator), [])
        if not any(name.strip() for name in self.raw):
            raise InputError(f"{path} has no header")
        self.names = [trimmed(name) or f"column {i}" for i, name in enumerate(self.raw, 1)]
        self.named = [bool(trimmed(name)) for name in self.raw]

    def _rows(self, separator: str) -> Any:
        return csv.reader(io.StringIO(self.start, newline=""), delimiter=separator)

    def _separator(self) -> str:
        """The one that cuts the first rows into as many fields as the header, and into most."""

        def fit(separator: str) -> tuple[bool, int]:
            rows = []
            try:
                for row in self._rows(separator):
                    if row:
                        rows.append(len(row))
                    if len(rows) == 30:
                        break
            except csv.Error:
                pass
            rows = rows[:-1] if len(self.start) >= HEAD - 4 and len(rows) < 30 else rows
            if not rows or rows[0] == 1:
                return False, 0
            return len(set(rows[1:])) <= 1, rows[0]

        return max(SEPARATORS, key=fit)


def read_csv(path: Path, columns: Sequence[str] | None, categories: set[str]) -> UserTable:
    for encoding in encodings(path):
        try:
            table = _decoded_csv(path, Head(path, encoding), columns, categories)
        except (UnicodeError, _OtherEncoding):
            continue
        if encoding == "cp1252":
            table.notes.insert(
                0, f"{path.name} is not UTF-8; read as Windows-1252. Look at its accents and other letters"
            )
        return table
    raise ValueError("its encoding is none of UTF-8, UTF-16, UTF-32 and Windows-1252")


def _decoded_csv(path: Path, head: Head, columns: Sequence[str] | None, categories: set[str]) -> UserTable:
    import pyarrow as pa
    import pyarrow.compute as pc

    notes: list[str] = []
    wanted = _places(path, head.names, columns)
    table = _cells(head, wanted, notes)
    whole = len(wanted) == len(head.names)
    if not whole and table.num_rows and _empty(table).true_count:
        # is the whole row empty, or only these cells?
        wanted = list(range(len(head.names)))
        table, whole = _cells(head, wanted, notes), True
    own = {place: strings(table.column(i)) for i, place in enumerate(wanted)}
    edged = 0
    for place, cells in own.items():
        own[place], changed = cleaned(cells)
        edged += changed
    keep = np.ones(table.num_rows, dtype=bool)
    if whole and table.num_rows:
        empty = np.logical_and.reduce([cells.is_null().to_numpy() for cells in own.values()])
        if empty.any():
            notes.append(f"{path.name}: {int(empty.sum())} empty row(s) left out")
        keep &= ~empty
    header = np.ones(table.num_rows, dtype=bool)
    for place, cells in own.items():
        same = pc.equal(cells, pa.scalar(trimmed(head.raw[place]) or None, cells.type))
        header &= pc.fill_null(same, not head.named[place]).to_numpy(zero_copy_only=False)
    if header.any() and any(head.named[place] for place in own):
        notes.append(f"{path.name}: {int(header.sum())} row(s) that repeat the header left out")
        keep &= ~header
    if not keep.all():
        own = {place: cells.filter(pa.array(keep)) for place, cells in own.items()}
    if edged:
        notes.append(f"{path.name}: blanks around {edged:,} value(s) taken off")
    chosen = _without_twins(path, head, own, notes)
    if columns is not None:
        chosen = {name: chosen[name] for name in dict.fromkeys(columns)}
    breaks = [
        pc.or_(pc.match_substring(cells, "\r"), pc.match_substring(cells, "\n")) for cells in chosen.values()
    ]
    broken = sum(pc.sum(some).as_py() or 0 for some in breaks)
    if broken:
        notes.append(f"{path.name}: {broken:,} value(s) hold a line break")
    frame = pd.DataFrame(
        {
            name: (cells.dictionary_encode() if name in categories else cells).to_pandas()
            for name, cells in chosen.items()
        }
    )
    frame = frame.astype({name: "str" for name in frame if name not in categories})
    return UserTable(path.name, frame, notes, decimal_comma=head.separator != ",")


def _places(path: Path, names: list[str], columns: Sequence[str] | None) -> list[int]:
    if columns is None:
        return list(range(len(names)))
    missing = [name for name in columns if name not in names]
    if missing:
        raise InputError(f"no column {listed(missing)} in {path}; it has {listed(names)}")
    return [i for i, name in enumerate(names) if name in set(columns)]


def _cells(head: Head, wanted: list[int], notes: list[str], extra: int = 0) -> pa.Table:
    """The wanted cells as text, in the file's order; `extra`: empty fields behind those of the header."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pacsv

    names = [f"c{i}" for i in range(len(head.names) + extra)]
    with opened(head.path) as file:
        try:
            table = pacsv.read_csv(
                pa.PythonFile(file, mode="r"),
                read_options=pacsv.ReadOptions(
                    column_names=names,
                    skip_rows=head.skip,
                    skip_rows_after_names=1,
                    encoding="utf8" if head.encoding == "utf-8" else head.encoding,
                    block_size=_BLOCK,
                ),
                parse_options=pacsv.ParseOptions(delimiter=head.separator, newlines_in_values=True),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=[f"c{i}" for i in wanted],
                    strings_can_be_null=True,
                    null_values=[""],
                ),
            )
        except pa.ArrowInvalid as error:
            words = str(error)
            if "invalid UTF8" in words:
                raise _OtherEncoding(words) from error
            if extra or ("Expected" not in words and "straddling" not in words):
                raise
            widths = _widths(head)
            if not widths:  # nothing but the header
                return pa.table({f"c{i}": pa.array([], pa.string()) for i in wanted})
            if set(widths) == {len(names)}:
                raise
            return _of_other_width(head, wanted, widths, notes)
    longest = max((pc.max(pc.binary_length(cells)).as_py() or 0 for cells in table.columns), default=0)
    if longest > MAX_CELL:
        raise InputError(
            f'{head.path}: a value of {longest:,} bytes, at most {MAX_CELL:,} are read; is a quote (") not closed?'
        )
    if _open_quote(head):
        raise InputError(f'{head.path}: a quote (") is not closed; all behind it would be one value')
    return table


def _widths(head: Head) -> dict[int, tuple[int, int, bool]]:
    """Number of fields → (rows, number of the first such row, are all fields behind the header's empty)."""
    found: dict[int, tuple[int, int, bool]] = {}
    for number, row in enumerate(_python_rows(head), 1):
        count, first, blank = found.get(len(row), (0, number, True))
        found[len(row)] = count + 1, first, blank and not any(f.strip() for f in row[len(head.raw) :])
    return found


def _python_rows(head: Head, *, strict: bool = False) -> Any:
    before = csv.field_size_limit(MAX_CELL)
    try:
        with (
            opened(head.path) as file,
            io.TextIOWrapper(file, head.encoding, newline="") as text,
        ):
            for _ in range(head.skip):
                text.readline()
            rows = csv.reader(text, delimiter=head.separator, strict=strict)
            next(rows, None)
            yield from (row for row in rows if row)
    finally:
        csv.field_size_limit(before)


def _of_other_width(
    head: Head, wanted: list[int], widths: dict[int, tuple[int, int, bool]], notes: list[str]
) -> pa.Table:
    """The cells of rows that all end in further, empty fields; InputError for other rows."""
    import pyarrow as pa

    n = len(head.raw)
    wrong = {k: v for k, v in widths.items() if k < n or (k > n and not v[2])}
    if wrong:
        total = sum(count for count, _, _ in widths.values())
        first = min(wrong, key=lambda k: wrong[k][1])
        fields = f"{first} field" + "s" * (first != 1)
        some = f"rows have {fields}" if wrong[first][0] > 1 else f"a row has {fields}"
        raise InputError(
            f"{head.path}: {some}, the header {n} ({wrong[first][0]:,} of {total:,} rows, the first is row "
            f"{wrong[first][1]}): columns would be shifted. Is a separator in a value without quotes, or a name "
            "missing in the header?"
        )
    longer = {k: v for k, v in widths.items() if k > n}
    count = sum(rows for rows, _, _ in longer.values())
    notes.append(
        f"{head.path.name}: empty fields at the end of {count:,} row(s), beyond the header, left out"
    )
    if len(widths) == 1:
        return _cells(head, wanted, notes, extra=next(iter(longer)) - n)
    rows = list(_python_rows(head))
    return pa.table({f"c{i}": pa.array([row[i] or None for row in rows], pa.string()) for i in wanted})


def _open_quote(head: Head) -> bool:
    """Whether the file ends within quotes, also in a column that is not read; its rows would be missing in silence."""
    if head.encoding in ("utf-8", "cp1252"):
        with opened(head.path) as file:
            quotes = sum(part.count(b'"') for part in iter(lambda: file.read(_BLOCK), b""))
    else:
        with opened(head.path) as file, io.TextIOWrapper(file, head.encoding, newline="") as text:
            quotes = sum(part.count('"') for part in iter(lambda: text.read(_BLOCK), ""))
    if quotes % 2 == 0:
        return False
    try:  # an odd one may stand within a value: 5" tall
        for _ in _python_rows(head, strict=True):
            pass
    except csv.Error:
        return True
    return False


def _empty(table: pa.Table) -> Any:
    import pyarrow.compute as pc

    empty = table.column(0).is_null()
    for cells in table.columns[1:]:
        empty = pc.and_(empty, cells.is_null())
    return empty.combine_chunks() if hasattr(empty, "combine_chunks") else empty


def _without_twins(
    path: Path, head: Head, own: dict[int, pa.ChunkedArray], notes: list[str]
) -> dict[str, pa.ChunkedArray]:
    chosen: dict[str, pa.ChunkedArray] = {}
    for place, cells in own.items():
        name = head.names[place]
        if not head.named[place] and cells.null_count == len(cells):
            continue  # a separator at the end of the header as well
        if name not in chosen:
            chosen[name] = cells
        elif chosen[name].equals(cells):
            notes.append(f"{path.name}: two equal columns {name!r}, one left out")
        else:
            raise InputError(f"{path}: two columns {name!r} hold different values: rename one of them")
    return chosen
