"""The program `judge`: parses, calls one function. A command's module is imported only when it is used.

Each module of this room has `configure(parser)` and `run(args) -> int | None`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from types import ModuleType

from judge import __version__, extras
from judge.cli import needs
from judge.errors import InputError

COMMANDS = {
    "run": "train judges under any number of conditions, hold the same contest with each, audit all",
    "runs": "which runs there are, in which state, by their settings: lists, filters, exports, answers SQL",
    "compare": "runs or a sweep → table, dose–response figures, page",
    "audit": "who won, and by how much: any table of entrants, exact statistics",
    "explore": "runs or a table as one page to filter, brush, follow and hold again",
    "figure": "one figure at an exact width for a paper, with the table behind it as LaTeX",
    "rerank": "another ranking or other scores for any score table: who then wins, and the price",
    "advise": "for which skews a run or a table gives evidence, and which cures a comparison supports",
    "score": "score any folder of pictures with a trained judge",
    "data": "what a data set holds; make parametric faces and twins",
    "generate": "people who do not exist by a network: train, sample, audit their diversity, detect them",
    "private": "synthetic people under a privacy budget, attacks that check it, scores that keep the group secret",
    "publish": "a run or a data set as a folder to give away: cards, Croissant, RO-Crate, citation, checksums",
}

#: Commands whose modules lie in a package of this room.
HOMES = {"explore": "out.explore", "figure": "out.figure", "publish": "out.publish"}

EXAMPLES = """\
examples
  judge run                                             the main job on rendered faces, a few minutes on a laptop
  judge run '+conditions.reweight=reweight' '+conditions.within=standardise_within'     two more conditions
  judge run -m pool.majority_share=.5,.75,.9,.98 seed=0,1,2,3,4     a sweep; started again, it does what is missing
  judge runs runs/contest --where share=.9              which runs there are, in which state, under which settings
  judge compare runs/contest                            the sweep's dose–response
  judge explore runs/contest --out contest.html         one page to click through: who wins, who would
  judge figure winners runs/contest/default --pdf --width 3.3in      for a column of a paper
  judge audit beauty-ai-2016                            the published counts of 2016
  judge audit entrants.csv --feature ethnicity --score score --bracket gender --places 5
  judge rerank scores.csv --method quota --feature ethnicity --score score --places 5
  judge advise runs/contest/default                     which skew, by which evidence, and which cure for it
  judge publish runs/contest/default --out published    what a stranger needs to trust, cite and use it
  judge data parametric --n 500 --out faces --sheet     500 people who do not exist

`judge COMMAND --help` teaches each of them.
"""


def make_parser(argv: list[str]) -> argparse.ArgumentParser:
    """The parser for these words: every command, and the arguments of the one that they name."""
    parser = argparse.ArgumentParser(
        prog="judge",
        description="What skewed training pictures do to who wins a contest judged by machines.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"judge {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = _chosen(argv)
    for name, what in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=what,
            description=what[0].upper() + what[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=name != "run",
        )
        if name == chosen:
            _module(name).configure(sub)
    return parser


def _chosen(argv: list[str]) -> str | None:
    return next((word for word in argv if not word.startswith("-")), None)


def main(argv: list[str] | None = None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    if "OMP_WAIT_POLICY" not in os.environ:
        # GNU OpenMP, which PyTorch for Linux brings, reads this when it is loaded. Its threads else spin for as long
        # as they wait for one another: where another program has a core, that doubles the time of a training
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    parser = make_parser(argv)
    if _chosen(argv) == "run":  # Hydra parses the rest itself
        args, _ = parser.parse_known_args(argv[: argv.index("run") + 1])
        args.overrides = argv[argv.index("run") + 1 :]
    else:
        args = parser.parse_args(argv)
    try:
        needs.check(args)
        return _module(args.command).run(args) or 0
    except InputError as error:
        print(f"judge {args.command}: {error}", file=sys.stderr)
        return 2
    except (
        BrokenPipeError
    ):  # `judge … | head`: nobody reads on. What is still to be flushed must not fail at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # the base, and a way that only an extra's packages can go
        absent = _absent(error)
        if absent is None:
            raise
        module, extra = absent
        print(extras.absence(extra, f"judge {args.command}: this", [module]), file=sys.stderr)
        return 2


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"judge.cli.{HOMES.get(command, command)}")


def _absent(error: BaseException | None) -> tuple[str, str] | None:
    """The module that could not be imported, and its extra, where that is behind an error."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and (extra := extras.extra_of(error.name)):
            return str(error.name), extra
        error = error.__cause__
    return None
