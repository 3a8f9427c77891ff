"""The pool is replaced by a synthetic one, made of it under a privacy budget: what does privacy cost, and whom?"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.mitigation.pools.groups import columns

log = logging.getLogger("judge")


@dataclass(frozen=True)
class Private:
    """As many pictures as the pool has, none of them the pool's: a private synthetic pool (judge.privacy.pools).

    Nothing of the pool reaches the judge but through (ε, δ). Groups are those of the data set, however few the pool
    has; their sizes come from the noisy counts. An experiment's noise is drawn from the run's seed, so that it can be
    repeated: such a pool is for measuring, a release is made with `judge private pool`.

    epsilon, delta  the budget; inf: no noise, what the method itself costs
    method          a name of conf/private, with its `settings`
    jointly         features by which people are grouped besides the sensitive one
    leave_out       leave groups out that are too few to be told from noise (said in the log), instead of an error
    progress        whether it shows its bars
    """

    seam: ClassVar[str] = "pool"
    #: called with the pool's pictures drawn, and with facts: data, real_people, rating_range
    reads_pictures: ClassVar[bool] = True

    epsilon: float = 3.0
    delta: float | None = None
    method: str = "sim_pe"
    settings: Mapping[str, Any] = field(default_factory=dict)
    jointly: str | Sequence[str] | None = None
    leave_out: bool = False
    progress: bool = True

    def __post_init__(self) -> None:
        from judge.privacy.budget import Budget
        from judge.privacy.pools import method_named

        Budget(self.epsilon, self.delta)
        method_named(self.method, self.settings)

    def __call__(
        self,
        pool: pd.DataFrame,
        source: pd.DataFrame,
        *,
        feature: str,
        rng: np.random.Generator,
        facts: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """As many rows as `pool`, in its columns; source "generated", rating_source "private", weight 1.

        Raises InputError: no scale of the ratings, groups too few to be told from noise, no column `jointly`.
        """
        from judge.privacy.budget import Budget
        from judge.privacy.pools import Release, make_pool, method_named

        told = facts or {}
        scale = told.get("rating_range")
        if scale is None:
            raise InputError("mitigation private: the data set tells no scale of its ratings (rating_range)")
        features = list(dict.fromkeys([feature, *columns(self.jointly)]))
        if absent := [name for name in features if name not in pool]:
            raise InputError(f"mitigation private: jointly={listed(absent)} is no column of the pool")
        groups = {name: sorted(source[name].dropna().astype("str").unique()) for name in features}
        seed = int(rng.integers(2**31))
        # in one order whatever the draw's, so that one pool is made of one set of people
        people = pool.drop_duplicates("image_id").sort_values("image_id").reset_index(drop=True)
        release = Release(
            Budget(self.epsilon, self.delta), features, groups, (float(scale[0]), float(scale[1])), n=len(pool),
            leave_out=self.leave_out,
        )  # fmt: skip
        made = make_pool(
            method_named(self.method, self.settings), people, release,
            noise=np.random.default_rng([seed, 1]), seed=seed, progress=self.progress,
        )  # fmt: skip
        left = made.statement["left_out"]
        log.info(
            "private: %d pictures by %s, epsilon %g of %g%s", len(pool), self.method,
            0 if not made.statement["protects"] else made.statement["spent"]["opacus_rdp"], self.epsilon,
            f"; left out, too few to be told from noise: {', '.join(left)}" if left else "",
        )  # fmt: skip
        table = _written(made)
        table["weight"] = 1.0
        return table.reindex(columns=pool.columns)


def _written(made: Any) -> pd.DataFrame:
    """The manifest; its pictures are in the cache, under what they were made with."""
    from judge.privacy.pools.export import write_pictures
    from judge.storage import cache_root, locked

    digest = hashlib.blake2b(made.pictures.numpy().tobytes(), digest_size=10)
    digest.update(made.manifest.to_csv().encode())
    name = digest.hexdigest()
    folder = cache_root() / "generated" / "private" / name
    paths = [folder / f"{one}.png" for one in made.manifest["image_id"]]
    with locked(folder):
        write_pictures(made.pictures, paths)
    ids = [f"{name[:8]}-{one}" for one in made.manifest["image_id"]]
    return made.manifest.assign(image_id=ids, person_id=ids, path=[str(path) for path in paths])
