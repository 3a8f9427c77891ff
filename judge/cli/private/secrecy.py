"""judge private secrecy: a published score from which nobody reads the group, and a better one for who has the key."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judge.errors import InputError, listed

if TYPE_CHECKING:
    import pandas as pd
    from omegaconf import DictConfig

WHAT = "publish a score that keeps the group secret, with the better score for who has a key"

EPILOG = """\
who sees what
  Alice sees a face (features of a frozen network) and a key, and publishes an estimate of its score and a ciphertext.
  Bob has the key and makes a better estimate of both. Eve has no key and tries to read the group from both. Alice and
  Bob are trained against an Eve; then five fresh, stronger ones are trained, and what the strongest reads counts.

settings (KEY=VALUE, as of judge run)
  data=NAME data.KEY=VALUE   rated people: parametric, mebeauty, scut_fbp5500 …
  feature=NAME               what is hidden: ethnicity, gender, skin_tone … (ethnicity)
  where.KEY=VALUE            only people of this group
  study.weights=[0,3,30]     what Eve's reading costs Alice: each is a training and a point of the curve
  study.seeds=N seed=N       splits and trainings, and the first of them
  secrecy=faces|toy secrecy.KEY=VALUE   the training: key, ciphertext, steps …
  places=N places_within=N   of the contests that published scores decide: for all, and of each bracket

examples
  judge private secrecy toy --out secret_toy             Gaussian people: does training reach the closed form?
  judge private secrecy toy toy.seeds=3 'toy.people.shift=[2,0]' --out secret_toy
  judge private secrecy data=parametric data.n=4000 data.size=64 data.mode=natural --out secret
  judge private secrecy data=mebeauty data.root=DIR feature=gender --out secret
  judge private secrecy toy --settings                   the settings that this command would use

The same is done by two others that publish a score and nothing else: LEACE (the group erased from the features) and
noise. OUT gets page.html, figures, runs (of people) or trials (toy) and each other table as CSV and Parquet. Secrecy is
against the Eves that were tried, which is not what a cipher gives: publish nothing on its word that could do harm.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("overrides", nargs="*", metavar="toy | KEY=VALUE", help="settings, see below")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where page, figures and tables go; needed")
    parser.add_argument("--threads", type=int, help="of torch (1: the networks are small)", default=1)
    parser.add_argument("--settings", action="store_true", help="print the settings and stop")


def run(args: argparse.Namespace) -> int:
    from omegaconf import OmegaConf

    toy = "toy" in args.overrides
    settings = composed([change for change in args.overrides if change != "toy"], toy=toy)
    if args.settings:
        print(OmegaConf.to_yaml(settings, resolve=True), end="")
        return 0
    if args.out is None:
        raise InputError("secrecy needs --out DIR, the folder to write")
    if args.threads < 1:
        raise InputError(f"--threads={args.threads}: at least 1")
    if not isinstance(settings.seed, int) or not 0 <= settings.seed < 2**31:
        raise InputError(f"seed={settings.seed}: a whole number from 0 to {2**31 - 1}")
    for name in ("places", "places_within"):
        if not isinstance(settings[name], int) or settings[name] < 1:
            raise InputError(f"{name}={settings[name]}: a whole number from 1")
    from judge.fairness.inference import Inference

    confidence = Inference(settings.confidence).confidence
    training, eves = made(settings.secrecy), made(settings.eves)
    study = made(settings.toy if toy else settings.study)
    import torch

    from judge.cli.progress import bar
    from judge.storage import make_writable

    make_writable(args.out, inner=["figures"])
    torch.set_num_threads(args.threads)
    step, done = bar()
    try:
        if toy:
            trials, readings = study.run(
                training, eves, seed=settings.seed, confidence=confidence, progress=step
            )
            tables = {"trials": trials, "eves": readings}
        else:
            tables = of_people(settings, study, training, eves, confidence, step)
    finally:
        done()
    page = write_all(args.out, tables, feature=settings.feature, settings=settings)
    print("\n".join(said(tables, settings.feature)))
    print(f"\npage: {page}")
    return 0


