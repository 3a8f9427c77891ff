"""What the explorer shows: fields of entrants, and the contests held over each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The panel's rule where there is one judge: its score is the one that counts.
ALONE = "score"


@dataclass(frozen=True)
class Held:
    """A contest under one condition; arrays have an element for each of the field's n people.

    judges    names of the k judges whose scores are combined
    scores    (n, k) higher is better; NaN: no score
    final     (n,) the score that ranked; NaN: none
    rank      (n,) from 1 within the bracket; 0: not ranked
    winner    (n,) bool
    reason    (n,) text: why somebody is not ranked, with the gate's rule; "" for those who are
    judged    (n,) bool: whose scores make the scale of the panel (those whom the gate admitted)
    eligible  (n,) bool: who is ranked, given a score
    scope     (n,) int: the panel's z-scores and ranks are taken within these
    panel     rule (one of the panel's, or ALONE), weights by judge (0: does not sit), missing, min_judges
    sizes     bracket → how many are ranked in it; None: as many as these people's ranks say
    gated     whether a gate stood before the judges
    fixed     why no other places or weights can be tried ("" where they can)
    """

    judges: tuple[str, ...]
    scores: NDArray[np.float64]
    final: NDArray[np.float64]
    rank: NDArray[np.int64]
    winner: NDArray[np.bool_]
    reason: NDArray[Any]
    judged: NDArray[np.bool_]
    eligible: NDArray[np.bool_]
    scope: NDArray[np.int64]
    panel: Mapping[str, Any] = field(
        default_factory=lambda: {"rule": ALONE, "weights": {}, "missing": "middle", "min_judges": 1}
    )
    sizes: Mapping[str, int] | None = None
    gated: bool = False
    fixed: str = ""


@dataclass(frozen=True)
class Field:
    """Everybody who entered one contest, and the contest under every condition.

    run       what tells it from the others: the seed, or the folder's name
    setting   what it has in common with others ("" where nothing varies besides the run)
    ids       (n,) names of the entrants, as the page shows them
    group     (n,) of the sensitive feature
    bracket   (n,) "" where somebody has none
    lot       (n,) int: who comes first among people who tie
    places    winners a bracket; 0: not known
    features  further columns of the people to be shown, by name
    pictures  (n,) path of each picture, or None where none may be shown
    real      whether somebody among them may exist
    """

    run: str
    setting: str
    ids: NDArray[Any]
    group: NDArray[Any]
    bracket: NDArray[Any]
    lot: NDArray[np.int64]
    places: int
    contests: Mapping[str, Held]
    features: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    pictures: NDArray[Any] | None = None
    real: bool = True

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def numbers(self) -> int:
        """Scores and ranks that the page needs of it."""
        return sum(held.scores.size + 2 * len(self) for held in self.contests.values())

    def winner_counts(self) -> dict[tuple[str, str], int]:
        """(condition, group) → winners, for each group that entered."""
        names, codes = np.unique(self.group.astype(str), return_inverse=True)
        return {
            (condition, str(name)): int(n)
            for condition, held in self.contests.items()
            for name, n in zip(names, np.bincount(codes, held.winner, len(names)), strict=True)
        }
