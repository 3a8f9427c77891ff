"""The judge's head fitted again on as many people of each group: deep feature reweighting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from judge.errors import InputError
from judge.jury.ridge import PENALTIES, Ridge, ridge
from judge.mitigation.refits.people import check_sizes, group_sizes, read

#: Least people of the smallest group: from fewer no penalty can be chosen.
LEAST = 3


@dataclass(frozen=True)
class LastLayer:
    """The last layer fitted again where all groups are equally many (Kirichenko, Izmailov & Wilson 2023, DFR).

    A network that was trained where a cue goes with the rating learns what matters beside the cue; its last layer is
    what leans on the cue. So the features stay, and the last layer is fitted anew on people among whom all groups are
    equally many: a ridge regression in place of the paper's logistic one, as ratings are numbers. As in the paper,
    balanced subsets are drawn several times, as large as the smallest group allows, and the heads averaged; the
    penalty of each is chosen by leave-one-out. Weights of the pool do not count.

    Reference: arXiv:2204.02937, section 4 and appendix B.

    people     held_out: people who neither train nor enter (the paper's DFR, val); pool: the training people
               themselves (DFR, train), so that nobody else's rating is needed
    draws      balanced subsets, from 1
    penalties  ridge penalties to choose from, per picture
    """

    seam: ClassVar[str] = "refit"
    calls: ClassVar[tuple[str, ...]] = ("read", "set_head")
    people: str = "held_out"
    draws: int = 10
    penalties: Sequence[float] = PENALTIES

    def __post_init__(self) -> None:
        if self.people not in ("held_out", "pool"):
            raise InputError(f"last_layer: people is held_out or pool; given {self.people!r}")
        if self.draws < 1:
            raise InputError(f"last_layer: draws is at least 1; given {self.draws}")
        if not len(self.penalties) or min(self.penalties) <= 0:
            raise InputError(f"last_layer: penalties are numbers over 0; given {list(self.penalties)}")
        object.__setattr__(self, "penalties", tuple(float(penalty) for penalty in self.penalties))

    @property
    def needs_held_out(self) -> bool:
        """Whether people beside the pool are needed."""
        return self.people == "held_out"

    def check(self, pool: pd.DataFrame, held_out: pd.DataFrame | None, *, feature: str) -> None:
        """Raises InputError if a group is too small: before anything is trained."""
        people, whose = (
            (held_out, "held-out people (pool.refit)") if self.needs_held_out else (pool, "the pool")
        )
        check_sizes("last_layer", group_sizes(people, feature, rated=True), LEAST, whose)

    def __call__(
        self,
        judge: Any,
        pool: pd.DataFrame,
        *,
        held_out: pd.DataFrame | None,
        feature: str,
        rng: np.random.Generator,
    ) -> Any:
        """The judge with another head. Raises InputError: a group of fewer than three rated, readable people."""
        people = held_out if self.needs_held_out else pool
        x, rating, _, group = read(judge, people[people["rating"].notna() & people[feature].notna()], feature)
        names, code = np.unique(group.astype(str), return_inverse=True)
        size = np.bincount(code)
        check_sizes(
            "last_layer", dict(zip(names.tolist(), size.tolist(), strict=True)), LEAST, "readable people"
        )
        centre = x.mean(0)
        heads = []
        for _ in range(self.draws):
            rows = np.concatenate(
                [rng.permutation(np.flatnonzero(code == g))[: size.min()] for g in range(len(names))]
            )
            fit = ridge(x[rows], rating[rows], np.ones(len(rows)), self.penalties)
            weight = fit.weight / fit.scale
            heads.append((weight, fit.bias + (centre - fit.mean) @ weight, fit.penalty))
        weights, biases, penalties = zip(*heads, strict=True)
        judge.set_head(
            Ridge(
                centre,
                np.ones_like(centre),
                np.mean(weights, axis=0),
                float(np.mean(biases)),
                float(np.exp(np.log(penalties).mean())),
            )
        )
        return judge
