"""The contests of a sweep as arrays, and each of them held again among other people.

Columns of text cost more than the arithmetic: a sweep of thousands of runs is read straight into codes. Weights are
(people, draws), so that one person's are contiguous; and as places go down a ranking, only its head is looked at.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed

COLUMNS = ("seed", "person", "group", "bracket", "rank", "winner", "error")


@dataclass(frozen=True)
class Entered:
    """Who entered one contest, an element a contestant.

    key      seed, and what else tells the contests apart (share, condition)
    person, group, bracket   codes into the names of `Contests`
    rank     within the bracket, NaN of somebody who was not ranked
    winner   bool
    error    score − rating, NaN where there is none
    """

    key: tuple[Hashable, ...]
    person: NDArray[np.int64]
    group: NDArray[np.int64]
    bracket: NDArray[np.int64]
    rank: NDArray[np.float64]
    winner: NDArray[np.bool_]
    error: NDArray[np.float64]


class Contests:
    """Contests over people who may enter several of them; `add` in any order, codes are given as names come.

    people   names of all persons by code; strata: (group, bracket) each of them was first seen in
    each     the contests

    Examples
    --------
    >>> contests = Contests()
    >>> contests.add((0, "first"), ["p", "q"], ["a", "b"], ["all", "all"], [1, 2], [True, False], [0.5, -0.5])
    >>> len(contests.people), contests.each[0].group.tolist()
    (2, [0, 1])
    """

    def __init__(self) -> None:
        self._people: dict[Any, int] = {}
        self._groups: dict[str, int] = {}
        self._brackets: dict[str, int] = {}
        self._strata: list[tuple[int, int]] = []
        self.each: list[Entered] = []

    @property
    def people(self) -> list[Any]:
        return list(self._people)

    @property
    def groups(self) -> list[str]:
        return list(self._groups)

    def add(
        self,
        key: tuple[Hashable, ...],
        person: Sequence[Any],
        group: Sequence[Any],
        bracket: Sequence[Any],
        rank: Sequence[float],
        winner: Sequence[bool],
        error: Sequence[float],
    ) -> None:
        """One contest, a row a contestant; see `Entered`. Names are any hashable values; groups and brackets by str."""
        groups, brackets = _codes(self._groups, map(str, group)), _codes(self._brackets, map(str, bracket))
        before = len(self._people)
        people = _codes(self._people, person)
        if len(self._people) > before:
            new, first = np.unique(people, return_index=True)
            fresh = first[new >= before]
            self._strata += zip(groups[fresh].tolist(), brackets[fresh].tolist(), strict=True)
        self.each.append(
            Entered(
                key, people, groups, brackets,
                np.asarray(rank, float), np.asarray(winner, bool), np.asarray(error, float),
            )
        )  # fmt: skip

    @classmethod
    def from_table(cls, people: pd.DataFrame, by: Sequence[str]) -> Contests:
        """The contests of a table with the columns of COLUMNS and `by`: one row an entrant and contest.

        Raises judge.errors.InputError for a missing column.
        """
        if missing := [column for column in (*COLUMNS, *by) if column not in people]:
            raise InputError(f"the table of people lacks the column(s) {listed(missing)}")
        found = cls()
        first = people.drop_duplicates("person")  # in the order of the rows, not of the keys
        found._people = {name: i for i, name in enumerate(first["person"])}
        groups, brackets = first["group"].astype(str), first["bracket"].astype(str)
        found._strata = list(
            zip(_codes(found._groups, groups), _codes(found._brackets, brackets), strict=True)
        )
        for key, run in people.groupby(["seed", *by], sort=True, observed=True):
            found.add(key, *(run[name].to_numpy() for name in COLUMNS[1:]))
        return found

    def strata(self) -> NDArray[np.int64]:
        """(people,) codes of the group and bracket in which each person was first seen, in order of appearance."""
        return pd.factorize(pd.Series(self._strata, dtype=object))[0]

    def pairs(self) -> pd.DataFrame:
        """seed, person: who was in which seed's contests, each pair once."""
        by_seed: dict[Hashable, list[NDArray[np.int64]]] = {}
        for one in self.each:
            by_seed.setdefault(one.key[0], []).append(one.person)
        parts = [
            pd.DataFrame({"person": np.unique(np.concatenate(codes))}).assign(seed=seed)
            for seed, codes in by_seed.items()
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"seed": [], "person": []})


