"""Lines through the runs of a sweep: by seed, their trend test, where they cross a threshold.

Used by `sweeps.dose`, which explains the unit of replication; the mixed model is in `sweeps.mixed_models`. Arguments
dose, y, seed: (runs,) each, finite.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from math import exp, lgamma
from typing import Any

import numpy as np
import statsmodels.api as sm
from scipy import stats

from judge.fairness.inference.randomisation import tail_of_sum
from judge.fairness.inference.settings import Interval

_NAN = float("nan")
#: From so many seeds on they share a table of shuffled orders.
MANY_SEEDS = 100


def seed_lines(dose: Any, y: Any, seed: Any) -> np.ndarray:
    """Least-squares line of each seed with two or more doses: (seeds, 2) intercept at dose 0 and slope."""
    doses, values, seeds = np.asarray(dose, float), np.asarray(y, float), np.asarray(seed)
    lines = []
    for mine in _members(seeds):
        x, own = doses[mine], values[mine]
        centred = x - x.mean()
        spread = centred @ centred
        if spread > 0:
            slope = centred @ own / spread
            lines.append((own.mean() - slope * x.mean(), slope))
    return np.array(lines, float).reshape(-1, 2)


def line(dose: Any, y: Any, seed: Any) -> tuple[np.ndarray, np.ndarray, int, str]:
    """Intercept and slope with covariance: (2,), (2, 2), degrees of freedom, words.

    Over seeds (mean of their own lines, covariance between seeds / number of seeds) where two or more seeds
    have two or more doses; this stays right whether or not seeds differ in slope. Otherwise ordinary least
    squares over runs.
    """
    lines = seed_lines(dose, y, seed)
    if len(lines) > 1:
        return lines.mean(0), np.cov(lines.T) / len(lines), len(lines) - 1, f"t over {len(lines)} seeds"
    fit = sm.OLS(np.asarray(y, float), sm.add_constant(np.asarray(dose, float), has_constant="add")).fit()
    df = int(fit.df_resid)
    covariance = np.asarray(fit.cov_params()) if df > 0 else np.full((2, 2), _NAN)
    return np.asarray(fit.params), covariance, df, "t over runs (fewer than two seeds have two shares)"


def trend_p_value(
    dose: Any, y: Any, seed: Any, *, n_permutations: int = 9_999, rng: np.random.Generator | int = 0
) -> tuple[float, bool]:
    """Two-sided p of the within-seed slope when each seed's outcomes are shuffled over its doses; and if exact.

    Where no seed has two doses (a fresh seed for every run) the runs are shuffled as one block.
    """
    rng = np.random.default_rng(rng)
    doses, outcomes, seeds = np.asarray(dose, float), np.asarray(y, float), np.asarray(seed)
    members = _members(seeds)
    if all(np.ptp(doses[mine]) == 0 for mine in members):
        members = [np.arange(len(doses))]
    observed, parts, blocks = 0.0, [], []
    for mine in members:
        x = doses[mine] - doses[mine].mean()
        values = outcomes[mine] - outcomes[mine].mean()
        observed += float(x @ values)
        blocks.append((x, values))
        if len(x) <= 8:
            parts.append(values[_orders(len(x))] @ x)
    if len(parts) == len(blocks):
        return tail_of_sum(parts, observed, n_permutations=n_permutations, rng=rng)
    if len(blocks) > MANY_SEEDS:
        sums = _shuffled_sums(blocks, n_permutations, rng)
        hits = np.count_nonzero(np.abs(sums) >= abs(observed) * (1 - 1e-9))
        return float((1 + hits) / (1 + n_permutations)), False
    sums = np.zeros(n_permutations)
    for x, values in blocks:
        sums += rng.permuted(np.tile(values, (n_permutations, 1)), axis=1) @ x
    hits = np.count_nonzero(np.abs(sums) >= abs(observed) * (1 - 1e-9))
    return float((1 + hits) / (1 + n_permutations)), False


def _shuffled_sums(
    blocks: list[tuple[np.ndarray, np.ndarray]], n_permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """(n_permutations,) sums over all seeds of doses · outcomes, each seed's outcomes in an order of their own.

    To shuffle a thousand seeds ten thousand times takes seconds. So the seeds with the same doses have one table of
    n_permutations random orders, of which each takes one by lot for each sum.
    """
    alike: dict[bytes, list[np.ndarray]] = {}
    doses = {}
    for x, values in blocks:
        alike.setdefault(x.tobytes(), []).append(values)
        doses[x.tobytes()] = x
    sums = np.zeros(n_permutations)
    for key, outcomes in alike.items():
        x = doses[key]
        orders = rng.permuted(np.tile(x, (n_permutations, 1)), axis=1)
        for start in range(0, len(outcomes), 50):
            each = np.array(outcomes[start : start + 50]) @ orders.T
            chosen = rng.integers(n_permutations, size=each.shape, dtype=np.uint32)
            sums += np.take_along_axis(each, chosen, axis=1).sum(axis=0)
    return sums


def _members(seed: np.ndarray) -> list[np.ndarray]:
    """Positions of each seed's runs, seeds in sorted order."""
    code = np.unique(seed, return_inverse=True)[1]
    return np.split(np.argsort(code, kind="stable"), np.cumsum(np.bincount(code))[:-1])


