"""A privacy budget (ε, δ), and the noise that a list of Gaussian mechanisms needs to keep to it together.

    planned = plan(Budget(epsilon=3), [Mechanism("labels"), Mechanism("votes", weight=2, steps=5)], n=5000)
    ledger = planned.ledger()
    noisy = ledger.gaussian("labels", counts, 1.0, rng)     # σ of "labels" × sensitivity 1

Neighbouring data differ by one person who is added or removed, and a person is one picture with its labels: every
sensitivity has to be stated for that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from judge.errors import InputError, listed
from judge.privacy.accountants import epsilon_by_opacus
from judge.privacy.ledger import BudgetError, Ledger

__all__ = ["Budget", "BudgetError", "Ledger", "Mechanism", "Plan", "largest_delta", "plan"]

#: How near to the budget the noise is chosen, as a share of ε; it is never over.
NEARNESS = 1e-3
#: Where the common scale of the noise is looked for.
SCALES = (1e-3, 1e7)


@dataclass(frozen=True)
class Budget:
    """(ε, δ). ε infinite: no noise, nobody is protected. δ None: 1/(n ln n), once n is known.

    Raises InputError: ε not over 0, δ not between 0 and 1.
    """

    epsilon: float
    delta: float | None = None

    def __post_init__(self) -> None:
        if not _number(self.epsilon) or not self.epsilon > 0:
            raise InputError(
                f"epsilon={self.epsilon}: a number over 0, such as 1, 3 or 10; inf protects nobody"
            )
        if self.delta is not None and not (_number(self.delta) and 0 < self.delta < 1):
            raise InputError(f"delta={self.delta}: between 0 and 1, both excluded")

    def for_people(self, n: int) -> Budget:
        """The budget with its δ. Raises InputError: n under 10, δ over 1/(n ln n).

        A mechanism that hands each person's data over with probability δ keeps to (ε, δ): with δ near 1/n somebody's
        would be out.
        """
        if n < 10:
            raise InputError(
                f"{n} private people: at least 10 are needed for a privacy budget to mean anything"
            )
        largest = largest_delta(n)
        if self.delta is None:
            return replace(self, delta=largest)
        if self.delta > largest * (1 + 1e-9):
            raise InputError(
                f"delta={self.delta:g} is too large for {n} people: at most 1/(n ln n) = {largest:.3g}"
            )
        return self


def largest_delta(n: int) -> float:
    """1/(n ln n)."""
    return 1 / (n * math.log(n))


@dataclass(frozen=True)
class Mechanism:
    """A Gaussian mechanism that is used `steps` times, each on a Poisson sample of `sample_rate` of the people.

    weight  share of the budget beside other mechanisms: the noise multiplier is proportional to 1/weight. A mechanism
            of twice the weight has half the noise a step, whatever its steps
    """

    what: str
    weight: float = 1.0
    steps: int = 1
    sample_rate: float = 1.0

    def __post_init__(self) -> None:
        if not (_number(self.weight) and 0 < self.weight < math.inf):
            raise InputError(f"{self.what}: weight={self.weight} is over 0")
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise InputError(f"{self.what}: steps={self.steps} is a whole number from 1")
        if not (_number(self.sample_rate) and 0 < self.sample_rate <= 1):
            raise InputError(f"{self.what}: sample_rate={self.sample_rate} is over 0 to 1")


@dataclass(frozen=True)
class Plan:
    """Mechanisms, and the common scale of their noise: the noise multiplier of one is scale / weight.

    budget  with its δ
    n       of the private people
    """

    budget: Budget
    mechanisms: tuple[Mechanism, ...]
    scale: float
    n: int

    @property
    def delta(self) -> float:
        assert self.budget.delta is not None
        return self.budget.delta

    def mechanism(self, what: str) -> Mechanism:
        for found in self.mechanisms:
            if found.what == what:
                return found
        raise BudgetError(f"{what} was not planned; planned are {listed(m.what for m in self.mechanisms)}")

    def noise(self, what: str) -> float:
        """Noise multiplier σ: the noise's standard deviation is σ × the L2 sensitivity. 0 where ε is infinite."""
        return self.scale / self.mechanism(what).weight

    def epsilon(self) -> float:
        """ε of all planned uses together, by Opacus' accountant."""
        return _epsilon(self.mechanisms, self.scale, self.delta)

    def ledger(self) -> Ledger:
        return Ledger(self)


def plan(budget: Budget, mechanisms: Sequence[Mechanism], n: int) -> Plan:
    """The least noise with which all mechanisms together keep to the budget, to .1 % of ε.

    Raises InputError: δ too large for n people, two mechanisms of one name, an ε that no noise gives.
    """
    mechanisms = tuple(mechanisms)
    names = [m.what for m in mechanisms]
    if not names or len(set(names)) < len(names):
        raise InputError(f"a plan needs mechanisms with names of their own, not {listed(names)}")
    budget = budget.for_people(n)
    if math.isinf(budget.epsilon):
        return Plan(budget, mechanisms, 0.0, n)
    assert budget.delta is not None
    low, high = (math.log(scale) for scale in SCALES)
    if _epsilon(mechanisms, math.exp(high), budget.delta) > budget.epsilon:
        raise InputError(f"epsilon={budget.epsilon:g} is too small: no noise is enough for it")
    reached = 0.0
    for _ in range(200):
        if budget.epsilon * (1 - NEARNESS) <= reached <= budget.epsilon or high - low < 1e-12:
            break
        middle = (low + high) / 2
        found = _epsilon(mechanisms, math.exp(middle), budget.delta)
        if found > budget.epsilon:
            low = middle
        else:
            high, reached = middle, found
    return Plan(budget, mechanisms, math.exp(high), n)


def _epsilon(mechanisms: Sequence[Mechanism], scale: float, delta: float) -> float:
    try:
        return epsilon_by_opacus([(scale / m.weight, m.sample_rate, m.steps) for m in mechanisms], delta)
    except (OverflowError, ValueError, ZeroDivisionError):  # of sampled mechanisms with next to no noise
        return math.inf


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)
