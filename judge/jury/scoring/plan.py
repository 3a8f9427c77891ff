"""Which picture belongs to which piece: a function of the list alone, whatever its order and whoever does the work."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from judge.errors import InputError, listed
from judge.storage.stores import Folder

#: File of a folder of pieces that says what they are pieces of.
LIST = "pictures.parquet"
#: Pictures a piece at most: some ten seconds of a CPU, which is what a kill costs a worker.
LARGEST = 1024
#: Pieces that a list has at least, where it is long enough, so that many workers find one.
PIECES = 256
#: Pictures that a network reads at a time: a piece is a whole number of them.
BATCH = 32
_VERSION = 1
_KEY = b"judge-score"
_COLUMNS = ("image_id", "path", "row", "reason", "detail")


def piece_size(n: int) -> int:
    """Pictures a piece of a list of n: 32 to 1,024, a multiple of 32.

    >>> [piece_size(n) for n in (1, 20_000, 100_000, 10_000_000)]
    [32, 96, 416, 1024]
    """
    return min(LARGEST, max(BATCH, -(-n // (PIECES * BATCH)) * BATCH))


@dataclass(frozen=True)
class Shard:
    """Part `number` (1 to `of`) of the work."""

    number: int
    of: int

    @classmethod
    def parsed(cls, text: str) -> Shard:
        """Of "3/64". Raises InputError for anything else than a part from 1 to their number."""
        found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text)
        if found is None:
            raise InputError(f"--shard {text!r}: part/parts is needed, such as 3/64, counted from 1")
        number, of = int(found[1]), int(found[2])
        if not 1 <= number <= of:
            raise InputError(f"--shard {text}: the parts of {of} are 1/{of} to {of}/{of}")
        return cls(number, of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True)
class Plan:
    """What is scored by whom, in how many pieces.

    pictures  digest of the list: of image_id and path of each picture, in whatever order
    n         pictures in it
    size      pictures a piece, the last one's being fewer
    judges    name → digest of each judge, in the run's order
    """

    pictures: str
    n: int
    size: int
    judges: dict[str, str]

    @property
    def pieces(self) -> int:
        return -(-self.n // self.size)

    def of_shard(self, shard: Shard | None) -> list[int]:
        """Numbers of the pieces that a shard does, those of all shards being all pieces; None: all."""
        return (
            list(range(self.pieces))
            if shard is None
            else list(range(shard.number - 1, self.pieces, shard.of))
        )

    def same(self, other: Plan) -> bool:
        return asdict(self) == asdict(other)


def planned(pictures: pd.DataFrame, judges: Mapping[str, str]) -> tuple[Plan, pd.DataFrame]:
    """The plan for (image_id, path), and the pictures in the order of their pieces.

    That table has the column `row` as well, a picture's place in the list that was given.
    """
    rows = pictures[["image_id", "path"]].astype(str).assign(row=range(len(pictures)))
    rows = rows.sort_values("image_id", kind="stable", ignore_index=True)
    found = hashlib.blake2b(digest_size=12)
    for image_id, path in zip(rows["image_id"], rows["path"], strict=True):
        found.update(f"{len(image_id)} {image_id}{len(path)} {path}".encode(errors="surrogateescape"))
    return Plan(found.hexdigest(), len(rows), piece_size(len(rows)), dict(judges)), rows


def agreed(folder: Folder, plan: Plan, rows: pd.DataFrame, aside: pd.DataFrame) -> PictureList:
    """The list in a folder of pieces, written by the first who comes.

    aside  (item, reason, detail) of what could not be a picture

    Raises InputError where the folder belongs to other judges or to another list, and says what differs.
    """
    if LIST not in folder.names():
        if any(name.startswith("piece-") for name in folder.names()):
            raise InputError(f"{folder} holds pieces and no {LIST}: choose another folder, or empty it")
        folder.create(LIST, _as_parquet(plan, rows, aside))
    there = PictureList(folder)
    if there.plan.same(plan):
        return there
    if there.plan.judges != plan.judges:
        raise InputError(_other_judges(folder, there.plan.judges, plan.judges))
    raise InputError(f"{folder} holds pieces of another list: {_other_list(there.all(), rows)}")


class PictureList:
    """The list in a folder of pieces; a piece's pictures are read without the others."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        try:
            with folder.opened(LIST) as file:
                metadata = pq.read_schema(file).metadata or {}
            facts = json.loads(metadata[_KEY])
            if facts.pop("version") != _VERSION:
                raise InputError(f"{folder}: its pieces are of another version of judge")
            self.plan = Plan(**facts)
        except FileNotFoundError:
            raise InputError(f"{folder} holds no pieces: there is no {LIST} in it") from None
        except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{folder}: {LIST} is not a list of judge score ({error})") from error

    def piece(self, number: int) -> pd.DataFrame:
        """(image_id, path, row) of a piece."""
        with self.folder.opened(LIST) as file:
            table = pq.ParquetFile(file).read_row_group(number, columns=list(_COLUMNS[:3]))
        return table.to_pandas()

    def all(self) -> pd.DataFrame:
        """(image_id, path, row) of all pictures, in the order of the pieces."""
        return self._read().loc[lambda t: t["row"] >= 0, list(_COLUMNS[:3])]

    def aside(self) -> pd.DataFrame:
        """(image_id, reason, detail) of what could not be a picture."""
        rows = self._read()
        return rows.loc[rows["row"] < 0, ["image_id", "reason", "detail"]].reset_index(drop=True).astype(str)

    def _read(self) -> pd.DataFrame:
        with self.folder.opened(LIST) as file:
            return pq.read_table(file).to_pandas()


