"""What score intervals of one bracket and of several share: constrained rates, and the test that is inverted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from judge.fairness.inference.settings import Bounds


def normal_quantile(confidence: float) -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + confidence) / 2))


def constrained_for_ratio(
    theta: NDArray, x1: NDArray, n1: NDArray, x0: NDArray, n0: NDArray
) -> NDArray[np.float64]:
    """The reference's rate at which the counts are likeliest if the ratio is θ: Miettinen & Nurminen 1985, eq. 12."""
    a, b, c = (n1 + n0) * theta, n1 * theta + x1 + n0 + x0 * theta, x1 + x0
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * c / (b + np.sqrt(np.maximum(b**2 - 4 * a * c, 0)))


def constrained_for_difference(
    delta: NDArray, x1: NDArray, n1: NDArray, x0: NDArray, n0: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both rates at which the counts are likeliest if the difference is δ: the middle root of a cubic, ibid. eq. 8."""
    total = n1 + n0
    with np.errstate(invalid="ignore", divide="ignore"):
        l3 = total
        l2 = (n1 + 2 * n0) * delta - total - (x1 + x0)
        l1 = (n0 * delta - total - 2 * x0) * delta + x1 + x0
        l0 = x0 * delta * (1 - delta)
        q = (l2 / (3 * l3)) ** 3 - l1 * l2 / (6 * l3**2) + l0 / (2 * l3)
        root = np.sqrt(np.maximum((l2 / (3 * l3)) ** 2 - l1 / (3 * l3), 0))
        # q is 0 where both sides are alike and delta is 0; p³ must neither be 0 nor underflow
        p = np.where(q < 0, -1.0, 1.0) * np.maximum(root, 1e-100)
        angle = (np.pi + np.arccos(np.clip(q / p**3, -1, 1))) / 3
        p0 = np.clip(2 * p * np.cos(angle) - l2 / (3 * l3), 0, 1)
    return np.clip(p0 + delta, 0, 1), p0


def of_brackets(
    score: Callable[[NDArray], NDArray],
    x1: NDArray,
    x0: NDArray,
    both: NDArray,
    *,
    limits: tuple[float, float],
    confidence: float,
    ratio: bool,
) -> Bounds:
    """A stratified score inverted; brackets with one side only say nothing."""
    none = np.zeros(x1.shape[:-1])
    low, high = inverted(score, none, none, none, none, bounds=limits, confidence=confidence)
    if ratio:
        low = np.where((x1 * both).sum(axis=-1) == 0, 0.0, np.exp(low))
        high = np.where((x0 * both).sum(axis=-1) == 0, np.inf, np.exp(high))
    alone = ~both.any(axis=-1)
    return Bounds(np.where(alone, np.nan, low), np.where(alone, np.nan, high))


def inverted(
    score: Callable[[NDArray], NDArray],
    x1: NDArray,
    n1: NDArray,
    x0: NDArray,
    n0: NDArray,
    *,
    bounds: tuple[float, float],
    confidence: float,
) -> Bounds:
    """Where a score that falls with its parameter crosses ± z, by bisection over all elements at once."""
    z = normal_quantile(confidence)
    limits = []
    for target in (z, -z):
        left, right = np.full(x1.shape, bounds[0]), np.full(x1.shape, bounds[1])
        for _ in range(70):
            middle = (left + right) / 2
            with np.errstate(all="ignore"):
                above = score(middle) > target
            left, right = np.where(above, middle, left), np.where(above, right, middle)
        limits.append((left + right) / 2)
    return Bounds(limits[0], limits[1])
