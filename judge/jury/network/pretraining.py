"""Teaches a backbone what rendered faces look like, from people whom nobody has rated.

Networks that rate faces usually begin as networks that know faces. This one learns from unrated rendered people what
face data sets come with: landmarks, age, gender, ethnicity and skin tone (ITA). Landmarks are given twice, as they lie
in the picture and frontal, without the head's pose, both after the position, size and rotation of the face have been
taken out. No rating and no part of the truth is read. All targets are standardised, the loss is their mean squared
error; the head starts as a ridge regression (ridge.py says why). Stages that are frozen stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from torch import Tensor, nn

from judge.data.parametric.geometry import LANDMARKS, landmarks
from judge.errors import InputError
from judge.jury.network.augmentation import Augmentation
from judge.jury.network.backbone import HeadStart, create_backbone
from judge.jury.network.losses import Batch, Parts
from judge.jury.network.pictures import load_pictures
from judge.jury.network.pool import Pool
from judge.jury.network.spec import NetworkSpec, build_network
from judge.jury.network.training import Training, train
from judge.jury.network.views import frozen_views
from judge.storage.tensors import load_tensors, save_tensors


class Labels(nn.Module):
    """Mean squared error of standardised labels, read from the network's features by one linear layer.

    labels  float32 (n, q), a row a picture of the pool
    start   the regression of the labels on the features that the layer begins as
    """

    def __init__(self, labels: Tensor, start: Ridge) -> None:
        super().__init__()
        self.labels: Tensor
        self.register_buffer("labels", labels, persistent=False)
        self.head = nn.Linear(start.coef_.shape[1], labels.shape[1])
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(start.coef_))
            self.head.bias.copy_(torch.from_numpy(start.intercept_))

    def settings(self) -> dict[str, Any]:
        return {"labels": self.labels}

    def forward(self, network: nn.Module, batch: Batch) -> Parts:
        error = (self.head(network(batch.pixels).features) - self.labels[batch.rows]).square()
        return {"loss": batch.mean(error.mean(1))}


def labels_of(people: pd.DataFrame) -> Tensor:
    """float32 (2, n, q), standardised: of the pictures of a parametric manifest, and of their mirror images."""
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


def mirrored(shape: NDArray) -> NDArray:
    """Landmarks (n, k, 2) of the mirror image, about another origin: left and right change names."""
    other = {"_l": "_r", "_r": "_l"}
    order = [LANDMARKS.index(name[:-2] + other.get(name[-2:], name[-2:])) for name in LANDMARKS]
    return shape[:, order] * np.array([-1.0, 1.0])


def aligned(shape: NDArray) -> NDArray:
    """Landmarks (n, k, 2) rid of place, size and rotation (Procrustes, against the mean), as (n, 2 k)."""
    z = shape[..., 0] + 1j * shape[..., 1]
    z = z - z.mean(1, keepdims=True)
    z = z / np.sqrt((np.abs(z) ** 2).mean(1, keepdims=True))
    for _ in range(3):
        turn = (np.conj(z) * z.mean(0)).sum(1, keepdims=True)
        z = z * turn / np.abs(turn)
    return np.concatenate([z.real, z.imag], 1)


def pretrain(
    spec: NetworkSpec,
    weights: str,
    people: pd.DataFrame,
    *,
    augmentation: Augmentation,
    training: Training,
    seed: int,
    workdir: Path,
    margin: float = 1.0,
    crop: float = 1.0,
    views: int = 2,
    epochs: int = 4,
    penalty: float = 3.0,
    progress: bool = True,
) -> tuple[nn.Module, list[dict[str, float]]]:
    """The backbone of `spec` after it has learnt landmarks and labels of `people`, and a record an epoch.

    weights   where the backbone starts (backbone.create_backbone)
    people    manifest of rendered people; pictures that cannot be read are left out
    training  settings of the loop; its frozen stages (train_from_stage ≥ 1) read the views beforehand. Epochs are
              `epochs` instead, the last one is kept, and there is no moving average
    workdir   state of the training, continued after a kill
    margin, crop  of the decoded pictures, as in CnnJudge
    views     of each picture and each mirror image, drawn once
    penalty   of the ridge regression that the head of the labels starts as, per picture
    """
    pixels, people, _ = load_pictures(people, round(spec.size * margin), crop=crop)
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # as the loop does: weights=none must give the same frozen stages there
        network = build_network(spec, weights).eval()
        whole = create_backbone(spec.backbone, weights, size=spec.size)  # with what `depths` does not read
    stage = training.train_from_stage
    # a mirror image has labels of its own, so it is a picture of its own
    augmentation = replace(augmentation, flip=0.0)
    both = torch.cat([pixels, pixels.flip(3)])
    seen = frozen_views(
        network, both, augmentation, size=spec.size, stage=stage, views=views, progress=progress
    )
    labels = labels_of(people).flatten(0, 1)
    network.from_stage(stage)
    with torch.inference_mode():
        features = torch.cat([network(piece[:, 0]).features for piece in seen.split(64)])
    mean, scale = features.mean(0), features.std(0).clamp_min(1e-6)
    start = Ridge(alpha=penalty * len(features)).fit(((features - mean) / scale).numpy(), labels.numpy())
    standard = HeadStart(mean, scale, torch.zeros(len(mean)), 0.0, 1.0)
    trained, history = train(
        partial(build_network, spec, weights, standard),
        Labels(labels, start),
        Pool(seen, torch.zeros(len(labels)), torch.ones(len(labels))),
        None,
        size=spec.size,
        augmentation=augmentation,
        settings=replace(training, epochs=epochs, ema_half_life=None, select="last"),
        seed=seed,
        workdir=workdir,
        identity={"network": spec.to_json(), "weights": weights, "penalty": penalty},
        progress=progress,
    )
    unknown = whole.load_state_dict(trained.backbone.state_dict(), strict=False).unexpected_keys
    if unknown:
        raise RuntimeError(f"the trained backbone has tensors that it began without: {unknown}")
    return whole, history


def backbone_file(file: Path, facts: dict[str, Any], make: Callable[[], nn.Module]) -> Path:
    """A backbone's file for weights=FILE, made where it is not there yet; `facts`, which say what made it, are in it.

    Raises InputError where the file holds a backbone that other facts made.
    """
    if file.is_file():
        found = load_tensors(file)[1]
        if found != facts:
            raise InputError(f"{file} was made with {found}, not with {facts}; name another file")
        return file
    save_tensors(file, make().state_dict(), facts)
    return file
