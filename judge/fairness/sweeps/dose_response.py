"""Dose–response over a sweep: how an outcome changes with the training share. The training run is the unit.

    dose_response(runs, *, share="share", seed="seed", condition="condition", outcome="outcome",
                  reference=None, threshold=0.8, scale="identity", confidence=0.95, n_boot=2000, n_draws=9999,
                  rng=0) -> DataFrame

`runs` has one row a training run. The answer is an AUDIT table (feature = the name of the share column,
group = the condition) with two more columns: `dose`, the share a row is about, else NaN; `detail`, in words.

    dose_mean               mean outcome at each share, t interval over the runs there
    dose_slope              change of the outcome for a unit of share (from 0 to 1): mean of the seeds' own
                            slopes, t interval over seeds; p: permutation of the shares within each seed
    dose_slope_mixed        the same by a linear mixed model with seeds as groups
    dose_slope_bootstrap    the same, interval from a bootstrap of seeds; p: sign flips of the seeds' slopes
    dose_crossing           the share at which the fitted line crosses `threshold`, Fieller interval,
                            may be unbounded
    dose_runs_excluded     number of runs without a finite outcome

and, for each condition but the reference (group = "skewed - rebalanced"), at equal seed and share:

    dose_mean_difference    p: sign flips of whole seeds
    dose_slope_difference   p: permutation within seed

Seeds share pictures, initial weights and often entrants, so runs of one seed are not independent: every
interval takes seeds, not runs, as replicates. The permutation tests that *no* seed has a slope; where seeds differ
in slope it says "some have one", and the interval or the sign flips (at least 2^(1 − seeds)) speak for the mean. With
one seed only the runs themselves have to serve, and `test` says so. For the uncertainty that comes from who happened
to enter, see `dose_people`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.fairness.inference.randomisation import checked_confidence, sign_flip, t_interval
from judge.fairness.sweeps.dose_models import (
    crossing,
    line,
    mixed_slope,
    seed_lines,
    t_bounds,
    trend_p_value,
    widened_bootstrap,
)

COLUMNS = (
    "metric",
    "feature",
    "group",
    "dose",
    "value",
    "n",
    "ci_low",
    "ci_high",
    "p_value",
    "test",
    "detail",
)
_NAN = float("nan")


def dose_response(
    runs: pd.DataFrame,
    *,
    share: str = "share",
    seed: str = "seed",
    condition: str = "condition",
    outcome: str = "outcome",
    reference: str | None = None,
    threshold: float = 0.8,
    scale: str = "identity",
    confidence: float = 0.95,
    n_boot: int = 2000,
    n_draws: int = 9_999,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Slope, trend test, crossing and difference between conditions of a sweep (rows: see the module).

    runs       one row a training run; shares are numbers (a dose), conditions are names
    reference  the condition that the others are compared with; None: the last one by name when there are two
               or more ("rebalanced" before "skewed" is taken when it is there)
    threshold  outcome whose dose is sought (0.8: the four-fifths rule, for a selection-rate ratio)
    scale      "log": slopes and crossing on the natural log of a positive outcome (means are then geometric)
    n_draws    permutations where the exact distribution is too long to enumerate

    Raises InputError for a missing column, shares that are not finite numbers, a repeated (condition, seed,
    share), a zero or negative outcome on the log scale, an unknown reference.
    """
    checked_confidence(confidence)
    rng = np.random.default_rng(rng)
    table, exclusions = _checked(runs, share, seed, condition, outcome, scale)
    rows: list[dict[str, Any]] = []
    for name, part in table.groupby("condition", sort=True):
        found = _one_condition(
            part,
            threshold=threshold,
            scale=scale,
            confidence=confidence,
            n_boot=n_boot,
            n_draws=n_draws,
            rng=rng,
        )
        rows += [{"group": name, **row} for row in found]
        n_excluded = int(exclusions.get(name, 0))
        rows.append(
            {
                "group": name,
                "metric": "dose_runs_excluded",
                "value": float(n_excluded),
                "n": len(part) + n_excluded,
            }
        )
    names = sorted(table["condition"].unique())
    if reference is not None and reference not in names:
        raise InputError(f"reference={reference!r} is not a condition of the runs; they have {listed(names)}")
    if len(names) > 1:
        base = reference or ("rebalanced" if "rebalanced" in names else names[-1])
        for name in names:
            if name != base:
                rows += _difference(table, name, base, confidence=confidence, n_draws=n_draws, rng=rng)
    return pd.DataFrame([{"feature": share, **row} for row in rows]).reindex(columns=list(COLUMNS))


