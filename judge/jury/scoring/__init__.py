"""Scores of pictures outside any contest, by the judges of a finished run: at once, or in pieces by many workers.

`score_pictures` scores a list in this process. For lists that take hours it is cut into pieces (`plan`), of which any
number of processes each do some (`work`): the shards of a Slurm array, or the actors of Ray (`on_ray`). A piece is a
file that stands whole or not at all (`pieces`), so whatever is killed loses the pieces that it was at, and who starts
again does what is missing. `merging` makes of all pieces the table that one process would have given.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from judge.data.remote import fetched_ahead
from judge.jury.loading import judge_folders, load_judge
from judge.jury.scoring.judges import Judges
from judge.jury.scoring.plan import piece_size
from judge.storage.stores import is_url


def score_pictures(
    where: Path, condition: str | None, pictures: pd.DataFrame, *, own: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(image_id, judge, score) of every readable picture, and (image_id, reason, detail) of the others.

    where      a run's folder, or one judge's
    condition  whose judge of a run; None: every judge that was trained in it
    pictures   (image_id, path); a path may be an address in a store, s3://…
    own        kinds "module:Class" of one's own that may be imported (`load_judge`)
    """
    if pictures["path"].map(is_url).any():
        return _fetched_and_scored(where, condition, pictures, own)
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


def _fetched_and_scored(
    where: Path, condition: str | None, pictures: pd.DataFrame, own: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same, some pictures being fetched while those before them are judged."""
    judges = Judges(where, condition, len(pictures), own=own)
    size = piece_size(len(pictures))
    parts = (pictures.iloc[start : start + size] for start in range(0, len(pictures), size))
    found = [judges.score(part) for part in fetched_ahead(parts)]
    scores, excluded = (pd.concat(tables, ignore_index=True) for tables in zip(*found, strict=True))
    return in_order(scores, excluded, judges.names)


def in_order(
    scores: pd.DataFrame, excluded: pd.DataFrame, judges: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of parts as those of the whole: one judge's scores after another's, an excluded picture once."""
    by_judge = [scores[scores["judge"] == name] for name in judges]
    told = pd.concat([excluded[excluded["judge"] == name] for name in judges], ignore_index=True)
    return (
        pd.concat(by_judge, ignore_index=True)[["image_id", "judge", "score"]],
        told.drop_duplicates("image_id")[["image_id", "reason", "detail"]],
    )
