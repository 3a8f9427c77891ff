"""Two-level factorial experiments: how much of a change is due to each factor, training seeds being the replicates.

Two questions of the project have this shape:

* {entrants skewed, balanced} × {training skewed, balanced}: is it who came, or what the judge learned from?
  `shapley_effects` splits the whole change Δ = Y(all on) − Y(all off) into one effect a factor, exactly:
  the Shapley value of the game v(S) = Y(factors S on) (Shapley 1953): a factor's effect averaged over every
  order of switching the factors on. With two factors φ_A = ½[(Y₁₀ − Y₀₀) + (Y₁₁ − Y₀₁)].
* {few pictures of a group} × {ratings of the group shifted by δ}: representation against rating skew.
  `two_by_two` gives both main effects and their interaction.

Each seed that ran all cells gives its own effects, and the interval is Student's t over seeds; where no seed
is complete (fresh seeds in every cell) the cells are independent and the interval is Welch's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from math import factorial
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from judge.errors import InputError, listed
from judge.fairness.inference.randomisation import sign_flip
from judge.fairness.inference.settings import Inference


def shapley_effects(
    runs: pd.DataFrame,
    *,
    factors: Mapping[str, tuple[Any, Any]],
    outcome: str = "outcome",
    seed: str = "seed",
    confidence: float = 0.95,
    n_permutations: int = 9_999,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Shapley effects: the whole change between all factors off and all on, split into one part a factor.

    The effects add up to the total change exactly, and so do their values in every seed.

    Parameters
    ----------
    runs : DataFrame
        One row a training run (or a mean over runs) with a column for each factor.
    factors : mapping of str to (off, on)
        Column → its two levels; one to six.
    outcome, seed : str
        Columns: the number to explain (take logs first for effects that multiply) and the replicate.
    confidence : float
        Level, from 0.5 to below 1.
    n_permutations : int
        Sign flips of the seeds' effects where there are too many to enumerate.
    rng : numpy.random.Generator or int
        For those.

    Returns
    -------
    DataFrame
        AUDIT rows shapley_effect for each factor (group = its column) and total_change. p: sign flips of the seeds'
        effects, exact (at least 2^(1 − seeds)); Welch's t without complete seeds.

    Raises
    ------
    InputError
        For a missing column or cell, a third level of a factor, and more than six factors.

    References
    ----------
    Shapley (1953), Contributions to the Theory of Games II, 307.

    Examples
    --------
    entrants: ½[(3 − 1) + (10 − 4)] = 4; training: ½[(4 − 1) + (10 − 3)] = 5; both: 10 − 1 = 9.

    >>> cells = {(0, 0): 1, (1, 0): 3, (0, 1): 4, (1, 1): 10}
    >>> runs = pd.DataFrame([(e, t, s, y + s) for (e, t), y in cells.items() for s in (0, 1)],
    ...                     columns=["entrants", "training", "seed", "outcome"])
    >>> shapley_effects(runs, factors={"entrants": (0, 1), "training": (0, 1)})[["group", "value"]].values.tolist()
    [['entrants', 4.0], ['training', 5.0], ['entrants × training', 9.0]]
    """
    names = list(factors)
    if not 1 <= len(names) <= 6:
        raise InputError(f"one to six factors, not {len(names)}")
    cells = list(product((0, 1), repeat=len(names)))
    weights = {name: np.zeros(len(cells)) for name in names}
    index = {cell: i for i, cell in enumerate(cells)}
    k = len(names)
    for j, name in enumerate(names):
        others = [i for i in range(k) if i != j]
        for size in range(k):
            for on in combinations(others, size):
                cell = [int(i in on) for i in range(k)]
                weight = factorial(size) * factorial(k - size - 1) / factorial(k)
                weights[name][index[tuple(cell)]] -= weight
                cell[j] = 1
                weights[name][index[tuple(cell)]] += weight
    total = np.zeros(len(cells))
    total[0], total[-1] = -1, 1
    contrasts = [("shapley_effect", name, w) for name, w in weights.items()]
    contrasts.append(("total_change", " × ".join(names), total))
    return _contrasts(
        runs,
        factors,
        cells,
        contrasts,
        outcome,
        seed,
        Inference(confidence, n_permutations=n_permutations, rng=rng),
    )


