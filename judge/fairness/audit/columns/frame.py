"""Columns of a data frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.data.user_tables import UserTable, numbers
from judge.errors import InputError, listed
from judge.fairness.audit.columns.codes import Codes, codes_of, spelling_notes

_YES = {"1", "1.0", "true", "yes", "y", "t", "won", "winner", "eligible"}
_NO = {"0", "0.0", "false", "no", "n", "f", "lost", "loser", "refused", ""}


class FrameColumns:
    """The columns of a data frame; `ParquetColumns` has the same methods."""

    #: People a row; None: one.
    weight: NDArray[np.int64] | None = None

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table
        self.names = list(table.columns)
        self.n = len(table)
        self.notes: list[str] = []

    def codes(self, name: str) -> Codes:
        """Groups or brackets."""
        codes = codes_of(self.table[name])
        self.notes += spelling_notes(name, codes)
        return codes

    def absent(self, name: str) -> NDArray[np.bool_]:
        """Where the column says nothing."""
        return self.table[name].isna().to_numpy()

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Floats, NaN where missing; text that is no number is an error."""
        return numbers_of(self.table[name], name)

    def yes_no(self, name: str, *, what: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
        """(yes, unknown); unknown is None where nothing is missing. `what` the column says, for the error."""
        return yes_no_of(self.table[name], name, what=what)

    def checked_ids(self, name: str) -> None:
        """Raises InputError where ids are missing or come twice."""
        check_ids(self.table[name], name)

    def ids(self, name: str) -> pd.Series:
        """The ids, as they are hashed into lots."""
        return self.table[name]

    def repeats(self, name: str) -> int:
        """How many rows repeat a value that came before; missing ones repeat nothing."""
        known = self.table[name].dropna()
        return len(known) - known.nunique()

    def persons(self, name: str) -> NDArray[np.int64]:
        """Codes of the persons in the order of their first rows; a missing id is an error."""
        check_present(self.table[name], name)
        return pd.factorize(self.table[name])[0]


class CsvColumns(FrameColumns):
    """The columns of a CSV file as somebody brought it: every cell is text, and numbers are asked for."""

    def __init__(self, table: UserTable) -> None:
        super().__init__(table.frame)
        self.notes = table.notes
        self.decimal_comma = table.decimal_comma

    def numbers(self, name: str) -> NDArray[np.float64]:
        return numbers_of(self.table[name], name, decimal_comma=self.decimal_comma)


def numbers_of(column: pd.Series, name: str, *, decimal_comma: bool = False) -> NDArray[np.float64]:
    """Floats, NaN where missing, infinities as they are.

    Raises InputError for text that is no number, with its row count, for times and lists, and for whole numbers that
    floats cannot tell apart.
    """
    if column.dtype == np.float64:
        return column.to_numpy()
    found, wrong = numbers(column, f"column {name}", decimal_comma=decimal_comma)
    if wrong.any():
        # an infinite score is a number that nobody can be ranked by
        infinite = pd.to_numeric(column[wrong].astype("str"), errors="coerce").abs() == np.inf
        if not infinite.all():
            bad = column[wrong][~infinite]
            raise InputError(
                f"column {name} has {len(bad)} of {len(column)} rows that are no number, "
                f"first {listed(bad.head(3).tolist())}"
            )
    return found.to_numpy()


def yes_no_of(
    column: pd.Series, name: str, *, what: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """(yes, unknown) from bool, 0/1, yes/no, true/false, won/lost in any case."""
    if column.dtype == bool:
        return column.to_numpy(), None
    codes, values = pd.factorize(column)
    yes, blank = _read_yes_no(values, name, what)
    unknown = blank[codes]
    return yes[codes], unknown if unknown.any() else None


def _read_yes_no(values: Iterable[object], name: str, what: str) -> tuple[NDArray, NDArray]:
    """Whether each value says yes, and whether it says nothing; a further entry for missing ones."""
    values = list(values)
    text = [str(value).strip().lower() for value in values]
    bad = [value for value, t in zip(values, text, strict=True) if t not in _YES | _NO]
    if bad:
        raise InputError(
            f"column {name} has to say who {what} with 1/0, true/false, yes/no or won/lost; "
            f"it also holds {listed(bad, 5)}"
        )
    return np.array([t in _YES for t in text] + [False], bool), np.array(
        [t == "" for t in text] + [True], bool
    )


def check_present(column: pd.Series, name: str) -> None:
    """Raises InputError where ids are missing or blank."""
    absent = column.isna().to_numpy() | (column.astype(str).str.strip() == "").to_numpy()
    if absent.any():
        rows = (np.flatnonzero(absent)[:5] + 1).tolist()
        raise InputError(
            f"{absent.sum()} of {len(column)} rows have no {name}, first rows {listed(rows)}; "
            "give each person one"
        )


def check_ids(column: pd.Series, name: str) -> None:
    """Raises InputError where ids are missing, blank or repeated."""
    check_present(column, name)
    twice = column.duplicated(keep="first")
    if twice.any():
        raise InputError(
            f"{int(twice.sum())} of {len(column)} rows repeat a {name} that came before, first "
            f"{listed(column[twice].head(5).tolist())}; the table has to hold one row a person "
            "(of one judge and seed). --one-per-person best, first or mean (one_per_person=) keeps one row for each"
        )
