"""Contests small enough to be counted and mean enough to be got wrong: ties, missing scores, a gate, brackets."""

import dataclasses

import numpy as np

from judge.experiment.explore.recount import combined, recounted
from judge.report.explorer import Field, Held

JUDGES = ("beauty", "symmetry", "wrinkles", "pigment")
GROUPS = ("african", "asian", "caucasian")


def a_field(seed, *, n=60, setting="", rule="mean_z", missing="middle", within=False):
    """Sixty entrants in two brackets, three places each: four judges, of whom some could not judge everybody."""
    rng = np.random.default_rng(seed)
    group = np.array(GROUPS, object)[np.arange(n) % 3]
    bracket = np.where(np.arange(n) < n // 2, "female", "male").astype(object)
    contests = {}
    for condition in ("skewed", "rebalanced"):
        scores = rng.normal(5, 1, (n, 4)).round(1)  # ties
        scores[:, 0] += np.where(group == "caucasian", 1.0, 0.0) * (condition == "skewed")
        scores[rng.random((n, 4)) < 0.08] = np.nan
        judged = rng.random(n) < 0.9
        scores[~judged] = np.nan
        held = Held(
            judges=JUDGES,
            scores=scores,
            final=np.full(n, np.nan),
            rank=np.zeros(n, np.int64),
            winner=np.zeros(n, bool),
            reason=np.where(judged, "", "gate: too dark (0.01; limit 0.02)").astype(object),
            judged=judged,
            eligible=judged,
            scope=(bracket == "male").astype(np.int64) if within else np.zeros(n, np.int64),
            gated=True,
            panel={"rule": rule, "weights": dict.fromkeys(JUDGES, 1.0), "missing": missing, "min_judges": 2},
        )
        contests[condition] = held
    field = Field(
        run=f"seed {seed}",
        setting=setting,
        ids=np.array([f"p{i}" for i in range(n)], object),
        group=group,
        bracket=bracket,
        lot=rng.permutation(n).astype(np.int64),
        places=3,
        contests=contests,
        features={"gender": bracket},
    )
    return as_held(field)


def as_held(field):
    """The field with the ranks and winners that its own panels give."""
    contests = {}
    for name, held in field.contests.items():
        rank, winner = recounted(field, held)
        contests[name] = dataclasses.replace(held, final=combined(held), rank=rank, winner=winner)
    return dataclasses.replace(field, contests=contests)
