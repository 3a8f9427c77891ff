"""Who was selected: by the winner column, and by each score where places are to be filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judge.contest import places_of
from judge.fairness.audit.entrants import Entrants
from judge.fairness.counts import Counts
from judge.fairness.lots import Lots


def selections(
    people: Entrants, *, places: int | None, tie_seed: int = 0
) -> list[tuple[str, NDArray[np.bool_] | None, NDArray[np.bool_]]]:
    """Each selection there is, one lot drawn: with `places` each score has its winners; a winner column is one more.

    For figures and lists that show people. What is counted is averaged over the lots: `chosen`.

    Parameters
    ----------
    people : Entrants
        As `read_entrants` gives them.
    places : int or None
        Winners a bracket; None: only the winner column selects.
    tie_seed : int
        Key of the lottery among those who tie.

    Returns
    -------
    list of (str, None, (n,) bool array)
        The column, who takes part (None: everybody who entered, also without a score), and who of those won.

    Examples
    --------
    >>> import pandas as pd
    >>> from judge.fairness.audit import read_entrants
    >>> people = read_entrants(pd.DataFrame({"g": list("ab"), "s": [1, 2]}), features=["g"], score=["s"])
    >>> [(name, keep, won.tolist()) for name, keep, won in selections(people, places=1)]
    [('s', None, [False, True])]
    """
    found: list[tuple[str, NDArray[np.bool_] | None, NDArray[np.bool_]]] = []
    if people.winner is not None:
        found.append((people.winner_column, None, people.winner))
    if places is None:
        return found
    for name, score in people.scores.items():
        keep = np.isfinite(score)
        if keep.any():
            won = places_of(*people.ranked(name, tie_seed=tie_seed), places=places).winner
            if not keep.all():  # without a score, or not eligible: they entered and were not selected
                everybody = np.zeros(people.n, bool)
                everybody[keep] = won
                won = everybody
            found.append((name, None, won))
    return found


@dataclass(frozen=True)
class Chosen:
    """One selection as it is counted, everybody who entered included: who wins whatever the lot, who ties at the cut.

    column          the score or winner column
    certain, tied   (n,) bool; tied is None where no lot decides
    drawn           (B,) places that the lot fills among the tied
    unfilled        (B,) places that stay empty
    """

    column: str
    certain: NDArray[np.bool_]
    tied: NDArray[np.bool_] | None = None
    drawn: NDArray[np.int64] | None = None
    unfilled: NDArray[np.int64] | None = None

    def notes(self, people: Entrants) -> list[str]:
        """What `place_notes` says of the places that the score fills."""
        return place_notes(
            self.column,
            certain=np.bincount(people.bracket.code[self.certain], minlength=len(people.bracket.names)),
            tied=0 if self.tied is None else int(self.tied.sum()),
            drawn=self.drawn,
            unfilled=self.unfilled,
            with_ids=bool(people.id_column),
        )

    def counts(self, people: Entrants, feature: str) -> Counts:
        """Entrants and winners; with ties at the last place, winners averaged over all lots."""
        codes, bracket = people.features[feature], people.bracket
        counts = Counts.from_codes(
            self.certain, codes.code, bracket.code, codes.names, bracket.names, people.weight
        )
        if self.tied is None or self.drawn is None:
            return counts
        tied = Counts.from_codes(self.tied, codes.code, bracket.code, codes.names, bracket.names).winners
        return Counts.with_lots(
            counts.entrants, Lots(counts.winners, tied, self.drawn), codes.names, bracket.names
        )


def chosen(people: Entrants, *, places: int | None) -> list[Chosen]:
    """Each selection there is, as `selections` but without drawing any lot.

    Parameters
    ----------
    people : Entrants
        As `read_entrants` gives them.
    places : int or None
        Winners a bracket; None: only the winner column selects, and that is a fact, whatever it rests on.

    Returns
    -------
    list of Chosen
        The winner column first, where there is one.

    Examples
    --------
    One of two who tie at the only place: half a winner each.

    >>> import pandas as pd
    >>> from judge.fairness.audit import read_entrants
    >>> people = read_entrants(pd.DataFrame({"g": list("abc"), "s": [2, 2, 1]}), features=["g"], score=["s"])
    >>> (only,) = chosen(people, places=1)
    >>> only.counts(people, "g").winners.tolist()
    [[0.5, 0.5, 0.0]]
    """
    found = []
    if people.winner is not None:
        found.append(Chosen(people.winner_column, people.winner))
    if places is None:
        return found
    for name, score in people.scores.items():
        keep = np.isfinite(score)
        if not keep.any():
            continue
        # order and code are of those with a score; who has none entered and is not selected
        whole = bool(keep.all())
        values, code = (score, people.bracket.code) if whole else (score[keep], people.bracket.code[keep])
        order, rank = people.ranked(name)
        brackets = len(people.bracket.names)
        # the score at the last place of each bracket: above it one wins for certain, at it perhaps
        last = np.full(brackets, -np.inf)
        at_last = order[rank == places]
        last[code[at_last]] = values[at_last]
        certain, at_cut = values > last[code], values == last[code]
        filled = np.minimum(places, np.bincount(code, minlength=brackets))
        left = filled - np.bincount(code[certain], minlength=brackets)
        by_lot = np.bincount(code[at_cut], minlength=brackets) > left
        certain |= at_cut & ~by_lot[code]
        tied = at_cut & by_lot[code]
        if not whole:
            certain, tied = (_of_everybody(mask, keep) for mask in (certain, tied))
        drawn = np.where(by_lot, left, 0)
        if by_lot.any():
            found.append(Chosen(name, certain, tied, drawn, places - filled))
        else:
            found.append(Chosen(name, certain, unfilled=places - filled))
    return found


def _of_everybody(mask: NDArray[np.bool_], keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    whole = np.zeros(len(keep), bool)
    whole[keep] = mask
    return whole


def place_notes(
    column: str,
    *,
    certain: NDArray[np.int64],
    tied: int,
    drawn: NDArray[np.int64] | None,
    unfilled: NDArray[np.int64] | None,
    with_ids: bool,
) -> list[str]:
    """Places that stayed empty, and winners whom a lot decided because their score was tied at the cut.

    certain   (B,) who win whatever the lot     tied      people among whom a lot decides
    drawn     (B,) places that lots fill, None: no lots     unfilled  (B,) places that stay empty, None: no places
    with_ids  whether lots are drawn from ids, and not from the order of the rows
    """
    notes = []
    if unfilled is not None and unfilled.any():
        places = int((unfilled + certain + (0 if drawn is None else drawn)).max())
        notes.append(
            f"{column}: {int(unfilled.sum())} place(s) stay empty in {int((unfilled > 0).sum())} "
            f"bracket(s) with fewer than {places} people"
        )
    if drawn is None:
        return notes
    by_lot = int(drawn.sum())
    total = by_lot + int(certain.sum())
    notes.append(
        f"{column}: {by_lot} of {total} winners by lot, drawn among {tied} people tied at the last "
        "place of their bracket; winners are counted as averages over all lots, p-values are means over them, and no "
        "number depends on the lot drawn (--tie-seed): it only names winners, for the figures and the curve of skew"
    )
    if not with_ids:
        notes.append(
            f"{column}: there is no id column, so another order of the rows draws other lots for the figures"
        )
    return notes
