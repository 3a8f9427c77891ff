"""Ranks of groups from a stream of people, best first: exposure, outranking and the ties behind them.

Every sum is over people of one bracket and group. What a person stands above is known from how many came before; ties
stand in one piece. Numbers of pairs are whole numbers and exact; placements are put together from the pieces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from judge.fairness.audit.scale.stream.segments import Moments, Segments, cubes, sorted_by
from judge.fairness.counts import parts_of
from judge.fairness.metrics.attention import exposure

#: People of one score from so many on are added up by themselves.
_LONG = 1 << 16


class Standing:
    """Where the people of a piece stand: its rows in order of bracket, best first, and the runs of equal scores.

    bracket, group, people   of each row, in that order        at       number of the run of each row
    place, size, above       of each run: bracket, people in it, people of the bracket above it
    own                      rows by bracket × group: cell and, of each, run, people, members of the group above
    """

    def __init__(
        self,
        score: NDArray,
        bracket: NDArray,
        group: NDArray,
        people: NDArray,
        came: NDArray,
        shape: tuple[int, int],
    ) -> None:
        brackets, groups = shape
        if brackets > 1:
            order = sorted_by(bracket, brackets)
            score, bracket, group, people = score[order], bracket[order], group[order], people[order]
        new = np.ones(len(score), bool)
        new[1:] = (score[1:] != score[:-1]) | (bracket[1:] != bracket[:-1])
        first = np.flatnonzero(new)
        self.at = np.cumsum(new) - 1
        self.place, self.size = bracket[first], np.add.reduceat(people, first)
        self.group, self.people = group, people
        self.brackets = Segments(self.place)
        #: Members of each bracket and group before this piece.
        self.came = came
        self.above = self.brackets.before(self.size, came.sum(axis=1)[self.brackets.code])
        self.tied = bool((self.size > 1).any())
        cell = bracket.astype(np.int64) * groups + group
        by_cell = sorted_by(cell, brackets * groups)
        cell, run, count = cell[by_cell], self.at[by_cell], people[by_cell]
        #: Row of the piece behind each own row; None where several were made one.
        self.row: NDArray[np.int64] | None = by_cell
        if self.tied:
            both = np.ones(len(cell), bool)
            both[1:] = (cell[1:] != cell[:-1]) | (run[1:] != run[:-1])
            starts = np.flatnonzero(both)
            cell, run, count = cell[starts], run[starts], np.add.reduceat(count, starts)
            self.row = None
        self.run, self.count = run, count
        self.cells = Segments(cell)
        self.own_above = self.cells.before(count, came.ravel()[self.cells.code])

    def people_by_cell(self) -> NDArray[np.int64]:
        """(brackets, groups) people of this piece."""
        found = np.zeros(self.came.size, np.int64)
        found[self.cells.code] = self.cells.sums(self.count)
        return found.reshape(self.came.shape)


class RankSums:
    """What exposure and outranking of every group need, against a reference group or all others.

    n  (brackets, groups) people with a score
    """

    def __init__(self, n: NDArray[np.int64], base: int | None) -> None:
        self.n, self.base = n, base
        size = n.size
        self.others = n[:, base] if base is not None else n.sum(axis=1)
        # of each cell: people it is compared with
        self.against = np.repeat(self.others, n.shape[1]) - (n.ravel() if base is None else 0)
        self.half_wins = np.zeros(size, np.int64)
        self.powers = np.zeros((3, size))
        self.own, self.other = Moments(size), Moments(size)
        self.passed = np.zeros(size, np.int64)  # people compared with, at or above the last member
        self.ties_of_others, self.ties_of_pair = np.zeros(len(n)), np.zeros(size)

    def add(self, standing: Standing, seen: NDArray[np.float64]) -> None:
        """The people of the next piece; seen: exposure of each run."""
        s, cells = standing, standing.cells
        for power in range(3):
            self.powers[power, cells.code] += cells.sums(s.count * seen[s.run] ** (power + 1))
        if self.base is None:
            above, tied = s.above[s.run] - s.own_above, s.size[s.run] - s.count
        else:
            base = np.bincount(s.at, np.where(s.group == self.base, s.people, 0), len(s.size)).astype(
                np.int64
            )
            base_above = s.brackets.before(base, s.came[s.brackets.code, self.base])
            above, tied = base_above[s.run], base[s.run]
        against = cells.spread(self.against[cells.code])
        below = against - above - tied
        self.half_wins[cells.code] += cells.sums(s.count * (2 * below + tied))
        self.own.add_stretches(cells, (s.count,), ((below + tied / 2) / np.maximum(against, 1),))
        # others stand beside a run of members, or between two of them; their placement: the share of members above
        end = above + tied
        before = np.empty_like(end)
        before[1:] = end[:-1]
        before[cells.first] = self.passed[cells.code]
        self.passed[cells.code] = end[cells.first + cells.length - 1]
        members = cells.spread(self.n.ravel()[cells.code])
        self.other.add_stretches(
            cells, (above - before, tied), (s.own_above / members, (s.own_above + s.count / 2) / members)
        )
        if s.tied:
            runs = s.size if self.base is None else base
            self.ties_of_others[s.brackets.code] += s.brackets.sums(cubes(runs))
            if self.base is not None:
                self.ties_of_pair[cells.code] += cells.sums(cubes(s.count + tied) - cubes(tied))

    def finish(self) -> None:
        """Whoever stands below the last member of a group."""
        rest = np.where(self.n.ravel() > 0, self.against - self.passed, 0)
        cell = np.arange(rest.size)
        self.other.add(cell, rest.astype(float), np.ones(rest.size), np.zeros(rest.size))


def mean_exposure(above: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.float64]:
    """What people of a run have on average over the lots: ranks above + 1 to above + size."""
    seen = exposure(above + 1)
    several = np.flatnonzero(size > 1)
    long = several[size[several] >= _LONG]
    for i in long.tolist():
        ranks = range(int(above[i]) + 1, int(above[i] + size[i]) + 1)
        total = sum(
            float(exposure(np.arange(ranks[part.start], ranks[part.stop - 1] + 1)).sum())
            for part in parts_of(len(ranks), 1 << 20)
        )
        seen[i] = total / len(ranks)
    short = several[size[several] < _LONG]
    ends = np.cumsum(size[short])
    start = 0
    while start < len(short):
        stop = int(np.searchsorted(ends, (ends[start - 1] if start else 0) + (1 << 20), side="right"))
        part = short[start : max(stop, start + 1)]
        lengths = size[part]
        first = np.cumsum(lengths) - lengths
        ranks = np.arange(int(lengths.sum())) + np.repeat(above[part] + 1 - first, lengths)
        seen[part] = np.add.reduceat(exposure(ranks), first) / lengths
        start += len(part)
    return seen
