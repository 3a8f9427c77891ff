"""Which training would make the published 37 : 6 : 1 of 44 a likely outcome, and how unsure is that?

    python experiments/published.py [OVERRIDES]

Sweeps conf/experiment/published (training share of the majority × shift of the ratings of all others × seeds, with
entrants as published), then inverts it: how likely each swept cell makes 37, 6 and 1 winners (a smoothed likelihood a
cell), first as ratios to the most likely cell, which no prior enters, then as posteriors under three priors, and
approximate Bayesian computation with regression adjustment. Writes results/published/: cells.csv, priors.csv, abc.csv.

    python experiments/published.py --again     the same from results/published/runs.parquet, without any training
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

import judge
from judge.data.tables import read_table, write_table
from judge.fairness.sweeps import abc, grid_posterior, independent_prior, under_priors

RESULTS = Path(__file__).parents[1] / "results" / "published"
TARGET = {"caucasian": 37, "asian": 6, "african": 1}
PLACES = 44
SETTINGS = ["share", "shift"]
#: Weight of each training share and of each shift (points), by what one believed beforehand. "pool": as the makers
#: said, a pool of mostly one group whose raters were fair. "raters": the reverse, an even pool and unfair raters.
PRIORS = {
    "even": independent_prior([{0.34: 1, 0.75: 1, 0.98: 1}, {0.0: 1, -0.65: 1, -1.3: 1}]),
    "pool": independent_prior([{0.34: 1, 0.75: 2, 0.98: 7}, {0.0: 7, -0.65: 2, -1.3: 1}]),
    "raters": independent_prior([{0.34: 7, 0.75: 2, 0.98: 1}, {0.0: 1, -0.65: 2, -1.3: 7}]),
}


def winners(sweep: judge.Sweep) -> pd.DataFrame:
    """One row a run of the skewed pool: share, shift (points) and the winners of each group."""
    runs = sweep.table[sweep.table["condition"] == "skewed"]
    shift = runs["pool.rating_shift.african"].astype(float).fillna(0.0)
    counts = (runs["winner_share"] * PLACES).round().astype(int)
    wide = runs.assign(shift=shift, winners=counts).pivot(
        index=["share", "shift", "seed"], columns="group", values="winners"
    )
    return wide.fillna(0).astype(int).reset_index()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--again", action="store_true", help="answer from the runs in results/, train nothing"
    )
    parser.add_argument("overrides", nargs="*")
    args = parser.parse_args()
    if args.again:
        runs = read_table(RESULTS / "runs.parquet")
    else:
        runs = winners(judge.sweep(["experiment=published", *args.overrides]))
        write_table(runs, RESULTS / "runs")
    found = grid_posterior(runs, settings=SETTINGS, target=TARGET)
    cells = found.cells.drop(columns=["posterior", "posterior_low", "posterior_high"])
    priors = under_priors(found, PRIORS)
    write_table(cells, RESULTS / "cells")
    write_table(priors, RESULTS / "priors")
    write_table(abc(runs, settings=SETTINGS, target=TARGET), RESULTS / "abc")
    ratios = ["likelihood", "likelihood_ratio", "ratio_low", "ratio_high", "tail"]
    print(cells[[*SETTINGS, "runs", *ratios]].round(4).to_string(index=False))
    print(found.support)
    print(priors.round(3).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