def _codes(names: dict[Any, int], values: Any) -> NDArray[np.int64]:
    """Codes of the values, those not seen before getting the next ones."""
    return np.fromiter((names.setdefault(value, len(names)) for value in values), np.int64)


class HeldAgain:
    """Outcomes of contests among the people of each draw.

    contests   as above
    weights    (people, draws): how often each person counts in each draw
    reference  group that ratios refer to, or None: everybody else
    """

    def __init__(self, contests: Contests, weights: NDArray[np.floating], reference: str | None) -> None:
        self.contests, self.weights, self.reference = (
            contests,
            np.ascontiguousarray(weights, float),
            reference,
        )
        self._entrants: dict[bytes, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def __iter__(self) -> Iterator[tuple[tuple[Hashable, ...], dict[tuple[str, str], NDArray[np.float64]]]]:
        """Each contest's key, and (outcome, group) → (draws,) values."""
        for one in self.contests.each:
            yield one.key, self.outcomes(one)

    def outcomes(self, one: Entered) -> dict[tuple[str, str], NDArray[np.float64]]:
        """winner_share, selection_rate_ratio (Mantel–Haenszel over brackets) and signed_error of each group."""
        names = self.contests.groups
        present, groups = np.unique(one.group, return_inverse=True)
        _, brackets = np.unique(one.bracket, return_inverse=True)
        n_groups, n_brackets = len(present), int(brackets.max(initial=-1)) + 1
        drawn, entrants = self._drawn(one, brackets * n_groups + groups, n_brackets * n_groups)
        entrants = entrants.reshape(n_brackets, n_groups, -1)
        winners = _won_again(one, groups, n_groups, brackets, n_brackets, drawn)
        known = np.isfinite(one.error)
        member = np.eye(n_groups)[groups[known]]
        found: dict[tuple[str, str], NDArray[np.float64]] = {}
        with np.errstate(divide="ignore", invalid="ignore"):
            total = winners.sum((0, 1))
            weight = drawn if known.all() else drawn[known]
            errors = ((member * one.error[known, None]).T @ weight) / (member.T @ weight)
            for g, code in enumerate(present):
                name = names[code]
                found["winner_share", name] = winners[:, g].sum(0) / total
                found["signed_error", name] = errors[g]
                others = [
                    i
                    for i, other in enumerate(present)
                    if (i != g if self.reference is None else names[other] == self.reference)
                ]
                lost_to, among = winners[:, others].sum(1), entrants[:, others].sum(1)
                both = entrants[:, g] + among
                found["selection_rate_ratio", name] = np.nansum(winners[:, g] * among / both, 0) / np.nansum(
                    lost_to * entrants[:, g] / both, 0
                )
        return found

    def _drawn(
        self, one: Entered, cell: NDArray[np.int64], n_cells: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(contestants, draws) weights, and their (cells, draws) sums; the same for contests over the same people."""
        key = one.person.tobytes() + cell.tobytes()
        if key not in self._entrants:
            if len(self._entrants) > 32:
                self._entrants.clear()
            drawn = self.weights[one.person]
            self._entrants[key] = drawn, np.eye(n_cells)[:, cell] @ drawn
        return self._entrants[key]


def _won_again(
    one: Entered,
    groups: NDArray[np.int64],
    n_groups: int,
    brackets: NDArray[np.int64],
    n_brackets: int,
    drawn: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(brackets, groups, draws): weight of the winners. Places go down a bracket's ranking until they are filled."""
    winners = np.zeros((n_brackets, n_groups, drawn.shape[1]))
    order = np.lexsort((one.rank, brackets))
    order = order[np.isfinite(one.rank[order])]
    places = np.bincount(brackets, one.winner, minlength=n_brackets)
    ends = np.cumsum(np.bincount(brackets[order], minlength=n_brackets))
    for bracket, (end, n_places) in enumerate(zip(ends, places, strict=True)):
        ranked = order[ends[bracket - 1] if bracket else 0 : end]
        # about one in three is in no draw: three times as many as there are places nearly always fill them
        head = int(min(len(ranked), 3 * n_places + 10))
        while True:
            own = drawn[ranked[:head]]
            upto = np.cumsum(own, axis=0)
            if head == len(ranked) or upto[-1].min() >= n_places:
                break
            head = len(ranked)
        won = np.clip(n_places - (upto - own), 0, own)
        winners[bracket] = np.eye(n_groups)[:, groups[ranked[:head]]] @ won
    return winners
