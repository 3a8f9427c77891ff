"""judge private pool: synthetic people under a privacy budget, in a folder that may be handed on."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judge.errors import InputError, listed

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from judge.privacy.pools import PrivatePool, Release

WHAT = "synthetic people who may be handed on instead of private ones, for a stated (epsilon, delta)"

EPILOG = """\
settings (KEY=VALUE, as of judge run)
  data=NAME data.KEY=VALUE    the private people: a data set of conf/data that has ratings
  where.KEY=VALUE             only these of them, e.g. where.split=train
  method=NAME                 sim_pe: rendered people, voted for by the private ones; minutes, no training
                              mean_embedding: a generator fitted to one noisy mean of frozen features; minutes
                              dp_gan: a generator taught by a discriminator that is trained with clipped, noisy steps
  method.KEY=VALUE            any setting of it
  epsilon=3 delta=null        the budget; delta is at most 1/(n ln n). epsilon=inf protects nobody
  n=N shares={...}            pictures of the pool; as many as private people, in their (noisy) shares
  features=[gender] groups.gender=[female,male]
                              groups and which there are: public, so never read from the private labels
  leave_out=true              leave groups out that are too few to be told from noise, instead of an error

what it costs
  Every number that is taken from the private people is a Gaussian mechanism and is charged to the budget: a histogram
  of groups and ratings, votes, ratings by appearance. Opacus' accountant finds the noise, dp-accounting checks it. A
  person is one picture; somebody's coming or going is hidden. More epsilon is less noise and less privacy: 1 is
  strong, 3 usual, 10 weak.

the noise
  is drawn from the system's own randomness. --noise-seed N draws it again, for tests: whoever knows N takes the noise
  off, so a real release is made without. The seed is written nowhere.

examples
  judge private pool data=parametric data.n=5000 data.size=64 epsilon=10 --out pool
  judge private pool data=mebeauty data.root=DIR where.split=train epsilon=3 leave_out=true --out pool
  judge private pool data=folder data.root=DIR 'features=[gender]' 'groups.gender=[f,m]' 'rating_range=[1,5]' --out pool
  judge private pool data=parametric --settings        the settings that this command would use
  judge run data=generated data.root=pool              a contest of judges who learn from the pool

