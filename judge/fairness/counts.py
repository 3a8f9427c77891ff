"""Entrants and winners as brackets × groups: all that the tests on winners need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError, listed

if TYPE_CHECKING:  # lots draw on `inference`, whose tests are made of counts
    from judge.fairness.lots import Lots


@dataclass(frozen=True)
class Counts:
    """Entrants and winners of each group in each bracket.

    Parameters
    ----------
    entrants, winners : (B, G) array-like of int
        winners ≤ entrants everywhere.
    groups, brackets : tuple of str
        Names, of length G and B.
    lots : Lots, optional
        Where a lot decides among people who tie: `winners` are then averages over the lots, not whole numbers, and
        the tests average over the lots as well (`Counts.with_lots` fills both in).

    Raises
    ------
    InputError
        For tables of another shape and for winners below 0 or above the entrants.

    Examples
    --------
    >>> counts = Counts.from_people([1, 0, 0, 1], sensitive_feature=["a", "b", "b", "b"])
    >>> counts.groups, counts.entrants.tolist(), counts.winners.tolist()
    (('a', 'b'), [[1, 3]], [[1, 1]])
    """

    entrants: NDArray[np.int64]
    winners: NDArray[Any]  # whole numbers, or float averages over lots
    groups: tuple[str, ...]
    brackets: tuple[str, ...] = ("all",)
    lots: Lots | None = None

    def __post_init__(self) -> None:
        shape = (len(self.brackets), len(self.groups))
        for name in ("entrants", "winners"):
            table = np.asarray(getattr(self, name))
            if table.shape != shape:
                raise InputError(f"{name} has shape {table.shape}; brackets × groups is {shape}")
            whole = name == "entrants" or self.lots is None
            object.__setattr__(self, name, table.astype(np.int64 if whole else np.float64))
        if (self.winners < 0).any() or (self.winners > self.entrants + 1e-9).any():
            raise InputError("each group in each bracket needs 0 ≤ winners ≤ entrants")

    @classmethod
    def with_lots(
        cls, entrants: ArrayLike, lots: Lots, groups: Sequence[str], brackets: Sequence[str] = ("all",)
    ) -> Counts:
        """Counts whose winners are averages over lots; whole numbers and no lots where none was drawn."""
        if lots.by_lot == 0:
            whole = np.rint(lots.expected).astype(np.int64)
            return cls(np.asarray(entrants), whole, tuple(groups), tuple(brackets))
        return cls(np.asarray(entrants), lots.expected, tuple(groups), tuple(brackets), lots)

    @property
    def decided(self) -> NDArray[np.int64]:
        """(B,) winners of each bracket: whole numbers, with and without lots."""
        return self.winners.sum(axis=1) if self.lots is None else self.lots.decided

    @classmethod
    def from_people(
        cls, winner: ArrayLike, *, sensitive_feature: ArrayLike, bracket: ArrayLike | None = None
    ) -> Counts:
        """Counts from one entry a person; names in sorted order.

        winner (n,) bool, sensitive_feature (n,) group names, bracket (n,) names or None for one bracket.
        """
        winner = np.asarray(winner, bool)
        group, groups = _codes(sensitive_feature)
        code, brackets = (np.zeros(len(winner), int), ["all"]) if bracket is None else _codes(bracket)
        return cls.from_codes(winner, group, code, groups, brackets)

    @classmethod
    def from_codes(
        cls,
        winner: NDArray,
        group: NDArray,
        bracket: NDArray,
        groups: Sequence[str],
        brackets: Sequence[str],
        weight: NDArray[np.int64] | None = None,
    ) -> Counts:
        """Counts from integer codes into `groups` and `brackets`, one bincount each; weight: people a row, or one."""
        shape = (len(brackets), len(groups))
        size = shape[0] * shape[1]
        entrants, winners = np.zeros(size, np.int64), np.zeros(size, np.int64)
        for part in parts_of(len(group)):
            cell = bracket[part].astype(np.int64) * shape[1] + group[part]
            if weight is None:
                entrants += np.bincount(cell, minlength=size)
                winners += np.bincount(cell[winner[part]], minlength=size)
            else:
                np.add.at(entrants, cell, weight[part])
                np.add.at(winners, cell[winner[part]], weight[part][winner[part]])
        return cls(entrants.reshape(shape), winners.reshape(shape), tuple(groups), tuple(brackets))

    def index(self, group: str) -> int:
        """The column of a group; InputError names the groups there are."""
        if group not in self.groups:
            raise InputError(f"no group {group!r}; the groups are {listed(self.groups)}")
        return self.groups.index(group)

    def against(self, group: str, reference: str | None = None) -> Counts:
        """Two columns: the group, and the reference or (None) everybody else.

        With lots and a third group, how many places fall to the two is itself by lot: the pair's lots are then those
        of the average number, rounded; `pairs` has them all.
        """
        g, others, name = self._sides(group, reference)
        entrants, winners = self._two(self.entrants, g, others), self._two(self.winners, g, others)
        lots = None if self.lots is None else self.lots.middle(g, others)
        return Counts(entrants, winners, (group, name), self.brackets, lots)

    def pairs(
        self, group: str, reference: str | None = None, *, rng: np.random.Generator | int = 0
    ) -> list[tuple[float, Counts]]:
        """(probability, two columns) of each number of places that falls to the two by lot; one pair without lots."""
        if self.lots is None:
            return [(1.0, self.against(group, reference))]
        g, others, name = self._sides(group, reference)
        entrants = self._two(self.entrants, g, others)
        return [
            (weight, Counts(entrants, lots.expected, (group, name), self.brackets, lots))
            for weight, lots in self.lots.pairs(g, others, np.random.default_rng(rng))
        ]

    def _sides(self, group: str, reference: str | None) -> tuple[int, NDArray[np.bool_], str]:
        g = self.index(group)
        if reference is None:
            return g, np.arange(len(self.groups)) != g, f"not {group}"
        return g, np.arange(len(self.groups)) == self.index(reference), reference

    @staticmethod
    def _two(table: NDArray, g: int, others: NDArray[np.bool_]) -> NDArray:
        return np.column_stack([table[:, g], table[:, others].sum(axis=1)])


def parts_of(n: int, size: int = 1 << 16) -> Iterator[slice]:
    """Slices that cover n people: small enough that what is computed of a part stays in the cache.

    Parameters
    ----------
    n, size : int
        People, and how many of them a part holds at most.

    Returns
    -------
    iterator of slice
        In order.

    Examples
    --------
    >>> list(parts_of(5, 3))
    [slice(0, 3, None), slice(3, 5, None)]
    """
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def frequencies(code: NDArray, size: int, weight: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """How often each code occurs, without a copy of all codes as wide integers as numpy.bincount makes it.

    Parameters
    ----------
    code : (n,) int array
        From 0, below `size`.
    size : int
        Number of codes.
    weight : (n,) int array, optional
        How often each entry counts. None: once.

    Returns
    -------
    (size,) int array
        Sums to n.

    Examples
    --------
    >>> frequencies(np.array([0, 2, 2], np.int8), 4).tolist()
    [1, 0, 2, 0]
    """
    count = np.zeros(size, np.int64)
    if weight is not None:
        np.add.at(count, code, weight)
        return count
    for part in parts_of(len(code), 1 << 17):
        count += np.bincount(code[part], minlength=size)
    return count


def _codes(values: ArrayLike) -> tuple[NDArray, list[str]]:
    codes, names = pd.factorize(pd.Series(values).astype(str), sort=True)
    return codes, list(names)
