"""The contest: eligibility → brackets → ranks → winners. Tables in, tables out.

`order_of_merit` and `fill_places` hold the one rule for ties; everybody who ranks or fills places calls them.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from judge.data.brackets import AGE_GROUPS, age_bands, bracket_columns, bracket_names
from judge.errors import InputError, listed

#: From so many brackets on all are sorted at once.
_MANY_BRACKETS = 1000
#: From positions of entrants to their ids.
Ids = Callable[[NDArray[np.int64]], list]


class Places(NamedTuple):
    """The place of each entrant, in the order in which the entrants were given.

    rank    (n,) from 1 within the bracket      winner  (n,) whether that is one of the places
    """

    rank: NDArray[np.int64]
    winner: NDArray[np.bool_]


def order_of_merit(
    image_id: ArrayLike | Ids | None, score: ArrayLike, *, bracket: ArrayLike | None = None, tie_seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Entrants in order of bracket and then merit, best first; ties go by lot.

    The lot is a keyed hash of the id (BLAKE2b of "seed:id"): a lottery that no ordering of the table, the files or
    the groups can influence, and that falls the same way each time, in every contest that an entrant stands in.
    Only ids that tie are hashed.

    Parameters
    ----------
    image_id : (n,) array-like, function or None
        Ids, taken as text; or a function from positions to their ids, which is called only if somebody ties. None: the
        number of the row, from 0; the lot then goes with the place in the table.
    score : (n,) array-like of float
        Finite; higher is better.
    bracket : (n,) array-like, optional
        Labels, ordered by their value. None: one bracket.
    tie_seed : int
        Key of the lottery; another key draws other lots.

    Returns
    -------
    order : (n,) int
        Positions of the entrants in order of bracket and then merit.
    rank : (n,) int
        Rank from 1 within the bracket, in that order.

    Raises
    ------
    InputError
        For scores that are not finite, and for arrays of different lengths.

    Examples
    --------
    >>> order, rank = order_of_merit(["p", "q", "r", "s"], [1, 3, 2, 5], bracket=["y", "x", "y", "x"])
    >>> order.tolist(), rank.tolist()
    ([3, 1, 2, 0], [1, 2, 1, 2])

    Two tie for the first place, and the lot falls the same way whoever comes first in the table:

    >>> [["ann", "bea"][i] for i in order_of_merit(["ann", "bea"], [7, 7])[0]]
    ['bea', 'ann']
    >>> [["bea", "ann"][i] for i in order_of_merit(["bea", "ann"], [7, 7])[0]]
    ['bea', 'ann']
    """
    value = np.asarray(score, float)
    n = len(value)
    ids = image_id if image_id is None or callable(image_id) else pd.Series(image_id, copy=False)
    labels = None if bracket is None else np.asarray(bracket)
    sized = [column for column in (ids, labels) if column is not None and not callable(column)]
    if any(len(column) != n for column in sized):
        raise InputError(f"one id and bracket a score: {n} scores and another number of ids or brackets")
    bad = int((~np.isfinite(value)).sum())
    if bad:
        raise InputError(f"{bad} of {n} scores are not finite")
    code = _bracket_codes(labels, n)
    size = np.bincount(code)
    ends = np.cumsum(size)
    order = np.argsort(code, kind="stable")
    if len(size) <= _MANY_BRACKETS:
        # bracket by bracket what is sorted stays in the cache; the sort need not be stable, for ties go by lot
        for right, people in zip(ends.tolist(), size.tolist(), strict=True):
            members = order[right - people : right]
            falling = -value[members]
            by_merit = np.argsort(falling)
            falling = falling[by_merit]
            order[right - people : right] = members[by_merit]
            _draw_lots(order[right - people : right], falling[1:] == falling[:-1], ids, tie_seed)
    else:
        order = np.lexsort((-value, code))
        score, place = value[order], code[order]
        _draw_lots(order, (score[1:] == score[:-1]) & (place[1:] == place[:-1]), ids, tie_seed)
    return order, np.arange(1, n + 1) - np.repeat(ends - size, size)


