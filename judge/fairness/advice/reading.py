"""Reading: whether a judge tells the people of a group apart as well as the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from judge.fairness.advice.evidence import Found
from judge.fairness.inference.intervals.pairs import pearson_interval

#: Fewest people of a group: variances of variances need some.
FEWEST = 20


def reading(people: pd.DataFrame, *, confidence: float) -> Found:
    """Spread and slope of the scores by group, each against the mean of the other groups', on the log scale.

    people  group, score (finite) and, where known, rating

    spread_ratio  sd of the scores over sd of the ratings, of the people who have both, over the other groups' geometric
                  mean of the same; without ratings, sd of the scores alone
    slope_ratio   slope of score on rating over the other groups' geometric mean; where all slopes are surely above 0
    pearson       described only, with its interval

    Both are tested by t with the delta method: the influence of a person on log sd is (z² − 1) / 2, on the log slope
    (z e) / (slope · sd), standardised ratings z and residuals e. Values below 1: the group's scores are pressed
    together, so that it has fewer people among the best, and among the worst.
    """
    found = Found()
    rated = "rating" in people and people["rating"].notna().any()
    logs: dict[str, dict[str, tuple[float, float, int]]] = {"spread_ratio": {}, "slope_ratio": {}}
    for group, part in people.groupby("group"):
        part = part[part["score"].notna() & (part["rating"].notna() if rated else True)]
        score = part["score"].to_numpy(float)
        if len(part) < FEWEST or score.std() == 0:
            found.unknown.append(
                (
                    "reading",
                    f"{group}: fewer than {FEWEST} people with a score" + (" and a rating" if rated else ""),
                )
            )
            continue
        rating = part["rating"].to_numpy(float) if rated else None
        if rating is not None and rating.std() == 0:
            found.unknown.append(("reading", f"{group}: all ratings are alike"))
            continue
        logs["spread_ratio"][str(group)] = _log_spread(score, rating)
        if rating is not None:
            r = float(np.corrcoef(score, rating)[0, 1])
            low, high = pearson_interval(score, rating, confidence=confidence)
            found.rows.append(
                {"skew": "reading", "group": str(group), "measure": "pearson", "value": r, "n": len(part),
                 "ci_low": low, "ci_high": high, "test": "Fisher z, robust", "detail": "score and rating"}
            )  # fmt: skip
            slope = _log_slope(score, rating)
            if slope is not None:
                logs["slope_ratio"][str(group)] = slope
    if not rated:
        found.unknown.append(
            ("reading", "no ratings: a smaller spread of scores may be one of the people themselves")
        )
    for measure, cells in logs.items():
        if len(cells) < 2:
            continue
        for group, (value, variance, n) in cells.items():
            others = [cell for name, cell in cells.items() if name != group]
            log = value - float(np.mean([v for v, _, _ in others]))
            parts = [(variance, n), *((v / len(others) ** 2, m) for _, v, m in others)]
            total = sum(v for v, _ in parts)
            degrees = total**2 / sum(v**2 / (m - 1) for v, m in parts)
            half = float(t.ppf((1 + confidence) / 2, degrees)) * np.sqrt(total)
            against = (
                "sd of scores" + (" over sd of ratings" if rated else "")
                if measure == "spread_ratio"
                else "slope of score on rating"
            )
            found.rows.append(
                {"skew": "reading", "group": group, "measure": measure, "value": np.exp(log), "n": n,
                 "ci_low": np.exp(log - half), "ci_high": np.exp(log + half),
                 "p_value": float(2 * t.sf(abs(log) / np.sqrt(total), degrees)), "test": "t on the log scale",
                 "detail": f"{against} {np.exp(value):.2f}"}
            )  # fmt: skip
    return found


def _log_spread(score: NDArray, rating: NDArray | None) -> tuple[float, float, int]:
    """log sd of the scores, less that of the ratings where there are any; its variance; n."""
    n = len(score)
    z = (score - score.mean()) / score.std()
    value, influence = np.log(score.std(ddof=1)), (z**2 - 1) / 2
    if rating is not None:
        w = (rating - rating.mean()) / rating.std()
        value, influence = value - np.log(rating.std(ddof=1)), influence - (w**2 - 1) / 2
    return float(value), float(influence.var(ddof=1) / (n - 1)), n


def _log_slope(score: NDArray, rating: NDArray) -> tuple[float, float, int] | None:
    """log of the slope of score on rating, its variance (HC3) and n; None where the slope is not surely above 0."""
    n = len(score)
    a = rating - rating.mean()
    squares = float((a**2).sum())
    slope = float((a * score).sum()) / squares
    residual = score - score.mean() - slope * a
    leverage = 1 / n + a**2 / squares
    variance = float(((a * residual / (1 - leverage)) ** 2).sum()) / squares**2
    if slope <= 3 * np.sqrt(variance):
        return None
    return float(np.log(slope)), variance / slope**2, n
