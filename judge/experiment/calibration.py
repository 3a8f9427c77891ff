"""Who neither trains nor enters: the people on whom methods of the scores and the refit seam are fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from judge.data import composition
from judge.errors import InputError, listed
from judge.experiment.settings import Experiment


def refit_people(
    experiment: Experiment,
    pools: Mapping[str, pd.DataFrame],
    source: pd.DataFrame,
    field: pd.DataFrame,
    entrants: pd.DataFrame,
) -> pd.DataFrame | None:
    """Rated people who neither train nor enter, for methods of the refit seam; None where no method asks.

    Found where calibration people are, at most `pool.refit` of them, as evenly over the groups as they allow.
    Raises InputError if a group of the pools has nobody among them.
    """
    names = [name for name, c in experiment.conditions.items() if getattr(c.refit, "needs_held_out", False)]
    if not names:
        return None
    feature, n = experiment.pool.feature, experiment.pool.refit
    wanted = set(source[feature].dropna())
    found: list[dict[str, int]] = []
    for people in (_without(field, entrants), _unlearnt(experiment, pools, source)):
        chosen = _evenly(
            people[people["rating"].notna()], n, feature, np.random.default_rng([experiment.seed, 6])
        )
        found.append(chosen[feature].value_counts().to_dict())
        if wanted <= set(found[-1]):
            return chosen
    raise InputError(
        f"conditions.{names[0]}.refit: rated people of each group who neither train nor enter are needed "
        f"({listed(sorted(wanted))}); there are {found[0]} among those who could have entered and {found[1]} among "
        "those who could have trained. Lower entrants.n or pool.n"
    )


def calibration_people(
    experiment: Experiment,
    pools: Mapping[str, pd.DataFrame],
    source: pd.DataFrame,
    field: pd.DataFrame,
    entrants: pd.DataFrame,
    taken: pd.DataFrame | None = None,
) -> pd.DataFrame | None:
    """People who neither train nor enter, on whom methods of the scores seam are fitted; None where no method asks.

    Those of the field who were not drawn to enter: seen by the same camera as the entrants, and by no judge. Where they
    are too few (everybody enters), people of the source whom no judge of this run learns from. As evenly over the
    groups as they allow.

    taken  people whom a refit learns from, left out as well
    """
    methods = {name: c.scores for name, c in experiment.conditions.items() if c.scores is not None}
    if not methods:
        return None
    feature, n = experiment.pool.feature, experiment.pool.calibration
    refused = None
    for people in (_without(field, entrants), _unlearnt(experiment, pools, source)):
        people = people if taken is None else _without(people, taken)
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
    """People of the source whom no judge learns from; robots learn from whole pools, validation included."""
    parts = list(pools.values())
    if not experiment.jury:
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