OUT gets people/*.png, manifest.csv, privacy.json (the statement), README.md, tables as CSV and Parquet, page.html. No
private picture, path or label is written anywhere.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("overrides", nargs="*", metavar="KEY=VALUE", help="settings, see below")
    add("--out", type=Path, metavar="DIR", help="a new folder for the pool; needed")
    add("--noise-seed", type=int, metavar="N", help="of the noise, for tests only (the system's randomness)")
    add("--threads", type=int, help="of torch (all cores)")
    add("--settings", action="store_true", help="print the settings and stop")
    add("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    from omegaconf import OmegaConf

    settings = composed(args.overrides)
    if args.settings:
        print(OmegaConf.to_yaml(settings, resolve=True), end="")
        return 0
    if args.out is None:
        raise InputError("pool needs --out DIR, a new folder")
    if args.threads is not None and args.threads < 1:
        raise InputError(f"--threads={args.threads}: at least 1")
    if args.noise_seed is not None and args.noise_seed < 0:
        raise InputError(f"--noise-seed={args.noise_seed}: a whole number from 0")
    if not isinstance(settings.seed, int) or not 0 <= settings.seed < 2**32:
        raise InputError(f"seed={settings.seed}: a whole number from 0 to {2**32 - 1}")
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    from judge.privacy.accountants import check_packages
    from judge.privacy.budget import Budget
    from judge.privacy.pools.export import empty_folder
    from judge.storage import make_writable

    check_packages()
    # what is wrong with the budget or the method is told before anybody's picture is read
    delta = None if settings.delta is None else _real("delta", settings.delta)
    budget = Budget(_real("epsilon", settings.epsilon), delta)
    try:
        method = instantiate(settings.method)
    except InstantiationException as error:
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        raise InputError(f"method: {error.__cause__ or error}") from error
    make_writable(empty_folder(args.out))
    import numpy as np
    import torch

    from judge.cli.generate.train import people
    from judge.privacy.pools import asked_people, make_pool

    if args.threads is not None:
        torch.set_num_threads(args.threads)
    manifest, facts = people(
        settings, check=lambda rows, told: asked_people(rows, release_of(settings, budget, told, rows))
    )
    release = release_of(settings, budget, facts, manifest)
    secret = int.from_bytes(os.urandom(32)) if args.noise_seed is None else args.noise_seed
    pool = make_pool(
        method, manifest, release, noise=np.random.default_rng(secret), seed=settings.seed,
        progress=not args.quiet,
    )  # fmt: skip
    pool.statement["noise"] = (
        "drawn from the system's randomness"
        if args.noise_seed is None
        else "drawn from a seed that somebody chose (--noise-seed): whoever knows it can take the noise off"
    )
    rendered = bool(getattr(method, "rendered", False))
    page = write_all(pool, args.out, real_people=bool(facts["real_people"]) and not rendered)
    print(text_of(pool))
    print(f"\npage: {page}\nnext: judge data generated --root {args.out}")
    return 0


def composed(overrides: Sequence[str]) -> DictConfig:
    """conf/private.yaml with the changes. Raises InputError for a setting that there is not."""
    from hydra import compose, initialize_config_module
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from judge.experiment.choices.own_data import register_own_data

    if wrong := [change for change in overrides if "=" not in change]:
        raise InputError(f"settings of a pool are KEY=VALUE, not {listed(wrong)}")
    register_own_data(overrides)
    try:
        with initialize_config_module("judge.conf", version_base="1.3"):
            return compose("private", [_as_override(change) for change in overrides])
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(f"{' '.join(overrides)}: {error}") from error


def _as_override(change: str) -> str:
    """`method` is a file of conf/private."""
    from judge.experiment.choices.words import as_override

    return f"private@{change}" if change.startswith("method=") else as_override(change)


def release_of(settings: DictConfig, budget: Any, facts: Mapping[str, Any], manifest: Any) -> Release:
    """What is asked for. Raises InputError: groups or a scale that nobody said."""
    from omegaconf import OmegaConf

    from judge.privacy.declared import declared_features, declared_groups
    from judge.privacy.pools import Release

    told: Any = OmegaConf.to_container(settings, resolve=True)
    data = str(facts["data"])
    features = declared_features(data, manifest) if told["features"] is None else list(told["features"])
    scale = told["rating_range"] or facts["rating_range"]
    if scale is None:
        if "rating" not in manifest or manifest["rating"].isna().all():
            raise InputError(
                f"data={data}: a private pool is made for a judge, and these people have no ratings"
            )
        raise InputError(
            "rating_range=[lowest,highest] of the scale is needed: it is not read from private ratings"
        )
    return Release(
        budget=budget, features=features, groups=declared_groups(data, features, told["groups"]),
        rating_range=(float(scale[0]), float(scale[1])), n=told["n"], shares=told["shares"], bins=told["bins"],
        labels_weight=told["labels_weight"], leave_out=told["leave_out"],
    )  # fmt: skip


def _real(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name}={value}: a number over 0" + (", or inf" if name == "epsilon" else ""))
    return float(value)


def write_all(pool: PrivatePool, out: Path, *, real_people: bool) -> Path:
    """The folder, its tables and its page; returns the page."""
    from judge.data.tables import write_table
    from judge.privacy.pools.export import LIMITS, write_pool
    from judge.report.pages.private_pool import write_private_pool_page

    manifest = write_pool(pool, out, real_people=real_people)
    for name, table in pool.tables.items():
        write_table(table, out / name)
    return write_private_pool_page(
        out,
        pool.statement,
        pool.tables,
        limits=LIMITS,
        faces=None if real_people else preview(pool, manifest),
    )


def preview(pool: PrivatePool, manifest: Any, across: int = 10) -> Any:
    """The first people of each cell, none chosen."""
    import io

    from PIL import Image

    from judge.report.html import Face, Faces

    features = list(pool.statement["features"])
    names = (
        manifest[features].astype(str).agg(", ".join, axis=1)
        if features
        else manifest["image_id"].map(lambda _: "all")
    )
    groups = []
    for name, rows in names.groupby(names).groups.items():
        row = []
        for k in rows[:across]:
            file = io.BytesIO()
            Image.fromarray(pool.pictures[k].permute(1, 2, 0).numpy()).save(file, "JPEG", quality=92)
            row.append(Face(file.getvalue(), f"{manifest['rating'][k]:.1f}"))
        groups.append((str(name), row))
    return Faces("The first people of each group, with their rating; none chosen. Nobody exists.", groups)


def text_of(pool: PrivatePool) -> str:
    """What the command prints: the claim, what it was spent on, groups."""
    import pandas as pd

    told = pool.statement
    spent = told["spent"]
    head = (
        f"epsilon {told['epsilon']:g}, delta {told['delta']:.2e}; spent {spent['opacus_rdp']:.4f} by Opacus, "
        f"{spent['dp_accounting_rdp']:.4f} by dp-accounting"
        if told["protects"]
        else "epsilon is infinite: NOBODY IS PROTECTED"
    )
    mechanisms = pd.DataFrame(told["mechanisms"]).to_string(index=False, float_format="{:.3f}".format)
    cells = pool.tables["labels"].to_string(index=False, float_format="{:.3g}".format)
    left = ", ".join(told["left_out"])
    return "\n\n".join(
        [
            f"{len(pool.manifest):,} synthetic people by {told['method']}, of {told['n']:,} private ones\n{head}",
            mechanisms,
            cells,
            *([f"left out, too few to be told from noise: {left}"] if left else []),
            told["says"],
        ]
    )
