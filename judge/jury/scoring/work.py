"""One process's part of the work: the pieces that it is to do and that are not there yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from judge.data.remote import fetched, fetched_ahead
from judge.errors import InputError
from judge.jury.scoring.judges import Judges, digest, run_judges
from judge.jury.scoring.pieces import finished, write_piece
from judge.jury.scoring.plan import PictureList, Shard, agreed, planned
from judge.storage.stores import Folder, folder


@dataclass(frozen=True)
class Task:
    """What every worker is told; small, so that it is sent to one.

    where, condition, own  as `score_pictures` takes them
    pieces                 the folder of pieces, a path or an address
    """

    where: Path
    condition: str | None
    own: Sequence[str]
    pieces: str | Path


@dataclass(frozen=True)
class Done:
    """How much of the work there was to do.

    pieces   of the whole list
    asked    of them this worker's
    before   of these, there before it began
    """

    pieces: int
    asked: int
    before: int


def begin(task: Task, pictures: pd.DataFrame, aside: pd.DataFrame) -> PictureList:
    """The list in the folder of pieces, which is made by the first who comes.

    pictures, aside  (image_id, path) and (item, reason, detail), as `pictures_to_judge` gives them

    Raises InputError, before any picture is read, where the folder cannot be written to, or belongs to other judges or
    to another list.
    """
    judges = {name: digest(place) for name, place in run_judges(task.where, task.condition).items()}
    plan, rows = planned(pictures, judges)
    room = folder(task.pieces)
    room.prepare()
    return agreed(room, plan, rows, aside)


def do_missing(
    task: Task,
    pictures: PictureList,
    shard: Shard | None,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Done:
    """Does what is missing of a shard's pieces in this process, one after the other.

    progress  called before each piece with words for it
    """
    plan = pictures.plan
    asked = plan.of_shard(shard)
    before = finished(pictures.folder, plan, asked)
    missing = [number for number in asked if number not in before]
    if missing:
        judges = checked_judges(task, pictures)
        parts = fetched_ahead(pictures.piece(number) for number in missing)
        for number, part in zip(missing, parts, strict=True):
            progress(f"piece {number + 1} of {plan.pieces}")
            scores, excluded = judges.score(part)
            by = "1/1" if shard is None else str(shard)
            write_piece(pictures.folder, plan, number, scores, excluded, by=by, how=judges.how)
    return Done(plan.pieces, len(asked), len(before))


def checked_judges(task: Task, pictures: PictureList, *, threads: int | None = None) -> Judges:
    """The judges, loaded. Raises InputError where they are no longer those of the plan: between plan and work they,
    or a link to them, may have changed."""
    judges = Judges(task.where, task.condition, pictures.plan.n, own=task.own, threads=threads)
    here = {name: digest(place) for name, place in run_judges(task.where, task.condition).items()}
    if here != pictures.plan.judges:
        raise InputError(f"{task.where}: its judges are not those of the pieces in {task.pieces}")
    return judges


class Worker:
    """Does any piece by number: what an actor of a cluster is."""

    def __init__(self, task: Task, *, threads: int | None = None) -> None:
        self.room: Folder = folder(task.pieces)
        self.pictures = PictureList(self.room)
        self.judges = checked_judges(task, self.pictures, threads=threads)

    def do(self, number: int, *, by: str) -> tuple[int, int]:
        """Scores and writes a piece; how many scores, and how many exclusions it has."""
        with fetched(self.pictures.piece(number)) as part:
            scores, excluded = self.judges.score(part)
        write_piece(self.room, self.pictures.plan, number, scores, excluded, by=by, how=self.judges.how)
        return len(scores), len(excluded)
