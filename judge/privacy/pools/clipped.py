"""A discriminator whose every step is private, and the step: each example's gradient clipped, noise on their sum.

Abadi et al. 2016, "Deep learning with differential privacy" (arXiv:1607.00133, algorithm 1), with the per-example
gradients, the clipping and the noise of Opacus.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from judge.errors import InputError

SLOPE = 0.2


class PrivateDiscriminator(nn.Module):
    """(n, 3, size, size) in −1 to 1, (n, conditions) → (n,) scores.

    Strided convolutions with group norm and leaky ReLU, and a head in which the conditions enter by an inner product
    (Miyato & Koyama 2018, eq. 5). Neither batch norm, which mixes people, nor a spectral norm, whose buffer is made of
    them; nor penalties on the gradient, for which no per-example gradient is to be had (opacus#31).

    widths  channels after each halving, from the picture on
    """

    def __init__(self, size: int, widths: tuple[int, ...], conditions: int) -> None:
        super().__init__()
        if size % 2 ** len(widths):
            raise InputError(f"discriminator_widths={widths}: {size} px cannot be halved {len(widths)} times")
        layers: list[nn.Module] = []
        for place, (before, after) in enumerate(zip((3, *widths), widths, strict=False)):
            layers.append(nn.Conv2d(before, after, 3, padding=1))
            if place:
                layers.append(nn.GroupNorm(min(8, after), after))
            # the gradient of strided convolutions is a checkerboard, which the generator learns (Odena et al. 2016)
            layers += [nn.LeakyReLU(SLOPE), nn.AvgPool2d(2)]
        self.trunk = nn.Sequential(*layers, nn.Flatten())
        width = widths[-1] * (size // 2 ** len(widths)) ** 2
        self.score = nn.Linear(width, 1)
        self.inner = nn.Linear(width, 32)
        self.label = nn.Linear(conditions, 32, bias=False) if conditions else None

    def forward(self, pictures: Tensor, conditions: Tensor) -> Tensor:
        features = self.trunk(pictures)
        score = self.score(features)[:, 0]
        if self.label is None:
            return score
        return score + (self.inner(features) * self.label(conditions)).sum(1) / 32**0.5


class PrivateSteps:
    """A discriminator's steps: gradients of real and of generated examples, each clipped to `clip`, then noise.

    The sum over real examples has sensitivity `clip` under one person more or less. Generated ones are drawn from what
    was released, their number does not depend on who was sampled, and they are clipped alike: were they not, their
    gradients would drown those of the real ones (opacus#418). All are summed before the noise, which is charged once.

    noise_multiplier  the noise's standard deviation is this × clip
    expected          examples by which the noisy sum is divided; the number in fact sampled is private
    noise             generator of the noise, on the CPU; its seed is secret
    chunk             examples whose gradients are held at a time
    """

    def __init__(
        self,
        network: PrivateDiscriminator,
        *,
        clip: float,
        noise_multiplier: float,
        expected: int,
        lr: float,
        noise: torch.Generator,
        chunk: int = 128,
    ) -> None:
        from opacus import GradSampleModule
        from opacus.optimizers import DPOptimizer

        # a sum over examples: the mean over as many as were sampled would tell how many these are
        self.network = GradSampleModule(network, loss_reduction="sum", strict=True)
        self.optimizer = DPOptimizer(
            torch.optim.Adam(network.parameters(), lr, betas=(0.5, 0.99)),
            noise_multiplier=noise_multiplier,
            max_grad_norm=clip,
            expected_batch_size=expected,
            loss_reduction="mean",
            generator=noise,
        )
        self.chunk = chunk

    @property
    def noise_multiplier(self) -> float:
        """Of the noise that `step` adds, read where it is added."""
        return float(self.optimizer.noise_multiplier)

    def step(self, real: tuple[Tensor, Tensor], fake: tuple[Tensor, Tensor]) -> None:
        """One private step on (pictures, conditions) of sampled people, maybe none, and of generated ones, at least 1.

        The loss of an example is softplus(∓score), the non-saturating one (Goodfellow et al. 2014).
        """
        pictures, conditions = (torch.cat(pair) for pair in zip(real, fake, strict=True))
        sign = torch.cat([-torch.ones(len(real[0])), torch.ones(len(fake[0]))])
        self.network.train()
        parts = torch.arange(len(sign)).split(self.chunk)
        for place, part in enumerate(parts):
            loss = functional.softplus(sign[part] * self.network(pictures[part], conditions[part])).sum()
            with warnings.catch_warnings():  # that the pictures themselves need no gradient
                warnings.filterwarnings("ignore", "Full backward hook is firing")
                loss.backward()
            # until the last chunk the optimizer only clips and sums
            self.optimizer.signal_skip_step(place + 1 < len(parts))
            self.optimizer.step()
            self.optimizer.zero_grad()

    def clipped_sum(self, real: tuple[Tensor, Tensor], fake: tuple[Tensor, Tensor]) -> Tensor:
        """(parameters,): the sum that `step` would add noise to. Nothing is learnt; for tests."""
        found: list[Tensor] = []
        optimizer: Any = self.optimizer
        before = [p.detach().clone() for p in optimizer.params]
        add_noise = optimizer.add_noise

        def watched() -> None:
            found.append(torch.cat([p.summed_grad.detach().flatten().clone() for p in optimizer.params]))
            add_noise()

        optimizer.add_noise = watched
        try:
            self.step(real, fake)
        finally:
            optimizer.add_noise = add_noise
        with torch.no_grad():
            for parameter, value in zip(optimizer.params, before, strict=True):
                parameter.copy_(value)
        return found[0]

    @contextmanager
    def looked_at(self) -> Iterator[nn.Module]:
        """The discriminator with a gradient to the pictures and none to itself, for the generator's step.

        The backward pass belongs inside, too: Opacus' hooks would look for examples in it.
        """
        self.network.disable_hooks()
        self.network.requires_grad_(False)
        try:
            yield self.network
        finally:
            self.network.requires_grad_(True)
            self.network.enable_hooks()
