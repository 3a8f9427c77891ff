"""judge score: any folder of pictures, judged by a trained judge; at once, or in pieces by many workers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from judge.cli.tables import beside, make_room, write
from judge.errors import InputError, listed
from judge.storage.stores import is_url, place, remove_place

if TYPE_CHECKING:
    import pandas as pd


EPILOG = """\
examples
  judge score --judge runs/contest/default --data photos/ --out scores.csv
  judge score --judge runs/contest/default --condition reweight --data people.csv --image-column file
  judge score --judge runs/contest/default --data s3://bucket/photos --out s3://bucket/scores.parquet

A picture that cannot be read is excluded; it costs the others nothing. With --out scores.csv, the ones excluded
are in scores.excluded.csv, each with its reason. The score is on the scale of
the ratings that the judge learned from: an estimate of raters' opinions, nothing else.

in pieces: what is killed loses the pieces that it was at, and the same command again does what is missing
  judge score --judge RUN --data photos/ --pieces parts/ --out scores.parquet               one process
  judge score --judge RUN --data photos/ --pieces parts/ --shard 3/64                       one of 64, anywhere
  judge score --judge RUN --data photos/ --pieces parts/ --engine ray --out scores.parquet  all of a Ray cluster
  judge score merge parts/ --out scores.parquet                                             of any of these

a Slurm array, and the table when all of it is done
  job=$(sbatch --parsable --array=1-64 --cpus-per-task=4 \\
      --wrap 'judge score --judge RUN --data photos/ --pieces parts/ --shard $SLURM_ARRAY_TASK_ID/64')
  sbatch --dependency=afterok:$job --wrap 'judge score merge parts/ --out scores.parquet'

Which picture is in which piece follows from the list alone, and the table is that of one process to the last bit where
machines compute alike. A folder of pieces belongs to one list and to the same judges: others are refused. With
--engine ray, RAY_ADDRESS names a cluster (else one is started here); all its machines have to see pictures, judges and
pieces under the same names. s3://, gs://, … are read and written by fsspec (pip install 'judge[s3]'); keys and
endpoints are those of the store's client, such as AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL.
"""

MERGE_EPILOG = """\
examples
  judge score merge parts/ --out scores.parquet
  judge score merge s3://bucket/parts --out s3://bucket/scores.csv

