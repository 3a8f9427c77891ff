"""A test of the protected group's share that no beginning of the ranking may fail: FA*IR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import bdtr

from judge.errors import InputError, listed
from judge.mitigation.ranking.order import known_groups, ranks_within

#: Binomial probabilities that differ by less than this, relatively, are equal.
_EQUAL = 1e-12


@dataclass(frozen=True)
class FairTopK:
    """FA*IR (the authors' name): among the first k, for every k, no fewer protected people than a fair coin explains.

    Zehlike et al. 2017 (arXiv:1706.06368): people are drawn one by one, protected with probability `share`. A ranking
    passes if its number of protected people among the first k is at least the α quantile of the binomial distribution,
    at every k (the table of minima); best people of the other group give way where it would not. As that is k tests of
    one ranking, α is adjusted (their section 4.2) so that a ranking that was drawn so fails with probability α: to the
    value whose probability is nearest to α, the lower of two, as there are only finitely many tables.

    It is a test of one protected group: several are taken together as a set. The extension to several groups at once
    (multinomial, Zehlike et al. 2022) is not in here; `ConstrainedSort` and `Quotas` treat each group. With few places
    it asks for little: with share .2, α .1 and 5 places for nobody.

    Who is behind the places follows by merit. A bracket with too few protected people places all of them as needed.

    protected  groups, as a set; None: all but the largest of those who enter, over all brackets
    share      wanted of the places, between 0 and 1; None: the share of those who entered the bracket
    alpha      probability with which a ranking drawn at random fails
    adjust     for the many tests; False: α for each of them
    """

    seam: ClassVar[str] = "ranking"
    protected: Sequence[str] | None = None
    share: float | None = None
    alpha: float = 0.1
    adjust: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.protected, str) or (self.protected is not None and not len(self.protected)):
            raise InputError(
                f"fa_ir: protected is a list of groups, or null for all but the largest; given {self.protected!r}"
            )
        if self.share is not None and not 0 < self.share < 1:
            raise InputError(
                f"fa_ir: share lies between 0 and 1, or is null for the share of those who entered the bracket; given "
                f"{self.share}"
            )
        if not 0 < self.alpha <= 0.5:
            raise InputError(f"fa_ir: alpha is above 0 and at most .5; given {self.alpha}")

    def check(self, entrants: pd.DataFrame, *, feature: str) -> None:
        """Raises InputError for a protected group of whom nobody enters."""
        self._protected(known_groups("fa_ir", entrants, feature))

    def _protected(self, groups: NDArray) -> set[str]:
        names, counts = np.unique(groups.astype(str), return_counts=True)
        if self.protected is None:
            return {str(name) for name in names} - {str(names[np.argmax(counts)])}
        chosen = {str(name) for name in self.protected}
        strangers = sorted(chosen - set(names.tolist()))
        if strangers:
            raise InputError(
                f"fa_ir: protected names {listed(strangers)}, of whom nobody enters; groups: {listed(names.tolist())}"
            )
        return chosen

    def __call__(
        self,
        scores: pd.Series,
        people: pd.DataFrame,
        *,
        merit: pd.Series,
        feature: str,
        brackets: pd.Series,
        places: int,
        rng: np.random.Generator,
    ) -> pd.Series:
        """(n,) ranks from 1 within each bracket; `rng` is not used.

        Raises InputError for people without a group and for a protected group of whom nobody enters.
        """
        chosen = self._protected(known_groups("fa_ir", people, feature))

        def order(groups: NDArray, _: NDArray) -> list[int]:
            protected = np.isin(groups, list(chosen))
            share = float(protected.mean()) if self.share is None else self.share
            if not 0 < share < 1:  # one side only: nobody can give way
                return []
            k = min(places, len(groups))
            table = adjusted_minima(k, share, self.alpha) if self.adjust else minima(k, share, self.alpha)
            return fair_top_k(protected, table)

        return ranks_within(
            "fa_ir", scores, people, merit=merit, feature=feature, brackets=brackets, order=order
        )


def fair_top_k(protected: NDArray[np.bool_], table: Sequence[int] | NDArray) -> list[int]:
    """The first len(table) positions of people who stand in order of merit, with the minima of protected people.

    protected  (n,) of each, the best first
    table      (k,) least number of protected people among the first 1, …, k

    >>> fair_top_k(np.array([False, False, False, True, True]), [0, 0, 1, 1])
    [0, 1, 3, 2]
    """
    lines = [list(np.flatnonzero(protected)[::-1]), list(np.flatnonzero(~protected)[::-1])]
    ranked: list[int] = []
    count = 0
    for minimum in table:
        first, other = lines
        take = bool(first) and (not other or count < minimum or first[-1] < other[-1])
        if not (first or other):
            break
        ranked.append(int((first if take else other).pop()))
        count += take
    return ranked


def minima(k: int, share: float, alpha: float) -> NDArray[np.int64]:
    """(k,) the table of minima: the α quantile of Binomial(i, share) for i = 1, …, k.

    The quantile is the least m with P(X ≤ m) ≥ α, where probabilities that differ in rounding alone are equal. (A test
    at level α would ask for P(X ≤ m) > α; the two differ where it is exactly α, as for nobody of one at share 1 − α.)

    >>> minima(12, 0.5, 0.1).tolist()
    [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4]
    """
    return (_cumulative(k, share) < alpha * (1 - _EQUAL)).sum(axis=1)


def failing(table: NDArray[np.int64], share: float) -> float:
    """Probability that a ranking whose people are protected with probability `share`, each, falls below the table."""
    passing = np.zeros(len(table) + 2)  # by the number of protected people so far
    passing[0] = 1.0
    for minimum in table:
        passing[1:] = (1 - share) * passing[1:] + share * passing[:-1]
        passing[0] *= 1 - share
        passing[:minimum] = 0.0
    return float(1 - passing.sum())


@lru_cache(maxsize=512)
def _adjusted(k: int, share: float, alpha: float) -> tuple[float, tuple[int, ...]]:
    values = np.unique(_cumulative(k, share))
    # the table changes only where α passes one of these
    levels = [*values[values < alpha * (1 - _EQUAL)], alpha]

    def risk(i: int) -> float:
        return failing(minima(k, share, levels[i]), share)

    low, high = 0, len(levels)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if risk(middle) <= alpha else (low, middle)
    if high < len(levels) and risk(high) - alpha < alpha - risk(low):
        low = high
    return float(levels[low]), tuple(minima(k, share, levels[low]).tolist())


def adjusted_alpha(k: int, share: float, alpha: float) -> float:
    """The level of each test at which all k of one ranking together fail with a probability nearest to `alpha`.

    It is the largest one with its table of minima.
    """
    return _adjusted(k, share, alpha)[0]


def adjusted_minima(k: int, share: float, alpha: float) -> NDArray[np.int64]:
    """(k,) `minima` at the adjusted level.

    >>> adjusted_minima(12, 0.5, 0.1).tolist()
    [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    """
    return np.array(_adjusted(k, share, alpha)[1])


@lru_cache(maxsize=64)
def _cumulative(k: int, share: float) -> NDArray[np.float64]:
    """(k, k + 1) P(X ≤ m) of Binomial(i, share), i from 1 in the rows, m from 0 in the columns."""
    n, m = np.arange(1, k + 1)[:, None], np.arange(k + 1)[None, :]
    return np.where(m < n, bdtr(m.astype(float), n, share), 1.0)  # scipy.stats takes a second to import
