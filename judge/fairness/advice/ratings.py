"""Ratings: whether raters of other groups rate a group otherwise than its own raters do, by single ratings."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from judge.data.user_tables import texts
from judge.fairness.advice.evidence import Found, welch

#: Fewest raters on either side: a t interval over fewer says nothing.
FEWEST_RATERS = 3
#: Part of a shift that the pictures' means let through, below which raters of both sides have not met.
LEAST_MET = 0.2
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

    A shift moves the pictures' means as well, by how many of either side rated each. What the estimate makes of a shift
    of one point, with the very raters and pictures, is therefore divided out: a shift alike in all is met exactly.
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
    if known["group"].nunique() < 2:
        found.unknown.append(("ratings", f"only pictures of {known['group'].iloc[0]} have single ratings"))
        return found
    known = known.assign(**{rater_group: texts(known[rater_group])})
    of_rater = known.groupby("rater_id")[rater_group].agg(
        lambda told: told.dropna().iloc[0] if told.notna().any() else None
    )
    nameless = int(of_rater.isna().sum())
    if nameless:
        found.unknown.append(("ratings", f"{nameless} raters of no known group are left out"))
        known = known[known["rater_id"].map(of_rater).notna()]
    scale = float(known.groupby(["group", "image_id"])["rating"].mean().groupby("group").std().mean())
    for name in sorted(known["group"].unique()):
        mine = known["group"] == name
        by_rater = _by_rater(known, known["rating"], mine)
        who = of_rater.reindex(by_rater.index)
        own, others = by_rater[who == name], by_rater[who != name]
        if min(len(own), len(others)) < FEWEST_RATERS:
            found.unknown.append(
                ("ratings", f"{name}: {len(own)} raters of the group and {len(others)} others have rated both it and "
                            f"others; {FEWEST_RATERS} of each are needed")
            )  # fmt: skip
            continue
        # what the same makes of a shift of one point: a rater moves the mean that the rater is held against, too
        unit = _by_rater(known, (mine & (known["rater_id"].map(of_rater) != name)).astype(float), mine)
        unit_of_one = unit[others.index].mean() - unit[own.index].mean()
        if not unit_of_one > LEAST_MET:
            found.unknown.append(
                ("ratings", f"{name}: its own raters and others hardly rated the same pictures")
            )
            continue
        own, others = own / unit_of_one, others / unit_of_one
        value, low, high, p = _difference(others.to_numpy(float), own.to_numpy(float), confidence)
        found.rows.append(
            {"skew": "ratings", "group": name, "measure": "rating_shift", "value": value,
             "n": len(own) + len(others), "ci_low": low, "ci_high": high, "p_value": p,
             "size": value / scale if scale else np.nan, "test": "permuted raters; t interval",
             "detail": f"{len(others)} raters of other groups against {len(own)} of its own"}
        )  # fmt: skip
    return found


def _by_rater(known: pd.DataFrame, values: pd.Series, mine: pd.Series) -> pd.Series:
    """Each rater's mean deviation from the pictures' means, over the group's pictures less over all others."""
    off = (
        (values - values.groupby(known["image_id"]).transform("mean"))
        .groupby([known["rater_id"], mine])
        .mean()
        .unstack()
    )
    return (off[True] - off[False]).dropna()


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