Writes the table only where every piece is there and whole, all are of the same list and the same judges, and each judge
has said one thing of each picture; else it names what is missing, and the shards to start again.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("--judge", type=place, metavar="RUN", help="a run's folder, or one judge's folder")
    add("--condition", help="the condition whose judge scores (every judge that was trained in the run)")
    add(
        "--data",
        type=place,
        help="a folder of pictures, or a CSV/Parquet table with a column of paths; here, or in a store (s3://…)",
    )
    add("--image-column", default="path", help="the table's column of paths, relative to it (path)")
    add(
        "--own-judge",
        action="append",
        default=[],
        metavar="MODULE:CLASS",
        help="a judge class of your own that the folder may name: what is not named is not imported",
    )
    add("--out", type=place, help="scores as CSV or Parquet, here or in a store; printed when left out")
    add("--pieces", type=place, metavar="DIR", help="work in pieces, each a file there (below)")
    add("--shard", metavar="K/N", help="only the K-th of N parts of the pieces, counted from 1")
    add("--engine", default="process", choices=("process", "ray"), help="who does the pieces (process)")
    add("--workers", type=int, metavar="N", help="actors of Ray (as many as it has CPUs for)")
    add("--worker-cpus", type=int, default=1, metavar="N", help="of each actor (1)")
    add("--worker-gpus", type=float, default=0, metavar="X", help="of each actor (0)")
    parts = parser.add_subparsers(dest="part", metavar="[merge DIR]", title="pieces together")
    merge = parts.add_parser(
        "merge",
        help="the table of all pieces",
        description="The table of a folder of pieces, as one process would have written it.",
        epilog=MERGE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    merge.add_argument("folder", type=place, metavar="DIR", help="what --pieces named")
    # no default: it would take the place of an --out before the word merge
    merge.add_argument(
        "--out",
        type=place,
        default=argparse.SUPPRESS,
        help="scores as CSV or Parquet, here or in a store; printed when left out",
    )


def run(args: argparse.Namespace) -> int:
    if args.part == "merge":
        given = [name for name in ("judge", "data", "pieces", "shard", "condition") if getattr(args, name)]
        if given:
            raise InputError(
                f"merge takes a folder of pieces and --out, not {listed(f'--{x}' for x in given)}"
            )
        if args.out is not None:
            make_room(args.out)
        return _merge(args.folder, args.out)
    _check(args)
    return _whole(args) if args.pieces is None else _in_pieces(args)


def _check(args: argparse.Namespace) -> None:
    """Refuses before any work what does not go together."""
    missing = [name for name, given in (("--judge RUN", args.judge), ("--data", args.data)) if given is None]
    if missing:
        raise InputError(f"needed as well: {', '.join(missing)}")
    if is_url(args.judge):
        raise InputError(f"--judge {args.judge}: a folder of this machine is needed; copy it here")
    if args.pieces is None:
        for name, given in (("--shard", args.shard), ("--engine ray", args.engine == "ray")):
            if given:
                raise InputError(f"{name} needs --pieces DIR, the folder in which the work comes together")
    elif args.pieces == args.out:
        raise InputError("--pieces is a folder and --out a file: they need two names")
    if args.shard is not None and args.engine == "ray":
        raise InputError(
            "--shard is for workers that know nothing of each other; --engine ray divides by itself"
        )
    if args.shard is not None and args.out is not None:
        raise InputError("--out: a shard is no whole table; when all are done, judge score merge DIR --out …")
    if args.engine != "ray" and (args.workers is not None or args.worker_cpus != 1 or args.worker_gpus):
        raise InputError("--workers, --worker-cpus and --worker-gpus are of --engine ray")


def _whole(args: argparse.Namespace) -> int:
    """In this process, at once."""
    import pandas as pd

    from judge.data.to_judge import pictures_to_judge
    from judge.jury.scoring import score_pictures

    if args.out is not None:
        make_room(args.out)
    pictures, aside, notes = pictures_to_judge(args.data, args.image_column)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    scores, broken = score_pictures(args.judge, args.condition, pictures, own=args.own_judge)
    excluded = pd.concat([aside.rename(columns={"item": "image_id"}), broken], ignore_index=True)
    _say_what_is_left_out(args.judge, args.condition)
    return _written(scores, excluded, len(pictures) + len(aside), args.out)


def _in_pieces(args: argparse.Namespace) -> int:
    """This worker's pieces, or all of them; and the table where --out asks for it."""
    from judge.jury.scoring.plan import Shard

    shard = None if args.shard is None else Shard.parsed(args.shard)
    if args.engine == "ray":
        from judge.jury.scoring.on_ray import Actors, check_ray

        actors = Actors(args.workers, args.worker_cpus, args.worker_gpus)
        check_ray()
    if args.out is not None:
        make_room(args.out)
    from judge.cli.progress import bar
    from judge.data.to_judge import pictures_to_judge
    from judge.jury.scoring.work import Task, begin, do_missing

    pictures, aside, notes = pictures_to_judge(args.data, args.image_column)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    task = Task(args.judge, args.condition, tuple(args.own_judge), args.pieces)
    there = begin(task, pictures, aside)
    step, end = bar(len(there.plan.of_shard(shard)), unit="piece")
    try:
        if args.engine == "ray":
            from judge.jury.scoring.on_ray import do_missing_on_ray

            done = do_missing_on_ray(task, there, actors, progress=step)
        else:
            done = do_missing(task, there, shard, progress=step)
    finally:
        end()
    whose = "" if shard is None else f"shard {shard}: "
    print(
        f"{whose}{done.asked} of {done.pieces} pieces of {there.plan.size} pictures, {done.before} of them done before",
        file=sys.stderr,
    )
    _say_what_is_left_out(args.judge, args.condition)
    if args.out is None:
        print(f"the table, when all are done: judge score merge {args.pieces} --out …", file=sys.stderr)
        return 0
    return _merge(args.pieces, args.out)


def _merge(pieces: str | Path, out: str | Path | None) -> int:
    from judge.jury.scoring.merging import merge

    merged = merge(pieces)
    for note in merged.notes:
        print(f"note: {note}", file=sys.stderr)
    return _written(merged.scores, merged.excluded, merged.n, out)


def _written(scores: pd.DataFrame, excluded: pd.DataFrame, n: int, out: str | Path | None) -> int:
    """The tables where they belong, and what was judged in a sentence; 2 where nothing was."""
    from judge.data.spreadsheets import csv_bytes

    if out is None:
        print(csv_bytes(scores).decode("utf-8"), end="")
    else:
        write(scores, out)
    judged = scores["image_id"].nunique()
    print(f"{judged} of {n} pictures judged, {len(excluded)} excluded", file=sys.stderr)
    for reason, count in excluded["reason"].value_counts().items():
        print(f"  {count}: {reason}", file=sys.stderr)
    if out is not None:
        _write_excluded(excluded, out)
    return 0 if judged else 2


def _say_what_is_left_out(run: Path, condition: str | None) -> None:
    """A condition's scores method belongs to its contest: it is not applied to pictures outside it."""
    file = run / "settings.yaml"
    if not file.is_file():
        return
    conditions = yaml.safe_load(file.read_text(encoding="utf-8")).get("conditions", {})
    left = [name for name, own in conditions.items() if own.get("scores") and condition in (None, name)]
    if left:
        print(
            f"scores are those of the judges; what {', '.join(left)} makes of them in the contest is not applied",
            file=sys.stderr,
        )


def _write_excluded(excluded: pd.DataFrame, out: str | Path) -> None:
    file = beside(out, ".excluded.csv")
    if len(excluded):
        write(excluded, file)
        print(f"excluded, with reasons: {file}", file=sys.stderr)
    else:
        remove_place(file)  # of an earlier pass: it would speak of pictures that are judged now
