"""judge score: any folder of pictures, judged by a trained judge."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from judge.cli.tables import make_room, write

if TYPE_CHECKING:
    import pandas as pd

EPILOG = """\
examples
  judge score --judge runs/contest/default --data photos/ --out scores.csv
  judge score --judge runs/contest/default --condition reweight --data people.csv --image-column file

A picture that cannot be read is excluded; it costs the others nothing. With --out scores.csv, the ones excluded
are in scores.excluded.csv, each with its reason. The score is on the scale of
the ratings that the judge learned from: an estimate of raters' opinions, nothing else.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument(
        "--judge", required=True, type=Path, metavar="RUN", help="a run's folder, or one judge's folder"
    )
    parser.add_argument(
        "--condition",
        help="the condition whose judge scores (every judge that was trained in the run)",
    )
    parser.add_argument(
        "--data",
        required=True,
        type=Path,
        help="a folder of pictures, or a CSV/Parquet table with a column of paths",
    )
    parser.add_argument(
        "--image-column", default="path", help="the table's column of paths, relative to it (path)"
    )
    parser.add_argument(
        "--own-judge",
        action="append",
        default=[],
        metavar="MODULE:CLASS",
        help="a judge class of your own that the folder may name: what is not named is not imported",
    )
    parser.add_argument("--out", type=Path, help="scores as CSV or Parquet; printed when left out")


def run(args: argparse.Namespace) -> int:
    import pandas as pd

    from judge.data.spreadsheets import csv_bytes
    from judge.data.to_judge import pictures_to_judge
    from judge.jury.scoring import score_pictures

    if args.out is not None:
        make_room(args.out)
    pictures, aside, notes = pictures_to_judge(args.data, args.image_column)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    scores, broken = score_pictures(args.judge, args.condition, pictures, own=args.own_judge)
    excluded = pd.concat([aside.rename(columns={"item": "image_id"}), broken], ignore_index=True)
    if args.out is None:
        print(csv_bytes(scores).decode("utf-8"), end="")
    else:
        write(scores, args.out)
    _say_what_is_left_out(args.judge, args.condition)
    judged = scores["image_id"].nunique()
    print(
        f"{judged} of {len(pictures) + len(aside)} pictures judged, {len(excluded)} excluded", file=sys.stderr
    )
    for reason, count in excluded["reason"].value_counts().items():
        print(f"  {count}: {reason}", file=sys.stderr)
    if args.out is not None:
        _write_excluded(excluded, args.out)
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


def _write_excluded(excluded: pd.DataFrame, out: Path) -> None:
    from judge.data.spreadsheets import write_csv

    file = out.with_name(out.stem + ".excluded.csv")
    if len(excluded):
        write_csv(excluded, file)
        print(f"excluded, with reasons: {file}", file=sys.stderr)
    else:
        file.unlink(missing_ok=True)  # of an earlier pass: it would speak of pictures that are judged now
