"""A table of entrants made ready for the audit: codes for groups and brackets, and who was excluded.

Nobody is dropped silently: whoever has no score, no known outcome or no bracket, or was not eligible, is counted by
group in `absent`, and each reason is told in `notes`. A person without a group keeps competing, as a member of the
group "(missing)", because leaving them out would change who wins; a person without a score entered and was not
selected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.contest import order_of_merit
from judge.data.user_tables import ID_COLUMNS, LARGEST, person_columns
from judge.errors import InputError, listed
from judge.fairness.audit.columns import MISSING, Codes, Columns, FrameColumns
from judge.fairness.audit.columns.codes import code_type, looked_up
from judge.fairness.audit.columns.people import (
    Absent,
    absent_people,
    one_row_each,
    repeated_people,
)
from judge.fairness.counts import parts_of

if TYPE_CHECKING:
    from judge.fairness.audit.columns.parquet import StoredIds

#: Between the names of a bracket or of an intersection of features.
JOINT = " × "


@dataclass
class Entrants:
    """People of one contest: features and bracket as codes, scores and ratings as floats, one entry a row.

    n is the number of people. A row is a person; or, with `weight`, as many people as it says who are alike in every
    column that is counted, and of a score it holds only whether they have one (1 or NaN).
    """

    n: int
    features: dict[str, Codes]
    bracket: Codes
    bracket_parts: dict[str, Codes] = field(default_factory=dict)
    scores: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    winner: NDArray[np.bool_] | None = None
    winner_column: str = ""
    rating: NDArray[np.float64] | None = None
    rating_column: str = ""
    # what each person's lot is drawn from where scores tie: the id, or the number of the row in the table
    ids: pd.Series | StoredIds | NDArray[np.int64] | None = None
    id_column: str = ""
    notes: list[str] = field(default_factory=list)
    # whom the gate let through; None: no such column, everybody. The scores of the others are NaN
    eligible: NDArray[np.bool_] | None = None
    eligible_column: str = ""
    # who is missing and why, by group: a reason each
    absent: list[Absent] = field(default_factory=list)
    # order and rank of each (score, key): ten million people are sorted once, not once a use
    orders: dict[tuple[str, int], tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=dict)
    weight: NDArray[np.int64] | None = None
    # rows of the table that take part, in its order; None: all
    rows: NDArray[np.int64] | None = None

    def ranked(self, score: str, *, tie_seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`order_of_merit` of the people with a finite score, as positions among those."""
        if (score, tie_seed) not in self.orders:
            values, code = self.scores[score], self.bracket.code
            ids = self.ids
            finite = np.isfinite(values)
            if not finite.all():
                values, code = values[finite], code[finite]
                ids = np.flatnonzero(finite) if ids is None else ids[finite]
            self.orders[score, tie_seed] = order_of_merit(ids, values, bracket=code, tie_seed=tie_seed)
        return self.orders[score, tie_seed]


