"""Winners by lot: who won for certain, who tied at the last place, and how many of those a lot lets win.

A lottery among people with equal scores says nothing about their groups. What is counted is therefore the average over
all lots, and the spread over lots is known exactly: in each bracket the lot draws `drawn` of the tied people, so the
groups' winners by lot are multivariate hypergeometric.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judge.errors import InputError
from judge.fairness.inference.distributions import exact_distribution, hypergeometric_pmf

#: So many numbers of places that fall to two groups by lot are enumerated (or drawn) where a third group ties too.
MAX_CASES = 200


@dataclass(frozen=True)
class Lots:
    """Winners that a lot decides, by bracket and group.

    Parameters
    ----------
    certain : (B, G) array-like of int
        Winners whatever the lot.
    tied : (B, G) array-like of int
        People at the cut among whom the lot draws; 0 throughout in a bracket without a lot.
    drawn : (B,) array-like of int
        How many of the tied win.

    Raises
    ------
    InputError
        For tables of different shapes, and where more are drawn than tie.

    Examples
    --------
    One certain winner, and one more of three who tie, two of them of the first group:

    >>> lots = Lots([[1, 0]], [[2, 1]], [1])
    >>> lots.by_lot, lots.expected.round(3).tolist()
    (1, [[1.667, 0.333]])
    """

    certain: NDArray[np.int64]
    tied: NDArray[np.int64]
    drawn: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("certain", "tied", "drawn"):
            object.__setattr__(self, name, np.asarray(getattr(self, name)).astype(np.int64))
        if self.certain.shape != self.tied.shape or self.drawn.shape != self.tied.shape[:1]:
            raise InputError(
                f"lots: certain {self.certain.shape}, tied {self.tied.shape} and drawn {self.drawn.shape} do not fit"
            )
        if (self.drawn < 0).any() or (self.drawn > self.tied.sum(axis=1)).any():
            raise InputError("a lot draws between none and all of those who tie")

    @property
    def by_lot(self) -> int:
        """Winners that the lot decides: drawn, where not everybody who ties is drawn."""
        return int(self.drawn[self.drawn < self.tied.sum(axis=1)].sum())

    @property
    def decided(self) -> NDArray[np.int64]:
        """(B,) winners of each bracket, the same in every lot."""
        return self.certain.sum(axis=1) + self.drawn

    @property
    def expected(self) -> NDArray[np.float64]:
        """(B, G) winners on average over the lots."""
        size = np.maximum(self.tied.sum(axis=1), 1)
        return self.certain + self.tied * (self.drawn / size)[:, None]

    def distribution(self, column: int) -> tuple[int, NDArray[np.float64]]:
        """(smallest count, probabilities) of a group's winners over the lots, all brackets together."""
        low, pmf = exact_distribution(self.tied[:, column], self.tied.sum(axis=1), self.drawn)
        return low + int(self.certain[:, column].sum()), pmf

    def draws(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """(n, B, G) winners of n lots."""
        won = np.tile(self.certain, (n, 1, 1))
        for b, (tied, drawn) in enumerate(zip(self.tied, self.drawn, strict=True)):
            if 0 < drawn < tied.sum():
                won[:, b] += rng.multivariate_hypergeometric(tied, int(drawn), size=n, method="marginals")
            elif drawn:
                won[:, b] += tied
        return won

    def pairs(
        self, column: int, others: NDArray[np.bool_], rng: np.random.Generator
    ) -> list[tuple[float, Lots]]:
        """The lots between one group and others (columns), by how many places fall to the two: (probability, lots).

        One case where nobody else ties. Else the cases are enumerated, or drawn where they are more than MAX_CASES.
        """
        certain, tied = (
            np.column_stack([table[:, column], table[:, others].sum(axis=1)])
            for table in (self.certain, self.tied)
        )
        size, pair = self.tied.sum(axis=1), tied.sum(axis=1)
        # per bracket (places that fall to the pair, probability); one certain number where only the pair ties
        spread = []
        for k, n, m in zip(pair.tolist(), size.tolist(), self.drawn.tolist(), strict=True):
            if m == n or k == n or k == 0:
                spread.append(([min(k, m)], np.ones(1)))
            else:
                low, pmf = hypergeometric_pmf(k, n, m)
                spread.append((list(range(low, low + len(pmf))), pmf))
        n_cases = np.prod([float(len(counts)) for counts, _ in spread])
        if n_cases <= MAX_CASES:
            return [
                (
                    float(np.prod([p for _, p in case])),
                    Lots(certain, tied, np.array([drawn for drawn, _ in case])),
                )
                for case in itertools.product(*[zip(*one, strict=True) for one in spread])
            ]
        drawn = np.column_stack([rng.choice(counts, size=MAX_CASES, p=p) for counts, p in spread])
        unique, times = np.unique(drawn, axis=0, return_counts=True)
        return [(n / MAX_CASES, Lots(certain, tied, row)) for row, n in zip(unique, times, strict=True)]

    def middle(self, column: int, others: NDArray[np.bool_]) -> Lots:
        """The pair's lots with as many places to the two as falls to them on average, rounded."""
        certain, tied = (
            np.column_stack([table[:, column], table[:, others].sum(axis=1)])
            for table in (self.certain, self.tied)
        )
        pair, size = tied.sum(axis=1), np.maximum(self.tied.sum(axis=1), 1)
        return Lots(certain, tied, np.rint(self.drawn * pair / size).astype(np.int64))
