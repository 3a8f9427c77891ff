"""What every reader does around its own labels: the folder, what was excluded and why, the last checks.

A reader finds labels and paths, puts each thing that it cannot use into an `Exclusions`, and hands its rows to
`finished`, which excludes minors, excluded, missing and broken pictures and duplicates, in this order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from inspect import getdoc
from pathlib import Path

import pandas as pd

from judge.data.brackets import ADULT
from judge.data.checks import inspect
from judge.data.dataset import Dataset, no_exclusions
from judge.data.duplicates import without_duplicates
from judge.errors import InputError, listed

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


class Exclusions:
    """Collects what cannot be used and why; nothing is dropped without a line here."""

    def __init__(self) -> None:
        self._tables: list[pd.DataFrame] = []

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
    if not folder.is_dir():
        raise InputError(f"{name}: no such folder: {folder}")
    if signs and not any(next(iter(folder.glob(sign)), None) for sign in signs):
        raise InputError(
            f"{name}: {folder} does not look like it: expected {' or '.join(signs)} in it; "
            f"it holds {listed(sorted(p.name for p in folder.iterdir()), 6)}"
        )
    return folder


def pictures_under(folder: Path) -> list[str]:
    """All picture files below `folder`: relative paths with forward slashes, sorted; hidden ones left out."""
    found = []
    for directory, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(".")]
        here = os.path.relpath(directory, folder).replace(os.sep, "/")
        prefix = "" if here == "." else here + "/"
        found += [prefix + f for f in files if f.lower().endswith(PICTURES) and not f.startswith(".")]
    return sorted(found)


def exclusion_list(exclude: str | Path | Iterable[str] | None) -> set[str]:
    """image_ids that the user does not want: a list, or a text file with one a line (# begins a comment)."""
    if exclude is None:
        return set()
    if not isinstance(exclude, str | Path):
        return {str(item) for item in exclude}
    path = Path(exclude).expanduser()
    if not path.is_file():
        raise InputError(f"exclude: no such file: {path}")
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line and not line.startswith("#")}


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
) -> Dataset:
    """The Dataset of a reader's rows (image_id, path, labels, optional split, rating, age …).

    Excludes who is under 18 by the column `age`, pictures on the list `exclude`, missing and broken files,
    and duplicates; keeps the single ratings of pictures that stay. The reader's docstring becomes
    the data card. Raises InputError when nothing is left.
    """
    found = len(rows)
    rows = rows.reset_index(drop=True)
    if "age" in rows:
        rows = exclusions.drop(rows, rows["age"] < ADULT, "may be under 18", "age " + rows["age"].astype(str))
    unwanted = exclusion_list(exclude)
    if unwanted:
        rows = exclusions.drop(rows, rows["image_id"].isin(unwanted), "on the exclusion list")
    rows = rows.reset_index(drop=True)
    seen = inspect(rows["path"].tolist(), check)
    for reason in ("file missing", "broken picture"):
        bad = seen["reason"] == reason
        exclusions.add(rows.loc[bad, "image_id"], reason, seen.loc[bad, "detail"])
    for column in ("content_hash", "pixel_hash"):
        if seen[column].notna().any():
            rows[column] = seen[column].astype("str")
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
    return Dataset(
        name=name,
        manifest=rows,
        ratings=ratings,
        excluded=exclusions.table(),
        rating_range=rating_range,
        real_people=real_people,
        card=getdoc(reader) or "",
    )
