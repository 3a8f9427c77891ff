"""Trains the network that reads the renderer's parameters, on rendered people alone.

    python -m judge.generator.audit.regressor [--n 20000] [--epochs 8] [--out FILE]

Splits are those of the data set: trained on train and val, its facts are of test.
"""

from __future__ import annotations

import argparse
import io
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from judge.data.parametric import read_parametric
from judge.generator.audit.reading import FILE, SIDE, ParameterRegressor, ReadingNetwork, standardised
from judge.jury.network.pictures import load_pictures

#: Columns whose names, in the manifest, are those of the outputs.
LABELS = ("age", "ita", "truth", "expected_rating")
PARAMETERS = (
    "african", "asian", "caucasian", "masculinity", "weight", "muscle", "melanin", "haemoglobin", "wrinkles",
    "blemishes", "freckles", "hair_melanin", "hair_red", "hair_grey", "brow_density", "eye_melanin", "beard", "smile",
    "brow_raise",
    "eye_open", "gaze_x", "gaze_y", "yaw", "pitch", "roll", "exposure", "light_azimuth", "light_elevation",
    "light_fill", "noise", "blur", "background_saturation", "background_value", "clothing_value",
)  # fmt: skip
HUES = ("background_hue", "clothing_hue")
GROUPS = {
    "ethnicity": "ethnicity",
    "gender": "gender",
    "age_group": "age_group",
    "hair_style": "param_hair_style",
    "hair_texture": "param_hair_texture",
}
BATCH = 128
#: Chances of each change of a training picture, so that a face is read the same when it is a little soft or coarse.
JPEG, BLUR, NOISE = 0.2, 0.4, 0.4


def targets(manifest: pd.DataFrame) -> pd.DataFrame:
    """What a regressor may learn of rendered people: a column a number, hues as cosine and sine, then the groups."""
    columns = {name: manifest[name] for name in LABELS}
    columns |= {name: manifest[f"param_{name}"].astype(float) for name in PARAMETERS}
    for hue in HUES:
        angle = 2 * np.pi * manifest[f"param_{hue}"]
        columns |= {f"{hue}_cos": np.cos(angle), f"{hue}_sin": np.sin(angle)}
    columns |= {
        name.removeprefix("param_"): manifest[name] for name in manifest if name.startswith("param_local_")
    }
    return pd.DataFrame(
        columns | {feature: manifest[column].astype(str) for feature, column in GROUPS.items()}
    )


def train(
    pictures: Tensor,
    table: pd.DataFrame,
    *,
    epochs: int,
    seed: int = 0,
    lr: float = 2e-3,
    progress: bool = True,
) -> ParameterRegressor:
    """A regressor of uint8 (n, 3, 64, 64) and what `targets` says of them; numbers that never vary are left out.

    Numbers by their Gaussian likelihood, each with a variance that is learnt along (Kendall et al. 2018, eq. 7), so
    that what cannot be seen takes no part; groups by cross-entropy. Adam with one cycle of rates.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    names = [n for n in table if n not in GROUPS and table[n].std() > 0]
    scales = {n: (float(table[n].mean()), float(table[n].std())) for n in names}
    groups = {f: tuple(sorted(table[f].unique())) for f in GROUPS if f in table and table[f].nunique() > 1}
    wanted = torch.from_numpy(standardised(table, names, scales))
    codes = {
        f: torch.from_numpy(pd.Categorical(table[f], list(g)).codes.astype(np.int64))
        for f, g in groups.items()
    }
    network = ReadingNetwork(len(names) + sum(map(len, groups.values()))).to(
        memory_format=torch.channels_last
    )
    log_variance = torch.nn.Parameter(torch.zeros(len(names)))
    optimizer = torch.optim.Adam([*network.parameters(), log_variance], lr=lr)
    steps = epochs * (len(pictures) // BATCH)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=max(steps, 2), pct_start=0.2)
    for epoch in range(epochs):
        began, total = time.perf_counter(), 0.0
        order = torch.from_numpy(rng.permutation(len(pictures)))
        for batch in order.split(BATCH):
            if len(batch) < BATCH:
                continue
            out = network(changed(pictures[batch], rng))
            squares = (out[:, : len(names)] - wanted[batch]).square().mean(0)
            loss = 0.5 * (squares * torch.exp(-log_variance) + log_variance).mean()
            start = len(names)
            for feature, group in groups.items():
                loss = loss + 0.2 * functional.cross_entropy(
                    out[:, start : start + len(group)], codes[feature][batch]
                )
                start += len(group)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            total += float(loss.detach())
        if progress:
            per_second = len(pictures) / (time.perf_counter() - began)
            print(
                f"epoch {epoch + 1} of {epochs}: loss {total * BATCH / len(pictures):.3f}, {per_second:.0f} pictures/s",
                flush=True,
            )
    return ParameterRegressor(network.eval(), scales, groups)


def changed(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Training pictures, a little shifted, softened, recompressed and noisy: uint8 → float in −1 to 1."""
    x = pictures.clone()
    for i in np.flatnonzero(rng.random(len(x)) < JPEG):
        x[i] = recompressed(x[i], int(rng.integers(50, 95)))
    y = x.float().div(127.5).sub(1)
    soft = torch.from_numpy(rng.random(len(y)) < BLUR)
    if bool(soft.any()):
        y[soft] = blurred(y[soft], rng.uniform(0.3, 1.0))
    dx, dy = rng.integers(-2, 3, 2)
    y = functional.pad(y, (2, 2, 2, 2), mode="replicate")[
        :, :, 2 + dy : 2 + dy + SIDE, 2 + dx : 2 + dx + SIDE
    ]
    spread = torch.from_numpy((rng.random(len(y)) < NOISE) * rng.uniform(0, 0.05, len(y))).float()
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(int(rng.integers(2**62))))
    return (y + spread[:, None, None, None] * noise).contiguous(memory_format=torch.channels_last)


