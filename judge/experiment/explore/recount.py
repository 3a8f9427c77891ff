"""A contest held again from the scores of its judges: with another panel, or another number of places.

The page does the same in the browser. Here it is done by the project's own panel and contest, first to know whether a
run's ranking is that of its scores at all (a method may have changed the order afterwards), then in the tests, which
read the page's answer back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.contest import order_of_merit
from judge.jury.panel import Panel
from judge.report.explorer.field import ALONE, Field, Held


def panel_from(settings: Mapping[str, Any]) -> Panel:
    """The panel of a `Held.panel`: who weighs 0 does not sit."""
    sitting = {name: float(weight) for name, weight in settings["weights"].items() if weight > 0}
    return Panel(
        rule=settings["rule"],
        weights=sitting if settings["rule"] == "weights" else None,
        within=("scope",),
        missing=settings["missing"],
        min_judges=int(settings["min_judges"]),
        judges=list(sitting),
    )


def combined(held: Held, settings: Mapping[str, Any] | None = None) -> NDArray[np.float64]:
    """The score (n,) that each entrant gets; NaN for who is not judged.

    settings  as `Held.panel`; None: those under which the contest was held
    """
    settings = held.panel if settings is None else settings
    out = np.full(len(held.scores), np.nan)
    who = np.flatnonzero(held.judged)
    if settings["rule"] == ALONE:
        out[who] = held.scores[who, 0]
        return out
    n, k = len(who), len(held.judges)
    long = pd.DataFrame(
        {
            "image_id": np.repeat(who, k),
            "judge": np.tile(np.array(held.judges, object), n),
            "score": held.scores[who].ravel(),
        }
    )
    people = pd.DataFrame({"image_id": who, "scope": held.scope[who]})
    panel = panel_from(settings)(long, people)
    out[panel["image_id"].to_numpy(int)] = panel["score"].to_numpy(float)
    return out


def ranks_of(field: Field, held: Held, score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank (n,) within the bracket, 0 for who is not ranked; ties by the field's lots."""
    rank = np.zeros(len(field), np.int64)
    who = np.flatnonzero(held.eligible & np.isfinite(score))
    if len(who):
        who = who[np.argsort(field.lot[who], kind="stable")]
        # in the order of the lots, and ranked by a score that no two share: its own dense rank, then the lot
        dense = np.unique(score[who], return_inverse=True)[1].astype(float)
        alone = dense * (len(who) + 1) - np.arange(len(who))
        order, place = order_of_merit(None, alone, bracket=field.bracket[who].astype(str))
        rank[who[order]] = place
    return rank


def recounted(
    field: Field, held: Held, settings: Mapping[str, Any] | None = None, *, places: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Rank (n,) and winner (n,) of the contest, held again with this panel and number of places a bracket."""
    rank = ranks_of(field, held, combined(held, settings))
    return rank, (rank > 0) & (rank <= (field.places if places is None else places))
