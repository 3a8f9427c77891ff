"""Embeddings of aligned faces from a frozen network: what the robots resemblance and age measure.

Several depths of the network are read: age and skin show in the middle layers, which the last one has learnt to
ignore. The network is the packaged one of the embedding judge, so no download.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.jury.faces.alignment import Portraits

if TYPE_CHECKING:
    import torch
    from torch import nn

    from judge.jury.network.depths import Depths

#: What is read of the stages, in the terms of `depths.Depths`: averages over the whole face, for likeness whatever
#: lies where; averages in cells and texture, for age, which shows in places.
PARTS = {
    "means": {"cells": (0, 0, 1, 1, 1), "spread": (), "mirrored": (), "final": True},
    "places": {"cells": (0, 1, 4, 4, 1), "spread": (0, 1, 1, 1), "mirrored": (), "final": False},
}


@dataclass(frozen=True)
class Features:
    """Embeddings (n, d) of aligned faces from a frozen network.

    part              what is read, one of PARTS; a network with five stages (0 to 4) of feature_info is needed
    backbone, weights   as in `backbone.create_backbone`
    size                side to which the crop is resized, pixels
    """

    part: str = "means"
    backbone: str = "tf_efficientnet_lite0"
    weights: str = "packaged"
    size: int = 128

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise InputError(f"features.part={self.part!r}: allowed are {listed(PARTS)}")

    def __call__(self, portraits: Portraits) -> NDArray[np.float32]:
        """Embeddings (n, d); all parts of a thread's last call are cached: two robots share one forward pass."""
        network = (self.backbone, self.weights, self.size)
        last = getattr(_last, "call", None)
        if last is None or last[0] != network or last[1] is not portraits:
            last = _last.call = (network, portraits, _forward(*network, portraits.crops))
        return last[2][self.part]


def _forward(
    backbone: str, weights: str, size: int, crops: NDArray[np.uint8]
) -> dict[str, NDArray[np.float32]]:
    import torch
    from torch.nn.functional import interpolate

    global _seen
    _seen += len(crops)
    many = _seen > ONNX_FROM and not torch.cuda.is_available() and onnx_is_there()
    engine = (_by_onnx if many else _by_torch)(backbone, weights, size)
    batches = []
    with torch.inference_mode():
        for start in range(0, max(len(crops), 1), READ_AT_ONCE):
            x = torch.from_numpy(
                np.ascontiguousarray(crops[start : start + READ_AT_ONCE].transpose(0, 3, 1, 2))
            )
            x = x.float()
            if x.shape[-1] != size:
                x = interpolate(x, (size, size), mode="bilinear", antialias=True)
            with _one_at_a_time:
                batches.append(engine(x))
    joined = (np.concatenate(part).astype(np.float32) for part in zip(*batches, strict=True))
    return dict(zip(PARTS, joined, strict=True))


#: Pictures in a process after which the network is translated to ONNX, which takes seconds and then halves the time;
#: the two agree to about 1e-5 of the largest feature.
ONNX_FROM = 512
#: Pictures in one pass: more cost memory and no less time.
READ_AT_ONCE = 8
_last = threading.local()
#: Batches are measured side by side; the maps of a second forward pass would cost as much memory again, and no time is
#: lost, as the other thread has its filters to do.
_one_at_a_time = threading.Lock()
_seen = 0


def _reader(backbone: str, weights: str, size: int) -> nn.Module:
    """float (B, 3, size, size), 0–255 → one (B, d) for each of PARTS."""
    import torch

    network = _network(backbone, weights, size)
    cfg = network.pretrained_cfg
    mean, std = (255 * torch.tensor(cfg[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
    depths = parts_of(network)

    class Reader(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.register_buffer("mean", mean)
            self.register_buffer("std", std)

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
            last, maps = self.network.forward_intermediates((pixels - self.mean) / self.std, indices=None)
            final = self.network.forward_head(last)
            return tuple(d.pool([maps[s] for s in d.stages()], final if d.final else None) for d in depths)

    return Reader().eval()


def parts_of(network: nn.Module) -> list[Depths]:
    """The Depths of PARTS. Raises InputError for a network that has not the stages."""
    from judge.jury.network.depths import Depths

    depths = [Depths(**part) for part in PARTS.values()]
    for part in depths:
        part.width(network)
    return depths


@cache
def _by_torch(backbone: str, weights: str, size: int) -> Callable[..., list[NDArray]]:
    import torch

    network = _reader(backbone, weights, size)
    return lambda x: [part.numpy() for part in network(x.to(memory_format=torch.channels_last))]


@cache
def _by_onnx(backbone: str, weights: str, size: int) -> Callable[..., list[NDArray]]:
    import onnxruntime
    import torch

    from judge.jury.translation import onnx_program

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # whoever measures has other batches for the other cores
    options.log_severity_level = 3
    network = _reader(backbone, weights, size)
    program = onnx_program(network, torch.zeros(2, 3, size, size), told=(backbone, PARTS), any_number=True)
    session = onnxruntime.InferenceSession(program, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"pixels": x.numpy()})


def onnx_is_there() -> bool:
    from judge.jury.network.engine import onnx_is_there as there

    return there()


@cache
def _network(backbone: str, weights: str, size: int) -> nn.Module:
    import torch

    from judge.jury.network.backbone import create_backbone

    network = create_backbone(backbone, weights, size=size).eval()
    return network.to(memory_format=torch.channels_last)
