"""A piece's file: scores and exclusions of its pictures, and of which list, by which judges, where and how.

Written whole or not at all, with the checksums of Parquet's pages, which reading checks.
"""

from __future__ import annotations

import io
import json
import platform
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from judge.jury.scoring.plan import Plan
from judge.storage.stores import Folder

_KEY = b"judge-score-piece"
_NAME = re.compile(r"piece-(\d+)\.parquet")
_SCHEMA = {
    "image_id": pa.string(),
    "judge": pa.string(),
    "score": pa.float64(),
    "reason": pa.string(),
    "detail": pa.string(),
}


class DamagedPiece(ValueError):
    """A piece's file that cannot be read."""


def piece_name(number: int) -> str:
    return f"piece-{number:06d}.parquet"


def numbers(folder: Folder) -> list[int]:
    """Numbers of the pieces whose files are in the folder."""
    found = (_NAME.fullmatch(name) for name in folder.names())
    return sorted(int(name[1]) for name in found if name)


def write_piece(
    folder: Folder,
    plan: Plan,
    number: int,
    scores: pd.DataFrame,
    excluded: pd.DataFrame,
    *,
    by: str,
    how: Mapping[str, str],
) -> None:
    """Writes a piece.

    scores, excluded  (image_id, judge, score) and (image_id, judge, reason, detail)
    by                whose work it is, "3/64" of a shard
    how               by what the judges computed (Judges.how)
    """
    facts = {"list": plan.pictures, "judges": plan.judges, "piece": number, "by": by, "how": dict(how)}
    facts["machine"] = platform.node()
    rows = pd.concat(
        [scores.assign(reason=None, detail=None), excluded.assign(score=float("nan"))], ignore_index=True
    )
    schema = pa.schema(list(_SCHEMA.items()), metadata={_KEY: json.dumps(facts).encode()})
    table = pa.Table.from_pandas(rows[list(_SCHEMA)], schema, preserve_index=False)
    out = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(schema.metadata), out, compression="zstd", write_page_checksum=True
    )
    folder.write(piece_name(number), out.getvalue())


def read_piece(folder: Folder, number: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """(image_id, judge, score, reason, detail), `reason` of scores being missing, and what the piece says of itself.

    Raises DamagedPiece, and FileNotFoundError.
    """
    try:
        with folder.opened(piece_name(number)) as file:
            table = pq.read_table(file, page_checksum_verification=True)
        facts = json.loads((table.schema.metadata or {})[_KEY])
        if table.schema.names != list(_SCHEMA) or facts["piece"] != number:
            raise ValueError("it is another table")
    except (pa.ArrowException, KeyError, TypeError, ValueError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise DamagedPiece(f"{folder}: {piece_name(number)} is damaged ({error})") from error
    return table.to_pandas(), facts


def belongs(facts: Mapping[str, Any], plan: Plan) -> bool:
    """Whether a piece is one of this plan."""
    return facts["list"] == plan.pictures and facts["judges"] == plan.judges


def finished(folder: Folder, plan: Plan, wanted: Iterable[int]) -> set[int]:
    """Which of the wanted pieces are there, whole and of this plan: the others are done (again)."""
    there = set(numbers(folder)) & set(wanted)
    done = set()
    for number in there:
        try:
            _, facts = read_piece(folder, number)
        except (DamagedPiece, FileNotFoundError):
            continue
        if belongs(facts, plan):
            done.add(number)
    return done
