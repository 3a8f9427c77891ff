"""Anybody's table of entrants as one field: a contest by each score, by all of them, and as it was held."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from judge.contest import order_of_merit
from judge.data.user_tables import ID_COLUMNS
from judge.errors import InputError
from judge.experiment.explore.recount import combined, ranks_of
from judge.fairness.audit import column_names, open_columns, read_entrants
from judge.report.explorer import Field, Held

#: The condition of a column that says who won.
AS_HELD = "as held"
#: And that of all scores together.
PANEL = "panel of the scores"


def field_of_table(
    path: str,
    *,
    features: Sequence[str],
    score: Sequence[str],
    winner: str | None = None,
    brackets: Sequence[str] = (),
    places: int | None = None,
    person: str | None = None,
    eligible: str | None = None,
    tie_seed: int = 0,
    show_ids: bool = False,
) -> tuple[Field, list[str], list[str]]:
    """The field of a table as `judge audit` reads it, the names of its contests, and notes on who was excluded.

    features  the first is the sensitive feature of the page, others are shown beside the people
    score     each is a judge, with a contest of its own; several make a panel (mean z), the page's third contest
    winner    column that says who won: a contest that cannot be held again
    places    winners a bracket; where a winner column alone says who won, they are not needed

    Raises InputError for what `read_entrants` refuses, without any score, and without places.
    """
    if not score:
        raise InputError("the explorer shows scores: name a column of them with --score")
    if not features:
        raise InputError("name a sensitive feature with --feature (a column of the table)")
    if places is None and winner is None:
        raise InputError("needed as well: --places N (winners a bracket), or --winner COLUMN")
    if places is not None and places < 1:
        raise InputError(f"--places is at least 1; given {places}")
    person = person or next((name for name in ID_COLUMNS if name in column_names(path)), None)
    others = [*score, *[name for name in (winner, eligible, person) if name]]
    columns = open_columns(path, groups=[*features, *brackets], others=others)
    people = read_entrants(
        columns,
        features=features,
        score=score,
        winner=winner,
        brackets=brackets,
        person=person,
        eligible=eligible,
    )
    n = people.n
    ids = pd.Series(people.ids if people.ids is not None else np.arange(n)).reset_index(drop=True)
    order, _ = order_of_merit(ids, np.zeros(n), tie_seed=tie_seed)
    lot = np.empty(n, np.int64)
    lot[order] = np.arange(n)
    rows = np.arange(n) if people.rows is None else np.asarray(people.rows)
    texts = {name: np.array(codes.names, object)[codes.code] for name, codes in people.features.items()}
    field = Field(
        run="table",
        setting="",
        ids=ids.astype(str).to_numpy(object)
        if show_ids and people.id_column
        else np.array([f"row {i + 1}" for i in rows], object),
        group=texts[features[0]].astype(str),
        bracket=np.array(people.bracket.names, object)[people.bracket.code].astype(str).astype(object),
        lot=lot,
        places=places or 0,
        contests={},
        features={name: texts[name] for name in features[1:]},
    )
    values = np.column_stack([people.scores[name] for name in score])
    passed = np.ones(n, bool) if people.eligible is None else people.eligible
    contests = {}
    if people.winner is not None:
        blank = _held(field, tuple(score), values, passed)
        contests[AS_HELD] = dataclasses.replace(
            blank,
            winner=people.winner,
            reason=np.where(passed, "", "not eligible").astype(object),
            fixed=f"who won is what the column {winner} says",
        )
    if places is not None:
        for k, name in enumerate(score):
            contests[name] = _ranked(field, _held(field, (name,), values[:, [k]], passed))
        if len(score) > 1:
            panel = {
                "rule": "mean_z",
                "weights": dict.fromkeys(score, 1.0),
                "missing": "middle",
                "min_judges": 1,
            }
            contests[PANEL] = _ranked(
                field, dataclasses.replace(_held(field, tuple(score), values, passed), panel=panel)
            )
    return dataclasses.replace(field, contests=contests), list(contests), list(people.notes)


def _held(field: Field, judges: tuple[str, ...], values: np.ndarray, passed: np.ndarray) -> Held:
    n = len(field)
    nobody = np.full(n, np.nan)
    return Held(
        judges=judges,
        scores=values,
        final=values[:, 0] if len(judges) == 1 else nobody,
        rank=np.zeros(n, np.int64),
        winner=np.zeros(n, bool),
        reason=np.full(n, "", object),
        judged=passed,
        eligible=passed,
        scope=np.zeros(n, np.int64),
    )


def _ranked(field: Field, held: Held) -> Held:
    final = combined(held)
    rank = ranks_of(field, held, final)
    reason = np.where(held.judged, np.where(rank > 0, "", "no score"), "not eligible").astype(object)
    winner = (rank > 0) & (rank <= field.places)
    return dataclasses.replace(held, final=final, rank=rank, winner=winner, reason=reason)
