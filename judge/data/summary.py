"""What a data set holds, as tables: groups × brackets, ratings by group, how reliable they are, what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from judge.data.brackets import AGE_GROUPS, bracket_columns
from judge.data.tables import SENSITIVE_FEATURES

MISSING = "(missing)"


def known_features(manifest: pd.DataFrame) -> list[str]:
    """The usual sensitive features that the manifest has at least one value of."""
    return [name for name in SENSITIVE_FEATURES if name in manifest and manifest[name].notna().any()]


def counts(
    manifest: pd.DataFrame, feature: str, brackets: Sequence[str] = ("gender", "age_group")
) -> pd.DataFrame:
    """Pictures by group (rows, by name) and bracket (columns), with a last row and column of sums.

    A bracket is a combination of the columns in `brackets` that the manifest has; combinations that nobody
    is in show as 0, of the age groups all five. People without a label count under "(missing)".
    """
    within = [name for name in bracket_columns(manifest, brackets) if name != feature]
    labels = [manifest[name].astype("str").fillna(MISSING) for name in within]
    group = manifest[feature].astype("str").fillna(MISSING).rename(feature)
    if not labels:
        return group.value_counts().sort_index().rename("all").to_frame()
    levels = [
        sorted(set(column) | (set(AGE_GROUPS) if name == "age_group" else set()))
        for name, column in zip(within, labels, strict=True)
    ]
    table = pd.crosstab(group, labels, rownames=[feature], colnames=within)
    full = (
        pd.MultiIndex.from_product(levels, names=within)
        if len(levels) > 1
        else pd.Index(levels[0], name=within[0])
    )
    table = table.reindex(columns=full, fill_value=0)
    table.columns = [" ".join(key) if isinstance(key, tuple) else key for key in table.columns]
    table.loc["all"] = table.sum()
    return table.assign(all=table.sum(axis=1))


def ratings_by_group(manifest: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """feature, group, pictures, rated, mean, sd (sample standard deviation, NaN below two rated pictures)."""
    parts = []
    for feature in features:
        grouped = manifest.groupby(manifest[feature].astype("str").fillna(MISSING))["rating"]
        part = grouped.agg(pictures="size", rated="count", mean="mean", sd="std")
        parts.append(part.rename_axis("group").reset_index().assign(feature=feature))
    columns = ["feature", "group", "pictures", "rated", "mean", "sd"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def missing_values(manifest: pd.DataFrame) -> pd.DataFrame:
    """column, missing, share: the columns in which something is missing."""
    gaps = manifest.isna().sum()
    table = gaps[gaps > 0].rename("missing").rename_axis("column").reset_index()
    return table.assign(share=table["missing"] / max(len(manifest), 1))


def exclusion_counts(excluded: pd.DataFrame) -> pd.DataFrame:
    """reason, number: what could not be used, the most frequent reason first."""
    return excluded["reason"].value_counts().rename_axis("reason").rename("number").reset_index()


@dataclass(frozen=True)
class Reliability:
    """How far the mean ratings would agree with those of other raters, as many of them.

    split_half       Pearson correlation of two half means over pictures, mean over random halvings
    spearman_brown   2r / (1 + r): the same for means over all ratings of a picture. A perfect judge's
                     correlation with the ratings has the expectation √spearman_brown
    pictures         with at least two single ratings; median_ratings of them
    """

    split_half: float
    spearman_brown: float
    pictures: int
    median_ratings: float


def reliability(ratings: pd.DataFrame, *, rng: np.random.Generator, halvings: int = 30) -> Reliability | None:
    """Split-half reliability of the mean ratings with the correction of Spearman (1910) and Brown (1910).

    The ratings of each picture are halved at random, an odd one is left out. None where fewer than three
    pictures have two ratings, or where the half means do not vary.
    """
    codes, _ = pd.factorize(ratings["image_id"])
    values = ratings["rating"].to_numpy(float)
    sizes = np.bincount(codes)
    enough = sizes >= 2
    if enough.sum() < 3:
        return None
    half = sizes // 2
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    found = []
    for _ in range(halvings):
        order = np.lexsort((rng.random(len(codes)), codes))
        picture = codes[order]
        place = np.arange(len(order)) - starts[picture]
        first, second = place < half[picture], (place >= half[picture]) & (place < 2 * half[picture])
        means = [
            np.bincount(picture[part], values[order][part], len(sizes))[enough] / half[enough]
            for part in (first, second)
        ]
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append(np.corrcoef(*means)[0, 1])
    r = float(np.mean(found))
    if np.isnan(r):
        return None
    return Reliability(r, 2 * r / (1 + r), int(enough.sum()), float(np.median(sizes[enough])))
