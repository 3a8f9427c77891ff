"""NDKL of a ranking that is read as a stream: the divergence of every prefix, carried from piece to piece."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from judge.fairness.audit.scale.stream.ranks import Standing
from judge.fairness.audit.scale.stream.segments import Segments, sorted_by
from judge.fairness.counts import parts_of
from judge.fairness.metrics.divergence import gains

#: People whose order is drawn together, or one run of equal scores if it is longer.
_BATCH = 1 << 20


class Prefixes:
    """Σ of the discounted divergences of each bracket.

    The order among people who tie is the lot that `judge.fairness.audit.score_rows` draws from the audit's seed, person
    by person: each position of the ranking has its own random number, whatever piece it comes in. The people of one
    bracket and score are drawn at once, with some 30 bytes of memory each.

    n  (brackets, groups) people with a score
    """

    def __init__(self, n: NDArray[np.int64], *, seed: int) -> None:
        self.n, self.seed = n, seed
        size = n.sum(axis=1)
        self.start = np.cumsum(size) - size  # position of each bracket's first person in the whole ranking
        with np.errstate(divide="ignore", invalid="ignore"):
            self.log_share = np.log(n / size[:, None]).ravel()
        self.running, self.total, self.norm = np.zeros(len(n)), np.zeros(len(n)), np.zeros(len(n))

    def add(self, s: Standing) -> None:
        """The people of the next piece."""
        if s.row is not None:  # nobody ties: a row is a person
            nth = np.empty(len(s.group), np.int64)
            nth[s.row] = s.own_above + 1
            self._pass(s.place, s.place.astype(np.int64) * self.n.shape[1] + s.group, nth, s.above + 1)
            return
        came = s.came.ravel().copy()
        for drawn, rank in self._by_lot(s):
            for part in parts_of(len(drawn), _BATCH):
                cell = drawn[part].astype(np.int64)
                by_cell = sorted_by(cell, self.n.size)
                stretches = Segments(cell[by_cell])
                nth = np.empty(len(cell), np.int64)
                nth[by_cell] = stretches.before(np.ones(len(cell), np.int64), came[stretches.code]) + 1
                came[stretches.code] += stretches.length
                self._pass(cell // self.n.shape[1], cell, nth, rank[part])

    def value(self) -> float:
        """NDKL: the mean over brackets, weighted by their people."""
        size = self.n.sum(axis=1)
        used = size > 0
        return float((self.total[used] / self.norm[used] * size[used]).sum() / size.sum())

    def _pass(self, place: NDArray, cell: NDArray, nth: NDArray[np.int64], rank: NDArray[np.int64]) -> None:
        """People in order: bracket, cell, number among the members of the cell, rank."""
        brackets = Segments(place)
        change = gains(nth) - gains(rank) - self.log_share[cell]
        running = np.cumsum(change)
        offset = running[brackets.first] - change[brackets.first] - self.running[brackets.code]
        running -= brackets.spread(offset)
        self.running[brackets.code] = running[brackets.first + brackets.length - 1]
        discount = 1 / np.log2(rank + 1)
        self.total[brackets.code] += brackets.sums(discount * (running / rank))
        self.norm[brackets.code] += brackets.sums(discount)

    def _by_lot(self, s: Standing) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        """Cell and rank of people in order, some runs at a time."""
        in_order = np.argsort(s.run, kind="stable")  # by run and then group
        run, cell, count = s.run[in_order], s.cells.spread(s.cells.code)[in_order], s.count[in_order]
        ends = np.cumsum(s.size)
        first = 0
        while first < len(ends):
            done = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, done + _BATCH, side="right")))
            rows = slice(*np.searchsorted(run, [first, last]).tolist())
            size = s.size[first:last]
            rank = np.repeat(s.above[first:last] + 1 - (ends[first:last] - size), size)
            rank += np.arange(done, done + len(rank))
            drawn = np.repeat(cell[rows].astype(np.int32), count[rows])
            if last == first + 1:
                yield drawn[np.argsort(self._random(int(s.place[first]), int(rank[0]), len(rank)))], rank
            else:
                at = Segments(s.place[first:last])
                people = at.sums(size)
                begins = np.cumsum(people) - people
                key = np.concatenate(
                    [
                        self._random(int(b), int(rank[begin]), int(n))
                        for b, begin, n in zip(at.code, begins, people, strict=True)
                    ]
                )
                yield drawn[np.lexsort((key, np.repeat(np.arange(last - first), size)))], rank
            first = last

    def _random(self, bracket: int, rank: int, n: int) -> NDArray[np.float64]:
        """The random numbers of n positions of the ranking, from a rank of a bracket on."""
        stream = np.random.PCG64(self.seed).advance(int(self.start[bracket]) + rank - 1)
        return np.random.Generator(stream).random(n)