def fill_places(
    image_id: ArrayLike | None,
    score: ArrayLike,
    *,
    places: int,
    bracket: ArrayLike | None = None,
    tie_seed: int = 0,
) -> Places:
    """Rank of every entrant within the bracket, and who is among the first `places` of it.

    Parameters
    ----------
    image_id, score, bracket, tie_seed
        As in `order_of_merit`.
    places : int
        Winners a bracket, at least 1; where fewer entered, all of them win.

    Returns
    -------
    Places
        `rank` and `winner` of each entrant, in the order given.

    Raises
    ------
    InputError
        For fewer than one place and as in `order_of_merit`.

    Examples
    --------
    >>> won = fill_places(list("abcde"), [5, 4, 3, 9, 1], places=2, bracket=[0, 0, 0, 1, 1])
    >>> won.rank.tolist(), won.winner.tolist()
    ([1, 2, 3, 1, 2], [True, True, False, True, True])
    """
    order, ordered = order_of_merit(image_id, score, bracket=bracket, tie_seed=tie_seed)
    return places_of(order, ordered, places=places)


def places_of(order: NDArray[np.int64], rank: NDArray[np.int64], *, places: int) -> Places:
    """`fill_places` from what `order_of_merit` returned, for those who rank once and fill several numbers of places."""
    if places < 1:
        raise InputError(f"places is at least 1 (winners a bracket), not {places}")
    own = np.empty_like(rank)
    own[order] = rank
    return Places(own, own <= places)


def _bracket_codes(labels: NDArray | None, n: int) -> NDArray:
    """Codes in the order of the labels; small ones as 16-bit integers, which numpy sorts by radix in linear time."""
    if labels is None:
        return np.zeros(n, np.uint16)
    code = labels
    if labels.dtype.kind not in "iu" or labels.min(initial=0) < 0 or labels.max(initial=0) > 1_000_000:
        code, _ = pd.factorize(labels, sort=True)
    return code.astype(np.uint16) if code.max(initial=0) < 65_536 else code


def _draw_lots(
    order: NDArray[np.int64], equal: NDArray[np.bool_], ids: pd.Series | Ids | None, tie_seed: int
) -> None:
    """Puts entrants who tie with the one before (`equal`) in the order of their lots, inside `order`."""
    if not equal.any():
        return
    tied = np.zeros(len(order), bool)
    tied[1:] |= equal
    tied[:-1] |= equal
    at = np.flatnonzero(tied)
    run = np.concatenate([[0], np.cumsum(~equal)])[at]
    who = order[at]
    keys = who.tolist() if ids is None else ids(who) if callable(ids) else ids.iloc[who].tolist()
    order[at] = who[np.lexsort((who, _lots(keys, tie_seed), run))]


def _lots(keys: list, tie_seed: int) -> NDArray[np.uint64]:
    prefix, blake2b = f"{tie_seed}:", hashlib.blake2b
    return np.frombuffer(
        b"".join([blake2b(f"{prefix}{key}".encode(), digest_size=8).digest() for key in keys]), ">u8"
    )


@dataclass(frozen=True)
class ContestResult:
    """What became of the entrants.

    ranking   RANKING schema, every eligible entrant
    brackets  bracket, entrants, places, winners, unfilled: also the brackets that nobody entered
    unranked  image_id, reason: entrants that were not ranked
    """

    ranking: pd.DataFrame
    brackets: pd.DataFrame
    unranked: pd.DataFrame


