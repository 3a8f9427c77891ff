"""A linear head on frozen features under (ε, δ)-differential privacy: one noisy pair of sums, and all else follows.

What a ridge regression needs of the people are Σ x xᵀ and Σ x y. Both get Gaussian noise once; solving is free. Private
are the features and ratings of the people. Public are the network that made the features, the range of ratings and the
pictures in `public`, of people of the same kind, by which features are centred, turned, scaled and clipped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError

#: Directions that the head reads: the noise of Σ x xᵀ grows with their root, its signal falls with their number.
WIDTH = 32


@dataclass(frozen=True)
class PublicSpace:
    """What is done with features before anything private is asked of them.

    mean (F,), basis (F, d)  x → (x − mean) @ basis: the largest principal directions of public features, whitened
    radius                   longer rows are shortened to it: the median length of public rows
    """

    mean: NDArray[np.float64]
    basis: NDArray[np.float64]
    radius: float

    @classmethod
    def of(cls, public: ArrayLike, width: int = WIDTH) -> PublicSpace:
        """From features (m, F) of public pictures, m at least 2 · width. Raises InputError."""
        features = np.asarray(public, float)
        if features.ndim != 2 or not np.isfinite(features).all():
            raise InputError(f"public features are finite numbers (m, F), not {features.shape}")
        if not 1 <= width <= min(features.shape[1], len(features) // 2):
            raise InputError(
                f"width={width}: from 1 to {min(features.shape[1], len(features) // 2)}, the number of features and "
                "half that of the public pictures"
            )
        mean = features.mean(axis=0)
        _, sizes, turn = np.linalg.svd(features - mean, full_matrices=False)
        if sizes[width - 1] <= 1e-9 * sizes[0]:
            raise InputError(f"width={width}: the public pictures differ in fewer directions")
        basis = turn[:width].T / sizes[:width] * math.sqrt(len(features))
        lengths = np.linalg.norm((features - mean) @ basis, axis=1)
        return cls(mean, basis, float(np.median(lengths)))

    def rows(self, features: ArrayLike) -> NDArray[np.float64]:
        """(n, F) → (n, d + 1) of length at most 1, the last entry a constant."""
        turned = (np.asarray(features, float) - self.mean) @ self.basis
        length = np.linalg.norm(turned, axis=1, keepdims=True)
        shortened = turned / np.maximum(length, self.radius)
        return np.hstack([shortened, np.ones((len(turned), 1))]) / math.sqrt(2)


@dataclass(frozen=True)
class PrivateRidge:
    """A head fitted by `private_ridge`: score(features) in points, and what its privacy rests on."""

    space: PublicSpace
    weight: NDArray[np.float64]  # (d + 1,)
    rating_range: tuple[float, float]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def score(self, features: ArrayLike) -> NDArray[np.float64]:
        """(n, F) → (n,), within the range of ratings."""
        low, high = self.rating_range
        return np.clip(
            (low + high) / 2 + (high - low) / 2 * (self.space.rows(features) @ self.weight), low, high
        )


def private_ridge(
    features: ArrayLike,
    rating: ArrayLike,
    space: PublicSpace,
    *,
    epsilon: float,
    delta: float,
    rating_range: tuple[float, float],
    rng: np.random.Generator,
) -> PrivateRidge:
    """Ridge regression of ratings on features under (epsilon, delta)-differential privacy.

    Parameters
    ----------
    features : (n, F) array
    rating : (n,) array
        Points; clipped to `rating_range`.
    space : PublicSpace
    epsilon : float
        Over 0; inf adds no noise.
    delta : float
        Over 0, below 1: at most 1 / (n ln n) is usual.
    rating_range : (float, float)
        Lowest and highest possible rating, known beforehand and not looked up in the ratings.
    rng : Generator
        Draws the noise. Whoever knows its seed can take the noise away.

    Returns
    -------
    PrivateRidge

    Raises
    ------
    InputError
        For settings outside their range and arrays that do not fit together.

    Notes
    -----
    One person more or less changes (Σ x xᵀ, Σ x y) by at most √2 in Frobenius length, since |x| ≤ 1 and |y| ≤ 1: one
    Gaussian mechanism, whose noise is exact (Balle & Wang 2018). The penalty is the length that the noise of Σ x xᵀ is
    expected to have, so that the sum stays positive definite.

    References
    ----------
    Vu & Slavković (2009), Differential privacy for clinical trial data. Wang (2018), Revisiting differentially private
    linear regression, arXiv:1803.02596, algorithm 1. Balle & Wang (2018), arXiv:1805.06530, theorem 8.
    """
    x, y = np.asarray(features, float), np.asarray(rating, float)
    low, high = rating_range
    if x.ndim != 2 or y.shape != (len(x),) or x.shape[1] != len(space.mean):
        raise InputError(
            f"features (n, {len(space.mean)}) and a rating each are needed, not {x.shape} and {y.shape}"
        )
    if not np.isfinite(x).all() or not np.isfinite(y).all() or not low < high:
        raise InputError(f"features and ratings are finite, rating_range rising; it is {rating_range}")
    scale = noise_scale(epsilon, delta)
    rows = space.rows(x)
    target = np.clip((y - (low + high) / 2) / ((high - low) / 2), -1, 1)
    width = rows.shape[1]
    noise = np.triu(rng.normal(0, scale, (width, width)))
    # off the diagonal each number stands twice in the Frobenius length: 1/√2 of the noise suffices
    noise = (noise + np.triu(noise, 1).T) * np.where(np.eye(width, dtype=bool), 1, 1 / math.sqrt(2))
    squares = rows.T @ rows + noise
    products = rows.T @ target + rng.normal(0, scale, width)
    penalty = max(scale * math.sqrt(2 * width), 1e-3)
    values, vectors = np.linalg.eigh(squares)
    weight = vectors @ ((vectors.T @ products) / np.maximum(values + penalty, penalty))
    facts = {"epsilon": epsilon, "delta": delta, "noise": scale, "penalty": penalty, "width": width - 1}
    return PrivateRidge(space, weight, (float(low), float(high)), facts)


def noise_scale(epsilon: float, delta: float) -> float:
    """Standard deviation of the noise of `private_ridge`'s sums. Raises InputError for ε ≤ 0 and δ outside (0, 1)."""
    if not epsilon > 0:
        raise InputError(f"epsilon={epsilon}: over 0")
    if not 0 < delta < 1:
        raise InputError(f"delta={delta}: between 0 and 1")
    if math.isinf(epsilon):
        return 0.0
    from dp_accounting import get_sigma_gaussian

    return float(get_sigma_gaussian(epsilon, delta)) * math.sqrt(2)


def usual_delta(people: int) -> float:
    """1 / (n ln n), to be larger than which a δ needs a reason."""
    if people < 3:
        raise InputError(f"a budget for {people} people: at least 3")
    return 1 / (people * math.log(people))
