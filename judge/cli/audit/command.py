"""judge audit: a table of entrants → who won and by how much, with exact statistics."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from judge.errors import InputError
from judge.storage import make_writable

if TYPE_CHECKING:
    import pandas as pd

    from judge.fairness.audit.entrants import Entrants

EPILOG = """\
examples
  judge audit beauty-ai-2016                                       the published counts of 2016
  judge audit entrants.csv --feature ethnicity --winner won --reference white
  judge audit 'log/2026-*/*.parquet' --feature ethnicity --winner won --memory 1GB --temp /scratch
  judge audit entrants.parquet --feature ethnicity --feature gender --intersections --score cnn --score svm \\
      --bracket gender --bracket age_group --places 5 --rating rating --out audit

TABLE is CSV (.csv, .csv.gz) or Parquet, one row a person; or a folder of Parquet files (subfolders included) or a glob
in quotes. A winner column says 1/0, true/false, yes/no or
won/lost. Without one the best --places of each bracket win, by each score. Where people tie at the last place every
number is an average over all lots among them; --tie-seed only draws the lot that names winners for the figures, from
the id (the number of the row where there is none), as in the contest of `judge run`.
Every row counts as one person: weights (of a survey, say) are not supported, and a column of weights would be ignored.
Tests on winners are exact and two-sided: p is the probability of all outcomes at most as likely as the one observed.
Higher scores are better. Selection rates are over all who entered: who has no finite score, or is not --eligible, was
not selected, and is told by group. People who come several times (an id that repeats, or person_id beside image_id)
are refused unless --one-per-person keeps one row for each: the winning picture, else the one of the highest score
(best); the first in the table (first); or the first with the mean of the person's scores (mean).
First comes what the audit says, in words; then a line a group, or with --all every number.
--engine says how it is read: memory (one file, its columns in memory), duckdb (Parquet of any size: people are counted
and not held, scores are sorted on disk; pip install 'judge[scale]'), or auto: duckdb for a folder, a glob and a file of
more than 20 million rows, else memory. The numbers are the same. duckdb takes no CSV and no --one-per-person, draws no
figures of single scores, and where a test needs more people than fit, it uses a random sample and says so in its row.
--out gets audit.parquet, audit.csv (names that look like spreadsheet formulas are written with an apostrophe in
front), audit.json, findings.json, skew_curves.*, figures and page.html; with --latex also table.tex (booktabs), with
--pdf also each figure as PDF.
--json prints the audit table as records and nothing else: null is what is undefined, and the strings "Infinity" and
"-Infinity" are what is infinite (JSON has no number for it; float("Infinity") in Python, Number("Infinity") in
JavaScript and as.numeric("Infinity") in R read them). --findings --json prints what the audit says, each finding with
its rows.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add(
        "table",
        metavar="TABLE",
        help="CSV or Parquet of entrants, a folder or glob of Parquet, or beauty-ai-2016",
    )
    add("--feature", action="append", default=[], metavar="COLUMN", help="sensitive feature; may be repeated")
    add("--score", action="append", default=[], metavar="COLUMN", help="score; repeated: side by side")
    add("--winner", metavar="COLUMN", help="who won")
    add("--bracket", action="append", default=[], metavar="COLUMN", help="repeated: their combinations")
    add("--places", type=int, metavar="N", help="winners a bracket, where scores decide")
    add(
        "--reference",
        action="append",
        default=[],
        metavar="GROUP",
        help="compare with it (all others); one a feature",
    )
    add(
        "--primary",
        metavar="GROUP",
        help="the one primary contrast: its share of the winners (the reference's)",
    )
    add("--rating", metavar="COLUMN", help="human rating on the scale of the scores, for the errors")
    add("--id", metavar="COLUMN", help="id of a person (image_id, person_id, entrant_id or id, if there)")
    add("--eligible", metavar="COLUMN", help="who was let through (yes/no); the others count as entrants")
    add(
        "--one-per-person",
        choices=("best", "first", "mean"),
        help="keep one row for each person who comes several times: of the highest score, the first, or the mean score",
    )
    add("--intersections", action="store_true", help="also the combinations of all features")
    add("--by-bracket", action="store_true", help="also the selection rates of each bracket")
    add("--confidence", type=float, default=0.95, metavar="C", help="of every interval (0.95)")
    add(
        "--interval",
        choices=("exact", "score", "log"),
        help="of the ratio: exact agrees with the test (default), score, or log",
    )
    add("--permutations", type=int, default=10_000, metavar="N", help="within brackets (10000)")
    add("--seed", type=int, default=0, help="of permutations and drawn subsets (0)")
    add("--tie-seed", type=int, default=0, metavar="N", help="of the lot among those who tie, in figures (0)")
    add(
        "--engine",
        choices=("auto", "memory", "duckdb"),
        default="auto",
        help="in memory, or out of core (auto: by size)",
    )
    add("--memory", default="1.5GB", metavar="SIZE", help="of DuckDB, before it spills to disk (1.5GB)")
    add("--threads", type=int, metavar="N", help="of DuckDB (one a core)")
    add("--temp", type=Path, metavar="DIR", help="for sorted scores and what DuckDB spills (the system's)")
    add("--title", help="of the page (the table's name)")
    add("--all", action="store_true", help="print every number of the audit, not a line a group")
    add("--findings", action="store_true", help="print what the audit says and nothing else")
    add("--out", type=Path, metavar="DIR", help="write tables, figures and a page there")
    add("--latex", action="store_true", help="also DIR/table.tex: the short tables for a paper")
    add("--pdf", action="store_true", help="also DIR/figures/*.pdf")
    add("--json", action="store_true", help="print the audit table as JSON records and nothing else")


