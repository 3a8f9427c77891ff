"""DiffAugment: the same kinds of random change to real and generated pictures, with a gradient through them.

Zhao et al. 2020 (arXiv:2006.10738): colour, translation and cutout, in both players' steps, so that a discriminator
of few pictures cannot learn them by heart. Each picture is changed with probability p in each of the three ways
(Karras et al. 2020, arXiv:2006.06676, sec. 2.2: below .8 changes do not leak into what is generated).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def augment(pictures: Tensor, p: float, *, rng: torch.Generator) -> Tensor:
    """(n, 3, size, size) in −1 to 1 → the same; rng is of the CPU. p = 0: the pictures themselves."""
    if p == 0:
        return pictures
    n, _, height, width = pictures.shape
    device = pictures.device

    def chance() -> Tensor:
        return (torch.rand(n, generator=rng) < p).to(device)

    def uniform() -> Tensor:
        return torch.rand(n, generator=rng).to(device)[:, None, None, None]

    coloured = chance()[:, None, None, None]
    x = pictures + (uniform() - 0.5) * coloured
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * torch.where(coloured, 2 * uniform(), 1.0)
    level = x.mean((1, 2, 3), keepdim=True)
    x = level + (x - level) * torch.where(coloured, uniform() + 0.5, 1.0)

    moved = chance()
    reach = [height // 8, width // 8]
    dy, dx = (torch.where(moved, torch.randint(-r, r + 1, (n,), generator=rng).to(device), 0) for r in reach)
    x = functional.pad(x, (reach[1], reach[1], reach[0], reach[0]))
    rows = torch.arange(height, device=device)[None] + reach[0] + dy[:, None]
    columns = torch.arange(width, device=device)[None] + reach[1] + dx[:, None]
    x = x[torch.arange(n, device=device)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    x = x.permute(0, 3, 1, 2)

    cut = chance()
    top, left = (torch.randint(0, side, (n,), generator=rng).to(device)[:, None] for side in (height, width))
    inside = ((rows - dy[:, None] - reach[0] - top).abs() < height // 4)[:, :, None] & (
        (columns - dx[:, None] - reach[1] - left).abs() < width // 4
    )[:, None, :]
    return torch.where((inside & cut[:, None, None])[:, None], 0.0, x).contiguous(
        memory_format=torch.channels_last
    )
