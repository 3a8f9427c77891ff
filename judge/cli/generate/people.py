"""Real people, or rendered ones, who stand beside generated ones: what detect and critic read alike."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from judge.errors import InputError, listed

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from judge.generator import Conditions, FaceGenerator

#: Seed of the rendered people who are taken where no data set is named: no training of this project uses it.
OTHER_PEOPLE = 1_500_000


class RealPeople(NamedTuple):
    """Rows of a manifest, their pictures (uint8 (n, 3, size, size)), the data set's name, and who was left out.

    real_people says whether these are photographs of people who exist.
    """

    people: pd.DataFrame
    pictures: Tensor
    name: str
    left_out: pd.DataFrame
    real_people: bool


def configure(parser: argparse.ArgumentParser, *, n: int) -> None:
    """--data, --n, --seed, --threads, --quiet."""
    add = parser.add_argument
    add(
        "--data",
        nargs="+",
        metavar=("NAME", "KEY=VALUE"),
        help="real people: a data set of conf/data and its settings, e.g. fairface root=DIR where.split=test "
        "(rendered people whom no generator was trained on)",
    )
    add("--n", type=int, default=n, help="real people, one picture each (%(default)s)")
    add("--seed", type=int, default=0, help="of the choice of people and all that is random (%(default)s)")
    add("--threads", type=int, help="of torch (all cores)")
    add("--quiet", action="store_true", help="no progress bar")


def check(args: argparse.Namespace) -> None:
    """Raises InputError for options that cannot be meant, before any work."""
    if args.out is None:
        raise InputError(f"{args.part} needs --out DIR, the folder to write")
    if args.n < 50:
        raise InputError(f"--n={args.n}: at least 50 people, of whom anything can be said by group")
    if args.threads is not None and args.threads < 1:
        raise InputError(f"--threads={args.threads}: at least 1")
    if args.data and (wrong := [change for change in args.data[1:] if "=" not in change]):
        raise InputError(f"--data NAME KEY=VALUE …: {listed(wrong)} is no KEY=VALUE")


def read(
    data: Sequence[str] | None, n: int, size: int, *, seed: int, conditions: Sequence[Conditions] = ()
) -> RealPeople:
    """At most n people at `size` px, one picture each; see detection.people. Raises InputError."""
    from judge.cli.generate.train import composed
    from judge.cli.generate.train import people as manifest_of
    from judge.generator.detection.people import one_picture_each
    from judge.jury.network.pictures import load_pictures

    name, *changes = data or ["parametric", "mode=natural", f"seed={OTHER_PEOPLE}"]
    if name == "parametric":  # what is not said: as many, as large and as clean as generated ones
        usual = {"n": n, "size": max(32, size), "picture_format": "png"}
        changes += [f"{k}={v}" for k, v in usual.items() if not any(c.startswith(f"{k}=") for c in changes)]
    settings = composed([f"data={name}", *(c if c.startswith("where.") else f"data.{c}" for c in changes)])
    manifest, facts = manifest_of(settings)
    kept, left_out = one_picture_each(manifest, n, seed=seed, conditions=conditions)
    pixels, kept, broken = load_pictures(kept, size)
    if len(broken):
        import pandas as pd

        left_out = pd.concat(
            [left_out, pd.DataFrame({"reason": ["broken picture"], "count": [len(broken)]})],
            ignore_index=True,
        )
    return RealPeople(kept, pixels, str(facts["data"]), left_out, bool(facts["real_people"]))


def name_of(where: str | Path, taken: Sequence[str] = ()) -> str:
    """What a generator is called in tables: its folder's name, with the one above it where that is taken."""
    path = Path(where)
    name = path.name if path.suffix != ".safetensors" else path.parent.name
    if name in taken:
        name = f"{path.resolve().parent.name}/{name}"
    if name in taken:
        raise InputError(f"generators {name!r} and another have one name; rename a folder")
    return name or str(where)


def caution(generator: FaceGenerator, name: str) -> str:
    """A sentence where the generator may have been trained on the people who are tested, else ""."""
    if str(generator.facts.get("data")) != name or name == "parametric":
        return ""
    return (
        f"the generator was trained on {name}, too: unless --data names another part of it (where.split=test), it has "
        "seen some of these people"
    )


def say_left_out(left_out: pd.DataFrame) -> None:
    for row in left_out.itertuples():
        logging.getLogger("judge").info("left out: %s, %s", f"{row.count:,}", row.reason)
