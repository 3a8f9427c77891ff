"""Who was selected: by the winner column, and by each score where places are to be filled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from judge.contest import places_of
from judge.fairness.audit.entrants import Entrants


def selections(
    people: Entrants, *, places: int | None, tie_seed: int = 0
) -> list[tuple[str, NDArray[np.bool_] | None, NDArray[np.bool_]]]:
    """Each selection there is: with `places`, each score selects its own winners; a winner column is one more.

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


def place_notes(people: Entrants, name: str, keep: NDArray | None, won: NDArray, places: int) -> list[str]:
    """Places that stayed empty, and winners whom a lot decided because their score was tied at the cut."""
    # a place can go to those who have a score
    scored = np.isfinite(people.scores[name]) if keep is None else keep & np.isfinite(people.scores[name])
    code, score = people.bracket.code[scored], people.scores[name][scored]
    won = won[scored] if keep is None else won[scored[keep]]
    size = np.bincount(code, minlength=len(people.bracket.names))
    notes = []
    unfilled = int(np.maximum(places - size, 0).sum())
    if unfilled:
        short = int((size < places).sum())
        notes.append(
            f"{name}: {unfilled} place(s) stay empty in {short} bracket(s) with fewer than {places} people"
        )
    lowest = np.full(len(size), np.inf)
    np.minimum.at(lowest, code[won], score[won])
    at_cut = score == lowest[code]
    tied_out = np.bincount(code[at_cut & ~won], minlength=len(size)) > 0
    by_lot = int((at_cut & won & tied_out[code]).sum())
    if by_lot:
        drawn = (
            f"{name}: {by_lot} of {int(won.sum())} winners by lot, tied at the last place of their bracket"
        )
        without = (
            ""
            if people.id_column
            else "; there is no id column, so another order of the rows draws other lots"
        )
        notes.append(drawn + without)
    return notes
