"""The people of one comparison, where a test or an interval needs them one by one.

They are collected from the stream: all of them up to a limit, else a random sample that is evenly spread over the
ranking (one person of each stretch of it), drawn from the audit's seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judge.fairness.audit.scale.stream.ranks import Standing, mean_exposure


@dataclass(frozen=True)
class Collected:
    """People in order of bracket, best first.

    above, size   people of the bracket above each one's run, and in it      seen   exposure of the run
    """

    bracket: NDArray[np.int64]
    group: NDArray[np.int64]
    above: NDArray[np.int64]
    size: NDArray[np.int64]

    @property
    def seen(self) -> NDArray[np.float64]:
        """Exposure of each person, averaged over the lots."""
        return mean_exposure(self.above, self.size)

    def of(self, bracket: int) -> Collected:
        """The people of one bracket."""
        start, stop = np.searchsorted(self.bracket, [bracket, bracket + 1])
        part = slice(int(start), int(stop))
        return Collected(self.bracket[part], self.group[part], self.above[part], self.size[part])


def collected(
    standings: Callable[[], Iterator[Standing]],
    *,
    wanted: NDArray[np.bool_],
    n: NDArray[np.int64],
    most: int,
    seed: int,
    whole: NDArray[np.bool_] | None = None,
) -> Collected:
    """The people of the wanted cells: all, or `most` of them.

    wanted    (brackets, groups) bool     n  (brackets, groups) people with a score
    whole     cells of which everybody is taken also where others are sampled
    """
    taken = np.zeros_like(wanted) if whole is None else wanted & whole
    sampled = wanted & ~taken
    total = int(n[sampled].sum())
    if total <= most:
        taken, positions = wanted, np.zeros(0, np.int64)
    else:
        jitter = np.random.default_rng([seed, total]).random(most)
        positions = ((np.arange(most) + jitter) * (total / most)).astype(np.int64)
    groups, passed = n.shape[1], 0
    found: list[tuple[NDArray, ...]] = []
    for s in standings():
        cell = s.cells.spread(s.cells.code)
        place, group = cell // groups, cell % groups
        keep = np.where(taken[place, group], s.count, 0)
        if len(positions):
            candidates = np.where(sampled[place, group], s.count, 0)
            ends = passed + np.cumsum(candidates)
            chosen = np.searchsorted(positions, ends) - np.searchsorted(positions, ends - candidates)
            keep += chosen
            passed = int(ends[-1])
        some = np.flatnonzero(keep)
        row = np.repeat(some, keep[some])
        found.append((place[row], group[row], s.above[s.run[row]], s.size[s.run[row]]))
    place, group, above, size = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((group, above, place))
    return Collected(place[order], group[order], above[order], size[order])
