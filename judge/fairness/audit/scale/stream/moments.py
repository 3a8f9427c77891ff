"""Level, spread, tail and errors of each group's scores, from three passes over a stream of people.

The passes compute what `judge.fairness.metrics.score_errors` computes of arrays: sums first, then sums of what is
centred on the means, then what needs slope and correlation. The intervals are made of these by the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.fairness.audit.scale.stream.tails import Tails
from judge.fairness.inference.intervals.pairs import pearson_limits, slope_limits
from judge.fairness.inference.intervals.scale import (
    NONE,
    TOP,
    mae_limits,
    rmse_limits,
    spread_limits,
    student_limits,
    top_tail_limits,
)
from judge.fairness.metrics.score_errors import ERROR_METRICS, FEWEST, SCORE_METRICS, Measured


class People(NamedTuple):
    """Some people in order of falling score: score, group, people a row, rating."""

    score: NDArray[np.float64]
    group: NDArray[np.int64]
    people: NDArray[np.int64]
    rating: NDArray[np.float64] | None


class _Sums:
    """Named sums over groups; what pieces add is added up without loss (Neumaier 1974)."""

    def __init__(self, groups: int) -> None:
        self.groups = groups
        self.total: dict[str, NDArray[np.float64]] = {}
        self.lost: dict[str, NDArray[np.float64]] = {}

    def add(self, name: str, people: People, values: NDArray) -> None:
        if name not in self.total:
            self.total[name], self.lost[name] = np.zeros(self.groups), np.zeros(self.groups)
        new = np.bincount(people.group, values * people.people, self.groups)
        old = self.total[name]
        total = old + new
        self.lost[name] += np.where(np.abs(old) >= np.abs(new), (old - total) + new, (new - total) + old)
        self.total[name] = total

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.total[name] + self.lost[name]


def group_metrics_of_stream(
    stream: Callable[[], Iterator[People]],
    n: NDArray[np.int64],
    names: tuple[str, ...],
    *,
    rated: bool,
    confidence: float,
) -> pd.DataFrame:
    """`judge.fairness.metrics.group_metrics` of people who come in pieces.

    Parameters
    ----------
    stream : callable
        Gives all people anew, in order of falling score.
    n : (G,) int
        People of each group.
    names : tuple of str
        Of the groups.
    rated : bool
        Whether everybody has a finite rating, and errors are asked for.
    confidence : float
        Of the intervals.

    Returns
    -------
    DataFrame
        As from `group_metrics`.
    """
    tails = Tails(n).read((p.score, p.group, p.people) for p in stream())
    sums = _passes(stream, n, tails, rated=rated)
    rows = []
    for g, name in enumerate(names):
        size = int(n[g])
        rows += [
            found.row(name, size)
            for found in _one_group(sums, tails, g, size, rated=rated, confidence=confidence)
        ]
    return pd.DataFrame(
        rows, columns=["metric", "group", "value", "n", "ci_low", "ci_high", "interval", "flag"]
    )


def _passes(
    stream: Callable[[], Iterator[People]], n: NDArray[np.int64], tails: Tails, *, rated: bool
) -> _Sums:
    sums, size = _Sums(len(n)), np.maximum(n, 1)
    for p in stream():
        sums.add("score", p, p.score)
        if rated and p.rating is not None:
            error = p.score - p.rating
            for name, values in (
                ("rating", p.rating), ("error", error), ("absolute", np.abs(error)), ("square", error * error),
            ):  # fmt: skip
                sums.add(name, p, values)
    mean = sums["score"] / size
    cut = np.where(np.isnan(tails.cut), np.inf, tails.cut)
    for p in stream():
        a = p.score - mean[p.group]
        beyond = np.maximum(p.score - cut[p.group], 0) / TOP
        square = a * a
        for name, values in (
            ("a", a), ("aa", square), ("aaa", square * a), ("aaaa", square * square), ("tail", beyond),
            ("tail squared", beyond * beyond),
        ):  # fmt: skip
            sums.add(name, p, values)
        if rated and p.rating is not None:
            b, error = p.rating - (sums["rating"] / size)[p.group], p.score - p.rating
            for name, values in (
                ("b", b), ("bb", b * b), ("ab", a * b),
                ("error about", (error - (sums["error"] / size)[p.group]) ** 2),
                ("absolute about", (np.abs(error) - (sums["absolute"] / size)[p.group]) ** 2),
                ("square about", (error * error - (sums["square"] / size)[p.group]) ** 2),
            ):  # fmt: skip
                sums.add(name, p, values)
    if rated:
        _third_pass(stream, n, mean, sums)
    return sums


def _third_pass(
    stream: Callable[[], Iterator[People]], n: NDArray[np.int64], mean: NDArray, sums: _Sums
) -> None:
    """Residuals of the regression, and each person's influence on the correlation."""
    size = np.maximum(n, 1)
    r_mean = sums["rating"] / size
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = sums["ab"] / sums["aa"]
        s_a, s_b = np.sqrt(sums["aa"] / size), np.sqrt(sums["bb"] / size)
        r = sums["ab"] / size / (s_a * s_b)
    sums.total["least left"] = np.full(len(n), np.inf)
    sums.lost["least left"] = np.zeros(len(n))
    for p in stream():
        if p.rating is None:
            continue
        g = p.group
        a, b = p.score - mean[g], p.rating - r_mean[g]
        with np.errstate(divide="ignore", invalid="ignore"):
            error = b - slope[g] * a
            left = ((size - 1) / size)[g] - a * a / sums["aa"][g]
            x, y = a / s_a[g], b / s_b[g]
            influence = x * y - (r / 2)[g] * (x * x + y * y)
            np.minimum.at(sums.total["least left"], g, left)
            for name, values in (
                ("residual", error * error), ("robust", ((a * error) / left) ** 2), ("influence", influence),
                ("influence squared", influence * influence),
            ):  # fmt: skip
                sums.add(name, p, values)


