"""Frozen public features with a gradient to the picture, and a path that private and made pictures share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from judge.jury.network.backbone import create_backbone

#: Pooled features of tf_efficientnet_lite0.
WIDTH = 1280
BATCH = 64


class FrozenFeatures(nn.Module):
    """(n, 3, s, s) in −1 to 1 → (n, WIDTH) of L2 norm 1: pooled features of the packaged ImageNet lite0.

    Its weights are public, and its batch norms keep ImageNet's statistics, so that a row depends on its own picture
    alone.

    side  px at which the network reads, whatever the size of the picture. At its usual 224 px a CPU core would see a
          few pictures a second
    """

    mean: Tensor
    std: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.backbone = create_backbone("tf_efficientnet_lite0", "packaged", size=side).eval()
        self.backbone.requires_grad_(False).to(memory_format=torch.channels_last)
        told: Any = self.backbone.pretrained_cfg
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(told[name]).view(1, 3, 1, 1))

    def train(self, mode: bool = True) -> FrozenFeatures:
        return super().train(False)

    def forward(self, pictures: Tensor) -> Tensor:
        if pictures.shape[-1] != self.side:
            pictures = functional.interpolate(
                pictures, size=(self.side, self.side), mode="bilinear", align_corners=False, antialias=True
            )
        features = self.backbone(((pictures + 1) / 2 - self.mean) / self.std)
        return functional.normalize(features, dim=1)

    @torch.no_grad()
    def of_bytes(self, pictures: Tensor) -> Tensor:
        """uint8 (n, 3, s, s) → float32 (n, WIDTH). A batch at a time, of one size."""
        parts = []
        for part in pictures.split(BATCH):
            # filled up, so that a picture's features do not depend on how many others there are
            padded = torch.cat([part, part.new_zeros((BATCH - len(part), *part.shape[1:]))])
            parts.append(self(padded.float().div(127.5).sub(1))[: len(part)])
        return torch.cat(parts) if parts else torch.empty(0, WIDTH)
