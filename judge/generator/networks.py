"""The networks: a generator, the encoder that may warm it up, and two discriminators to choose from.

All are residual stages of dense 3 × 3 convolutions from 4 × 4 to half the picture's side; the last step is a
rearrangement of 12 channels into 2 × 2 pixels (Shi et al. 2016, arXiv:1609.05158), since a stage at full size would
cost as much as all others together. No batch norm, no gates: on a CPU they took two fifths of a step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from judge.jury.network.backbone import create_backbone

SLOPE = 0.2


def stages(size: int) -> int:
    """Stages of a network for pictures of `size` px: sides 4 (or 3), 8 … size/2."""
    return round(math.log2(size / 2 / smallest(size))) + 1


def smallest(size: int) -> int:
    """Side of the first stage: 4, or 3 for 48, 96 and 192 px."""
    return 3 if size % 3 == 0 else 4


class ChannelNorm(nn.Module):
    """Each pixel's channels divided by their root mean square (Karras et al. 2018, arXiv:1710.10196, sec. 4.2)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6)


class StyledBlock(nn.Module):
    """x + conv(act(conv(act(styled norm of x)))): the latent and the conditions say each channel's gain and shift."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.norm = ChannelNorm()
        self.style = nn.Linear(style, 2 * channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)  # a stage begins as the identity (Zhang, Dauphin & Ma 2019)
        nn.init.normal_(self.style.weight, std=0.3 / math.sqrt(style))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        gain, shift = self.style(style)[:, :, None, None].chunk(2, 1)
        y = self.norm(x) * (1 + gain) + shift
        y = self.second(functional.leaky_relu(self.first(functional.leaky_relu(y, SLOPE)), SLOPE))
        return x + y


class Generator(nn.Module):
    """(latent, conditions) → a picture in −1 to 1.

    size        px: 16 to 256, 4 or 3 times a power of two
    widths      channels of each stage from the smallest, `stages(size)` of them
    conditions  width of an encoded row of conditions; 0: none
    latent      numbers in a latent, standard normal

    The latent enters by linear maps only (no mapping network), so scaling it by ψ moves every style towards that of
    the conditions' own centre: the truncation of Karras, Laine & Aila 2019 (sec. B), by group.
    """

    def __init__(self, size: int, widths: Sequence[int], conditions: int, latent: int) -> None:
        super().__init__()
        self.latent, self.start, self.widths = latent, smallest(size), tuple(widths)
        self.label = nn.Linear(conditions, latent, bias=False) if conditions else None
        style = latent * (2 if conditions else 1)
        self.first = nn.Linear(style, widths[0] * self.start**2)
        self.blocks = nn.ModuleList(StyledBlock(width, style) for width in widths)
        self.grow = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairwise(widths))
        self.norm = ChannelNorm()
        self.picture = nn.Conv2d(widths[-1], 12, 3, padding=1)

    def styles(self, z: Tensor, conditions: Tensor) -> Tensor:
        """(n, latent), (n, conditions) → (n, style)."""
        return z if self.label is None else torch.cat([z, self.label(conditions)], 1)

    def forward(self, z: Tensor, conditions: Tensor) -> Tensor:
        style = self.styles(z, conditions)
        x = self.first(style).unflatten(1, (-1, self.start, self.start))
        x = x.contiguous(memory_format=torch.channels_last)
        for place, block in enumerate(self.blocks):
            x = block(x, style)
            if place < len(self.grow):
                x = self.grow[place](x)
                x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = self.picture(functional.leaky_relu(self.norm(x), SLOPE))
        return torch.tanh(functional.pixel_shuffle(x, 2))


@torch.no_grad()
def begin_smooth(network: Generator) -> Generator:
    """The same network, whose last step begins with four equal pixels in each 2 × 2 (Aitken et al. 2017, ICNR).

    Four independent ones begin as a checkerboard. Few or noisy steps, without a warm-up, never take it away.
    Source: arXiv:1707.02937, section 3.3.
    """
    # (12, channels, 3, 3): channels 4c … 4c + 3 are the four pixels of colour c
    weight = network.picture.weight
    weight.copy_(weight[::4].repeat_interleave(4, 0))
    assert network.picture.bias is not None
    network.picture.bias.copy_(network.picture.bias[::4].repeat_interleave(4))
    return network


class PlainBlock(nn.Module):
    """x + conv(act(conv(act(x)))), without a norm: penalties on the gradient bound it (Huang et al. 2024)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.leaky_relu(self.first(functional.leaky_relu(x, SLOPE)), SLOPE))


class Trunk(nn.Module):
    """A picture → (n, widths[0] · start²) features: the generator's stages, the other way round."""

    def __init__(self, size: int, widths: Sequence[int]) -> None:
        super().__init__()
        down = list(widths)[::-1]
        self.picture = nn.Conv2d(12, down[0], 3, padding=1)
        self.blocks = nn.ModuleList(PlainBlock(width) for width in down)
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairwise(down))
        self.width = down[-1] * smallest(size) ** 2

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.picture(functional.pixel_unshuffle(pictures, 2))
        for place, block in enumerate(self.blocks):
            x = block(x)
            if place < len(self.shrink):
                x = self.shrink[place](functional.avg_pool2d(x, 2))
        return functional.leaky_relu(x, SLOPE).flatten(1)


