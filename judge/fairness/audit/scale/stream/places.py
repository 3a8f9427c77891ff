"""Who wins the places of each bracket, from a stream of people, best first; no lot is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judge.fairness.audit.entrants import Entrants
from judge.fairness.audit.scale.stream.segments import Segments, sorted_by
from judge.fairness.audit.scale.stream.sorted_scores import SortedScores
from judge.fairness.audit.winners import place_notes
from judge.fairness.counts import Counts
from judge.fairness.lots import Lots


@dataclass(frozen=True)
class Filled:
    """Places filled by a score, counted by cell; `judge.fairness.audit.winners.Chosen` says the same of people.

    certain, tied     people of each cell who win whatever the lot, and who tie at the cut
    bracket, feature  codes of each cell
    drawn, unfilled   (brackets,) places that lots fill, places that stay empty
    """

    column: str
    certain: NDArray[np.int64]
    tied: NDArray[np.int64]
    bracket: NDArray[np.int64]
    feature: dict[str, NDArray[np.int64]]
    drawn: NDArray[np.int64]
    unfilled: NDArray[np.int64]

    def counts(self, people: Entrants, feature: str) -> Counts:
        """Entrants and winners; with ties at the last place, winners averaged over all lots."""
        codes, bracket = people.features[feature], people.bracket
        nobody = np.zeros(len(codes.code), bool)
        entered = Counts.from_codes(
            nobody, codes.code, bracket.code, codes.names, bracket.names, people.weight
        ).entrants
        certain, tied = self._table(self.certain, entered, feature), self._table(self.tied, entered, feature)
        if not self.drawn.any():
            return Counts(entered, certain, codes.names, bracket.names)
        return Counts.with_lots(entered, Lots(certain, tied, self.drawn), codes.names, bracket.names)

    def notes(self, people: Entrants) -> list[str]:
        """What `place_notes` says of the places that the score fills."""
        certain = np.zeros(len(people.bracket.names), np.int64)
        np.add.at(certain, self.bracket, self.certain)
        return place_notes(
            self.column,
            certain=certain,
            tied=int(self.tied.sum()),
            drawn=self.drawn if self.drawn.any() else None,
            unfilled=self.unfilled,
            with_ids=bool(people.id_column),
        )

    def _table(self, of_cells: NDArray[np.int64], like: NDArray, feature: str) -> NDArray[np.int64]:
        table = np.zeros_like(like)
        np.add.at(table, (self.bracket, self.feature[feature]), of_cells)
        return table


def filled(
    column: str,
    scores: SortedScores,
    *,
    bracket: NDArray[np.int64],
    feature: dict[str, NDArray[np.int64]],
    n: NDArray[np.int64],
    places: int,
) -> Filled:
    """The best `places` of each bracket; the stream is left where all are filled.

    bracket, feature  codes of each cell        n  (brackets,) people with a score
    """
    cells, brackets = len(bracket), len(n)
    certain, tied = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
    came, drawn = np.zeros(brackets, np.int64), np.zeros(brackets, np.int64)
    wanted = np.minimum(places, n)
    for piece in scores.runs():
        place = bracket[piece.cell]
        order = sorted_by(place, brackets)
        score, cell, people, place = piece.score[order], piece.cell[order], piece.people[order], place[order]
        new = np.ones(len(score), bool)
        new[1:] = (score[1:] != score[:-1]) | (place[1:] != place[:-1])
        first = np.flatnonzero(new)
        size, of = np.add.reduceat(people, first), place[first]
        stretches = Segments(of)
        above = stretches.before(size, came[stretches.code])
        came[stretches.code] += stretches.sums(size)
        sure = above + size <= places
        cut = (above < places) & ~sure
        drawn[of[cut]] = places - above[cut]
        run = np.cumsum(new) - 1
        np.add.at(certain, cell[sure[run]], people[sure[run]])
        np.add.at(tied, cell[cut[run]], people[cut[run]])
        if (came >= wanted).all():
            break
    return Filled(column, certain, tied, bracket, feature, drawn, places - wanted)
