"""Scores of pictures outside any contest, by the judges of a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from judge.jury.loading import judge_folders, load_judge


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