def _one_group(
    sums: _Sums, tails: Tails, g: int, n: int, *, rated: bool, confidence: float
) -> Iterator[Measured]:
    if n == 0:
        for metric in SCORE_METRICS + (ERROR_METRICS if rated else ()):
            yield Measured(metric, np.nan, np.nan, np.nan)
        return

    def total(name: str) -> float:
        return float(sums[name][g])

    mean, squares = total("score") / n, total("aa") - total("a") ** 2 / n
    sd = float(np.sqrt(squares / (n - 1))) if n > 1 else np.nan
    yield Measured("mean_score", mean, *student_limits(n, mean, sd, confidence=confidence))
    kept = n - 2 * int(tails.trimmed[g])
    d = (total("score") - float(tails.ends[g])) / kept - mean if kept > 0 else 0.0
    fourth = total("aaaa") - 4 * d * total("aaa") + 6 * d * d * total("aa") - 4 * d**3 * total("a") + n * d**4
    yield Measured("spread", sd, *spread_limits(n, squares, fourth, confidence=confidence))
    tail = float(tails.top[g] / tails.wanted[g])
    variance = (total("tail squared") - total("tail") ** 2 / n) / (n - 1) if n > 1 else 0.0
    tail_sd = float(np.sqrt(max(variance, 0.0)))
    yield Measured("top_tail_score", tail, *top_tail_limits(n, tail, tail_sd, confidence=confidence))
    if not rated:
        return
    r_mean, r_squares = total("rating") / n, total("bb") - total("b") ** 2 / n
    products = total("ab")
    # a score that is constant up to rounding has no slope and no correlation
    s_flat = n < FEWEST["pearson"] or squares <= n * 1e-14 * max(mean**2, 1e-30)
    r_flat = r_squares <= n * 1e-14 * max(r_mean**2, 1e-30)
    slope: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    pearson: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    if not s_flat:
        b = products / squares
        residual = total("residual")
        known = total("least left") > 1e-12 and residual > 1e-24 * r_squares
        variance = max(residual / (n - 2) / squares, total("robust") / squares**2) if known else np.nan
        slope = b, *(slope_limits(n, b, variance, confidence=confidence) if known else NONE)
        if not r_flat:
            r = float(np.clip(products / np.sqrt(squares * r_squares), -1, 1))
            influence = total("influence squared") / n - (total("influence") / n) ** 2
            pearson = r, *pearson_limits(n, r, influence, confidence=confidence)
    yield Measured(
        "mean_rating", r_mean, *student_limits(n, r_mean, _sd(r_squares, n), confidence=confidence)
    )
    yield Measured("pearson", *pearson)
    mae, mse, error = total("absolute") / n, total("square") / n, total("error") / n
    yield Measured("mae", mae, *mae_limits(n, mae, _sd(total("absolute about"), n), confidence=confidence))
    spread = _sd(total("square about"), n)
    yield Measured("rmse", float(np.sqrt(mse)), *rmse_limits(n, mse, spread, confidence=confidence))
    spread = _sd(total("error about"), n)
    yield Measured("signed_error", error, *student_limits(n, error, spread, confidence=confidence))
    yield Measured("calibration_slope", *slope)


def _sd(squares: float, n: int) -> float:
    return float(np.sqrt(squares / (n - 1))) if n > 1 else 0.0