@dataclass(frozen=True)
class Contest:
    """Ranks the entrants of every bracket by score and names the first `places` of each as winners.

    places    winners a bracket, at most; with fewer entrants the places left over stay unfilled
    brackets  columns whose combinations are the brackets. A column that the manifest lacks, or that is
              empty throughout, is left out (gender alone where no age is known); a single entrant without
              a value is refused, since nobody of unknown age is ranked among people of known age.
    min_age, max_age   years, both included; checked where `age` is known, else by the first year of `age_group`
    tie_seed  key of the lottery among those who tie, see `order_of_merit`
    """

    places: int = 5
    brackets: Sequence[str] = ("gender", "age_group")
    min_age: float = 18
    max_age: float = 69
    tie_seed: int = 0

    def __post_init__(self) -> None:
        if self.places < 1:
            raise InputError(f"contest.places is at least 1; given {self.places}")
        if self.min_age < 18:
            raise InputError(f"contest.min_age is at least 18: minors are not ranked; given {self.min_age}")

    def __call__(self, scores: pd.DataFrame, manifest: pd.DataFrame) -> ContestResult:
        """Ranking, brackets and the unranked of one contest.

        scores: image_id, score (higher wins; NaN = not judged). manifest: the entrants.

        Raises InputError if an entrant has two scores, if a score belongs to nobody, or if nobody is left.
        """
        from judge.data.tables import (  # pandera takes a second, which the audit need not pay
            RANKING,
            validated,
        )

        twice = scores["image_id"][scores["image_id"].duplicated()]
        if len(twice):
            raise InputError(f"{len(twice)} entrant(s) have more than one score, first {listed(twice, 3)}")
        strangers = scores.loc[~scores["image_id"].isin(manifest["image_id"]), "image_id"]
        if len(strangers):
            raise InputError(f"{len(strangers)} score(s) of nobody who entered, first {listed(strangers, 3)}")
        used = bracket_columns(manifest, self.brackets)
        if self.brackets and not used:
            raise InputError(
                f"no column to make brackets of: contest.brackets is {listed(self.brackets)}, "
                f"the manifest has {listed(manifest.columns)}"
            )
        entrants = manifest.drop(columns=["score"], errors="ignore").merge(
            scores[["image_id", "score"]], on="image_id", how="left", validate="one_to_one"
        )
        reason = self._reasons(entrants, used)
        eligible = entrants[reason.isna()].copy()
        if eligible.empty:
            counts = reason.value_counts().to_dict()
            raise InputError(f"nobody is left to rank of {len(entrants)} entrants: {counts}")
        eligible["bracket"] = bracket_names(eligible, used)
        order, rank = order_of_merit(
            eligible["image_id"], eligible["score"], bracket=eligible["bracket"], tie_seed=self.tie_seed
        )
        ranking = eligible[["image_id", "bracket", "score"]].iloc[order].reset_index(drop=True)
        ranking = ranking.assign(rank=rank, winner=rank <= self.places)
        unranked = pd.DataFrame({"image_id": entrants["image_id"], "reason": reason}).dropna()
        return ContestResult(
            ranking=validated(ranking, RANKING),
            brackets=self._bracket_table(ranking, manifest, used),
            unranked=unranked.reset_index(drop=True),
        )

    def _reasons(self, entrants: pd.DataFrame, used: list[str]) -> pd.Series:
        """The first reason that applies to each entrant, NaN for the eligible."""
        reason = pd.Series(pd.NA, index=entrants.index, dtype="string")
        if "age" in entrants:
            age = entrants["age"]
            reason[age < self.min_age] = f"younger than {self.min_age:g}"
            reason[age > self.max_age] = f"older than {self.max_age:g}"
        if "age_group" in entrants:
            bands = age_bands(entrants["age_group"])
            known = entrants["age"].notna() if "age" in entrants else pd.Series(False, index=entrants.index)
            reason[~known & (bands["first"] < self.min_age)] = f"perhaps younger than {self.min_age:g}"
            reason[~known & bands["unreadable"]] = "age_group cannot be read"
        for column in used:
            reason[reason.isna() & entrants[column].isna()] = f"{column} unknown"
        score = entrants["score"]
        reason[reason.isna() & score.isna()] = "no score"
        reason[reason.isna() & ~np.isfinite(score.astype(float))] = "score not finite"
        return reason

    def _bracket_table(self, ranking: pd.DataFrame, manifest: pd.DataFrame, used: list[str]) -> pd.DataFrame:
        levels = []
        for column in used:
            seen = set(manifest[column].dropna().astype(str))
            known = [g for g in AGE_GROUPS if column == "age_group"]
            levels.append(known + sorted(seen - set(known)))
        names = [" ".join(combination) for combination in itertools.product(*levels)] if used else ["all"]
        entrants = ranking.groupby("bracket").size().reindex(names, fill_value=0)
        winners = ranking.groupby("bracket")["winner"].sum().reindex(names, fill_value=0)
        return pd.DataFrame(
            {
                "bracket": names,
                "entrants": entrants.to_numpy(),
                "places": self.places,
                "winners": winners.to_numpy().astype(int),
                "unfilled": (self.places - winners).to_numpy().astype(int),
            }
        )
