"""A table of entrants made ready for the audit: codes for groups and brackets, and who was excluded.

Nobody is dropped silently: each reason is counted in `notes`. A person without a group keeps competing, as a
member of the group "(missing)", because leaving them out would change who wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.contest import order_of_merit
from judge.errors import InputError, listed

#: Columns that are taken for the id of a person, in this order, when none is named.
ID_COLUMNS = ("image_id", "person_id", "entrant_id", "id")
MISSING = "(missing)"
#: Between the names of a bracket or of an intersection of features.
JOINT = " × "
_YES = {"1", "1.0", "true", "yes", "y", "t", "won", "winner"}
_NO = {"0", "0.0", "false", "no", "n", "f", "lost", "loser", ""}


@dataclass(frozen=True)
class Codes:
    """Integer codes of a categorical column and the sorted names that they index."""

    code: NDArray[np.int32]
    names: tuple[str, ...]

    def take(self, keep: NDArray) -> Codes:
        """The codes of some people; names stay, so that a group that became empty stays visible."""
        return replace(self, code=self.code[keep])


@dataclass
class Entrants:
    """People of one contest: features and bracket as codes, scores and ratings as floats of length n."""

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
    ids: pd.Series | NDArray[np.int64] | None = None
    id_column: str = ""
    notes: list[str] = field(default_factory=list)
    # order and rank of each (score, key): ten million people are sorted once, not once a use
    orders: dict[tuple[str, int], tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=dict)

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
    table: pd.DataFrame,
    *,
    features: Sequence[str],
    score: Sequence[str] = (),
    winner: str | None = None,
    brackets: Sequence[str] = (),
    rating: str | None = None,
    person: str | None = None,
    intersections: bool = False,
) -> Entrants:
    """The entrants of a table with one row a person, as `audit_entrants` and `skew_curves` take them.

    Parameters
    ----------
    table : DataFrame
        One row a person.
    features, score, brackets : sequence of str
        Columns: sensitive features, scores (higher is better), and those whose combinations are the brackets.
    winner, rating : str, optional
        Columns: who won (1/0, true/false, yes/no, won/lost), and human ratings.
    person : str, optional
        Column of ids. None: the first of image_id, person_id, entrant_id, id that the table has; without any of them
        lots among people who tie go by the number of the row.
    intersections : bool
        Add the combinations of all features as one more feature.

    Returns
    -------
    Entrants
        Codes and numbers, and in `notes` who was excluded and why.

    Raises
    ------
    InputError
        For a missing column, an empty table, ids that are missing or appear twice, text where a number is needed, and
        a winner column that is not yes/no.

    Examples
    --------
    >>> people = read_entrants(pd.DataFrame({"g": ["a", "b", None], "won": ["yes", "no", "no"]}), features=["g"],
    ...                        winner="won")
    >>> people.features["g"].names, people.winner.tolist(), people.notes
    (('(missing)', 'a', 'b'), [True, False, False], ['1 of 3 people have no g: kept as group (missing)'])
    """
    person = person or next((name for name in ID_COLUMNS if name in table), None)
    wanted = [*features, *score, *brackets, *[c for c in (winner, rating, person) if c is not None]]
    missing = [name for name in dict.fromkeys(wanted) if name not in table]
    if missing:
        raise InputError(f"no column {listed(missing)} in the table; it has {listed(table.columns)}")
    if not features:
        raise InputError("name at least one sensitive feature (a column of the table)")
    if table.columns.duplicated().any():
        raise InputError(f"columns appear twice: {listed(table.columns[table.columns.duplicated()])}")
    if len(table) == 0:
        raise InputError("the table has columns but no entrants (0 rows)")
    if person is not None:
        _check_ids(table[person], person)

    notes: list[str] = []
    keep = np.ones(len(table), bool)
    for column in brackets:
        absent = table[column].isna().to_numpy()
        if absent.any():
            notes.append(f"{absent.sum()} of {len(table)} people excluded: no {column}, so no bracket")
            keep &= ~absent
    won = None
    if winner is not None:
        won, unknown = _yes_no(table[winner], winner)
        if unknown.any():
            notes.append(f"{unknown.sum()} of {len(table)} people excluded: {winner} is missing")
            keep &= ~unknown
    if not keep.any():
        raise InputError(f"no entrant is left of {len(table)}: " + "; ".join(notes))

    everybody = bool(keep.all())
    part = table if everybody else table[keep]
    if person is not None:
        ids: pd.Series | NDArray[np.int64] | None = part[person]
    else:
        ids = None if everybody else np.flatnonzero(keep)
    coded = {name: codes_of(part[name]) for name in features}
    for name, codes in coded.items():
        if MISSING in codes.names:
            n = int((codes.code == codes.names.index(MISSING)).sum())
            notes.append(f"{n} of {len(part)} people have no {name}: kept as group {MISSING}")
    if intersections and len(features) > 1:
        coded[JOINT.join(features)] = crossed([coded[name] for name in features])
    bracket_parts = {name: codes_of(part[name]) for name in brackets}
    if brackets:
        parts = list(bracket_parts.values())
        bracket = crossed(parts)
        empty = _empty_brackets(parts, bracket)
        if empty:
            notes.append(f"{len(empty)} bracket(s) without entrants: {listed(empty)}")
    else:
        bracket = Codes(np.zeros(len(part), np.int32), ("all",))
    return Entrants(
        n=len(part),
        features=coded,
        bracket=bracket,
        bracket_parts=bracket_parts,
        scores={name: _numbers(part[name], name) for name in score},
        winner=None if won is None else won[keep],
        winner_column=winner or "",
        rating=None if rating is None else _numbers(part[rating], rating),
        rating_column=rating or "",
        ids=ids,
        id_column=person or "",
        notes=notes,
    )


def codes_of(column: pd.Series) -> Codes:
    """Codes of a column, names as text in sorted order; missing values become the group "(missing)"."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories, raw = column.cat.categories, column.cat.codes.to_numpy()
    else:
        raw, categories = pd.factorize(column)
    names = np.array([str(c) for c in categories], dtype=object)
    if (raw < 0).any():
        names = np.append(names, MISSING)
        raw = np.where(raw < 0, len(names) - 1, raw)
    unique, position = np.unique(names.astype(str), return_inverse=True)
    return Codes(position.astype(np.int32)[raw], tuple(str(name) for name in unique))


