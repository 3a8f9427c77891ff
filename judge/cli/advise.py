"""judge advise: a run or a table → for which skews there is evidence, and which cures a comparison supports."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from judge.errors import InputError
from judge.storage import make_writable

if TYPE_CHECKING:
    import pandas as pd

    from judge.fairness.advice import Advice

EPILOG = """\
examples
  judge advise runs/contest/default                        everything that the run's folder, pictures and data set tell
  judge advise runs/contest/default --condition rebalanced --out advice
  judge advise entrants.csv --feature ethnicity --score score --rating rating --training pool.csv
  judge advise entrants.csv --feature ethnicity --training-counts white=900,black=20 --ratings ratings.csv \\
      --rater-group rater_ethnicity

Five skews are looked for, each by numbers of its own:
  representation  training pictures by group against the entrants: --training or --training-counts
  ratings         raters of other groups against a group's own: --ratings with --rater-group
  camera          change of exposure and contrast from training to contest, against the other groups': --training, and
                  in both tables --exposure, --contrast or the files of --path
  reading         spread and slope of scores on ratings by group: --score, --rating
  reference       people whom entrants are compared with: --reference-counts
A run brings all of these itself, as far as they are known. What is not given is said not to be known.

Evidence is clear where Holm's adjusted p over all tests of the call is at most .01 (at 95 %) and the effect is large
enough to matter; weak where it is at most .05; none otherwise, which proves nothing absent. Cures are named only for
what was found, from the packaged comparison on rendered people (or --cures FILE), with what each needs and costs.
--ratings is a table of single ratings: image_id, rater_id, rating. Groups are looked up by --id in the other
tables, unless it has the column of --feature itself.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("what", metavar="RUN|TABLE", help="folder of a finished run, or CSV or Parquet of entrants")
    add("--condition", metavar="NAME", help="of a run (its baseline)")
    add(
        "--no-pictures",
        action="store_true",
        help="of a run: open no pictures, so that camera is not looked at",
    )
    add("--feature", metavar="COLUMN", help="of a table: the groups")
    add("--score", metavar="COLUMN", help="the judge's score")
    add("--rating", metavar="COLUMN", help="mean rating by people")
    add("--training", type=Path, metavar="TABLE", help="training pictures, with the column of --feature")
    add("--training-counts", metavar="G=N,…", help="instead: training pictures by group")
    add("--reference-counts", metavar="G=N,…", help="reference set of a robot, by group")
    add("--ratings", type=Path, metavar="TABLE", help="single ratings: image_id, rater_id, rating")
    add(
        "--rater-group",
        metavar="COLUMN",
        help="of --ratings: the rater's own group, named as those of --feature",
    )
    add("--id", metavar="COLUMN", default="image_id", help="picture's id in all tables (image_id)")
    add("--exposure", metavar="COLUMN", help="mean lightness of each picture, in TABLE and --training")
    add("--contrast", metavar="COLUMN", help="spread of lightness of each picture, in TABLE and --training")
    add("--path", metavar="COLUMN", help="instead: picture files to be measured, in TABLE and --training")
    add("--cures", type=Path, metavar="FILE", help="another comparison of cures than the packaged one")
    add("--confidence", type=float, default=0.95, metavar="C", help="of every interval (0.95)")
    add("--title", help="of the page")
    add(
        "--out", type=Path, metavar="DIR", help="write advice.csv, cures.csv, advice.json and page.html there"
    )
    add("--json", action="store_true", help="print everything as JSON and nothing else")


