"""judge private: synthetic people under a privacy budget, attacks that check it, a score that keeps the group secret.

Each module of this room has WHAT, `configure(parser)` and `run(args) -> int | None`, as those of the room above.
"""

from __future__ import annotations

import argparse
import importlib

from judge.errors import InputError

COMMANDS = ("pool", "attack", "secrecy")

EXAMPLES = """\
examples
  judge private pool data=parametric data.n=5000 data.size=64 epsilon=10 --out pool
                                                     5,000 rendered people voted for by as many private ones
  judge private pool data=mebeauty data.root=DIR epsilon=3 leave_out=true --out pool
  judge private attack data.n=2000 data.size=64 --out attack            whether a judge tells who was in its training
  judge private attack data.n=4000 data.size=64 --pool pool --members split=train --out attack
                                                     whether a pool tells whom it was made of
  judge private secrecy data.n=4000 data.size=64 data.mode=natural --out secret      a score that hides the group

`judge private COMMAND --help` teaches each of them.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES
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