def read_entrants(
    table: pd.DataFrame | Columns,
    *,
    features: Sequence[str],
    score: Sequence[str] = (),
    winner: str | None = None,
    brackets: Sequence[str] = (),
    rating: str | None = None,
    person: str | None = None,
    eligible: str | None = None,
    one_per_person: str | None = None,
    intersections: bool = False,
) -> Entrants:
    """The entrants of a table with one row a person, as `audit_entrants` and `skew_curves` take them.

    Parameters
    ----------
    table : DataFrame or Columns
        One row a person; or the columns of a file (`judge.fairness.audit.open_columns`).
    features, score, brackets : sequence of str
        Columns: sensitive features, scores (higher is better), and those whose combinations are the brackets.
    winner, rating : str, optional
        Columns: who won (1/0, true/false, yes/no, won/lost), and human ratings.
    person : str, optional
        Column of ids. None: the first of image_id, person_id, entrant_id, id that the table has; without any of them
        lots among people who tie go by the number of the row. People who come several times are an error, also where
        another column of the table says so (person_id beside image_id), because the tests count people.
    eligible : str, optional
        Column that says who was let through (yes/no; nothing said counts as no). The others entered and were not
        selected; their scores are not used.
    one_per_person : {"best", "first", "mean"}, optional
        One row for each person who comes several times: the winning picture, else the eligible one of the highest
        score; or the first in the table; or the first with the mean of the person's scores and ratings.
    intersections : bool
        Add the combinations of all features as one more feature.

    Returns
    -------
    Entrants
        Codes and numbers; in `absent` who is missing, by group; in `notes` who was excluded and why.

    Raises
    ------
    InputError
        For a missing column, an empty table, ids that are missing or appear twice, people who come several times, text
        where a number is needed, a winner or eligible column that is not yes/no, and a winner who was not eligible.

    Examples
    --------
    >>> people = read_entrants(pd.DataFrame({"g": ["a", "b", None], "won": ["yes", "no", "no"]}), features=["g"],
    ...                        winner="won")
    >>> people.features["g"].names, people.winner.tolist(), people.notes
    (('(missing)', 'a', 'b'), [True, False, False], ['1 of 3 people have no g: kept as group (missing)'])
    """
    columns = FrameColumns(table) if isinstance(table, pd.DataFrame) else table
    person = person or next((name for name in ID_COLUMNS if name in columns.names), None)
    named = [c for c in (winner, rating, eligible) if c is not None]
    wanted = [*features, *score, *brackets, *named, *([] if person is None else [person])]
    _check_columns(columns, wanted, features)
    others = person_columns(columns.names, taken=wanted)
    persons = repeated_people(columns, person, others, rule=one_per_person)

    notes: list[str] = []
    coded = {name: columns.codes(name) for name in features}
    bracket_parts = {name: columns.codes(name) for name in brackets}
    won, unknown = columns.yes_no(winner, what="won") if winner else (None, None)
    passed, unsaid = columns.yes_no(eligible, what="was eligible") if eligible else (None, None)
    scores = {name: _numbers(columns, name) for name in score}
    ratings = _numbers(columns, rating) if rating else None
    if passed is not None and unsaid is not None:
        passed = passed & ~unsaid
    if won is not None and passed is not None:
        if unknown is not None:  # who was not let through has not won, whatever the column leaves open
            unknown = unknown & passed
        if (n := number_of(won & ~passed, columns.weight)) > 0:
            raise InputError(f"{n} winner(s) by {winner} were not eligible by {eligible}")
    unplaced = [columns.absent(name) for name in brackets if MISSING in bracket_parts[name].names]
    nowhere = np.logical_or.reduce(unplaced) if unplaced else None

    chosen: NDArray | None = None  # rows that stay, in the order of the table; None: all
    if persons is not None:
        found = one_row_each(
            persons, coded, bracket_parts, scores=scores, rating=ratings, won=won, eligible=passed, nowhere=nowhere,
            unknown=unknown,
        )  # fmt: skip
        chosen, scores, ratings = found.rows, found.scores, found.rating
        notes += found.notes
        if len(chosen) < columns.n:
            coded, bracket_parts = _taken(coded, chosen), _taken(bracket_parts, chosen)
            won, unknown, passed, nowhere = (
                None if mask is None else mask[chosen] for mask in (won, unknown, passed, nowhere)
            )
    n, weight = columns.n if chosen is None else len(chosen), columns.weight
    total = n if weight is None else int(weight.sum())
    for name, codes in coded.items():
        if MISSING in codes.names:
            missing = number_of(codes.code == codes.names.index(MISSING), weight)
            notes.append(f"{missing} of {total} people have no {name}: kept as group {MISSING}")
    if intersections and len(features) > 1:
        coded[JOINT.join(features)] = crossed([coded[name] for name in features])

    # who has no bracket or no known outcome takes no part; who they are is said by group
    absent: list[Absent] = []
    keep: NDArray | None = None
    if nowhere is not None and nowhere.any():
        what = either_of(brackets)
        absent.append(
            absent_people("missing_bracket_share", nowhere, coded, None, column=what, weight=weight)
        )
        notes.append(f"{absent[-1].told} excluded: no {what}, so no bracket{absent[-1].by_group}")
        keep = ~nowhere
    bracket = _bracket_of(bracket_parts, n)
    if unknown is not None and unknown.any():
        inside = keep
        part = unknown if inside is None else unknown[inside]
        if part.any():
            absent.append(
                absent_people(
                    "missing_winner_share",
                    part,
                    _taken(coded, inside),
                    _take(bracket, inside),
                    column=winner or "",
                    weight=weight if weight is None or inside is None else weight[inside],
                )
            )
            notes.append(f"{absent[-1].told} excluded: {winner} is missing{absent[-1].by_group}")
        keep = ~unknown if keep is None else keep & ~unknown
    if keep is not None:
        if not keep.any():
            raise InputError(f"no entrant is left of {total}: " + "; ".join(notes))
        coded = _taken(coded, keep)
        bracket_parts = {name: _without_missing(part) for name, part in _taken(bracket_parts, keep).items()}
        bracket = _bracket_of(bracket_parts, int(keep.sum()))
        won, passed, ratings = (None if array is None else array[keep] for array in (won, passed, ratings))
        scores = {name: values[keep] for name, values in scores.items()}
        chosen = np.flatnonzero(keep) if chosen is None else chosen[keep]
        weight = None if weight is None else weight[keep]
    if brackets:
        empty = _empty_brackets(list(bracket_parts.values()), bracket)
        if empty:
            notes.append(f"{len(empty)} bracket(s) without entrants: {listed(empty)}")
    if passed is not None:
        absent.append(
            absent_people("not_eligible_share", ~passed, coded, bracket, column=eligible or "", weight=weight)
        )
        if not passed.all():
            notes.append(
                f"{absent[-1].told} were not eligible ({eligible}){absent[-1].by_group}: they entered and were not "
                "selected"
            )
            scores = {name: np.where(passed, values, np.nan) for name, values in scores.items()}
    for name, values in scores.items():
        unscored = ~np.isfinite(values)
        if unscored.any() and not unscored.all():
            among = None if passed is None or passed.all() else passed
            if among is not None and not unscored[among].any():
                continue
            part = unscored if among is None else unscored[among]
            absent.append(
                absent_people(
                    "missing_score_share",
                    part,
                    _taken(coded, among),
                    _take(bracket, among),
                    column=name,
                    weight=weight if weight is None or among is None else weight[among],
                )
            )
            notes.append(
                f"{absent[-1].told} have no finite {name}{absent[-1].by_group}: they count as entrants who were not "
                "selected; ranks and scores are those of the others"
            )
    identity = persons.column if persons is not None and persons.rule == "mean" else person
    ids: pd.Series | StoredIds | NDArray[np.int64] | None = chosen
    if identity is not None:
        # lots are drawn where scores tie; who won by a column of the table needs no lot, and the ids no memory
        ids = columns.ids(identity) if scores else None
        if ids is not None and chosen is not None:
            ids = ids.iloc[chosen] if isinstance(ids, pd.Series) else ids[chosen]
    return Entrants(
        n=len(bracket.code) if weight is None else int(weight.sum()),
        features=coded,
        bracket=bracket,
        bracket_parts=bracket_parts,
        scores=scores,
        winner=won,
        winner_column=winner or "",
        rating=ratings,
        rating_column=rating or "",
        ids=ids,
        id_column=identity or "",
        notes=[*dict.fromkeys(columns.notes), *notes],
        eligible=passed,
        eligible_column=eligible or "",
        absent=absent,
        weight=weight,
        rows=chosen,
    )


