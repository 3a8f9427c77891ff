"""Other ways to publish a score that tells less of the group: the group erased from the features, and noise.

Both start from a ridge regression of the rating on the features that Alice sees, and publish nothing for Bob.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from judge.jury.ridge import PENALTIES, ridge


def fitted(
    x: NDArray[np.float64], rating: NDArray[np.float64], apply: Sequence[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """Scores of each of `apply` (n, F) by a ridge regression on x, rating."""
    fit = ridge(x, rating, np.ones(len(x)), PENALTIES)
    return [((other - fit.mean) / fit.scale) @ fit.weight + fit.bias for other in apply]


def erased(
    x: NDArray[np.float64],
    group: NDArray[np.int64],
    rating: NDArray[np.float64],
    share: float,
    apply: Sequence[NDArray[np.float64]],
) -> list[NDArray[np.float64]]:
    """Scores from features of which `share` of what LEACE would take is taken (1: all), ridge fitted on what is left.

    Belrose et al. 2023, arXiv:2306.03819, by their library concept-erasure.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the library's decorators, while it is imported
        from concept_erasure import LeaceFitter
    fitter = LeaceFitter.fit(
        torch.from_numpy(np.ascontiguousarray(x)),
        torch.from_numpy(np.eye(int(group.max()) + 1)[group]),
        # the library's way of keeping the trace small mixes in a projection that does not erase
        constrain_cov_trace=False,
        svd_tol=1e-6,
    )

    def left(part: NDArray[np.float64]) -> NDArray[np.float64]:
        return (1 - share) * part + share * fitter.eraser(torch.from_numpy(part)).numpy()

    return fitted(left(x), rating, [left(part) for part in apply])


def noisy(
    scores: Sequence[NDArray[np.float64]], spread: float, rng: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Scores with normal noise of `spread` standard deviations of the first of them."""
    sd = float(np.std(scores[0]))
    return [score + spread * sd * rng.standard_normal(len(score)) for score in scores]
