"""judge score: any folder of pictures, judged by a trained judge."""

from __future__ import annotations

import argparse
from pathlib import Path

EPILOG = """\
examples
  judge score --judge runs/contest/default --data photos/ --out scores.csv
  judge score --judge runs/contest/default/judges/rebalanced --data people.csv --image-column file

A picture that cannot be read is set aside and reported; it costs the others nothing. The score is on the scale of
the ratings that the judge learned from: an estimate of raters' opinions, nothing else.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument(
        "--judge", required=True, type=Path, metavar="RUN", help="a run's folder, or one judge's folder"
    )
    parser.add_argument(
        "--condition",
        choices=("skewed", "rebalanced", "both"),
        default="both",
        help="which judges of a run (both)",
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
    parser.add_argument("--out", type=Path, help="scores as CSV or Parquet; printed when left out")


def run(args: argparse.Namespace) -> int:
    from judge.scoring import score_pictures, to_score

    pictures = to_score(args.data, args.image_column)
    scores, rejected = score_pictures(args.judge, args.condition, pictures)
    if args.out is None:
        print(scores.to_csv(index=False), end="")
    elif args.out.suffix == ".parquet":
        scores.to_parquet(args.out, index=False)
    else:
        scores.to_csv(args.out, index=False)
    judged = scores["image_id"].nunique()
    import sys

    print(f"{judged} of {len(pictures)} pictures judged, {len(rejected)} set aside", file=sys.stderr)
    for reason, count in rejected["reason"].value_counts().items():
        print(f"  {count}: {reason}", file=sys.stderr)
    return 0 if judged else 2
