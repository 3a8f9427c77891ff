"""Checks on groups from one person on: every score row, and the probability of outranking with its test.

Scores are normal, skewed (lognormal, skewness 0.78; mean ratings of faces have −0.42 in MEBeauty and 0.52 in the London
set) or whole numbers from 1 to 5. A size at which the audit gives no interval is listed as such.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from calibration_checks.table import Table
from judge.fairness.inference.settings import Inference
from judge.fairness.metrics import group_metrics
from judge.fairness.metrics.outranking import ByScore

SIZES = (1, 2, 3, 4, 5, 8, 10, 15, 50)
#: Correlation of the normal variables behind rating and score.
RHO = 0.6
SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "normal": lambda z: z,
    "skewed": lambda z: (np.exp(0.25 * z) - 1) / 0.25,
    "whole numbers": lambda z: np.clip(np.rint(3 + z), 1, 5),
}
#: Shares of the people of each bracket.
LAYOUTS = {"one bracket": [1.0], "even brackets": [0.25] * 4, "uneven brackets": [0.6, 0.25, 0.1, 0.05]}
OTHERS = 200


def small_scores(table: Table, n: int, rng: np.random.Generator) -> None:
    """Coverage of the intervals of one group's scores and errors."""
    sizes = (*SIZES, 300)
    names = np.repeat([f"n = {size}" for size in sizes], sizes)
    for shape in SHAPES:
        score, rating = _score_and_rating(shape, 2_000_000, rng)
        many = group_metrics(score, rating=rating, sensitive_feature=np.zeros(len(score), int))
        truth = many.set_index("metric")["value"]
        found = []
        for _ in range(n):
            score, rating = _score_and_rating(shape, len(names), rng)
            found.append(group_metrics(score, rating=rating, sensitive_feature=names))
        for (metric, group), part in pd.concat(found).groupby(["metric", "group"], sort=False):
            table.coverage(f"{metric}, {group}, {shape}", part["ci_low"], part["ci_high"], truth[metric])


def small_outranking(table: Table, n: int, rng: np.random.Generator) -> None:
    """False alarms of the Mann–Whitney test, coverage of the probability of outranking 200 others, or as few."""
    groups = np.concatenate([[0] * OTHERS, np.repeat(np.arange(1, len(SIZES) + 1), SIZES)])
    twins = np.repeat(np.arange(len(SIZES) + 1, 2 * len(SIZES) + 1), SIZES)  # a second group of each size
    for shape in SHAPES:
        for shift in (0.0, 1.0):
            truth = _outranks(shape, shift, rng)
            for layout, shares in LAYOUTS.items():
                everybody = np.concatenate([groups, twins]) if layout == "one bracket" else groups
                found: dict[str, list[tuple[float, float, float, str]]] = {}
                for t in range(n if shift == 0 else n // 2):
                    bracket = rng.choice(len(shares), len(everybody), p=shares)
                    lower = (everybody > 0) & (everybody <= len(SIZES))
                    score = _lowered(shape, rng.normal(size=len(everybody)), shift * lower) + 0.5 * bracket
                    order = np.lexsort((score, bracket))
                    people = ByScore.of(score[order], bracket[order], everybody[order], everybody.max() + 1)
                    how = Inference(n_permutations=1000, rng=t)
                    for i, size in enumerate(SIZES):
                        against = {"200 others": 0}
                        if layout == "one bracket":
                            against["as many others"] = len(SIZES) + 1 + i
                        for words, reference in against.items():
                            row = people.outranking(i + 1, reference, how=how)
                            if not np.isnan(row.value):
                                key = f"{size} against {words}"
                                found.setdefault(key, []).append((row.low, row.high, row.p_value, row.test))
                for words, rows in found.items():
                    low, high, p = np.array([row[:3] for row in rows]).T
                    label = f"{words}, {shape}, {layout}"
                    table.coverage(f"outrank probability {truth:.2f}, {label}", low, high, truth)
                    if shift == 0:
                        exact = all(row[3] != "mann_whitney" for row in rows)
                        table.alarm(f"Mann–Whitney in brackets, {label}", p, exact=exact)


def _score_and_rating(shape: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rating, noise = rng.normal(size=(2, n))
    score = RHO * rating + np.sqrt(1 - RHO**2) * noise
    shaped = SHAPES[shape]
    if shape == "whole numbers":
        return shaped(0.3 + 0.8 * score), shaped(rating)
    return 0.3 + 0.8 * shaped(score), shaped(rating)


def _lowered(shape: str, z: np.ndarray, shift: np.ndarray | float) -> np.ndarray:
    """Scores lowered after shaping, so that skewness changes the ranks; whole numbers stay whole."""
    return SHAPES[shape](z - shift) if shape == "whole numbers" else SHAPES[shape](z) - shift


def _outranks(shape: str, shift: float, rng: np.random.Generator) -> float:
    if shift == 0:
        return 0.5
    group, others = (
        _lowered(shape, rng.normal(size=4_000_000), shift),
        SHAPES[shape](rng.normal(size=4_000_000)),
    )
    return float((group > others).mean() + (group == others).mean() / 2)
