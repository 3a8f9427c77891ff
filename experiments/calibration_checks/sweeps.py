"""Checks on sweeps: dose–response, the inverse question."""

from __future__ import annotations

import numpy as np
import pandas as pd

from calibration_checks.contests import GROUPS
from calibration_checks.table import Table
from judge.fairness.inference import sign_flip, t_interval
from judge.fairness.sweeps import bootstrap_seeds_people, grid_posterior
from judge.fairness.sweeps.dose_models import (
    crossing,
    line,
    seed_lines,
    t_bounds,
    trend_p_value,
    widened_bootstrap,
)
from judge.fairness.sweeps.mixed_models import mixed_slope


def dose(table: Table, n: int, rng: np.random.Generator) -> None:
    """Five seeds, four shares: slope, crossing, trend test, differences; with and without slopes that differ by
    seed."""
    shares = np.array([0.5, 0.75, 0.9, 0.98])
    x, seed = np.tile(shares, 5), np.repeat(np.arange(5), 4)
    for spread, label in ((0.0, "equal slopes"), (0.5, "slopes differ by seed")):
        for slope in (0.0, -0.6):
            found: dict[str, list] = {}

            def keep(name: str, bounds: tuple, p: float = np.nan, found: dict[str, list] = found) -> None:
                found.setdefault(name, []).append((*bounds[1:], p))

            for t in range(n // 2):
                own, slopes = rng.normal(size=5) * 0.1, slope + spread * rng.normal(size=(2, 5))
                noise = 0.1 * rng.normal(size=(2, 20))
                y, other = (1.1 + own[seed] + slopes[c, seed] * x + noise[c] for c in (0, 1))
                centre, covariance, df, _ = line(x, y, seed)
                p, _ = trend_p_value(x, y, seed, rng=rng)
                keep("dose_slope", t_bounds(centre[1], covariance[1, 1], df, 0.95), p)
                keep("dose_crossing (Fieller)", crossing(centre, covariance, df, 0.8)[0])
                each = seed_lines(x, y, seed)[:, 1]
                draws = each[rng.integers(5, size=(300, 5))].mean(axis=1)
                keep("dose_slope_bootstrap", widened_bootstrap(float(each.mean()), draws, 5))
                if t < n // 10:
                    bounds, p, _ = mixed_slope(x, y, seed)
                    keep("dose_slope_mixed", bounds, p)
                centre, covariance, df, _ = line(x, y - other, seed)
                p, _ = trend_p_value(x, y - other, seed, rng=rng)
                keep("dose_slope_difference", t_bounds(centre[1], covariance[1, 1], df, 0.95), p)
                means = (y - other).reshape(5, 4).mean(axis=1)
                keep("dose_mean_difference", t_interval(means), sign_flip(means, rng=rng)[0])
            for name, rows in found.items():
                low, high, p = np.array(rows).T
                truth = 0.0 if "difference" in name else 0.5 if "crossing" in name else slope
                if "crossing" in name and slope == 0:
                    continue  # a flat line crosses nowhere
                table.coverage(f"{name}, slope {slope:g}, {label}", low, high, truth)
                if truth == 0 and np.isfinite(p).all():
                    # shuffling within a seed tests "no seed has a slope", not "no slope on average"
                    sharp = spread == 0 or name in ("dose_mean_difference", "dose_slope_mixed")
                    exact = sharp and name != "dose_slope_mixed"
                    table.alarm(f"{name}, slope {slope:g}, {label}", p, exact=exact, claimed=sharp)
    # fresh seeds for every run: nothing to group by
    y = rng.normal(size=(n // 4, 20))
    x = np.tile(shares, 5)
    found = [mixed_slope(x, row, np.arange(20)) for row in y]
    table.coverage(
        "mixed_slope, a fresh seed for every run", [f[0][1] for f in found], [f[0][2] for f in found], 0.0
    )
    # people and seeds both sampled: truth from one large population and many seeds
    quality = 0.35

    def runs(size: int, seeds: int) -> pd.DataFrame:
        person = np.arange(size)
        dark = person < size // 4
        base = rng.normal(size=size)
        parts = []
        for s in range(seeds):
            own = rng.normal() * 0.3
            for share in (0.5, 0.75, 0.95):
                score = base + quality * rng.normal(size=size) - (0.8 + own) * share * dark
                won = score >= np.quantile(score, 0.8)
                parts.append(
                    pd.DataFrame(
                        {"person_id": person, "dark": dark, "winner": won, "seed": s, "share": share}
                    )
                )
        return pd.concat(parts)

    options = {"sensitive_feature": "dark", "group": "True", "outcome": "selection_rate_difference"}
    truth = np.mean(
        [bootstrap_seeds_people(runs(4000, 40), n_resamples=2, **options)["value"].iloc[0] for _ in range(3)]
    )
    low, high = [], []
    for t in range(n // 10):
        row = bootstrap_seeds_people(runs(400, 5), n_resamples=300, rng=t, **options).iloc[0]
        low.append(row["ci_low"])
        high.append(row["ci_high"])
    table.coverage("dose_slope_people, seeds and people from a table of winners", low, high, truth)


def inverse(table: Table, n: int, rng: np.random.Generator) -> None:
    """Settings drawn from the prior, winners from the setting: the 95 % highest-posterior set holds it 95 % of the
    time. With few runs a cell it falls short, as `grid_posterior` says: each cell's shares are known with an error, and
    the cell whose error fits best is believed too much."""
    for runs in (6, 10, 20):
        _inverse(table, n, rng, runs)


def _inverse(table: Table, n: int, rng: np.random.Generator, runs_a_cell: int) -> None:
    grid = [(x, d) for x in (0.5, 0.7, 0.9) for d in (0.0, -0.5, -1.0)]
    base = np.array([0.08, 0.17, 0.75])

    def shares(x: float, d: float) -> np.ndarray:
        odds = base * np.exp([1.5 * d - 2 * (x - 0.5), 0.5 * d, 0.0])
        return odds / odds.sum()

    inside = []
    for t in range(n // 5):
        rows = [
            (x, d, *rng.multinomial(50, rng.dirichlet(80 * shares(x, d))))
            for x, d in grid
            for _ in range(runs_a_cell)
        ]
        runs = pd.DataFrame(rows, columns=["share", "shift", *GROUPS])
        for _ in range(4):
            x, d = grid[rng.integers(len(grid))]
            target = rng.multinomial(44, rng.dirichlet(80 * shares(x, d)))
            cells = grid_posterior(
                runs,
                settings=["share", "shift"],
                target=dict(zip(GROUPS, target.tolist(), strict=True)),
                n_resamples=2,
                n_simulations=10,
                rng=t,
            ).cells
            order = np.argsort(-cells["posterior"].to_numpy())
            reached = np.cumsum(cells["posterior"].to_numpy()[order])
            # the cell at which the mass is reached is in with the probability that makes the set exactly 95 %
            place = int(
                np.flatnonzero(
                    (cells["share"].to_numpy()[order] == x) & (cells["shift"].to_numpy()[order] == d)
                )[0]
            )
            before = reached[place - 1] if place else 0.0
            inside.append(np.clip((0.95 - before) / (reached[place] - before), 0, 1))
    value = float(np.mean(inside))
    least = 0.93 if runs_a_cell >= 20 else 0.9
    verdict = "NO" if value < least else "yes" if value <= 0.97 else "conservative"
    if least <= value < 0.93:
        verdict = "short, as said"
    table._add(
        f"grid posterior, 95 % set of settings, {runs_a_cell} runs a cell",
        "coverage",
        value,
        len(inside),
        ".93–.97" if runs_a_cell >= 20 else ".90–.97, said to be short",
        verdict,
    )
