"""Two accountants of one composition of Gaussian mechanisms: Opacus' decides, dp-accounting's checks it.

Both bound Rényi differential privacy (Mironov 2017, arXiv:1702.07476; of Poisson-sampled mechanisms, Mironov et al.
2019, arXiv:1908.10530) and turn it into (ε, δ) by Balle et al. 2020 (arXiv:1905.09982, theorem 21). Neighbours differ
by one person who is added or removed.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from types import ModuleType

from judge import extras
from judge.errors import InputError

#: A Gaussian mechanism: noise multiplier, Poisson sampling rate, steps.
Use = tuple[float, float, int]
#: Orders of the divergence for Poisson-sampled mechanisms. Whole ones only: the series of fractional orders under 2
#: does not converge where there is little noise, which dp-accounting notices and Opacus 1.6 does not (at ε = 50 it
#: claims 7 to 10 % less than dp-accounting).
WHOLE_ORDERS = (*range(2, 64), 72, 80, 96, 112, 128, 160, 192, 256, 384, 512)
#: Orders besides, where everybody is read each time: the bound is closed. Large ones matter at ε under .1.
CLOSED_ORDERS = (*[1 + k / 10 for k in range(1, 100) if k % 10], 768, 1024, 2048, 4096, 8192, 16384)


def epsilon_by_opacus(uses: Sequence[Use], delta: float) -> float:
    """ε at `delta` of all uses together, by Opacus' Rényi accountant. Infinite where a noise multiplier is 0."""
    uses = [use for use in uses if use[2] > 0]
    if not uses:
        return 0.0
    if any(noise == 0 for noise, _, _ in uses):
        return float("inf")
    accountant = _opacus().RDPAccountant()
    accountant.history = list(uses)
    with warnings.catch_warnings():  # that the best order is the smallest one (ε far over 100) or the largest
        warnings.simplefilter("ignore", UserWarning)
        # by the bound's letter ε is negative where there is next to nothing to tell
        return max(float(accountant.get_epsilon(delta=delta, alphas=orders_of(uses))), 0.0)


def epsilon_by_dp_accounting(uses: Sequence[Use], delta: float, *, tight: bool = False) -> float:
    """The same by Google's dp-accounting; `tight`: by the privacy loss distribution, which is smaller and slower."""
    uses = [use for use in uses if use[2] > 0]
    if not uses:
        return 0.0
    if any(noise == 0 for noise, _, _ in uses):
        return float("inf")
    dp = _dp_accounting()
    events = []
    for noise, rate, steps in uses:
        event = dp.GaussianDpEvent(noise)
        if rate < 1:
            event = dp.PoissonSampledDpEvent(rate, event)
        events.append(dp.SelfComposedDpEvent(event, int(steps)))
    neighbours = dp.NeighboringRelation.ADD_OR_REMOVE_ONE
    if tight:
        from dp_accounting.pld import PLDAccountant

        accountant = PLDAccountant(neighbours)
    else:
        from dp_accounting.rdp import RdpAccountant

        accountant = RdpAccountant(orders_of(uses), neighbours)
    return float(accountant.compose(dp.ComposedDpEvent(events)).get_epsilon(delta))


def orders_of(uses: Sequence[Use]) -> list[float]:
    closed = all(rate == 1 for _, rate, _ in uses)
    return sorted(map(float, (*WHOLE_ORDERS, *(CLOSED_ORDERS if closed else ()))))


def check_packages() -> None:
    """Raises InputError where Opacus or dp-accounting is missing."""
    _opacus()
    _dp_accounting()


def _opacus() -> ModuleType:
    try:
        import opacus.accountants as found
    except ImportError as error:
        raise _missing("opacus") from error
    return found


def _dp_accounting() -> ModuleType:
    try:
        import dp_accounting as found
    except ImportError as error:
        raise _missing("dp-accounting") from error
    return found


def _missing(name: str) -> InputError:
    return extras.absence("private", "a privacy budget", [name])