#: What only a table needs: a run knows it.
_OF_TABLES = (
    "feature", "score", "rating", "training", "training_counts", "reference_counts", "ratings", "rater_group",
    "exposure", "contrast", "path",
)  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from judge.fairness.advice.cures import read_cures
    from judge.fairness.inference import Inference

    Inference(confidence=args.confidence)
    if args.out is not None:
        make_writable(args.out)
    cures = read_cures(args.cures)
    if Path(args.what).is_dir():
        given = [f"--{name.replace('_', '-')}" for name in _OF_TABLES if getattr(args, name)]
        if given:
            raise InputError(f"a run brings its own tables; leave out {', '.join(given)}")
        advice, outcome = _of_run(args, cures)
    else:
        if args.condition or args.no_pictures:
            raise InputError("--condition and --no-pictures are of a run's folder; a table has neither")
        advice, outcome = _of_table(args, cures), ""
    try:
        print(_text(args, advice, outcome), flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if args.out is not None:
        page = _write(args, advice, outcome)
        print(f"page   {page}", file=sys.stderr if args.json else sys.stdout)
    return 0


def _of_run(args: argparse.Namespace, cures: pd.DataFrame | None) -> tuple[Advice, str]:
    from judge.experiment.advice import advise_run
    from judge.fairness.findings import findings
    from judge.report.sentences import said

    advice, audit = advise_run(
        args.what,
        condition=args.condition,
        cures=cures,
        pictures=not args.no_pictures,
        confidence=args.confidence,
    )
    told = said(findings(audit, confidence=args.confidence), audit.assign(confidence=args.confidence))
    wanted = [one for one in told if one.kind in ("primary", "survives", "none_survives")]
    return advice, " ".join(
        f"{one.text} {'; '.join(one.lines(2))}." if one.items else one.text for one in wanted[:2]
    )


def _of_table(args: argparse.Namespace, cures: pd.DataFrame | None) -> Advice:
    from judge.data.tables import read_table
    from judge.fairness.advice import advise

    if args.feature is None:
        raise InputError("--feature COLUMN says which column of the table has the groups")
    if args.training is not None and args.training_counts:
        raise InputError("--training and --training-counts say the same thing; give one")
    if args.path and (args.exposure or args.contrast):
        raise InputError("--path measures exposure and contrast; leave out --exposure and --contrast")
    tables = {
        name: read_table(path)
        for name, path in (("people", args.what), ("training", args.training), ("ratings", args.ratings))
        if path is not None
    }
    light = {"exposure": args.exposure, "contrast": args.contrast}
    if args.path:
        for name in ("people", "training"):
            if name in tables:
                tables[name] = _measured(tables[name], args.path, name)
        light = {"exposure": "exposure", "contrast": "contrast"}
    return advise(
        **tables,
        feature=args.feature,
        score=args.score,
        rating=args.rating,
        training_counts=_counts(args.training_counts, "--training-counts"),
        reference_counts=_counts(args.reference_counts, "--reference-counts"),
        rater_group=args.rater_group,
        id_column=args.id,
        cures=cures,
        confidence=args.confidence,
        **light,
    )


def _measured(table: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    from judge.data.light import measured_light

    if column not in table:
        if name == "training":  # then the camera is not looked at, and that is said
            return table
        raise InputError(f"the table lacks the column {column!r} of --path")
    found = measured_light(table[column].fillna("").astype(str))
    return table.assign(exposure=found["exposure"].to_numpy(), contrast=found["contrast"].to_numpy())


def _counts(text: str | None, option: str) -> dict[str, int] | None:
    """white=900,black=20 → {"white": 900, "black": 20}."""
    if text is None:
        return None
    counts: dict[str, int] = {}
    for part in text.split(","):
        group, sign, n = part.rpartition("=")
        if not sign or not group.strip() or not n.strip().isdigit() or group.strip() in counts:
            raise InputError(f"{option} is group=number,group=number …, each group once; given {text!r}")
        counts[group.strip()] = int(n)
    return counts


def _text(args: argparse.Namespace, advice: Advice, outcome: str) -> str:
    from judge.report.advice import LIMITS, TITLES, advice_json, advice_said, cures_said

    if args.json:
        return advice_json(advice)
    import textwrap

    from judge.cli.audit.text import printable

    lines: list[str] = []

    def say(text: str, first: str = "", then: str = "") -> None:
        lines.extend(textwrap.wrap(printable(text, 2000), 100, initial_indent=first, subsequent_indent=then))

    if outcome:
        say(outcome)
        lines.append("")
    for one in advice_said(advice):
        say(one.text)
        for item in one.items:
            say(item, "  - ", "    ")
    lines.append("")
    if advice.cures is None:
        say("The comparison of cures is not packaged with this version: only evidence is named.")
    elif not advice.found:
        say("No skew was found, so that no cure is named.")
    else:
        for skew in [*advice.found, *(["all"] if len(advice.found) > 1 else [])]:
            say(f"Cures that the comparison supports: {TITLES.get(skew, 'all skews together').lower()}")
            for item in cures_said(advice, skew):
                say(item, "  - ", "    ")
    lines.append("")
    for limit in LIMITS:
        say(limit, "  - ", "    ")
    if advice.notes:
        lines += ["", "notes"]
        for note in advice.notes:
            say(note, "  - ", "    ")
    return "\n".join(lines)


def _write(args: argparse.Namespace, advice: Advice, outcome: str) -> Path:
    from judge.data.spreadsheets import csv_bytes
    from judge.report.advice import advice_json
    from judge.report.pages.advice import write_advice_page
    from judge.storage import write_bytes, write_text

    write_bytes(args.out / "advice.csv", csv_bytes(advice.evidence))
    write_text(args.out / "advice.json", advice_json(advice))
    if advice.cures is not None:
        write_bytes(args.out / "cures.csv", csv_bytes(advice.cures))
    title = args.title or f"Advice on {Path(args.what).resolve().name}"
    return write_advice_page(args.out, advice, title=title, outcome=outcome)