@lru_cache
def _orders(n: int) -> np.ndarray:
    """All orders of n things, (n!, n)."""
    return np.array(list(permutations(range(n))))


def crossing(
    mean: np.ndarray, covariance: np.ndarray, df: int, threshold: float, *, confidence: float = 0.95
) -> tuple[Interval, str]:
    """Dose at which intercept + slope · dose = threshold, by Fieller (1954); ±inf where unbounded.

    Returns the interval and words. The interval is {x : (a + b x − c)² ≤ t² Var(a + b x)}: bounded only
    if the slope differs from 0 at this level. Otherwise it is the whole line, or all but a gap; of such two
    rays the one that misses every share in [0, 1] is dropped.
    """
    a, b = float(mean[0]) - threshold, float(mean[1])
    value = -a / b if b else _NAN
    if df < 1 or not np.isfinite(covariance).all():
        return Interval(value, -np.inf, np.inf), "unbounded: too few runs for a variance"
    # the same contest at every dose has a slope of 1e-17, not of 0
    if max(abs(b), np.sqrt(covariance[1, 1])) <= 1e-12 * max(abs(float(mean[0])), abs(threshold)):
        return Interval(_NAN, _NAN, _NAN), "the line is flat: it crosses nothing"
    t2 = stats.t.ppf((1 + confidence) / 2, df) ** 2
    qa = b * b - t2 * covariance[1, 1]
    qb = a * b - t2 * covariance[0, 1]
    qc = a * a - t2 * covariance[0, 0]
    if qa == 0 or qb * qb < qa * qc:
        return Interval(value, -np.inf, np.inf), "unbounded: no share can be excluded"
    roots = np.sort((-qb + np.array([-1, 1]) * np.sqrt(qb * qb - qa * qc)) / qa)
    if qa > 0:
        return Interval(value, float(roots[0]), float(roots[1])), "bounded"
    words = f"all shares but those between {roots[0]:.3g} and {roots[1]:.3g} (the slope may be 0)"
    left, right = roots[0] >= 0, roots[1] <= 1
    if left and not right:
        return Interval(value, -np.inf, float(roots[0])), f"unbounded below: {words}"
    if right and not left:
        return Interval(value, float(roots[1]), np.inf), f"unbounded above: {words}"
    if not left and not right:
        return Interval(value, _NAN, _NAN), f"no share in [0, 1] is compatible: {words}"
    return Interval(value, -np.inf, np.inf), f"unbounded: {words}"


def within_shares(bounds: Interval, words: str) -> tuple[Interval, str]:
    """A crossing as a share can have it: no number outside 0 to 1.

    A value beyond 0 or 1 is a line drawn on where nobody can train: NaN, and words. A limit beyond them is no limit of
    a share: −∞ or ∞. An interval that misses 0 to 1 altogether becomes NaN.
    """
    value, low, high = bounds
    if np.isfinite(value) and not 0 <= value <= 1:
        value, words = _NAN, f"{words}; no crossing between 0 and 1"
    if low > 1 or high < 0:
        return Interval(value, _NAN, _NAN), f"{words}; no share is compatible with one"
    return Interval(value, -np.inf if low < 0 else low, np.inf if high > 1 else high), words


def smallest_trend_p(dose: Any, seed: Any) -> float:
    """The smallest p that `trend_p_value` can give with these doses: 2 / number of orders of each seed's outcomes."""
    doses, seeds = np.asarray(dose, float), np.asarray(seed)
    members = _members(seeds)
    if all(np.ptp(doses[mine]) == 0 for mine in members):
        members = [np.arange(len(doses))]
    log_orders = sum(lgamma(len(mine) + 1) for mine in members)
    return min(1.0, 2 * exp(-log_orders))


def widened_bootstrap(value: float, draws: np.ndarray, n_seeds: int, *, confidence: float = 0.95) -> Interval:
    """The interval value ± t(n_seeds − 1) · √(n/(n−1)) · sd(draws).

    Percentiles of a bootstrap of five seeds cover about 83 % where 95 % is asked (the resampled variance is
    (n−1)/n too small and five points have no tails); the standard error with Student's quantile covers 95 %.
    """
    half = stats.t.ppf((1 + confidence) / 2, n_seeds - 1) * np.sqrt(n_seeds / (n_seeds - 1)) * draws.std()
    return Interval(value, value - float(half), value + float(half))


def t_bounds(value: float, variance: float, df: int, confidence: float) -> Interval:
    """The interval value ± t(df) · √variance; no limits without degrees of freedom."""
    half = float(stats.t.ppf((1 + confidence) / 2, df) * np.sqrt(variance)) if df > 0 else _NAN
    return Interval(float(value), float(value) - half, float(value) + half)
