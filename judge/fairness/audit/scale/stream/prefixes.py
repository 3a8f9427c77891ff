"""NDKL of a ranking that is read as a stream: the divergence of every prefix, carried from piece to piece."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from judge.fairness.audit.scale.stream.ranks import Standing
from judge.fairness.audit.scale.stream.segments import Segments, sorted_by
from judge.fairness.metrics.divergence import gains


class Prefixes:
    """Σ of the discounted divergences of each bracket.

    The order among people who tie is the lot that `judge.fairness.audit.score_rows` draws from the audit's seed, person
    by person: each position of the ranking has its own random number, whatever piece it comes in.

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
        groups = self.n.shape[1]
        before = s.came.ravel()
        if s.row is not None:  # nobody ties: a row is a person
            place, group = s.place, s.group
            nth = np.empty(len(group), np.int64)
            nth[s.row] = s.own_above + 1
            cell = place.astype(np.int64) * groups + group
            i = s.above + 1
        else:
            place, cell, i = self._by_lot(s)
            by_cell = sorted_by(cell, self.n.size)
            stretches = Segments(cell[by_cell])
            nth = np.empty(len(cell), np.int64)
            nth[by_cell] = stretches.before(np.ones(len(cell), np.int64), before[stretches.code]) + 1
        brackets = Segments(place)
        change = gains(nth) - gains(i) - self.log_share[cell]
        running = np.cumsum(change)
        offset = running[brackets.first] - change[brackets.first] - self.running[brackets.code]
        running -= brackets.spread(offset)
        self.running[brackets.code] = running[brackets.first + brackets.length - 1]
        discount = 1 / np.log2(i + 1)
        self.total[brackets.code] += brackets.sums(discount * (running / i))
        self.norm[brackets.code] += brackets.sums(discount)

    def value(self) -> float:
        """NDKL: the mean over brackets, weighted by their people."""
        size = self.n.sum(axis=1)
        used = size > 0
        return float((self.total[used] / self.norm[used] * size[used]).sum() / size.sum())

    def _by_lot(self, s: Standing) -> tuple[NDArray, NDArray[np.int64], NDArray[np.int64]]:
        """Bracket, cell and rank of each person of a piece in which people tie."""
        groups = self.n.shape[1]
        cell = s.cells.spread(s.cells.code)
        in_order = np.argsort(s.run, kind="stable")  # by run and then group
        people = s.count[in_order]
        run = np.repeat(s.run[in_order], people)
        cell = np.repeat(cell[in_order], people)
        place = cell // groups
        i = s.above[run] + np.arange(len(run)) - np.repeat(np.cumsum(s.size) - s.size, s.size) + 1
        at = Segments(place)
        key = np.empty(len(run))
        for b, first, length in zip(at.code.tolist(), at.first.tolist(), at.length.tolist(), strict=True):
            stream = np.random.PCG64(self.seed).advance(int(self.start[b] + i[first] - 1))
            key[first : first + length] = np.random.Generator(stream).random(length)
        return place, cell[np.lexsort((key, run))], i
