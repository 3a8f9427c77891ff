"""The reference set: the well-rated people, "models and actors", whom entrants are compared with.

It is data with a composition of its own, and so one more place where skew can enter: a condition may change it and
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from judge.data import composition
from judge.errors import InputError

SHARES = ("as_pool", "equal")


@dataclass(frozen=True)
class ReferenceSet:
    """`n` well-rated people with chosen shares of a sensitive feature.

    n           people
    shares      as_pool: the shares of the pool that `draw` is given; equal; or a share a group, summing to 1
    jointly     further features balanced within each group; one that the source does not have for everybody is left out
    top_share   part of each group (and of each combination with `jointly`) that they are taken from, the best rated, so
                that no group is left out because its ratings are lower; above 0, at most 1
    """

    n: int = 60
    shares: str | Mapping[str, float] = "as_pool"
    jointly: Sequence[str] = ("gender",)
    top_share: float = 0.5

    def __post_init__(self) -> None:
        if self.shares not in SHARES and not isinstance(self.shares, Mapping):
            raise InputError(f"models.shares is one of {SHARES} or a share a group; given {self.shares!r}")
        if self.n < 1:
            raise InputError(f"models.n is at least 1; given {self.n}")
        if not 0 < self.top_share <= 1:
            raise InputError(f"models.top_share lies above 0 and at most at 1; given {self.top_share}")

    def draw(
        self, source: pd.DataFrame, pool: pd.DataFrame, *, feature: str, rng: np.random.Generator
    ) -> pd.DataFrame:
        """Rows of the source (needs image_id, rating and the feature), in its order, index from 0.

        source   manifest of everybody that may be learnt from
        pool     manifest whose shares are taken where `shares` is as_pool; not used otherwise
        rng      one random number a candidate is used, as in `composition.draw`
        Raises InputError where a group has too few people.
        """
        jointly = [
            name
            for name in self.jointly or ()
            if name != feature and name in source and source[name].notna().all()
        ]
        rated = source[source["rating"].notna() & source[feature].notna()]
        place = rated.groupby([feature, *jointly])["rating"].rank(ascending=False, pct=True, method="first")
        return composition.draw(
            rated[place <= self.top_share],
            self.n,
            self._shares(source, pool, feature),
            feature=feature,
            rng=rng,
            jointly=jointly,
        )

    def _shares(self, source: pd.DataFrame, pool: pd.DataFrame, feature: str) -> dict[str, float]:
        if self.shares == "as_pool":
            return composition.natural_shares(pool, feature)
        if isinstance(self.shares, str):
            return composition.equal_shares(source[feature].dropna().unique())
        return {str(group): float(share) for group, share in self.shares.items()}