def _as_parquet(plan: Plan, rows: pd.DataFrame, aside: pd.DataFrame) -> bytes:
    """A row group a piece, and one of what was set aside, whose row is -1."""
    metadata = {_KEY: json.dumps({"version": _VERSION, **asdict(plan)}).encode()}
    types = [pa.int64() if name == "row" else pa.string() for name in _COLUMNS]
    schema = pa.schema(list(zip(_COLUMNS, types, strict=True)), metadata=metadata)
    out = io.BytesIO()
    with pq.ParquetWriter(out, schema, compression="zstd", write_page_checksum=True) as writer:
        whole = pa.Table.from_pandas(rows.assign(reason=None, detail=None), schema, preserve_index=False)
        writer.write_table(whole.replace_schema_metadata(metadata), row_group_size=plan.size)
        if len(aside):
            left = aside.rename(columns={"item": "image_id"}).assign(path=None, row=-1)
            writer.write_table(
                pa.Table.from_pandas(left, schema, preserve_index=False).replace_schema_metadata(metadata)
            )
    return out.getvalue()


def _other_judges(folder: Folder, there: Mapping[str, str], here: Mapping[str, str]) -> str:
    changed = [name for name in there if name in here and there[name] != here[name]]
    what = f"scored by {listed(there)}, asked for here {listed(here)}"
    if changed:
        what = f"{listed(changed)} has been trained again or changed since"
    return f"{folder} holds pieces of other judges: {what}; choose another folder, or empty it"


def _other_list(there: pd.DataFrame, here: pd.DataFrame) -> str:
    both: Any = there.merge(here, on="image_id", how="outer", suffixes=("_there", "_here"), indicator=True)
    said = []
    for side, words in (("right_only", "new here"), ("left_only", "missing here")):
        names = both.loc[both["_merge"] == side, "image_id"]
        if len(names):
            said.append(
                f"{len(names):,} of {len(both):,} pictures are {words}, first {listed(names.iloc[:1])}"
            )
    moved = both[(both["_merge"] == "both") & (both["path_there"] != both["path_here"])]
    if len(moved):
        first = moved.iloc[0]
        said.append(
            f"{len(moved):,} have another path, first {first['path_there']!r}, here {first['path_here']!r}"
        )
    return "; ".join(said) + "; give each list a folder of its own"
