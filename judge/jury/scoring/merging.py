"""All pieces as the one table: whether they are all there, of one list and of the same judges, no picture twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from judge.errors import InputError, listed
from judge.jury.scoring import in_order
from judge.jury.scoring.pieces import DamagedPiece, belongs, numbers, piece_name, read_piece
from judge.jury.scoring.plan import PictureList
from judge.storage.stores import folder


@dataclass(frozen=True)
class Merged:
    """scores (image_id, judge, score) and excluded (image_id, reason, detail), as one process would have given them.

    n      pictures in the list, with those that could be none
    notes  sentences about pieces that were not computed alike
    """

    scores: pd.DataFrame
    excluded: pd.DataFrame
    n: int
    notes: list[str]


def merge(where: str | Path) -> Merged:
    """The table of a folder of pieces.

    where  a path, or an address in a store

    Raises InputError that names what is missing, damaged, of another list or of other judges, or twice.
    """
    room = folder(where)
    pictures = PictureList(room)
    plan = pictures.plan
    there = [number for number in numbers(room) if number < plan.pieces]
    tables: list[pd.DataFrame] = []
    by: dict[int, str] = {}
    ways: Counter[str] = Counter()
    damaged, foreign = [], []
    for number in there:
        try:
            table, facts = read_piece(room, number)
        except (DamagedPiece, FileNotFoundError):
            damaged.append(number)
            continue
        if not belongs(facts, plan):
            foreign.append(f"{piece_name(number)} (by {listed(facts['judges'])}, on {facts['machine']})")
            continue
        tables.append(table)
        by[number] = facts["by"]
        ways[", ".join(f"{name} {value}" for name, value in facts["how"].items())] += 1
    if foreign:
        raise InputError(
            f"{where}: {len(foreign)} pieces are of another list, or of judges of another training: "
            f"{', '.join(foreign[:3])}; remove them, and start their shards again"
        )
    missing = sorted(set(range(plan.pieces)) - by.keys())
    if missing:
        raise InputError(_missing(where, pictures, missing, damaged, by))
    rows = pd.concat(tables, ignore_index=True)
    whole = pictures.all().sort_values("row")
    _complete(where, rows, whole, list(plan.judges))
    place = pd.Series(whole["row"].to_numpy(), index=whole["image_id"].to_numpy())
    rows = rows.iloc[place.loc[rows["image_id"]].to_numpy().argsort(kind="stable")]
    judged = rows["reason"].isna()
    scores, broken = in_order(rows[judged], rows[~judged], list(plan.judges))
    aside = pictures.aside()
    excluded = pd.concat([aside, broken], ignore_index=True)
    notes = []
    if len(ways) > 1:
        told = "; ".join(f"{n} pieces by {way}" for way, n in ways.most_common())
        notes.append(
            f"pieces were not all computed alike (scores differ by more than rounding if some were on a GPU): {told}"
        )
    return Merged(scores.reset_index(drop=True), excluded, plan.n + len(aside), notes)


def _missing(
    where: str | Path, pictures: PictureList, missing: list[int], damaged: list[int], by: dict[int, str]
) -> str:
    """What is not there, the shards that would make it, and a picture of it."""
    plan = pictures.plan
    n = sum(min(plan.size, plan.n - number * plan.size) for number in missing)
    first = pictures.piece(missing[0])["image_id"].iloc[0]
    what = f"{n:,} of {plan.n:,} pictures, first {first!r}"
    said = f"{where}: {len(missing)} of {plan.pieces} pieces are missing ({what})"
    if damaged:
        said += f"; of these {len(damaged)} are damaged: {listed(map(piece_name, damaged), 3)}"
    most = Counter(label.partition("/")[2] for label in by.values() if label != "1/1" and "/" in label)
    if most:
        of = int(most.most_common(1)[0][0])
        shards = sorted({number % of + 1 for number in missing})
        return f"{said}; start again --shard {', '.join(f'{k}/{of}' for k in shards[:20])}" + (
            f" and {len(shards) - 20} more" if len(shards) > 20 else ""
        )
    return f"{said}; start the same command again: it does what is missing"


def _complete(where: str | Path, rows: pd.DataFrame, whole: pd.DataFrame, judges: list[str]) -> None:
    """Each judge has said of each picture of the list one thing, a score or a reason, and of no other."""
    known = set(whole["image_id"])
    for name in judges:
        own = rows.loc[rows["judge"] == name, "image_id"]
        twice = own[own.duplicated()]
        found = set(own)
        for wrong, words in (
            (list(twice), "are there twice"),
            (sorted(found - known), "are not in the list"),
            (sorted(known - found), "are missing"),
        ):
            if wrong:
                raise InputError(f"{where}: {len(wrong):,} pictures of {name!r} {words}: {listed(wrong, 3)}")
