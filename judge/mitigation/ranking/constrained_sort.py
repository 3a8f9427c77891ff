"""Every group has its share of the first k, for every k: DetConstSort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.mitigation.ranking.order import check_named, checked_shares, known_groups, ranks_within, shares_of


@dataclass(frozen=True)
class ConstrainedSort:
    """At least ⌊k · share⌋ of each group among the first k, for every k up to the places: DetConstSort.

    Geyik, Ambler & Kenthapadi 2019 (arXiv:1905.01989), algorithm 3. Whenever a group's minimum rises, its best person
    not yet placed is taken, and moves up past lower scores as long as nobody slips below the place by which they are
    needed. Ranks follow merit within each group. The minima hold for any number of groups that have enough people. The
    paper's other bound, at most ⌈k · share⌉ of a group, is not asked for and need not hold. With few places the minima
    of small groups are 0: five places owe nothing to a group with less than a fifth.

    Two things are read otherwise than in implementations that count lists from 0 (FairRankTune 0.0.7), in which people
    slip one place too far and the minima are broken: see `det_const_sort`.

    Who is behind the places follows by merit. A group with fewer people than its minimum gives all of them.

    shares  wanted of the places, by group, with the sum 1; None: the shares of those who entered the bracket
    """

    seam: ClassVar[str] = "ranking"
    shares: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        checked_shares("det_const_sort", self.shares)

    def check(self, entrants: pd.DataFrame, *, feature: str) -> None:
        """Raises InputError if somebody who enters has no group, or a group no share."""
        groups = known_groups("det_const_sort", entrants, feature)
        if self.shares is not None:
            check_named("det_const_sort", "shares", self.shares, groups)

    def __call__(
        self,
        scores: pd.Series,
        people: pd.DataFrame,
        *,
        merit: pd.Series,
        feature: str,
        brackets: pd.Series,
        places: int,
        rng: np.random.Generator,
    ) -> pd.Series:
        """(n,) ranks from 1 within each bracket; `rng` is not used.

        Raises InputError for people without a group and for groups that `shares` does not name.
        """
        self.check(people, feature=feature)

        def order(groups: NDArray, _: NDArray) -> list[int]:
            return det_const_sort(groups, shares_of(groups) if self.shares is None else self.shares, places)

        return ranks_within(
            "det_const_sort", scores, people, merit=merit, feature=feature, brackets=brackets, order=order
        )


def det_const_sort(
    groups: NDArray, shares: Mapping[str, float], places: int, *, literal: bool = False
) -> list[int]:
    """The first `places` positions of people who stand in order of merit (fewer, where shares of 0 leave nobody).

    groups   (n,) the group of each, the best first
    literal  the lists of the printed algorithm counted from 0, as FairRankTune 0.0.7 does, and one person more taken
             than there are places: people then slip one place too far, and the minima do not hold

    >>> people = np.array(["a", "a", "a", "b", "b"], object)
    >>> det_const_sort(people, {"a": 0.5, "b": 0.5}, 4), det_const_sort(people, {"a": 0.5, "b": 0.5}, 4, literal=True)
    ([0, 3, 1, 4], [0, 1, 3, 2])
    """
    slack = int(literal)
    waiting = {str(name): list(np.flatnonzero(groups == name)[::-1]) for name in shares}
    placeable = sum(len(waiting[name]) for name, share in shares.items() if share > 0)
    minimum = dict.fromkeys(waiting, 0)
    ranked: list[int] = []
    latest: list[int] = []  # the number of places by which each is needed
    k = 0
    while len(ranked) < min(places + slack, placeable):
        k += 1
        risen = []
        for name, share in shares.items():
            # a product such as 100 · .29 falls short of the whole number that it is
            now = int(np.floor(round(k * float(share), 9)))
            if now > minimum[name] and waiting[name]:
                risen.append(int(waiting[name].pop()))
            minimum[name] = now
        for person in sorted(risen):
            ranked.append(person)
            latest.append(k)
            # positions count from 0, numbers of places from 1: whoever is needed by place k may stand at k − 1 at most
            at = len(ranked) - 1
            while at > 0 and latest[at - 1] + slack > at and ranked[at - 1] > ranked[at]:
                ranked[at - 1], ranked[at] = ranked[at], ranked[at - 1]
                latest[at - 1], latest[at] = latest[at], latest[at - 1]
                at -= 1
    return ranked[:places]
