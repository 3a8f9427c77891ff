"""The places of each bracket are split between the groups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.mitigation.ranking.order import check_named, checked_shares, known_groups, ranks_within, shares_of


@dataclass(frozen=True)
class Quotas:
    """Places split by shares, each group's best get them: who wins follows the shares as closely as whole places can.

    The places of a bracket are split by largest remainders (Hamilton); of equal ones, the group whose next person is
    better comes first: by name, one group would gain in every bracket. What a group cannot fill, as it has too few
    people in the bracket or none, goes to the best of the others by merit. Winners stand in the order of their merit,
    all others behind them, by merit too. In a bracket with no more people than places nothing changes.

    Each bracket is rounded by itself, so with few places in many brackets of one composition roundings add up: a group
    with a tenth of everywhere gets none of five places anywhere.

    shares  of the places, by group, with the sum 1; None: the shares of those who entered the bracket
    """

    seam: ClassVar[str] = "ranking"
    shares: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        checked_shares("quota", self.shares)

    def check(self, entrants: pd.DataFrame, *, feature: str) -> None:
        """Raises InputError if somebody who enters has no group, or a group no share."""
        groups = known_groups("quota", entrants, feature)
        if self.shares is not None:
            check_named("quota", "shares", self.shares, groups)

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

        def order(groups: NDArray, _: NDArray) -> NDArray:
            return winners_by_quota(groups, shares_of(groups) if self.shares is None else self.shares, places)

        return ranks_within(
            "quota", scores, people, merit=merit, feature=feature, brackets=brackets, order=order
        )


def winners_by_quota(groups: NDArray, shares: Mapping[str, float], places: int) -> NDArray:
    """Positions of the winners, best first, among people who stand in order of merit.

    groups  (n,) the group of each, the best first

    >>> winners_by_quota(np.array(["a", "a", "a", "b", "b"], object), {"a": 0.5, "b": 0.5}, 4).tolist()
    [0, 1, 3, 4]
    """
    places = min(places, len(groups))
    total = sum(shares.values())
    wanted = {str(name): round(places * float(share) / total, 9) for name, share in shares.items()}
    quota = {name: math.floor(number) for name, number in wanted.items()}

    def claim(name: str) -> tuple[float, int]:
        theirs = np.flatnonzero(groups == name)
        following = int(theirs[quota[name]]) if quota[name] < len(theirs) else len(groups)
        return round(quota[name] - wanted[name], 9), following

    for name in sorted(wanted, key=claim)[: places - sum(quota.values())]:
        quota[name] += 1
    place_in_group = pd.Series(groups).groupby(groups).cumcount().to_numpy()
    has_place = place_in_group < np.array([quota.get(group, 0) for group in groups])
    left_over = places - int(has_place.sum())
    has_place[np.flatnonzero(~has_place)[:left_over]] = True
    return np.flatnonzero(has_place)
