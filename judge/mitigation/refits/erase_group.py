"""The group erased from what the judge's head reads, and the head fitted again."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError
from judge.jury.ridge import PENALTIES, ridge
from judge.jury.scaling import shrunk_scale
from judge.mitigation.refits.people import check_sizes, group_sizes, read

#: Least people of each group among those on whom the eraser is fitted.
LEAST = 3


@dataclass(frozen=True)
class EraseGroup:
    """Least-squares concept erasure, then a ridge regression on what is left (Belrose et al. 2023, LEACE).

    The features are moved, as little as possible in the least squares of their whitened space, until all groups have
    the same mean in them: then no linear classifier tells the groups better than a constant (their theorem 3.1), on
    the people on whom the eraser was fitted. On others it holds as far as the means were known: the more features,
    the less. So the head reads the features' `dimensions` directions of most variance only, and nothing outside them;
    a wide network's features could be erased on thousands of people alone. A classifier that is not linear may still
    read the group (judge.fairness.probes asks), and where groups differ in what they are rated for, that goes too.

    Reference: arXiv:2306.03819; the library concept-erasure of its authors.

    dimensions  directions that the head reads, at least as many as there are groups
    people      on whom the eraser is fitted: held_out (who neither train nor enter; only their groups are used), pool,
                or both
    penalties   ridge penalties to choose from, per picture; the one with the lowest leave-one-out error is taken
    """

    seam: ClassVar[str] = "refit"
    calls: ClassVar[tuple[str, ...]] = ("read", "project", "set_head")
    dimensions: int = 64
    people: str = "both"
    penalties: Sequence[float] = PENALTIES

    def __post_init__(self) -> None:
        if self.people not in ("held_out", "pool", "both"):
            raise InputError(f"leace: people is held_out, pool or both; given {self.people!r}")
        if self.dimensions < 2:
            raise InputError(f"leace: dimensions is at least 2; given {self.dimensions}")
        if not len(self.penalties) or min(self.penalties) <= 0:
            raise InputError(f"leace: penalties are numbers over 0; given {list(self.penalties)}")
        object.__setattr__(self, "penalties", tuple(float(penalty) for penalty in self.penalties))

    @property
    def needs_held_out(self) -> bool:
        """Whether people beside the pool are needed."""
        return self.people != "pool"

    def check(self, pool: pd.DataFrame, held_out: pd.DataFrame | None, *, feature: str) -> None:
        """Raises InputError if a group is too small: before anything is trained."""
        parts = {"held_out": [held_out], "pool": [pool], "both": [pool, held_out]}[self.people]
        sizes = group_sizes(pd.concat(parts, ignore_index=True), feature, rated=False)
        check_sizes("leace", sizes, LEAST, f"those it is fitted on (people={self.people})")
        if self.dimensions < len(sizes):
            raise InputError(
                f"leace: with {len(sizes)} groups dimensions is at least {len(sizes)}, or nothing is left to read; "
                f"given {self.dimensions}"
            )
        enough_people(sum(sizes.values()), self.dimensions)

    def __call__(
        self,
        judge: Any,
        pool: pd.DataFrame,
        *,
        held_out: pd.DataFrame | None,
        feature: str,
        rng: np.random.Generator,
    ) -> Any:
        """The judge with a projection before its head, and another head. Deterministic: `rng` is not used."""
        own = read(judge, pool, feature)
        parts = [own] if held_out is None else [own, read(judge, held_out, feature)]
        x = np.concatenate([part.features for part in parts])
        group = np.concatenate([part.group for part in parts])
        fitted = ~pd.isna(group)
        if self.people == "held_out":
            fitted[: len(own.features)] = False
        scale = shrunk_scale(x)
        directions = principal_directions((x - x.mean(0)) / scale, self.dimensions)
        mean = x[fitted].mean(0)
        erase = erasing(((x[fitted] - mean) / scale) @ directions, group[fitted].astype(str))
        basis = (directions / scale[:, None]) @ erase
        judge.project(mean, basis)
        rated = np.isfinite(own.rating) & (own.weight > 0)
        if rated.sum() < 3:
            raise InputError(
                f"leace: {int(rated.sum())} rated, readable people are in the pool; 3 are needed"
            )
        left = (own.features[rated] - mean) @ basis
        judge.set_head(ridge(left, own.rating[rated], own.weight[rated], self.penalties, prior=None))
        return judge


def principal_directions(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """(F, k') orthonormal: the directions of most variance of centred x (n, F), k or as many as vary."""
    wide = x.shape[1] > len(x)
    # the smaller of the two matrices of products: with thousands of features and hundreds of people, theirs
    value, vector = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    order = np.argsort(value)[::-1][:k]
    order = order[value[order] > 1e-9 * value.max()]
    return x.T @ vector[:, order] / np.sqrt(value[order]) if wide else vector[:, order]


def erasing(x: NDArray[np.float64], group: NDArray[Any]) -> NDArray[np.float64]:
    """(k, k) A: in x @ A, x (n, k) being centred, all groups have the same mean, and x is moved least.

    Raises InputError if there are no more people than directions.
    """
    enough_people(*x.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the library's decorators, while it is imported
        import torch
        from concept_erasure import LeaceFitter
    names, code = np.unique(group, return_inverse=True)
    fitter = LeaceFitter.fit(
        torch.from_numpy(np.ascontiguousarray(x)),
        torch.from_numpy(np.eye(len(names))[code]),
        # the library's way of keeping the trace small mixes in a projection that does not erase
        constrain_cov_trace=False,
        # its default leaves differences of a group of one in ten thousand, and of any that is hard to see
        svd_tol=1e-6,
    )
    return fitter.eraser.P.T.numpy()


def enough_people(n: int, dimensions: int) -> None:
    """Raises InputError if there are no more people than directions: their spread is not known in all of them then."""
    if n <= dimensions:
        raise InputError(
            f"leace: {n} people to fit the eraser on and {dimensions} dimensions; lower dimensions, or raise pool.refit"
        )
