"""The distance by which a training is watched: of pixels, which no discriminator's network had a part in.

Sliced Wasserstein: pictures along random directions, sorted, compared (Rabin et al. 2012; with a factor of 3 d it is
the MIND of Berthet et al. 2026, arXiv:2605.06797). One half looks at whole pictures of 16 px, the other at 7 × 7 px
details of what is lost by halving the side (Karras et al. 2018, sec. 5).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

DIRECTIONS = 512
PATCH = 7


def pixel_distance(real: Tensor, fake: Tensor, *, seed: int = 0) -> float:
    """Of float pictures (n, 3, size, size) and (m, 3, size, size) in −1 to 1; 0: the same pictures.

    Root mean square over directions and ranks of the gap between sorted projections, in standard deviations of the
    real ones; the mean of both halves.
    """

    def rng() -> torch.Generator:  # the same places and directions for both
        return torch.Generator().manual_seed(seed)

    a, b = (functional.adaptive_avg_pool2d(x, 16).flatten(1) for x in (real, fake))
    return 0.5 * (_sliced(a, b, rng()) + _sliced(_details(real, rng()), _details(fake, rng()), rng()))


def _details(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Two patches a picture of its finest Laplacian band."""
    coarse = functional.interpolate(functional.avg_pool2d(pictures, 2), scale_factor=2, mode="bilinear")
    band = pictures - coarse
    side = pictures.shape[-1] - PATCH + 1
    patches = []
    for _ in range(2):
        top, left = torch.randint(0, side, (2, len(pictures)), generator=rng)
        rows = top[:, None] + torch.arange(PATCH)
        columns = left[:, None] + torch.arange(PATCH)
        at = torch.arange(len(pictures))[:, None, None]
        patches.append(band[at, :, rows[:, :, None], columns[:, None, :]].flatten(1))
    return torch.cat(patches)


def _sliced(real: Tensor, fake: Tensor, rng: torch.Generator) -> float:
    directions = torch.randn(real.shape[1], DIRECTIONS, generator=rng)
    directions = directions / directions.norm(dim=0)
    n = min(len(real), len(fake))
    at = (torch.arange(n) + 0.5) / n
    sorted_real, sorted_fake = (_quantiles((x - real.mean(0)) @ directions, at) for x in (real, fake))
    scale = ((real - real.mean(0)) @ directions).std(0).clamp_min(1e-6)
    return float(((sorted_real - sorted_fake) / scale).square().mean().sqrt())


def _quantiles(values: Tensor, at: Tensor) -> Tensor:
    return torch.sort(values, dim=0).values[(at * len(values)).long()]
