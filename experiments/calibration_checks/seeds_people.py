"""Checks on sweeps before the same contestants, or others for each seed; and on means of shares over few seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from calibration_checks.table import Table
from judge.fairness.sweeps.contestants import outcome_draws
from judge.fairness.sweeps.crossed import crossed_interval
from judge.fairness.sweeps.mixed_models import mixed_slope
from judge.fairness.sweeps.over_seeds import RATIO, SHARE, mean_interval

SHARES = (0.5, 0.75, 0.95)
SIZE, PLACES = 200, 40
OUTCOMES = {"winner_share": SHARE, "selection_rate_ratio": RATIO, "signed_error": None}


def seeds_people(table: Table, n: int, rng: np.random.Generator) -> None:
    """Contests of 200, a quarter dark, 40 winners; a score is the person, what a seed makes of the person, and noise.

    The truth is the mean over contests with fresh people. Over seeds alone the interval is about these contestants: it
    is told what it would cover of the effect among contestants at large, and claims nothing.
    """
    slope = np.array(SHARES) - np.mean(SHARES)
    contrasts = {"mean": np.array([0.0, 0.0, 1.0]), "slope": slope / (slope @ slope)}
    truth = _truth(5 * n, contrasts, rng)
    for same in (True, False):
        for seeds in (5, 10):
            found: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
            for _ in range(n // 4):
                people = _people(rng, seeds, same=same)
                draws = outcome_draws(people, reference="light", n_resamples=200, rng=rng)
                whole = _observed(people)
                for outcome, bounds in OUTCOMES.items():
                    drawn = np.array(
                        [[draws[s, x, "skewed"][outcome, "dark"] for x in SHARES] for s in range(seeds)]
                    )
                    for name, contrast in contrasts.items():
                        values = whole[outcome] @ contrast
                        within = bounds if name == "mean" else None
                        step = 1 / PLACES if outcome == "winner_share" and name == "mean" else 0.0
                        both = crossed_interval(
                            values, np.einsum("skb,k->bs", drawn, contrast), bounds=within, step=step
                        )
                        over = mean_interval(values, bounds=within, step=step)
                        found.setdefault((outcome, name, "people"), []).append(both[1:])
                        found.setdefault((outcome, name, "seeds"), []).append(over[1:])
            who = "the same people in all seeds" if same else "others for each seed"
            for (outcome, name, what), limits in found.items():
                low, high = np.array(limits).T
                check = f"{name} of {outcome}, {seeds} seeds, {who}"
                if what == "people":
                    table.coverage(f"seeds × people: {check}", low, high, truth[outcome, name])
                elif same:
                    inside = (low <= truth[outcome, name]) & (truth[outcome, name] <= high)
                    told = ("not claimed", "no, outside its null")
                    table._add(f"seeds alone: {check}", "coverage", float(inside.mean()), len(low), *told)
                else:
                    table.coverage(f"seeds alone: {check}", low, high, truth[outcome, name])


def _people(rng: np.random.Generator, seeds: int, *, same: bool) -> pd.DataFrame:
    dark = np.arange(SIZE) < SIZE // 4
    base, parts = rng.normal(size=SIZE), []
    for seed in range(seeds):
        if not same:
            base = rng.normal(size=SIZE)
        own, made = 0.15 * rng.normal(), 0.5 * rng.normal(size=SIZE)
        for share in SHARES:
            score = base + made + 0.3 * rng.normal(size=SIZE) - (0.8 + own) * share * dark
            rank = np.empty(SIZE)
            rank[np.argsort(-score)] = np.arange(1, SIZE + 1)
            parts.append(
                pd.DataFrame(
                    {
                        "seed": seed,
                        "share": share,
                        "condition": "skewed",
                        "person": np.arange(SIZE) + (0 if same else seed * SIZE),
                        "group": np.where(dark, "dark", "light"),
                        "bracket": "all",
                        "rank": rank,
                        "winner": rank <= PLACES,
                        "error": score - 0.9 * base,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def _observed(people: pd.DataFrame) -> dict[str, np.ndarray]:
    """Outcome → (seeds, shares) of the group dark."""
    dark = people["group"].to_numpy().reshape(-1, len(SHARES), SIZE) == "dark"
    won, error = (people[c].to_numpy().reshape(dark.shape) for c in ("winner", "error"))
    rate = (won & dark).sum(2) / dark.sum(2)
    other = (won & ~dark).sum(2) / (~dark).sum(2)
    return {
        "winner_share": (won & dark).sum(2) / won.sum(2),
        "selection_rate_ratio": rate / other,
        "signed_error": np.where(dark, error, 0).sum(2) / dark.sum(2),
    }


def _truth(
    contests: int, contrasts: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[tuple[str, str], float]:
    """Means over contests, each with people and a seed of its own."""
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    for start in range(0, contests, 100):
        whole = _observed(_people(rng, min(100, contests - start), same=False))
        for outcome in OUTCOMES:
            for name, contrast in contrasts.items():
                found.setdefault((outcome, name), []).append(whole[outcome] @ contrast)
    return {key: float(np.concatenate(values).mean()) for key, values in found.items()}


def over_seeds(table: Table, n: int, rng: np.random.Generator) -> None:
    """Means of a group's share of 44 winners over 3, 5 and 10 seeds: binomial scatter, three times and a sixth of it.

    Around each share 15 true ones, from two thirds of it to one and a half times it: with so few winners a single
    truth lies by luck just within or just outside the limits of the commonest count.
    """
    places = 44
    for seeds in (3, 5, 10):
        for scatter in ("a sixth of binomial", "binomial", "three times binomial"):
            for share in (0.02, 0.1, 0.5):
                limits, truths = [], []
                for true in share * np.geomspace(2 / 3, 1.5, 15):
                    values = _shares(rng, true, places, scatter, (2 * n // 15, seeds))
                    limits += [mean_interval(row, bounds=SHARE, step=1 / places)[1:] for row in values]
                    truths += [_shares(rng, true, places, scatter, (20 * n,)).mean()] * len(values)
                check = f"mean share, about {share:g} of 44 winners, {seeds} seeds, {scatter} scatter"
                table.coverage(check, *np.array(limits).T, truths)
    # a mixed model of seeds that differ as much as lme4 would find: full, uncorrelated, intercept alone, least squares
    x, seed = np.tile([0.5, 0.75, 0.9, 0.98], 10), np.repeat(np.arange(10), 4)
    for spread in (0.0, 0.2, 0.6):
        found = []
        for _ in range(n // 10):
            own, slopes = 0.1 * rng.normal(size=10), spread * rng.normal(size=10) - 0.3
            y = 1 + own[seed] + slopes[seed] * x + 0.1 * rng.normal(size=40)
            found.append(mixed_slope(x, y, seed)[0])
        low, high = np.array([interval[1:] for interval in found]).T
        table.coverage(f"dose_slope_mixed, 10 seeds, sd of slopes {spread:g}", low, high, -0.3)


def _shares(
    rng: np.random.Generator, share: float, places: int, scatter: str, size: tuple[int, ...]
) -> np.ndarray:
    if scatter == "binomial":
        return rng.binomial(places, share, size=size) / places
    if scatter == "three times binomial":
        total = (places - 1) / 2 - 1  # (places + total) / (1 + total) = 3
        return rng.binomial(places, rng.beta(total * share, total * (1 - share), size=size)) / places
    around = places * share + np.sqrt(places * share * (1 - share) / 6) * rng.normal(size=size)
    return np.clip(np.round(around), 0, places) / places
