"""judge figure: one of the project's figures at an exact width for a paper, and the table behind it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from judge.errors import InputError, listed
from judge.storage import make_writable, write_bytes, write_text

if TYPE_CHECKING:
    from judge.report.papers import Named

EPILOG = """\
examples
  judge figure --list                                                 the names, and what each is of
  judge figure winners runs/contest/default --pdf --width 3.3in       one run, a column wide
  judge figure ratios runs/contest/default --pdf --latex --width 84mm --font-size 8 --out paper
  judge figure dose_winner_share runs/dose --pdf --width 7in --height 2.6in
  judge figure ratios audit/audit.parquet --feature ethnicity --pdf   of an audit table that judge audit --out wrote

RUNS are folders that hold finished runs: the dose_… figures are of several, the others of one. Figures are laid out at
the width that is asked for, not scaled: the page of the PDF is exactly as wide, letters of labels have --font-size
points, none has fewer than 7 (unless --font-size is less), panels stand under each other where a column is narrow, and
up to 5 inches the numbers beside the rows are left to the table.
Fonts are embedded, as TrueType where they are such (a Chinese, Japanese or Korean one may be OpenType).
--latex writes the table behind the figure as NAME.tex: booktabs, names escaped, intervals in brackets as on the pages;
names beyond Latin letters need LuaLaTeX or XeLaTeX. Files come into the current folder, or into --out DIR.
"""
#: Inches of a unit.
UNITS = {"in": 1.0, "mm": 1 / 25.4, "cm": 1 / 2.54, "pt": 1 / 72}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help="which figure: one of --list")
    add("what", nargs="*", metavar="RUNS", help="folders of finished runs, or one audit.parquet")
    add("--list", action="store_true", help="list the figures and end")
    add("--pdf", action="store_true", help="write NAME.pdf (as is done if no format is named)")
    add("--svg", action="store_true", help="write NAME.svg")
    add("--png", action="store_true", help="write NAME.png, 300 dots an inch")
    add("--latex", action="store_true", help="write the table behind it, NAME.tex")
    add("--width", default="3.3in", metavar="LENGTH", help="in, mm, cm or pt (3.3in, a column)")
    add("--height", metavar="LENGTH", help="as the figure needs, unless it is given")
    add("--font-size", type=float, default=8.0, metavar="PT", help="of the labels, in points (8)")
    add("--out", type=Path, default=Path(), metavar="DIR", help="where to write (the current folder)")
    add("--feature", metavar="COLUMN", help="sensitive feature of an audit table (its first)")
    add(
        "--where", nargs="+", action="extend", default=[], metavar="CONDITION",
        help="only these runs, as in judge runs",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from judge.report.figures.drawing import paper
    from judge.report.figures.saving import pdf_bytes, png_bytes, svg_bytes
    from judge.report.papers import FIGURES

    if args.list:
        for name, (of, words) in FIGURES.items():
            print(f"{name:<26} of {'one run' if of == 'run' else 'runs':<8} {words}")
        return 0
    if args.name is None:
        raise InputError("name a figure (judge figure --list) and folders of runs")
    if args.name not in FIGURES:
        raise InputError(f"no figure {args.name!r}; there are {listed(FIGURES, 20)}")
    if not args.what:
        raise InputError(f"needed as well: RUNS, folders of finished runs to draw {args.name} of")
    height = None if args.height is None else inches(args.height, "--height")
    on = paper.Paper(inches(args.width, "--width"), height, args.font_size)
    make_writable(args.out)
    with paper.on(on):
        named = _named(args)
        figure = named.picture.figure
        made = {
            "pdf": (args.pdf or not (args.svg or args.png or args.latex), pdf_bytes),
            "svg": (args.svg, svg_bytes),
            "png": (args.png, lambda drawn: png_bytes(drawn, dpi=300)),
        }
        for ending, (wanted, bytes_of) in made.items():
            if wanted:
                write_bytes(args.out / f"{args.name}.{ending}", bytes_of(figure))
                print(f"figure {args.out / f'{args.name}.{ending}'}")
    if args.latex:
        if named.table is None:
            raise InputError(f"--latex: there is no table behind {args.name}")
        from judge.report.latex import latex_table

        write_text(
            args.out / f"{args.name}.tex",
            latex_table(named.table, label=f"tab:{args.name.replace('_', '-')}"),
        )
        print(f"table  {args.out / f'{args.name}.tex'}")
    caption = named.picture.caption
    if on.width <= paper.NARROW:  # what the margin has on wider paper is in the table
        caption = re.sub(r"( Margin: [^.]*\.|; the margin has the exact values)", "", caption)
    print(f"says   {caption}")
    return 0


def inches(text: str, option: str) -> float:
    """A length such as 3.3in, 84mm, 8.4cm or 240pt, in inches. Raises InputError."""
    found = re.fullmatch(r"\s*([\d.]+)\s*(in|mm|cm|pt)\s*", text)
    try:
        return float(found[1]) * UNITS[found[2]]  # type: ignore[index]
    except (TypeError, ValueError):
        raise InputError(
            f"{option} is a length such as 3.3in, 84mm, 8.4cm or 240pt; given {text!r}"
        ) from None


def _named(args: argparse.Namespace) -> Named:
    from judge.report import papers

    if Path(args.what[0]).is_file():
        return _of_audit(args)
    if args.feature:
        raise InputError("--feature is for an audit table; runs have one of their own")
    from judge.experiment.compare import once_each, same_conditions
    from judge.experiment.explore.of_runs import finished_runs

    runs = once_each(finished_runs(args.what, where=args.where)[0])
    if papers.FIGURES[args.name][0] == "runs":
        papers.check(args.name, ["runs"] if len(runs) > 1 else ["run"])
        return _of_runs(args, runs, same_conditions(runs))
    if len(runs) > 1:
        raise InputError(
            f"{args.name} is a figure of one run, and here are {len(runs)}: name one, such as {runs[0].path}"
        )
    done = runs[0].done or {}
    tables = {path.stem: runs[0].table(path.stem) for path in sorted(runs[0].path.glob("*.parquet"))}
    from judge.experiment.runs.rows import read_settings

    return papers.of_run(
        args.name,
        tables,
        read_settings(runs[0] / "settings.yaml") or {},
        conditions=done["conditions"],
        trained_as=done["trained_as"],
        feature=done["feature"],
    )


def _of_runs(args: argparse.Namespace, runs: list, conditions: list[str]) -> Named:
    from judge.experiment.compare import dose_table, run_table
    from judge.experiment.runs.contests import contests_of
    from judge.report import papers

    table, factors = run_table(runs)
    if factors:
        raise InputError(
            f"these runs differ in more than share and seed: {listed(factors)}; choose some with --where {factors[0]}=…"
        )
    dose = dose_table(table, conditions, contests_of(runs), mixed=False)
    return papers.of_runs(
        args.name, table, dose, conditions=conditions, feature=str(table["feature"].iloc[0])
    )


def _of_audit(args: argparse.Namespace) -> Named:
    from judge.data.tables import read_table
    from judge.report import papers

    if len(args.what) > 1:
        raise InputError(f"one audit table at a time; given {len(args.what)}")
    table = read_table(args.what[0])
    lacking = [
        name for name in ("metric", "feature", "group", "value", "ci_low", "ci_high") if name not in table
    ]
    if lacking:
        raise InputError(
            f"{args.what[0]} is no audit table (it lacks {listed(lacking)}); judge audit TABLE --out DIR writes one, "
            "DIR/audit.parquet"
        )
    return papers.of_audit(args.name, table, args.feature or str(table["feature"].iloc[0]))