def number_of(mask: NDArray[np.bool_], weight: NDArray[np.int64] | None) -> int:
    """How many people a mask of rows holds."""
    return int(mask.sum() if weight is None else weight[mask].sum())


def either_of(names: Sequence[str]) -> str:
    """Names in a sentence: "gender or age_group"."""
    return " or ".join(names)


def _numbers(columns: Columns, name: str) -> NDArray[np.float64]:
    values = columns.numbers(name)
    with np.errstate(invalid="ignore"):
        largest = np.abs(values, where=np.isfinite(values), out=np.zeros(len(values))).max(initial=0.0)
    if largest > LARGEST:
        raise InputError(
            f"column {name} holds numbers beyond ±{LARGEST:g}, the largest of size {largest:g}: their squares are no "
            "numbers any more; give it in another unit, or leave such a cell empty"
        )
    return values


def _check_columns(columns: Columns, wanted: Sequence[str], features: Sequence[str]) -> None:
    missing = [name for name in dict.fromkeys(wanted) if name not in columns.names]
    if missing:
        raise InputError(f"no column {listed(missing)} in the table; it has {listed(columns.names)}")
    if not features:
        raise InputError("name at least one sensitive feature (a column of the table)")
    twice = list(dict.fromkeys(name for name in columns.names if columns.names.count(name) > 1))
    if twice:
        raise InputError(f"columns appear twice: {listed(twice)}")
    if columns.n == 0:
        raise InputError("the table has columns but no entrants (0 rows)")