def run(args: argparse.Namespace) -> int:
    from judge.fairness.audit.published import NAME

    if args.out is None and (args.latex or args.pdf):
        raise InputError("--latex and --pdf write files: name a folder with --out DIR")
    if args.out is not None:
        make_writable(args.out, inner=["figures"])
    collecting = gc.isenabled()
    gc.disable()  # what is imported and read stays; looking through it for cycles takes a tenth of the time
    try:
        people, table, plan = _bundled(args) if args.table == NAME else _audited(args)
    finally:
        if collecting:
            gc.enable()
    notes = table.attrs.get("notes", [])
    try:
        print(_text(args, table, notes), flush=True)
    except BrokenPipeError:  # `judge audit … | head`: the reader has seen enough
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if args.out is not None:
        page = _write(args, people, table, plan, notes)
        print(f"page   {page}", file=sys.stderr if args.json else sys.stdout)
    elif args.json:
        for note in notes:
            print(f"note: {note}", file=sys.stderr)
    return 0


def _text(args: argparse.Namespace, table: pd.DataFrame, notes: list[str]) -> str:
    """What is printed: JSON, the findings, or these and the tables."""
    if args.json and args.findings:
        from judge.fairness.findings import findings
        from judge.report.sentences import findings_json

        return findings_json(findings(table, confidence=args.confidence), table)
    if args.json:
        from judge.fairness.audit import records_json

        return records_json(table)
    from judge.cli.audit.text import audit_text, findings_text

    if args.findings:
        return findings_text(table, confidence=args.confidence)
    return audit_text(table, notes=notes, confidence=args.confidence, everything=args.all)


def _settings(args: argparse.Namespace) -> dict:
    return {
        "confidence": args.confidence,
        "n_permutations": args.permutations,
        "rng": args.seed,
    }


def _bundled(args: argparse.Namespace) -> tuple[Entrants, pd.DataFrame, dict]:
    from judge.fairness.audit import published as bundled
    from judge.fairness.audit import read_entrants

    given = [
        f"--{name.replace('_', '-')}"
        for name in (
            "feature",
            "score",
            "winner",
            "bracket",
            "places",
            "reference",
            "rating",
            "id",
            "eligible",
            "one_per_person",
            "intersections",
        )
        if getattr(args, name)
    ]
    given += ["--engine duckdb"] if args.engine == "duckdb" else []
    if given:
        raise InputError(f"{bundled.NAME} comes with its own columns; leave out {', '.join(given)}")
    settings = _settings(args)
    if args.interval:
        settings["ratio_interval"] = args.interval
    if args.primary:
        settings["primary"] = args.primary
    table = bundled.audit_beauty_ai_2016(**settings)
    people = read_entrants(bundled.beauty_ai_2016(), features=bundled.FEATURES, winner=bundled.WINNER)
    plan = {
        "features": list(bundled.FEATURES),
        "score_columns": [],
        "winner_columns": [bundled.WINNER],
        "brackets": [],
        "places": None,
        "reference": bundled.REFERENCE,
        "rating": None,
    }
    return people, table, plan


