"""Embeddings of aligned faces from a frozen network: what MADIS and AntiAgeist look with.

Several depths of the network are pooled and joined: age and skin show in the middle layers, which the
last one has learnt to ignore. The network is the packaged one of the embedding judge, so no download.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from judge.jury.portraits import Portraits

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Features:
    """backbone, weights   as in `backbone.create_backbone`; a convolutional network of timm with features_only
    size                side to which the crop is resized, pixels
    stages              depths whose averages are joined; an empty list means only the pooled last layer
    """

    backbone: str = "tf_efficientnet_lite0"
    weights: str = "packaged"
    size: int = 128
    stages: Sequence[int] = (2, 3, 4)

    def __call__(self, portraits: Portraits) -> NDArray[np.float32]:
        """(n, d). The last call's answer is kept, so that two robots share one forward pass."""
        global _last
        key = (self, portraits)
        if _last is None or _last[0][0] != self or _last[0][1] is not portraits:
            _last = (key, self._forward(portraits.crops))
        return _last[1]

    def __hash__(self) -> int:
        return hash((self.backbone, self.weights, self.size, tuple(self.stages)))

    def _forward(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch
        from torch.nn.functional import interpolate

        global _seen
        _seen += len(crops)
        many = _seen > ONNX_FROM and not torch.cuda.is_available() and onnx_is_there()
        engine = (_by_onnx if many else _by_torch)(self.backbone, self.weights, self.size, tuple(self.stages))
        parts = []
        with torch.inference_mode():
            for start in range(0, max(len(crops), 1), 32):
                x = torch.from_numpy(np.ascontiguousarray(crops[start : start + 32].transpose(0, 3, 1, 2)))
                x = x.float()
                if x.shape[-1] != self.size:
                    x = interpolate(x, (self.size, self.size), mode="bilinear", antialias=True)
                parts.append(engine(x))
        return np.concatenate(parts).astype(np.float32)


#: Pictures in a process after which the network is translated to ONNX, which takes seconds and then halves the time;
#: the two agree to about 1e-5 of the largest feature.
ONNX_FROM = 512
_last: tuple | None = None
_seen = 0


def _pooled(backbone: str, weights: str, size: int, stages: tuple[int, ...]) -> nn.Module:
    """float (B, 3, size, size), 0–255 → (B, d): the averages of the stages, and the pooled last layer."""
    import torch

    network = _network(backbone, weights, size)
    cfg = network.pretrained_cfg
    mean, std = (255 * torch.tensor(cfg[k]).view(1, 3, 1, 1) for k in ("mean", "std"))

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            last, middle = self.network.forward_intermediates((pixels - mean) / std, indices=None)
            pooled = [m.mean((2, 3)) for i, m in enumerate(middle) if i in stages]
            return torch.cat([*pooled, self.network.forward_head(last)], 1)

    return Pooled().eval()


@cache
def _by_torch(backbone: str, weights: str, size: int, stages: tuple[int, ...]) -> Callable[..., NDArray]:
    import torch

    network = _pooled(backbone, weights, size, stages)
    return lambda x: network(x.to(memory_format=torch.channels_last)).numpy()


@cache
def _by_onnx(backbone: str, weights: str, size: int, stages: tuple[int, ...]) -> Callable[..., NDArray]:
    import onnxruntime
    import torch

    from judge.jury.scoring import onnx_program

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    network = _pooled(backbone, weights, size, stages)
    program = onnx_program(network, torch.zeros(2, 3, size, size), any_number=True)
    session = onnxruntime.InferenceSession(program, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"pixels": x.numpy()})[0]


def onnx_is_there() -> bool:
    from judge.jury.scoring import onnx_is_there as there

    return there()


@cache
def _network(backbone: str, weights: str, size: int) -> nn.Module:
    import torch

    from judge.jury.backbone import create_backbone

    network = create_backbone(backbone, weights, size=size).eval()
    return network.to(memory_format=torch.channels_last)
