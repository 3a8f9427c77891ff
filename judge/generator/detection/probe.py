"""A detector on features of a network that never learnt to detect anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from judge.errors import InputError
from judge.generator.detection.base import Detector, Logistic, check_kinds
from judge.jury.network.backbone import create_backbone
from judge.jury.network.depths import Depths


@dataclass
class ProbeDetector(Detector):
    """Frozen pooled features of a packaged network, then a logistic regression.

    The recipe of Ojha, Li & Lee 2023 (arXiv:2302.10174), with a network that comes with judge. A generator whose
    discriminator read the same network has been trained against it: its faces may pass for that reason.

    backbone  a timm name whose weights a package carries; pictures are read at their own size
    stages    whether mean and standard deviation of each stage's maps are read as well as the pooled last layer, which
              has learnt to ignore fine texture: alone it does not see a faint checkerboard, its first stage does
    strength  inverse of the ridge penalty (scikit-learn's C), above 0
    """

    backbone: str = "tf_efficientnet_lite0"
    stages: bool = True
    strength: float = 0.01
    name: ClassVar[str] = "lite0_probe"

    def __post_init__(self) -> None:
        if not self.strength > 0:
            raise InputError(f"lite0_probe.strength={self.strength}: above 0")
        self.size: int | None = None
        self.logistic = Logistic(self.strength)
        self.network: nn.Module | None = None
        once = (1, 1, 1, 1, 1) if self.stages else ()
        self._depths = Depths(cells=once, spread=once, mirrored=(), final=True)

    def fit(self, real: Tensor, fake: Tensor, seed: int) -> ProbeDetector:
        """See `Detector.fit`; nothing is drawn, so the seed changes nothing."""
        self.size = check_kinds(real, fake)
        self.logistic.fit(self.features(real), self.features(fake))
        return self

    def score(self, pictures: Tensor) -> NDArray[np.float64]:
        return self.logistic.score(self.features(self._checked(pictures)))

    @torch.inference_mode()
    def features(self, pictures: Tensor, batch: int = 64) -> NDArray[np.float32]:
        """uint8 (n, 3, s, s) → (n, F) pooled features."""
        network = self._read(pictures.shape[-1])
        told: Any = network.pretrained_cfg
        mean, scale = (255 * torch.tensor(told[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
        parts = [self._depths.read(network, (part.float() - mean) / scale) for part in pictures.split(batch)]
        return torch.cat(parts).numpy()

    def state(self) -> dict[str, Tensor]:
        return self.logistic.tensors

    def restore(self, tensors: dict[str, Tensor], size: int) -> None:
        self.logistic.restore(tensors, self._depths.width(self._read(size)))
        self.size = size

    def _read(self, size: int) -> nn.Module:
        if self.network is None:
            self.network = create_backbone(self.backbone, "packaged", size=size).eval()
        return self.network
