"""Brackets, ages and age bands, read in one place by all who need them.

An age band may be written in many ways, and a spreadsheet turns some of them into dates on opening the file:
10-19 into 19-Oct, 3-9 into 9-Mar or 3-Sep, by locale. These are read as what they were. A band that cannot be
read says so (`unreadable`) and is never taken for one of adults.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

#: Nobody who is or may be younger is ranked.
ADULT = 18
AGE_GROUPS = ("18-29", "30-39", "40-49", "50-59", "60-69")
_EDGES = [float(name.split("-")[0]) for name in AGE_GROUPS] + [float(AGE_GROUPS[-1].split("-")[1]) + 1]
#: A band that begins above this is none of people: a year of birth, or a spreadsheet's number of a day.
OLDEST = 130

Years = tuple[float, float]
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}
_N = r"(\d+(?:\.\d+)?)"  # a number
_MORE = r"(?:and|or) (?:more|over|above|older|up|upwards)|plus"
_LESS = r"(?:and|or) (?:less|under|below|younger)"
_MONTH = "(" + "|".join(_MONTHS) + ")[a-z]*"


def bracket_names(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """The bracket of each row, e.g. `female 18-29`; `all` where there are no columns."""
    if not columns:
        return pd.Series("all", index=table.index)
    name = table[columns[0]].astype(str)
    for column in columns[1:]:
        name = name + " " + table[column].astype(str)
    return name


def bracket_columns(table: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Those of `columns` that can divide these people: the ones that the table has a value in."""
    return [name for name in columns if name in table and table[name].notna().any()]


def age_groups(age: pd.Series) -> pd.Series:
    """Ages in years as one of AGE_GROUPS; missing below 18, from 70, and where no age is known."""
    place = np.searchsorted(_EDGES, ages(age).to_numpy(), side="right") - 1  # NaN is sorted behind all
    names = np.array([*AGE_GROUPS, None], dtype=object)  # −1, below the first edge, is the None as well
    return pd.Series(names[place], index=age.index, dtype="str")


def ages(values: pd.Series) -> pd.Series:
    """Years as float64: numbers and texts of numbers; NaN where there is none."""
    return pd.to_numeric(values, errors="coerce").astype("float64")


def age_bands(values: pd.Series) -> pd.DataFrame:
    """first, last (years, both included), unreadable: what bands such as "18-29", "70+" or "under 18" say.

    `last` is infinite for an open band, and `first` is 0 for one that is open below. Missing and empty bands have
    NaN and are not unreadable. A single age is a band of one year. Each distinct text is parsed once: ten million
    rows take about a second.
    """
    codes, texts = pd.factorize(values)
    found = [read_band(text) for text in texts]
    unreadable = [band is None and bool(str(text).strip()) for band, text in zip(found, texts, strict=True)]
    # one row more than there are texts: the code of a missing value is −1
    years = np.array([(math.nan, math.nan) if band is None else band for band in [*found, None]])[codes]
    bad = np.array([*unreadable, False])[codes]
    return pd.DataFrame({"first": years[:, 0], "last": years[:, 1], "unreadable": bad}, index=values.index)


def band_names(values: pd.Series) -> pd.Series:
    """Bands of several years in one spelling: "18–29", "18 to 29" and "20s" become "18-29" and "20-29".

    All others are as given, without blanks around them: "70+", "adult", what is missing or cannot be read.
    """
    codes, texts = pd.factorize(values)
    names = np.array([*map(_band_name, texts), None], dtype=object)
    return pd.Series(names[codes], index=values.index, dtype="str")


def stated_years(people: pd.DataFrame, bands: Sequence[str] = ("age_group",)) -> pd.DataFrame:
    """first, last (years): `age`, else what the first of the columns `bands` says that can be read, else NaN."""
    known = ages(people["age"]) if "age" in people else pd.Series(math.nan, index=people.index)
    years = pd.DataFrame({"first": known, "last": known})
    for column in bands:
        if column in people:
            years = years.where(years["first"].notna(), age_bands(people[column])[["first", "last"]])
    return years


