"""judge compare: a sweep as a table, a dose–response and a page."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

EPILOG = """\
examples
  judge compare runs/contest                      every run under a folder
  judge compare runs/a runs/b --out results/ab    two sweeps together
  judge compare runs/a --where steps=400          some of the runs, as judge runs filters them
  judge compare runs/demo --group african         what each single change does to one group's share of the winners

Writes runs.csv (a row a run, condition and group), dose.csv (slopes, tests, intervals over seeds: ci_low, ci_high; over
seeds and contestants: ci_people_low, ci_people_high), figures and page.html. No intervals from fewer than three seeds.
More than 20 settings share one page, without the intervals for other contestants: --where names those that are wanted.
With --group a page of single changes instead, with arms.csv and changes.csv: each setting against the one with nothing
planted, each condition against the baseline, of up to 12 settings.
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
    parser.add_argument(
        "--group",
        help="whose share of the winners each single change is to be held against, on one page of all settings",
    )
    parser.add_argument(
        "--beside",
        type=Path,
        metavar="RUN",
        help="with --group: a run that the page shows, too, in none of its numbers",
    )
    parser.add_argument(
        "--show-faces", action="store_true", help="with --group: real people's photographs, too"
    )
    parser.add_argument("--out", type=Path, help="where to write (the first folder's compare/)")


def run(args: argparse.Namespace) -> int:
    from judge.errors import InputError
    from judge.experiment.compare import compare
    from judge.experiment.runs.changes import compare_changes

    out = args.out or args.runs[0] / "compare"
    if args.group is None and (args.beside or args.show_faces):
        raise InputError(
            f"{'--beside' if args.beside else '--show-faces'} is of the page that --group GROUP asks for"
        )
    if args.group is None:
        pages = compare(args.runs, out, where=args.where)
    else:
        page, said = compare_changes(
            args.runs,
            out,
            group=args.group,
            where=args.where,
            beside=args.beside,
            show_faces=args.show_faces,
        )
        for sentence in said:
            print("\n" + textwrap.fill(sentence.replace("`", ""), 100, break_on_hyphens=False))
        print()
        pages = [page]
    for page in pages:
        print(f"page   {page}")
    return 0
