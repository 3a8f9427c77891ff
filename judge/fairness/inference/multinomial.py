"""The exact test of winners against given shares, by enumeration."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError
from judge.fairness.inference.exact_tests import TIE

#: Most outcomes that multinomial_exact enumerates.
MAX_OUTCOMES = 20_000_000


def multinomial_exact(
    winners: ArrayLike,
    shares: ArrayLike,
    *,
    n_simulations: int = 200_000,
    rng: np.random.Generator | int = 0,
) -> float:
    """Exact p-value of winners by group against the entrants' shares, where only shares are known.

    The probability of all outcomes at most as likely as the observed one, by full enumeration.

    Parameters
    ----------
    winners : (G,) array-like of int
        At least 0.
    shares : (G,) array-like of float
        At least 0, summing to 1.
    n_simulations : int
        Above 20 million outcomes p is estimated from so many multinomial draws, the observed one included.
    rng : numpy.random.Generator or int
        For the simulation only.

    Returns
    -------
    float
        In [0, 1]; 0 only where a group wins that nobody of entered.

    Raises
    ------
    InputError
        For arrays of different lengths and for shares that do not sum to 1.

    References
    ----------
    Cressie & Read (1988), Goodness-of-Fit Statistics for Discrete Multivariate Data.

    Examples
    --------
    Two winners, shares ½ ½: (1, 1) has probability ½, (2, 0) and (0, 2) have ¼ each.

    >>> round(multinomial_exact([2, 0], [0.5, 0.5]), 6)
    0.5
    """
    from scipy.special import gammaln, xlogy

    x, share = np.asarray(winners, np.int64), np.asarray(shares, float)
    if x.shape != share.shape or x.ndim != 1:
        raise InputError(f"winners and shares are of one length, not {x.shape} and {share.shape}")
    if (share < 0).any() or abs(share.sum() - 1) > 1e-6:
        raise InputError(f"shares are at least 0 and sum to 1, not to {share.sum():.6g}")
    n = int(x.sum())
    if ((share == 0) & (x > 0)).any():
        return 0.0
    x, share = x[share > 0], share[share > 0]

    def log_probability(table: NDArray) -> NDArray:
        return gammaln(n + 1) - gammaln(table + 1).sum(axis=-1) + xlogy(table, share).sum(axis=-1)

    observed = float(log_probability(x)) + np.log(TIE)
    if _n_compositions(n, len(x)) > MAX_OUTCOMES:
        drawn = np.random.default_rng(rng).multinomial(n, share, size=n_simulations)
        return float((1 + (log_probability(drawn) <= observed).sum()) / (1 + n_simulations))
    return float(min(_tail_by_enumeration(n, np.log(share), observed), 1.0))


def _n_compositions(n: int, groups: int) -> int:
    from math import comb

    return comb(n + groups - 1, groups - 1)


def _tail_by_enumeration(n: int, log_share: NDArray, at_most: float) -> float:
    """Σ of multinomial probabilities not above exp(at_most); the last two groups are vectorised."""
    from scipy.special import gammaln

    log_factorial = gammaln(np.arange(n + 1) + 1.0)
    if len(log_share) == 1:
        return 1.0
    total = 0.0
    open_branches = [(0, n, float(log_factorial[n]))]  # next group, people left, log probability so far
    while open_branches:
        group, left, so_far = open_branches.pop()
        if group < len(log_share) - 2:
            open_branches += [
                (group + 1, left - count, so_far + count * log_share[group] - log_factorial[count])
                for count in range(left + 1)
            ]
            continue
        a = np.arange(left + 1)
        logs = so_far - log_factorial[a] - log_factorial[left - a]
        logs = logs + a * log_share[-2] + (left - a) * log_share[-1]
        total += float(np.exp(logs[logs <= at_most]).sum())
    return total
