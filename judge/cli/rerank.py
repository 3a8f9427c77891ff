"""judge rerank: other scores or another ranking for anybody's score table, who then wins, and what it costs."""

from __future__ import annotations

import argparse
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judge.cli.tables import make_room, write
from judge.cli.terminal import printable, width
from judge.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from judge.data.user_tables import UserTable

EPILOG = """\
examples
  judge rerank --list                                              the methods and their settings
  judge rerank scores.csv --method quota --feature ethnicity --score score --bracket gender --places 5
  judge rerank scores.csv --method fa_ir --set 'protected=[asian, black]' --set alpha=.05 --feature ethnicity \\
      --score score --places 20 --out reranked.csv
  judge rerank scores.csv --method standardise_within --fit others.csv --feature ethnicity --score score --places 5 \\
      --truth truth --out reranked.parquet

TABLE is CSV (.csv, .csv.gz) or Parquet, one row a person who enters. Higher scores are better; the best --places of
each bracket win; where people tie, lots are drawn from their ids.
A method of the seam scores changes the scores, and is fitted on people. Name others, who do not enter, with --fit (a
table with the same columns): on the entrants themselves it evens out chance differences as well. Methods that correct
scores by ratings read those from --rating. A method of the seam ranking leaves the scores and gives the places
otherwise.
Who has no group, bracket or score takes part in neither contest and is told by count and reason. Nobody is left out of
the output: --out gets the table's own columns and rank_before, winner_before, rank_after, winner_after, set_aside (the
reason) and, of a method of the seam scores, score_after. A CSV has an apostrophe before what a spreadsheet would run.
The price is the mean score of the winners, before and after; where the scores are what is doubted, name a column of
ratings (--rating) or of a known truth (--truth) and the price in it is told as well.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("table", metavar="TABLE", nargs="?", help="CSV or Parquet of entrants and their scores")
    add("--method", metavar="NAME", help="what is done to scores or ranking: one of --list")
    add(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="settings of it; may be repeated",
    )
    add("--list", action="store_true", help="list the methods, their settings and what these are, and end")
    add("--feature", metavar="COLUMN", help="sensitive feature: whose places are given otherwise")
    add("--score", metavar="COLUMN", help="score, higher is better")
    add("--bracket", action="append", default=[], metavar="COLUMN", help="repeated: their combinations")
    add("--places", type=int, metavar="N", help="winners a bracket")
    add("--id", metavar="COLUMN", help="id of a person (image_id, person_id, entrant_id or id, if there)")
    add(
        "--fit", metavar="TABLE", help="other people, who do not enter, to fit a method of the seam scores on"
    )
    add("--rating", metavar="COLUMN", help="ratings, to fit on and for the price (rating, if there)")
    add("--truth", metavar="COLUMN", help="a known truth, for the price")
    add("--seed", type=int, default=0, help="of a method that draws a ranking by lot (0)")
    add("--tie-seed", type=int, default=0, metavar="N", help="of the lot among those who tie (0)")
    add(
        "--out", type=Path, metavar="FILE", help="write the table with both rankings there (.csv or .parquet)"
    )


def run(args: argparse.Namespace) -> int:
    if args.list:
        print(_list())
        return 0
    _check(args)
    import pandas as pd

    from judge.data.user_tables import read_user_table
    from judge.reranking import ADDED, method_named, price, rerank

    settings = _settings(args.set)
    method = method_named(args.method, settings)  # a misspelt one is refused before anything is read
    table = read_user_table(args.table)
    others = None if args.fit is None else read_user_table(args.fit)
    result = rerank(
        _readable(table, args),
        method=method,
        feature=args.feature,
        score=args.score,
        places=args.places,
        brackets=args.bracket,
        person=args.id,
        rating=args.rating,
        fit=None if others is None else _readable(others, args),
        seed=args.seed,
        tie_seed=args.tie_seed,
    )
    rating = args.rating if args.rating in table.frame else None  # it may be of those who are fitted on only
    told = dict.fromkeys(column for column in (args.score, rating, args.truth) if column)
    costs = price(result, list(told))
    notes = [*table.notes, *([] if others is None else others.notes), *result.attrs["notes"]]
    print(_text(args, method, result, costs, list(dict.fromkeys(notes))))
    if args.out is not None:
        new = result[[name for name in ADDED if name in result]]
        own = {name: table.typed(name) for name in table.frame}  # as text, −.5 would look like a formula
        write(pd.DataFrame(own, index=result.index).join(new), args.out)
        print(f"table  {args.out}")
    return 0


def _check(args: argparse.Namespace) -> None:
    needed = {
        "TABLE": args.table, "--method NAME (--list)": args.method, "--feature COLUMN": args.feature,
        "--score COLUMN": args.score, "--places N": args.places,
    }  # fmt: skip
    missing = [name for name, given in needed.items() if given is None]
    if missing:
        raise InputError(f"needed as well: {', '.join(missing)}")
    if args.out is not None:
        for given in (args.table, args.fit):
            if given is not None and args.out.exists() and _same(args.out, given):
                raise InputError(f"--out {args.out} is a table that is read; give another name")
        make_room(args.out)


def _same(out: Path, given: str) -> bool:
    try:
        return out.samefile(given)
    except OSError:
        return False


def _settings(given: list[str]) -> dict[str, Any]:
    """The values as a yaml file would give them."""
    import yaml

    found: dict[str, Any] = {}
    for word in given:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--set takes KEY=VALUE, such as --set alpha=.05; given {word!r}")
        if key.strip() in found:
            raise InputError(f"--set {key.strip()} is given twice")
        try:
            read = yaml.safe_load(value)
            # YAML takes 1e-3 for a word
            number = isinstance(read, str) and re.fullmatch(r"[-+]?[\d.]+e[-+]?\d+", read.lower())
            found[key.strip()] = float(read) if number else read
        except yaml.YAMLError as error:
            raise InputError(f"--set {word}: the value cannot be read as YAML") from error
    return found


def _readable(table: UserTable, args: argparse.Namespace) -> pd.DataFrame:
    """The table with commas of numbers read as its kind of file writes them."""
    frame = table.frame
    if not table.decimal_comma:
        return frame
    rating = args.rating or "rating"
    columns = [name for name in dict.fromkeys([args.score, rating, args.truth]) if name in frame]
    read = {name: table.numbers(name) for name in columns}
    # what is no number stays as it is, to be told as such
    return frame.assign(
        **{name: found.astype(object).where(~wrong, frame[name]) for name, (found, wrong) in read.items()}
    )


def _list() -> str:
    from judge.reranking import methods

    lines = []
    for name, method in methods().items():
        settings = "  ".join(f"{key}={_shown(value)}" for key, value in method.settings.items())
        lines += textwrap.wrap(f"{name:<19} {method.seam:<8} {method.what}", 110, subsequent_indent=" " * 29)
        lines += textwrap.wrap(settings, 110, initial_indent=" " * 29, subsequent_indent=" " * 29)
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _text(
    args: argparse.Namespace, method: Any, result: pd.DataFrame, costs: pd.DataFrame, notes: list[str]
) -> str:
    """Who won before and after, by group, and the price."""
    from judge.reranking import by_group

    ranked = result[result["set_aside"].isna()]
    groups = by_group(result, args.feature)
    won, lost = int(groups["won_before"].sum()), int(groups["lost"].sum())
    entered = f"{len(ranked):,} of {len(result):,} people ranked"
    lines = [
        f"{args.method} ({method.seam}) on {printable(Path(args.table).name)}: {entered}, {won} places filled, "
        f"{lost} of them by somebody else than before",
        "",
    ]
    head = (args.feature, "entrants", "of entrants", "won before", "won after", "lost a place", "gained one")
    rows = [
        (
            row.group, f"{row.entrants:,}", f"{row.entrant_share:.1%}", f"{row.won_before} ({row.share_before:.0%})",
            f"{row.won_after} ({row.share_after:.0%})", str(row.lost), str(row.gained),
        )
        for row in groups.itertuples()
    ]  # fmt: skip
    lines += _columns([head, *rows])
    lines += ["", "mean of the winners"]
    rows = [
        (
            row.column, _number(row.before), _number(row.after), _signed(row.difference), _signed(row.in_sd),
            _number(row.lost), _number(row.gained),
        )
        for row in costs.itertuples()
    ]  # fmt: skip
    lines += _columns(
        [("", "before", "after", "points", "sd", "of who lost a place", "of who gained one"), *rows]
    )
    notes += [
        f"{row.column} is known of {row.known} of the {row.winners} people who won before or after"
        for row in costs.itertuples()
        if row.known < row.winners
    ]
    if notes:
        lines += ["", "notes"]
        for note in notes:
            lines += textwrap.wrap(printable(note, 600), 100, initial_indent="  - ", subsequent_indent="    ")
    return "\n".join(lines)


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows of a table, the first column flush left and the others flush right."""
    clean = [tuple(printable(str(cell)) for cell in row) for row in rows]
    widths = [max(width(row[i]) for row in clean) for i in range(len(clean[0]))]
    lines = []
    for row in clean:
        cells = [row[0] + " " * (widths[0] - width(row[0]))]
        cells += [" " * (most - width(cell)) + cell for cell, most in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.4g}"


def _signed(value: float) -> str:
    if value != value:
        return "–"
    text = f"{value:+.3g}"
    return "0" if float(text) == 0 else text.replace("-", "−")
