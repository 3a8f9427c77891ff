"""Random views of a batch of decoded pictures: flip, one affine warp, colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from judge.errors import InputError


@dataclass(frozen=True)
class Augmentation:
    """Each amount is the half-width of a uniform distribution, drawn for each picture; 0 switches it off.

    flip        probability of mirroring left and right
    rotation    degrees
    scale       log2 of the zoom: .15 is 0.90 to 1.11 times
    shift       share of the picture's side
    brightness  share of full scale added
    contrast    log2 of the factor around the picture's mean
    saturation  log2 of the factor around grey
    grey        probability of a picture without colour
    erase       largest share of the area that a grey rectangle may hide
    """

    flip: float = 0.5
    rotation: float = 10.0
    scale: float = 0.15
    shift: float = 0.04
    brightness: float = 0.1
    contrast: float = 0.3
    saturation: float = 0.3
    grey: float = 0.05
    erase: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "grey", "erase"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"augmentation.{name}={getattr(self, name)!r}: from 0 to 1")
        for name in ("rotation", "scale", "shift", "brightness", "contrast", "saturation"):
            if not getattr(self, name) >= 0:
                raise InputError(f"augmentation.{name}={getattr(self, name)!r}: a number from 0")

    def draws(self, n: int, rng: torch.Generator) -> Tensor:
        """(n, 11) parameters of n views, drawn on the CPU: the views are the same on every device."""

        def symmetric(width: float) -> Tensor:
            return (2 * torch.rand(n, generator=rng) - 1) * width

        def event(probability: float) -> Tensor:
            return (torch.rand(n, generator=rng) < probability).float()

        side = torch.rand(n, generator=rng).mul(self.erase).sqrt()
        return torch.stack(
            [
                1 - 2 * event(self.flip),
                symmetric(math.radians(self.rotation)),
                torch.exp2(-symmetric(self.scale)),
                symmetric(2 * self.shift),
                symmetric(2 * self.shift),
                symmetric(255 * self.brightness),
                torch.exp2(symmetric(self.contrast)),
                torch.exp2(symmetric(self.saturation)) * (1 - event(self.grey)),
                torch.rand(n, generator=rng),
                torch.rand(n, generator=rng),
                side,
            ],
            1,
        )


def apply_views(pictures: Tensor, draws: Tensor, size: int) -> Tensor:
    """The views that `draws` (B, 11) describes: uint8 (B, 3, H, H) → float (B, 3, size, size), 0–255."""
    draws = draws.to(pictures.device)
    mirror, angle, zoom, dx, dy, bright, contrast, saturation, left, top, side = draws.unbind(1)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    affine = torch.stack(
        [torch.stack([cos * mirror, -sin, dx], 1), torch.stack([sin * mirror, cos, dy], 1)], 1
    )
    grid = functional.affine_grid(affine, [len(pictures), 3, size, size], align_corners=False)
    views = functional.grid_sample(
        pictures.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    grey = views.mean(1, keepdim=True)
    views = grey + (views - grey) * saturation.view(-1, 1, 1, 1)
    level = views.mean((1, 2, 3), keepdim=True)
    views = level + (views - level) * contrast.view(-1, 1, 1, 1) + bright.view(-1, 1, 1, 1)
    if bool((side > 0).any()):
        at = torch.linspace(0, 1, size, device=views.device)
        inside_x = (at >= left[:, None] * (1 - side[:, None])) & (at < (left * (1 - side) + side)[:, None])
        inside_y = (at >= top[:, None] * (1 - side[:, None])) & (at < (top * (1 - side) + side)[:, None])
        views = torch.where((inside_y[:, None, :, None] & inside_x[:, None, None, :]), 127.5, views)
    return views.clamp(0, 255)