def recompressed(picture: Tensor, quality: int) -> Tensor:
    """uint8 (3, S, S) after a JPEG of that quality."""
    file = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(file, format="JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file), copy=True)).permute(2, 0, 1)


def blurred(pictures: Tensor, sigma: float) -> Tensor:
    """Float (n, 3, S, S) after a Gaussian of sigma px, 5 × 5."""
    at = torch.arange(5) - 2.0
    line = torch.exp(-0.5 * (at / sigma) ** 2)
    line = line / line.sum()
    kernel = (line[:, None] * line).repeat(3, 1, 1, 1)
    padded = functional.pad(pictures, (2, 2, 2, 2), mode="replicate")
    return functional.conv2d(padded, kernel, groups=3)


def measured(
    regressor: ParameterRegressor, pictures: Tensor, table: pd.DataFrame, batch: int = 256
) -> dict[str, object]:
    """r2 of each number and confusion of each feature, in people that it was not trained on."""
    out = regressor.outputs(pictures, batch=batch)
    wanted = standardised(table, list(regressor.numbers), regressor.numbers)
    r2 = 1 - ((out[:, : wanted.shape[1]] - wanted) ** 2).mean(0) / wanted.var(0)
    confusion = {}
    for feature, probabilities in regressor.probabilities(out).items():
        names = regressor.groups[feature]
        true = pd.Categorical(table[feature], list(names)).codes
        confusion[feature] = _counts(true, probabilities.argmax(1), len(names)).tolist()
    return {
        "r2": {n: round(float(v), 4) for n, v in zip(regressor.numbers, r2, strict=True) if math.isfinite(v)},
        "confusion": confusion,
        "n_test": len(table),
    }


def _counts(true: NDArray[np.int8], read: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    table = np.zeros((k, k), np.int64)
    np.add.at(table, (true, read), 1)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="trains the regressor of the renderer's parameters")
    parser.add_argument(
        "--n", type=int, default=20_000, help="people to be rendered (natural, camera even, 64 px)"
    )
    parser.add_argument("--people-seed", type=int, default=15)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name(FILE))
    given = parser.parse_args(arguments)
    data = read_parametric(
        given.n, seed=given.people_seed, size=SIDE, mode="natural", camera="even", picture_format="png",
        workers=given.workers,
    )  # fmt: skip
    pictures, manifest, _ = load_pictures(data.manifest, SIDE, threads=given.workers)
    table, held_out = targets(manifest), (manifest["split"] == "test").to_numpy()
    regressor = train(
        pictures[~held_out], table[~held_out].reset_index(drop=True), epochs=given.epochs, seed=given.seed
    )
    facts = measured(regressor, pictures[held_out], table[held_out].reset_index(drop=True)) | {
        "data": f"parametric n={given.n} seed={given.people_seed} size={SIDE} mode=natural camera=even png",
        "n_train": int((~held_out).sum()),
        "epochs": given.epochs,
        "seed": given.seed,
    }
    made = ParameterRegressor(regressor.network, regressor.numbers, regressor.groups, facts)
    made.save(given.out)
    for name in made.readable:
        print(f"{name:28s} R² {facts['r2'][name]:.3f}")  # type: ignore[index]
    for feature in made.groups:
        print(made.confusion(feature))


if __name__ == "__main__":
    main()
