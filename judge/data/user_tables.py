"""Tables that people bring: CSV and Parquet of spreadsheets, other programs, other machines; read without guessing.

A column never takes its neighbour's values, an identifier never becomes a number, and a group named NA stays a group.
Of a CSV every cell is text, and only an empty one is missing; what is to be a number is asked for (`numbers`). Whatever
was mended on the way is said by count in `notes`; what can be read in two ways is refused with the place and the way
out. One file for one concept, and long for that: encodings, separators, widths, headers and index each have a trap.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from judge.data.spreadsheets import RISKY
from judge.errors import InputError, listed

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET, CSV = (".parquet", ".pq"), (".csv", ".csv.gz", ".tsv", ".tsv.gz")
SEPARATORS = (",", ";", "\t", "|")
#: What stands for a missing number. In names of groups and people these words are names.
MISSING_NUMBERS = ("NA", "N/A", "#N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null", "None", "none")
#: Whole numbers above this cannot be told apart as scores: float64 holds no more digits.
EXACT = 2**53
#: A Parquet file of a few kB can hold more equal rows than any memory.
MAX_ROWS = 50_000_000
_BLOCK = 1 << 24  # bytes; no row may be longer than two
#: A longer cell is the rest of a file behind a quote, or no name and no number.
MAX_CELL = 1_000_000
_HEAD = 1 << 18
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
#: Blanks, and characters without width, around a cell.
_EDGE = "[\\s\\x{feff}\\x{200b}\\x{a0}]"
#: Numbers as programs write them: no leading zeros, at most 15 digits, no exponent but Python's own.
_PLAIN = re.compile(r"-?(?:(?:0|[1-9]\d{0,14})(?:\.\d+)?|\d(?:\.\d+)?e[-+]\d\d+)")
_INDEX = re.compile(r"__index_level_\d+__")


class _OtherEncoding(ValueError):
    pass


@dataclass
class UserTable:
    """A table as somebody brought it.

    name     of the file, for messages
    frame    of a CSV, text columns; of Parquet, columns as they are stored, its index put back among them
    notes    sentences about what was mended or left out, with counts
    decimal_comma  numbers may be written 3,5: commas do not separate the columns
    lists    names of columns that were left out because they hold lists
    """

    name: str
    frame: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    decimal_comma: bool = False
    lists: tuple[str, ...] = ()

    def texts(self, column: str) -> pd.Series:
        """The column as text, see `texts`; names that differ in letter case alone are noted."""
        words = texts(self.frame[column], f"{self.name}: column {column!r}")
        note = case_note(words, column)
        if note:
            self.notes.append(note)
        return words

    def numbers(self, column: str) -> tuple[pd.Series, pd.Series]:
        """The column as numbers, and which cells are none, see `numbers`."""
        return numbers(
            self.frame[column], f"{self.name}: column {column!r}", decimal_comma=self.decimal_comma
        )

    def typed(self, column: str) -> pd.Series:
        """The column as numbers or truth values where every cell is one as programs write it; else as it is."""
        return _typed(self.frame[column])


def read_user_table(
    path: str | Path, columns: Sequence[str] | None = None, *, categories: Iterable[str] = ()
) -> UserTable:
    """A CSV (also .tsv, .gz; UTF-8, UTF-16 or Windows-1252; separated by comma, semicolon, tab or bar) or Parquet file.

    Parameters
    ----------
    path : str or Path
        Ends in .csv, .tsv, .csv.gz, .tsv.gz, .parquet or .pq.
    columns : sequence of str, optional
        Only these; all by default.
    categories : iterable of str
        Columns that come as pandas categories, which spares memory where there are few values and many rows.

    Returns
    -------
    UserTable
        Texts have no blanks around them and one Unicode form (NFC). Empty rows, repeated header rows, a comma at the
        end of the rows, equal columns of one name and columns of lists are left out with a note. The index that pandas
        had when it wrote a Parquet file is among the columns, unless it only counts the rows.

    Raises
    ------
    InputError
        For a file that is not there, is empty, or is no table; rows that have another number of fields than the header;
        a quote that is not closed; two different columns of one name; a wanted column that is absent or holds lists;
        more than MAX_ROWS rows.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text("id;ethnicity;rating;\\n007;NA;3,5;\\n7;;4,0;\\n", encoding="utf-16")
    >>> table = read_user_table(path)
    >>> table.texts("id").tolist(), table.numbers("rating")[0].tolist(), int(table.frame["ethnicity"].isna().sum())
    (['007', '7'], [3.5, 4.0], 1)
    """
    path = _usable(path)
    try:
        if path.name.lower().endswith(PARQUET):
            return _read_parquet(path, columns, set(categories))
        return _read_csv(path, columns, set(categories))
    except InputError:
        raise
    except (ValueError, OSError, EOFError, LookupError, csv.Error, zlib.error) as error:
        why = " ".join(str(error).split())[:200]
        if "straddling" in why or "field limit" in why:
            why = f"a row is too long, values of at most {MAX_CELL:,} bytes are read; is a quote not closed?"
        raise InputError(f"{path} cannot be read as a table: {why}") from error


def user_columns(path: str | Path) -> list[str]:
    """The names of the columns that `read_user_table` would find, without reading the rows. Raises as it does."""
    path = _usable(path)
    try:
        if path.name.lower().endswith(PARQUET):
            import pyarrow.parquet as pq

            schema = pq.read_schema(path)
            return [*_range_index(schema), *(n for n in schema.names if not _counts_rows(schema, n))]
        for encoding in _encodings(path):
            try:
                return list(dict.fromkeys(_Head(path, encoding).names))
            except UnicodeError:
                continue
        raise ValueError("its encoding is none of UTF-8, UTF-16, UTF-32 and Windows-1252")
    except InputError:
        raise
    except (ValueError, OSError, EOFError, LookupError, csv.Error, zlib.error) as error:
        raise InputError(f"{path} cannot be read as a table: {' '.join(str(error).split())[:200]}") from error


def decoded(data: bytes) -> tuple[str, str]:
    """(text, encoding) of the bytes of a text file: by its byte order mark, else UTF-8, else Windows-1252.

    Raises ValueError for what is no text.
    """
    for encoding in _possible(data[:_HEAD]):
        try:
            return data.decode(encoding).lstrip("\ufeff"), encoding
        except UnicodeError:
            continue
    raise ValueError("it is no text in UTF-8, UTF-16, UTF-32 or Windows-1252")


def texts(values: pd.Series, where: str = "a column") -> pd.Series:
    """Values as names, missing where missing: 0 and 0.0 are "0", True is "True", a day is "2019-10-01 00:00:00".

    Raises InputError, which begins with `where`, for lists and other nested values.
    """
    if isinstance(values.dtype, pd.StringDtype):
        return values.astype("str")
    try:
        codes, distinct = pd.factorize(values)
    except TypeError as error:
        raise InputError(f"{where} holds lists, which are no names: one value a row is needed") from error
    names = np.array([*(_name(value, where) for value in list(distinct)), None], dtype=object)
    return pd.Series(names[codes], index=values.index, dtype="str")


def numbers(
    values: pd.Series, where: str = "a column", *, decimal_comma: bool = False
) -> tuple[pd.Series, pd.Series]:
    """(float64, NaN where missing or no number; which cells hold something that is no finite number).

    decimal_comma  read 3,5 as 3.5
    Raises InputError, which begins with `where`, for times, durations and lists, and for whole numbers beyond 2^53,
    which float64 would make equal.

    >>> found, wrong = numbers(pd.Series(["2.5", "NA", "high", None]))
    >>> found.tolist(), wrong.tolist()
    ([2.5, nan, nan, nan], [False, False, True, False])
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        inner, bad = numbers(pd.Series(values.cat.categories), where, decimal_comma=decimal_comma)
        codes = values.cat.codes.to_numpy()
        return (
            pd.Series(np.append(inner.to_numpy(), np.nan)[codes], index=values.index),
            pd.Series(np.append(bad.to_numpy(), False)[codes], index=values.index),
        )
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else getattr(values.dtype, "kind", "O")
    if kind in "mM":
        what = "durations" if kind == "m" else "times"
        raise InputError(
            f"{where} holds {what}, which are no numbers: give numbers in a unit that you choose"
        )
    if kind in "biuf":
        found = values.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
        _exact(values, found, where)
        return _finite(found, values)
    if not isinstance(values.dtype, pd.StringDtype):
        values = _plain_objects(values, where)
    words = values.astype("str")
    words = words.where(~words.isin(MISSING_NUMBERS))
    if decimal_comma and words.str.fullmatch(r"[-+]?\d*,\d+").any() and not words.str.contains(r"\.").any():
        words = words.str.replace(",", ".")
    found = _parsed(words)
    _exact(words, found, where)
    return _finite(found, words)