def _take(codes: Codes, keep: NDArray | None) -> Codes:
    return codes if keep is None else codes.take(keep)


def _taken(coded: dict[str, Codes], keep: NDArray | None) -> dict[str, Codes]:
    return {name: _take(codes, keep) for name, codes in coded.items()}


def _without_missing(codes: Codes) -> Codes:
    """Without the name "(missing)" if nobody bears it any more: it is no bracket that could have had entrants."""
    if MISSING not in codes.names:
        return codes
    at = codes.names.index(MISSING)
    if (codes.code == at).any():
        return codes
    return Codes(codes.code - (codes.code > at), (*codes.names[:at], *codes.names[at + 1 :]))


def _bracket_of(parts: dict[str, Codes], n: int) -> Codes:
    return crossed(list(parts.values())) if parts else Codes(np.zeros(n, np.int8), ("all",))


def crossed(parts: Sequence[Codes]) -> Codes:
    """The combinations that occur of several codes, named "a × b"."""
    size = np.prod([float(len(part.names)) for part in parts])
    # no wider than needed: a pass over ten million codes costs what they weigh
    code: NDArray = parts[0].code.astype(np.int64 if size >= 2**31 else code_type(int(size) + 1))
    for part in parts[1:]:
        code = code * code.dtype.type(len(part.names)) + part.code.astype(code.dtype)
    occurring, position = _unique_codes(code)
    names = []
    for value in occurring:
        label = []
        for part in reversed(parts):
            value, rest = divmod(int(value), len(part.names))
            name = part.names[rest]
            # "x × y" with "z" and "x" with "y × z" would be one name
            label.append(f"“{name}”" if JOINT.strip() in name else name)
        names.append(JOINT.join(reversed(label)))
    return Codes(position.astype(code_type(len(names)), copy=False), tuple(names))


def _unique_codes(code: NDArray) -> tuple[NDArray, NDArray]:
    size = int(code.max(initial=0)) + 1
    if size > 10_000_000:  # a lookup table would not be small any more
        occurring, position = np.unique(code, return_inverse=True)
        return occurring, position
    there = np.zeros(size, bool)
    for part in parts_of(len(code)):
        there[code[part]] = True
        if there.all():  # as a rule after a few thousand people
            break
    occurring = np.flatnonzero(there)
    if len(occurring) == size:
        return occurring, code
    lookup: NDArray = np.zeros(size, code_type(len(occurring)))
    lookup[occurring] = np.arange(len(occurring))
    return occurring, looked_up(lookup, code)


def _empty_brackets(parts: Sequence[Codes], bracket: Codes) -> list[str]:
    every: list[tuple[str, ...]] = [()]
    for part in parts:
        every = [(*before, name) for before in every for name in part.names]
        if len(every) > 100_000:
            return []
    occupied = set(bracket.names)  # `crossed` names those that occur
    return [name for name in (JOINT.join(label) for label in every) if name not in occupied]
