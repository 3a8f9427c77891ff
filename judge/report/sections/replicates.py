"""What the runs of a sweep are replicates of: how many, what so few cannot show, for whom the result holds."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from judge.fairness.sweeps.contestants import REDRAWN, SAME
from judge.fairness.sweeps.dose_models import smallest_trend_p
from judge.fairness.sweeps.over_seeds import FEWEST_SEEDS
from judge.report.wording import as_group, counted, joined, named, p_text


def counted_runs(runs: pd.DataFrame, factors: Sequence[str] = ()) -> int:
    """Runs of a table with a row a run, condition and group: a run is one seed at one training share and setting."""
    return len(each_run(runs, factors))


def each_run(runs: pd.DataFrame, factors: Sequence[str] = ()) -> pd.DataFrame:
    """The first row of each run."""
    return runs.drop_duplicates([c for c in (*factors, "folder", "share", "seed") if c in runs])


def replicate_notes(
    runs: pd.DataFrame, dose: pd.DataFrame, conditions: Sequence[str], factors: Sequence[str] = ()
) -> list[str]:
    """Sentences for the beginning of a sweep's page."""
    seeds, doses = runs["seed"].nunique(), runs["share"].nunique()
    of = joined([counted(seeds, "seed"), *([counted(doses, "training share")] if doses else [])])
    notes = [
        f"{counted(counted_runs(runs, factors), 'run')} ({of}). Within a run "
        f"{joined([named(name) for name in conditions])} have pools of the same size and judge the same contestants. "
        "The unit of replication is the seed.",
        *_chance(runs, factors),
    ]
    if how := _contestants(dose, seeds):
        notes.append(how)
    return notes


def majority_missing(runs: pd.DataFrame, majority: str) -> str:
    """A sentence where the group whose training share is varied is not among those who entered, else nothing."""
    groups = sorted(as_group(runs["group"]).unique())
    if majority in groups or majority == "the majority":
        return ""
    return (
        f"Nobody of the group {majority}, whose share of the training pool is varied, is among the entrants; they are "
        f"{joined(groups)}. So this page says who else wins, and nothing of {majority} winners."
    )


def _chance(runs: pd.DataFrame, factors: Sequence[str]) -> list[str]:
    seeds = runs["seed"].nunique()
    if seeds < 2:
        return ["There is one seed only, so nothing can be said about chance."]
    p, told = 2.0 ** (1 - seeds), []
    if seeds < FEWEST_SEEDS:
        told.append(
            f"From {seeds} seeds no interval is given ({FEWEST_SEEDS} are needed): figures show dots and means only."
        )
    reach = f"the smallest p that {seeds} seeds can reach is {p_text(p)}"
    told.append(
        f"Differences between conditions are tested by sign flips of whole seeds: {reach}"
        + (", so that none can fall below .05." if p > 0.05 else ".")
    )
    trend = _smallest_trend(runs, factors)
    if trend > 0.001:
        told.append(f"Trends are tested by shuffling each seed’s shares: there it is {p_text(trend)}.")
    return told


def _smallest_trend(runs: pd.DataFrame, factors: Sequence[str]) -> float:
    """Of all settings of the page, the smallest p that the worst placed can reach; 0 without a dose."""
    dosed = each_run(runs, factors)
    dosed = dosed[dosed["share"].notna()]
    parts = [part for _, part in dosed.groupby(list(factors), dropna=False)] if factors else [dosed]
    swept = [part for part in parts if part["share"].nunique() > 1]
    return max((smallest_trend_p(part["share"], part["seed"]) for part in swept), default=0.0)


def _contestants(dose: pd.DataFrame, seeds: int) -> str:
    how = dose["contestants"].dropna() if "contestants" in dose else pd.Series(dtype=object)
    if how.empty:
        return ""
    if how.iloc[0] == REDRAWN:
        return (
            "Each seed drew contestants of its own, so that the scatter between seeds holds both: other trainings and "
            "other contestants."
        )
    shared = (
        "All seeds judged the same contestants" if how.iloc[0] == SAME else "The seeds share some contestants"
    )
    if seeds < FEWEST_SEEDS:
        return f"{shared}: what is found holds for these contestants, and p-values speak of other trainings only."
    return (
        f"{shared}. The interval “for these contestants” and all p-values speak of other trainings only; the interval "
        "“for others, too” counts the contestants as a sample (seeds and people crossed)."
    )
