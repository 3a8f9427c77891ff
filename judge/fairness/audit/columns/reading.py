"""Reading only the columns that an audit needs, so that ten million rows fit in memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from judge.data.user_tables import person_columns, read_user_table, user_columns
from judge.errors import InputError, listed
from judge.fairness.audit.columns.frame import CsvColumns, FrameColumns

if TYPE_CHECKING:
    from judge.fairness.audit.columns.parquet import ParquetColumns

_PARQUET, _CSV = (".parquet", ".pq"), (".csv", ".csv.gz", ".tsv", ".tsv.gz")


def column_names(path: str | Path) -> list[str]:
    """The columns of a CSV or Parquet file, without reading its rows.

    Parameters
    ----------
    path : str or Path
        Ends in .csv, .csv.gz, .parquet or .pq.

    Returns
    -------
    list of str
        In the order of the file.

    Raises
    ------
    InputError
        For a file that is not there, is empty, or cannot be read as a table.

    Examples
    --------
    >>> from importlib.resources import files
    >>> column_names(str(files("judge.fairness.audit") / "beauty_ai_2016.csv"))
    ['ethnicity', 'entrant_share', 'entrants', 'winners']
    """
    path = _usable(path)
    try:
        if path.name.lower().endswith(_PARQUET):
            import pyarrow.parquet as pq

            return list(pq.read_schema(path).names)
        return user_columns(path)
    except InputError:
        raise
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path} cannot be read as a table: {error}") from error


def open_columns(
    path: str | Path, *, groups: Iterable[str], others: Iterable[str]
) -> FrameColumns | ParquetColumns:
    """The columns of a file, each read when it is asked for (Parquet) or all of them at once (CSV).

    Parameters
    ----------
    path : str or Path
        As in `column_names`.
    groups : iterable of str
        Columns of features and brackets: names as they are written ("NA" and "007" stay).
    others : iterable of str
        Columns of scores, winners, ratings, ids. Columns that say whose picture a row is come with them.

    Returns
    -------
    FrameColumns or ParquetColumns
        As `read_entrants` takes them.

    Raises
    ------
    InputError
        For an unusable file, and for a column that it lacks, naming those that it has.

    Examples
    --------
    >>> from importlib.resources import files
    >>> path = str(files("judge.fairness.audit") / "beauty_ai_2016.csv")
    >>> open_columns(path, groups=["ethnicity"], others=["winners"]).codes("ethnicity").names
    ('dark', 'rest', 'white')
    """
    groups, others = list(dict.fromkeys(groups)), list(dict.fromkeys(others))
    there = column_names(path)
    more = person_columns(there, taken=[*groups, *others])
    missing = [name for name in dict.fromkeys([*groups, *others]) if name not in there]
    if missing:
        raise InputError(f"no column {listed(missing)} in {path}; it has {listed(there)}")
    if not Path(path).name.lower().endswith(_PARQUET):
        return CsvColumns(
            read_user_table(path, [*dict.fromkeys([*groups, *others, *more])], categories=groups)
        )
    from judge.fairness.audit.columns.parquet import ParquetColumns  # pyarrow, which a CSV file does not need

    try:
        return ParquetColumns(Path(path))
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path} cannot be read as a table: {error}") from error


def _usable(path: str | Path) -> Path:
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; a table ends in {', '.join(_CSV + _PARQUET)}")
    if not path.is_file():
        raise InputError(f"no such file: {path} (a table of entrants, or the name beauty-ai-2016)")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes)")
    if not path.name.lower().endswith(_PARQUET + _CSV):
        raise InputError(f"{path}: a table ends in {', '.join(_CSV + _PARQUET)}")
    return path
