"""The best and the last of every group, from a stream of people, best first: what tails and trimmed means need."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from judge.fairness.audit.scale.stream.segments import Segments, sorted_by
from judge.fairness.inference.intervals.scale import FEWEST_FOR_SCALE, TOP, people_in_tail, trimmed


class Tails:
    """Sums over the ends of each group.

    n        (groups,) people of each group
    top      Σ score of the best TOP, at least one person, the last of them in part
    cut      score of the last who is surely in the tail
    ends     Σ score of the `trimmed` best and last
    """

    def __init__(self, n: NDArray[np.int64]) -> None:
        self.n = n
        self.wanted = np.maximum(TOP * n, 1.0)
        self.whole = np.ceil(self.wanted).astype(np.int64)
        self.in_tail = np.array([people_in_tail(int(k)) for k in n], np.int64)
        self.trimmed = np.array([trimmed(int(k)) if k >= FEWEST_FOR_SCALE else 0 for k in n], np.int64)
        self.top, self.ends = np.zeros(len(n)), np.zeros(len(n))
        self.cut = np.full(len(n), np.nan)

    def read(self, pieces: Iterable[tuple[NDArray, NDArray, NDArray]]) -> Tails:
        """From (score, group, people) of all pieces in order, scores falling."""
        came = np.zeros(len(self.n), np.int64)
        for score, group, people in pieces:
            order = sorted_by(group, len(self.n))
            value, count = score[order], people[order]
            stretches = Segments(group[order])
            code = stretches.code
            before = stretches.before(count, came[code])
            came[code] += stretches.sums(count)
            if (came[code] - stretches.sums(count) >= np.maximum(self.whole, self.trimmed)[code]).all() and (
                came[code] <= (self.n - self.trimmed)[code]
            ).all():
                continue  # in the middle of every group
            whole, in_tail = stretches.spread(self.whole[code]), stretches.spread(self.in_tail[code])
            part = stretches.spread((self.whole - self.wanted)[code])
            inside = np.clip(whole - before, 0, count).astype(float)
            last = (before < whole) & (whole <= before + count)
            inside[last] -= part[last]
            self.top[code] += stretches.sums(inside * value)
            at_cut = (before < in_tail) & (in_tail <= before + count)
            self.cut[group[order][at_cut]] = value[at_cut]
            trim = stretches.spread(self.trimmed[code])
            low = stretches.spread((self.n - self.trimmed)[code])
            taken = np.clip(trim - before, 0, count) + np.clip(
                before + count - np.maximum(before, low), 0, None
            )
            self.ends[code] += stretches.sums(taken * value)
        return self
