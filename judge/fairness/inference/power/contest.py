"""Power of the test that an audit reports, in terms of selection-rate ratios: two-sided, exact, within brackets.

A true ratio ρ between a group and the others is taken as the Mantel–Haenszel ratio of the winners expected under
Wallenius odds ω, one ω for all brackets: of all ω the one that gives ρ in this contest's brackets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from judge.errors import InputError
from judge.fairness.counts import Counts
from judge.fairness.inference.exact_tests import Alternative
from judge.fairness.inference.power.stratified import accepted_outcomes, between
from judge.fairness.inference.roots import root_between
from judge.fairness.inference.wallenius import LIMIT, Margins, margins_of, moments_by_bracket

#: Up to so many winners the number needed is found by exact power, beyond it by the normal approximation.
MAX_SCANNED = 2_000
#: The number needed is found in steps of one part in so many.
STEPS = 50
#: Odds below which no detectable ratio is sought.
SMALLEST_ODDS = 1e-3
#: More winners than this are not told as a number needed.
MOST = 1_000_000


def contest_power(
    counts: Counts,
    group: str,
    ratio: float,
    *,
    reference: str | None = None,
    favoured: bool = False,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> float:
    """Power of `stratified_exact` in this contest for a true selection-rate ratio.

    Parameters
    ----------
    counts : Counts
        Entrants by bracket and group; of the winners only their number in each bracket matters.
    group, reference : str
        Groups of `counts`; reference None: all others.
    ratio : float
        The group's selection rate divided by the reference's, within brackets (Mantel–Haenszel), above 0.
    favoured : bool
        The ratio is the reference's to the group's instead.
    alpha : float
        Level of the test, in (0, 1).
    alternative : {"two-sided", "greater", "less"}
        As in `stratified_exact`, of the group's winners.

    Returns
    -------
    float
        In [0, 1]; NaN where no odds give this ratio (nobody could win or lose, or nearly everybody wins).

    Raises
    ------
    InputError
        For a ratio that is not above 0, and a level outside (0, 1).

    References
    ----------
    Mantel & Haenszel (1959), J. Natl. Cancer Inst. 22:719; Fog (2008), Commun. Stat. Simul. Comput. 37:258, for the
    means under Wallenius odds.

    Examples
    --------
    50 winners of 6,000, a quarter of whom are half as often selected. A two-sided test sees it 4 times of 10:

    >>> counts = Counts([[1500, 4500]], [[0, 50]], ("few", "many"))
    >>> round(contest_power(counts, "few", 0.5), 2), round(contest_power(counts, "few", 0.5, alternative="less"), 2)
    (0.42, 0.58)
    """
    margins = _margins(counts, group, reference, favoured)
    _check(ratio, alpha)
    return _power(margins, ratio, alpha, _turned(alternative, favoured))


def detectable_ratio(
    counts: Counts,
    group: str,
    *,
    reference: str | None = None,
    favoured: bool = False,
    power: float = 0.8,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> float:
    """The ratio below 1 nearest to 1 that the test finds with this power.

    Parameters
    ----------
    counts, group, reference, favoured, alpha, alternative
        As in `contest_power`.
    power : float
        Wanted power, in (0, 1).

    Returns
    -------
    float
        In (0, 1), to three digits; NaN where even odds of 0.001 would not be found.

    Examples
    --------
    >>> counts = Counts([[1500, 4500]], [[0, 44]], ("few", "many"))
    >>> ratio = detectable_ratio(counts, "few")
    >>> abs(contest_power(counts, "few", ratio) - 0.8) < 0.01
    True
    """
    margins = _margins(counts, group, reference, favoured)
    _check(power, alpha)
    turned = _turned(alternative, favoured)
    if len(margins[2]) == 0:
        return np.nan
    accepted, _ = accepted_outcomes(margins, alpha, turned)

    def found(log_odds: float) -> bool:
        return 1 - between(accepted, margins, float(np.exp(log_odds))) >= power

    low, high = np.log(SMALLEST_ODDS), 0.0
    if not found(low):
        return np.nan
    while high - low > 5e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if found(middle) else (low, middle)
    return float(np.exp(_log_ratio(margins, low)))


def contest_winners_needed(
    counts: Counts,
    group: str,
    ratio: float,
    *,
    reference: str | None = None,
    favoured: bool = False,
    power: float = 0.8,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> float:
    """Winners that a contest of this make needs for the test to have this power.

    Of this make: the same brackets, shares of the groups in each, and part of each bracket that wins; larger or
    smaller. Power is a saw-tooth in the size; the number is the smallest (in steps of about 2 %, at least 5) from which
    on it stays, beyond 2,000 winners by the normal approximation with continuity correction.

    Parameters
    ----------
    counts, group, ratio, reference, favoured, alpha, alternative
        As in `contest_power`.
    power : float
        Wanted power, in (0, 1).

    Returns
    -------
    float
        NaN where no odds give this ratio, where it is 1, and where a million winners are not enough.

    Examples
    --------
    >>> counts = Counts([[1500, 4500]], [[0, 44]], ("few", "many"))
    >>> contest_winners_needed(counts, "few", 0.5)
    120.0
    """
    from scipy.special import ndtri

    m1, m2, n = _margins(counts, group, reference, favoured)
    _check(ratio, alpha)
    _check(power, alpha)
    turned = _turned(alternative, favoured)
    odds = odds_of_ratio((m1, m2, n), ratio)
    if np.isnan(odds) or ratio == 1:
        return np.nan
    null, null_variance = (a.sum() for a in moments_by_bracket((m1, m2, n), 1.0))
    mean, variance = (a.sum() for a in moments_by_bracket((m1, m2, n), odds))
    # in a contest c times as large: c·|mean − null| − ½ = z·√(c·null variance) + z'·√(c·variance)
    z = -ndtri(alpha / 2 if alternative == "two-sided" else alpha)
    slope = abs(mean - null)
    spread = z * np.sqrt(null_variance) + ndtri(power) * np.sqrt(variance)
    if slope == 0:
        return np.nan
    size = ((spread + np.sqrt(spread**2 + 2 * slope)) / (2 * slope)) ** 2
    about = float(size * n.sum())
    if about > MOST:
        return np.nan
    if about > MAX_SCANNED:
        return float(np.ceil(about / 5) * 5)
    step = max(5, int(np.ceil(about / STEPS / 5)) * 5)

    def enough(winners: int) -> bool:
        # shares are those of this contest, and so are the odds that mean the ratio
        return _power_at(_sized((m1, m2, n), winners), odds, alpha, turned) >= power

    # from a size at which it is enough, with a margin for the teeth of the saw, downward until it is not
    needed = int(np.ceil(1.2 * about / step)) * step
    while not enough(needed):
        needed += 5 * step
        if needed > 4 * about + 10 * step:
            return np.nan
    while needed > step and enough(needed - step):
        needed -= step
    return float(needed)


def _power(margins: Margins, ratio: float, alpha: float, alternative: Alternative) -> float:
    odds = odds_of_ratio(margins, ratio)
    return np.nan if np.isnan(odds) else _power_at(margins, odds, alpha, alternative)


def _power_at(margins: Margins, odds: float, alpha: float, alternative: Alternative) -> float:
    accepted, used = accepted_outcomes(margins, alpha, alternative)
    return max(1 - between(accepted, used, odds), 0.0)


def _margins(counts: Counts, group: str, reference: str | None, favoured: bool) -> Margins:
    """Margins of the brackets in which chance decides; the side whose ratio is meant comes first."""
    m1, m2, n = margins_of(counts.against(group, reference))
    used = (m1 > 0) & (m2 > 0) & (n > 0) & (n < m1 + m2)
    m1, m2, n = m1[used], m2[used], n[used]
    return (m2, m1, n) if favoured else (m1, m2, n)


def _turned(alternative: Alternative, favoured: bool) -> Alternative:
    """The alternative for the other side's winners."""
    if not favoured or alternative == "two-sided":
        return alternative
    return "less" if alternative == "greater" else "greater"


