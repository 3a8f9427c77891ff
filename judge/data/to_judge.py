"""The pictures that somebody wants judged: a folder, or a table that names files; no labels are needed.

Either may lie in an object store, and a table may name pictures there: their `path` is then an address, s3://….
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from judge.data.readers.common import PICTURES, Exclusions, data_folder, pictures_under, resolved
from judge.data.readers.walking import not_regular
from judge.data.remote import pictures_at, table_at
from judge.data.remote.listing import is_table
from judge.data.user_tables import UserTable, read_user_table
from judge.errors import InputError, listed
from judge.storage.stores import is_url, joined


def pictures_to_judge(
    data: str | Path, image_column: str = "path"
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """(image_id, path) of the pictures; (item, reason, detail) of what cannot be one; sentences about what was mended.

    Parameters
    ----------
    data : str or Path
        A folder, walked as `judge data folder` walks it (`walk_pictures`), or a table of a file each row. Its column
        image_id, if it has one, gives the names. Both may be addresses of a store, as s3://bucket/photos; what is there
        is a table if it ends as one.
    image_column : str
        The table's column of paths, relative to the table's folder or absolute, or addresses. A name that no file has
        may mean one that differs in letter case, separators, Unicode form or blanks alone. Whether an address leads to
        a picture shows when it is fetched.

    Raises
    ------
    InputError
        Where there is nothing to judge, the column is absent, or an image_id occurs more than once.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("L", (8, 8)).save(folder / "a.png")
    >>> _ = (folder / "b.heic").write_bytes(b"")
    >>> pictures, aside, notes = pictures_to_judge(folder)
    >>> pictures["image_id"].tolist(), aside[["item", "reason"]].values.tolist()
    (['a.png'], [['b.heic', 'picture format not read']])
    """
    exclusions = Exclusions()
    if isinstance(data, str) and is_url(data):
        if is_table(data):
            return _of_table(data, table_at(data), image_column, exclusions)
        return _of_folder(data, *_below(data, exclusions), exclusions)
    data = Path(data)
    if _there(data) and data.is_dir():
        data = data_folder(data, "--data")
        names = pictures_under(data, exclusions)
        return _of_folder(data, names, [str(data.absolute() / name) for name in names], exclusions)
    return _of_table(data, read_user_table(data), image_column, exclusions)


def _below(url: str, exclusions: Exclusions) -> tuple[list[str], list[str]]:
    """Names and addresses of the pictures below an address."""
    walk, urls = pictures_at(url)
    for item, reason, detail in walk.set_aside:
        exclusions.add([item], reason, detail)
    exclusions.notes += walk.notes()
    return walk.pictures, urls


def _of_folder(
    data: Path | str, names: list[str], paths: list[str], exclusions: Exclusions
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    if not names:
        aside = exclusions.table()["reason"].value_counts()
        why = "".join(f"; {n}: {reason}" for reason, n in aside.items())
        raise InputError(f"{data} holds no picture ending in {listed(PICTURES)}{why}")
    return pd.DataFrame({"image_id": names, "path": paths}), exclusions.table(), exclusions.notes


def _of_table(
    data: Path | str, table: UserTable, image_column: str, exclusions: Exclusions
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    if image_column not in table.frame:
        raise InputError(
            f"{data} lacks the column {image_column!r} (--image-column); it has {listed(table.frame.columns)}"
        )
    files = table.texts(image_column)
    ids = (table.texts("image_id") if "image_id" in table.frame else files).fillna(files)
    unnamed = files.isna()
    exclusions.add(
        [f"row {i + 1}" for i in files.index[unnamed]], "no picture named", f"column {image_column}"
    )
    ids, files = ids[~unnamed], files[~unnamed]
    twice = ids[ids.duplicated()]
    if len(twice):
        raise InputError(f"{data}: {len(twice)} image_id occur more than once, first {listed(twice, 3)}")
    rows = pd.DataFrame({"image_id": ids, "path": _addresses(data, files)})
    here = rows["path"].isna()
    if not here.all():
        stores = dict.fromkeys("/".join(url.split("/")[:3]) for url in rows.loc[~here, "path"])
        exclusions.notes.append(f"{int((~here).sum())} picture(s) are fetched from {listed(stores, 3)}")
    if here.any():
        rows.loc[here, "path"] = _files(Path(data).parent.absolute(), files[here], exclusions)
        odd = rows.loc[here, "path"].map(not_regular).reindex(rows.index)
        rows = exclusions.drop(rows, odd.notna(), "no regular file", odd)
    exclusions.notes[:0] = table.notes
    if rows.empty:
        raise InputError(f"{data} names no picture in its column {image_column!r}")
    return rows.reset_index(drop=True), exclusions.table(), exclusions.notes


def _addresses(data: Path | str, files: pd.Series) -> pd.Series:
    """Of the names that mean objects of a store their addresses, of the others None.

    In a table that lies in a store a name is relative to it.
    """
    if isinstance(data, str):
        base = data.rpartition("/")[0]
        found = [name if is_url(name) else joined(base, name.lstrip("/")) for name in files]
    else:
        found = [name if is_url(name) else None for name in files]
    return pd.Series(found, index=files.index, dtype=object)


def _files(base: Path, files: pd.Series, exclusions: Exclusions) -> pd.Series:
    """Absolute paths of the files here that the names mean."""
    missing = any(not _there(base / name) for name in files)
    # the folder is walked only where a name may be written otherwise: it can be large, and lie anywhere
    there = pictures_under(base, Exclusions()) if missing else []
    return resolved(base, files, there, exclusions)[0]


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
