"""Dose–response over a sweep: how an outcome changes with the training share. The training run is the unit.

The answer of `dose_response` is an AUDIT table (feature = the name of the share column, group = the condition) with
two more columns: `dose`, the share a row is about, else NaN; `detail`, in words.

    dose_mean               mean outcome at each share, interval over the runs there (`mean_interval`: within `bounds`)
    dose_slope              change of the outcome for a unit of share (from 0 to 1): mean of the seeds' own
                            slopes, t interval over seeds; p: permutation of the shares within each seed
    dose_slope_mixed        the same by a linear mixed model with seeds as groups (`mixed_slope`)
    dose_slope_bootstrap    the same, interval from a bootstrap of seeds; p: sign flips of the seeds' slopes
    dose_crossing           the share at which the fitted line crosses `threshold`, Fieller interval, may be
                            unbounded; where all doses are shares, no number outside 0 to 1
    dose_runs_excluded      number of runs without a finite outcome

and, for each condition but the baseline (group = "condition - baseline"), at equal seed and share:

    dose_mean_difference    p: sign flips of whole seeds
    dose_slope_difference   p: permutation within seed

Seeds share pictures, initial weights and often entrants, so runs of one seed are not independent: every
interval takes seeds, not runs, as replicates. The permutation tests that *no* seed has a slope; where seeds differ
in slope it says "some have one", and the interval or the sign flips (at least 2^(1 − seeds)) speak for the mean;
`detail` says how small a p the seeds can reach at all. With fewer than three seeds there is no interval, only p-values
of permutations; nor where nothing scatters. All of it is about the contestants who were there: `sweeps.contestants`
has the intervals for others like them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.fairness.inference.settings import Inference
from judge.fairness.sweeps.dose_rows import condition_rows, difference_rows

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


def dose_response(
    runs: pd.DataFrame,
    *,
    share: str = "share",
    seed: str = "seed",
    condition: str = "condition",
    outcome: str = "outcome",
    baseline: str | None = None,
    threshold: float = 0.8,
    scale: str = "identity",
    bounds: tuple[float, float] | None = None,
    step: float = 0.0,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    n_permutations: int = 9_999,
    mixed: bool = True,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Slope, trend test, crossing and differences between the conditions of a sweep.

    Parameters
    ----------
    runs : DataFrame
        One row a training run.
    share, seed, condition, outcome : str
        Its columns: the dose (finite numbers), the replicate, the name of the condition, the number to explain.
    baseline : str, optional
        The condition that is subtracted from each of the others. None: the first category of a categorical column,
        else the first that occurs.
    threshold : float
        Outcome whose dose is sought (0.8: the four-fifths rule, for a selection-rate ratio).
    scale : {"identity", "log"}
        "log": slopes and crossing on the natural log of a positive outcome (means are then geometric).
    bounds : (low, high), optional
        Range of the outcome, (0, 1) of a share and (0, inf) of a ratio: means and their differences keep within it.
    step : float
        Smallest change of the outcome in one run, 1 / winners of a share of winners; see `mean_interval`.
    confidence : float
        Of every interval, from 0.5 to below 1.
    n_resamples : int
        Bootstrap samples of the seeds.
    n_permutations : int
        Permutations where the exact distribution is too long to enumerate.
    mixed : bool
        Whether the mixed model is fitted, which takes most of the time of a small sweep.
    rng : numpy.random.Generator or int
        The conditions draw from it in the order of their names, so that the order of the rows changes no draw.

    Returns
    -------
    DataFrame
        AUDIT rows with the columns `dose` and `detail`; the metrics are listed at the head of
        `judge.fairness.sweeps.dose`.

    Raises
    ------
    InputError
        For a missing column, shares that are not finite numbers, a repeated (condition, seed, share), a zero or
        negative outcome on the log scale, an unknown baseline.

    References
    ----------
    Crossing: Fieller (1954), J. R. Stat. Soc. B 16:175. Mixed model: Laird & Ware (1982), Biometrics 38:963.

    Examples
    --------
    Two seeds, 0.2 apart; the outcome falls by 0.5 from share 0 to 1 in the first condition and not in the second:

    >>> runs = pd.DataFrame(
    ...     [(c, seed, share, 1 + 0.2 * seed - slope * share)
    ...      for c, slope in (("first", 0.5), ("second", 0.0)) for seed in (0, 1) for share in (0.0, 1.0)],
    ...     columns=["condition", "seed", "share", "outcome"])
    >>> table = dose_response(runs).set_index(["metric", "group"])["value"].round(6)
    >>> float(table["dose_slope", "first"]), float(table["dose_slope_difference", "second - first"])
    (-0.5, 0.5)
    """
    how = Inference(confidence, n_resamples, n_permutations, rng)
    rng = how.generator()
    names = _conditions(runs, condition)
    table, exclusions = _checked(runs, share, seed, condition, outcome, scale)
    rows: list[dict[str, Any]] = []
    for name, part in table.groupby("condition", sort=True):
        found = condition_rows(
            part,
            threshold=threshold,
            scale=scale,
            bounds=bounds,
            step=step,
            how=how,
            rng=rng,
            mixed=mixed,
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
    if baseline is not None and baseline not in names:
        raise InputError(f"baseline={baseline!r} is not a condition of the runs; they have {listed(names)}")
    base = baseline or names[0]
    for name in sorted(table["condition"].unique()):
        if name != base:
            rows += difference_rows(table, name, base, bounds=bounds, how=how, rng=rng)
    return pd.DataFrame([{"feature": share, **row} for row in rows]).reindex(columns=list(COLUMNS))


def _conditions(runs: pd.DataFrame, column: str) -> list[str]:
    """The conditions of the runs in the order of the categories, else of their first rows."""
    if column not in runs:
        return []  # the check that follows names every column that is missing
    present = runs[column].dropna()
    if isinstance(present.dtype, pd.CategoricalDtype):
        present = present.cat.remove_unused_categories().cat.categories
    return list(dict.fromkeys(str(name) for name in present))


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
