"""A detector that learns its own features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from judge.errors import InputError
from judge.generator.detection.base import Detector, check_kinds


@dataclass
class CnnDetector(Detector):
    """A small convolutional network from random weights.

    widths    channels of its stages, each of which halves the side after the first
    pictures  shown in all, counted with repeats, half of either kind: so many however few different ones there are
    batch     pictures a step, half of either kind
    lr        AdamW's highest rate; one cycle (Smith & Topin 2019)
    """

    widths: Sequence[int] = (16, 32, 64)
    pictures: int = 8_000
    batch: int = 64
    lr: float = 3e-3
    name: ClassVar[str] = "small_cnn"

    def __post_init__(self) -> None:
        self.widths = tuple(self.widths)
        if not self.widths or any(w < 1 for w in self.widths):
            raise InputError(f"small_cnn.widths={self.widths}: at least one stage of at least one channel")
        if self.pictures < 1 or self.batch < 4 or not self.lr > 0:
            raise InputError(
                f"small_cnn: pictures={self.pictures} (at least 1), batch={self.batch} (at least 4), "
                f"lr={self.lr} (above 0)"
            )
        self.size: int | None = None
        self.network: nn.Module | None = None

    def fit(self, real: Tensor, fake: Tensor, seed: int) -> CnnDetector:
        """See `Detector.fit`; the seed decides weights, order and mirrored pictures."""
        size = check_kinds(real, fake)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = small_network(self.widths).to(memory_format=torch.channels_last)
        rng = torch.Generator().manual_seed(seed)
        half = self.batch // 2
        steps = -(-self.pictures // (2 * half))
        optimizer = torch.optim.AdamW(network.parameters(), self.lr, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.lr, total_steps=steps, pct_start=0.25)
        kind = torch.repeat_interleave(torch.tensor([0.0, 1.0]), half)
        network.train()
        orders = [_order(len(pictures), steps * half, rng) for pictures in (real, fake)]
        for first in range(0, steps * half, half):
            rows = [order[first : first + half] for order in orders]
            x = torch.cat([real[rows[0]], fake[rows[1]]])
            flip = torch.rand(len(x), generator=rng) < 0.5
            x[flip] = x[flip].flip(-1)
            loss = functional.binary_cross_entropy_with_logits(network(_floats(x))[:, 0], kind)
            if not torch.isfinite(loss):
                raise InputError(f"small_cnn: its loss is {loss.item()}; lower lr={self.lr}")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        self.network, self.size = network.eval(), size
        return self

    @torch.inference_mode()
    def score(self, pictures: Tensor) -> NDArray[np.float64]:
        pictures = self._checked(pictures)
        assert self.network is not None
        parts = [self.network(_floats(part))[:, 0].double() for part in pictures.split(256)]
        return torch.cat(parts).numpy() if parts else np.zeros(0)

    def state(self) -> dict[str, Tensor]:
        assert self.network is not None
        return dict(self.network.state_dict())

    def restore(self, tensors: dict[str, Tensor], size: int) -> None:
        network = small_network(self.widths)
        try:
            network.load_state_dict(tensors, strict=True)
        except RuntimeError as error:
            raise InputError(f"what the detector learnt is damaged: {error}") from error
        self.network, self.size = network.eval(), size


def small_network(widths: Sequence[int]) -> nn.Sequential:
    """Float (n, 3, s, s) → (n, 1). The first stage keeps the side: finest traces are the first that a stride loses."""
    layers: list[nn.Module] = []
    inside = 3
    for place, width in enumerate(widths):
        layers += [
            nn.Conv2d(inside, width, 3, stride=1 if place == 0 else 2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        inside = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, 1))


def _floats(pictures: Tensor) -> Tensor:
    return pictures.float().div(127.5).sub(1).contiguous(memory_format=torch.channels_last)


def _order(n: int, wanted: int, rng: torch.Generator) -> Tensor:
    """`wanted` rows of n, each as often as another up to one time."""
    rounds = [torch.randperm(n, generator=rng) for _ in range(-(-wanted // n))]
    return torch.cat(rounds)[:wanted]
