"""The inverse question by rejection: runs whose winners come close to the published ones; see `sweeps.inverse`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from judge.errors import InputError
from judge.fairness.inference.settings import Inference
from judge.fairness.sweeps.inverse import checked_winners


def abc(
    runs: pd.DataFrame,
    *,
    settings: Sequence[str],
    target: Mapping[str, int],
    accept: float = 0.2,
    max_distance: float = 0.15,
    confidence: float = 0.95,
    n_simulations: int = 200,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Posterior mean and interval of each setting by approximate Bayesian computation, with and without regression.

    Parameters
    ----------
    runs, settings, target
        As in `grid_posterior`.
    accept : float
        Share of the simulated results to accept (the nearest), in (0, 1], at least those at distance 0.
    max_distance : float
        Largest total-variation distance (½ Σ |share − published share|) of an accepted result; with no result within
        it there is no support: NaN and the words in `support`.
    confidence : float
        Level, from 0.5 to below 1.
    n_simulations : int
        Results a run: as many of its winners as were published, drawn without replacement; from its shares
        (multinomial) where it had fewer.
    rng : numpy.random.Generator or int
        Draws them.

    Returns
    -------
    DataFrame
        One row a setting: setting, mean, low, high (rejection), adjusted_mean, adjusted_low, adjusted_high (regression,
        clipped to the swept range), kept (accepted results), kept_runs (distinct training runs), effective_runs
        (Kish's size over runs: results of one run are not independent), distance (largest accepted), support.

    Raises
    ------
    InputError
        As `grid_posterior`, and for a share to accept outside (0, 1].

    References
    ----------
    Beaumont, Zhang & Balding (2002), Genetics 162:2025.

    Examples
    --------
    All winners were a where the share was 0.9, none where it was 0.1; all of the published were:

    >>> runs = pd.DataFrame({"share": [0.1, 0.9], "a": [0, 10], "b": [10, 0]})
    >>> table = abc(runs, settings=["share"], target={"a": 5, "b": 0}, n_simulations=5)
    >>> table[["mean", "kept_runs"]].round(6).values.tolist()
    [[0.9, 1.0]]
    """
    how = Inference(confidence, rng=rng)
    rng = how.generator()
    if not 0 < accept <= 1:
        raise InputError(f"accept must lie in (0, 1], not {accept!r}")
    groups, k, counts = checked_winners(runs, settings, target)
    theta = runs[list(settings)].to_numpy(float)
    n_runs = len(counts)
    simulated = np.concatenate(
        [
            rng.multivariate_hypergeometric(c.astype(int), k, size=n_simulations)
            if c.sum() >= k
            else rng.multinomial(k, c / c.sum(), size=n_simulations)
            for c in counts
        ]
    ).astype(float)
    run = np.repeat(np.arange(n_runs), n_simulations)
    observed = np.array([target[group] for group in groups], float)
    difference = (simulated - observed) / k
    distance = np.abs(difference).sum(1) / 2
    cut = min(max(np.quantile(distance, accept), 0.5 / k), max_distance)
    kept = distance <= cut
    rows = []
    for j, setting in enumerate(settings):
        row: dict[str, object] = {"setting": setting, "kept": int(kept.sum())}
        row |= {"kept_runs": len(np.unique(run[kept])), "distance": float(distance.min())}
        if not kept.any():
            row["support"] = (
                f"NO SUPPORT: the nearest of {len(distance)} results is {distance.min():.3f} away, "
                f"beyond {max_distance:g}"
            )
            rows.append(row)
            continue
        kernel = 1 - (distance[kept] / (cut * (1 + 1e-9) + 0.5 / k)) ** 2
        weight = kernel / kernel.sum()
        by_run = np.bincount(run[kept], weight, minlength=n_runs)
        value = theta[run[kept], j]
        s = difference[kept][:, :-1]  # shares add up to 1: the last group says nothing new
        design = np.column_stack([np.ones(len(s)), s])
        root = np.sqrt(weight)[:, None]
        coefficient = np.linalg.lstsq(design * root, value * root[:, 0], rcond=None)[0]
        adjusted = np.clip(value - s @ coefficient[1:], theta[:, j].min(), theta[:, j].max())
        for prefix, sample in (("", value), ("adjusted_", adjusted)):
            bounds = _weighted_quantiles(sample, weight, how.tails)
            row |= {f"{prefix}mean": float(sample @ weight)}
            row |= {f"{prefix}low": bounds[0], f"{prefix}high": bounds[1]}
        row["distance"] = float(distance[kept].max())
        row["effective_runs"] = float(1 / (by_run**2).sum())
        row["support"] = f"{row['kept_runs']} of {n_runs} runs come within {row['distance']:.3f}"
        rows.append(row)
    columns = ["setting", "mean", "low", "high", "adjusted_mean", "adjusted_low", "adjusted_high", "kept",
               "kept_runs", "effective_runs", "distance", "support"]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=columns)


def _weighted_quantiles(values: np.ndarray, weights: np.ndarray, at: Sequence[float]) -> list[float]:
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    picked = np.searchsorted(cumulative, np.asarray(at) * cumulative[-1])
    return [float(v) for v in values[order][np.minimum(picked, len(values) - 1)]]