def read_band(text: object) -> Years | None:
    """(first, last) year of one band, both included; None where it cannot be read.

    >>> read_band("30 – 39 years"), read_band("more than 70"), read_band("19-Oct"), read_band("<18")
    ((30.0, 39.0), (70.0, inf), (10.0, 19.0), (0.0, 17.0))
    """
    plain = re.sub(r"[‐‑‒–—−]", "-", str(text).casefold())
    plain = re.sub(r"(?<!-)\b(aged?|ages|years?|yrs?|y\.?o|old|of)\b[.:]?", " ", plain)
    plain = re.sub(r"\s+", " ", re.sub(r"\s*-\s*", "-", plain)).strip()
    for pattern, meaning in _SPELLINGS:
        match = re.fullmatch(pattern, plain)
        if match is not None:
            first, last = (float(year) for year in meaning(*match.groups()))
            return (first, last) if first <= last and first <= OLDEST else None
    return None


def _band_name(text: object) -> str:
    band = read_band(text)
    if band is not None and 0 < band[0] < band[1] < math.inf:
        return f"{band[0]:g}-{band[1]:g}"
    return str(text).strip()


def _closed(first: str, last: str) -> Years:
    return float(first), float(last)


def _interval(left: str, first: str, last: str, right: str) -> Years:
    """Whole years inside an interval such as (17, 29] or [18, 30)."""
    return math.floor(float(first)) + (left == "("), math.ceil(float(last)) - (right == ")")


def _date(year: str, month: str, day: str) -> Years:
    """2019-10-01 was 10-19, October 2019; any other day of a month was a band of day and month."""
    other = int(year) % 100 if int(day) == 1 and int(year) % 100 > int(month) else int(day)
    return min(int(month), other), max(int(month), other)


def _month(name: str, number: str) -> Years:
    return min(_MONTHS[name], int(number)), max(_MONTHS[name], int(number))


def _from(first: str) -> Years:
    return float(first), math.inf


def _below(sign: str, last: str) -> Years:
    strict = sign not in ("<=", "≤", "up to")
    return 0.0, max(float(last) - strict, 0.0)


#: Spellings, the first that fits counts, and what they mean.
_SPELLINGS: tuple[tuple[str, Callable[..., Years]], ...] = (
    (_N, lambda age: (math.floor(float(age)),) * 2),
    (rf"{_N}(?:-| to | bis |\.\.){_N}", _closed),
    (rf"([\[(]){_N}\s*,\s*{_N}([\])])", _interval),
    (r"(\d{4})-(\d\d)-(\d\d)(?:[ t]00:00:00(?:\.0+)?)?", _date),
    (rf"(\d{{1,2}})[- ./]{{1,2}}{_MONTH}", lambda number, name: _month(name, number)),
    (rf"{_MONTH}[- ./]{{1,2}}(\d{{1,2}})", _month),
    (r"(\d)0'?s", lambda ten: (int(ten) * 10, int(ten) * 10 + 9)),
    (rf"{_N} ?(?:\+|{_MORE})", _from),
    (rf"(?:>=?|≥|more than|over|above|older than|from) ?{_N}(?: {_MORE})?", _from),
    (rf"{_N} (?:{_LESS})", lambda last: _below("≤", last)),
    (rf"(<=?|≤|under|below|up to|less than|younger than) ?{_N}", _below),
    # any word of childhood is enough to be careful; nothing but a whole phrase makes an adult
    (r".*(?:child|kid|teen|adolescent|minor|baby|babies|infant|toddler|youth).*", lambda: (0, ADULT - 1)),
    (r"(?:(?:young|older|middle-aged) )?adults?|middle-aged|elderly|seniors?", lambda: (ADULT, math.inf)),
)  # fmt: skip
