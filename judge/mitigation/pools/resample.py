"""The pictures at hand, each group equally often: by leaving out (down) or by repeating (up)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from judge.data.composition import allocate, cell_counts, draw, equal_shares
from judge.errors import InputError, listed
from judge.mitigation.pools.groups import columns, everyone_there, group_counts


@dataclass(frozen=True)
class ResampleDown:
    """Every group is cut at random to the size of the smallest.

    The pool shrinks, the more so the stronger the skew, and every other pool of the run is then cut to the same n with
    its shares kept (composition.equal_n): otherwise this judge would also have seen fewer pictures than the others.
    """

    seam: ClassVar[str] = "pool"

    def __call__(
        self, pool: pd.DataFrame, source: pd.DataFrame, *, feature: str, rng: np.random.Generator
    ) -> pd.DataFrame:
        """G × the smallest group's count. InputError when a group is empty."""
        counts = group_counts(pool, source, feature)
        everyone_there(counts, "resample_down")
        n = int(counts.min()) * len(counts)
        return draw(pool, n, equal_shares(counts.index), feature=feature, rng=rng)


@dataclass(frozen=True)
class ResampleUp:
    """Every group gets n / G rows: large groups are cut at random, pictures of small ones repeated.

    Repeats are even: no picture of a group comes twice more often than another, and which ones come once
    more is drawn. No new face is learnt from: a few people of a small group are seen many times.

    jointly  features balanced within each group as far as the pool has their levels; None: none
    """

    seam: ClassVar[str] = "pool"
    jointly: str | Sequence[str] | None = None

    def __call__(
        self, pool: pd.DataFrame, source: pd.DataFrame, *, feature: str, rng: np.random.Generator
    ) -> pd.DataFrame:
        """As many rows as `pool`, with repeated image_ids. InputError: a group is empty."""
        counts = group_counts(pool, source, feature)
        everyone_there(counts, "resample_up")
        wanted = allocate(len(pool), equal_shares(counts.index))
        within = columns(self.jointly)
        absent = [name for name in within if name not in pool]
        if absent:
            raise InputError(f"mitigation resample_up: jointly={listed(absent)} is no column of the pool")
        taken: list[np.ndarray] = []
        for group, k in sorted(wanted.items()):
            rows = np.flatnonzero(pool[feature] == group)
            if within:
                level = (
                    pool.iloc[rows][within].astype("str").fillna("(missing)").agg("/".join, axis=1).to_numpy()
                )
                parts = cell_counts(k, {group: 1.0}, sorted(set(level)))
                cells = [(rows[level == name], parts[f"{group}/{name}"]) for name in sorted(set(level))]
            else:
                cells = [(rows, k)]
            taken += [repeated(some, times, rng) for some, times in cells]
        return pool.iloc[np.concatenate(taken)].reset_index(drop=True)


def repeated(items: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """k of the items, each ⌊k/len⌋ or ⌈k/len⌉ times; which ones come once more is drawn."""
    whole, rest = divmod(k, len(items))
    return np.concatenate([np.repeat(items, whole), rng.choice(items, rest, replace=False)])