def crossed(parts: Sequence[Codes]) -> Codes:
    """The combinations that occur of several codes, named "a × b"."""
    code = np.zeros(len(parts[0].code), np.int64)
    for part in parts:
        code = code * len(part.names) + part.code
    occurring, position = _unique_codes(code)
    names = []
    for value in occurring:
        label = []
        for part in reversed(parts):
            value, rest = divmod(int(value), len(part.names))
            label.append(part.names[rest])
        names.append(JOINT.join(reversed(label)))
    return Codes(position.astype(np.int32), tuple(names))


def _unique_codes(code: NDArray) -> tuple[NDArray, NDArray]:
    size = int(code.max()) + 1
    if size > 10_000_000:  # a lookup table would not be small any more
        occurring, position = np.unique(code, return_inverse=True)
        return occurring, position
    occurring = np.flatnonzero(np.bincount(code, minlength=size))
    lookup = np.zeros(size, np.int32)
    lookup[occurring] = np.arange(len(occurring))
    return occurring, lookup[code]


def _empty_brackets(parts: Sequence[Codes], bracket: Codes) -> list[str]:
    every: list[tuple[str, ...]] = [()]
    for part in parts:
        every = [(*before, name) for before in every for name in part.names]
        if len(every) > 100_000:
            return []
    occupied = set(np.array(bracket.names, object)[np.unique(bracket.code)])
    return [name for name in (JOINT.join(label) for label in every) if name not in occupied]


def _check_ids(column: pd.Series, name: str) -> None:
    absent = column.isna().to_numpy() | (column.astype(str).str.strip() == "").to_numpy()
    if absent.any():
        rows = (np.flatnonzero(absent)[:5] + 1).tolist()
        raise InputError(
            f"{absent.sum()} of {len(column)} rows have no {name}, first rows {listed(rows)}; "
            "give each person one"
        )
    twice = column.duplicated(keep="first")
    if twice.any():
        raise InputError(
            f"{int(twice.sum())} of {len(column)} rows repeat a {name} that came before, first "
            f"{listed(column[twice].head(5).tolist())}; the table has to hold one row a person "
            "(of one judge and seed)"
        )


def _numbers(column: pd.Series, name: str) -> NDArray[np.float64]:
    """Floats, NaN where missing; text that is no number is an error with its row count."""
    numbers = pd.to_numeric(column, errors="coerce")
    bad = numbers.isna() & column.notna()
    if bad.any():
        raise InputError(
            f"column {name} has {int(bad.sum())} of {len(column)} rows that are no number, "
            f"first {listed(column[bad].head(3).tolist())}"
        )
    return numbers.to_numpy(dtype=float, na_value=np.nan)


def _yes_no(column: pd.Series, name: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(won, unknown) from bool, 0/1, yes/no, true/false, won/lost in any case."""
    unknown = column.isna().to_numpy()
    if column.dtype == bool:
        return column.to_numpy(), unknown
    codes, values = pd.factorize(column)
    text = [str(value).strip().lower() for value in values]
    bad = [value for value, t in zip(values, text, strict=True) if t not in _YES | _NO]
    if bad:
        raise InputError(
            f"column {name} has to say who won with 1/0, true/false, yes/no or won/lost; "
            f"it also holds {listed(bad, 5)}"
        )
    lookup = np.array([t in _YES for t in text] + [False], bool)
    blank = np.array([t == "" for t in text] + [True], bool)
    return lookup[codes], blank[codes]
