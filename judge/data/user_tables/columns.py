"""Columns that people bring, as names or as numbers: nothing is taken for what it is not."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np
import pandas as pd

from judge.errors import InputError

#: What stands for a missing number. In names of groups and people these words are names.
MISSING_NUMBERS = ("NA", "N/A", "#N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null", "None", "none")
#: Whole numbers above this cannot be told apart as scores: float64 holds no more digits.
EXACT = 2**53
#: Numbers of larger size are none: fourth powers of them, summed, have to be finite.
LARGEST = 1e60
#: Numbers as programs write them: no leading zeros, at most 15 digits, no exponent but Python's own.
_PLAIN = re.compile(r"-?(?:(?:0|[1-9]\d{0,14})(?:\.\d+)?|\d(?:\.\d+)?e[-+]\d\d+)")


def texts(values: pd.Series, where: str = "a column") -> pd.Series:
    """Values as names, missing where missing: 0 and 0.0 are "0", True is "True", a day is "2019-10-01 00:00:00".

    Raises InputError, which begins with `where`, for lists and other nested values.
    """
    if isinstance(values.dtype, pd.StringDtype):
        return values.astype("str")
    try:
        codes, distinct = pd.factorize(values)
    except TypeError as error:
        raise InputError(f"{where} holds lists, which are no names: one value a row is needed") from error
    names = np.array([*(name_of(value, where) for value in list(distinct)), None], dtype=object)
    return pd.Series(names[codes], index=values.index, dtype="str")


def numbers(
    values: pd.Series, where: str = "a column", *, decimal_comma: bool = False
) -> tuple[pd.Series, pd.Series]:
    """(float64, NaN where missing or no number; which cells hold something that is no number up to LARGEST in size).

    decimal_comma  read 3,5 as 3.5
    Raises InputError, which begins with `where`, for times, durations and lists, and for whole numbers beyond 2^53,
    which float64 would make equal.

    >>> found, wrong = numbers(pd.Series(["2.5", "NA", "high", None]))
    >>> found.tolist(), wrong.tolist()
    ([2.5, nan, nan, nan], [False, False, True, False])
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        inner, bad = numbers(pd.Series(values.cat.categories), where, decimal_comma=decimal_comma)
        codes = values.cat.codes.to_numpy()
        return (
            pd.Series(np.append(inner.to_numpy(), np.nan)[codes], index=values.index),
            pd.Series(np.append(bad.to_numpy(), False)[codes], index=values.index),
        )
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else getattr(values.dtype, "kind", "O")
    if kind in "mM":
        what = "durations" if kind == "m" else "times"
        raise InputError(
            f"{where} holds {what}, which are no numbers: give numbers in a unit that you choose"
        )
    if kind in "biuf":
        found = values.astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
        _exact(values, found, where)
        return _finite(found, values)
    if not isinstance(values.dtype, pd.StringDtype):
        values = _plain_objects(values, where)
    words = values.astype("str")
    words = words.where(~words.isin(MISSING_NUMBERS))
    if decimal_comma and words.str.fullmatch(r"[-+]?\d*,\d+").any() and not words.str.contains(r"\.").any():
        words = words.str.replace(",", ".")
    found = _parsed(words)
    _exact(words, found, where)
    return _finite(found, words)


def case_note(names: pd.Series, column: str) -> str | None:
    """A sentence about names that differ only in letter case or inner blanks, None where there are none or too many."""
    distinct = names.dropna().unique()
    if len(distinct) > 1000:  # identifiers, no groups
        return None
    alike: dict[str, list[str]] = {}
    for name in distinct:
        alike.setdefault(" ".join(str(name).casefold().replace("_", " ").split()), []).append(str(name))
    several = [same for same in alike.values() if len(same) > 1]
    if not several:
        return None
    shown = "; ".join(" and ".join(map(repr, same)) for same in several[:3])
    return f"column {column!r}: {shown} differ in spelling alone and count as different values"


def name_of(value: Any, where: str) -> str:
    """A value as a name: whole numbers without a point. Raises InputError, which begins with `where`, for lists."""
    if isinstance(value, (list, tuple, dict, set, np.ndarray)):
        raise InputError(f"{where} holds lists, which are no names: one value a row is needed")
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _plain_objects(values: pd.Series, where: str) -> pd.Series:
    """Python objects (decimals, days, mixed cells) as texts of numbers; lists and times are refused."""
    for value in values.dropna():
        if isinstance(value, (list, tuple, dict, set, np.ndarray)):
            raise InputError(f"{where} holds lists, which are no numbers: one value a row is needed")
        if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
            raise InputError(
                f"{where} holds times, which are no numbers: give numbers in a unit that you choose"
            )
    return values.map(lambda value: None if pd.isna(value) else str(value)).astype("str")


def _parsed(words: pd.Series) -> np.ndarray:
    import pyarrow as pa

    try:
        cells = pa.array(words, type=pa.large_string(), from_pandas=True)
        return np.array(cells.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype="float64")
    except pa.ArrowInvalid:  # words among them, or spellings that only Python knows
        found = pd.to_numeric(words, errors="coerce")
        return np.asarray(found.astype("Float64").to_numpy(dtype="float64", na_value=np.nan))


def _exact(values: pd.Series, found: np.ndarray, where: str) -> None:
    with np.errstate(invalid="ignore"):
        huge = np.flatnonzero((np.abs(found) >= EXACT) & np.isfinite(found))
    for place in huge:
        value = values.iloc[place]
        if isinstance(value, (float, np.floating)):
            continue  # it is what it is
        word = str(value).strip()
        if re.fullmatch(r"[-+]?\d{16,}", word) and int(word) != int(found[place]):
            raise InputError(
                f"{where} holds whole numbers beyond 2^53, such as {word}: read as numbers, different ones "
                "become equal. Identifiers are no scores; scores can be divided by a power of ten"
            )


def _finite(found: np.ndarray, given: pd.Series) -> tuple[pd.Series, pd.Series]:
    with np.errstate(invalid="ignore"):
        beyond = np.abs(found) > LARGEST  # infinities as well
    wrong = beyond | (np.isnan(found) & given.notna().to_numpy())
    return (
        pd.Series(np.where(beyond, np.nan, found), index=given.index),
        pd.Series(wrong, index=given.index),
    )


def typed(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.StringDtype):
        words = values.dropna()
        if words.empty:
            return values
        if words.isin(("True", "False")).all() and len(words) == len(values):
            return values == "True"
        if not words.map(lambda word: _PLAIN.fullmatch(word) is not None).all():
            return values
        found, _ = numbers(values)
        if not words.str.fullmatch(r"-?\d+").all():
            return found
        return found.astype("Int64") if len(words) < len(values) else found.astype("int64")
    if values.dtype.kind == "f" and values.isna().any():
        # whole numbers with a blank among them: codes that pandas made 0.0
        known = values.dropna()
        if len(known) and (known % 1 == 0).all() and known.abs().max() < EXACT:
            return values.astype("Int64")
    return values