def composed(overrides: Sequence[str], *, toy: bool) -> DictConfig:
    """conf/secrecy.yaml with the changes. Raises InputError for a setting that there is not."""
    from hydra import compose, initialize_config_module
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from judge.experiment.choices.own_data import register_own_data
    from judge.experiment.choices.words import as_override

    if wrong := [change for change in overrides if "=" not in change]:
        raise InputError(f"settings are toy or KEY=VALUE, not {listed(wrong)}")
    register_own_data(overrides)
    told = [as_override(change) for change in overrides]
    if toy and not any(change.startswith("secrecy=") for change in told):
        told.insert(0, "secrecy=toy")
    try:
        with initialize_config_module("judge.conf", version_base="1.3"):
            return compose("secrecy", told)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(f"{' '.join(overrides)}: {error}") from error


def made(settings: Any) -> Any:
    """What the settings name, with the InputError that it raises itself."""
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    from judge.experiment.settings import input_error

    try:
        return instantiate(settings)
    except InstantiationException as error:
        raise input_error(error) or error from error


def of_people(
    settings: DictConfig, study: Any, training: Any, eves: Any, confidence: float, step: Any
) -> dict[str, pd.DataFrame]:
    """runs, published, equal_secrecy and winners of the data set's people."""
    import numpy as np
    import pandas as pd
    from omegaconf import OmegaConf

    from judge.cli.generate.train import only
    from judge.experiment.settings import DataSource
    from judge.jury.embedding import embed
    from judge.privacy.secrecy import at_equal_secrecy, winners

    if OmegaConf.is_missing(settings.data, "root"):
        raise InputError("data.root is needed: the folder on your disk, e.g. data.root=DIR")
    dataset = DataSource(OmegaConf.to_container(settings.data, resolve=True)).read()  # type: ignore[arg-type]
    manifest = only(dataset.manifest, OmegaConf.to_container(settings.where))  # type: ignore[arg-type]
    # refused before anything is drawn or read
    study.usable(np.zeros((len(manifest), 1), np.float32), manifest, settings.feature)
    step("features")
    if dataset.make_pictures is not None:
        dataset.make_pictures(manifest)
    features, people, excluded = embed(manifest, made(settings.embedding), progress=False)
    runs, published = study.run(
        features,
        people,
        settings.feature,
        training,
        eves,
        seed=settings.seed,
        confidence=confidence,
        progress=step,
    )
    won = winners(
        published, people, settings.feature, places=settings.places, brackets=tuple(settings.brackets),
        places_within=settings.places_within,
    )  # fmt: skip
    tables = {"runs": runs, "published": published, "equal_secrecy": at_equal_secrecy(runs), "winners": won}
    left = people["rating"].isna() | people[settings.feature].isna()
    reasons = pd.concat(
        [
            excluded,
            pd.DataFrame(
                {"item": people.loc[left, "image_id"], "reason": "no rating or group", "detail": ""}
            ),
        ]
    )
    return {**tables, "excluded": reasons} if len(reasons) else tables


def write_all(out: Path, tables: Mapping[str, pd.DataFrame], *, feature: str, settings: DictConfig) -> Path:
    """Tables, settings.yaml, figures and page; returns the page."""
    from omegaconf import OmegaConf

    from judge.data.tables import write_table
    from judge.report.pages.secrecy import write_secrecy_page
    from judge.storage import write_text

    for name, table in tables.items():
        write_table(table, out / name)
    write_text(out / "settings.yaml", OmegaConf.to_yaml(settings, resolve=True))
    return write_secrecy_page(out, tables, feature=feature)


def said(tables: Mapping[str, pd.DataFrame], feature: str) -> list[str]:
    """What the command prints."""
    from judge.report.pages.secrecy import secrecy_said, toy_said

    if "trials" in tables:
        columns = ["seed", "public_ratio", "bob_ratio", "eve", "strongest_eve", "success"]
        table = tables["trials"][columns].to_string(index=False, float_format="{:.3f}".format)
        return [*toy_said(tables["trials"]), "", table]
    means = (
        tables["runs"].groupby(["method", "level", "reader"], sort=False)[["pearson", "within", "eve"]].mean()
    )
    return [*secrecy_said(tables, feature), "", means.to_string(float_format="{:.3f}".format, na_rep="–")]
