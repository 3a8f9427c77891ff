"""The rows of a dose–response: of one condition, and of its difference from the baseline. See `sweeps.dose`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from judge.fairness.inference.randomisation import sign_flip
from judge.fairness.inference.settings import Inference, Interval
from judge.fairness.sweeps.dose_models import (
    crossing,
    line,
    seed_lines,
    smallest_trend_p,
    t_bounds,
    trend_p_value,
    widened_bootstrap,
    within_shares,
)
from judge.fairness.sweeps.mixed_models import mixed_slope
from judge.fairness.sweeps.over_seeds import FEWEST_SEEDS, RATIO, mean_interval

_NAN = float("nan")


def _row(
    metric: str,
    bounds: Interval | tuple[float, float, float] = (_NAN, _NAN, _NAN),
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


def condition_rows(
    part: pd.DataFrame,
    *,
    threshold: float,
    scale: str,
    bounds: tuple[float, float] | None,
    step: float,
    how: Inference,
    rng: np.random.Generator,
    mixed: bool = True,
) -> Iterator[dict[str, Any]]:
    confidence = how.confidence
    back = np.exp if scale == "log" else np.asarray
    if scale == "log":  # of a logarithm the range has no ends
        bounds, step = None, 0.0
    words = "t over runs"
    if bounds is not None:
        words += ", logarithm" if bounds == RATIO else ", logit of the range"
    for _, cell in part.groupby("share", sort=True):
        found = mean_interval(cell["y"].to_numpy(), bounds=bounds, step=step, confidence=confidence)
        mean, low, high = (float(back(v)) for v in found)
        yield _row(
            "dose_mean", (mean, low, high), n=len(cell), dose=cell["share"].iloc[0], test=words,
            detail=_none_below(len(cell), found),
        )  # fmt: skip
    if part["share"].nunique() < 2:
        return
    data = (part["share"], part["y"], part["seed"])
    n = len(part)
    seeds = part["seed"].nunique()
    centre, covariance, df, replicates = line(*data)
    p, words = _trend(*data, how=how, rng=rng)
    found = _shown(t_bounds(centre[1], covariance[1, 1], df, confidence), seeds)
    yield _row("dose_slope", found, n=n, p=p, test=words, detail=_slope_detail(*data, replicates, found))
    if mixed:
        found, p, words = mixed_slope(*data, confidence=confidence)
        if seeds < FEWEST_SEEDS:
            p = _NAN  # of Student's t, which two seeds cannot carry either
        yield _row(
            "dose_slope_mixed", _shown(found, seeds), n=n, p=p, test=words, detail=_none_below(seeds, found)
        )
    slopes = seed_lines(*data)[:, 1]
    if len(slopes) > 1:
        draws = slopes[rng.integers(len(slopes), size=(how.n_resamples, len(slopes)))].mean(axis=1)
        found = widened_bootstrap(float(slopes.mean()), draws, len(slopes), confidence=confidence)
        found = _shown(found, len(slopes))
        p, exact = sign_flip(slopes, n_permutations=how.n_permutations, rng=rng)
        words = f"sign flips of the seeds' slopes, {'exact' if exact else f'{how.n_permutations} draws'}"
        told = f"bootstrap of seeds; {_flips_detail(len(slopes))}"
        yield _row("dose_slope_bootstrap", found, n=len(slopes), p=p, test=words, detail=told)
    target = float(np.log(threshold)) if scale == "log" else threshold
    found, words = crossing(centre, covariance, df, target, confidence=confidence)
    if part["share"].between(0, 1).all():
        found, words = within_shares(found, words)
    if not part["share"].min() <= found.value <= part["share"].max():
        words += "; outside the swept shares"
    if found.high - found.low <= 1e-12:
        found = Interval(found.value, _NAN, _NAN)
    if seeds < FEWEST_SEEDS:
        found, words = Interval(found.value, _NAN, _NAN), _none_below(seeds, found) or ""
    yield _row("dose_crossing", found, n=n, test="Fieller", detail=words)


def _shown(found: Interval, seeds: int) -> Interval:
    """The interval where there is one to show: of three seeds or more, and not of zero width."""
    value, low, high = found
    width = high - low
    if seeds < FEWEST_SEEDS or not width > 1e-12 * max(1.0, abs(value)):
        return Interval(value, _NAN, _NAN)
    return found


def _none_below(seeds: int, found: Interval) -> str | None:
    if seeds < FEWEST_SEEDS:
        return f"no interval: {seeds} seed{'s' if seeds > 1 else ''}, at least {FEWEST_SEEDS} are needed"
    return "no interval: all seeds agree" if np.isnan(found.low) else None


def _slope_detail(dose: Any, y: Any, seed: Any, replicates: str, found: Interval) -> str:
    seeds = int(pd.Series(seed).nunique())
    told = _none_below(seeds, found) or f"interval: {replicates}"
    return f"{told}; the smallest possible p is {smallest_trend_p(dose, seed):.2g}"


def _flips_detail(seeds: int) -> str:
    return f"{seeds} seeds: the smallest possible p is {2.0 ** (1 - seeds):.2g}"


def difference_rows(
    table: pd.DataFrame,
    name: str,
    base: str,
    *,
    bounds: tuple[float, float] | None,
    how: Inference,
    rng: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    """Rows for condition `name` minus condition `base` over the (seed, share) that both have."""
    sides = [table[table["condition"] == c].set_index(["seed", "share"])["y"] for c in (name, base)]
    d = (sides[0] - sides[1]).dropna().rename("y").reset_index()
    group = {"group": f"{name} - {base}"}
    if d.empty:
        yield group | _row("dose_mean_difference", n=0, detail="no seed and share in common")
        return
    by_seed = d.groupby("seed")["y"].mean().to_numpy()
    p, exact = sign_flip(by_seed, n_permutations=how.n_permutations, rng=rng)
    reach = None if bounds is None else (bounds[0] - bounds[1], bounds[1] - bounds[0])
    found = mean_interval(
        by_seed, bounds=None if reach is None or np.isinf(reach).any() else reach, confidence=how.confidence
    )
    told = [_none_below(len(by_seed), found), _flips_detail(len(by_seed))]
    yield group | _row(
        "dose_mean_difference",
        found,
        n=len(d),
        p=p,
        test=f"sign flips of seeds, {'exact' if exact else 'simulated'}",
        detail="; ".join(filter(None, told)),
    )
    if d["share"].nunique() > 1:
        data = (d["share"], d["y"], d["seed"])
        centre, covariance, df, replicates = line(*data)
        p, words = _trend(*data, how=how, rng=rng)
        seeds = d["seed"].nunique()
        found = _shown(t_bounds(centre[1], covariance[1, 1], df, how.confidence), seeds)
        yield group | _row(
            "dose_slope_difference", found, n=len(d), p=p, test=words,
            detail=_slope_detail(*data, replicates, found),
        )  # fmt: skip


def _trend(*data: Any, how: Inference, rng: np.random.Generator) -> tuple[float, str]:
    p, exact = trend_p_value(*data, n_permutations=how.n_permutations, rng=rng)
    return p, f"permutation within seed, {'exact' if exact else f'{how.n_permutations} draws'}"
