"""Do the fairness module's p-values, intervals, odds and powers keep their word? By simulation, with known truth.

    python experiments/fairness_calibration.py [--contests 2000] [--out results] [--only NAME …]

writes OUT/fairness_calibration.csv and .md: a row a check. How a row is judged:

false alarm   share of p ≤ .05 where nothing is to be found. At most 6 %; a test that is exact in its model at most 5 %
              beyond Monte-Carlo error: it fails if so many alarms have probability < 1 % for a true rate of 5 %.
              Where the null distribution can be enumerated the size is computed, without simulation.
coverage      share of 95 % intervals that hold the truth: 93–97 %. More is called conservative (discrete counts
              of rare groups have no choice between too much and too little); less fails.
bias          of estimates of planted favouring odds ω (of ω, not of log ω, which Jensen's inequality pulls down): the
              truth lies within 2.6 standard errors (99 %).
beside        what is not the default, or outside the model of an interval: told, not judged.
power         computed minus simulated: within 2 points.

One core, under ten minutes with 2,000 contests. The seed is fixed: a second run gives the same table.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from calibration_checks.causes import causes, twins
from calibration_checks.exact import families, lots, reported_power
from calibration_checks.scores import score_metrics, skin
from calibration_checks.seeds_people import over_seeds, seeds_people
from calibration_checks.selection import exposure_rows, four_fifths_rows, homogeneity_rows, selection_rows
from calibration_checks.small_groups import small_outranking, small_scores
from calibration_checks.sweeps import dose, inverse
from calibration_checks.table import Table
from calibration_checks.winners import odds_and_power, selection_intervals, winners_tests

PARTS: dict[str, Callable[[Table, int, np.random.Generator], None]] = {
    "winners_tests": winners_tests,
    "selection_intervals": selection_intervals,
    "odds_and_power": odds_and_power,
    "selection_rows": selection_rows,
    "homogeneity_rows": homogeneity_rows,
    "four_fifths_rows": four_fifths_rows,
    "exposure_rows": exposure_rows,
    "lots": lots,
    "families": families,
    "reported_power": reported_power,
    "score_metrics": score_metrics,
    "small_scores": small_scores,
    "small_outranking": small_outranking,
    "skin": skin,
    "causes": causes,
    "twins": twins,
    "dose": dose,
    "inverse": inverse,
    "over_seeds": over_seeds,
    "seeds_people": seeds_people,
}


def calibrate(
    contests: int, only: list[str] | None = None, *, report: Callable[[str], None] = print
) -> pd.DataFrame:
    """The table of checks; `contests` simulated contests for the cheap ones, a stated part of it for others."""
    table = Table()
    for i, (name, part) in enumerate(PARTS.items()):
        if only and name not in only:
            continue
        start = time.process_time()
        table.part = name
        done = len(table.rows)
        part(table, contests, np.random.default_rng([2016, i]))
        failed = [row["check"] for row in table.rows[done:] if row["verdict"] == "NO"]
        seconds = time.process_time() - start
        report(f"{name}: {len(table.rows) - done} checks, {len(failed)} out of range, {seconds:.0f} s of CPU")
        for check in failed:
            report(f"  out of range: {check}")
    return pd.DataFrame(table.rows).assign(contests=contests)


def markdown(table: pd.DataFrame) -> str:
    counts = table["verdict"].value_counts()
    lines = [
        "# Calibration of the fairness module",
        "",
        f"`python experiments/fairness_calibration.py --contests {table['contests'].max()}`",
        "",
        " · ".join(f"{verdict}: {n}" for verdict, n in counts.items()) + ". Rules: docstring of the script.",
        "",
        "| part | check | kind | value | trials | allowed | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table.drop(columns="contests").itertuples(index=False):
        lines.append("| " + " | ".join(str(value) for value in row) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--contests", type=int, default=2000, help="simulated contests (default 2000; at least 40)"
    )
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the two tables")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=list(PARTS),
        help="run these parts again; other rows of the table in OUT stay",
    )
    args = parser.parse_args()
    if args.contests < 40:
        parser.error(f"--contests is at least 40, not {args.contests}")
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "fairness_calibration.csv"
    table = pd.read_csv(path) if args.only and path.is_file() else pd.DataFrame({"part": []})
    for name in args.only or PARTS:
        # each part has a random stream of its own: parts put together are the table of a whole run
        new = calibrate(args.contests, [name])
        table = pd.concat([table[table["part"] != name], new]) if len(table) else new
        table = table.sort_values("part", key=lambda names: names.map(list(PARTS).index), kind="stable")
        table.to_csv(path, index=False)
        path.with_suffix(".md").write_text(markdown(table), encoding="utf-8")
    print(f"{path.with_suffix('.md')}: {len(table)} checks")


if __name__ == "__main__":
    main()
