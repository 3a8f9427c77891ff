"""judge runs: which runs there are, in which state, by their settings; the index of a sweep's folders."""

from __future__ import annotations

import argparse
import os.path
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from judge.experiment.run_folder import RunDir

EPILOG = """\
examples
  judge runs runs/dose                                      every run below a folder: state, share, seed, what varied
  judge runs runs/dose --where share=.9 'seed<3'            some of them; a setting by its name or the end of it
  judge runs runs --where state!=finished                   what failed, was killed or is damaged, and why
  judge runs runs/dose --numbers --out numbers.parquet      a row a run, condition and group, as judge compare reads it
  judge runs runs/dose --sql "select share, avg(winner_share) from numbers where \\"group\\" = 'african' group by share"

A folder's name shows data set, share, seed and conditions and hides the rest in a hash: this list says what the rest
is, and judge run leaves it beside the runs as index.csv. What was read is kept in index.parquet in the folder and read
again only where a run has changed.
--sql (DuckDB; pip install 'judge[scale]') may name runs, numbers and the runs' own tables: audit, ranking, scores,
membership, judges, agreement, brackets, unranked, excluded, each with a column folder.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUNS", help="folders that hold runs, at any depth"
    )
    parser.add_argument(
        "--where", nargs="+", action="extend", default=[], metavar="CONDITION",
        help="only runs for which all of these hold: = != < <= > >=; a,b is a or b; null is no value",
    )  # fmt: skip
    parser.add_argument("--columns", nargs="+", metavar="NAME", help="these columns instead of what varied")
    parser.add_argument(
        "--numbers", action="store_true", help="a row a run, condition and group: the finished runs' numbers"
    )
    parser.add_argument("--sql", metavar="QUERY", help="what DuckDB answers to a query over these runs")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the whole table as .csv, .parquet or .json")
    parser.add_argument("--limit", type=int, default=40, metavar="N", help="rows to print, 0: all (40)")


def run(args: argparse.Namespace) -> int:
    from judge.cli import tables
    from judge.errors import InputError
    from judge.experiment.runs import listing

    if args.limit < 0:
        raise InputError(f"--limit is a number of rows from 0 on; given {args.limit}")
    if args.numbers and args.sql:
        raise InputError("--numbers or --sql: a query may name the table numbers")
    if args.out is not None:
        tables.make_room(args.out, (".csv", ".parquet", ".json"))
    everything, finished = listing.list_runs(args.runs)
    runs = listing.chosen(everything, args.where)
    print("\n".join(_heads(runs, len(everything))))
    if args.sql or args.numbers:
        numbers = _numbers(runs, finished) if args.numbers or "numbers" in args.sql else None
        shown = whole = listing.queried(args.sql, runs, numbers) if args.sql else numbers
        if args.numbers:
            shown = whole[[name for name in whole if name not in _LESS]]
    else:
        whole = runs.drop(columns=[name for name in runs if name not in _KEPT and runs[name].isna().all()])
        shown = runs[[*_names(args.columns, runs)] if args.columns else _columns(runs)]
    if args.out is not None:
        tables.write(whole, args.out)
        print(f"wrote  {args.out}: {len(whole):,} rows, {whole.shape[1]} columns")
    elif len(shown):
        print("\n".join(["", *_printed(shown, args.limit)]))
    return 0


#: Columns of the numbers that a terminal is spared.
_LESS = (
    "trained_as", "feature", "majority", "reference", "train_share", "pool_n", "winners", "entrant_share",
    "expected_winner_share", "mean_score", "top_tail_score", "spread", "mae", "calibration_slope", "off_scale",
    "score_low", "score_high", "scale_low", "scale_high", "agreement", "agreement_low", "agreement_high",
)  # fmt: skip
_KEPT = ("folder", "state", "share", "seed", "entrants", "seconds", "finished", "reason")


def _heads(runs: pd.DataFrame, of: int) -> list[str]:
    """How many runs, in which state, and the reasons of those that are not finished, each with its count."""
    from judge.cli.terminal import printable

    states = ", ".join(f"{n:,} {state}" for state, n in runs["state"].value_counts().items())
    chosen = f"{len(runs):,} of {of:,} runs" if len(runs) < of else f"{of:,} runs"
    lines = [f"{chosen}: {states}" if states else chosen]
    others = runs[runs["state"] != "finished"]
    reasons = (
        others.groupby(["state", "reason"], sort=False).size().sort_values(ascending=False, kind="stable")
    )
    lines += [
        f"  {n:>6,} {state}: {printable(reason, 100)}" for (state, reason), n in reasons.head(8).items()
    ]
    if len(reasons) > 8:
        lines.append(f"         and {len(reasons) - 8} other reasons (--where state!=finished)")
    return lines


def _numbers(runs: pd.DataFrame, finished: Mapping[str, RunDir]) -> pd.DataFrame:
    from judge.errors import InputError
    from judge.experiment.compare import run_table

    wanted = [finished[folder] for folder in runs["folder"] if folder in finished]
    if not wanted:
        raise InputError("none of these runs has finished, so there are no numbers")
    return run_table(wanted)[0]


def _columns(runs: pd.DataFrame) -> list[str]:
    from judge.experiment.runs.listing import told_apart, varied

    many = varied(runs)[8:]
    return [name for name in told_apart(runs) if name not in many]


def _names(wanted: Sequence[str], runs: pd.DataFrame) -> list[str]:
    from judge.experiment.runs.listing import column_of

    return [column_of(name, runs, "--columns") for name in wanted]


def _printed(table: pd.DataFrame, limit: int) -> list[str]:
    """The first rows as lines, without control characters, and how many were left out."""
    import pandas as pd

    from judge.cli.terminal import printable

    few = table.head(limit) if limit else table
    if "folder" in few and len(few):
        common = os.path.commonpath([str(Path(folder).parent) for folder in few["folder"]])
        few = few.assign(folder=[os.path.relpath(folder, common) for folder in few["folder"]])
    cells = pd.DataFrame({name: few[name].map(_cell) for name in few})
    text = cells.rename(columns=lambda name: printable(str(name))).to_string(index=False)
    left = len(table) - len(few)
    return [*text.splitlines(), *([f"… and {left:,} more (--limit 0, or --out FILE)"] if left else [])]


def _cell(value: object) -> str:
    import pandas as pd

    from judge.cli.terminal import printable

    if value is None or value is pd.NaT or value != value:
        return "–"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return printable(str(value), 60)
