"""judge generate train: a generator from any data set, or from the pool of a run."""

from __future__ import annotations

import argparse
import logging
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judge.errors import InputError, listed

if TYPE_CHECKING:
    import pandas as pd
    from omegaconf import DictConfig

WHAT = "train a face generator on any data set, or on the pool of a run"

EPILOG = """\
settings (KEY=VALUE, as of judge run)
  data=NAME data.KEY=VALUE       a data set of conf/data: parametric, fairface, mebeauty, folder …
  run=FOLDER condition=NAME      instead of it the pool of a finished run (its baseline, if no condition is named)
  where.KEY=VALUE                only people of this group, e.g. where.split=train where.gender=[female]
  generator=NAME                 default (64 px, relativistic) · projected · preview (32 px, minutes) · gpu_64 …
  generator.KEY=VALUE            any setting of it: size, discriminator, conditions, pictures, augment …
  seed=N

examples
  judge generate train data=parametric data.n=10000 data.size=64 data.mode=natural --out runs/faces
  judge generate train data=fairface data.root=DIR generator.pictures=200000 --out runs/fairface
  judge generate train run=runs/contest/default condition=skewed generator=preview --out runs/of_the_pool
  judge generate train generator.discriminator=projected 'generator.conditions=[]' --out runs/unasked
  judge generate train data=fairface --settings      the settings that this command would use

OUT gets generator.safetensors, discriminator.safetensors, preview.png (a row a group) and history.csv. A training that
was stopped goes on when the same command is given again, and ends in the same bytes as one that was not.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="settings, see below")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the training's folder; needed")
    parser.add_argument("--threads", type=int, help="of torch (all cores)")
    parser.add_argument("--settings", action="store_true", help="print the settings and stop")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    from omegaconf import OmegaConf

    settings = composed(args.overrides)
    if args.settings:
        print(OmegaConf.to_yaml(settings, resolve=True), end="")
        return 0
    if args.out is None:
        raise InputError("train needs --out DIR, the training's folder")
    if args.threads is not None and args.threads < 1:
        raise InputError(f"--threads={args.threads}: at least 1")
    if not isinstance(settings.seed, int) or not 0 <= settings.seed < 2**32:
        raise InputError(f"seed={settings.seed}: a whole number from 0 to {2**32 - 1}")
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    from judge.storage import make_writable

    try:
        training = instantiate(settings.generator)
    except InstantiationException as error:
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        raise
    make_writable(args.out)
    import torch

    from judge.generator import train_generator

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    manifest, facts = people(settings)
    print(f"{len(manifest):,} people of {facts['data']}", flush=True)
    generator = train_generator(
        manifest, training, seed=settings.seed, workdir=args.out, facts=facts, progress=not args.quiet
    )
    import pandas as pd

    from judge.storage import write_text

    history = pd.DataFrame(generator.facts["history"])
    write_text(args.out / "history.csv", history.to_csv(index=False))
    best = history[history["pictures"] > 0].nsmallest(1, "distance").iloc[0]
    print(
        f"written: {args.out}, from {generator.facts['n']:,} pictures; smallest distance of pixels "
        f"{best['distance']:.3f}, after {best['pictures']:,.0f} pictures shown"
    )
    print(f"look at {args.out / 'preview.png'}; next: {audit_command(args.out, args.overrides)}")
    return 0


def audit_command(out: Path, overrides: Sequence[str]) -> str:
    """The audit of a training in `out`: it has to be told the same people."""
    told = [
        change
        for change in overrides
        if change.split("=")[0].split(".")[0] in ("data", "run", "condition", "where")
    ]
    if not any(change.startswith(("data=", "run=")) for change in told):
        told.insert(0, "data=parametric")  # as in conf/generate.yaml
    return shlex.join(
        ["judge", "generate", "audit", "--generator", str(out), "--out", str(out / "audit"), *told]
    )


def composed(overrides: Sequence[str]) -> DictConfig:
    """conf/generate.yaml with the changes. Raises InputError for a setting that there is not."""
    from hydra import compose, initialize_config_module
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from judge.experiment.choices.own_data import register_own_data
    from judge.experiment.choices.words import as_override

    wrong = [change for change in overrides if "=" not in change]
    if wrong:
        raise InputError(f"settings of a training are KEY=VALUE, not {listed(wrong)}")
    register_own_data(overrides)
    try:
        with initialize_config_module("judge.conf", version_base="1.3"):
            return compose("generate", [as_override(change) for change in overrides])
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(f"{' '.join(overrides)}: {error}") from error


def people(
    settings: DictConfig, *, check: Callable[[pd.DataFrame, dict[str, Any]], object] | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Manifest of the training people, and what the generator's file says of them. Raises InputError.

    check  called with both before pictures are rendered, to refuse what cannot be done with them
    """
    from omegaconf import OmegaConf

    where = OmegaConf.to_container(settings["where"])
    if settings.run is not None:
        manifest, facts = _of_run(Path(settings.run), settings.condition)
        render = None
    else:
        manifest, facts, render = _of_data(settings)
    chosen = only(manifest, where)  # type: ignore[arg-type]
    if check is not None:
        check(chosen, facts)
    if render is not None:
        render(manifest)
    return chosen, facts


def only(manifest: pd.DataFrame, where: Mapping[Any, Any]) -> pd.DataFrame:
    """The people whose columns have one of the values that `where` names. Raises InputError for unknown ones."""
    for key, wanted in where.items():
        key = str(key)
        values = [str(v) for v in (wanted if isinstance(wanted, list) else [wanted])]
        if key not in manifest:
            raise InputError(f"where.{key}: the data have {listed(manifest.columns)}")
        there = manifest[key].astype("str")
        if other := sorted(set(values) - set(there)):
            raise InputError(f"where.{key}={listed(other)}: it is one of {listed(sorted(set(there)))}")
        manifest = manifest[there.isin(values)].reset_index(drop=True)
    return manifest


def _of_data(
    settings: DictConfig,
) -> tuple[pd.DataFrame, dict[str, Any], Callable[[pd.DataFrame], object] | None]:
    from omegaconf import OmegaConf

    from judge.experiment.settings import DataSource

    if OmegaConf.is_missing(settings.data, "root"):
        raise InputError("data.root is needed: the folder on your disk, e.g. data.root=DIR")
    dataset = DataSource(OmegaConf.to_container(settings.data, resolve=True)).read()  # type: ignore[arg-type]
    facts = {"data": dataset.name, "real_people": dataset.real_people, "rating_range": dataset.rating_range}
    return dataset.manifest, facts, dataset.make_pictures


def _of_run(folder: Path, condition: str | None) -> tuple[pd.DataFrame, dict[str, Any]]:
    import yaml

    from judge.experiment.run_folder import pool_of_run

    manifest, name = pool_of_run(folder, condition)
    data = yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8")).get("data", {})
    low, high = data.get("rating_range") or (data.get("ratings") or {}).get("low"), None
    if isinstance(low, list):
        low, high = low
    elif low is not None:
        high = data["ratings"]["high"]
    return manifest, {
        "data": f"the pool of {name} in {folder.name}",
        "real_people": bool((manifest["source"] == "photo").any()),
        "rating_range": None if low is None else [low, high],
    }
