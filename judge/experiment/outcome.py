"""A contest held and audited: from scores to ranks, winners and every number about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from judge.contest import Contest
from judge.data.brackets import bracket_columns, bracket_names
from judge.errors import InputError, listed
from judge.fairness.audit import audit

RANKING_COLUMNS = ("bracket", "score", "rank", "winner")  # a manifest's own columns of these names give way


@dataclass(frozen=True)
class Field:
    """Everybody who entered, and what every contest over them is audited by.

    entrants    manifest
    feature     the sensitive feature
    reference   the group that ratios refer to, or None: all others
    confidence, n_permutations, seed   of the audit
    """

    entrants: pd.DataFrame
    feature: str
    reference: str | None
    confidence: float
    n_permutations: int
    seed: int


def hold(
    contest: Contest,
    field: Field,
    admitted: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    errors: bool = True,
    rerank: Callable[[pd.DataFrame], pd.Series] | None = None,
) -> dict[str, pd.DataFrame]:
    """Ranks those whom the gate admitted; the audit sets the winners against everybody who entered.

    scores   image_id, score
    errors   whether the scores are estimates of the entrants' ratings, on their scale
    rerank   the ranking by merit (image_id, bracket, score, rank, winner) → another rank of each row, from 1 within
             its bracket. Scores stay; numbers about the order are then of the new one
    Returns the tables ranking, audit, brackets and unranked.
    """
    result = contest(scores[scores["image_id"].isin(admitted["image_id"])], admitted)
    if rerank is not None:
        result = replace(result, ranking=_reranked(contest, result.ranking, rerank(result.ranking)))
    people = admitted.drop(columns=[*RANKING_COLUMNS], errors="ignore")
    several = _comes_twice(field.entrants)
    table = _of_persons(result.ranking.merge(people, on="image_id"), several)
    shared: dict[str, Any] = {
        "features": [field.feature],
        "winner": "winner",
        "brackets": ["bracket"],
        "reference": field.reference,
        "tie_seed": contest.tie_seed,
        "confidence": field.confidence,
        "n_permutations": field.n_permutations,
        "rng": field.seed,
        # a contest of photographs ranks pictures; its statistics count people, each with their best picture
        "one_per_person": "best" if several else None,
    }
    rating = "rating" if errors and table["rating"].notna().any() else None
    numbers = audit(table, score="score", rating=rating, **shared)
    if rerank is not None:
        numbers = _with_the_new_order(
            numbers, audit(table.assign(place=-table["rank"]), score="place", **shared)
        )
    if len(admitted) < len(field.entrants):
        won = audit(_of_persons(_with_the_refused(contest, field.entrants, table), several), **shared)
        numbers = pd.concat([won, numbers[~numbers["metric"].isin(won["metric"])]], ignore_index=True)
    return {
        "ranking": result.ranking,
        "audit": numbers,
        "brackets": result.brackets,
        "unranked": result.unranked,
    }


def _reranked(contest: Contest, ranking: pd.DataFrame, rank: pd.Series) -> pd.DataFrame:
    if not isinstance(rank, pd.Series) or not rank.index.equals(ranking.index):
        raise InputError(
            f"a method of the ranking seam gave {type(rank).__name__}; a Series of ranks with the index of the people "
            "is needed"
        )
    new = ranking.assign(rank=rank.astype(int))
    size = new.groupby("bracket")["rank"].transform("size")
    wrong = new["rank"].lt(1) | new["rank"].gt(size) | new.duplicated(["bracket", "rank"])
    if wrong.any():
        raise InputError(
            f"a method of the ranking seam gave {int(wrong.sum())} ranks that are not 1 to the number of people of the "
            f"bracket, each once; the first in {new.loc[wrong, 'bracket'].iloc[0]!r}"
        )
    new = new.assign(winner=new["rank"] <= contest.places)
    return new.sort_values(["bracket", "rank"], kind="stable").reset_index(drop=True)


#: Numbers of an audit that are about an order of people, not about their scores.
OF_AN_ORDER = ("ndkl", "exposure_ratio", "outrank_probability")


def _with_the_new_order(of_scores: pd.DataFrame, of_places: pd.DataFrame) -> pd.DataFrame:
    """The audit of a contest whose places were not given by the scores alone."""
    kept = of_scores[~of_scores["metric"].isin(OF_AN_ORDER)]
    return pd.concat([kept, of_places[of_places["metric"].isin(OF_AN_ORDER)]], ignore_index=True)


def _comes_twice(people: pd.DataFrame) -> bool:
    return "person_id" in people and bool(people["person_id"].dropna().duplicated().any())


def _of_persons(table: pd.DataFrame, several: bool) -> pd.DataFrame:
    """Where some people come several times, a picture of nobody known is a person of its own."""
    return table.assign(person_id=table["person_id"].fillna(table["image_id"])) if several else table


def _with_the_refused(contest: Contest, entrants: pd.DataFrame, ranked: pd.DataFrame) -> pd.DataFrame:
    """Everybody who entered, in the bracket for which they entered; whom the gate refused has not won."""
    people = entrants.drop(columns=[*RANKING_COLUMNS], errors="ignore")
    people = people.assign(bracket=brackets_of(contest, people))
    winners = ranked.loc[ranked["winner"].astype(bool), "image_id"]
    return people.assign(winner=people["image_id"].isin(winners))


def brackets_of(contest: Contest, people: pd.DataFrame) -> pd.Series:
    """The bracket for which each of these people enters."""
    return bracket_names(people, bracket_columns(people, contest.brackets))


def reference_group(wanted: str | None, majority: str, groups: pd.Series) -> str | None:
    """The group that ratios refer to: as set, else the pool's majority if it entered, else all others (None).

    Raises InputError if nobody of the group that is set entered.
    """
    present = sorted(set(groups))
    if wanted is not None and wanted not in present:
        raise InputError(
            f"audit.reference={wanted!r}: nobody of that group entered; groups: {listed(present)}"
        )
    if wanted is None and majority in present:
        return majority
    return wanted
