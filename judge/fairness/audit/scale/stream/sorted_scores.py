"""One score column sorted on disk, best first, and read in pieces.

A row is a person, or without ratings all people of one score and cell that were met together, with their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Piece(NamedTuple):
    """Rows of falling score: score, cell of the person, people a row, rating (NaN where missing; None: no ratings)."""

    score: NDArray[np.float64]
    cell: NDArray
    people: NDArray[np.int64]
    rating: NDArray[np.float64] | None = None

    def part(self, rows: slice) -> Piece:
        """Some of the rows."""
        rating = None if self.rating is None else self.rating[rows]
        return Piece(self.score[rows], self.cell[rows], self.people[rows], rating)

    def followed_by(self, other: Piece) -> Piece:
        """Both, without ratings."""
        pairs = ((self.score, other.score), (self.cell, other.cell), (self.people, other.people))
        return Piece(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True)
class SortedScores:
    """Files of one score column; n is the number of people, at most `most`, in so many rows and cells."""

    folder: Path
    cells: int
    piece: int
    most: int
    n: int = 0
    rows: int = 0
    rated: bool = False

    @property
    def _types(self) -> dict[str, np.dtype]:
        small = np.uint8 if self.cells <= 1 << 8 else np.uint16 if self.cells <= 1 << 16 else np.uint32
        people = np.uint32 if self.most < 1 << 32 else np.uint64
        last = {"rating": np.float64} if self.rated else {"people": people}
        return {name: np.dtype(kind) for name, kind in {"score": np.float64, "cell": small, **last}.items()}

    def written(self, batches: Iterator[Piece]) -> SortedScores:
        """The same with what the batches hold, which come sorted."""
        self.folder.mkdir()
        files: dict[str, BinaryIO] = {name: (self.folder / name).open("wb") for name in self._types}
        n = rows = 0
        try:
            for batch in batches:
                n += int(batch.people.sum())
                one = batch if self.rated else merged(batch, self.cells)
                rows += len(one.score)
                for name, kind in self._types.items():
                    files[name].write(np.ascontiguousarray(getattr(one, name), dtype=kind).data)
        finally:
            for file in files.values():
                file.close()
        return replace(self, n=n, rows=rows)

    def pieces(self) -> Iterator[Piece]:
        """All rows in order, so many at a time; a score may go on in the next piece."""
        files: dict[str, BinaryIO] = {name: (self.folder / name).open("rb") for name in self._types}
        try:
            for start in range(0, self.rows, self.piece):
                size = min(self.piece, self.rows - start)
                column = {name: np.fromfile(files[name], kind, size) for name, kind in self._types.items()}
                people = column["people"].astype(np.int64) if "people" in column else np.ones(size, np.int64)
                yield Piece(column["score"], column["cell"], people, column.get("rating"))
        finally:
            for file in files.values():
                file.close()

    def runs(self) -> Iterator[Piece]:
        """All rows in order, without ratings, in pieces that end where a score ends: who ties stands in one piece."""
        held: Piece | None = None
        for piece in self.pieces():
            now = piece._replace(rating=None)
            now = now if held is None else held.followed_by(now)
            last = len(now.score) - int(np.searchsorted(now.score[::-1], now.score[-1], side="right"))
            if last:
                yield merged(now.part(slice(last)), self.cells)
            held = merged(now.part(slice(last, None)), self.cells)
        if held is not None:
            yield held


def merged(piece: Piece, cells: int) -> Piece:
    """Rows of one score and cell made one; without equal scores, the piece itself."""
    new = piece.score[1:] != piece.score[:-1]
    if new.all():
        return piece
    run = np.concatenate([[0], np.cumsum(new)])
    key, row, at = np.unique(run * np.int64(cells) + piece.cell, return_index=True, return_inverse=True)
    people = np.zeros(len(key), np.int64)
    np.add.at(people, at, piece.people)
    return Piece(piece.score[row], piece.cell[row], people)
