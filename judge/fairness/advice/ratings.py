"""Ratings: whether raters of other groups rate a group otherwise than its own raters do, by single ratings."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from judge.fairness.advice.evidence import Found, welch

#: Fewest raters on either side: a t interval over fewer says nothing.
FEWEST_RATERS = 3
#: Up to so many raters p is that of permuted groups of raters, from so many draws; above, that of Welch's t.
MOST_PERMUTED, DRAWS = 300, 20_000


def rating_shifts(
    ratings: pd.DataFrame, group: pd.Series, *, rater_group: str | None, confidence: float
) -> Found:
    """By how many points other raters rate a group lower or higher than its own raters do.

    ratings      image_id, rater_id, rating and, where known, the column `rater_group`
    group        group of each picture, by image_id

    A rating less the mean of all ratings of its picture says how a rater differs from the others about one face.
    Averaged by rater over the pictures of the group, less the same over all other pictures, it is free of faces and of
    how lenient the rater is. Its mean over raters of other groups less its mean over the group's own raters is the
    shift: a difference in differences, raters being the units. Its interval is Student's with one variance, its p that
    of the raters' groups in random order: a group's own raters are often few, and Welch's interval of six raters is
    half as wide again. Above MOST_PERMUTED raters both are Welch's. Pictures that one person rated say nothing of it. A
    shift that a group's own raters share does not show.
    """
    found = Found()
    known = ratings.assign(group=ratings["image_id"].map(group))
    known = known[known["group"].notna() & known["rating"].notna()]
    several = known.groupby("image_id")["rater_id"].transform("nunique") > 1
    known = known[several]
    if known.empty:
        found.unknown.append(("ratings", "no picture of a known group has been rated by two people"))
        return found
    if rater_group is None or known[rater_group].isna().all():
        found.unknown.append(
            ("ratings", f"{known['rater_id'].nunique():,} people rated, but of which group they are is not known, so "
                        "that an opinion of one group about another cannot be told from one that all share")
        )  # fmt: skip
        return found
    residual = known["rating"] - known.groupby("image_id")["rating"].transform("mean")
    known = known.assign(residual=residual)
    scale = float(known.groupby(["group", "image_id"])["rating"].mean().groupby("group").std().mean())
    of_rater = known.groupby("rater_id")[rater_group].agg(
        lambda told: told.dropna().iloc[0] if told.notna().any() else None
    )
    for name in sorted(known["group"].unique()):
        mine = known["group"] == name
        by_rater = (
            known[mine].groupby("rater_id")["residual"].mean()
            - known[~mine].groupby("rater_id")["residual"].mean()
        )
        by_rater = by_rater.dropna()
        who = of_rater.reindex(by_rater.index)
        own, others = by_rater[who == name], by_rater[(who != name) & who.notna()]
        if min(len(own), len(others)) < FEWEST_RATERS:
            found.unknown.append(
                ("ratings", f"{name}: {len(own)} raters of the group and {len(others)} others have rated both it and "
                            f"others; {FEWEST_RATERS} of each are needed")
            )  # fmt: skip
            continue
        value, low, high, p = _difference(others.to_numpy(float), own.to_numpy(float), confidence)
        found.rows.append(
            {"skew": "ratings", "group": name, "measure": "rating_shift", "value": value,
             "n": len(own) + len(others), "ci_low": low, "ci_high": high, "p_value": p,
             "size": value / scale if scale else np.nan, "test": "permuted raters; t interval",
             "detail": f"{len(others)} raters of other groups against {len(own)} of its own"}
        )  # fmt: skip
    return found


def _difference(x: NDArray, y: NDArray, confidence: float) -> tuple[float, float, float, float]:
    """Mean of x less mean of y over raters: value, limits, two-sided p."""
    if len(x) + len(y) > MOST_PERMUTED:
        return welch([(1.0, x), (-1.0, y)], confidence)
    both = np.concatenate([x, y])
    value = float(x.mean() - y.mean())
    if not both.std() > 0:
        return value, np.nan, np.nan, np.nan
    low, high = ttest_ind(x, y).confidence_interval(confidence)
    rng = np.random.default_rng(0)
    order = rng.permuted(np.broadcast_to(both, (DRAWS, len(both))), axis=1)
    shuffled = order[:, : len(x)].mean(1) - order[:, len(x) :].mean(1)
    p = (1 + (np.abs(shuffled) >= abs(value) - 1e-12).sum()) / (1 + DRAWS)
    return value, float(low), float(high), float(p)
