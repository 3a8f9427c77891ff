"""Who a refit learns from, and what the judge's head reads of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError
from judge.jury.ridge import once_each


class Read(NamedTuple):
    """n different pictures that could be read."""

    features: NDArray[np.float64]  # (n, F)
    rating: NDArray[np.float64]  # (n,) NaN where unknown
    weight: NDArray[np.float64]  # (n,)
    group: NDArray[np.object_]  # (n,) NaN where unknown


def read(judge: Any, people: pd.DataFrame, feature: str) -> Read:
    """Features of the people's pictures, a picture that comes several times once, with the sum of its weights."""
    features, rows, _ = judge.read(once_each(people))
    rating = rows["rating"] if "rating" in rows else pd.Series(np.nan, index=rows.index)
    return Read(
        features.astype(np.float64),
        rating.to_numpy(float),
        rows["weight"].to_numpy(float),
        rows[feature].to_numpy(object),
    )


def group_sizes(people: pd.DataFrame, feature: str, *, rated: bool) -> dict[str, int]:
    """Different pictures of each group; rated: with a rating only."""
    people = people[~people["image_id"].duplicated()]
    if rated:
        people = people[people["rating"].notna()]
    return {str(g): int(n) for g, n in people[feature].value_counts().sort_index().items()}


def check_sizes(method: str, sizes: dict[str, int], least: int, whose: str) -> None:
    """Raises InputError unless there are two groups of at least so many."""
    if len(sizes) < 2 or min(sizes.values()) < least:
        raise InputError(
            f"{method}: two groups or more are needed, with at least {least} rated people each, among {whose}; "
            f"there are {sizes}"
        )
