"""A contest held and audited: from scores to ranks, winners and every number about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig

from judge.contest import ContestResult
from judge.data.brackets import bracket_names
from judge.errors import InputError, listed
from judge.experiment.draw import Cast, read
from judge.fairness.audit.audit import audit

RANKING_COLUMNS = ("bracket", "score", "rank", "winner")  # a manifest's own columns of these names give way


def one_scale(settings: DictConfig) -> bool:
    """Whether entrants are rated on the scale on which the judge learned to score."""
    other = settings.entrants_data
    return other is None or read(other).rating_range == read(settings.data).rating_range


def hold(
    settings: DictConfig, cast: Cast, admitted: pd.DataFrame, scores: pd.DataFrame, *, errors: bool = True
) -> dict[str, pd.DataFrame]:
    """Ranks those whom the gate admitted; the audit sets the winners against everybody who entered."""
    contest: Callable[..., ContestResult] = instantiate(settings.contest)
    result = contest(scores[scores["image_id"].isin(admitted["image_id"])], admitted)
    people = admitted.drop(columns=[*RANKING_COLUMNS], errors="ignore")
    table = result.ranking.merge(people, on="image_id")
    feature = settings.pool.feature
    shared: dict[str, Any] = {
        "features": [feature],
        "winner": "winner",
        "brackets": ["bracket"],
        "reference": reference_of(settings, cast.entrants[feature]),
        "confidence": settings.audit.confidence,
        "n_boot": settings.audit.n_boot,
        "seed": settings.seed,
    }
    rating = "rating" if errors and table["rating"].notna().any() else None
    numbers = audit(table, score="score", rating=rating, **shared)
    if len(admitted) < len(cast.entrants):
        won = audit(_with_the_refused(settings, cast.entrants, table), **shared)
        numbers = pd.concat([won, numbers[~numbers["metric"].isin(won["metric"])]], ignore_index=True)
    return {
        "ranking": result.ranking,
        "audit": numbers,
        "brackets": result.brackets,
        "refused": result.refused,
    }


def _with_the_refused(settings: DictConfig, entrants: pd.DataFrame, ranked: pd.DataFrame) -> pd.DataFrame:
    """Everybody who entered, in the bracket for which they entered; whom the gate refused has not won."""
    people = entrants.drop(columns=[*RANKING_COLUMNS], errors="ignore")
    used = [c for c in settings.contest.brackets if c in people and people[c].notna().any()]
    people = people.assign(bracket=bracket_names(people, used))
    winners = ranked.loc[ranked["winner"].astype(bool), "image_id"]
    return people.assign(winner=people["image_id"].isin(winners))


def reference_of(settings: DictConfig, groups: pd.Series) -> str | None:
    """The group that ratios refer to: as set, else the pool's majority if it entered, else all others."""
    present = sorted(set(groups))
    wanted = settings.audit.reference
    if wanted is not None and wanted not in present:
        raise InputError(
            f"audit.reference={wanted!r}: nobody of that group entered; groups: {listed(present)}"
        )
    if wanted is None and settings.pool.majority in present:
        return settings.pool.majority
    return wanted
