"""Each group's expected exposure among the places is its due; the ranking is drawn by lot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, vstack

from judge.errors import InputError
from judge.mitigation.ranking.order import known_groups, ranks_within, shares_of

#: Probabilities below this are rounding of the linear programme.
_NOTHING = 1e-9


@dataclass(frozen=True)
class ExposureConstrained:
    """A lottery over rankings: the highest expected score at which each group has the exposure that is its due.

    Singh & Joachims 2018 (arXiv:1802.07281). A linear programme finds the probability with which each person stands at
    each place, so that the sum of score × exposure is greatest and each group's expected exposure is its due, where
    place j has the exposure 1 / log2(1 + j). What is behind the places has none here: nobody looks at it. One ranking
    is then drawn from a Birkhoff–von Neumann decomposition of these probabilities.

    So the outcome is a lottery: exposure is right on average over draws, not in the one that is held, and another seed
    gives other winners. In each draw, people of one group stand in order of merit.

    due        "share": in proportion to the group's people in the bracket, the same a head;
               "merit": to the sum of its people's merit, which is the score above `zero`
    zero       the score that is no merit, only for due="merit": a ratio of scores needs one, and intervals have none
    tolerance  how far a group's exposure may be from its due, as a part of it; 0: not at all

    Who is behind the places follows by merit. With one group in a bracket the ranking is that by merit.
    """

    seam: ClassVar[str] = "ranking"
    draws_lots: ClassVar[bool] = True
    due: str = "share"
    zero: float = 0.0
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if self.due not in ("share", "merit"):
            raise InputError(f"exposure: due is share or merit; given {self.due!r}")
        if not 0 <= self.tolerance < 1:
            raise InputError(f"exposure: tolerance is at least 0 and below 1; given {self.tolerance}")

    def check(self, entrants: pd.DataFrame, *, feature: str) -> None:
        """Raises InputError if somebody who enters has no group."""
        known_groups("exposure", entrants, feature)

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
        """(n,) ranks from 1 within each bracket; a number from `rng` for each bracket.

        Raises InputError for people without a group, for due="merit" where a group's mean score is not above `zero`,
        and where no lottery at all gives the exposure that is due (a group with much merit and too few people).
        """

        def order(groups: NDArray, values: NDArray) -> list[int]:
            lot = rng.random()
            names, codes = np.unique(groups.astype(str), return_inverse=True)
            if len(names) == 1:
                return []
            chance = lottery(values, codes, self._due(names, codes, values), places, self.tolerance)
            if chance is None:
                wanted = dict(
                    zip(names.tolist(), self._due(names, codes, values).round(3).tolist(), strict=True)
                )
                raise InputError(
                    f"exposure: no lottery gives the groups of a bracket of {len(groups)} people the parts {wanted} of "
                    f"the exposure of its {places} places, within {self.tolerance:g} of them; the groups' shares are "
                    f"{shares_of(groups)}. Raise tolerance, or set due=share"
                )
            return in_order_of_merit(drawn(chance, lot), codes)

        return ranks_within(
            "exposure", scores, people, merit=merit, feature=feature, brackets=brackets, order=order
        )

    def _due(self, names: NDArray, codes: NDArray, values: NDArray) -> NDArray:
        """(G,) each group's part of the exposure, with the sum 1."""
        people = np.bincount(codes)
        if self.due == "share":
            return people / people.sum()
        merit = np.bincount(codes, values - self.zero)
        if not (merit > 0).all():
            worst = int(np.argmin(merit / people))
            raise InputError(
                f"exposure: the mean score of {str(names[worst])!r} in a bracket is "
                f"{merit[worst] / people[worst] + self.zero:.3g}, not above zero={self.zero:g}, so no exposure is due "
                "in proportion to it; set zero below all groups' means, or due=share"
            )
        return merit / merit.sum()


def exposures(places: int) -> NDArray[np.float64]:
    """(places,) what a place is looked at: 1 / log2(1 + rank)."""
    return 1 / np.log2(np.arange(2, places + 2))


