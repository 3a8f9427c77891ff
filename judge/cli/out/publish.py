"""judge publish: a run or a data set as a folder that can be given away, checked by the formats' own validators."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from judge.errors import InputError

if TYPE_CHECKING:
    from judge.publication.validation import Verdict

EPILOG = """\
examples
  judge publish runs/contest/default --out published --author 'A. Author' --author 'B. Author'
  judge data parametric --n 2000 --out people
  judge publish people --out published --licence CC-BY-4.0

WHAT is a run's folder, a folder of judge data parametric, twins, generated or NAME --out DIR, or a table of people.
DIR gets data/*.parquet, pictures-….zip, judges/NAME (weights as safetensors and a model card with errors and winners by
group), README.md (the data set card of data hubs), croissant.json (Croissant with its fields of responsible AI),
ro-crate-metadata.json (RO-Crate), CITATION.cff, settings.json and SHA256SUMS. All of it is then read by the formats'
own validators; what they say is printed, and an error ends the command with 1.
No photograph of anybody who exists is published, nor its path, its file's name or a column that is not known to be
harmless: ids are replaced by numbers. People who do not exist are published with their pictures, under CC0-1.0 unless
--licence says otherwise; of people who exist no licence is granted unless you name one.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add(
        "what",
        type=Path,
        metavar="RUN|DATASET",
        help="folder of a finished run or a data set, or a table of people",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    add(
        "--author",
        action="append",
        default=[],
        metavar="NAME",
        help="who publishes; may be repeated (anonymous)",
    )
    add(
        "--licence", metavar="SPDX", help="such as CC0-1.0 or CC-BY-4.0 (of people who do not exist: CC0-1.0)"
    )
    add("--date", metavar="YYYY-MM-DD", help="of the publication (today)")
    add(
        "--judges-of-real-people",
        action="store_true",
        help="also judges that learnt from photographs: who was in their training can be told from their scores",
    )


def run(args: argparse.Namespace) -> int:
    from judge.publication import publish
    from judge.publication.validation import validate

    material = publish(
        args.what,
        args.out,
        authors=args.author,
        licence=args.licence,
        published=_date(args.date),
        judges_of_real_people=args.judges_of_real_people,
    )
    rows = sum(map(len, material.tables.values()))
    print(
        f"{material.title}: {len(material.tables)} tables, {rows:,} rows, {len(material.pictures):,} pictures, ",
        end="",
    )
    print(f"{len(material.judges)} judges")
    if material.left_out:
        print("not published")
        print("\n".join(f"  - {one}" for one in material.left_out))
    verdicts = validate(args.out)
    print("validators")
    print("\n".join(line for verdict in verdicts for line in _said(verdict)))
    if not args.author:
        print("author: anonymous (--author NAME)")
    print(f"folder  {args.out}")
    return int(any(verdict.errors for verdict in verdicts))


def _said(verdict: Verdict) -> list[str]:
    counts = f"{len(verdict.errors)} errors, {len(verdict.warnings)} warnings"
    told = [
        *(f"    error: {one}" for one in verdict.errors),
        *(f"    warning: {one}" for one in verdict.warnings),
    ]
    return [f"  {verdict.what:24s} {counts}  ({verdict.by})", *told]


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"--date {text}: a date such as 2026-12-31") from None
