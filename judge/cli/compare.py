"""judge compare: a sweep as a table, a dose–response and a page."""

from __future__ import annotations

import argparse
from pathlib import Path

EPILOG = """\
examples
  judge compare runs/contest                      every run under a folder
  judge compare runs/a runs/b --out results/ab    two sweeps together
  judge compare runs/a --where steps=400          some of the runs, as judge runs filters them

Writes runs.csv (a row a run, condition and group), dose.csv (slopes, tests, intervals over seeds: ci_low, ci_high; over
seeds and contestants: ci_people_low, ci_people_high), figures and page.html. No intervals from fewer than three seeds.
More than 20 settings share one page, without the intervals for other contestants: --where names those that are wanted.
Runs that failed or were not finished are listed, never silently left out.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUNS", help="folders that hold runs, at any depth"
    )
    parser.add_argument(
        "--where", nargs="+", action="extend", default=[], metavar="CONDITION",
        help="only runs for which all of these hold, as in judge runs",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="where to write (the first folder's compare/)")


def run(args: argparse.Namespace) -> int:
    from judge.experiment.compare import compare

    pages = compare(args.runs, args.out or args.runs[0] / "compare", where=args.where)
    for page in pages:
        print(f"page   {page}")
    return 0
