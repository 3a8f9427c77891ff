"""What a piece of evidence is, and by which rules it is none, weak or clear: the same for all kinds of skew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from judge.fairness.inference.exact_tests import holm

#: What can be skewed, in the order in which it is told.
SKEWS = ("representation", "ratings", "camera", "reading", "reference")
#: How strong evidence may be, from the weakest; "unknown" where the data cannot say.
STRENGTHS = ("unknown", "none", "weak", "clear")
#: An effect of at least this size may be called clear: a smaller one changes little, however sure it is.
LEAST = {
    "pool_ratio": 0.5,  # at most half of the entrants' share
    "reference_ratio": 0.5,
    "rating_shift": 0.2,  # standard deviations of people's mean ratings
    "exposure_change": 0.3,  # standard deviations within a group
    "contrast_change": 0.3,
    "spread_ratio": 0.9,  # at most nine tenths of the others'
    "slope_ratio": 0.9,
}
#: Measures that are ratios, of which only those below 1 are to a group's harm.
RATIOS = tuple(name for name in LEAST if name.endswith("_ratio"))
#: Skews of shares: each group has its own.
COUNTED = ("representation", "reference")
#: Measures that compare a group with all others, so that of two groups one is the mirror of the other.
MIRRORED = tuple(name for name in LEAST if name != "rating_shift")
COLUMNS = [
    "skew", "group", "measure", "value", "n", "ci_low", "ci_high", "p_value", "p_adjusted", "test", "size", "least",
    "strength", "detail",
]  # fmt: skip


@dataclass
class Found:
    """Rows of evidence of one kind, and what could not be known.

    rows     skew, group, measure, value, n, ci_low, ci_high, p_value, test, detail; `size` is the value in the unit of
             LEAST where that is another (points → standard deviations). Without p_value a row only describes
    unknown  (skew, why) of what the data cannot say
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)


def judged(parts: Sequence[Found], *, groups: int, confidence: float) -> pd.DataFrame:
    """All rows as one table, with Holm's adjustment over all tests of all kinds, and how strong each is.

    clear  the adjusted p is at most (1 − confidence) / 5, and the effect at least LEAST
    weak   the adjusted p is at most 1 − confidence
    none   otherwise, and where a ratio is above 1 (no harm to this group)
    ""     the row describes and tests nothing

    So with nothing skewed at all, anything is found with a probability of at most 1 − confidence.
    """
    table = pd.DataFrame([row for part in parts for row in part.rows]).reindex(columns=COLUMNS)
    if table.empty:
        return table
    alpha = round(1 - confidence, 12)
    table["p_value"] = table["p_value"].astype(float)
    table["size"] = table["size"].astype(float).fillna(table["value"].astype(float))
    table["least"] = table["measure"].map(LEAST).astype(float)
    again = table["measure"].isin(MIRRORED) & (groups == 2) & table.duplicated(["skew", "measure"])
    adjusted = pd.Series(holm(table["p_value"].where(~again)), table.index)
    first = adjusted.groupby([table["skew"], table["measure"]]).transform("first")
    table["p_adjusted"] = adjusted.where(~again, first)
    ratio = table["measure"].isin(RATIOS)
    harmful = ~ratio | (table["value"] < 1)
    large = np.where(ratio, table["size"] <= table["least"], table["size"].abs() >= table["least"])
    sure = table["p_adjusted"] <= alpha
    table["strength"] = np.select(
        [table["p_value"].isna(), harmful & large & (table["p_adjusted"] <= alpha / 5), harmful & sure],
        ["", "clear", "weak"],
        "none",
    )
    return table


def summary(evidence: pd.DataFrame, unknown: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """A row a skew: the strongest evidence for it, the groups it is of, and why nothing can be known."""
    rows = []
    for skew in SKEWS:
        own = evidence[(evidence["skew"] == skew) & (evidence["strength"] != "")]
        reasons = "; ".join(dict.fromkeys(why for what, why in unknown if what == skew))
        strength = max(own["strength"], key=STRENGTHS.index, default="unknown")
        named = own[own["strength"] == strength] if strength in ("weak", "clear") else own.head(0)
        told = named if skew in COUNTED else named[_apart(own)[named.index]]
        groups = list(dict.fromkeys(told["group"]))
        rows.append(
            {"skew": skew, "strength": strength, "groups": groups, "tests": len(own), "unknown": reasons}
        )
    return pd.DataFrame(rows, columns=["skew", "strength", "groups", "tests", "unknown"])


def _apart(rows: pd.DataFrame) -> pd.Series:
    """Whether a group stands apart by each measure: at least half as far from the median group as the farthest one.

    Where one group of three moves, the others move the other way by half as much: their mean of others has it.
    """
    ratio = rows["measure"].isin(RATIOS)
    size = rows["size"].where(~ratio, np.log(rows["size"].where(ratio, 1.0)))
    far = (size - size.groupby(rows["measure"]).transform("median")).abs()
    return far >= 0.5 * far.groupby(rows["measure"]).transform("max")


def welch(cells: Sequence[tuple[float, np.ndarray]], confidence: float) -> tuple[float, float, float, float]:
    """A weighted sum of means of independent samples: value, limits, two-sided p (Welch 1947, Biometrika 34:28).

    cells  (weight, values of at least two people). Four NaN where no sample varies.
    """
    from scipy.stats import t

    value = sum(w * x.mean() for w, x in cells)
    parts = np.array([w**2 * x.var(ddof=1) / len(x) for w, x in cells])
    if not parts.sum() > 0:
        return value, np.nan, np.nan, np.nan
    degrees = parts.sum() ** 2 / sum(
        part**2 / (len(x) - 1) for part, (_, x) in zip(parts, cells, strict=True)
    )
    error = float(np.sqrt(parts.sum()))
    half = float(t.ppf((1 + confidence) / 2, degrees)) * error
    return value, value - half, value + half, float(2 * t.sf(abs(value) / error, degrees))
