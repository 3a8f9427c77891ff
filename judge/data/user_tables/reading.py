"""One function for every file that somebody brings."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from judge.data.user_tables.encodings import encodings
from judge.data.user_tables.parquet import parquet_columns, read_parquet
from judge.data.user_tables.separated import MAX_CELL, Head, read_csv
from judge.data.user_tables.table import UserTable
from judge.data.user_tables.workbooks import read_workbook, workbook_columns
from judge.errors import InputError

PARQUET, CSV = (".parquet", ".pq"), (".csv", ".csv.gz", ".tsv", ".tsv.gz")
WORKBOOK = (".xlsx",)
#: How the name of a table ends.
TABLES = (*CSV, *PARQUET, *WORKBOOK)
#: What a damaged file raises on the way.
_DAMAGE = (ValueError, OSError, EOFError, LookupError, csv.Error, zlib.error)


def read_user_table(
    path: str | Path, columns: Sequence[str] | None = None, *, categories: Iterable[str] = ()
) -> UserTable:
    """A CSV (also .tsv, .gz; UTF-8, UTF-16 or Windows-1252; cut by comma, semicolon, tab or bar), Parquet or .xlsx.

    Parameters
    ----------
    path : str or Path
        Ends in .csv, .tsv, .csv.gz, .tsv.gz, .parquet, .pq or .xlsx.
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
            return read_parquet(path, columns, set(categories))
        if path.name.lower().endswith(WORKBOOK):
            return read_workbook(path, columns, set(categories))
        return read_csv(path, columns, set(categories))
    except InputError:
        raise
    except _DAMAGE as error:
        why = " ".join(str(error).split())[:200]
        if "straddling" in why or "field limit" in why:
            why = f"a row is too long, values of at most {MAX_CELL:,} bytes are read; is a quote not closed?"
        raise InputError(f"{path} cannot be read as a table: {why}") from error


def user_columns(path: str | Path) -> list[str]:
    """The names of the columns that `read_user_table` would find, without reading the rows. Raises as it does."""
    path = _usable(path)
    try:
        if path.name.lower().endswith(PARQUET):
            return parquet_columns(path)
        if path.name.lower().endswith(WORKBOOK):
            return workbook_columns(path)
        for encoding in encodings(path):
            try:
                return list(dict.fromkeys(Head(path, encoding).names))
            except UnicodeError:
                continue
        raise ValueError("its encoding is none of UTF-8, UTF-16, UTF-32 and Windows-1252")
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(f"{path} cannot be read as a table: {' '.join(str(error).split())[:200]}") from error


def _usable(path: str | Path) -> Path:
    path = Path(path)
    endings = ", ".join(TABLES)
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
    if not path.name.lower().endswith(TABLES):
        raise InputError(f"{path}: a table ends in {endings}")
    return path
