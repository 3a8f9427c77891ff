"""Does it matter by which rule a cure's setting is chosen? Three rules: two that users have, and one that nobody has.

    python experiments/cures_selection.py [--seeds 10] [--jobs 2] [--skews representation ratings] [OVERRIDES]

Methods with a setting run with three values each (conf/conditions/cures_grid.yaml) under experiment=cures. For each
seed the setting is then chosen by: no group labels (lowest squared error on the pool's validation part), worst
group (lowest squared error of the worst group among people who neither train nor enter, rated by the run's own
raters), oracle (the share of the winners nearest to the truth's, which nobody knows). What a rule costs is the
distance to the oracle's. Trainings of a fixed number of epochs, or in closed form, stop by the same rule
everywhere, so nothing but the setting is chosen. Writes results/cures/selection_runs (a row a run and setting) and
selection (a row a skew, method and rule: share of the winners, distance from the truth's, which settings were
chosen; paired against the oracle).
"""

from __future__ import annotations

import argparse
import sys

import pandas as pd
from cures import BAR, GROUP, RESULTS, SKEWS, UNCURED, finished, rows_of, sweep

from judge.data.tables import write_table
from judge.fairness.sweeps import compare_cures, selected
from judge.fairness.sweeps.cures import RULES


def with_methods(runs: pd.DataFrame) -> pd.DataFrame:
    """method and setting of each condition METHOD-NUMBER; others are a method of one setting."""
    parts = runs["condition"].str.extract(r"^(?P<method>.*?)(?:-(?P<setting>\d))?$")
    return runs.assign(method=parts["method"], setting=parts["setting"].fillna("1").astype(int))


def by_rule(runs: pd.DataFrame) -> pd.DataFrame:
    """compare_cures of the settings that each rule chooses, in each skew, for methods that have more than one."""
    found = []
    for skew, part in runs.groupby("skew", sort=False):
        for rule in RULES:
            chosen = selected(part, rule)
            table = compare_cures(chosen, baseline=UNCURED, bar=BAR).assign(skew=skew, rule=rule)
            told = chosen.groupby("condition")["setting"].agg(counted)
            found.append(table.assign(chosen=table["condition"].map(told)))
    table = pd.concat(found, ignore_index=True)
    several = runs.groupby("method")["setting"].nunique()
    return table[table["condition"].isin([*several.index[several > 1], UNCURED, BAR])]


def counted(settings: pd.Series) -> str:
    """How many seeds chose each setting: 1 × 3, 2 × 7."""
    return ", ".join(f"{name} × {n}" for name, n in settings.value_counts().sort_index().items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skews", nargs="+", choices=SKEWS, default=["representation", "ratings"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("overrides", nargs="*", help="settings, such as pool.n=300")
    told = parser.parse_args()
    runs = []
    for skew in told.skews:
        words = ["conditions=cures_grid", "audit.probe=false", *told.overrides]
        sweep("embedding_depths", skew, told.seeds, told.jobs, words, folder="grid")
        runs += [rows_of(folder, skew) for folder in finished("grid", skew)]
    table = with_methods(pd.concat(runs, ignore_index=True))
    write_table(table.round(5), RESULTS / "selection_runs")
    found = by_rule(table)
    write_table(found.round(5), RESULTS / "selection")
    shown = [
        "skew",
        "rule",
        "condition",
        "share",
        "truth_share",
        "distance",
        "truth_lost",
        "worst_pearson",
        "chosen",
    ]
    print(f"share of the winners who are {GROUP}")
    print(found[shown].round(3).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
