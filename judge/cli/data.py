"""judge data: what a data set holds; people who do not exist, made and written."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judge.errors import InputError
from judge.storage import make_writable

if TYPE_CHECKING:
    from judge.data.dataset import Dataset

#: Data sets that are made here, each with its own options; all others in conf/data are read.
MADE = ("parametric", "twins")
#: Default seeds. Twins have another than the pool: twins of people that the judge has learnt from prove little.
SEEDS = {"parametric": 0, "twins": 1_000_000}

EXAMPLES = """\
examples
  judge data mebeauty --root DIR                     groups × brackets, ratings, reliability, what is excluded
  judge data fairface --root DIR --out about         the same as a page, figures and tables; shows no face
  judge data utkface --root DIR --decode             decode every picture: damage inside, equal pixels
  judge data scut_fbp5500 --root DIR --set split=2   a setting of conf/data/scut_fbp5500.yaml
  judge data folder --root DIR                       your own pictures: which column is what, what would be set aside
  judge data folder --root DIR --save-config mine.yaml               then: judge run --config-dir . data=mine
  judge data folder --root DIR --set table=people.csv columns.ethnicity=race 'rating_range=[1,7]'
  judge data cfd --card                              the data card: origin, licence, labels, traps
  judge data parametric --n 500 --out faces --sheet  500 people who do not exist, and a picture of them
  judge data twins --n 20 --out twins --sheet        the same people in other skin tones

`judge data NAME --help` shows the options. What cannot be used is excluded and counted by reason; so is whoever
is, or by an age band may be, under 18. Your own data: `folder`, or a reader in one file judge/data/readers/x.py
and its settings in conf/data/x.yaml. --set takes the words of judge run, with data. before them or without.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    names = parser.add_subparsers(dest="name", metavar="NAME", required=True, title="data sets")
    for name, what in data_sets().items():
        sub = names.add_parser(
            name,
            help=what.replace("%", "%%"),
            description=what,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _made_options(sub, name) if name in MADE else _read_options(sub, name)


def run(args: argparse.Namespace) -> int:
    if getattr(args, "card", False):
        print(_card(args.name))
        return 0
    return _make(args) if args.name in MADE else _describe(args)


def data_sets() -> dict[str, str]:
    """{name: what it is} of every file in conf/data; the words are the file's first comment."""
    from importlib.resources import files

    found = {}
    for file in sorted(files("judge.conf").joinpath("data").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            first = file.read_text(encoding="utf-8").splitlines()[:1]
            words = first[0].lstrip("# ") if first and first[0].startswith("#") else ""
            found[file.name.removesuffix(".yaml")] = words.split(" `judge data")[0]
    return found


def _read_options(sub: argparse.ArgumentParser, name: str) -> None:
    sub.add_argument("--root", metavar="DIR", help="the folder on your disk")
    sub.add_argument(
        "--card", action="store_true", help="print the data card (origin, licence, labels, traps) and stop"
    )
    sub.add_argument(
        "--decode", action="store_true", help="decode every picture, not only look at its header"
    )
    _settings_options(sub, f"settings of conf/data/{name}.yaml")
    if name == "folder":
        sub.add_argument(
            "--save-config",
            type=Path,
            metavar="NAME.yaml",
            help="write the settings that fit this folder, for judge run --config-dir . data=NAME",
        )
    sub.add_argument(
        "--out", type=Path, metavar="DIR", help="write a page, figures and tables (CSV, Parquet) here"
    )
    sub.add_argument("--sheet", action="store_true", help="also OUT/sheet.png, pictures of each group")
    sub.add_argument(
        "--sheet-of-real-people",
        action="store_true",
        help="the same for photographs of people who exist: only where their terms allow it",
    )


def _made_options(sub: argparse.ArgumentParser, name: str) -> None:
    twins = name == "twins"
    sub.add_argument("--n", type=int, default=100 if twins else 500, help="people (%(default)s)")
    sub.add_argument("--out", type=Path, metavar="DIR", help="an empty folder, or one to go on in; needed")
    if twins:
        sub.add_argument(
            "--tones", default="5", help="how many skin tones, or melanin levels such as 0.1,0.5,0.9 (5)"
        )
        sub.add_argument(
            "--no-placebo", action="store_true", help="no twins with another background, light, exposure"
        )
    else:
        sub.add_argument("--picture-format", choices=("jpeg", "png"), default="jpeg", help="(%(default)s)")
    sub.add_argument("--seed", type=int, default=SEEDS[name], help="other seed, other people (%(default)s)")
    sub.add_argument("--size", type=int, default=128, help="of a picture in pixels, 32 to 512 (%(default)s)")
    sub.add_argument(
        "--mode",
        choices=("independent", "natural"),
        default="independent",
        help="independent: nothing but head shape goes with ethnicity; natural: skin, hair, eyes too "
        "(%(default)s)",
    )
    sub.add_argument("--camera", default="even", help="even, varied, dim … (%(default)s)")
    _settings_options(
        sub,
        f"settings of conf/data/{name}.yaml, in place of the options; shares are scaled to sum to 1: "
        "composition.ethnicity.african=1 composition.ethnicity.caucasian=9",
    )
    sub.add_argument("--sheet", action="store_true", help="also OUT/sheet.png, the people at a glance")
    sub.add_argument("--workers", type=int, help="processes (all cores)")
    sub.add_argument("--card", action="store_true", help="print the data card and stop")


def _settings_options(sub: argparse.ArgumentParser, words: str) -> None:
    sub.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="the same as --set")
    sub.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help=words)


