"""judge generate sample: a folder of people who do not exist, of chosen shares."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from judge.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

WHAT = "people who do not exist, of chosen shares: a folder of pictures with a manifest and a model card"

EPILOG = """\
shares and ranges
  --shares ethnicity=african:.5,asian:.5 --shares gender=female:1    groups that are not named get nobody
  --shares african=1/3,asian=1/3,caucasian=1/3       the feature is found by its groups
  --between age=20,30 --between rating=6,9           numbers uniform between the two
What is not asked for goes as in the generator's training data. Nobody under 18 is drawn.

examples
  judge generate sample --n 500 --shares african=.5,asian=.5 --out people
  judge generate sample --generator runs/faces --n 200 --psi .7 --seed 1 --out people
  judge generate sample --generator runs/fairface --check data=fairface data.root=DIR --n 200 --out people
  judge data generated --root people                 what is in such a folder
  judge run data=generated data.root=people          a run on it

A generator that learnt from photographs of real people is sampled only with --check and the settings of its training:
a face too near to one of its training pictures is replaced, and counted in the model card. The command is restartable.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument(
        "--generator",
        default="packaged",
        metavar="DIR",
        help="a folder of judge generate train, or packaged: of rendered people, comes with judge (%(default)s)",
    )
    parser.add_argument("--n", type=int, default=500, help="people (%(default)s)")
    parser.add_argument(
        "--shares", action="append", default=[], metavar="FEATURE=GROUP:SHARE,…", help="see below; repeatable"
    )
    parser.add_argument(
        "--between", action="append", default=[], metavar="NUMBER=LOW,HIGH", help="see below; repeatable"
    )
    parser.add_argument(
        "--psi", type=float, default=1.0, help="truncation: 1 all of the variety, 0 none (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="other seed, other people (%(default)s)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="an empty folder, or one to go on in; needed")
    parser.add_argument(
        "--check",
        "--training-data",
        nargs="+",
        metavar="KEY=VALUE",
        help="the training data, as judge generate train was told them: faces too near to one are replaced",
    )
    parser.add_argument(
        "--batch", type=int, default=32, help="faces in one pass of the network (%(default)s)"
    )
    parser.add_argument("--threads", type=int, help="of torch and of the encoder (all cores)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    if args.out is None:
        raise InputError("sample needs --out DIR, the folder to write")
    for name in ("n", "batch", "threads"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise InputError(f"--{name}={value}: at least 1")
    given = parsed_shares(args.shares)
    ranges = parsed_ranges(args.between)
    import torch

    from judge.generator.export import sample_folder
    from judge.generator.model import load_generator
    from judge.generator.sampling import resolved_shares, training_pictures
    from judge.storage import make_writable

    if args.threads is not None:
        torch.set_num_threads(args.threads)
    generator = load_generator(args.generator)
    shares = resolved_shares(generator.conditions, given)
    training = None
    if args.check:
        from judge.cli.generate.train import composed, people

        training = training_pictures(generator, people(composed(args.check))[0])
    make_writable(args.out, inner=["people"])
    started = time.perf_counter()
    manifest = sample_folder(
        generator, args.n, args.out, shares=shares, ranges=ranges, psi=args.psi, seed=args.seed, training=training,
        audit=audit_beside(args.generator), batch=args.batch, threads=args.threads, progress=not args.quiet,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    groups = [name for name in ("ethnicity", "gender") if name in manifest]
    if groups:
        print(manifest.groupby(groups, observed=True).size().to_string())
    print(f"written: {args.out} ({len(manifest):,} faces, {len(manifest) / seconds:.0f} a second)")
    if generator.real_people:
        print(
            f"warning: learnt from photographs of real people; see {args.out / 'README.md'} before you show a face to "
            "anybody"
        )
    print(f"next: judge data generated --root {args.out}")
    return 0


def parsed_shares(words: Sequence[str]) -> dict[str | None, dict[str, float]]:
    """feature → group → share of `feature=group:share,…`; under None those of `group=share,…`.

    Raises InputError for what reads as neither, and for a feature or a group that comes twice.
    """
    found: dict[str | None, dict[str, float]] = {}
    for word in words:
        head, _, rest = word.partition("=")
        if ":" in rest:
            feature: str | None = head.strip()
            pairs = [(a, b) for a, _, b in (part.rpartition(":") for part in rest.split(","))]
        else:
            feature = None
            pairs = [(a, b) for a, _, b in (part.rpartition("=") for part in word.split(","))]
        own = {}
        for group, share in pairs:
            if not group.strip() or group.strip() in own or feature == "":
                raise InputError(
                    f"--shares {word!r}: FEATURE=GROUP:SHARE,… or GROUP=SHARE,…, each group once"
                )
            own[group.strip()] = _number(share, f"--shares {word!r}")
        if feature in found:
            raise InputError(f"--shares: {feature or 'shares without a feature'} given twice")
        found[feature] = own
    return found


def parsed_ranges(words: Sequence[str]) -> dict[str, tuple[float, float]]:
    """number → (low, high) of `number=low,high`. Raises InputError for anything else."""
    found = {}
    for word in words:
        name, _, rest = word.partition("=")
        ends = rest.split(",")
        if not name or len(ends) != 2 or name in found:
            raise InputError(f"--between {word!r}: NUMBER=LOW,HIGH, such as age=20,30, each number once")
        found[name] = (_number(ends[0], f"--between {word!r}"), _number(ends[1], f"--between {word!r}"))
    return found


def _number(text: str, where: str) -> float:
    try:
        return float(Fraction(text.strip()))
    except (ValueError, ZeroDivisionError):
        raise InputError(f"{where}: {text!r} is no number such as .5 or 1/3") from None


def audit_beside(where: str | Path) -> dict[str, pd.DataFrame]:
    """Tables of judge generate audit in the folder `audit` of the generator's, by name; none where there are none."""
    from judge.data.tables import read_table

    files = sorted((Path(where) / "audit").glob("*.csv"))
    return {file.stem: read_table(file) for file in files}
