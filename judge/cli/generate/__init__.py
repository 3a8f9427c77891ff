"""judge generate: people who do not exist, made by a network, and what their diversity is worth.

Each module of this room has WHAT, `configure(parser)` and `run(args) -> int | None`, as those of the room above.
"""

from __future__ import annotations

import argparse
import importlib

from judge.errors import InputError

COMMANDS = ("train", "sample", "audit", "detect", "critic", "transects")

EXAMPLES = """\
examples
  judge generate sample --n 200 --shares ethnicity=african:.5,asian:.5 --out people
                                                     200 people of the generator that comes with judge
  judge generate train data=parametric data.n=10000 --out runs/faces
  judge generate train data=fairface data.root=DIR generator=preview --out runs/fairface
  judge generate audit --generator packaged --out audit    shares, coverage by group, copies, lightening, truncation
  judge generate detect --generator packaged --out detect  who is taken for generated, by group
  judge generate critic --generator runs/faces --out critic    the discriminator as a judge, by group and skin tone
  judge generate transects --out transects                 one attribute changed, and all that leaks into others

`judge generate COMMAND --help` teaches each of them.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parts = parser.add_subparsers(dest="part", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"judge.cli.generate.{name}")
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
    return importlib.import_module(f"judge.cli.generate.{args.part}").run(args) or 0
