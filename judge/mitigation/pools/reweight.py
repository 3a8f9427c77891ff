"""All pictures stay; what changes is how much each counts in the loss (the manifest's column `weight`, mean 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from judge.errors import InputError
from judge.mitigation.pools.groups import everyone_there, group_counts


@dataclass(frozen=True)
class Reweight:
    """Each group counts the same: weight n / (G · n_g) for a picture of group g.

    Against representation: a small group's few pictures weigh much, and so does the noise in them.
    """

    seam: ClassVar[str] = "pool"

    def __call__(
        self, pool: pd.DataFrame, source: pd.DataFrame, *, feature: str, rng: np.random.Generator
    ) -> pd.DataFrame:
        """The same rows with weights. InputError when a group is empty."""
        counts = group_counts(pool, source, feature)
        everyone_there(counts, "reweight")
        weight = pool[feature].map(len(pool) / (len(counts) * counts)).astype(float)
        return pool.assign(weight=weight)


@dataclass(frozen=True)
class ReweighLabels:
    """Group and rating made independent: weight P(g) P(y) / P(g, y), y the rating's bin.

    Kamiran & Calders 2012, "Data preprocessing techniques for classification without discrimination",
    Knowledge and Information Systems 33, equation for W(X); their two classes are here `bins` quantile bins
    of the pool's ratings. Against skewed ratings: high and low ratings of a group weigh as often as they
    occur in the whole pool. Groups keep their shares, so representation is not touched. A combination that
    does not occur cannot be weighted up; weights are then scaled to mean 1.
    """

    seam: ClassVar[str] = "pool"
    bins: int = 5

    def __call__(
        self, pool: pd.DataFrame, source: pd.DataFrame, *, feature: str, rng: np.random.Generator
    ) -> pd.DataFrame:
        """The same rows with weights. InputError without ratings."""
        group_counts(pool, source, feature)
        if self.bins < 2:
            raise InputError(f"mitigation reweigh_labels: bins is at least 2, not {self.bins}")
        if pool["rating"].isna().any():
            raise InputError("mitigation reweigh_labels: pictures of the pool have no rating")
        table = pd.DataFrame(
            {"g": pool[feature], "y": pd.qcut(pool["rating"], self.bins, labels=False, duplicates="drop")}
        )
        n_g, n_y, n_gy = (
            table.groupby(key)["g"].transform("size").astype(float) for key in (["g"], ["y"], ["g", "y"])
        )
        weight = n_g * n_y / (len(table) * n_gy)
        return pool.assign(weight=weight / weight.mean())
