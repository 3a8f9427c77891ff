"""The ε that one training proves: people who were in by a coin of their own, and guesses of who was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from judge.errors import InputError

#: No training of a few thousand canaries proves more.
LARGEST = 50.0


@dataclass(frozen=True)
class OneRunAudit:
    """What `audit_one_run` proves.

    canaries, guesses, correct  whole numbers; guesses and correct are those of the best of the numbers tried
    epsilon                     at the confidence, no mechanism of a smaller ε at this δ guesses so well; 0: nothing
    claimed                     inf where nothing is claimed
    p_value                     at most the probability of so many correct guesses if the claim held
    """

    canaries: int
    guesses: int
    correct: int
    epsilon: float
    delta: float
    confidence: float
    claimed: float
    p_value: float

    @property
    def refuted(self) -> bool:
        """Whether more is proved than was claimed."""
        return self.epsilon > self.claimed

    @property
    def verdict(self) -> str:
        """In words."""
        if np.isinf(self.claimed):
            return "nothing is claimed"
        return "the claim is refuted" if self.refuted else "the claim is not refuted"


def audit_one_run(
    scores: ArrayLike,
    included: ArrayLike,
    delta: float,
    claimed: float,
    *,
    guesses: int | Sequence[int],
    confidence: float = 0.95,
    rng: np.random.Generator | int = 0,
) -> OneRunAudit:
    """A lower bound of ε from one run of a mechanism.

    Parameters
    ----------
    scores : (m,) array
        Of the canaries, high for those thought to be included; made without knowledge of who was.
    included : (m,) array of bool
        Each by a coin of its own, independent of the others and of how canaries are ordered. People of a fixed split
        are no such coins: see `coin_subset`.
    delta : float
        Of the claim, 0 to below 1. It counts m-fold: at 1 / (m ln m) a few dozen guesses, all right, prove nothing.
    claimed : float
        ε ≥ 0, under adding or removing one canary; inf for none.
    guesses : int or sequence of int
        The highest half of so many canaries are guessed to be included, the lowest half not to be, and nothing is
        said of the others. Even numbers from 2 to m, chosen before the scores are seen; of several the best counts,
        each at a confidence corrected for their number (Bonferroni).
    confidence : float
        In (0, 1).
    rng : int or Generator
        Decides among canaries of one score, which may lie in the order of who was included.

    Returns
    -------
    OneRunAudit

    Raises
    ------
    InputError
        For arrays that do not fit together, or a setting outside its range.

    References
    ----------
    Steinke, Nasr & Jagielski (2023), Privacy auditing with one (1) training run, arXiv:2305.08846, theorem 5.2 and
    appendix D.
    """
    values, inside = np.asarray(scores, float), np.asarray(included)
    if values.ndim != 1 or inside.shape != values.shape or inside.dtype != bool or np.isnan(values).any():
        raise InputError(
            f"scores (m,) without missing ones and included bool (m,) are needed, not {values.shape} and "
            f"{inside.dtype} {inside.shape}"
        )
    tried = [guesses] if isinstance(guesses, int | np.integer) else list(guesses)
    if not tried or any(not 2 <= r <= len(values) or r % 2 for r in tried):
        raise InputError(f"guesses={guesses}: even numbers from 2 to {len(values)}, the number of canaries")
    if not 0 <= delta < 1 or not claimed >= 0 or not 0 < confidence < 1:
        raise InputError(
            f"delta is from 0 to below 1, claimed at least 0, confidence between 0 and 1, not {delta}, {claimed} and "
            f"{confidence}"
        )
    m = len(values)
    order = np.lexsort((np.random.default_rng(rng).random(m), values))
    best: tuple[float, float, int, int] | None = None
    for r in tried:
        correct = int(inside[order[m - r // 2 :]].sum() + (~inside[order[: r // 2]]).sum())
        level = (1 - confidence) / len(tried)
        bound = _bound(m, r, correct, delta, level)
        chance = min(1.0, len(tried) * p_of_guesses(m, r, correct, claimed, delta))
        if best is None or (bound, -chance) > (best[0], -best[1]):
            best = bound, chance, r, correct
    assert best is not None
    epsilon, chance, r, correct = best
    return OneRunAudit(m, r, correct, epsilon, delta, confidence, claimed, chance)


def p_of_guesses(canaries: int, guesses: int, correct: int, epsilon: float, delta: float) -> float:
    """At most the probability that of `guesses` so many or more are correct under (ε, δ)-differential privacy.

    The binomial tail of randomised response, and what δ may add to it.
    """
    q = 1.0 if np.isinf(epsilon) else 1 / (1 + np.exp(-epsilon))
    tail = float(stats.binom.sf(correct - 1, guesses, q))
    extra = 0.0
    if delta > 0 and correct > 0:
        below = np.cumsum(stats.binom.pmf(np.arange(correct - 1, -1, -1), guesses, q))
        extra = float((below / np.arange(1, correct + 1)).max())
    return min(1.0, tail + 2 * canaries * delta * extra)


def _bound(canaries: int, guesses: int, correct: int, delta: float, level: float) -> float:
    """The largest ε at which so many correct guesses have at most the probability `level`."""
    if p_of_guesses(canaries, guesses, correct, 0.0, delta) > level:
        return 0.0
    low, high = 0.0, LARGEST
    if p_of_guesses(canaries, guesses, correct, high, delta) <= level:
        return high
    while high - low > 1e-6:
        middle = (low + high) / 2
        if p_of_guesses(canaries, guesses, correct, middle, delta) <= level:
            low = middle
        else:
            high = middle
    return low


def coin_subset(members: ArrayLike, rng: np.random.Generator | int = 0) -> NDArray[np.int64]:
    """Rows of a part of the people in which each is a member by a coin of its own.

    members (n,) bool: a split of fixed sizes, drawn at random. How many of the part are members is drawn first, from
    the binomial of 1/2, and then who they are, which undoes that the sizes were fixed. Rows are in random order.
    Raises InputError where members or non-members are fewer than 20.
    """
    inside = np.asarray(members)
    if inside.dtype != bool or inside.ndim != 1:
        raise InputError(f"members is bool (n,), not {inside.dtype} {inside.shape}")
    rng = np.random.default_rng(rng)
    counts = int(inside.sum()), int((~inside).sum())
    fewer = min(counts)
    if fewer < 20:
        raise InputError(
            f"a part with coins needs 20 members and 20 non-members, not {counts[0]} and {counts[1]}"
        )
    # up to `fewer` people always suffice; beyond, a count that needs more than there are has a probability below 1e-8
    size = max(fewer, 2 * (fewer - int(np.ceil(4.1 * np.sqrt(fewer)))))
    chosen = min(int(rng.binomial(size, 0.5)), counts[0])
    chosen = max(chosen, size - counts[1])
    rows = np.concatenate(
        [
            rng.choice(np.flatnonzero(inside), chosen, replace=False),
            rng.choice(np.flatnonzero(~inside), size - chosen, replace=False),
        ]
    )
    return rng.permutation(rows)
