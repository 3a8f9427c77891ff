"""How sure one wants to be, and by which draws: one dialect for confidence, resampling, randomness and intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from judge.errors import InputError


class Interval(NamedTuple):
    """An estimate and its interval; NaN limits where there is none, ±∞ where it is unbounded."""

    value: float
    low: float
    high: float


class Bounds(NamedTuple):
    """The limits of many intervals at once, arrays of one shape."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


#: Draws of which the memory of one process has room.
MOST_DRAWS = 10_000_000


@dataclass(frozen=True)
class Inference:
    """Confidence, numbers of draws, and where randomness comes from.

    The functions of this wing take these as keywords of the same names, each with the defaults that suit it.

    Parameters
    ----------
    confidence : float
        Level of every interval, from 0.5 up to but not including 1.
    n_resamples : int
        Bootstrap samples, at least 1.
    n_permutations : int
        Permutations or sign flips of a randomisation test that is too long to enumerate, at least 1.
    rng : numpy.random.Generator or int
        A seed gives the same numbers each time; a generator is drawn from, and moves on.

    Raises
    ------
    InputError
        For a value outside its range; a confidence of 95 or 0.05 is meant as 0.95.

    Examples
    --------
    >>> Inference(confidence=0.5).tails
    (0.25, 0.75)
    >>> Inference(rng=7).seed()
    7
    """

    confidence: float = 0.95
    n_resamples: int = 1000
    n_permutations: int = 10_000
    rng: np.random.Generator | int = 0

    def __post_init__(self) -> None:
        if not 0.5 <= self.confidence < 1:
            raise InputError(
                f"confidence is at least 0.5 and below 1 (for example 0.95), not {self.confidence!r}"
            )
        for name in ("n_resamples", "n_permutations"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is at least 1, not {getattr(self, name)}")
            if getattr(self, name) > MOST_DRAWS:
                raise InputError(f"{name} is at most {MOST_DRAWS:,}, not {getattr(self, name)}")
        if not isinstance(self.rng, np.random.Generator) and not 0 <= self.rng < 2**128:
            raise InputError(f"the seed is a whole number from 0 to 2^128 − 1, not {self.rng}")

    @property
    def tails(self) -> tuple[float, float]:
        """The two quantiles between which the interval of this confidence lies."""
        return (1 - self.confidence) / 2, (1 + self.confidence) / 2

    def generator(self) -> np.random.Generator:
        """A generator from the seed, or the generator that was given."""
        return np.random.default_rng(self.rng)

    def seed(self) -> int:
        """A seed from which several streams can be made: the one given, or one drawn from the generator."""
        return seed_of(self.rng)


def seed_of(rng: np.random.Generator | int) -> int:
    """The seed itself, or one drawn from the generator."""
    return int(rng.integers(2**63)) if isinstance(rng, np.random.Generator) else rng
