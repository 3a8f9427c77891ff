"""The pictures that somebody wants judged: a folder, or a table that names files; no labels are needed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from judge.data.readers.common import PICTURES, Exclusions, data_folder, pictures_under, resolved
from judge.data.readers.walking import not_regular
from judge.data.user_tables import read_user_table
from judge.errors import InputError, listed


def pictures_to_judge(
    data: str | Path, image_column: str = "path"
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """(image_id, path) of the pictures; (item, reason, detail) of what cannot be one; sentences about what was mended.

    Parameters
    ----------
    data : str or Path
        A folder, walked as `judge data folder` walks it (`walk_pictures`), or a table of a file each row. Its column
        image_id, if it has one, gives the names.
    image_column : str
        The table's column of paths, relative to the table's folder or absolute. A name that no file has may mean one
        that differs in letter case, separators, Unicode form or blanks alone.

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
    data, exclusions = Path(data), Exclusions()
    if _there(data) and data.is_dir():
        data = data_folder(data, "--data")
        names = pictures_under(data, exclusions)
        if not names:
            aside = exclusions.table()["reason"].value_counts()
            why = "".join(f"; {n}: {reason}" for reason, n in aside.items())
            raise InputError(f"{data} holds no picture ending in {listed(PICTURES)}{why}")
        paths = [str(data.absolute() / name) for name in names]
        return pd.DataFrame({"image_id": names, "path": paths}), exclusions.table(), exclusions.notes
    table = read_user_table(data)
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
    base = data.parent.absolute()
    missing = any(not _there(base / name) for name in files)
    # the folder is walked only where a name may be written otherwise: it can be large, and lie anywhere
    there = pictures_under(base, Exclusions()) if missing else []
    paths, _ = resolved(base, files, there, exclusions)
    rows = pd.DataFrame({"image_id": ids, "path": paths})
    odd = rows["path"].map(not_regular)
    rows = exclusions.drop(rows, odd.notna(), "no regular file", odd)
    exclusions.notes[:0] = table.notes
    if rows.empty:
        raise InputError(f"{data} names no picture in its column {image_column!r}")
    return rows.reset_index(drop=True), exclusions.table(), exclusions.notes


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