def _describe(args: argparse.Namespace) -> int:
    from judge.cli import describe

    if args.out is None and (args.sheet or args.sheet_of_real_people):
        raise InputError("--sheet needs --out DIR to write sheet.png into")
    if args.out is not None:
        make_writable(args.out, inner=["figures"])
    dataset, (before, after) = _read(args)
    tables = describe.tables_of(dataset)
    print(before + describe.text_of(dataset, tables))
    if args.sheet or args.sheet_of_real_people:
        print(f"\nsheet: {describe.sheet_of(dataset, args.out, show_real_people=args.sheet_of_real_people)}")
    if args.out is not None:
        print(f"\npage: {describe.write_all(dataset, tables, args.out)}")
    if after:
        print(f"\n{after}")
    return 0


def _settings(name: str, words: list[str]) -> dict[str, Any]:
    """conf/data/NAME.yaml with the changes KEY=VALUE; InputError for a key that the file does not have."""
    from judge.experiment.choices.words import merged

    settings = _usual(name)
    return merged(settings, _changes(name, words))


def _usual(name: str) -> dict[str, Any]:
    from importlib.resources import files

    from omegaconf import OmegaConf

    file = files("judge.conf").joinpath("data", f"{name}.yaml")
    return OmegaConf.to_container(OmegaConf.create(file.read_text(encoding="utf-8")))  # type: ignore[return-value]


def _changes(name: str, words: list[str]) -> dict[str, Any]:
    from judge.experiment.choices.words import changes

    known = [key for key in _usual(name) if not key.startswith("_")]
    return changes(words, known, f"judge data {name} --set", ["data"])


def _read(args: argparse.Namespace) -> tuple[Dataset, list[str]]:
    """The data set, and what is said before and after it."""
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    words = [*args.overrides, *args.set]
    settings = _settings(args.name, words)
    if args.root is not None:
        settings["root"] = args.root
    if settings.get("root", "") == "???":
        raise InputError(f"judge data {args.name} needs --root DIR, the folder on your disk")
    said = ["", ""]
    proposal = None
    if args.name == "folder":
        from judge.cli.own_folder import checked_file, proposal_of

        if args.save_config is not None:
            checked_file(args.save_config)
        proposal, settings = proposal_of(settings["root"], settings, _changes(args.name, words))
        said[0] = f"{proposal.text()}\n\n"
    if args.decode:
        settings["check"] = "decode"
    try:
        dataset = instantiate(settings, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, InputError):
            raise InputError(f"{said[0]}{error.__cause__}") from None
        raise
    if proposal is not None:
        from judge.cli.own_folder import next_command, save_config

        if args.save_config is not None:
            save_config(args.save_config, settings, proposal)
        said[1] = next_command(dataset, args.save_config)
    return dataset, said


def _make(args: argparse.Namespace) -> int:
    from judge.data.parametric.export import main_parametric, main_twins

    if args.out is None:
        raise InputError(f"judge data {args.name} needs --out DIR, the folder to write")
    make_writable(args.out, inner=["images"])
    settings = {name: getattr(args, name) for name in ("n", "seed", "size", "mode", "camera", "workers")}
    if args.name == "twins":
        settings |= {"tones": _tones(args.tones), "placebo": not args.no_placebo}
    else:
        settings |= {"picture_format": args.picture_format}
    settings |= _made_settings(args.name, [*args.overrides, *args.set])
    make = main_twins if args.name == "twins" else main_parametric
    folder = make(settings.pop("n"), args.out, sheet=args.sheet, **settings)
    print(f"written: {folder}")
    return 0


def _made_settings(name: str, changes: list[str]) -> dict[str, Any]:
    """The changes KEY=VALUE of conf/data/NAME.yaml alone; InputError for a key or a kind of value that it has not."""
    usual = {key: value for key, value in _usual(name).items() if not key.startswith("_")}
    where = f"judge data {name} --set"
    nested = _changes(name, changes)
    for key, value in nested.items():
        for kind, words in ((bool, "true or false"), (int | float, "a number")):
            if isinstance(usual[key], kind) and key != "tones":
                if not isinstance(value, kind):
                    raise InputError(f"{where}: {key} is {words}, such as {usual[key]!r}, not {value!r}")
                break
    return nested


def _tones(text: str) -> int | list[float]:
    """ "5" is a number of tones; "0.1,0.5" or "0.5" are levels."""
    try:
        return int(text) if text.isdecimal() else [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"--tones is a number, or melanin levels such as 0.1,0.5,0.9, not {text!r}"
        ) from None


def _card(name: str) -> str:
    from inspect import getdoc

    from hydra.utils import get_method

    return getdoc(get_method(_usual(name)["_target_"])) or "no card"