def two_by_two(
    runs: pd.DataFrame,
    *,
    factors: Mapping[str, tuple[Any, Any]],
    outcome: str = "outcome",
    seed: str = "seed",
    confidence: float = 0.95,
    n_permutations: int = 9_999,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Main effects and interaction of two factors, such as few pictures of a group and a shift of its ratings.

    Parameters
    ----------
    runs, outcome, seed, confidence, n_permutations, rng
        As in `shapley_effects`.
    factors : mapping of str to (off, on)
        Two columns → their levels.

    Returns
    -------
    DataFrame
        AUDIT rows main_effect of each factor, averaged over both levels of the other, ½[(Y₁₀ − Y₀₀) + (Y₁₁ − Y₀₁)];
        simple_effect of each while the other is off, Y₁₀ − Y₀₀ (group "representation alone"); interaction
        Y₁₁ − Y₁₀ − Y₀₁ + Y₀₀, what the two do together beyond their sum; total_change.

    Raises
    ------
    InputError
        For another number of factors, and as in `shapley_effects`.

    References
    ----------
    Fisher (1935), The Design of Experiments, chapter 6.

    Examples
    --------
    >>> cells = {(0, 0): 1, (1, 0): 3, (0, 1): 4, (1, 1): 10}
    >>> runs = pd.DataFrame([(few, low, s, y + s) for (few, low), y in cells.items() for s in (0, 1)],
    ...                     columns=["few", "low", "seed", "outcome"])
    >>> table = two_by_two(runs, factors={"few": (0, 1), "low": (0, 1)})
    >>> table.set_index(["metric", "group"]).loc[("interaction", "few × low"), "value"]  # 10 − 3 − 4 + 1
    np.float64(4.0)
    """
    if len(factors) != 2:
        raise InputError(f"two factors are needed, not {len(factors)}: {listed(factors)}")
    a, b = factors
    contrasts = [  # cells in the order 00, 01, 10, 11
        ("main_effect", a, np.array([-0.5, -0.5, 0.5, 0.5])),
        ("main_effect", b, np.array([-0.5, 0.5, -0.5, 0.5])),
        ("simple_effect", f"{a} alone", np.array([-1.0, 0, 1, 0])),
        ("simple_effect", f"{b} alone", np.array([-1.0, 1, 0, 0])),
        ("interaction", f"{a} × {b}", np.array([1.0, -1, -1, 1])),
        ("total_change", f"{a} × {b}", np.array([-1.0, 0, 0, 1])),
    ]
    cells = list(product((0, 1), repeat=2))
    return _contrasts(
        runs,
        factors,
        cells,
        contrasts,
        outcome,
        seed,
        Inference(confidence, n_permutations=n_permutations, rng=rng),
    )


def _contrasts(
    runs: pd.DataFrame,
    factors: Mapping[str, tuple[Any, Any]],
    cells: Sequence[tuple[int, ...]],
    contrasts: Sequence[tuple[str, str, np.ndarray]],
    outcome: str,
    seed: str,
    how: Inference,
) -> pd.DataFrame:
    rng = how.generator()
    if missing := [c for c in (*factors, outcome, seed) if c not in runs]:
        raise InputError(f"the table of runs lacks the column(s) {listed(missing)}")
    cell = np.zeros(len(runs), int)
    for name, levels in factors.items():
        unknown = sorted({str(v) for v in runs[name] if v not in levels})
        if unknown:
            raise InputError(f"{name} has the level(s) {listed(unknown)} besides (off, on) = {levels}")
        cell = 2 * cell + (runs[name] == levels[1]).to_numpy(int)
    table = pd.DataFrame(
        {"cell": cell, "seed": runs[seed].to_numpy(), "y": pd.to_numeric(runs[outcome]).to_numpy(float)}
    )
    unusable = int((~np.isfinite(table["y"])).sum())
    table = table[np.isfinite(table["y"])]
    empty = [cells[i] for i in range(len(cells)) if not (table["cell"] == i).any()]
    if empty:
        raise InputError(f"no run in the cell(s) {empty} of {tuple(factors)} (0 off, 1 on)")
    wide = table.pivot_table(index="seed", columns="cell", values="y", aggfunc="mean")
    complete = wide.dropna()
    note = f"; {unusable} run(s) without a finite outcome excluded" if unusable else ""
    paired = len(complete) >= 2
    if paired and len(complete) < len(wide):
        note += f"; {len(wide) - len(complete)} incomplete seed(s) excluded"
    rows = []
    for metric, group, weight in contrasts:
        if paired:
            effects = complete.to_numpy() @ weight
            value, error, df = effects.mean(), effects.std(ddof=1) / np.sqrt(len(effects)), len(effects) - 1.0
            p, exact = sign_flip(effects, n_permutations=how.n_permutations, rng=rng)
            test = f"sign flips of seeds, {'exact' if exact else 'simulated'}; t over seeds{note}"
            n = len(effects)
        else:
            groups = table.groupby("cell")["y"]
            mean, count = groups.mean().to_numpy(), groups.count().to_numpy()
            parts = weight**2 * groups.var(ddof=1).to_numpy() / count
            used = weight != 0
            value, error = mean @ weight, np.sqrt(parts[used].sum())
            with np.errstate(divide="ignore", invalid="ignore"):
                df = parts[used].sum() ** 2 / (parts[used] ** 2 / (count[used] - 1)).sum()
            p = float(2 * stats.t.sf(abs(value / error), df)) if error > 0 else np.nan
            test, n = f"Welch, cells without common seeds{note}", len(table)
        half = stats.t.ppf((1 + how.confidence) / 2, df) * error if np.isfinite(df) else np.nan
        rows.append(
            {
                "metric": metric,
                "feature": " × ".join(factors),
                "group": group,
                "value": float(value),
                "n": n,
                "ci_low": float(value - half),
                "ci_high": float(value + half),
                "p_value": p,
                "test": test,
            }
        )
    return pd.DataFrame(rows)