def lottery(
    values: NDArray, codes: NDArray, due: NDArray, places: int, tolerance: float = 0.0
) -> csr_array | None:
    """(n, places) the probability with which each person stands at each place; None if there is no such lottery.

    values, codes  (n,) score and group, 0 to G − 1, in order of merit
    due            (G,) each group's part of the exposure
    """
    from scipy.optimize import linprog  # takes a second to import

    n = len(values)
    places = min(places, n)
    # of each group, only as many as there are places: whoever else had a chance could leave it to a better one of the
    # same group who is not sure of a place yet
    within = pd.Series(codes).groupby(codes).cumcount().to_numpy()
    who = np.flatnonzero(within < places)
    m, look = len(who), exposures(places)
    gain = values[who] - values[who].min()
    gain = gain / (gain.max() or 1.0)  # the programme's tolerances are absolute
    variable = np.arange(m * places).reshape(m, places)
    ones = np.ones(m * places)
    people = coo_array((ones, (np.repeat(np.arange(m), places), variable.ravel())))
    filled = coo_array((ones, (np.tile(np.arange(places), m), variable.ravel())))
    groups = coo_array(
        (np.tile(look / look.sum(), m), (np.repeat(codes[who], places), variable.ravel())),
        shape=(len(due), m * places),
    )
    tight = {"A_eq": filled, "b_eq": np.ones(places), "A_ub": people, "b_ub": np.ones(m)}
    if tolerance:
        tight["A_ub"] = vstack([people, groups, -groups])
        tight["b_ub"] = np.concatenate([np.ones(m), due * (1 + tolerance), -due * (1 - tolerance)])
    else:  # the last group's follows from the others'
        tight["A_eq"] = vstack([filled, groups.tocsr()[:-1]])
        tight["b_eq"] = np.concatenate([np.ones(places), due[:-1]])
    solved = linprog(-(gain[:, None] * look).ravel(), bounds=(0, None), method="highs", **tight)
    if solved.status == 2:
        return None
    if solved.status != 0:
        raise RuntimeError(f"the linear programme of exposure was not solved: {solved.message}")
    chance = solved.x.reshape(m, places)
    chance[chance < _NOTHING] = 0.0
    rows, columns = np.nonzero(chance)
    return csr_array((chance[rows, columns], (who[rows], columns)), shape=(n, places))


def decomposed(chance: csr_array) -> list[tuple[float, NDArray[np.int64]]]:
    """The lottery over rankings with these probabilities (Birkhoff–von Neumann): weights, and who stands at each place.

    chance  (n, places) probability of each person at each place: rows sum to at most 1, columns to 1

    >>> [(round(w, 3), who.tolist()) for w, who in decomposed(csr_array([[.75, 0.], [.25, .5], [0., .5]]))]
    [(0.5, [0, 1]), (0.25, [0, 2]), (0.25, [1, 2])]
    """
    from scipy.sparse.csgraph import maximum_bipartite_matching

    places = chance.shape[1]
    who = np.flatnonzero(chance.sum(axis=1) > _NOTHING)
    left = chance.toarray()[who]
    m = len(who)
    # a column each for those who are left over in a ranking, so that rows sum to 1 as well
    spare = m - places
    if spare:
        left = np.hstack(
            [left, np.repeat((1 - left.sum(axis=1, keepdims=True)).clip(0) / spare, spare, axis=1)]
        )
    found: list[tuple[float, NDArray[np.int64]]] = []
    rest = 1.0
    while rest > 1e-6:
        support = csr_array(np.where(left > _NOTHING, 1, 0))
        row = maximum_bipartite_matching(support, perm_type="row")
        if (row < 0).any():  # what is left is rounding
            break
        weight = float(left[row, np.arange(m)].min())
        left[row, np.arange(m)] -= weight
        found.append((weight, who[row[:places]]))
        rest -= weight
    return found


def drawn(chance: csr_array, lot: float) -> NDArray[np.int64]:
    """(places,) who stands at each place in the ranking that the lot, uniform from 0 to 1, draws."""
    rankings = decomposed(chance)
    ends = np.cumsum([weight for weight, _ in rankings])
    return rankings[int(np.searchsorted(ends, lot * ends[-1], side="right").clip(0, len(rankings) - 1))][1]


def in_order_of_merit(people: NDArray[np.int64], codes: NDArray) -> list[int]:
    """The same places for each group, its people in order of merit (of their positions)."""
    lines = {code: iter(sorted(people[codes[people] == code].tolist())) for code in np.unique(codes[people])}
    return [next(lines[codes[person]]) for person in people]
