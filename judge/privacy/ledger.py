"""What has been asked of private people, against what was planned: each use is written down as it is made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.privacy.accountants import Use, epsilon_by_dp_accounting, epsilon_by_opacus

if TYPE_CHECKING:
    from judge.privacy.budget import Plan

#: By how much a sum of floats may differ from what it is.
ROUNDING = 1e-9


class BudgetError(AssertionError):
    """A fault of the code, not of the user: private data were asked more than was planned, or with less noise."""


class Ledger:
    """The uses of one plan. Whatever reads private people takes it and charges it first.

    Attributes
    ----------
    plan : Plan
    used : dict of str to int
        Steps of each mechanism so far.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.used: dict[str, int] = {mechanism.what: 0 for mechanism in plan.mechanisms}

    def charge(self, what: str, steps: int = 1, *, noise: float | None = None) -> float:
        """Writes `steps` uses of a mechanism down and returns its noise multiplier σ.

        For a mechanism that adds its noise itself (a training): `noise` is the multiplier that it is about to use.
        Raises BudgetError for one that was not planned, for more uses than were, and for less noise than was.
        """
        if what not in self.used:
            raise BudgetError(f"{what} was not planned; planned are {', '.join(self.used)}")
        planned = self.plan.mechanism(what).steps
        if steps < 1 or self.used[what] + steps > planned:
            raise BudgetError(
                f"{what}: {self.used[what]} of {planned} steps are used, {steps} more were asked"
            )
        sigma = self.plan.noise(what)
        if noise is not None and not noise >= sigma * (1 - ROUNDING):
            raise BudgetError(f"{what}: a noise multiplier of {noise:g} where {sigma:g} was planned")
        self.used[what] += steps
        return sigma

    def gaussian(
        self, what: str, value: ArrayLike, sensitivity: float, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """`value` and noise of standard deviation σ × `sensitivity` in each of its numbers; one use.

        sensitivity  the most that one person who comes or goes changes `value`, in L2 norm over all its numbers
        """
        value = np.asarray(value, dtype=float)
        if not (math.isfinite(sensitivity) and sensitivity > 0):
            raise BudgetError(f"{what}: sensitivity {sensitivity} of a value is over 0 and finite")
        sigma = self.charge(what)
        return value + rng.normal(0.0, 1.0, value.shape) * (sigma * sensitivity)

    def uses(self) -> list[Use]:
        """(noise multiplier, sampling rate, steps) of what was used."""
        return [
            (self.plan.noise(m.what), m.sample_rate, self.used[m.what])
            for m in self.plan.mechanisms
            if self.used[m.what]
        ]

    def spent(self) -> float:
        """ε at the plan's δ of what was used, by Opacus' accountant."""
        return epsilon_by_opacus(self.uses(), self.plan.delta)

    def statement(self, public: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What is claimed, of whom, and how it was spent; for a JSON file.

        public  what was taken for known to everybody: name → sentence. n of the private people always is: δ is made
                of it

        Raises BudgetError where more was spent than is claimed.
        """
        plan, spent = self.plan, self.spent()
        protects = math.isfinite(plan.budget.epsilon)
        if protects and spent > plan.budget.epsilon * (1 + 1e-6):
            raise BudgetError(f"ε = {spent:g} was spent, {plan.budget.epsilon:g} is claimed")
        mechanisms = [
            {
                "what": m.what,
                "noise_multiplier": plan.noise(m.what),
                "steps_planned": m.steps,
                "steps_used": self.used[m.what],
                "sample_rate": m.sample_rate,
            }
            for m in plan.mechanisms
        ]
        return {
            "protects": protects,
            "epsilon": plan.budget.epsilon if protects else "infinite",
            "delta": plan.delta,
            "n": plan.n,
            "spent": {
                "opacus_rdp": spent if protects else "infinite",
                "dp_accounting_rdp": epsilon_by_dp_accounting(self.uses(), plan.delta)
                if protects
                else "infinite",
            },
            "adjacency": "one person, which is one picture with its labels, is added or removed",
            "mechanism": "Gaussian noise; its standard deviation is the noise multiplier × the L2 sensitivity",
            "mechanisms": mechanisms,
            "public": {
                "number of people": f"n = {plan.n}; δ and the size of the noise are made of it",
                **(public or {}),
            },
            "says": _sentence(plan, protects),
        }


def _sentence(plan: Plan, protects: bool) -> str:
    if not protects:
        return "ε is infinite: no noise was added, and nobody is protected. Do not hand this on as private."
    return (
        f"Whatever anybody does with this release, the odds that a given person was among the private people change by "
        f"a factor of at most e^{plan.budget.epsilon:g}, except with probability {plan.delta:.1e}. It does not hide "
        "what is true of a group whether or not a given person is in it."
    )
