"""Checks on causes: chain, Oaxaca–Blinder, factorial, twins."""

from __future__ import annotations

import numpy as np
import pandas as pd

from calibration_checks.contests import GROUPS
from calibration_checks.table import Table
from judge.contest import fill_places
from judge.fairness.attribution import chain_of_counts, oaxaca_blinder, replace_in_contest, twin_changes
from judge.fairness.sweeps import shapley_effects


def causes(table: Table, n: int, rng: np.random.Generator) -> None:
    """Chain, Oaxaca–Blinder, factorial."""
    names = list(GROUPS)
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.08, 0.17, 0.75])
    passing, odds = np.array([0.7, 0.9, 0.95]), np.array([0.5, 1.0, 1.0])
    rows, truths = [], []
    for _ in range(n):
        entrants = rng.multinomial(3000, q)
        eligible = rng.binomial(entrants, passing)
        keys = rng.exponential(size=eligible.sum()) / np.repeat(odds, eligible)
        first = np.repeat(np.arange(3), eligible)[np.argpartition(keys, 50)[:50]]
        winners = np.bincount(first, minlength=3)
        part = chain_of_counts(names, entrants=entrants, eligible=eligible, winners=winners,
                               population=dict(zip(names, p, strict=True)))  # fmt: skip
        rows.append(part)
        s, e = entrants / entrants.sum(), eligible / eligible.sum()
        marginal = q * passing * odds / (q * passing * odds).sum()
        truths.append(
            np.concatenate(
                [
                    np.log(q / p),
                    np.log(passing / (s @ passing)),
                    np.log(odds / (e @ odds)),
                    np.log(marginal / p),
                ]
            )
        )
        total = part.pivot(index="group", columns="metric", values="value")
        steps = total[["log_share_entered", "log_share_admitted", "log_share_judged"]].sum(axis=1)
        assert np.allclose(steps, total["log_share_total"]) or not np.isfinite(steps).all()
    every, truth = pd.concat(rows), np.array(truths)
    for i, ((metric, group), part) in enumerate(every.groupby(["metric", "group"], sort=False)):
        table.coverage(f"chain, {metric}, {group}", part["ci_low"], part["ci_high"], truth[:, i])

    for label, n_dark in (("40 of 400", 40), ("15 of 150", 15)):
        found, people = [], 10 * n_dark
        for _ in range(n):
            dark = np.arange(people) < n_dark
            x = rng.normal(size=(people, 2)) + np.where(dark[:, None], [0.8, 0.0], 0.0)
            y = 1 + x @ [0.5, 0.2] + np.where(dark, 1.5, 1.0) * rng.normal(size=people)
            found.append(
                oaxaca_blinder(
                    y,
                    pd.DataFrame(x, columns=["tone", "age"]),
                    sensitive_feature=dark,
                    group="True",
                    reference="False",
                )
            )
        every = pd.concat(found)
        truth_of = {"oaxaca_gap": -0.4, "oaxaca_explained": -0.4, "oaxaca_unexplained": 0.0, "oaxaca_endowments": -0.4,
                    "oaxaca_coefficients": 0.0, "oaxaca_interaction": 0.0}  # fmt: skip
        every = every[~every["group"].str.contains(":")]
        for metric, part in every.groupby("metric", sort=False):
            table.coverage(f"{metric}, {label}", part["ci_low"], part["ci_high"], truth_of[metric])
            if truth_of[metric] == 0:
                table.alarm(f"{metric}, {label}", part["p_value"])

    effects = []
    cells = pd.DataFrame(
        [(a, b, s) for s in range(5) for a in (0, 1) for b in (0, 1)],
        columns=["entrants", "training", "seed"],
    )
    for t in range(n):
        outcome = (
            0.3 * cells["entrants"] + rng.normal(size=5)[cells["seed"]] + 0.2 * rng.normal(size=len(cells))
        )
        effects.append(
            shapley_effects(
                cells.assign(outcome=outcome), factors={"entrants": (0, 1), "training": (0, 1)}, rng=t
            )
        )
    every = pd.concat(effects)
    for group, part in every.groupby("group", sort=False):
        table.coverage(
            f"factorial, 5 seeds, {group}",
            part["ci_low"],
            part["ci_high"],
            0.0 if group == "training" else 0.3,
        )
    table.alarm(
        "factorial, 5 seeds, sign flips", every.loc[every["group"] == "training", "p_value"], exact=True
    )


def twins(table: Table, n: int, rng: np.random.Generator) -> None:
    """An edit and a placebo without effect; then an edit with one."""
    people = pd.DataFrame({"image_id": np.arange(120), "bracket": np.repeat(["a", "b"], [80, 40])})
    for effect in (0.0, -0.3):
        found = []
        for t in range(n if effect == 0 else n // 2):
            base = rng.normal(size=120)
            score = base + 0.3 * rng.normal(size=120)
            place = fill_places(people["image_id"], score, bracket=people["bracket"], places=5)
            ranking = people.assign(score=score, rank=place.rank, winner=place.winner)
            edits = pd.concat(
                [people[["image_id"]].assign(edit=name, score=base + shift + 0.3 * rng.normal(size=120))
                 for name, shift in (("tone", effect), ("placebo", 0.0))]
            )  # fmt: skip
            changes = replace_in_contest(ranking, edits)
            found.append(
                twin_changes(changes, placebo=["placebo"], n_resamples=400, n_permutations=499, rng=t)
            )
        every = pd.concat(found)
        for (metric, group), part in every.groupby(["metric", "group"], sort=False):
            if group == "placebo":
                continue
            if effect == 0:
                exact = metric.startswith("twin_score")
                table.alarm(f"{metric}, {group}", part["p_value"], exact=exact)
                if not metric.endswith(("rose", "excess")):
                    table.coverage(f"{metric}, {group}, no effect", part["ci_low"], part["ci_high"], 0.0)
            elif metric == "twin_score_change":
                table.coverage(
                    f"{metric}, {group}, effect {effect:g}", part["ci_low"], part["ci_high"], effect
                )
