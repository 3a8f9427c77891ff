"""Which training would make the published 37 : 6 : 1 of 44 a likely outcome, and how unsure is that?

    python experiments/published.py [OVERRIDES]

Sweeps conf/experiment/published (training share of the majority × shift of the ratings of all others × seeds, with
entrants as published), then inverts it: the posterior over the swept cells given 37, 6 and 1 winners (a smoothed
likelihood a cell, uniform prior) and approximate Bayesian computation with regression adjustment. Writes
results/published/: cells.csv, marginals.csv, abc.csv.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

import judge
from judge.data.tables import write_table
from judge.fairness.sweeps import abc, grid_posterior

RESULTS = Path(__file__).parents[1] / "results" / "published"
TARGET = {"caucasian": 37, "asian": 6, "african": 1}
PLACES = 44


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
    parser.add_argument("overrides", nargs="*")
    args = parser.parse_args()
    runs = winners(judge.sweep(["experiment=published", *args.overrides]))
    posterior = grid_posterior(runs, settings=["share", "shift"], target=TARGET)
    write_table(runs, RESULTS / "runs")
    write_table(posterior.cells, RESULTS / "cells")
    write_table(posterior.marginals, RESULTS / "marginals")
    write_table(abc(runs, settings=["share", "shift"], target=TARGET), RESULTS / "abc")
    print(posterior.cells.round(3).to_string(index=False))
    print(posterior.marginals.round(3).to_string(index=False))
    print(f"effective cells {posterior.effective_cells:.1f} of {len(posterior.cells)}; {posterior.support}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
