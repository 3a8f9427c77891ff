"""The slope of a sweep when the entrants, too, are a sample, from a table of who won.

`dose_response` asks what other training runs would have given with these entrants; this asks what other training runs
and other entrants would have given, by the variance components of `sweeps.crossed`. People who stood in several
runs are drawn once for all of them, people who stood in one run only count for that run.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.fairness.inference.settings import Inference
from judge.fairness.sweeps.crossed import crossed_interval, person_weights

OUTCOMES = ("selection_rate_ratio", "selection_rate_difference", "log_selection_rate_ratio")


def bootstrap_seeds_people(
    winners: pd.DataFrame,
    *,
    sensitive_feature: str,
    group: str,
    reference: str | None = None,
    outcome: str = "selection_rate_ratio",
    share: str = "share",
    seed: str = "seed",
    person: str = "person_id",
    winner: str = "winner",
    confidence: float = 0.95,
    n_resamples: int = 1000,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Slope of an outcome of `group` with the share, over seeds and people.

    Scatter between seeds plus the covariance of seeds over draws of the people; Student's t with Satterthwaite's
    degrees of freedom (`crossed_interval`).

    Parameters
    ----------
    winners : DataFrame
        One row an entrant and run; give one condition at a time.
    sensitive_feature, share, seed, person, winner : str
        Its columns: group, dose, replicate, id of the person, whether they won.
    group, reference : str
        The two groups of the ratio or difference; reference None: everybody else.
    outcome : {"selection_rate_ratio", "selection_rate_difference", "log_selection_rate_ratio"}
        A ratio's slope is undefined in draws where a rate it divides by is zero: those draws are left out and counted
        in `detail`.
    confidence : float
        Level, from 0.5 to below 1.
    n_resamples : int
        Draws of the people.
    rng : numpy.random.Generator or int
        Draws them.

    Returns
    -------
    DataFrame
        One AUDIT row, dose_slope_people, with the column `detail`; no limits below three seeds.

    Raises
    ------
    InputError
        For a missing column, an unknown group or outcome, and fewer than two seeds with two shares or more.

    References
    ----------
    Owen (2007), Ann. Appl. Stat. 1:386, on the bootstrap of two crossed factors.

    Examples
    --------
    One of two a wins at share 0 and none at share 1, and the other way round for b: the difference of their rates
    falls from ½ − 0 to 0 − ½.

    >>> table = pd.DataFrame({"group": ["a", "a", "b", "b"] * 4, "person_id": [0, 1, 2, 3] * 4,
    ...                       "winner": [1, 0, 0, 0, 0, 0, 1, 0] * 2, "share": ([0] * 4 + [1] * 4) * 2,
    ...                       "seed": [0] * 8 + [1] * 8})
    >>> found = bootstrap_seeds_people(table, sensitive_feature="group", group="a", n_resamples=20,
    ...                                outcome="selection_rate_difference")
    >>> found[["metric", "value"]].values.tolist()
    [['dose_slope_people', -1.0]]
    """
    how = Inference(confidence, n_resamples, rng=rng)
    rng = how.generator()
    needed = [sensitive_feature, share, seed, person, winner]
    if missing := [column for column in needed if column not in winners]:
        raise InputError(f"the table of winners lacks the column(s) {listed(missing)}")
    if outcome not in OUTCOMES:
        raise InputError(f"outcome is one of {listed(OUTCOMES)}, not {outcome!r}")
    labels = winners[sensitive_feature].astype(str)
    if group not in set(labels):
        raise InputError(f"no group {group!r} in {sensitive_feature}; it has {listed(sorted(set(labels)))}")
    keep = np.ones(len(labels), bool) if reference is None else labels.isin([group, reference]).to_numpy()
    table, inside = winners[keep], (labels[keep] == group).to_numpy()

    runs = table.groupby([seed, share], sort=True).ngroup().to_numpy()
    keys = table.assign(run=runs).drop_duplicates("run").sort_values("run")
    people, ids = pd.factorize(table[person])
    won = table[winner].to_numpy(bool)
    counts = np.zeros((4, len(keys), len(ids)))  # entrants and winners of the group, then of the others
    for k, chosen in enumerate((inside, inside & won, ~inside, ~inside & won)):
        np.add.at(counts[k], (runs[chosen], people[chosen]), 1)

    contrast = _slope_of_each_seed(keys[share].to_numpy(float), keys[seed].to_numpy())
    n_seeds = len(contrast)
    if n_seeds < 2:
        raise InputError(f"a bootstrap of seeds needs two seeds with two shares each; there are {n_seeds}")
    observed = _outcome(counts.sum(axis=2)[:, None, :], outcome)[0] @ contrast.T
    strata = np.zeros(len(ids), int)
    strata[people[inside]] = 1
    draws = []
    for start in range(0, n_resamples, 200):
        weights = person_weights(strata, min(200, n_resamples - start), rng=rng)
        values = _outcome(np.einsum("krp,bp->kbr", counts, weights, optimize=True), outcome) @ contrast.T
        draws.append(values)
    sample = np.concatenate(draws)
    finite = np.isfinite(sample).all(axis=1)
    value, low, high = crossed_interval(observed, sample, confidence=confidence)
    row = {
        "metric": "dose_slope_people",
        "feature": share,
        "group": group,
        "value": value,
        "n": len(keys),
        "ci_low": low,
        "ci_high": high,
        "p_value": float("nan"),
        "test": "seeds and people, variance components",
        "detail": f"{outcome}; {n_seeds} seeds, {len(ids)} people; "
        f"{int((~finite).sum())} of {n_resamples} draws undefined",
    }
    return pd.DataFrame([row])


def _slope_of_each_seed(dose: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """(seeds, runs) weights that turn the runs' outcomes into each seed's least-squares slope."""
    rows = []
    for one in np.unique(seed):
        mine = seed == one
        x = np.where(mine, dose - dose[mine].mean(), 0.0)
        if x @ x > 0:
            rows.append(x / (x @ x))
    return np.array(rows).reshape(len(rows), len(dose))


def _outcome(counts: np.ndarray, outcome: str) -> np.ndarray:
    """counts (4, draws, runs): entrants and winners of the group, of the others → outcome (draws, runs)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, other = counts[1] / counts[0], counts[3] / counts[2]
        if outcome == "selection_rate_difference":
            return rate - other
        return rate / other if outcome == "selection_rate_ratio" else np.log(rate / other)
