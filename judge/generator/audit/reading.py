"""A network that reads the renderer's parameters off a face: its shape, its file, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from judge.errors import InputError
from judge.storage.tensors import load_module, load_tensors, module_tensors, save_tensors

FILE = "regressor.safetensors"
KIND = "parameter regressor 1"
#: Side of the pictures that the network sees; others are resized to it.
SIDE = 64
WIDTHS = (24, 48, 96, 160)
HIDDEN = 128
#: A number is part of the feature space if the network explains at least this share of its variance in people that
#: it never saw.
READABLE = 0.3
#: Said of every face whatever they reach: lightening and ratings are about them.
ALWAYS = ("ita", "truth", "expected_rating")


class ReadingNetwork(nn.Module):
    """Float (B, 3, 64, 64) in −1 to 1 → (B, outputs): a small network of its own, no weights of others."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        first, second, third, fourth = WIDTHS

        def layer(inputs: int, width: int, kernel: int, stride: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(inputs, width, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            )

        self.layers = nn.Sequential(
            layer(3, first, 5, 2),
            layer(first, second, 3, 2),
            layer(second, second, 3, 1),
            layer(second, third, 3, 2),
            layer(third, third, 3, 1),
            layer(third, fourth, 3, 2),
        )
        self.hidden = nn.Linear(fourth * (SIDE // 16) ** 2, HIDDEN)
        self.outputs = nn.Linear(HIDDEN, outputs)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.layers(pictures).flatten(1)
        x = functional.dropout(functional.relu(self.hidden(x)), 0.1, self.training)
        out: Tensor = self.outputs(x)
        return out


@dataclass(frozen=True)
class ParameterRegressor:
    """Reads the renderer's parameters and the groups of people off pictures of faces.

    network  in eval mode, on the CPU
    numbers  name → (mean, standard deviation) in the training data, in the order of the outputs
    groups   feature → its groups, in the order of the outputs after the numbers
    facts    JSON-able: r2 (name → share of variance explained), confusion (feature → rows of counts: true group ×
             read group), both of people that the network never saw; data, n_train, n_test, seed …

    Examples
    --------
    >>> import torch
    >>> from judge.generator.audit.spaces import parameter_regressor
    >>> reader = parameter_regressor()
    >>> reader.features(torch.zeros(2, 3, 64, 64, dtype=torch.uint8)).shape[0]
    2
    """

    network: ReadingNetwork
    numbers: Mapping[str, tuple[float, float]]
    groups: Mapping[str, tuple[str, ...]]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def readable(self) -> tuple[str, ...]:
        """Numbers of which at least READABLE of the variance is explained: the columns of `features`."""
        return tuple(n for n in self.numbers if self.facts.get("r2", {}).get(n, 0.0) >= READABLE)

    def outputs(self, pictures: Tensor | NDArray[np.uint8], *, batch: int = 256) -> NDArray[np.float32]:
        """(n, outputs) of uint8 pictures (n, 3, S, S): standardised numbers, then logits of each feature's groups."""
        x = as_pictures(pictures)
        out = np.empty((len(x), self.network.outputs.out_features), np.float32)
        with torch.inference_mode():
            for start in range(0, len(x), batch):
                part = to_side(x[start : start + batch], SIDE).div(127.5).sub(1)
                out[start : start + batch] = self.network(part).numpy()
        return out

    def read(self, pictures: Tensor | NDArray[np.uint8]) -> pd.DataFrame:
        """What the faces look to have been drawn with, a row a picture.

        pictures  uint8 (n, 3, S, S), S at least 16
        Columns: the `readable` numbers and ALWAYS, in the renderer's units (ita in degrees, age in years, others as
        param_* of `judge data parametric`; a hue as its cosine and sine); for each feature the likeliest group, and
        `p_<feature>_<group>`, its probability.
        """
        out = self.outputs(pictures)
        columns: dict[str, Any] = {}
        for place, (name, (mean, sd)) in enumerate(self.numbers.items()):
            if name in self.readable or name in ALWAYS:
                columns[name] = out[:, place].astype(float) * sd + mean
        for feature, probabilities in self.probabilities(out).items():
            names = self.groups[feature]
            columns[feature] = np.array(names, dtype=object)[probabilities.argmax(1)]
            columns |= {f"p_{feature}_{name}": probabilities[:, k] for k, name in enumerate(names)}
        return pd.DataFrame(columns)

    def probabilities(self, outputs: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        """Feature → (n, groups) probabilities, of what `outputs` returned."""
        found: dict[str, NDArray[np.float64]] = {}
        start = len(self.numbers)
        for feature, names in self.groups.items():
            logits = outputs[:, start : start + len(names)].astype(float)
            raised = np.exp(logits - logits.max(1, keepdims=True))
            found[feature] = raised / raised.sum(1, keepdims=True)
            start += len(names)
        return found

    def features(self, pictures: Tensor | NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, len(readable)) float32: the readable numbers, in standard deviations of the training data."""
        kept = [k for k, name in enumerate(self.numbers) if name in self.readable]
        return self.outputs(pictures)[:, kept]

    def confusion(self, feature: str) -> pd.DataFrame:
        """Counts of people that the network never saw: true group (rows) × read group (columns)."""
        if feature not in self.groups:
            raise InputError(f"the regressor reads {', '.join(self.groups)}, not {feature!r}")
        names = list(self.groups[feature])
        return pd.DataFrame(self.facts["confusion"][feature], index=names, columns=names)

    def save(self, path: Path) -> None:
        """Writes network and facts; weights in half precision, which is finer than what they explain."""
        tensors = {
            k: v.half() if v.is_floating_point() else v
            for k, v in module_tensors("reader", self.network).items()
        }
        facts = {
            **self.facts,
            "kind": KIND,
            "numbers": {k: list(v) for k, v in self.numbers.items()},
            "groups": {k: list(v) for k, v in self.groups.items()},
        }
        save_tensors(path, tensors, facts)


def load_regressor(path: Path) -> ParameterRegressor:
    """A saved one. Raises InputError for a file that is missing, damaged, or something else."""
    if not path.is_file():
        raise InputError(
            f"{path}: no parameter regressor there; python -m judge.generator.audit.regressor makes one"
        )
    tensors, facts = load_tensors(path)
    if facts.get("kind") != KIND:
        raise InputError(f"{path} holds no {KIND} but {facts.get('kind', 'something else')!r}")
    try:
        numbers = {str(k): (float(v[0]), float(v[1])) for k, v in facts["numbers"].items()}
        groups = {str(k): tuple(map(str, v)) for k, v in facts["groups"].items()}
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"{path}: what it says of its outputs is damaged ({error!r})") from error
    network = ReadingNetwork(len(numbers) + sum(map(len, groups.values())))
    load_module("reader", network, tensors)
    return ParameterRegressor(network.eval(), numbers, groups, facts)


@cache
def parameter_regressor() -> ParameterRegressor:
    """The one that comes with judge: trained on rendered people at 64 px, never part of any discriminator."""
    return load_regressor(Path(str(files("judge.generator.audit").joinpath(FILE))))


def as_pictures(pictures: Tensor | NDArray[np.uint8]) -> Tensor:
    """Checked: uint8 (n, 3, S, S) with S at least 16. Raises InputError."""
    x = torch.as_tensor(pictures)
    if (
        x.dtype != torch.uint8
        or x.ndim != 4
        or x.shape[1] != 3
        or x.shape[2] != x.shape[3]
        or x.shape[2] < 16
    ):
        raise InputError(
            f"pictures are {x.dtype} {tuple(x.shape)}; allowed is uint8 (n, 3, S, S) with S at least 16"
        )
    return x


def to_side(pictures: Tensor, side: int) -> Tensor:
    """uint8 (n, 3, S, S) as float 0 to 255 (n, 3, side, side); areas are averaged where S is a multiple of side."""
    x = pictures.float()
    size = x.shape[-1]
    if size == side:
        return x
    if size % side == 0:
        return functional.avg_pool2d(x, size // side)
    return functional.interpolate(
        x, size=(side, side), mode="bilinear", antialias=True, align_corners=False
    ).clamp(0, 255)


def standardised(
    table: pd.DataFrame, names: Sequence[str], scales: Mapping[str, tuple[float, float]]
) -> NDArray[np.float32]:
    """(n, len(names)) of a table's columns, in standard deviations."""
    return np.stack([(table[n].to_numpy(float) - scales[n][0]) / scales[n][1] for n in names], 1).astype(
        np.float32
    )
