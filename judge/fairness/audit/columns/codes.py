"""Integer codes of a categorical column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.data.user_tables import case_note, name_of
from judge.errors import InputError
from judge.fairness.counts import parts_of

MISSING = "(missing)"


@dataclass(frozen=True)
class Codes:
    """Integer codes of a categorical column and the sorted names that they index.

    The codes are of the smallest signed type that holds them (`code_type`): cast before computing with them.
    """

    code: NDArray[Any]
    names: tuple[str, ...]

    def take(self, keep: NDArray) -> Codes:
        """The codes of some people; names stay, so that a group that became empty stays visible."""
        return replace(self, code=self.code[keep])


def code_type(names: int) -> type:
    """The smallest signed integer type that indexes so many names: a byte a person for any usual feature."""
    return np.int8 if names <= 127 else np.int16 if names <= 32_767 else np.int32


def codes_of(column: pd.Series) -> Codes:
    """Codes of a column, names as text in sorted order; missing values become the group "(missing)".

    Whole numbers have no point (a blank among them makes pandas store 0 as 0.0), and blanks around a name are no part
    of it. Raises InputError for lists.
    """
    where = f"column {column.name!r}"
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories, raw = column.cat.categories, column.cat.codes.to_numpy()
    else:
        try:
            raw, categories = pd.factorize(column)
        except TypeError as error:
            raise InputError(f"{where} holds lists, which are no names: one value a row is needed") from error
    return sorted_codes(raw, [name_of(value, where).strip() for value in categories])


def spelling_notes(name: str, codes: Codes) -> list[str]:
    """A sentence where names of a column differ in letter case or inner blanks alone."""
    note = case_note(pd.Series(codes.names, dtype="str"), name)
    return [] if note is None else [note]


def sorted_codes(raw: NDArray, names: Sequence[str]) -> Codes:
    """Codes into any list of names (−1: missing) as codes into their sorted set; names given twice become one."""
    listed = np.array([name or MISSING for name in names], dtype=object)  # blank is nothing, as in a CSV
    missing = len(raw) > 0 and raw.min() < 0
    if missing:
        listed = np.append(listed, MISSING)  # where −1 points already: the last name
    unique, position = np.unique(listed.astype(str), return_inverse=True)
    position = position.astype(code_type(len(unique)))
    if not missing and np.array_equal(position, np.arange(len(position))):  # sorted already
        return Codes(raw.astype(position.dtype, copy=False), tuple(str(name) for name in unique))
    return Codes(looked_up(position, raw), tuple(str(name) for name in unique))


def looked_up(values: NDArray, index: NDArray) -> NDArray:
    """values[index], part by part: numpy would first copy all of the index as 64-bit integers."""
    found = np.empty(len(index), values.dtype)
    for part in parts_of(len(index)):
        found[part] = values[index[part]]
    return found
