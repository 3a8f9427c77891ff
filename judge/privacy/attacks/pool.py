"""Attacks on a synthetic pool: is a picture nearer to it than to other people, is the pool denser around it?

Both divide by what pictures of other people of the same kind make likely: some people look like many, whoever trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError, listed
from judge.generator.audit.neighbours import features_array, nearest

#: Principal directions of the reference in which densities are estimated: in more, all pictures are far from all.
DIRECTIONS = 16


def calibrated_nearest(candidates: ArrayLike, pool: ArrayLike, reference: ArrayLike) -> NDArray[np.float64]:
    """Logarithm of the distance to the nearest reference picture over that to the nearest picture of the pool.

    Parameters
    ----------
    candidates : (n, d) array
        Features of members and non-members.
    pool : (m, d) array
        Of the synthetic pictures.
    reference : (r, d) array
        Of people of the same kind, none of them a candidate.

    Returns
    -------
    (n,) array
        High: near to the pool. A larger pool or reference moves all scores alike.

    Raises
    ------
    InputError
        For features of different widths or that are not finite.

    References
    ----------
    Chen et al. (2020), GAN-Leaks, arXiv:1909.03935, sec. 4.2 (black box) and 4.5 (calibration; there the difference of
    squared distances, here their ratio, which does not depend on the features' scale).
    """
    looked_at, made, others = _spaces(candidates, pool, reference)
    far, near = nearest(looked_at, others, 1).distance[:, 0], nearest(looked_at, made, 1).distance[:, 0]
    least = 1e-8 * max(
        float(np.sqrt((others**2).sum(axis=1).mean())), 1e-300
    )  # rounding of the same features
    return np.log(np.maximum(far, least)) - np.log(np.maximum(near, least))


def density_ratio(
    candidates: ArrayLike, pool: ArrayLike, reference: ArrayLike, *, directions: int = DIRECTIONS
) -> NDArray[np.float64]:
    """DOMIAS: logarithm of the pool's density at each candidate over the reference's.

    Settings, result and errors as of `calibrated_nearest`. Gaussian kernels of Scott's width along the largest
    principal directions of the reference, at most a tenth of its number or of the pool's.

    References
    ----------
    van Breugel et al. (2023), Membership inference attacks against synthetic data through overfitting detection,
    arXiv:2302.12580, eq. 2.
    """
    from scipy.stats import gaussian_kde

    looked_at, made, others = _spaces(candidates, pool, reference)
    width = min(directions, others.shape[1], len(others) // 10, len(made) // 10)
    if width < 1:
        raise InputError(
            f"densities need at least 10 pictures in the pool and the reference, not {len(made)} and {len(others)}"
        )
    mean = others.mean(axis=0)
    _, sizes, basis = np.linalg.svd(others - mean, full_matrices=False)
    there = sizes[:width] > 1e-9 * max(float(sizes[0]), 1e-300)
    if not there.any():
        raise InputError("the pictures of the reference are all the same")
    turn = basis[:width][there].T / sizes[:width][there] * np.sqrt(len(others))

    def log_density(x: NDArray[np.float64]) -> NDArray[np.float64]:
        try:
            kernels = gaussian_kde(((x - mean) @ turn).T, bw_method="scott")
        except np.linalg.LinAlgError as error:
            raise InputError("the pool's pictures differ in too few ways for a density") from error
        return np.asarray(kernels.logpdf(((looked_at - mean) @ turn).T))

    return log_density(made) - log_density(others)


POOL_ATTACKS: Mapping[str, Callable[..., NDArray[np.float64]]] = {
    "nearest": calibrated_nearest,
    "density ratio": density_ratio,
}


def pool_attack(
    name: str, candidates: ArrayLike, pool: ArrayLike, reference: ArrayLike
) -> NDArray[np.float64]:
    """(n,) scores of one of POOL_ATTACKS. Raises InputError for another name."""
    if name not in POOL_ATTACKS:
        raise InputError(f"attack={name!r}: allowed are {listed(POOL_ATTACKS)}")
    return POOL_ATTACKS[name](candidates, pool, reference)


def _spaces(
    candidates: ArrayLike, pool: ArrayLike, reference: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    parts = [
        features_array(x, name)
        for x, name in ((candidates, "candidates"), (pool, "pool"), (reference, "reference"))
    ]
    if len({part.shape[1] for part in parts}) > 1:
        raise InputError(
            f"candidates, pool and reference are features of one space, not of {listed(p.shape[1] for p in parts)}"
        )
    return parts[0], parts[1], parts[2]
