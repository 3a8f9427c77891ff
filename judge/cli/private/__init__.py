"""judge private: synthetic people under a privacy budget, attacks that check it, a score that keeps the group secret.

Each module of this room has WHAT, `configure(parser)` and `run(args) -> int | None`, as those of the room above.
"""

from __future__ import annotations

import argparse
import importlib

from judge.errors import InputError

COMMANDS: tuple[str, ...] = ("attack", "secrecy")


def configure(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(dest="part", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"judge.cli.private.{name}")
        what = module.WHAT
        sub = parts.add_parser(
            name,
            help=what,
            description=what[0].upper() + what[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(sub)


def run(args: argparse.Namespace) -> int:
    seed = getattr(args, "seed", 0)
    if not 0 <= seed < 2**32:  # what pandas takes
        raise InputError(f"--seed={seed}: a whole number from 0 to {2**32 - 1}")
    return importlib.import_module(f"judge.cli.private.{args.part}").run(args) or 0
