"""Who is behind the rows: people who come several times, and people who are missing.

Every test and interval of the audit counts people. Where a person comes with several pictures the rows are not
independent (five pictures each took the size of a 5 % test to 33 %), so such a table is refused unless one row a person
is kept by a rule that the user names. Whoever is missing is counted by group, because a group that loses its people on
the way loses the contest there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.fairness.audit.columns.codes import Codes
from judge.fairness.audit.columns.frame import FrameColumns
from judge.fairness.counts import Counts

if TYPE_CHECKING:
    from judge.fairness.audit.columns.parquet import ParquetColumns

RULES = ("best", "first", "mean")
#: Groups that a note names before it says "and … more".
_MOST_NAMED = 6


@dataclass(frozen=True)
class Absent:
    """One reason why people are missing: who they are among those who came so far, by bracket and group.

    metric   missing_bracket_share, missing_winner_share, not_eligible_share or missing_score_share
    column   the column that says so      counts   by feature; "winners" are the missing
    """

    metric: str
    column: str
    counts: dict[str, Counts]

    @property
    def told(self) -> str:
        """So many of so many people."""
        first = next(iter(self.counts.values()))
        return f"{int(first.winners.sum())} of {int(first.entrants.sum())} people"

    @property
    def by_group(self) -> str:
        """Whose they are, by the first feature: " (a 60 of 100, b 0 of 900)"; those most concerned first."""
        counts = next(iter(self.counts.values()))
        missing, entered = counts.winners.sum(axis=0), counts.entrants.sum(axis=0)
        with np.errstate(invalid="ignore"):
            order = np.argsort(-np.nan_to_num(missing / entered), kind="stable")
        there = [int(g) for g in order if entered[g]]
        named = [f"{counts.groups[g]} {missing[g]} of {entered[g]}" for g in there[:_MOST_NAMED]]
        if len(there) > _MOST_NAMED:
            rest = there[_MOST_NAMED:]
            named.append(f"{len(rest)} more groups {missing[rest].sum()} of {entered[rest].sum()}")
        return f" ({', '.join(named)})"


def absent_people(
    metric: str,
    missing: NDArray[np.bool_],
    coded: Mapping[str, Codes],
    bracket: Codes | None,
    *,
    column: str,
    weight: NDArray[np.int64] | None = None,
) -> Absent:
    """Counts of the missing by each feature; bracket None: one bracket, for those whose bracket is not known.

    weight  people a row; None: one
    """
    place = Codes(np.zeros(len(missing), np.int8), ("all",)) if bracket is None else bracket
    counts = {
        name: Counts.from_codes(missing, codes.code, place.code, codes.names, place.names, weight)
        for name, codes in coded.items()
    }
    return Absent(metric, column, counts)


@dataclass(frozen=True)
class Persons:
    """Whose picture each row is, and the rule that keeps one of them."""

    column: str
    rule: str
    code: NDArray[np.int64]


def repeated_people(
    columns: FrameColumns | ParquetColumns, person: str | None, others: Sequence[str], *, rule: str | None
) -> Persons | None:
    """Whose pictures are to become one row each by the rule; without a rule, InputError if anybody comes twice."""
    if rule is None:
        if person is not None:
            columns.checked_ids(person)
        for name in others:
            if (more := columns.repeats(name)) > 0:
                raise InputError(
                    f"{more} of {columns.n} rows repeat a {name} that came before (ids: {person or 'none'}): the same "
                    "people come several times, and every test and interval counts people. Keep one row for each with "
                    f"--one-per-person best, first or mean (one_per_person=), or leave {name} out of the table if "
                    "it does not tell people apart"
                )
        return None
    if rule not in RULES:
        raise InputError(f"one per person is one of {listed(RULES)}, not {rule!r}")
    known = [*others, *([] if person is None else [person])]
    if not known:
        raise InputError(
            "one row a person needs a column that says whose picture a row is; name it as the id"
        )
    column = next((name for name in known if columns.repeats(name)), known[-1])
    if person is not None and column != person:
        columns.checked_ids(person)
    return Persons(column, rule, columns.persons(column))


@dataclass(frozen=True)
class OneEach:
    """The row of each person that stays, in the order of the table; scores and rating of those rows."""

    rows: NDArray[np.int64]
    scores: dict[str, NDArray[np.float64]]
    rating: NDArray[np.float64] | None
    notes: list[str] = field(default_factory=list)


def one_row_each(
    persons: Persons,
    features: Mapping[str, Codes],
    brackets: Mapping[str, Codes],
    *,
    scores: Mapping[str, NDArray[np.float64]],
    rating: NDArray[np.float64] | None,
    won: NDArray[np.bool_] | None,
    eligible: NDArray[np.bool_] | None,
    nowhere: NDArray[np.bool_] | None,
    unknown: NDArray[np.bool_] | None,
) -> OneEach:
    """One row a person by the rule, and in the notes how many were set aside and whose.

    best    the row that won; else, among those with a bracket and a known outcome, the eligible one of the highest
            finite score; the first in the table where that leaves several
    first   the first in the table
    mean    the first in the table, with the mean of the person's finite scores and ratings (of the eligible rows)
    """
    n = len(persons.code)
    rule = persons.rule
    if rule == "best" and len(scores) != 1 and won is None:
        raise InputError(
            f"one per person: best needs one score or a winner column to choose by, not {len(scores)} scores; audit "
            "one score at a time, or choose first or mean"
        )
    if rule == "mean" and won is not None:
        raise InputError("one per person: mean is for scores; with a winner column choose best or first")
    keys: list[NDArray] = [np.arange(n)]
    if rule == "best":
        if len(scores) == 1:
            (score,) = scores.values()
            keys.append(-np.where(np.isfinite(score), score, -np.inf))
        for wanted, mask in ((True, eligible), (False, unknown), (False, nowhere), (True, won)):
            if mask is not None:
                keys.append(mask != wanted)
    order = np.lexsort((*keys, persons.code))
    code = persons.code[order]
    first = np.concatenate([[True], code[1:] != code[:-1]]) if n else np.zeros(0, bool)
    rows = np.sort(order[first])
    kept_scores = {name: values[rows] for name, values in scores.items()}
    kept_rating = None if rating is None else rating[rows]
    if rule == "mean":
        kept_scores = {
            name: _means(values, persons.code, eligible)[persons.code[rows]]
            for name, values in scores.items()
        }
        kept_rating = None if rating is None else _means(rating, persons.code, eligible)[persons.code[rows]]
    notes = [_set_aside(persons, features, rows)]
    chosen = np.empty(int(persons.code.max(initial=-1)) + 1, np.int64)
    chosen[persons.code[rows]] = rows
    for name, codes in {**features, **brackets}.items():
        differs = codes.code != codes.code[chosen[persons.code]]
        if differs.any():
            several = len(np.unique(persons.code[differs]))
            notes.append(
                f"{several} of {len(rows)} people have more than one {name}: that of the row kept counts"
            )
    return OneEach(rows, kept_scores, kept_rating, notes)


def _means(values: NDArray, code: NDArray, eligible: NDArray | None) -> NDArray[np.float64]:
    used = np.isfinite(values) if eligible is None else np.isfinite(values) & eligible
    size = int(code.max(initial=-1)) + 1
    with np.errstate(invalid="ignore"):
        return np.bincount(code[used], values[used], size) / np.bincount(code[used], minlength=size)


def _set_aside(persons: Persons, features: Mapping[str, Codes], rows: NDArray) -> str:
    what = {"best": "the best row", "first": "the first row", "mean": "the mean score"}[persons.rule]
    n = len(persons.code)
    told = (
        f"{n - len(rows)} of {n} rows set aside: {what} of each {persons.column} counts, {len(rows)} people"
    )
    codes = next(iter(features.values()))
    pictures = np.bincount(codes.code, minlength=len(codes.names))
    people = np.bincount(codes.code[rows], minlength=len(codes.names))
    if persons.rule != "best" or len(codes.names) > _MOST_NAMED:
        return told
    # the best of many is better than the best of few: whoever came with more pictures had more chances
    each = [f"{name} {p / k:.2f}" for name, p, k in zip(codes.names, pictures, people, strict=True) if k]
    return f"{told}; rows a person: {', '.join(each)} (more rows are more chances)"
