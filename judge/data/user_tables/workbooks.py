"""Workbooks (.xlsx): one sheet as a table, its cells as the program that wrote them kept them."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd

from judge.data.user_tables.cells import trimmed
from judge.data.user_tables.columns import texts
from judge.data.user_tables.table import UserTable
from judge.errors import InputError, listed


def read_workbook(path: Path, columns: Sequence[str] | None, categories: set[str]) -> UserTable:
    """The first sheet with a header and rows; numbers stay numbers, a text such as NA or 007 stays text.

    Raises ValueError for what is no workbook, InputError for two columns of one name or an absent one that is wanted.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # openpyxl's, of styles that it does not know
            sheets = pd.read_excel(
                path, sheet_name=None, header=None, dtype=object, keep_default_na=False, na_values=[""]
            )
    except (BadZipFile, KeyError) as error:
        raise ValueError(f"it is no workbook: {error}") from error
    filled = {name: cells for name, cells in sheets.items() if len(cells.dropna(how="all")) > 1}
    if not filled:
        raise ValueError("no sheet has a header and rows")
    name, cells = next(iter(filled.items()))
    notes = (
        [f"{path.name}: the sheet {name!r} is read, not {listed(list(filled)[1:])}"]
        if filled.keys() - {name}
        else []
    )
    cells = cells.dropna(how="all").dropna(how="all", axis=1)
    header = [trimmed(str(cell)) if not pd.isna(cell) else "" for cell in cells.iloc[0]]
    names = [title or f"column {i}" for i, title in enumerate(header, 1)]
    twice = [title for title, count in Counter(names).items() if count > 1]
    if twice and (columns is None or set(twice) & set(columns)):
        raise InputError(f"{path}: two columns {listed(twice)}: rename one of them")
    frame = cells.iloc[1:].reset_index(drop=True).set_axis(names, axis=1)
    if columns is not None:
        if missing := [title for title in columns if title not in names]:
            raise InputError(f"no column {listed(missing)} in {path}; it has {listed(names)}")
        frame = frame[list(dict.fromkeys(columns))]
    found = {title: _stored(frame[title], f"{path.name}: column {title!r}") for title in frame}
    table = pd.DataFrame(found, index=frame.index)
    return UserTable(path.name, table.astype(dict.fromkeys(categories & {*table}, "category")), notes)


def workbook_columns(path: Path) -> list[str]:
    """The names of the columns that `read_workbook` finds."""
    return [str(name) for name in read_workbook(path, None, set()).frame]


def _stored(cells: pd.Series, where: str) -> pd.Series:
    """Numbers where every cell is one, else texts; a day of a cell (10-19 that became October) stays readable."""
    known = cells.dropna()
    plain: Any = known.map(lambda cell: isinstance(cell, int | float) and not isinstance(cell, bool))
    if len(known) and plain.all():
        numbers = pd.to_numeric(cells)
        whole = (numbers.dropna() % 1 == 0).all()
        return (
            numbers.astype("Int64" if numbers.isna().any() else "int64")
            if whole
            else numbers.astype("float64")
        )
    words = texts(cells.map(lambda cell: trimmed(cell) if isinstance(cell, str) else cell), where)
    return words.where(words != "")
