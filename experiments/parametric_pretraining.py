"""Teaches a backbone what rendered faces look like, from people whom nobody has rated.

    python experiments/parametric_pretraining.py [--people 6000] [--seed 50] [--judge cnn_depths] [--out FILE]

Networks that rate faces usually begin as networks that know faces. This one learns from unrated rendered people what
face data sets come with: landmarks, age, gender, ethnicity and skin tone (ITA). Landmarks are given twice, as they lie
in the picture and frontal, without the head's pose, both after the position, size and rotation of the face have been
taken out. No rating and no part of the truth is read. All targets are standardised, the loss is their mean squared
error; the head starts as a ridge regression (judge/jury/network/probe.py says why). Stages that the judge freezes stay
as they are. Writes the backbone as safetensors, for judge.weights=FILE; a file that is there is not made again.
For 6,000 people 20 minutes on one busy thread, and 7 for drawing them on two cores.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate
from sklearn.linear_model import Ridge
from torch import Tensor, nn

from judge.data.parametric.dataset import read_parametric
from judge.data.parametric.geometry import LANDMARKS, landmarks
from judge.errors import InputError
from judge.experiment import settings as config  # noqa: F401  registers the typed root
from judge.jury.beauty import CnnJudge, build_network
from judge.jury.network.backbone import HeadStart, create_backbone
from judge.jury.network.losses import Batch, Parts
from judge.jury.network.pictures import load_pictures
from judge.jury.network.training import Pool, train
from judge.jury.network.views import frozen_views
from judge.storage.tensors import load_tensors, save_tensors

#: Views of each picture and each mirror image, passes over them, ridge penalty per picture of the head's start.
VIEWS, EPOCHS, PENALTY = 2, 4, 3.0


class Labels(nn.Module):
    """Mean squared error of standardised labels, read from the network's features by one linear layer."""

    def __init__(self, labels: Tensor, start: Ridge) -> None:
        super().__init__()
        self.labels: Tensor
        self.register_buffer("labels", labels, persistent=False)  # (n, q)
        self.head = nn.Linear(start.coef_.shape[1], labels.shape[1])
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(start.coef_))
            self.head.bias.copy_(torch.from_numpy(start.intercept_))

    def forward(self, network: nn.Module, batch: Batch) -> Parts:
        error = (self.head(network(batch.pixels).features) - self.labels[batch.rows]).square()
        return {"loss": batch.mean(error.mean(1))}


def labels_of(people: pd.DataFrame) -> Tensor:
    """float32 (2, n, q), standardised: of the pictures, and of their mirror images."""
    places, frontal = [], []
    for row in people.to_dict("records"):
        found = landmarks(
            {key.removeprefix("param_"): v for key, v in row.items() if key.startswith("param_")}, 256
        )
        places.append(found["pixels"])
        frontal.append(found["points"][:, :2])
    shapes = [np.stack([shape, mirrored(shape)]) for shape in (np.stack(places), np.stack(frontal))]
    columns = [aligned(shape.reshape(-1, *shape.shape[2:])) for shape in shapes]
    known = [people[["age", "ita"]].to_numpy(float)]
    known += [pd.get_dummies(people[name]).to_numpy(float) for name in ("ethnicity", "gender")]
    columns += [np.tile(np.concatenate(known, 1), (2, 1))]
    table = np.concatenate(columns, 1)
    table = table[:, table.std(0) > 1e-4]  # what varies by rounding only is no label
    return torch.from_numpy((table - table.mean(0)) / table.std(0)).float().unflatten(0, (2, len(people)))


def mirrored(shape: np.ndarray) -> np.ndarray:
    """Landmarks (n, k, 2) of the mirror image, about another origin: left and right change names."""
    other = {"_l": "_r", "_r": "_l"}
    order = [LANDMARKS.index(name[:-2] + other.get(name[-2:], name[-2:])) for name in LANDMARKS]
    return shape[:, order] * np.array([-1.0, 1.0])


