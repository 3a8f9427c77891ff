"""What the methods of this room share: one bracket after another, in order of merit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed

#: (groups and scores of a bracket's people, best first) → their positions in the new order; may be shorter than the
#: bracket, the others then follow by merit.
Order = Callable[[NDArray, NDArray], Iterable[int]]


def ranks_within(
    method: str,
    scores: pd.Series,
    people: pd.DataFrame,
    *,
    merit: pd.Series,
    feature: str,
    brackets: pd.Series,
    order: Order,
) -> pd.Series:
    """(n,) ranks from 1 within each bracket, with the index of `scores`: those whom `order` names, then by merit.

    Nobody without a group can be placed by one, and to leave them out or to make them a group of their own would change
    who wins: InputError, as for anything that is not sorted out by whoever brings the people.
    """
    groups = known_groups(method, people, feature)
    value, place, bracket = scores.to_numpy(float), merit.to_numpy(), brackets.to_numpy()
    ranks = np.zeros(len(value), int)
    for name in pd.unique(bracket):
        members = np.flatnonzero(bracket == name)
        members = members[np.argsort(place[members], kind="stable")]
        first = np.fromiter(order(groups[members], value[members]), int)
        rest = np.ones(len(members), bool)
        rest[first] = False
        ranks[members[np.concatenate([first, np.flatnonzero(rest)])]] = np.arange(1, len(members) + 1)
    return pd.Series(ranks, index=scores.index)


def known_groups(method: str, people: pd.DataFrame, feature: str) -> NDArray:
    """(n,) names of the groups as text. Raises InputError if somebody has none."""
    missing = int(people[feature].isna().sum())
    if missing:
        raise InputError(
            f"{method}: {missing} of {len(people)} people have no {feature}; give them a group of their own, such as "
            "'unknown', or leave them out"
        )
    return people[feature].astype(str).to_numpy(object)


def shares_of(groups: NDArray) -> dict[str, float]:
    """The share of each group among these people, by name."""
    names, counts = np.unique(groups.astype(str), return_counts=True)
    return {str(name): int(count) / len(groups) for name, count in zip(names, counts, strict=True)}


def checked_shares(method: str, shares: Mapping[str, float] | None) -> None:
    """Raises InputError for shares that are not numbers of at least 0 with the sum 1."""
    if shares is None:
        return
    values = list(shares.values())
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) and v >= 0 for v in values)
    if not values or not numbers or abs(sum(values) - 1) > 1e-6:
        raise InputError(
            f"{method}: shares are one number of at least 0 a group, with the sum 1, or null for the shares of those "
            f"who entered the bracket; given {dict(shares)}"
        )


def check_named(method: str, setting: str, named: Iterable[str], groups: NDArray) -> None:
    """Raises InputError for a group that enters and is not among `named`: its places would be nobody's decision."""
    unnamed = sorted(set(groups) - set(named))
    if unnamed:
        raise InputError(
            f"{method}: {setting} does not name {listed(unnamed)}, of whom somebody enters; a share of 0 has to be said"
        )