def case_note(names: pd.Series, column: str) -> str | None:
    """A sentence about names that differ only in letter case or inner blanks, None where there are none or too many."""
    distinct = names.dropna().unique()
    if len(distinct) > 1000:  # identifiers, no groups
        return None
    alike: dict[str, list[str]] = {}
    for name in distinct:
        alike.setdefault(" ".join(str(name).casefold().replace("_", " ").split()), []).append(str(name))
    several = [same for same in alike.values() if len(same) > 1]
    if not several:
        return None
    shown = "; ".join(" and ".join(map(repr, same)) for same in several[:3])
    return f"column {column!r}: {shown} differ in spelling alone and count as different values"


def _usable(path: str | Path) -> Path:
    path = Path(path)
    endings = ", ".join((*CSV, *PARQUET))
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; a table ends in {endings}")
        if not path.exists():
            raise InputError(f"no such file: {path}")
        # a pipe would be waited for, for ever
        if not path.is_file():
            raise InputError(f"{path} is no regular file; a table ends in {endings}")
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty (0 bytes)")
    except (ValueError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{str(path)!r} cannot be opened: {error}") from error
    if not path.name.lower().endswith((*PARQUET, *CSV)):
        raise InputError(f"{path}: a table ends in {endings}")
    return path


# --- CSV


def _possible(head: bytes) -> tuple[str, ...]:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return (encoding,)
    if b"\0" in head:  # without a mark, the letters of Latin script tell which half of each pair is empty
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if max(even, odd) > 0.3 * len(head[0::2]) and min(even, odd) < 0.1 * max(even, odd):
            return ("utf-16-be",) if even > odd else ("utf-16-le",)
    return ("utf-8", "cp1252")


def _open(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")  # type: ignore[return-value]


def _encodings(path: Path) -> tuple[str, ...]:
    with _open(path) as file:
        head = file.read(_HEAD)
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InputError(f"{path} is a spreadsheet's own file under another name: save it as CSV (UTF-8)")
    if head.startswith(b"PAR1"):
        raise InputError(f"{path} is a Parquet file under another name: call it .parquet")
    found = _possible(head)
    if found == ("utf-8", "cp1252") and b"\0" in head:
        raise InputError(f"{path} is no text file: it holds NUL bytes")
    return found


class _Head:
    """What the beginning of a CSV tells: separator, lines above the header, names of the columns."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.path, self.encoding = path, encoding
        with _open(path) as file, io.TextIOWrapper(file, encoding, newline="") as text:
            start = text.read(_HEAD).lstrip("\ufeff")
        lines = start.splitlines(keepends=True)
        self.skip = 0
        while self.skip < len(lines) and not lines[self.skip].strip():
            self.skip += 1
        first = lines[self.skip].strip() if self.skip < len(lines) else ""
        told = re.fullmatch(r"(?i)\"?sep=(.)\"?", first)  # a spreadsheet's own line
        self.skip += told is not None
        self.start = "".join(lines[self.skip :])
        self.separator = told[1] if told else self._separator()
        self.raw = next(self._rows(self.separator), [])
        if not any(name.strip() for name in self.raw):
            raise InputError(f"{path} has no header")
        self.names = [_trimmed(name) or f"column {i}" for i, name in enumerate(self.raw, 1)]
        self.named = [bool(_trimmed(name)) for name in self.raw]

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
            rows = rows[:-1] if len(self.start) >= _HEAD - 4 and len(rows) < 30 else rows
            if not rows or rows[0] == 1:
                return False, 0
            return len(set(rows[1:])) <= 1, rows[0]

        return max(SEPARATORS, key=fit)


def _read_csv(path: Path, columns: Sequence[str] | None, categories: set[str]) -> UserTable:
    encodings = _encodings(path)
    for encoding in encodings:
        try:
            table = _decoded_csv(path, _Head(path, encoding), columns, categories)
        except (UnicodeError, _OtherEncoding):
            continue
        if encoding == "cp1252":
            table.notes.insert(
                0, f"{path.name} is not UTF-8; read as Windows-1252. Look at its accents and other letters"
            )
        return table
    raise ValueError("its encoding is none of UTF-8, UTF-16, UTF-32 and Windows-1252")


def _decoded_csv(path: Path, head: _Head, columns: Sequence[str] | None, categories: set[str]) -> UserTable:
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
    own = {place: _strings(table.column(i)) for i, place in enumerate(wanted)}
    edged = 0
    for place, cells in own.items():
        own[place], changed = _cleaned(cells)
        edged += changed
    keep = np.ones(table.num_rows, dtype=bool)
    if whole and table.num_rows:
        empty = np.logical_and.reduce([cells.is_null().to_numpy() for cells in own.values()])
        if empty.any():
            notes.append(f"{path.name}: {int(empty.sum())} empty row(s) left out")
        keep &= ~empty
    header = np.ones(table.num_rows, dtype=bool)
    for place, cells in own.items():
        same = pc.equal(cells, pa.scalar(_trimmed(head.raw[place]) or None, cells.type))
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
    broken = sum(pc.sum(pc.match_substring_regex(cells, "[\r\n]")).as_py() or 0 for cells in chosen.values())
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


def _cells(head: _Head, wanted: list[int], notes: list[str], extra: int = 0) -> pa.Table:
    """The wanted cells as text, in the file's order; `extra`: empty fields behind those of the header."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pacsv

    names = [f"c{i}" for i in range(len(head.names) + extra)]
    with _open(head.path) as file:
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
    if table.num_rows and any("\n" in (c[-1].as_py() or "") for c in table.columns) and _odd_quotes(head):
        raise InputError(f'{head.path}: a quote (") is not closed; all behind it would be one value')
    return table


def _widths(head: _Head) -> dict[int, tuple[int, int, bool]]:
    """Number of fields → (rows, number of the first such row, are all fields behind the header's empty)."""
    found: dict[int, tuple[int, int, bool]] = {}
    for number, row in enumerate(_python_rows(head), 1):
        count, first, blank = found.get(len(row), (0, number, True))
        found[len(row)] = count + 1, first, blank and not any(f.strip() for f in row[len(head.raw) :])
    return found


def _python_rows(head: _Head) -> Any:
    before = csv.field_size_limit(MAX_CELL)
    try:
        with (
            _open(head.path) as file,
            io.TextIOWrapper(file, head.encoding, newline="") as text,
        ):
            for _ in range(head.skip):
                text.readline()
            rows = csv.reader(text, delimiter=head.separator)
            next(rows, None)
            yield from (row for row in rows if row)
    finally:
        csv.field_size_limit(before)


def _of_other_width(
    head: _Head, wanted: list[int], widths: dict[int, tuple[int, int, bool]], notes: list[str]
) -> pa.Table:
    """The cells of rows that all end in further, empty fields; InputError for other rows."""
    import pyarrow as pa

    n = len(head.raw)
    wrong = {k: v for k, v in widths.items() if k < n or (k > n and not v[2])}
    if wrong:
        total = sum(count for count, _, _ in widths.values())
        first = min(wrong, key=lambda k: wrong[k][1])
        some = f"rows have {first} fields" if wrong[first][0] > 1 else f"a row has {first} fields"
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


def _odd_quotes(head: _Head) -> bool:
    with _open(head.path) as file, io.TextIOWrapper(file, head.encoding, newline="") as text:
        return sum(part.count('"') for part in iter(lambda: text.read(_BLOCK), "")) % 2 == 1


def _empty(table: pa.Table) -> Any:
    import pyarrow.compute as pc

    empty = table.column(0).is_null()
    for cells in table.columns[1:]:
        empty = pc.and_(empty, cells.is_null())
    return empty.combine_chunks() if hasattr(empty, "combine_chunks") else empty


def _strings(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    return cells if pa.types.is_large_string(cells.type) else cells.cast(pa.large_string())


def _cleaned(cells: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
    """Without blanks around, in NFC, without a spreadsheet's apostrophe; how many had blanks. Empty is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.replace_substring_regex(cells, f"^{_EDGE}+|{_EDGE}+$", "")
    changed = pc.sum(pc.not_equal(plain, cells)).as_py() or 0
    if pc.sum(pc.invert(pc.string_is_ascii(plain))).as_py():
        plain = pc.utf8_normalize(plain, "NFC")
    guarded = pc.match_substring_regex(plain, "^'[" + "".join(re.escape(c) for c in RISKY) + "]")
    if pc.any(guarded).as_py():
        plain = pc.if_else(guarded, pc.utf8_slice_codeunits(plain, 1), plain)
    return pc.if_else(pc.equal(plain, ""), pa.scalar(None, plain.type), plain), changed


def _without_twins(
    path: Path, head: _Head, own: dict[int, pa.ChunkedArray], notes: list[str]
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


def _trimmed(text: str) -> str:
    plain = unicodedata.normalize("NFC", text.strip(" \t\r\n\f\v\ufeff\u200b\xa0"))
    return plain[1:] if len(plain) > 1 and plain[0] == "'" and plain[1] in RISKY else plain


# --- Parquet


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


def _read_parquet(path: Path, columns: Sequence[str] | None, categories: set[str]) -> UserTable:
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
            cells, changed = _cleaned(_strings(cells))
            edged += changed
        found[name] = (cells.dictionary_encode() if text and name in categories else cells).to_pandas()
    if edged:
        notes.append(f"{path.name}: blanks around {edged:,} value(s) taken off")
    order = [*dict.fromkeys(columns)] if columns is not None else list(found)
    frame = pd.DataFrame({name: found[name] for name in order}, index=range(rows))
    frame.columns = [str(name) for name in frame.columns]
    return UserTable(path.name, frame, notes, lists=tuple(nested))


# --- columns


def _name(value: Any, where: str) -> str:
    if isinstance(value, (list, tuple, dict, set, np.ndarray)):
        raise InputError(f"{where} holds lists, which are no names: one value a row is needed")
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _plain_objects(values: pd.Series, where: str) -> pd.Series:
    """Python objects (decimals, days, mixed cells) as texts of numbers; lists and times are refused."""
    import datetime

    for value in values.dropna():
        if isinstance(value, (list, tuple, dict, set, np.ndarray)):
            raise InputError(f"{where} holds lists, which are no numbers: one value a row is needed")
        if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
            raise InputError(
                f"{where} holds times, which are no numbers: give numbers in a unit that you choose"
            )
    return values.map(lambda value: None if pd.isna(value) else str(value)).astype("str")


def _parsed(words: pd.Series) -> np.ndarray:
    import pyarrow as pa

    try:
        cells = pa.array(words, type=pa.large_string(), from_pandas=True)
        return np.array(cells.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype="float64")
    except pa.ArrowInvalid:  # words among them, or spellings that only Python knows
        found = pd.to_numeric(words, errors="coerce")
        return np.asarray(found.astype("Float64").to_numpy(dtype="float64", na_value=np.nan))


def _exact(values: pd.Series, found: np.ndarray, where: str) -> None:
    with np.errstate(invalid="ignore"):
        huge = np.flatnonzero((np.abs(found) >= EXACT) & np.isfinite(found))
    for place in huge:
        value = values.iloc[place]
        if isinstance(value, (float, np.floating)):
            continue  # it is what it is
        word = str(value).strip()
        if re.fullmatch(r"[-+]?\d{16,}", word) and int(word) != int(found[place]):
            raise InputError(
                f"{where} holds whole numbers beyond 2^53, such as {word}: read as numbers, different ones "
                "become equal. Identifiers are no scores; scores can be divided by a power of ten"
            )


def _finite(found: np.ndarray, given: pd.Series) -> tuple[pd.Series, pd.Series]:
    wrong = np.isinf(found) | (np.isnan(found) & given.notna().to_numpy())
    return (
        pd.Series(np.where(np.isinf(found), np.nan, found), index=given.index),
        pd.Series(wrong, index=given.index),
    )


def _typed(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.StringDtype):
        words = values.dropna()
        if words.empty:
            return values
        if words.isin(("True", "False")).all() and len(words) == len(values):
            return values == "True"
        if not words.map(lambda word: _PLAIN.fullmatch(word) is not None).all():
            return values
        found, _ = numbers(values)
        if not words.str.fullmatch(r"-?\d+").all():
            return found
        return found.astype("Int64") if len(words) < len(values) else found.astype("int64")
    if values.dtype.kind == "f" and values.isna().any():
        # whole numbers with a blank among them: codes that pandas made 0.0
        known = values.dropna()
        if len(known) and (known % 1 == 0).all() and known.abs().max() < EXACT:
            return values.astype("Int64")
    return values
