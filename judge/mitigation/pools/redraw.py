"""More balanced data are collected: a new pool of the same size with equal shares, from the same source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from judge.data.composition import draw, equal_shares
from judge.mitigation.pools.groups import columns, group_counts, pair


@dataclass(frozen=True)
class Unchanged:
    """No mitigation: both conditions are the skewed pool. Any difference between them is not of its making."""

    def __call__(
        self, pool: pd.DataFrame, source: pd.DataFrame, *, feature: str, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        return pair(pool, pool)


@dataclass(frozen=True)
class Redraw:
    """The pool that balanced collecting would have given: what rebalancing can do at best, at equal n.

    Pictures of the skewed pool stay as far as the new shares allow, so that the two conditions differ by the
    pictures that were exchanged and by nothing else.

    shares   of the new pool, by group; None: equal
    jointly  features balanced within each group, as when the skewed pool was drawn; None: none
    """

    shares: Mapping[str, float] | None = None
    jointly: str | Sequence[str] | None = None

    def __call__(
        self, pool: pd.DataFrame, source: pd.DataFrame, *, feature: str, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """(skewed, rebalanced), n rows each. InputError when the source has too few pictures of a group."""
        groups = group_counts(pool, source, feature).index
        shares = equal_shares(groups) if self.shares is None else dict(self.shares)
        jointly = columns(self.jointly) or None
        new = draw(
            source, len(pool), shares, feature=feature, rng=rng, jointly=jointly, prefer=pool["image_id"]
        )
        return pair(pool, new)
