"""The tables in somebody's folder, and whose pictures they name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from judge.data.own.columns import IMAGES, name_points
from judge.data.readers.names import FileNames
from judge.data.user_tables import TABLES, UserTable, read_user_table
from judge.errors import InputError

#: A column of which fewer cells name pictures is not the pictures' column.
LEAST_NAMED = 0.1
#: Tables that are looked at, and folders below the root in which they are looked for.
MOST_TABLES, DEPTH = 40, 3


@dataclass(frozen=True)
class Found:
    """A table that names pictures.

    file      relative to the root, with forward slashes
    image     its column of pictures; others, of which nearly as many cells do
    named     share of its rows that name a picture in the folder
    pictures  how many pictures it names; rows a picture, on average
    """

    file: str
    table: UserTable
    image: str
    other_images: tuple[str, ...]
    named: float
    pictures: int
    rows_a_picture: float

    def text(self, column: str) -> pd.Series:
        return self.table.texts(column)

    def number(self, column: str) -> pd.Series | None:
        """The column as numbers where 95 % of its cells are some."""
        try:
            numbers, wrong = self.table.numbers(column)
        except InputError:  # days, identifiers
            return None
        known = int(self.table.frame[column].notna().sum())
        return numbers if known and wrong.sum() <= 0.05 * known else None


def tables_under(root: Path) -> list[str]:
    """Relative paths of the tables in the root and some folders deep, those nearest to the root first."""
    found = []
    for here, folders, files in os.walk(root):
        depth = len(Path(here).relative_to(root).parts)
        folders[:] = [] if depth >= DEPTH else sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(TABLES) and not name.startswith((".", "~$")):
                found.append((depth, (Path(here) / name).relative_to(root).as_posix()))
    return [name for _, name in sorted(found)]


def look_at(
    root: Path, files: Sequence[str], pictures: Sequence[str], image: str | None = None
) -> tuple[list[Found], Mapping[str, str]]:
    """(tables with a column that names pictures, the others and why not).

    image  the column that is to be it, in each table that has it
    """
    known = FileNames(pictures)
    found: list[Found] = []
    others: dict[str, str] = {}
    for name in files[:MOST_TABLES]:
        try:
            table = read_user_table(root / name)
            one = _found(name, table, known, image)
        except InputError as error:
            others[name] = str(error)
            continue
        if one is None:
            others[name] = "no column of it names pictures in the folder"
        else:
            found.append(one)
    others |= dict.fromkeys(files[MOST_TABLES:], f"only the first {MOST_TABLES} tables are looked at")
    return found, others


def _found(name: str, table: UserTable, known: FileNames, image: str | None) -> Found | None:
    frame = table.frame
    wanted = [image] if image in frame else [c for c in frame if image is None]
    shares: dict[str, tuple[float, pd.Series]] = {}
    for column in wanted:
        cells = table.texts(column)
        distinct = cells.dropna().unique()
        # a sample tells the columns that name nothing
        if not any(known.find(str(value)) for value in distinct[:: max(1, len(distinct) // 50)]):
            continue
        meant = cells.map({value: known.find(str(value)) for value in distinct})
        shares[column] = (float(meant.notna().mean()), meant)
    if not shares:
        return None
    # a rating of 1 to 5 names 1.jpg to 5.jpg too: the pictures' column names the most, and of two such it is called so
    count = {c: meant.nunique() for c, (_, meant) in shares.items()}
    most = max(count.values())
    close = [c for c in shares if count[c] >= 0.9 * most]
    best = max(close, key=lambda c: (name_points(c, IMAGES), shares[c][0], count[c]))
    share, meant = shares[best]
    if share < LEAST_NAMED and image is None:
        return None
    others = tuple(c for c in close if c != best and shares[c][0] >= 0.9 * share)
    return Found(
        name, table, best, others, share, count[best], float(meant.notna().sum() / max(count[best], 1))
    )