def aligned(shape: np.ndarray) -> np.ndarray:
    """Landmarks (n, k, 2) rid of place, size and rotation (Procrustes, against the mean), as (n, 2 k)."""
    z = shape[..., 0] + 1j * shape[..., 1]
    z = z - z.mean(1, keepdims=True)
    z = z / np.sqrt((np.abs(z) ** 2).mean(1, keepdims=True))
    for _ in range(3):
        turn = (np.conj(z) * z.mean(0)).sum(1, keepdims=True)
        z = z * turn / np.abs(turn)
    return np.concatenate([z.real, z.imag], 1)


def pretrain(judge: CnnJudge, facts: dict[str, Any], file: Path) -> None:
    """Trains the judge's backbone on the people, seed and picture_px of `facts`, which are kept in the file."""
    seed = facts["seed"]
    manifest = read_parametric(facts["people"], seed=seed, size=facts["picture_px"]).manifest
    pixels, manifest, excluded = load_pictures(manifest, round(judge.size * judge.margin), crop=judge.crop)
    print(
        f"{len(manifest)} people of seed {seed}, {len(excluded)} excluded; ratings are not read", flush=True
    )
    settings = {
        "backbone": judge.backbone,
        "size": judge.size,
        "depths": None if judge.depths is None else asdict(judge.depths),
        "dropout": 0.0,
        "drop_path": judge.drop_path,
        "levels": None,
        "centre": 0.0,
        "spread": 1.0,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # as the loop does: weights=none must give the same frozen stages there
        network = build_network(settings, judge.weights).eval()
    stage = judge.training.train_from_stage
    # a mirror image has labels of its own, so it is a picture of its own
    augmentation = replace(judge.augmentation, flip=0.0)
    views = frozen_views(
        network, torch.cat([pixels, pixels.flip(3)]), augmentation, size=judge.size, stage=stage, views=VIEWS
    )
    labels = labels_of(manifest).flatten(0, 1)
    network.from_stage(stage)
    with torch.inference_mode():
        features = torch.cat([network(piece[:, 0]).features for piece in views.split(64)])
    mean, scale = features.mean(0), features.std(0).clamp_min(1e-6)
    start = Ridge(alpha=PENALTY * len(features)).fit(((features - mean) / scale).numpy(), labels.numpy())
    workdir = file.with_suffix(".training")  # continued after a kill
    trained, history = train(
        partial(
            build_network, settings, judge.weights, HeadStart(mean, scale, torch.zeros(len(mean)), 0.0, 1.0)
        ),
        Labels(labels, start),
        Pool(views, torch.zeros(len(labels)), torch.ones(len(labels))),
        None,
        size=judge.size,
        augmentation=augmentation,
        settings=replace(
            judge.training, epochs=EPOCHS, ema_half_life=None, select="last", checkpoint_every=120.0
        ),
        seed=seed,
        workdir=workdir,
        identity=json.dumps([facts, settings]),
    )
    print(pd.DataFrame(history).round(3).to_string(index=False), flush=True)
    whole = create_backbone(judge.backbone, judge.weights, size=judge.size)
    unknown = whole.load_state_dict(trained.backbone.state_dict(), strict=False).unexpected_keys
    if unknown:
        raise RuntimeError(f"the trained backbone has tensors that it began without: {unknown}")
    save_tensors(file, whole.state_dict(), facts)
    shutil.rmtree(workdir)


def backbone(judge: str, overrides: list[str], people: int, seed: int, picture_px: int, file: Path) -> Path:
    """The file of a pretrained backbone, made where it is not there yet.

    Raises InputError where the file holds a backbone of other people or another judge.
    """
    facts = {
        "judge": judge,
        "overrides": list(overrides),
        "people": people,
        "seed": seed,
        "picture_px": picture_px,
    }
    if file.is_file():
        found = load_tensors(file)[1]
        if found != facts:
            raise InputError(f"{file} was made with {found}, not with {facts}; name another file")
        return file
    with initialize_config_module("judge.conf", version_base="1.3"):
        settings = compose("config", overrides=[f"judge={judge}", *overrides]).judge
    pretrain(instantiate(settings), facts, file)
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