def _checked(
    runs: pd.DataFrame, share: str, seed: str, condition: str, outcome: str, scale: str
) -> tuple[pd.DataFrame, pd.Series]:
    """Columns share, seed, condition, y of the usable runs; number of unusable ones by condition."""
    missing = [column for column in (share, seed, condition, outcome) if column not in runs]
    if missing:
        raise InputError(
            f"the table of runs lacks the column(s) {listed(missing)}; it has {listed(runs.columns)}"
        )
    if scale not in ("identity", "log"):
        raise InputError(f"scale must be 'identity' or 'log', not {scale!r}")
    dose = pd.to_numeric(runs[share], errors="coerce")
    if not np.isfinite(dose).all():
        raise InputError(
            f"{share}: {int((~np.isfinite(dose)).sum())} of {len(runs)} runs have no finite number"
        )
    table = pd.DataFrame(
        {
            "share": dose.to_numpy(float),
            "seed": runs[seed].to_numpy(),
            "condition": runs[condition].astype(str).to_numpy(),
            "y": pd.to_numeric(runs[outcome], errors="coerce").to_numpy(float),
        }
    )
    repeated = table.duplicated(["condition", "seed", "share"])
    if repeated.any():
        first = table.loc[repeated, ["condition", "seed", "share"]].iloc[0].to_dict()
        raise InputError(f"{int(repeated.sum())} run(s) repeat a (condition, seed, share), first {first}")
    usable = np.isfinite(table["y"])
    exclusions = (~usable).groupby(table["condition"]).sum()
    table = table[usable]
    if scale == "log":
        if (table["y"] <= 0).any():
            raise InputError(
                f"scale='log': {int((table['y'] <= 0).sum())} run(s) have {outcome} ≤ 0; use scale='identity'"
            )
        table = table.assign(y=np.log(table["y"]))
    if table.empty:
        raise InputError(f"no run has a finite {outcome}")
    return table, exclusions


def _row(
    metric: str,
    bounds: tuple[float, float, float] = (_NAN, _NAN, _NAN),
    *,
    n: int,
    p: float = _NAN,
    test: str | None = None,
    detail: str | None = None,
    dose: float = _NAN,
) -> dict[str, Any]:
    value, low, high = bounds
    return {"metric": metric, "dose": dose, "value": value, "n": n, "ci_low": low, "ci_high": high,
            "p_value": p, "test": test, "detail": detail}  # fmt: skip


def _one_condition(
    part: pd.DataFrame,
    *,
    threshold: float,
    scale: str,
    confidence: float,
    n_boot: int,
    n_draws: int,
    rng: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    back = np.exp if scale == "log" else np.asarray
    for _, cell in part.groupby("share", sort=True):
        mean, low, high = (float(back(v)) for v in t_interval(cell["y"].to_numpy(), confidence=confidence))
        yield _row(
            "dose_mean", (mean, low, high), n=len(cell), test="t over runs", dose=cell["share"].iloc[0]
        )
    if part["share"].nunique() < 2:
        return
    data = (part["share"], part["y"], part["seed"])
    n = len(part)
    centre, covariance, df, how = line(*data)
    p, words = _trend(*data, n_draws=n_draws, rng=rng)
    bounds = t_bounds(centre[1], covariance[1, 1], df, confidence)
    yield _row("dose_slope", bounds, n=n, p=p, test=words, detail=f"interval: {how}")
    bounds, p, how = mixed_slope(*data, confidence=confidence)
    yield _row("dose_slope_mixed", bounds, n=n, p=p, test=how)
    slopes = seed_lines(*data)[:, 1]
    if len(slopes) > 1:
        draws = slopes[rng.integers(len(slopes), size=(n_boot, len(slopes)))].mean(axis=1)
        bounds = widened_bootstrap(float(slopes.mean()), draws, len(slopes), confidence=confidence)
        p, exact = sign_flip(slopes, n_draws=n_draws, rng=rng)
        words = f"sign flips of the seeds' slopes, {'exact' if exact else f'{n_draws} draws'}"
        yield _row(
            "dose_slope_bootstrap", bounds, n=len(slopes), p=p, test=words, detail="bootstrap of seeds"
        )
    target = float(np.log(threshold)) if scale == "log" else threshold
    bounds, how = crossing(centre, covariance, df, target, confidence=confidence)
    if not part["share"].min() <= bounds[0] <= part["share"].max():
        how += "; outside the swept shares"
    yield _row("dose_crossing", bounds, n=n, test="Fieller", detail=how)


def _difference(
    table: pd.DataFrame, name: str, base: str, *, confidence: float, n_draws: int, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Rows for condition `name` minus condition `base` over the (seed, share) that both have."""
    sides = [table[table["condition"] == c].set_index(["seed", "share"])["y"] for c in (name, base)]
    d = (sides[0] - sides[1]).dropna().rename("y").reset_index()
    group = {"group": f"{name} - {base}"}
    if d.empty:
        yield group | _row("dose_mean_difference", n=0, detail="no seed and share in common")
        return
    by_seed = d.groupby("seed")["y"].mean().to_numpy()
    p, exact = sign_flip(by_seed, n_draws=n_draws, rng=rng)
    yield group | _row(
        "dose_mean_difference",
        t_interval(by_seed, confidence=confidence),
        n=len(d),
        p=p,
        test=f"sign flips of seeds, {'exact' if exact else 'simulated'}",
        detail=f"{len(by_seed)} seeds: the smallest possible p is {2.0 ** (1 - len(by_seed)):.2g}",
    )
    if d["share"].nunique() > 1:
        data = (d["share"], d["y"], d["seed"])
        centre, covariance, df, how = line(*data)
        p, words = _trend(*data, n_draws=n_draws, rng=rng)
        bounds = t_bounds(centre[1], covariance[1, 1], df, confidence)
        yield group | _row(
            "dose_slope_difference", bounds, n=len(d), p=p, test=words, detail=f"interval: {how}"
        )


def _trend(*data: Any, n_draws: int, rng: np.random.Generator) -> tuple[float, str]:
    p, exact = trend_p_value(*data, n_draws=n_draws, rng=rng)
    return p, f"permutation within seed, {'exact' if exact else f'{n_draws} draws'}"
