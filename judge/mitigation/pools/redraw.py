"""More balanced data are collected: a new pool of the same size with equal shares, from the same source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from judge.data.composition import draw, equal_shares
from judge.mitigation.pools.groups import columns, group_counts


@dataclass(frozen=True)
class Unchanged:
    """The pool as it is: a placebo, trained as the baseline is. Any difference between the two is not of its making."""

    seam: ClassVar[str] = "pool"

    def __call__(
        self, pool: pd.DataFrame, source: pd.DataFrame, *, feature: str, rng: np.random.Generator
    ) -> pd.DataFrame:
        return pool


@dataclass(frozen=True)
class Redraw:
    """The pool that balanced collecting would have given: what rebalancing can do at best, at equal n.

    Pictures of the pool stay as far as the new shares allow, so that two conditions differ by the pictures that were
    exchanged and by nothing else.

    shares   of the new pool, by group; None: equal
    jointly  features balanced within each group, as when the pool was drawn; None: none
    """

    seam: ClassVar[str] = "pool"

    shares: Mapping[str, float] | None = None
    jointly: str | Sequence[str] | None = None

    def __call__(
        self, pool: pd.DataFrame, source: pd.DataFrame, *, feature: str, rng: np.random.Generator
    ) -> pd.DataFrame:
        """As many rows as `pool`. InputError when the source has too few pictures of a group."""
        groups = group_counts(pool, source, feature).index
        shares = equal_shares(groups) if self.shares is None else dict(self.shares)
        jointly = columns(self.jointly) or None
        return draw(
            source, len(pool), shares, feature=feature, rng=rng, jointly=jointly, prefer=pool["image_id"]
        )
