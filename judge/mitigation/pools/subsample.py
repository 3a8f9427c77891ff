"""Every group is cut to the size of the smallest, and the pool keeps that smaller size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from judge.data.composition import draw, equal_shares
from judge.errors import InputError
from judge.mitigation.pools.groups import everyone_there, group_counts


@dataclass(frozen=True)
class SubsampleGroups:
    """SUBG: every group cut at random to the size of the smallest (Idrissi, Arjovsky, Pezeshki & Lopez-Paz 2022,
    "Simple data balancing achieves competitive worst-group-accuracy", arXiv:2110.14503), the bar for other methods.

    The pool gets as small as that makes it: of 600 pictures with 6 of each small group among three 18 are left. No
    other pool of the run is cut, so what is compared is what a user has to choose between, skew or fewer pictures.
    ResampleDown draws the same pool and has all others cut to its size, which compares compositions at equal n.

    bins   quantile bins of the pool's ratings; the groups are then group × bin, as theirs were attribute × class
    least  pictures that have to be left, in all
    """

    seam: ClassVar[str] = "pool"
    own_size: ClassVar[bool] = True
    bins: int = 1
    least: int = 4

    def __post_init__(self) -> None:
        if self.bins < 1:
            raise InputError(f"subg: bins is at least 1; given {self.bins}")
        if self.least < 4:
            raise InputError(
                f"subg: least is at least 4, three pictures to learn from and one held out; given {self.least}"
            )

    def __call__(
        self, pool: pd.DataFrame, source: pd.DataFrame, *, feature: str, rng: np.random.Generator
    ) -> pd.DataFrame:
        """G · bins × the smallest count of a group (and bin).

        Raises InputError when a group, or a group's bin, is empty, and when fewer than `least` pictures would be left.
        """
        counts = group_counts(pool, source, feature)
        everyone_there(counts, "subg")
        cells, by = pool, feature
        if self.bins > 1:
            if pool["rating"].isna().any():
                raise InputError("mitigation subg: pictures of the pool have no rating, so they have no bin")
            level = pd.qcut(pool["rating"], self.bins, labels=False, duplicates="drop")
            if level.max() + 1 < self.bins:
                raise InputError(f"mitigation subg: the pool's ratings tie too often for bins={self.bins}")
            by = "\0cell"
            cells = pool.assign(**{by: pool[feature].astype("str") + ", bin " + (level + 1).astype("str")})
            wanted = [f"{group}, bin {i + 1}" for group in counts.index for i in range(self.bins)]
            counts = cells[by].value_counts().reindex(wanted, fill_value=0)
        n = int(counts.min()) * len(counts)
        if n < self.least:
            smallest = counts.idxmin()
            raise InputError(
                f"mitigation subg: {counts.min()} pictures of {smallest!r} in the pool leave {n} in all, as many "
                f"of each of {len(counts)}; at least {self.least} are needed. Raise pool.n, lower the majority share"
                + (" or bins" if self.bins > 1 else "")
            )
        return draw(cells, n, equal_shares(counts.index), feature=by, rng=rng)[pool.columns.tolist()]
