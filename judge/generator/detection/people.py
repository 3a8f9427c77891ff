"""Whose pictures a detector learns from, whose set its threshold, whose it is tested on.

Each person is in one part only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.data.tables import SENSITIVE_FEATURES
from judge.errors import InputError, listed
from judge.generator.conditions import Conditions

PARTS = ("train", "calibration", "test")


def one_picture_each(
    manifest: pd.DataFrame, n: int | None, *, seed: int, conditions: Sequence[Conditions] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """At most n people at random, one picture each, and who was left out: (manifest rows, reason and count).

    conditions  of the generators that are asked for people with the same labels: who has a label that one of them
                does not know is left out, since nobody could stand beside them
    Raises InputError where nobody is left.
    """
    left_out: list[tuple[str, int]] = []
    kept = manifest.sample(frac=1, random_state=seed)
    if "person_id" in kept:
        again = kept["person_id"].notna() & kept["person_id"].duplicated()
        left_out.append(("another picture of the same person", int(again.sum())))
        kept = kept[~again]
    for one in conditions:
        for name, groups in one.groups.items():
            if name not in kept:
                continue
            known = kept[name].isna() | kept[name].astype("str").isin(groups)
            left_out.append(
                (f"{name} is none of {', '.join(groups)}, which the generator knows", int((~known).sum()))
            )
            kept = kept[known]
    if n is not None and len(kept) > n:
        left_out.append((f"beyond the {n:,} people asked for", len(kept) - n))
        kept = kept.head(n)
    if kept.empty:
        raise InputError("no real person has labels that the generator knows; nobody could be compared with")
    table = pd.DataFrame(left_out, columns=["reason", "count"])
    return kept.reset_index(drop=True), table[table["count"] > 0].groupby("reason", as_index=False).sum()


def parts_of(n: int, shares: tuple[float, float], *, seed: int) -> dict[str, NDArray[np.int64]]:
    """Rows of each of PARTS; shares are those of train and calibration, the rest is the test."""
    order = np.random.default_rng(seed).permutation(n)
    first, second = round(shares[0] * n), round((shares[0] + shares[1]) * n)
    cut = np.split(order, [first, second])
    return {name: np.sort(rows) for name, rows in zip(PARTS, cut, strict=True)}


def features_of(people: pd.DataFrame, wanted: Sequence[str] | None = None) -> list[str]:
    """Features to count by: the usual ones with at least two groups, or `wanted`. Raises InputError."""
    known = [f for f in SENSITIVE_FEATURES if f in people and people[f].nunique() > 1]
    if wanted is None:
        return known
    if other := [f for f in wanted if f not in people or people[f].nunique() < 2]:
        raise InputError(
            f"features {listed(other)}: these people have at least two groups of {listed(known)}"
        )
    return list(wanted)
