"""What every reader does around its own labels: the folder, what was excluded and why, the last checks.

A reader finds labels and paths, puts each thing that it cannot use into an `Exclusions`, and hands its rows to
`finished`, which excludes minors, who is on the exclusion list, missing and broken pictures and duplicates, in this
order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from inspect import getdoc
from pathlib import Path

import pandas as pd

from judge.data.brackets import ADULT
from judge.data.checks import inspect
from judge.data.dataset import Dataset, no_exclusions
from judge.data.duplicates import same_picture, without_duplicates
from judge.data.readers.exclusion_list import match_list
from judge.data.readers.names import Names
from judge.data.readers.walking import PICTURES, not_regular, shown_name, walk_pictures
from judge.data.user_tables import decoded, read_user_table
from judge.errors import InputError, listed

__all__ = [
    "PICTURES",
    "Exclusions",
    "data_folder",
    "finished",
    "lines_of",
    "pictures_under",
    "resolved",
    "typed_table",
]


class Exclusions:
    """Collects what cannot be used and why; nothing is dropped without a line here.

    notes  sentences about what was mended, or left out by number and not one by one
    """

    def __init__(self) -> None:
        self._tables: list[pd.DataFrame] = []
        self.notes: list[str] = []

    def add(self, items: Iterable[object], reason: str, details: object = "") -> None:
        """Notes items; `details` is one text for all of them, or one an item."""
        items = [str(item) for item in items]
        if not items:
            return
        detail = [details] * len(items) if isinstance(details, str) else [str(d) for d in details]  # type: ignore[attr-defined]
        self._tables.append(pd.DataFrame({"item": items, "reason": reason, "detail": detail}, dtype=str))

    def drop(self, rows: pd.DataFrame, bad: pd.Series, reason: str, details: object = "") -> pd.DataFrame:
        """The rows without the bad ones, which are noted by their image_id; a missing `bad` is not bad."""
        bad = bad.fillna(False).astype(bool)
        if not isinstance(details, str):
            details = pd.Series(details, index=rows.index)[bad]
        self.add(rows.loc[bad, "image_id"], reason, details)
        return rows[~bad]

    def table(self) -> pd.DataFrame:
        """item, reason, detail: what was noted, in order."""
        return pd.concat([no_exclusions(), *self._tables], ignore_index=True).astype(str)


def data_folder(root: str | Path, name: str, *signs: str) -> Path:
    """The absolute folder `root`, or InputError that says what a folder of `name` holds.

    `signs` are glob patterns of which at least one has to match something in it.
    """
    folder = Path(root).expanduser().absolute()
    if not _exists(folder) or not folder.is_dir():
        raise InputError(f"{name}: no such folder: {shown_name(str(folder))}")
    if shown_name(str(folder)) != str(folder):  # no table can hold such a path
        raise InputError(
            f"{name}: the folder's name is not UTF-8: {shown_name(str(folder))}; rename it, or link to it"
        )
    if signs and not any(next(iter(folder.glob(sign)), None) for sign in signs):
        raise InputError(
            f"{name}: {folder} does not look like it: expected {' or '.join(signs)} in it; "
            f"it holds {listed(sorted(p.name for p in folder.iterdir()), 6)}"
        )
    return folder


def typed_table(
    file: Path, exclusions: Exclusions, *, names: Sequence[str] = (), numbers: Sequence[str] = ()
) -> pd.DataFrame:
    """A data set's own table: columns `names` as text, `numbers` as float64, others as numbers where all are some.

    Columns that are not there are passed over. Raises InputError for words where numbers have to be.
    """
    table = read_user_table(file)
    typed = {}
    for column in table.frame:
        if column in numbers:
            typed[column], wrong = table.numbers(column)
            if wrong.any():
                given = table.frame.loc[wrong, column]
                raise InputError(f"{file}: column {column!r} holds {listed(given, 3)}: numbers are needed")
        else:
            typed[column] = table.texts(column) if column in names else table.typed(column)
    exclusions.notes += table.notes
    return pd.DataFrame(typed, index=table.frame.index)


def lines_of(file: Path) -> list[str]:
    """The lines of a text file in any usual encoding. Raises InputError for what is no text."""
    try:
        return re.split(r"\r\n|\r|\n", decoded(file.read_bytes())[0])
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error


def pictures_under(folder: Path, exclusions: Exclusions, read: Iterable[Path | None] = ()) -> list[str]:
    """All picture files below `folder`: relative paths with forward slashes, sorted; see `walk_pictures`.

    What looks like a picture and is none that can be read goes into `exclusions`, all other files into its notes, but
    those that the reader has `read`.
    """
    walk = walk_pictures(folder)
    walk.others -= Counter(
        file.suffix.lower() for file in read if file is not None and file.is_relative_to(folder)
    )
    for item, reason, detail in walk.set_aside:
        exclusions.add([item], reason, detail)
    exclusions.notes += walk.notes()
    return walk.pictures


def resolved(
    folder: Path,
    names: pd.Series,
    there: Sequence[str],
    exclusions: Exclusions,
    kind: type[Names] = Names,
) -> tuple[pd.Series, pd.Series]:
    """(absolute paths of the files that a table's names mean, which of them are meant by another spelling).

    there  relative paths of the pictures in `folder`. A name that no picture has as it is may mean one that differs
    in letter case, separators, Unicode form or blanks alone, unless another row has that one's own name
    kind   which other spellings are looked for
    """
    known, meant = kind(there), []
    own = set(names)
    for name in names:
        other = None if name in known or _exists(folder / name) else known.find(name)
        other = None if other in own else other
        meant.append(other)
        own.add(other)
    spelt = pd.Series([name is not None for name in meant], index=names.index, dtype=bool)
    if spelt.any():
        first = next((name, other) for name, other in zip(names, meant, strict=True) if other is not None)
        exclusions.notes.append(
            f"{int(spelt.sum())} file name(s) of the table are written otherwise on the disk (letter case, separators, "
            f"Unicode form, blanks{', folder or ending' if kind is not Names else ''}) and were matched: {first[0]!r} "
            f"is {first[1]!r}"
        )
    paths = [str(folder / (other or name)) for name, other in zip(names, meant, strict=True)]
    return pd.Series(paths, index=names.index, dtype=object), spelt


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # longer than a name can be, or with a NUL
        return False


def finished(
    name: str,
    rows: pd.DataFrame,
    exclusions: Exclusions,
    *,
    reader: Callable[..., Dataset],
    check: str,
    exclude: str | Path | Iterable[str] | None = None,
    ratings: pd.DataFrame | None = None,
    rating_range: tuple[float, float] | None = None,
    rating_source: str | None = None,
    real_people: bool = True,
    root: Path | None = None,
) -> Dataset:
    """The Dataset of a reader's rows (image_id, path, labels, optional split, rating, age …).

    Excludes who is under 18 by the column `age`, pictures on the list `exclude` and their copies, missing and broken
    files, and duplicates; keeps the single ratings of pictures that stay. The reader's docstring becomes
    the data card. Raises InputError when nothing is left, and for a list `exclude` that means nobody.
    """
    found = len(rows)
    gone = exclusions.table()["item"].tolist()
    rows = rows.reset_index(drop=True)
    unwanted = match_list(exclude, rows, gone=gone, root=root)
    exclusions.notes += unwanted.notes
    rows["_line"] = pd.Series(unwanted.rows, dtype=object).reindex(rows.index)
    if "age" in rows:
        rows = exclusions.drop(rows, rows["age"] < ADULT, "may be under 18", "age " + rows["age"].astype(str))
    rows = exclusions.drop(
        rows, rows["path"].str.contains("\0", regex=False), "file missing", "NUL in its name"
    )
    odd = rows["path"].map(not_regular)
    rows = exclusions.drop(rows, odd.notna(), "no regular file", odd)
    rows = rows.reset_index(drop=True)
    # files on the list are looked at as well: a copy of one under another name shows the same person
    seen = inspect(rows["path"].tolist(), check)
    for column in ("content_hash", "pixel_hash"):
        if seen[column].notna().any():
            rows[column] = seen[column].astype("str")
    listed_rows = rows["_line"].notna()
    exclusions.add(rows.loc[listed_rows, "image_id"], "on the exclusion list", rows.loc[listed_rows, "_line"])
    if listed_rows.any():
        picture = same_picture(rows)
        copies = picture.isin(set(picture[listed_rows])) & ~listed_rows
        exclusions.add(rows.loc[copies, "image_id"], "copy of a picture on the exclusion list")
        listed_rows |= copies
    rows, seen = rows[~listed_rows].drop(columns="_line"), seen[~listed_rows]
    for reason in ("file missing", "broken picture"):
        bad = seen["reason"] == reason
        exclusions.add(rows.loc[bad, "image_id"], reason, seen.loc[bad, "detail"])
    rows = rows[seen["reason"].isna()]
    rows, copies = without_duplicates(rows)
    for reason, some in copies.groupby("reason", sort=True):
        exclusions.add(some["item"], str(reason), some["detail"])
    if rows.empty:
        why = exclusions.table()["reason"].value_counts()
        counts = ", ".join(f"{reason}: {n}" for reason, n in why.items()) or "no picture was found"
        raise InputError(f"{name}: of {found} labelled pictures none can be used ({counts})")
    rows = rows.assign(source=rows.get("source", "photo"))
    if "rating" not in rows:
        rows = rows.assign(rating=float("nan"))
    if "rating_source" not in rows:
        rows["rating_source"] = pd.Series(rating_source, index=rows.index, dtype="str").where(
            rows["rating"].notna()
        )
    if ratings is not None:
        ratings = ratings[ratings["image_id"].isin(set(rows["image_id"]))]
    exclusions.notes = list(dict.fromkeys(exclusions.notes))
    return Dataset(
        name=name,
        manifest=rows,
        ratings=ratings,
        excluded=exclusions.table(),
        rating_range=rating_range,
        real_people=real_people,
        card=getdoc(reader) or "",
        notes=tuple(exclusions.notes),
    )