def _audited(args: argparse.Namespace) -> tuple[Entrants, pd.DataFrame, dict]:
    from judge.cli.audit.engines import audited_out_of_core, out_of_core

    people, table = audited_out_of_core(args, **_settings(args)) if out_of_core(args) else _of_table(args)
    plan = {
        "features": args.feature,
        "score_columns": args.score,
        "winner_columns": [args.winner] if args.winner else [],
        "brackets": args.bracket,
        "places": args.places,
        "reference": args.reference or None,
        "rating": args.rating,
    }
    return people, table, plan


def _of_table(args: argparse.Namespace) -> tuple[Entrants, pd.DataFrame]:
    from judge.cli.progress import bar
    from judge.data.user_tables import ID_COLUMNS
    from judge.fairness.audit import audit_entrants, column_names, open_columns, read_entrants
    from judge.fairness.audit.plan import checked_settings
    from judge.fairness.inference import Inference

    settings = _settings(args)
    Inference(**settings)  # refuses what is out of range before anything is read
    checked_settings(
        features=args.feature,
        score=args.score,
        winner=args.winner,
        brackets=args.bracket,
        places=args.places,
    )
    there = column_names(args.table)
    person = args.id or next((name for name in ID_COLUMNS if name in there), None)
    others = [*args.score, *[name for name in (args.winner, args.rating, args.eligible, person) if name]]
    columns = open_columns(args.table, groups=[*args.feature, *args.bracket], others=others)
    people = read_entrants(
        columns,
        features=args.feature,
        score=args.score,
        winner=args.winner,
        brackets=args.bracket,
        rating=args.rating,
        person=person,
        eligible=args.eligible,
        one_per_person=args.one_per_person,
        intersections=args.intersections,
    )
    del columns
    selecting = (args.winner is not None) + (len(args.score) if args.places else 0)
    step, done = bar(len(people.features) * (selecting + len(args.score)), unit="part")
    table = audit_entrants(
        people,
        places=args.places,
        reference=args.reference,
        primary=args.primary,
        by_bracket=args.by_bracket,
        ratio_interval=args.interval or "exact",
        tie_seed=args.tie_seed,
        progress=step,
        **settings,
    )
    done()
    return people, table


def _write(
    args: argparse.Namespace, people: Entrants, table: pd.DataFrame, plan: dict, notes: list[str]
) -> Path:
    from judge.cli.progress import bar
    from judge.fairness.audit import skew_curves, write_numbers
    from judge.fairness.findings import findings
    from judge.report.compact import compact_tables
    from judge.report.latex import latex_tables
    from judge.report.pages.audit import write_audit_report
    from judge.report.sentences import findings_json
    from judge.storage import write_text

    title = args.title or f"Audit of {Path(args.table).name}"
    write_numbers(table, args.out / "audit", as_json=True)
    write_text(args.out / "findings.json", findings_json(findings(table, confidence=args.confidence), table))
    if args.latex:
        write_text(args.out / "table.tex", latex_tables(compact_tables(table), caption=title))
    if people.weight is None:  # else people are counted, and in no order
        curves = skew_curves(people, tie_seed=args.tie_seed, confidence=args.confidence)
        if len(curves):
            write_numbers(curves, args.out / "skew_curves")
    step, done = bar(unit="figure")
    page = write_audit_report(
        args.out, people, table, **plan, title=title, notes=notes, seed=args.tie_seed,
        confidence=args.confidence, pdf=args.pdf, progress=step,
    )  # fmt: skip
    done()
    return page
