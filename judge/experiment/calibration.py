"""Who neither trains nor enters: the people on whom methods of the scores seam are fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from judge.data import composition
from judge.errors import InputError, listed
from judge.experiment.settings import Experiment


def calibration_people(
    experiment: Experiment,
    pools: Mapping[str, pd.DataFrame],
    source: pd.DataFrame,
    field: pd.DataFrame,
    entrants: pd.DataFrame,
) -> pd.DataFrame | None:
    """People who neither train nor enter, on whom methods of the scores seam are fitted; None where no method asks.

    Those of the field who were not drawn to enter: seen by the same camera as the entrants, and by no judge. Where they
    are too few (everybody enters), people of the source whom no judge of this run learns from. As evenly over the
    groups as they allow.
    """
    methods = {name: c.scores for name, c in experiment.conditions.items() if c.scores is not None}
    if not methods:
        return None
    feature, n = experiment.pool.feature, experiment.pool.calibration
    refused = None
    for people in (_without(field, entrants), _unlearnt(experiment, pools, source)):
        rng = np.random.default_rng([experiment.seed, 4])
        chosen = _evenly(people, n, feature, rng)
        try:
            for name, method in methods.items():
                if hasattr(method, "check"):
                    _checked(name, method, chosen, entrants, feature)
        except InputError as error:
            refused = refused or error  # of the field, which is what a user would enlarge
            continue
        if len(chosen):
            return chosen
    raise refused or InputError(
        f"conditions {listed(methods)}: nobody is left who neither trains nor enters; lower pool.n or entrants.n"
    )


def _checked(name: str, method: Any, people: pd.DataFrame, entrants: pd.DataFrame, feature: str) -> None:
    try:
        method.check(people, entrants, feature=feature)
    except InputError as error:
        raise InputError(f"conditions.{name}.scores: {error}") from error


def _without(people: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Rows of people who are not among the others, by any key that tells a person or a picture."""
    for key in composition.IDENTITY:
        if key in people and key in others:
            people = people[~people[key].isin(others[key].dropna())]
    return people


def _unlearnt(
    experiment: Experiment, pools: Mapping[str, pd.DataFrame], source: pd.DataFrame
) -> pd.DataFrame:
    """People of the source whom no judge learns from; refits and robots learn from whole pools, validation included."""
    parts = list(pools.values())
    if not (experiment.jury or any(condition.refit for condition in experiment.conditions.values())):
        parts = [
            composition.training_part(pool, experiment.seed, experiment.pool.validation)[0] for pool in parts
        ]
    return _without(source, pd.concat(parts))


def _evenly(people: pd.DataFrame, n: int, feature: str, rng: np.random.Generator) -> pd.DataFrame:
    """At most n of the people at random, in their order: the k-th of each group before anybody's k + 1-th."""
    key = pd.Series(rng.random(len(people)), index=people.index)
    place = key.groupby(people[feature]).rank(method="first")
    chosen = people.index[np.lexsort((key, place))][:n]
    return people[people.index.isin(chosen)].reset_index(drop=True)
