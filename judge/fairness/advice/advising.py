"""The front of the room: tables in, evidence by skew and the cures that a comparison supports out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from judge.data.user_tables import texts
from judge.errors import InputError, listed
from judge.fairness.advice.camera import LIGHT, light_changes
from judge.fairness.advice.cures import supported
from judge.fairness.advice.evidence import SKEWS, Found, judged, summary
from judge.fairness.advice.ratings import rating_shifts
from judge.fairness.advice.reading import reading
from judge.fairness.advice.shares import shares
from judge.fairness.inference.settings import Inference


@dataclass(frozen=True)
class Advice:
    """What `advise` found.

    Attributes
    ----------
    evidence : DataFrame
        A row a number: skew, group, measure, value, n, ci_low, ci_high, p_value, p_adjusted, test, size (the value in
        the unit of `least`), least, strength ("" where nothing is tested), detail.
    skews : DataFrame
        A row for each of representation, ratings, camera, reading and reference: strength (clear, weak, none or
        unknown), groups that it is found for, number of tests, and what could not be known.
    cures : DataFrame or None
        For each skew found, the cures of the comparison, best first, with `verdict`: supported, costly or not
        supported. None where there is no comparison.
    notes : tuple of str
        Who was left out, and what was done to the tables.
    confidence : float
        Of every interval; tests are at 1 − confidence, adjusted over all of them.
    """

    evidence: pd.DataFrame
    skews: pd.DataFrame
    cures: pd.DataFrame | None
    notes: tuple[str, ...] = ()
    confidence: float = 0.95

    @property
    def found(self) -> list[str]:
        """The skews with weak or clear evidence."""
        return self.skews.loc[self.skews["strength"].isin(["weak", "clear"]), "skew"].tolist()


@dataclass(frozen=True)
class _Columns:
    """Which column is what."""

    feature: str
    score: str | None = None
    rating: str | None = None
    light: Mapping[str, str] = field(default_factory=dict)


def advise(
    people: pd.DataFrame,
    *,
    feature: str,
    score: str | None = None,
    rating: str | None = None,
    training: pd.DataFrame | None = None,
    training_counts: Mapping[str, int] | None = None,
    ratings: pd.DataFrame | None = None,
    rater_group: str | None = None,
    id_column: str = "image_id",
    exposure: str | None = None,
    contrast: str | None = None,
    reference_counts: Mapping[str, int] | None = None,
    cures: pd.DataFrame | None = None,
    confidence: float = 0.95,
) -> Advice:
    """For which skews these tables give evidence, how strong, and which cures the comparison supports for them.

    Parameters
    ----------
    people : DataFrame
        A row an entrant, with the columns named below.
    feature : str
        Column of the groups.
    score, rating : str, optional
        Columns of the judge's score and of people's mean rating, for `reading`.
    training : DataFrame, optional
        A row a training picture, with `feature` and, for `camera`, the columns of exposure and contrast.
    training_counts : mapping of str to int, optional
        Group → training pictures, where there is no such table.
    ratings : DataFrame, optional
        A row a single rating, with `id_column`, rater_id and rating, for `ratings`. The pictures' groups are looked up
        in `people` and `training`, unless the table has the column `feature` itself.
    rater_group : str, optional
        Column of `ratings` with the raters' own groups, named as those of `feature`.
    id_column : str
        Column that names a picture in all three tables.
    exposure, contrast : str, optional
        Columns of each picture's mean lightness and its spread, in any unit, the same in both tables.
    reference_counts : mapping of str to int, optional
        Group → people of a reference set that a robot compares entrants with; empty where no robot does.
    cures : DataFrame, optional
        As `judge.fairness.advice.cures.read_cures` reads it; nothing is said of cures without.
    confidence : float
        From 0.5 up to but not including 1.

    Returns
    -------
    Advice
        Evidence by number, strength by skew, cures by skew found, notes.

    Raises
    ------
    InputError
        A column that is not there, no group that two people are known of, a count below 0, both `training` and
        `training_counts`, or a confidence out of range.

    Notes
    -----
    Evidence is clear where Holm's adjusted p, over all tests of all skews, is at most (1 − confidence) / 5 and the
    effect at least as large as `judge.fairness.advice.evidence.LEAST` says; weak where the adjusted p is at most
    1 − confidence; else none. Skews can hide one another, and what a group's own raters share, or what darkens the
    pictures of all groups alike, shows in none of these numbers.

    References
    ----------
    Holm (1979), Scand. J. Stat. 6:65; Welch (1947), Biometrika 34:28.

    Examples
    --------
    Two groups enter alike, but one in twenty training pictures is of b:

    >>> people = pd.DataFrame({"group": ["a", "b"] * 100})
    >>> told = advise(people, feature="group", training_counts={"a": 190, "b": 10})
    >>> told.skews.loc[told.skews["skew"] == "representation", ["strength", "groups"]].values.tolist()
    [['clear', ['b']]]
    >>> row = told.evidence.query("measure == 'pool_ratio' and group == 'b'").iloc[0]
    >>> [round(float(row[name]), 3) for name in ("value", "ci_low", "ci_high")]
    [0.1, 0.054, 0.182]
    """
    confidence = Inference(confidence=confidence).confidence
    columns = _Columns(
        feature, score, rating, {k: v for k, v in zip(LIGHT, (exposure, contrast), strict=True) if v}
    )
    if training is not None and training_counts is not None:
        raise InputError("the training pictures come as a table or as counts, not as both")
    notes: list[str] = []
    entrants = _part(people, columns, "entrants", notes, needed=True)
    taught = None if training is None else _part(training, columns, "training pictures", notes)
    groups = entrants["group"].value_counts()
    if len(groups) < 2:
        raise InputError(f"at least two groups are needed to compare; {feature} has {listed(groups.index)}")
    parts = []
    counts = _counts(training_counts, "training_counts")
    if taught is not None:
        counts = taught["group"].value_counts().to_dict()
    for skew, measure, known in (
        ("representation", "pool_ratio", counts),
        ("reference", "reference_ratio", _counts(reference_counts, "reference_counts")),
    ):
        if skew == "reference" and known == {}:
            parts.append(Found(unknown=[(skew, "no robot compares entrants with a reference set")]))
        elif known is None:
            what = (
                "who the training pictures are of"
                if skew == "representation"
                else "whether a robot compares entrants with a reference set, and with whom,"
            )
            parts.append(Found(unknown=[(skew, f"{what} is not known")]))
        else:
            strangers = sorted(set(known) - set(groups.index))
            if strangers:
                notes.append(f"{measure.split('_')[0]}: nobody of {', '.join(map(repr, strangers))} enters")
            parts.append(shares(known, groups.to_dict(), skew=skew, measure=measure, confidence=confidence))
    if ratings is None:
        parts.append(Found(unknown=[("ratings", "there are no single ratings")]))
    else:
        named = _groups_of_pictures(ratings, (people, training), columns, id_column, notes)
        parts.append(
            rating_shifts(*named, rater_group=_rater_group(ratings, rater_group), confidence=confidence)
        )
    parts.append(light_changes(entrants, taught, confidence=confidence))
    if score is None:
        parts.append(Found(unknown=[("reading", "there are no scores")]))
    else:
        parts.append(reading(entrants, confidence=confidence))
    evidence = judged(parts, groups=len(groups), confidence=confidence)
    skews = summary(evidence, [reason for part in parts for reason in part.unknown])
    told = Advice(evidence, skews, None, tuple(notes), confidence)
    if cures is None:
        return told
    wanted = [*told.found, *(["all"] if len(told.found) > 1 else [])]
    chosen = [supported(cures, skew) for skew in wanted]
    rest = pd.concat(chosen, ignore_index=True) if chosen else cures.head(0).assign(verdict="")
    stray = sorted(set(cures["skew"]) - {*SKEWS, "all"})
    more = (f"the comparison of cures also has {listed(stray)}, of which nothing is said",) if stray else ()
    return Advice(evidence, skews, rest, (*told.notes, *more), confidence)


def _part(
    table: pd.DataFrame, columns: _Columns, what: str, notes: list[str], *, needed: bool = False
) -> pd.DataFrame:
    """group, and score, rating, exposure and contrast where they are there; people of no known group are counted."""
    wanted = {"score": columns.score, "rating": columns.rating} if needed else {}
    own = {name: column for name, column in {**wanted, **columns.light}.items() if column}
    required = [columns.feature, *(own.values() if needed else ())]
    lacking = [name for name in required if name not in table]
    if lacking:
        raise InputError(
            f"the {what} lack the column(s) {listed(lacking)}; they have {listed(table.columns)}"
        )
    group = texts(table[columns.feature])
    part = pd.DataFrame({"group": group.to_numpy(object)})
    for name, column in own.items():
        if column in table:
            part[name] = _finite(table[column], column, what)
            left_out = int(part[name].isna().sum())
            if left_out:
                notes.append(f"{what}: {left_out:,} of {len(part):,} have no {column}")
    unknown = int(part["group"].isna().sum())
    if unknown:
        notes.append(f"{what}: {unknown:,} of {len(part):,} of no known {columns.feature} are left out")
    return part[part["group"].notna()].reset_index(drop=True)


def _finite(values: pd.Series, column: str, what: str) -> np.ndarray:
    try:
        number = pd.to_numeric(values).astype(float).to_numpy()
    except (TypeError, ValueError) as error:
        raise InputError(f"the {what}: {column} is to be numbers; {error}") from error
    return np.where(np.isfinite(number), number, np.nan)


def _counts(counts: Mapping[str, int] | None, name: str) -> dict[str, int] | None:
    if counts is None:
        return None
    if not counts and name == "reference_counts":
        return {}
    wrong = {group: n for group, n in counts.items() if int(n) != n or n < 0}
    if wrong or not sum(counts.values()):
        raise InputError(f"{name} has whole numbers from 0, not all 0; given {dict(counts)}")
    return {str(group): int(n) for group, n in counts.items()}


def _rater_group(ratings: pd.DataFrame, named: str | None) -> str | None:
    if named is not None and named not in ratings:
        raise InputError(f"the ratings lack the column {named!r}; they have {listed(ratings.columns)}")
    return named


def _groups_of_pictures(
    ratings: pd.DataFrame,
    tables: Sequence[pd.DataFrame | None],
    columns: _Columns,
    id_column: str,
    notes: list[str],
) -> tuple[pd.DataFrame, pd.Series]:
    """image_id, rater_id, rating (and whatever else there is), and the group of each picture by its id."""
    lacking = [name for name in (id_column, "rater_id", "rating") if name not in ratings]
    if lacking:
        raise InputError(
            f"the ratings lack the column(s) {listed(lacking)}; they have {listed(ratings.columns)}"
        )
    single = ratings.assign(
        image_id=ratings[id_column].astype(str),
        rating=_finite(ratings["rating"], "rating", "ratings"),
        rater_id=ratings["rater_id"].astype(str),
    )
    sources = (
        [ratings] if columns.feature in ratings else [t for t in tables if t is not None and id_column in t]
    )
    if not sources:
        raise InputError(
            f"whom a rating is of is not known: neither the ratings nor another table has {columns.feature!r} beside "
            f"{id_column!r}"
        )
    looked_up = pd.concat(
        [
            pd.Series(texts(t[columns.feature]).to_numpy(object), index=t[id_column].astype(str))
            for t in sources
            if columns.feature in t
        ]
    )
    group = looked_up[~looked_up.index.duplicated()].dropna()
    stray = int((~single["image_id"].isin(group.index)).sum())
    if stray:
        notes.append(f"ratings: {stray:,} of {len(single):,} are of pictures of no known group")
    return single, group
