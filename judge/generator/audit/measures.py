"""How good and how diverse generated faces are, on features of real and of generated people.

Every measure depends on how many people it is given, and none is 1 or 0 where nothing is wrong: compare at equal n, and
with the same measure of real people against real people (`quality.quality_by_group`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError, listed
from judge.generator.audit.neighbours import features_array, nearest, squared_distances

KERNELS = ("cosine", "rbf")
#: People at most whose similarities are all held: eigenvalues take the cube of their number.
LARGEST = 1000
#: Numbers at most that are projected at a time.
BLOCK = 2**23


class Coverage(NamedTuple):
    """Shares of people within each other's neighbourhoods."""

    precision: float  # of the fakes, 0–1: looks like somebody real
    recall: float  # of the real people, 0–1: somebody like them could be drawn
    density: float  # real neighbourhoods that a fake lies in, over k: about 1 where all is well, and may be over it
    coverage: float  # of the real people, 0–1: somebody like them was drawn


class Estimate(NamedTuple):
    """A number and its standard error."""

    value: float
    error: float


def _pair(real: ArrayLike, fake: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, other = features_array(real, "real"), features_array(fake, "fake")
    if one.shape[1] != other.shape[1]:
        raise InputError(
            f"real and fake are features of one space, not {one.shape[1]} and {other.shape[1]} wide"
        )
    return one, other


def precision_recall_density_coverage(real: ArrayLike, fake: ArrayLike, *, k: int = 5) -> Coverage:
    """Who lies in whose neighbourhood: the ball of a person that reaches to the k-th nearest of the same set.

    Parameters
    ----------
    real, fake : (n, d) and (m, d) arrays
        Features; take n = m. Distances are Euclidean.
    k : int
        1 to min(n, m) − 1.

    Returns
    -------
    Coverage
        Precision and recall after Kynkäänniemi, density and coverage after Naeem. Between two samples of one
        distribution the expected coverage is 1 − Π (n − i) / (2 n − i) over i = 1 … k, about 1 − 2⁻ᵏ (.969 for 5).
        More than k times the same features have a neighbourhood without extent, in which nobody lies.

    Raises
    ------
    InputError
        For features that do not fit together, or a `k` without so many neighbours.

    References
    ----------
    Kynkäänniemi et al. (2019), Improved precision and recall metric, eqs. 1 and 2. Naeem et al. (2020), Reliable
    fidelity and diversity metrics for generative models, eqs. 2 to 4 and 9.
    """
    real_, fake_ = _pair(real, fake)
    radius = nearest(real_, real_, k, itself=np.arange(len(real_))).distance[:, -1] ** 2
    fake_radius = nearest(fake_, fake_, k, itself=np.arange(len(fake_))).distance[:, -1] ** 2
    precise = 0
    inside = 0
    recalled = np.zeros(len(real_), dtype=bool)
    covered = np.zeros(len(real_), dtype=bool)
    for rows, square in squared_distances(fake_, real_):
        within = square < radius
        inside += int(within.sum())
        precise += int(within.any(axis=1).sum())
        covered |= within.any(axis=0)
        recalled |= (square < fake_radius[rows, None]).any(axis=0)
    n = len(fake_)
    return Coverage(precise / n, float(recalled.mean()), inside / (k * n), float(covered.mean()))


def kid(
    real: ArrayLike,
    fake: ArrayLike,
    *,
    subsets: int = 50,
    size: int | None = None,
    rng: np.random.Generator | int = 0,
) -> Estimate:
    """Kernel distance: the unbiased squared maximum mean discrepancy with the kernel (x · y / d + 1)³.

    Parameters
    ----------
    real, fake : (n, d) and (m, d) arrays
        Features.
    subsets : int
        Random subsets that are averaged, from 2.
    size : int, optional
        People of a set in a subset, 2 to min(n, m); None: half of the smaller set, at most 1000.
    rng : int or Generator
        Draws the subsets.

    Returns
    -------
    Estimate
        The mean over subsets, 0 in expectation for equal distributions and then as often below it. The standard error
        is the deviation between subsets shrunk to n people by the square root law and corrected for drawing without
        replacement (Politis & Romano 1994): too large, if anything, where the distributions are equal. NaN where a
        subset is everybody.

    Raises
    ------
    InputError
        For features that do not fit together, or a number or size of subsets that is not to be had.

    References
    ----------
    Bińkowski et al. (2018), Demystifying MMD GANs, sec. 3; Gretton et al. (2012), eq. 3.
    """
    real_, fake_ = _pair(real, fake)
    least = min(len(real_), len(fake_))
    size = min(1000, least // 2) if size is None else size
    if not 2 <= size <= least or subsets < 2:
        raise InputError(
            f"kid takes at least 2 subsets of 2 to {least} people (None: half of them), not {subsets} of {size}"
        )
    rng = np.random.default_rng(rng)
    values = np.array(
        [_mmd(*(x[rng.choice(len(x), size, replace=False)] for x in (real_, fake_))) for _ in range(subsets)]
    )
    share = size / least
    error = values.std(ddof=1) * np.sqrt(share / (1 - share)) if share < 1 else np.nan
    return Estimate(float(values.mean()), float(error))


def _mmd(real: NDArray[np.float64], fake: NDArray[np.float64]) -> float:
    n, wide = real.shape

    def cubes(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        similar = x @ y.T / wide + 1
        return similar * similar * similar  # a power is ten times slower

    def within(x: NDArray[np.float64]) -> float:
        similar = cubes(x, x)
        return float((similar.sum() - np.trace(similar)) / (n * (n - 1)))

    return within(real) + within(fake) - 2 * float(cubes(real, fake).mean())


def mind(
    real: ArrayLike, fake: ArrayLike, *, directions: int = 1000, rng: np.random.Generator | int = 0
) -> float:
    """Sliced Wasserstein distance: 3 d times the mean squared gap between sorted projections on random directions.

    Parameters
    ----------
    real, fake : (n, d) arrays
        Features of equally many people.
    directions : int
        Random unit vectors, from 1.
    rng : int or Generator
        Draws them.

    Returns
    -------
    float
        In squared units of the features; two clouds that differ by a shift δ are 3 |δ|² apart. Over 0 even between
        samples of one distribution.

    Raises
    ------
    InputError
        For unequal numbers of people, or features that do not fit together.

    References
    ----------
    Berthet et al. (2026), arXiv:2605.06797; Rabin et al. (2012), Wasserstein barycenter and its application.
    """
    real_, fake_ = _pair(real, fake)
    if len(real_) != len(fake_):
        raise InputError(f"mind compares equally many people, not {len(real_)} with {len(fake_)}")
    if directions < 1:
        raise InputError(f"directions is a number from 1, not {directions}")
    rng = np.random.default_rng(rng)
    n, wide = real_.shape
    step = max(1, BLOCK // max(n, wide))
    total = 0.0
    for start in range(0, directions, step):
        way = rng.standard_normal((wide, min(step, directions - start)))
        way /= np.linalg.norm(way, axis=0)
        gaps = np.sort(real_ @ way, axis=0) - np.sort(fake_ @ way, axis=0)
        total += float(np.einsum("ij,ij->", gaps, gaps)) / n
    return 3 * wide * total / directions


def vendi(
    features: ArrayLike,
    *,
    kernel: str = "cosine",
    bandwidth: float | None = None,
    rng: np.random.Generator | int = 0,
) -> float:
    """How many different people there are, as it were: 1 where all are the same, n where none is like another.

    Parameters
    ----------
    features : (n, d) array
        Of one set of people. Of more than LARGEST, LARGEST are drawn, and the result is theirs.
    kernel : {"cosine", "rbf"}
        Similarity: the cosine of the features, or exp(−|x − y|² / (2 bandwidth²)).
    bandwidth : float, optional
        Of the kernel rbf; None: the median distance between these people (`median_distance`). Sets that are
        compared need the same.
    rng : int or Generator
        Draws people, where there are too many.

    Returns
    -------
    float
        The exponential of the entropy of the eigenvalues of the similarities over n (order q = 1).

    Raises
    ------
    InputError
        For another kernel, features of length zero under `cosine`, or a bandwidth that is not over 0.

    References
    ----------
    Friedman & Dieng (2023), The Vendi score, def. 3.1.
    """
    people = _at_most(features_array(features, "features"), np.random.default_rng(rng))
    if kernel not in KERNELS:
        raise InputError(f"kernel is one of {listed(KERNELS)}, not {kernel!r}")
    if kernel == "cosine":
        length = np.linalg.norm(people, axis=1)
        if not length.all():
            raise InputError(f"kernel='cosine': {int((length == 0).sum())} of the features are all 0")
        unit = people / length[:, None]
        # the same eigenvalues but for zeros, from the smaller of both products
        similar = unit @ unit.T if len(unit) <= unit.shape[1] else unit.T @ unit
    else:
        bandwidth = median_distance(people) if bandwidth is None else bandwidth
        if not bandwidth > 0:
            raise InputError(f"bandwidth is a distance over 0, not {bandwidth}")
        similar = np.concatenate([square for _, square in squared_distances(people, people)])
        similar = np.exp(-similar / (2 * bandwidth**2))
    values = np.linalg.eigvalsh(similar / len(people))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def median_distance(features: ArrayLike, *, rng: np.random.Generator | int = 0) -> float:
    """The median distance between two different people of (n, d) features, of at most LARGEST that are drawn."""
    people = _at_most(features_array(features, "features"), np.random.default_rng(rng))
    if len(people) < 2:
        raise InputError("a median distance needs at least 2 people, not 1")
    square = np.concatenate([block for _, block in squared_distances(people, people)])
    return float(np.sqrt(np.median(square[np.triu_indices(len(people), 1)])))


def _at_most(people: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return people if len(people) <= LARGEST else people[rng.choice(len(people), LARGEST, replace=False)]