class Encoder(nn.Module):
    """A picture → mean and log variance of its latent (Kingma & Welling 2014, arXiv:1312.6114)."""

    def __init__(self, size: int, widths: Sequence[int], latent: int) -> None:
        super().__init__()
        self.trunk = Trunk(size, widths)
        self.head = nn.Linear(self.trunk.width, 2 * latent)
        nn.init.normal_(self.head.weight, std=0.1 / math.sqrt(self.trunk.width))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.head(self.trunk(pictures)).chunk(2, 1)
        return mean, log_variance.clamp(-8, 4)


class Projection(nn.Module):
    """Features → a score; conditions enter by an inner product with the features (Miyato & Koyama 2018, eq. 5)."""

    def __init__(self, width: int, conditions: int, inner: int = 128) -> None:
        super().__init__()
        self.inner = nn.Linear(width, inner)
        self.score = nn.Linear(inner, 1)
        self.label = nn.Linear(conditions, inner, bias=False) if conditions else None

    def forward(self, features: Tensor, conditions: Tensor) -> Tensor:
        inner = functional.leaky_relu(self.inner(features), SLOPE)
        score = self.score(inner)[:, 0]
        if self.label is not None:
            score = score + (inner * self.label(conditions)).sum(1) / math.sqrt(inner.shape[1])
        return score


class Discriminator(nn.Module):
    """`relativistic`: own trunk on the pixels, one score a picture. No norm, since penalties go through it."""

    def __init__(self, size: int, widths: Sequence[int], conditions: int) -> None:
        super().__init__()
        self.trunk = Trunk(size, widths)
        self.head = Projection(self.trunk.width, conditions)

    def forward(self, pictures: Tensor, conditions: Tensor) -> Tensor:
        """(n, 3, size, size) in −1 to 1, (n, conditions) → (n,)."""
        return self.head(self.trunk(pictures), conditions)


class ProjectedDiscriminator(nn.Module):
    """`projected`: small heads on frozen features of the packaged lite0, mixed by fixed random maps.

    Sauer et al. 2021 (arXiv:2111.01007, sec. 3), but the network is shown the picture at its own size: at the paper's
    224 px a CPU would see 3 pictures a second.

    The mean of four heads' scores; each score is the mean over its map.
    """

    def __init__(self, size: int, conditions: int, *, channels: int = 64) -> None:
        super().__init__()
        self.backbone = create_backbone("tf_efficientnet_lite0", "packaged", size=size).eval()
        self.backbone.requires_grad_(False)
        with torch.no_grad():
            shapes = [f.shape[1:] for f in self._read(torch.zeros(1, 3, size, size))]
        self.across = nn.ModuleList(nn.Conv2d(shape[0], channels, 1, bias=False) for shape in shapes)
        self.between = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in shapes)
        self.across.requires_grad_(False)
        self.between.requires_grad_(False)
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(channels, channels, 3, padding=1)),
                nn.LeakyReLU(SLOPE),
                spectral_norm(nn.Conv2d(channels, channels, 1)),
                nn.LeakyReLU(SLOPE),
            )
            for _ in shapes
        )
        self.scores = nn.ModuleList(spectral_norm(nn.Conv2d(channels, 1, 1)) for _ in shapes)
        self.labels = nn.ModuleList(
            nn.Linear(conditions, channels, bias=False) if conditions else nn.Identity() for _ in shapes
        )
        self.conditions = conditions

    def _read(self, pictures: Tensor) -> list[Tensor]:
        return self.backbone.forward_intermediates(pictures, indices=4, intermediates_only=True)  # type: ignore[operator]

    def train(self, mode: bool = True) -> ProjectedDiscriminator:
        super().train(mode)
        self.backbone.eval()  # its batch norms keep ImageNet's statistics
        return self

    def forward(self, pictures: Tensor, conditions: Tensor) -> Tensor:
        """(n, 3, size, size) in −1 to 1, (n, conditions) → (n,)."""
        features = [across(f) for across, f in zip(self.across, self._read(pictures), strict=True)]
        mixed: list[Tensor] = []
        for feature, between in zip(features[::-1], self.between, strict=True):  # from the deepest up
            if mixed:
                feature = feature + functional.interpolate(
                    mixed[-1], size=feature.shape[-2:], mode="bilinear"
                )
            mixed.append(between(feature))
        scores = []
        for x, head, score, label in zip(mixed, self.heads, self.scores, self.labels, strict=True):
            h = head(x)
            s = score(h)
            if self.conditions:
                s = s + (h * label(conditions)[:, :, None, None]).sum(1, keepdim=True) / math.sqrt(h.shape[1])
            scores.append(s.mean((1, 2, 3)))
        return torch.stack(scores).mean(0)
