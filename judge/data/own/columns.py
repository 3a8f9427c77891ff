"""What a column of somebody's table may be: told by its name in some languages, and by its values.

The name alone is never enough (a column `score` of words is no rating), the values alone only where they can hardly be
anything else. A role that two columns may have goes to the likelier one, and the other is said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from judge.data.brackets import read_band

#: Role → whole names, in words without accents, digits and punctuation; the first is what the reader calls it.
NAMES: Mapping[str, tuple[str, ...]] = {
    "rating": (
        "rating", "ratings", "score", "attractiveness", "attractive", "beauty", "rating mean", "mean rating",
        "score mean", "mean score", "average rating", "avg rating", "average score", "avg score", "mos", "stars",
        "vote", "votes", "bewertung", "attraktivitat", "schonheit", "note", "punkte", "urteil", "puntuacion",
        "atractivo", "belleza", "calificacion", "beaute", "attractivite", "voto", "bellezza", "punteggio",
    ),
    "gender": ("gender", "sex", "geschlecht", "genero", "sexo", "genre", "sexe", "genere", "sesso", "m f", "f m"),
    "ethnicity": (
        "ethnicity", "race", "ethnic group", "ethnic", "ethnic origin", "ancestry", "ethnie", "ethnizitat", "herkunft",
        "raza", "etnia", "origen", "origine", "origin", "group", "gruppe", "grupo", "groupe", "population",
    ),
    "age": ("age", "alter", "edad", "idade", "eta", "age years", "years", "jahre", "lebensalter", "age at photo"),
    "age_group": ("age group", "age band", "age range", "altersgruppe", "bracket", "grupo edad", "age"),
    "rater_id": (
        "rater id", "rater", "worker", "worker id", "annotator", "participant", "participant id", "judge", "user",
        "user id", "bewerter", "rated by", "evaluator", "voter", "respondent", "workerid", "raterid", "userid",
    ),
    "person_id": ("person id", "person", "identity", "model id", "face id", "personid", "individual"),
}  # fmt: skip
IMAGES = (
    "path", "file", "file name", "filename", "image", "image id", "img", "picture", "photo", "photograph", "pfad",
    "datei", "dateiname", "bild", "foto", "fichier", "archivo", "imagen", "stimulus", "id", "url",
)  # fmt: skip
FEMALE = {
    "f", "w", "female", "woman", "women", "weiblich", "frau", "frauen", "femme", "feminin", "mujer", "femenino",
    "femminile", "donna", "mulher", "feminino", "kvinna",
}  # fmt: skip
MALE = {
    "m", "male", "man", "men", "mannlich", "mann", "manner", "herr", "homme", "masculin", "hombre", "masculino",
    "maschile", "uomo", "homem",
}  # fmt: skip
PEOPLES = {
    "white", "black", "asian", "caucasian", "african", "african american", "latino", "latina", "latinx",
    "latino hispanic", "hispanic", "hispanic latino", "indian", "east asian", "south asian", "southeast asian",
    "middle eastern", "arab", "native american", "pacific islander", "mixed", "multiracial", "european", "weiss",
    "schwarz", "asiatisch", "afrikanisch", "blanco", "negro", "asiatico", "blanc", "noir", "asiatique",
    "mideastern",
}  # fmt: skip
#: Words of a column's name that say it is a spread or a count, not a rating.
_NO_RATING = {
    "sd",
    "std",
    "se",
    "n",
    "count",
    "num",
    "number",
    "var",
    "variance",
    "min",
    "max",
    "id",
    "index",
    "rank",
}


@dataclass(frozen=True)
class Fit:
    """How well a column fits a role: `points`, over 0, and by what."""

    column: str
    points: int
    why: str


def plain(name: object) -> str:
    """Words in small letters without accents, digits and punctuation: "Score_mean2" is "score mean".

    >>> plain("Ethnizität-4"), plain("race4"), plain("fileName")
    ('ethnizitat', 'race', 'file name')
    """
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name))
    text = "".join(
        c for c in unicodedata.normalize("NFKD", text.replace("ß", "ss")) if not unicodedata.combining(c)
    )
    return " ".join(re.findall(r"[^\W\d_]+", text.casefold()))


def name_points(column: str, names: tuple[str, ...]) -> int:
    """3: the column has one of the names; 2: one of its words is one; 1: a long word of it holds one; else 0."""
    words = plain(column)
    if words in names:
        return 3
    parts = words.split()
    pairs = {" ".join(pair) for pair in pairwise(parts)}
    if pairs & {*names} or {*parts} & {*names}:
        return 2
    return int(any(len(name) >= 4 and name in part for name in names for part in parts))


def fits(role: str, name: str, cells: pd.Series, numbers: pd.Series | None) -> Fit | None:
    """How the column fits the role; None where its values do not allow it, or nothing speaks for it.

    name     of the column; cells: it as text, missing where missing
    numbers  the same as numbers, where nearly all are some; else None
    """
    known = cells.dropna()
    if known.empty:
        return None
    named = name_points(name, NAMES[role])
    by_values = _VALUES[role](known, None if numbers is None else numbers.dropna(), named, plain(name))
    if by_values is None or named + by_values < 2:
        return None
    reasons = [["", "a word in its name", "its name", "its name"][named], "its values" if by_values else ""]
    return Fit(name, 2 * named + by_values, " and ".join(reason for reason in reasons if reason))


def _rating(known: pd.Series, numbers: pd.Series | None, named: int, name: str) -> int | None:
    if numbers is None or numbers.nunique() < 2 or {*name.split()} & _NO_RATING:
        return None
    low, high, whole = numbers.min(), numbers.max(), bool((numbers % 1 == 0).all())
    counts_rows = whole and numbers.is_unique and high - low >= len(numbers) - 1 and len(numbers) > 10
    if counts_rows or (
        not named and any(name_points(name, NAMES[role]) > 1 for role in NAMES if role != "rating")
    ):
        return None
    if low >= 0 and 1 < high <= 10:
        return 2 if named or (numbers.nunique() > 4 and not name_points(name, IMAGES)) else 0
    return int(bool(named) and low >= -10 and high <= 1000) or None


def _gender(known: pd.Series, numbers: pd.Series | None, named: int, name: str) -> int | None:
    if not 2 <= known.nunique() <= 6:
        return None
    told = {plain(value) for value in known.unique()}
    if told & FEMALE and told & MALE and len(told - FEMALE - MALE) <= 3:
        return 2
    return 0 if named else None


def _ethnicity(known: pd.Series, numbers: pd.Series | None, named: int, name: str) -> int | None:
    distinct = known.nunique()
    if not 2 <= distinct <= min(30, max(2, len(known) // 2)) or (
        numbers is not None and (numbers % 1 != 0).any()
    ):
        return None
    told = {plain(value) for value in known.unique()}
    if 2 * len(told & PEOPLES) >= len(told):
        return 3
    # a group may be anything: codes, letters; a gender is none
    return 0 if named and not (told & FEMALE and told & MALE) else None


def _age(known: pd.Series, numbers: pd.Series | None, named: int, name: str) -> int | None:
    """Only where the name says so: 18 to 65 may be anything."""
    if not named or numbers is None or not (numbers.between(0, 120).all() and 10 <= numbers.median() <= 90):
        return None
    return 2


def _age_group(known: pd.Series, numbers: pd.Series | None, named: int, name: str) -> int | None:
    if numbers is not None or known.nunique() > 40:
        return None
    read = known.map({value: read_band(value) is not None for value in known.unique()})
    return 2 if read.mean() >= 0.8 else None


def _identity(known: pd.Series, numbers: pd.Series | None, named: int, name: str) -> int | None:
    return 0 if named >= 2 and known.nunique() > 1 else None


_VALUES: Mapping[str, Callable[[pd.Series, pd.Series | None, int, str], int | None]] = {
    "rating": _rating,
    "gender": _gender,
    "ethnicity": _ethnicity,
    "age": _age,
    "age_group": _age_group,
    "rater_id": _identity,
    "person_id": _identity,
}


def genders(cells: pd.Series) -> dict[str, str]:
    """{value: female or male} of the values that are words for it and are written otherwise; {} where none are.

    One letter is only taken with its counterpart: of h and m nobody knows whether m is mujer or male.
    """
    values = [str(value) for value in cells.dropna().unique()]
    told = {value: plain(value) for value in values}
    if not ({*told.values()} & FEMALE and {*told.values()} & MALE):
        return {}
    meaning = {v: "female" if w in FEMALE else "male" for v, w in told.items() if w in FEMALE | MALE}
    return {value: word for value, word in meaning.items() if value != word}
