"""Reading a backbone at several depths and places, not only what its pooled last layer keeps.

The last layer of a classifier has learnt to ignore what a contest may turn on: fine texture, and where in the
picture it is. Its inner stages still hold both (Hariharan et al. 2015, "Hypercolumns", arXiv:1411.5752), and a grid
of cells keeps the place (Lazebnik et al. 2006, "Beyond bags of features").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from judge.errors import InputError


@dataclass(frozen=True)
class Depths:
    """What is read of the stages 0, 1, 2 … of a timm backbone; lists may be shorter than the backbone is deep.

    cells     side of the grid of cells in which each stage is averaged: 1 the whole picture, 0 not at all
    spread    side of the grid in which each stage's standard deviation is taken: texture; 1 over the whole picture,
              0 not at all
    mirrored  side of the grid in which the difference of each stage's map from its mirror image is averaged, without
              its sign: what the left half has and the right half has not. Even; 0 not at all
    final     the pooled last layer as well
    """

    cells: Sequence[int] = (0, 1, 8, 4, 1)
    spread: Sequence[int] = (0, 1, 1, 1)
    mirrored: Sequence[int] = (0, 4, 4, 4)
    final: bool = False

    def __post_init__(self) -> None:
        for name in ("cells", "spread", "mirrored"):
            object.__setattr__(self, name, tuple(int(value) for value in getattr(self, name)))
            if min(getattr(self, name), default=0) < 0:
                raise InputError(f"depths.{name}={list(getattr(self, name))}: numbers from 0 on")
        if any(side % 2 for side in self.mirrored):
            raise InputError(
                f"depths.mirrored={list(self.mirrored)}: even numbers; a cell lies left or right"
            )
        if not (self.stages() or self.final):
            raise InputError("depths: nothing is read; set cells, spread, mirrored or final")

    def stages(self) -> list[int]:
        """The stages of which anything is read, in order."""
        asked = (self.cells, self.spread, self.mirrored)
        return [
            stage for stage in range(max(map(len, asked))) if any(_at(numbers, stage) for numbers in asked)
        ]

    def width(self, backbone: nn.Module) -> int:
        """Number of features that `read` gives. Raises InputError for a stage that the backbone has not."""
        channels = [stage["num_chs"] for stage in backbone.feature_info]
        if self.stages() and self.stages()[-1] >= len(channels):
            raise InputError(
                f"depths: stage {self.stages()[-1]} is asked for, the backbone has 0 to {len(channels) - 1}"
            )
        read = sum(
            channels[s]
            * (_at(self.cells, s) ** 2 + _at(self.spread, s) ** 2 + _at(self.mirrored, s) ** 2 // 2)
            for s in self.stages()
        )
        return read + (pooled_width(backbone) if self.final else 0)

    def read(self, backbone: nn.Module, pixels: Tensor) -> Tensor:
        """Normalised pixels (B, 3, H, W) → (B, width)."""
        if not self.final:
            maps = backbone.forward_intermediates(pixels, indices=self.stages(), intermediates_only=True)
            return self.pool(maps)
        last, maps = backbone.forward_intermediates(pixels, indices=self.stages() or [0])
        return self.pool(maps if self.stages() else [], backbone.forward_head(last))

    def pool(self, maps: Sequence[Tensor], final: Tensor | None = None) -> Tensor:
        """Maps (B, C, h, w) of `stages`, in order, and the pooled last layer where it is read → (B, width)."""
        parts = []
        for stage, x in zip(self.stages(), maps, strict=True):
            if side := _at(self.cells, stage):
                parts.append(_grid(x, side).flatten(1))
            if side := _at(self.spread, stage):
                # the difference of two squares is then of small numbers
                about = x - x.mean((2, 3), keepdim=True)
                variance = (_grid(about.square(), side) - _grid(about, side).square()).clamp_min(0)
                parts.append((variance + 1e-4).sqrt().flatten(1))
            if side := _at(self.mirrored, stage):
                apart = _grid((x - x.flip(3)).abs(), side)
                parts.append(apart[..., : side // 2].flatten(1))  # the other half is its mirror image
        return torch.cat([*parts, *([] if final is None else [final])], 1)


@torch.inference_mode()
def pooled_width(backbone: nn.Module) -> int:
    """Number of features that the backbone's pooled last layer gives, counted on a black picture.

    timm's `num_features` is the width before the head's own layer, where there is one (MobileNetV3 and V4, GhostNet,
    TinyNet …), and so not always what comes out.
    """
    size = getattr(getattr(backbone, "patch_embed", None), "img_size", None)
    size = tuple(size) if size else tuple(backbone.pretrained_cfg["input_size"][1:])
    parameter = next(backbone.parameters())
    was_training = backbone.training
    backbone.eval()  # batch statistics stay as they are, and no random number is drawn
    try:
        return int(backbone(parameter.new_zeros((1, 3, *size))).shape[1])
    finally:
        backbone.train(was_training)


def _grid(x: Tensor, side: int) -> Tensor:
    """Averages of (B, C, h, w) in side × side cells of equal area, (B, C, side, side).

    Pixels that a cell's edge cuts count in parts. Two products with constants, which ONNX takes at any size; its
    adaptive pooling does not.
    """
    if side == 1:
        return x.mean((2, 3), keepdim=True)
    rows, columns = (_parts(n, side).to(x) for n in x.shape[2:])
    return rows @ x @ columns.T


def _parts(n: int, side: int) -> Tensor:
    """(side, n): the share of each of n pixels in each cell's average, rows sum to 1."""
    edges = torch.arange(n + 1, dtype=torch.float64) * side / n
    low, high = edges[:-1], edges[1:]
    cell = torch.arange(side, dtype=torch.float64)[:, None]
    return (torch.minimum(high, cell + 1) - torch.maximum(low, cell)).clamp_min(0).float()


def _at(numbers: Sequence[int], stage: int) -> int:
    return numbers[stage] if stage < len(numbers) else 0
