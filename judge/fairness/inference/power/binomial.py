"""Power of the one-sided binomial test: for contests whose entrants are known by their shares only.

With a selection-rate ratio ρ between a group (share s of the entrants) and the others, the group's expected share
of the winners is s·ρ / (s·ρ + 1 − s).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError


def share_of_winners(share: ArrayLike, ratio: ArrayLike) -> NDArray[np.float64]:
    """Expected winner share of a group with this entrant share and selection-rate ratio to the others.

    Parameters
    ----------
    share : array-like of float
        The group's share of the entrants, in (0, 1).
    ratio : array-like of float
        Selection-rate ratio to all others, at least 0; 1 leaves the share as it is.

    Returns
    -------
    float array
        s·ρ / (s·ρ + 1 − s).

    Examples
    --------
    >>> float(share_of_winners(0.5, 3.0))
    0.75
    """
    weighted = np.asarray(share, float) * np.asarray(ratio, float)
    return weighted / (weighted + 1 - np.asarray(share, float))


def binomial_power(
    n_winners: ArrayLike, share: float, ratio: float, *, alpha: float = 0.05
) -> NDArray[np.float64]:
    """Power of the one-sided exact binomial test of a group's winners, towards the side of `ratio`.

    Parameters
    ----------
    n_winners : array-like of int
        All winners of the contest, any shape.
    share : float
        The group's share of the entrants, in (0, 1).
    ratio : float
        True selection-rate ratio to the others, at least 0; below 1 the test looks for too few winners, above 1 for
        too many.
    alpha : float
        Level of the test, in (0, 1).

    Returns
    -------
    float array
        In [0, 1], of the shape of `n_winners`.

    Raises
    ------
    InputError
        For a share, ratio or level outside its range.

    Examples
    --------
    44 winners, a quarter of the entrants, half as often selected: seen 39 times of 100.

    >>> round(float(binomial_power(44, 0.25, 0.5)), 2)
    0.39
    """
    from scipy.special import bdtrik

    _check(share, alpha)
    if ratio < 0:
        raise InputError(f"a selection-rate ratio is at least 0, not {ratio}")
    n = np.asarray(n_winners)
    true_share = share_of_winners(share, ratio)
    # towards too few for the group itself, or (above 1) for the others
    if ratio > 1:
        return binomial_power(n, 1 - share, 1 / ratio, alpha=alpha)
    # the largest count with P(X ≤ count) ≤ alpha; the inverse is exact up to rounding, hence the two corrections
    critical = np.floor(bdtrik(alpha, n, share))
    critical = np.where(np.isnan(critical), -1.0, critical)
    critical = np.where(_at_most(critical + 1, n, share) <= alpha, critical + 1, critical)
    critical = np.where(_at_most(critical, n, share) > alpha, critical - 1, critical)
    return _at_most(critical, n, true_share)


def _at_most(count: NDArray, n: NDArray, share: float | NDArray) -> NDArray[np.float64]:
    """P(X ≤ count) of a binomial count; 0 below 0."""
    from scipy.special import bdtr

    return np.where(count < 0, 0.0, bdtr(np.maximum(count, 0), n, share))


def winners_needed(
    share: float,
    ratio: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    step: int = 5,
    most: int = 1_000_000,
) -> float:
    """Smallest number of winners (a multiple of `step`) from which on the binomial power stays at `power`.

    Power is a saw-tooth in the number of winners; "stays" looks as far as twice the number found.

    Parameters
    ----------
    share, ratio, alpha : float
        As in `binomial_power`.
    power : float
        Wanted power, in (0, 1).
    step, most : int
        Grid of numbers that are tried, and the largest of them.

    Returns
    -------
    float
        NaN where `most` winners are not enough (ratio 1, or a very rare group).

    Examples
    --------
    >>> winners_needed(0.25, 0.5), winners_needed(0.25, 0.8)
    (95.0, 735.0)
    """
    if ratio == 1:
        return np.nan
    top = 64 * step
    while top <= 2 * most:
        n = np.arange(step, top + 1, step)
        enough = binomial_power(n, share, ratio, alpha=alpha) >= power
        short = np.flatnonzero(~enough)
        first = 0 if len(short) == 0 else int(short[-1]) + 1
        if first < len(n) and n[first] * 2 <= top:
            return float(n[first])
        top *= 4
    return np.nan


def smallest_detectable_ratio(
    n_winners: int, share: float, *, power: float = 0.8, alpha: float = 0.05, favoured: bool = False
) -> float:
    """The ratio nearest to 1 that the one-sided binomial test finds with this power.

    Parameters
    ----------
    n_winners : int
        All winners of the contest.
    share, alpha : float
        As in `binomial_power`.
    power : float
        Wanted power, in (0, 1).
    favoured : bool
        Look above 1 instead of below.

    Returns
    -------
    float
        NaN where even a ratio of 0 (or 10⁶) would not be found.

    Examples
    --------
    Of 44 winners, for a quarter of the entrants:

    >>> round(smallest_detectable_ratio(44, 0.25), 2)
    0.3
    """
    low, high = (np.log(1e-6), 0.0) if not favoured else (0.0, np.log(1e6))
    far = low if not favoured else high
    if binomial_power(n_winners, share, float(np.exp(far)), alpha=alpha) < power:
        return np.nan
    for _ in range(50):
        middle = (low + high) / 2
        seen = binomial_power(n_winners, share, float(np.exp(middle)), alpha=alpha) >= power
        if seen != favoured:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def smallest_significant_share(winners: int, n_winners: int, *, alpha: float = 0.05) -> float:
    """Entrant share from which on so few winners of a group are significant, one-sided binomial.

    Parameters
    ----------
    winners : int
        Winners of the group, 0 to n_winners − 1.
    n_winners : int
        All winners of the contest.
    alpha : float
        Level of the test, in (0, 1).

    Returns
    -------
    float
        The s with P(X ≤ winners | n_winners, s) = alpha.

    Raises
    ------
    InputError
        For winners outside their range.

    Examples
    --------
    One winner of 44 is significantly few for a group of at least 10.3 % of the entrants:

    >>> round(smallest_significant_share(1, 44), 4)
    0.1033
    """
    from scipy.special import betaincinv

    if not 0 <= winners < n_winners:
        raise InputError(f"winners of the group are 0 to {n_winners - 1}, not {winners}")
    return float(betaincinv(winners + 1, n_winners - winners, 1 - alpha))


def _check(share: float, alpha: float) -> None:
    if not 0 < share < 1:
        raise InputError(f"an entrant share lies between 0 and 1, not {share}")
    if not 0 < alpha < 1:
        raise InputError(f"alpha lies between 0 and 1, not {alpha}")
