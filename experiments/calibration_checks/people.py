"""Checks on the people of a table: who comes several times, and who is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from calibration_checks.table import Table
from judge.errors import InputError
from judge.fairness.audit import read_entrants, selections
from judge.fairness.counts import Counts
from judge.fairness.inference import stratified_exact, wilson

PEOPLE, PICTURES, PLACES = 200, 5, 40
#: Share of group a, and of each bracket's people whom nobody scored: the bracket with most a loses most.
BRACKETS = {"x": (600, 0.05, 0.10), "y": (300, 0.20, 0.30), "z": (100, 0.50, 0.60)}


def people(table: Table, n: int, rng: np.random.Generator) -> None:
    """Neutral contests: pictures of the same people by each rule, and people whose score is missing by chance."""
    _repeated(table, max(n // 4, 40), rng)
    _missing(table, max(n // 2, 40), rng)


def _repeated(table: Table, n: int, rng: np.random.Generator) -> None:
    p: dict[str, list[float]] = {name: [] for name in ("best", "first", "mean", "best, 1 to 5", "as rows")}
    refused = 0
    for _ in range(n):
        group = rng.permutation(np.repeat(["a", "b"], [PEOPLE // 4, PEOPLE - PEOPLE // 4]))
        beauty = rng.normal(size=PEOPLE)
        for name in ("best", "best, 1 to 5"):
            each = np.full(PEOPLE, PICTURES) if name == "best" else rng.integers(1, PICTURES + 1, PEOPLE)
            who = np.repeat(np.arange(PEOPLE), each)
            score = beauty[who] + rng.normal(0, 0.3, len(who))
            rows = pd.DataFrame(
                {"image_id": np.arange(len(who)), "person_id": who, "g": group[who], "score": score}
            )
            if name != "best":
                p[name].append(_p_value(rows, one_per_person="best"))
                continue
            try:
                read_entrants(rows, features=["g"], score=["score"])
            except InputError:
                refused += 1
            for rule in ("best", "first", "mean"):
                p[rule].append(_p_value(rows, one_per_person=rule))
            # what the audit would say if it did not look: the column that tells people apart is hidden from it
            p["as rows"].append(_p_value(rows.drop(columns="person_id")))
    for rule in ("best", "first", "mean"):
        table.alarm(f"stratified_exact, one row a person of {PICTURES} ({rule})", p[rule], exact=True)
    table.alarm("stratified_exact, one row a person of 1 to 5 (best)", p["best, 1 to 5"], exact=True)
    table.alarm(
        f"stratified_exact on the rows ({refused} of {n} such tables refused)",
        p["as rows"],
        exact=True,
        claimed=refused < n,
    )


def _missing(table: Table, n: int, rng: np.random.Generator) -> None:
    size = [people for people, _, _ in BRACKETS.values()]
    bracket = np.repeat(list(BRACKETS), size)
    group = np.concatenate(
        [np.repeat(["a", "b"], [round(m * share), m - round(m * share)]) for m, share, _ in BRACKETS.values()]
    )
    unscored = np.repeat([part for _, _, part in BRACKETS.values()], size)
    p_missing, p_won, low, high = np.empty(n), np.empty(n), np.empty((n, 2)), np.empty((n, 2))
    truth = [float(unscored[group == g].mean()) for g in ("a", "b")]
    for t in range(n):
        score = np.where(rng.random(len(bracket)) < unscored, np.nan, rng.normal(size=len(bracket)))
        rows = pd.DataFrame({"g": group, "bracket": bracket, "score": score})
        found = read_entrants(rows, features=["g"], score=["score"], brackets=["bracket"])
        counts = found.absent[-1].counts["g"]
        p_missing[t] = stratified_exact(counts, "a")
        low[t], high[t] = wilson(counts.winners.sum(axis=0), counts.entrants.sum(axis=0), 0.95)
        p_won[t] = _p_value(rows, brackets=["bracket"], places=10)
    table.alarm("missing_score_share: exact test, brackets lose 10, 30 and 60 %", p_missing, exact=True)
    table.alarm("stratified_exact over all who entered, scores missing by bracket", p_won, exact=True)
    for g, name in enumerate(("a", "b")):
        table.coverage(f"missing_score_share: Wilson, group {name}", low[:, g], high[:, g], truth[g])


def _p_value(
    rows: pd.DataFrame, *, places: int = PLACES, brackets: tuple | list = (), **settings: str
) -> float:
    found = read_entrants(rows, features=["g"], score=["score"], brackets=brackets, **settings)
    ((_, _, won),) = selections(found, places=places)
    codes = found.features["g"]
    return float(
        stratified_exact(
            Counts.from_codes(won, codes.code, found.bracket.code, codes.names, found.bracket.names), "a"
        )
    )
