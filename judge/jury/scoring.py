"""Scores of pictures outside any contest, by the judges of a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from judge.data.readers.common import PICTURES
from judge.data.tables import read_table
from judge.errors import InputError, listed
from judge.jury.loading import judge_folders, load_judge


def to_score(data: Path, image_column: str) -> pd.DataFrame:
    """image_id (path below `data`), path: every picture of a folder, or the rows of a table.

    Raises InputError where there is nothing to judge.
    """
    if data.is_dir():
        files = sorted(p for p in data.rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
        if not files:
            raise InputError(f"{data} holds no picture ending in {listed(PICTURES)}")
        ids = [str(p.relative_to(data)) for p in files]
        return pd.DataFrame({"image_id": ids, "path": [str(p.resolve()) for p in files]})
    table = read_table(data)
    if image_column not in table:
        raise InputError(
            f"{data} lacks the column {image_column!r} (--image-column); it has {listed(table.columns)}"
        )
    table = table[table[image_column].notna()]
    ids = table["image_id"] if "image_id" in table else table[image_column]
    paths = [str((data.parent / str(p)).resolve()) for p in table[image_column]]
    pictures = pd.DataFrame({"image_id": ids.astype(str).to_numpy(), "path": paths})
    twice = pictures["image_id"][pictures["image_id"].duplicated()]
    if len(twice):
        raise InputError(f"{data}: {len(twice)} image_id occur more than once, first {listed(twice, 3)}")
    return pictures


def score_pictures(
    where: Path, condition: str | None, pictures: pd.DataFrame, *, own: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(image_id, judge, score) of every readable picture, and (image_id, reason, detail) of the others.

    where      a run's folder, or one judge's
    condition  whose judge of a run; None: every judge that was trained in it
    own        kinds "module:Class" of one's own that may be imported (`load_judge`)
    """
    # conditions that use one judge score alike: it is asked once, under its own name. What a condition makes of the
    # scores afterwards belongs to its contest and is not done here
    folders = {folder.name: folder for folder in judge_folders(where, condition).values()}
    parts, excluded = [], []
    for name, folder in folders.items():
        scores, broken = load_judge(folder, own=own).score(pictures)
        parts.append(scores.assign(judge=name)[["image_id", "judge", "score"]])
        excluded.append(broken)
    unreadable = pd.concat(excluded).rename(columns={"item": "image_id"}).drop_duplicates("image_id")
    return pd.concat(parts, ignore_index=True), unreadable
