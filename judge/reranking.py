"""Who would win with other scores or another ranking: methods of judge.mitigation on anybody's scores.

`rerank` is what `judge rerank` does, from a table to a table. `by_group` and `price` say what that changed. Methods are
those of the seams scores and ranking, by the names of their files in conf/mitigation. No torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from judge.contest import fill_places
from judge.data.brackets import bracket_names
from judge.data.user_tables import ID_COLUMNS, case_note, numbers, person_columns, texts
from judge.errors import InputError, listed
from judge.mitigation.named import SEAMS, method_named, methods

__all__ = ["ADDED", "SEAMS", "by_group", "method_named", "methods", "price", "rerank"]
#: Columns that `rerank` adds.
ADDED = ("score_after", "rank_before", "winner_before", "rank_after", "winner_after", "set_aside")


def rerank(
    frame: pd.DataFrame,
    *,
    method: str | Any,
    feature: str,
    score: str,
    places: int,
    brackets: Sequence[str] | str = (),
    person: str | None = None,
    rating: str | None = None,
    settings: Mapping[str, Any] | None = None,
    fit: pd.DataFrame | None = None,
    seed: int = 0,
    tie_seed: int = 0,
) -> pd.DataFrame:
    """Who would win with a method of the scores or the ranking seam, and who wins without.

    Parameters
    ----------
    frame : DataFrame
        One row a person who enters. It is not changed.
    method : str or object
        One of `methods()`, or a method itself: an object with `seam` as `judge.mitigation` says.
    feature, score : str
        Columns: the groups, and the score (higher is better).
    places : int
        Winners a bracket, at least 1.
    brackets : str or sequence of str
        Columns whose combinations are the brackets; none: one bracket.
    person : str, optional
        Column of ids, from which lots among those who tie are drawn. None: the first of image_id, person_id,
        entrant_id, id that the table has, else the number of the row.
    rating : str, optional
        Column of ratings, for methods that are fitted on them: of `fit`, if that is given. None: rating, if the table
        has it.
    settings : mapping, optional
        Settings of the method that differ from its file.
    fit : DataFrame, optional
        People who do not enter, with the same columns, on whom a method of the scores seam is fitted. None: it is
        fitted on the entrants themselves, which `attrs["notes"]` then says.
    seed, tie_seed : int
        Of a method that draws lots among rankings, and of the lottery among those who tie.

    Returns
    -------
    DataFrame
        The rows and columns of `frame`, and score_after (scores seam only), rank_before, winner_before, rank_after,
        winner_after, and set_aside: why somebody takes part in neither contest (no group, bracket or score), empty for
        all others. `attrs["notes"]` holds sentences about who was set aside and what the method was fitted on.

    Raises
    ------
    InputError
        For an unknown method or setting, a missing column, people who come several times, nobody left to rank, and
        whatever the method refuses.

    Examples
    --------
    >>> people = pd.DataFrame({"group": ["x", "x", "x", "y", "y", "y"], "score": [9, 8, 7, 6, 5, 4]})
    >>> out = rerank(people, method="quota", feature="group", score="score", places=2)
    >>> out[["group", "score", "rank_before", "rank_after", "winner_after"]].head(4)
      group  score  rank_before  rank_after  winner_after
    0     x      9            1           1          True
    1     x      8            2           3         False
    2     x      7            3           4         False
    3     y      6            4           2          True
    """
    columns = [brackets] if isinstance(brackets, str) else list(brackets)
    if isinstance(places, bool) or not isinstance(places, (int, np.integer)) or places < 1:
        raise InputError(f"places is a whole number of at least 1 (winners a bracket), not {places!r}")
    use = method_named(method, settings) if isinstance(method, str) else method
    if not isinstance(method, str) and settings:
        raise InputError("settings belong to a method that is given by its name")
    seam = getattr(use, "seam", None)
    if seam not in SEAMS:
        raise InputError(
            f"{type(use).__name__} acts at the seam {seam}; only scores and ranking need no network"
        )
    if seam == "ranking" and fit is not None:
        raise InputError(f"{type(use).__name__}, a method of the ranking seam, is not fitted: leave fit out")
    taken = [name for name in ADDED if name in frame]
    if taken:
        raise InputError(f"the table has column(s) {listed(taken)} already, which would be written over")
    notes: list[str] = []
    # where others are fitted on, nobody who enters needs a rating
    own_rating = rating if fit is None or rating in frame else None
    people, value, reason = _people(frame, feature, score, columns, own_rating, notes, what="the table")
    ids = _ids(frame, person, [feature, score, *columns])
    enter = reason.isna().to_numpy()
    if not enter.any():
        raise InputError("nobody is left to rank: " + "; ".join(notes))
    entrants, value = people[enter].reset_index(drop=True), value[enter].reset_index(drop=True)
    own = None if ids is None else ids[enter].to_numpy()
    bracket = bracket_names(entrants, columns)
    lot: dict[str, Any] = {"places": int(places), "bracket": bracket, "tie_seed": tie_seed}
    before = fill_places(own, value, **lot)
    shared: dict[str, Any] = {"feature": feature, "brackets": bracket, "places": int(places)}
    new = None
    if seam == "scores":
        if hasattr(use, "fit"):
            if fit is None:
                notes.append(ON_ENTRANTS.format(n=len(entrants)))
                others, of_others = entrants, value
            else:
                others, of_others = _others(fit, feature, score, rating, ids, enter, notes)
            use = use.fit(of_others.copy(), others, feature=feature)
        new = use(value.copy(), entrants, **shared)
        _check_index(use, new, entrants.index, "scores")
        rank = fill_places(own, new, **lot).rank
    else:
        merit = pd.Series(before.rank, index=entrants.index)
        ranks = use(value.copy(), entrants, merit=merit, rng=np.random.default_rng(seed), **shared)
        _check_index(use, ranks, entrants.index, "ranks")
        rank = ranks.to_numpy(int)
        if getattr(use, "draws_lots", False):
            notes.append(f"one ranking was drawn by lot (seed {seed}): another seed gives other winners")
    added = pd.DataFrame(index=frame.index)
    if new is not None:
        added["score_after"] = _spread(new.to_numpy(float), enter, "float64")
    added["rank_before"] = _spread(before.rank, enter, "Int64")
    added["winner_before"] = _spread(before.winner, enter, "boolean")
    added["rank_after"] = _spread(rank, enter, "Int64")
    added["winner_after"] = _spread(rank <= places, enter, "boolean")
    if enter.all():
        added = added.astype({name: dtype for name, dtype in _WHOLE.items() if name in added})
    added["set_aside"] = reason.to_numpy()
    out = pd.concat([frame, added], axis=1)
    out.attrs["notes"] = list(dict.fromkeys(notes))
    return out


#: Said where a method is fitted on those whose scores it changes.
ON_ENTRANTS = (
    "fitted on the {n} entrants themselves, as no other people were given (fit): what is taken from a group's scores "
    "is read off these very scores, so differences that are theirs by chance are evened out with the judge's, the more "
    "the fewer people a group has; nothing here says how it does on others"
)
_WHOLE = {"rank_before": int, "winner_before": bool, "rank_after": int, "winner_after": bool}


def by_group(result: pd.DataFrame, feature: str) -> pd.DataFrame:
    """Who won before and after, by group.

    Parameters
    ----------
    result : DataFrame
        As from `rerank`.
    feature : str
        Column of the groups.

    Returns
    -------
    DataFrame
        A row a group, largest first: group, entrants, won_before, won_after, lost (their places) and gained (one), in
        people; entrant_share, share_before and share_after of all who entered and of all winners, from 0 to 1.

    Examples
    --------
    >>> people = pd.DataFrame({"group": ["x", "x", "x", "y", "y", "y"], "score": [9, 8, 7, 6, 5, 4]})
    >>> out = rerank(people, method="quota", feature="group", score="score", places=2)
    >>> by_group(out, "group")[["group", "entrants", "won_before", "won_after", "lost", "gained"]]
      group  entrants  won_before  won_after  lost  gained
    0     x         3           2          1     1       0
    1     y         3           0          1     0       1
    """
    ranked = result[result["set_aside"].isna()]
    before, after = ranked["winner_before"].astype(bool), ranked["winner_after"].astype(bool)
    counted = pd.DataFrame(
        {
            "group": texts(ranked[feature]),
            "entrants": 1,
            "won_before": before.astype(int),
            "won_after": after.astype(int),
            "lost": (before & ~after).astype(int),
            "gained": (after & ~before).astype(int),
        }
    )
    table = counted.groupby("group", sort=True).sum().reset_index()
    table = table.sort_values("entrants", ascending=False, kind="stable").reset_index(drop=True)
    for share, count in (
        ("entrant_share", "entrants"), ("share_before", "won_before"), ("share_after", "won_after"),
    ):  # fmt: skip
        table[share] = table[count] / table[count].sum()
    return table


def price(result: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """What the change of winners costs in scores, ratings or a known truth.

    Parameters
    ----------
    result : DataFrame
        As from `rerank`.
    columns : sequence of str
        Columns of numbers; who has none in one is left out of its row.

    Returns
    -------
    DataFrame
        A row a column: before and after, its mean among the winners; difference, in points and, as in_sd, in standard
        deviations of all who were ranked; lost and gained, its mean among those who lost a place and who gained one;
        known and winners, how many of the winners of either contest have a number, and how many there are.

    Raises
    ------
    InputError
        For a column that is not there or holds no numbers.

    Examples
    --------
    >>> people = pd.DataFrame({"group": ["x", "x", "x", "y", "y", "y"], "score": [9, 8, 7, 6, 5, 4]})
    >>> out = rerank(people, method="quota", feature="group", score="score", places=2)
    >>> price(out, ["score"])[["before", "after", "difference", "lost", "gained"]].values.tolist()
    [[8.5, 7.5, -1.0, 8.0, 6.0]]
    """
    ranked = result[result["set_aside"].isna()]
    before, after = ranked["winner_before"].astype(bool), ranked["winner_after"].astype(bool)
    rows = []
    for column in columns:
        _need(result, [column], "the table")
        value = numbers(ranked[column], f"column {column!r}")[0]
        if value.notna().sum() == 0:
            raise InputError(f"column {column!r} holds no numbers of those who were ranked")
        one, two = float(value[before].mean()), float(value[after].mean())
        sd = float(value.std(ddof=1)) if value.notna().sum() > 1 else math.nan
        either = before | after
        rows.append(
            {
                "column": column,
                "before": one,
                "after": two,
                "difference": two - one,
                "in_sd": (two - one) / sd if sd > 0 else math.nan,
                "lost": float(value[before & ~after].mean()),
                "gained": float(value[after & ~before].mean()),
                "known": int(value[either].notna().sum()),
                "winners": int(either.sum()),
            }
        )
    return pd.DataFrame(rows)


def _people(
    frame: pd.DataFrame,
    feature: str,
    score: str,
    brackets: Sequence[str],
    rating: str | None,
    notes: list[str],
    *,
    what: str,
) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """The people as a method reads them (groups and brackets as text, rating as numbers), scores, and why not, by row.

    Whoever is set aside is told by count and reason in `notes`.
    """
    _need(frame, [feature, score, *brackets, *([rating] if rating else [])], what)
    if frame.empty:
        raise InputError(f"{what} has columns but no people (0 rows)")
    people = frame.copy()
    for name in dict.fromkeys([feature, *brackets]):
        people[name] = texts(frame[name], f"{what}: column {name!r}")
        notes.append(case_note(people[name], name) or "")
    given = rating or ("rating" if "rating" in frame else None)
    if given is not None:
        people["rating"], wrong = numbers(frame[given], f"{what}: column {given!r}")
        if wrong.any():
            notes.append(
                f"{int(wrong.sum())} of {len(frame)} people have a {given} that is no number: not used"
            )
    value, wrong = numbers(frame[score], f"{what}: column {score!r}")
    reason = pd.Series(pd.NA, index=frame.index, dtype="string")
    for name in dict.fromkeys([feature, *brackets]):
        reason[reason.isna() & people[name].isna()] = f"no {name}"
    reason[reason.isna() & wrong] = f"{score} is no number"
    reason[reason.isna() & value.isna()] = f"no {score}"
    for why, count in reason.value_counts().items():
        whose = people.loc[reason == why, feature].value_counts()
        told = f" ({', '.join(f'{group} {n}' for group, n in whose.head(6).items())})" if len(whose) else ""
        notes.append(f"{count} of {len(frame)} people of {what} set aside: {why}{told}")
    notes[:] = [note for note in notes if note]
    return people, value, reason


def _need(frame: pd.DataFrame, wanted: Sequence[str], what: str) -> None:
    missing = [name for name in dict.fromkeys(wanted) if name not in frame]
    if missing:
        raise InputError(f"no column {listed(missing)} in {what}; it has {listed(frame.columns, 40)}")
    twice = frame.columns[frame.columns.duplicated()].unique().tolist()
    if twice:
        raise InputError(f"columns appear twice in {what}: {listed(twice)}")


def _ids(frame: pd.DataFrame, person: str | None, others: Sequence[str]) -> pd.Series | None:
    """Ids as text; None where there is no such column. InputError for people who come several times or have no id."""
    if person is not None:
        _need(frame, [person], "the table")
    person = person or next((name for name in ID_COLUMNS if name in frame), None)
    for name in ([person] if person else []) + person_columns(
        list(frame.columns), taken=[person or "", *others]
    ):
        who = texts(frame[name], f"column {name!r}")
        twice = who[who.notna() & who.duplicated()]
        if len(twice):
            raise InputError(
                f"{len(twice)} row(s) are of people who came before in column {name!r}, first {listed(twice, 3)}: "
                "nobody fills two places. Keep one row for each person"
            )
        if name == person and who.isna().any():
            raise InputError(f"{int(who.isna().sum())} of {len(frame)} people have no {name}")
    return None if person is None else texts(frame[person])


def _others(
    fit: pd.DataFrame,
    feature: str,
    score: str,
    rating: str | None,
    ids: pd.Series | None,
    enter: np.ndarray,
    notes: list[str],
) -> tuple[pd.DataFrame, pd.Series]:
    """People to fit on, and their scores."""
    people, value, reason = _people(fit, feature, score, [], rating, notes, what="the table to fit on")
    known = reason.isna()
    if not known.any():
        raise InputError("nobody is left to fit on: " + "; ".join(notes))
    notes.append(f"fitted on {int(known.sum())} other people")
    if ids is not None and ids.name in fit:
        both = int(texts(fit[ids.name]).isin(set(ids[enter])).sum())
        if both:
            notes.append(
                f"{both} people of the table to fit on have the {ids.name} of somebody who enters: if they are the "
                "same people, the method was fitted on entrants"
            )
    return people[known].reset_index(drop=True), value[known].reset_index(drop=True)


def _check_index(use: Any, given: Any, index: pd.Index, what: str) -> None:
    if not isinstance(given, pd.Series) or not given.index.equals(index) or given.isna().any():
        raise InputError(
            f"{type(use).__name__} gave {type(given).__name__}; a Series of {what}, one for each person and with the "
            "index of the people, is needed"
        )


def _spread(
    values: np.ndarray, enter: np.ndarray, dtype: str
) -> np.ndarray | pd.api.extensions.ExtensionArray:
    """Values of those who enter at their rows, missing for the others."""
    whole = pd.Series(np.nan if dtype == "float64" else pd.NA, index=range(len(enter)), dtype=dtype)
    whole[enter] = values
    return whole.array