def odds_of_ratio(margins: Margins, ratio: float) -> float:
    """Odds ω at which the Mantel–Haenszel ratio of the expected winners is `ratio`; NaN for none."""
    if len(margins[2]) == 0:
        return np.nan
    return _root(lambda log_odds: _log_ratio(margins, log_odds), float(np.log(ratio)))


def _log_ratio(margins: Margins, log_odds: float) -> float:
    """log of the Mantel–Haenszel ratio of the winners expected under these odds."""
    m1, m2, n = margins
    mean = moments_by_bracket(margins, float(np.exp(log_odds)))[0]
    total = m1 + m2
    top, bottom = (mean * m2 / total).sum(), ((n - mean) * m1 / total).sum()
    return float(np.log(max(top, 1e-300)) - np.log(max(bottom, 1e-300)))


def _root(rising: Callable[[float], float], target: float) -> float:
    if not rising(-LIMIT) <= target <= rising(LIMIT):
        return np.nan
    return float(np.exp(root_between(lambda v: rising(v) - target, -LIMIT, LIMIT, tolerance=1e-8)))


def _sized(margins: Margins, winners: int) -> Margins:
    """A contest of the same make with so many winners: largest remainders share them out to the brackets."""
    m1, m2, n = margins
    size = winners / n.sum()
    share = n * size
    places = np.floor(share).astype(np.int64)
    extra = np.argsort(-(share - places), kind="stable")[: winners - int(places.sum())]
    places[extra] += 1
    first, second = (_at_least_one(m * size) for m in (m1, m2))
    return first, second, np.minimum(places, first + second)


def _at_least_one(people: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.maximum(np.rint(people), 1).astype(np.int64)


def _check(number: float, alpha: float) -> None:
    if not number > 0:
        raise InputError(f"a selection-rate ratio or power is above 0, not {number}")
    if not 0 < alpha < 1:
        raise InputError(f"alpha lies between 0 and 1, not {alpha}")
