"""What the methods of this room share: whether a group has enough people to be fitted on, and whose group is known."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from judge.errors import InputError, listed


def enough_people(
    method: str,
    people: pd.DataFrame,
    entrants: pd.DataFrame,
    *,
    feature: str,
    least: int,
    rated: bool = False,
) -> None:
    """Raises InputError if a group that enters has too few people to be fitted on.

    rated  only people with a rating count
    """
    if rated:
        has_rating = people["rating"].notna() if "rating" in people else pd.Series(False, index=people.index)
        people = people[has_rating]
    has = people[feature].value_counts()
    few = {
        str(g): int(has.get(g, 0)) for g in sorted(set(entrants[feature].dropna().astype(str)))
        if has.get(g, 0) < least
    }  # fmt: skip
    if few:
        raise InputError(
            f"{method}: at least {least} {'rated ' if rated else ''}people of each group that enters are needed who "
            f"neither train nor enter; there are {few}. Lower entrants.n or pool.n, raise pool.calibration, "
            "or set min_people"
        )


def scored_people(
    method: str, scores: pd.Series, people: pd.DataFrame, *, feature: str, least: int, rated: bool = False
) -> pd.DataFrame:
    """The people to be fitted on, those without a score or a group left out: score, group and, if `rated`, rating.

    Raises InputError where a group has fewer than `least` of them, or scores (or ratings) without a spread.
    """
    known = pd.DataFrame({"score": scores.to_numpy(float), "group": people[feature].to_numpy()})
    wanted = ["score"]
    if rated:
        if "rating" not in people or people["rating"].isna().all():
            raise InputError(f"{method}: nobody of the {len(people)} people it is fitted on has a rating")
        known["rating"] = people["rating"].to_numpy(float)
        wanted.append("rating")
    known = known.dropna().assign(group=lambda rows: rows["group"].astype("str"))
    for name in sorted(set(people[feature].dropna().astype("str"))):
        of_group = known[known["group"] == name]
        for what in wanted:
            spread = of_group[what].std(ddof=1) if len(of_group) > 1 else 0.0
            if len(of_group) < least or not spread > 0:
                raise InputError(
                    f"{method}: {len(of_group)} {'rated and ' if rated else ''}scored people of {name!r} with a "
                    f"standard deviation of {spread:.3g} of their {what}s; at least {least} and a spread above 0 are "
                    "needed"
                )
    return known.reset_index(drop=True)


def groups_of(method: str, people: pd.DataFrame, feature: str, fitted: Iterable[str] | None) -> pd.Series:
    """The group of each entrant. InputError before the fit, and for a group that the method was not fitted on."""
    if fitted is None:
        raise InputError(f"{method}: it has to be fitted before it is applied")
    group = people[feature].astype("str")
    unknown = sorted(set(group.dropna()) - set(fitted))
    if unknown or group.isna().any():
        named = listed(unknown) if unknown else "an unknown group"
        raise InputError(f"{method}: it was not fitted on anybody of {named}")
    return group
