"""Teaches a backbone what rendered faces look like, from people whom nobody has rated.

    python experiments/parametric_pretraining.py [--people 6000] [--seed 50] [--judge cnn_depths] [--out FILE]

The backbone of a judge learns landmarks, age, gender, ethnicity and skin tone of rendered people; no rating and no
part of the truth is read (judge/jury/network/pretraining.py). Stages that the judge freezes stay as they are. Writes
the backbone as safetensors, for judge.weights=FILE; a file that is there is not made again.
For 6,000 people 20 minutes on one busy thread, and 7 for drawing them on two cores.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from torch import nn

from judge.data.parametric.dataset import read_parametric
from judge.experiment import settings as config  # noqa: F401  registers the typed root
from judge.jury.network.pretraining import backbone_file, pretrain
from judge.jury.network.spec import NetworkSpec


def backbone(name: str, overrides: list[str], people: int, seed: int, picture_px: int, file: Path) -> Path:
    """The file of a pretrained backbone of the judge conf/judge/NAME.yaml, made where it is not there yet.

    Raises InputError where the file holds a backbone of other people or another judge.
    """
    facts = {
        "judge": name,
        "overrides": list(overrides),
        "people": people,
        "seed": seed,
        "picture_px": picture_px,
    }
    workdir = file.with_suffix(".training")  # continued after a kill

    def make() -> nn.Module:
        with initialize_config_module("judge.conf", version_base="1.3"):
            settings = compose("config", overrides=[f"judge={name}", *overrides]).judge
        judge = instantiate(settings)
        trained, history = pretrain(
            NetworkSpec(judge.backbone, judge.size, judge.depths, drop_path=judge.drop_path),
            judge.weights,
            read_parametric(people, seed=seed, size=picture_px).manifest,
            augmentation=judge.augmentation,
            training=replace(judge.training, checkpoint_every=120.0),
            seed=seed,
            workdir=workdir,
            margin=judge.margin,
            crop=judge.crop,
            progress=judge.progress,
        )
        print(pd.DataFrame(history).round(3).to_string(index=False), flush=True)
        return trained

    backbone_file(file, facts, make)
    shutil.rmtree(workdir, ignore_errors=True)
    return file


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=50, help="of the unrated people")
    parser.add_argument("--judge", default="cnn_depths", help="a file of conf/judge")
    parser.add_argument("--size", type=int, default=256, help="of the pictures, px")
    parser.add_argument("--out", type=Path, default=Path("runs/rendered_faces.safetensors"))
    parser.add_argument("overrides", nargs="*", help="settings of the judge")
    args = parser.parse_args()
    print(backbone(args.judge, args.overrides, args.people, args.seed, args.size, args.out))


if __name__ == "__main__":
    main()
