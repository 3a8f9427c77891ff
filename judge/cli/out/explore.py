"""judge explore: runs or a table of entrants as one page to filter, brush, follow and hold again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from judge.errors import InputError
from judge.storage import make_writable

EPILOG = """\
examples
  judge explore runs/contest --out contest.html                   every run under a folder
  judge explore runs/contest/default --show-faces                 one run, with small pictures of its entrants
  judge explore runs/dose --where share=.9 --out dose.html        some of the runs, as judge runs filters them
  judge explore entrants.csv --feature ethnicity --score cnn --score svm --bracket gender --places 5
  judge explore entrants.csv --feature ethnicity --score score --winner won

One page, a file that needs no network and makes no request: click a condition, group or run and all views follow; drag
over scores to see who is in a range; follow one contestant through gate, robots, panel and ranks under each condition;
change places, the panel's rule and its weights and see who would win. Ranks are those of the project's own panel and
contest, recomputed in the page.
RUNS are folders that hold finished runs, at any depth, under the same conditions; runs that are not finished are told
on the page. TABLE is what judge audit reads in memory (CSV or Parquet, a row a person): each --score has a contest of
its own, several make a panel as well, and --winner is the contest as it was held.
Real people are numbered, without ids or pictures: --show-ids and --show-faces change that. Whose source does not say
that they do not exist counts as real.
A page holds 250,000 scores and ranks (--most), about 4 MB: of more runs, whole ones are drawn by lot; a single larger
contest is sampled by people and cannot be held again. The page says so.
Drawn by altair and vl-convert-python: pip install 'judge[explore]'.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("what", nargs="+", metavar="RUNS|TABLE", help="folders that hold runs, or one table of entrants")
    add("--out", type=Path, metavar="FILE", help="the page (explore.html beside the runs or the table)")
    add(
        "--where",
        nargs="+",
        action="extend",
        default=[],
        metavar="CONDITION",
        help="only these runs, as in judge runs",
    )
    add(
        "--show-faces",
        action="store_true",
        help="small pictures of the entrants of runs, of real people, too",
    )
    add("--show-ids", action="store_true", help="ids of real people instead of numbers")
    add("--most", type=int, metavar="N", help="scores and ranks that the page holds (250000)")
    add("--title", help="of the page")
    table = parser.add_argument_group("of a table, as in judge audit")
    add = table.add_argument
    add(
        "--feature",
        action="append",
        default=[],
        metavar="COLUMN",
        help="sensitive feature; others are shown beside it",
    )
    add(
        "--score",
        action="append",
        default=[],
        metavar="COLUMN",
        help="score, higher is better; repeated: a panel",
    )
    add("--winner", metavar="COLUMN", help="who won")
    add("--bracket", action="append", default=[], metavar="COLUMN", help="repeated: their combinations")
    add("--places", type=int, metavar="N", help="winners a bracket, where scores decide")
    add("--id", metavar="COLUMN", help="id of a person (image_id, person_id, entrant_id or id, if there)")
    add("--eligible", metavar="COLUMN", help="who was let through (yes/no)")
    add("--tie-seed", type=int, default=0, metavar="N", help="of the lot among those who tie (0)")


def run(args: argparse.Namespace) -> int:
    from judge.report.explorer import MOST_NUMBERS, write_explorer
    from judge.report.explorer.charts import altair

    most = MOST_NUMBERS if args.most is None else args.most
    if most < 1:
        raise InputError(f"--most is a number of scores from 1 on; given {args.most}")
    folders = [Path(name).is_dir() for name in args.what]
    if any(folders) != all(folders):
        raise InputError("folders of runs or one table, not both: " + ", ".join(args.what))
    if not any(folders) and len(args.what) > 1:
        raise InputError(f"one table at a time; given {len(args.what)}: {', '.join(args.what)}")
    out = args.out or _beside(Path(args.what[0]), folder=any(folders))
    if out.is_dir() or out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out is a page to write, such as explore.html; given {out}")
    altair()  # before any table is read
    make_writable(out.resolve().parent)
    made = _of_runs(args) if any(folders) else _of_table(args)
    page, left_out = write_explorer(out, most=most, **made)
    if left_out:
        print(f"note   {left_out}", file=sys.stderr)
    print(f"page   {page}  ({page.stat().st_size / 1e6:.1f} MB)")
    return 0


def _beside(what: Path, *, folder: bool) -> Path:
    return what / "explore.html" if folder else what.with_name(f"{what.name.split('.')[0]}.explore.html")


def _of_runs(args: argparse.Namespace) -> dict:
    from judge.experiment.explore.of_runs import fields_of_runs

    given = [
        f"--{name.replace('_', '-')}"
        for name in ("feature", "score", "winner", "bracket", "places", "id", "eligible")
        if getattr(args, name)
    ]
    if given:
        raise InputError(f"{', '.join(given)}: for a table; runs know their columns themselves")
    fields, conditions, feature, others = fields_of_runs(
        args.what, where=args.where, show_faces=args.show_faces, show_ids=args.show_ids
    )
    notes = []
    if len(others):
        states = ", ".join(f"{n} {state}" for state, n in others["state"].value_counts().items())
        notes.append(f"Runs that are not on this page: {states}.")
    return {
        "fields": fields,
        "conditions": conditions,
        "feature": feature,
        "title": args.title or "Who wins, and who would",
        "notes": notes,
        "who": _who(any(field.real for field in fields), args),
    }


def _who(real: bool, args: argparse.Namespace) -> str:
    if not real:
        return "None of these contestants exists: their pictures were rendered or generated."
    named = "by their ids" if args.show_ids else "by their number among the run’s entrants"
    pictures = "with their pictures" if args.show_faces else "without pictures"
    return f"Contestants who exist are shown {named}, {pictures}."


def _of_table(args: argparse.Namespace) -> dict:
    from judge.experiment.explore.of_table import field_of_table

    if not Path(args.what[0]).is_file():
        raise InputError(f"{args.what[0]}: no such folder or file")
    refused = [f"--{name.replace('_', '-')}" for name in ("where", "show_faces") if getattr(args, name)]
    if refused:
        raise InputError(f"{', '.join(refused)}: for runs; this is a table")
    field, conditions, notes = field_of_table(
        args.what[0],
        features=args.feature,
        score=args.score,
        winner=args.winner,
        brackets=args.bracket,
        places=args.places,
        person=args.id,
        eligible=args.eligible,
        tie_seed=args.tie_seed,
        show_ids=args.show_ids,
    )
    return {
        "fields": [field],
        "conditions": conditions,
        "feature": args.feature[0],
        "title": args.title or f"Who wins by {Path(args.what[0]).name}, and who would",
        "notes": notes,
        "who": "" if args.show_ids else "People are named by their row in the table, which has their ids.",
    }
