"""What a run writes down besides scores and winners: who was in it, in which role, and the summary of done.json."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from judge.data.composition import training_part
from judge.errors import InputError
from judge.experiment.conditions import learns_from_others
from judge.experiment.draw import Drawn
from judge.experiment.outcome import Field
from judge.experiment.settings import Experiment
from judge.experiment.trainings import Trainings
from judge.fairness.metrics.soundness import soundness
from judge.fairness.probes import FEWEST, probe

log = logging.getLogger("judge")


def manifest_of(drawn: Drawn) -> pd.DataFrame:
    """Every picture of the run, once; weights are of a membership."""
    parts = [*drawn.pools.values(), drawn.entrants]
    parts += [people for people in (drawn.calibration, drawn.refit) if people is not None]
    everybody = pd.concat(parts, ignore_index=True).drop(columns="weight", errors="ignore")
    return everybody.drop_duplicates("image_id").reset_index(drop=True)


def membership_of(experiment: Experiment, drawn: Drawn) -> pd.DataFrame:
    """Who has which role under which condition, how often and with which weight and rating."""
    rows = []
    for name, pool in drawn.pools.items():
        train, validation = training_part(pool, experiment.seed, experiment.pool.validation)
        for role, part in (
            ("train", train),
            ("validation", validation),
            ("entrant", drawn.entrants),
            ("calibration", drawn.calibration),
            ("refit", drawn.refit if learns_from_others(experiment.conditions, name) else None),
        ):
            if part is None:
                continue
            weight = part["weight"] if role in ("train", "validation") and "weight" in part else 1.0
            part = part[["image_id", "rating"]].assign(weight=weight, condition=name, role=role)
            grouped = part.groupby("image_id", sort=False)
            rows.append(grouped.first().assign(copies=grouped.size()).reset_index())
    columns = ["image_id", "condition", "role", "copies", "weight", "rating"]
    return pd.concat(rows, ignore_index=True)[columns]


def judges_of(experiment: Experiment, drawn: Drawn, trainings: Trainings) -> pd.DataFrame:
    """Each trained judge, called by the condition that trained it, against its scale and against raters.

    The columns of `soundness`, and `rated`: the people whose ratings it was held against, nobody it has learnt from.
    """
    rows = []
    for name in dict.fromkeys(trainings.trained_as.values()):
        judged = trainings.judged(name)
        apart = "entrants" if drawn.entrants_rated else "validation"
        _, held_out = training_part(drawn.pools[name], experiment.seed, experiment.pool.validation)
        people = drawn.entrants if drawn.entrants_rated else held_out
        rating = people.drop_duplicates("image_id").set_index("image_id")["rating"]
        # of entrants who are rated elsewhere, or not at all, only the scores count
        scores = pd.concat([judged.entrants, judged.validation], ignore_index=True)
        found = soundness(
            scores["score"],
            scores["image_id"].map(rating).astype(float),
            rating_range=drawn.rating_range,
            confidence=experiment.audit.confidence,
        )
        rows.append({"condition": name, **found, "rated": apart})
    return pd.DataFrame(rows)


def agreement_of(experiment: Experiment, drawn: Drawn, trainings: Trainings) -> pd.DataFrame:
    """How near each trained judge comes to ratings of people it has not learnt from, by group.

    validation   the pool's own validation part: composed as the pool is, so it may hold nobody of a small group
    calibration  people who neither train nor enter, as evenly over the groups as they allow, where the run has some
    Settings of a method can be chosen by either, the first without group labels (experiments/cures.py).
    """
    rows = []
    for name in dict.fromkeys(trainings.trained_as.values()):
        judged = trainings.judged(name)
        _, apart = training_part(drawn.pools[name], experiment.seed, experiment.pool.validation)
        for who, people, scores in (
            ("validation", apart.drop_duplicates("image_id"), judged.validation),
            ("calibration", drawn.calibration, judged.calibration),
        ):
            if people is None or scores.empty:
                continue
            both = people.merge(scores, on="image_id", suffixes=("_of_manifest", ""))
            both = both[both["rating"].notna() & both["score"].notna()]
            parts = {"all": both, **dict(iter(both.groupby(experiment.pool.feature)))}
            for group in ("all", *drawn.groups.names):
                part = parts.get(group, both.head(0))
                error = part["score"] - part["rating"]
                several = len(part) > 2 and part["score"].nunique() > 1 and part["rating"].nunique() > 1
                rows.append(
                    {"condition": name, "people": who, "group": group, "n": len(part),
                     "mse": (error**2).mean(), "mean_error": error.mean(),
                     "pearson": part["score"].corr(part["rating"]) if several else np.nan}
                )  # fmt: skip
    columns = ["condition", "people", "group", "n", "mse", "mean_error", "pearson"]
    return pd.DataFrame(rows, columns=columns)


def probes_of(
    experiment: Experiment,
    drawn: Drawn,
    trainings: Trainings,
    parts: Mapping[str, Mapping[str, pd.DataFrame]],
) -> dict[str, pd.DataFrame]:
    """The table `probes`, or nothing where the run does not ask for it.

    A probe of features is of a trained judge, so it stands under the condition that trained it; a probe of scores is of
    what a condition's contest was decided by. Both read entrants: half of them teach the probe, the others test it.
    """
    if not experiment.probes:
        return {}
    feature = experiment.pool.feature
    groups = drawn.entrants.set_index("image_id")[feature]
    tables = []
    for name in dict.fromkeys(trainings.trained_as.values()):
        told = trainings.feature_probes(name)
        if told is not None:
            tables.append(told.assign(condition=name, reads="features"))
    for name in experiment.conditions:
        ranked = parts[name]["ranking"].sort_values("image_id")
        try:
            told = probe(
                ranked[["score"]].to_numpy(float),
                ranked["image_id"].map(groups).to_numpy(),
                seed=experiment.seed,
                confidence=experiment.audit.confidence,
            )
        except InputError as error:  # a gate may leave too few of a group: the contest counts all the same
            log.warning("no probe reads the scores of %s: %s", name, error)
            continue
        tables.append(told.assign(condition=name, reads="score"))
    return {"probes": pd.concat(tables, ignore_index=True)} if tables else {}


def check_probes(experiment: Experiment, drawn: Drawn) -> None:
    """Raises InputError before any training where there are too few entrants for the probes that are asked for."""
    size = drawn.entrants[experiment.pool.feature].value_counts()
    if experiment.probes and (size >= FEWEST).sum() < 2:
        raise InputError(
            f"a probe needs at least two groups of at least {FEWEST} entrants, half of whom teach it and half test it; "
            f"there are {size.to_dict()}. audit.probe=false does without, entrants.n takes more people"
        )


def summary_of(
    experiment: Experiment,
    drawn: Drawn,
    field: Field,
    trainings: Trainings,
    tables: Mapping[str, pd.DataFrame],
) -> dict[str, Any]:
    """What pages and `judge compare` need to know of a run besides its tables."""
    feature = field.feature
    shares = {
        name: pool[feature].value_counts(normalize=True).round(6).to_dict()
        for name, pool in drawn.pools.items()
    }
    return {
        "name": experiment.name,
        "seed": experiment.seed,
        "conditions": list(experiment.conditions),
        "baseline": experiment.baseline,
        "trained_as": trainings.trained_as,
        "feature": feature,
        "groups": list(drawn.groups.names),
        "majority": experiment.pool.majority,
        "reference": field.reference,
        "pool_n": {name: len(pool) for name, pool in drawn.pools.items()},
        "pool_n_asked": experiment.pool.n,
        "pool_shares": shares,
        "majority_share": experiment.pool.majority_share if experiment.pool.shares is None else None,
        "rating_shift": dict(experiment.pool.rating_shift or {}),
        "entrants": len(drawn.entrants),
        "unranked": len(tables["unranked"]),
        "real_people": drawn.real_people,
    }
