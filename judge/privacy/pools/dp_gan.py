"""DP-GAN: a generator taught by a discriminator whose every step is private.

Xie et al. 2018 (arXiv:1802.06739), with many steps of the discriminator for one of the generator and large batches, as
Bie, Kamath & Zhang 2023, "Private GANs, revisited" (TMLR, arXiv:2302.01936) found best. The generator sees scores of
the discriminator alone: it is post-processing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from judge.errors import InputError
from judge.privacy.budget import Mechanism
from judge.privacy.labels import PrivateLabels
from judge.privacy.people import PrivatePeople
from judge.privacy.pools.asking import beginning, conditions_of, in_words_of, people_asked, said_of
from judge.privacy.pools.pool import Made

if TYPE_CHECKING:
    from torch import Tensor

    from judge.generator import Conditions, GeneratorTraining

DISCRIMINATOR = "discriminator"


@dataclass(frozen=True)
class DPGAN:
    """Settings of DP-GAN; a method of judge.privacy.pools.pool.

    size       of the pictures, px
    weight     share of the budget of a discriminator's step beside that of labels, 1 (Mechanism.weight)
    start      generator to begin with: None (random weights), packaged, or a folder of judge generate train. It is
               taken for public, so it must not have learnt from the private people; nothing here can tell
    steps      of the discriminator; each is charged
    batch      people expected in a step: each is in it with probability batch / n, on his own (Poisson sampling). As
               many generated ones are beside them
    each       steps of the discriminator for one of the generator
    clip       L2 norm to which an example's gradient is clipped
    lr, discriminator_lr   Adam's rates
    latent, widths         as in judge.generator.settings
    discriminator_widths   channels after each halving; a larger network gets more noise
    generated  pictures in a generator's step
    chunk      examples whose gradients are held at a time
    """

    size: int = 32
    weight: float = 5.0
    start: str | None = None
    steps: int = 1_500
    batch: int = 256
    each: int = 3
    clip: float = 1.0
    lr: float = 5e-4
    discriminator_lr: float = 5e-4
    latent: int = 64
    widths: tuple[int, ...] | None = (64, 64, 32)
    discriminator_widths: tuple[int, ...] = (24, 48, 64)
    generated: int = 64
    chunk: int = 16
    name: ClassVar[str] = "dp_gan"

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "each", "generated", "chunk"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"{name}={value!r}: a whole number from 1")
        for name in ("weight", "clip", "lr", "discriminator_lr"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
                raise InputError(f"{name}={value!r}: a number over 0")
        widths = self.discriminator_widths
        if (
            isinstance(widths, str | int)
            or not widths
            or any(
                isinstance(w, bool) or not isinstance(w, int) or w < 1 or (w > 8 and w % 8) for w in widths
            )
        ):
            raise InputError(
                f"discriminator_widths={widths!r}: whole numbers, up to 8 or multiples of it, as its norm has 8 groups"
            )
        if isinstance(self.size, int) and self.size % 2 ** len(widths):
            raise InputError(
                f"discriminator_widths={widths!r}: {self.size} px cannot be halved {len(widths)} times"
            )
        self._network_settings()  # refuses sizes and widths

    def _network_settings(self) -> GeneratorTraining:
        from judge.generator.settings import GeneratorTraining

        return GeneratorTraining(size=self.size, widths=self.widths, latent=self.latent)

    def mechanisms(self, n: int) -> list[Mechanism]:
        """Raises InputError where fewer people than a batch are private."""
        if self.batch > n:
            raise InputError(f"batch={self.batch}: at most the {n} private people")
        return [Mechanism(DISCRIMINATOR, self.weight, self.steps, self.batch / n)]

    def __call__(
        self,
        people: PrivatePeople,
        labels: PrivateLabels,
        wanted: Mapping[str, int],
        *,
        noise: np.random.Generator,
        seed: int,
        progress: bool = True,
    ) -> Made:
        """Trains both and draws the pool.

        noise  of the noise and of who is sampled: both have to be secret for the budget to hold
        Raises InputError where a gradient is no longer finite.
        """
        import torch
        from timm.utils import ModelEmaV3
        from torch.nn import functional
        from tqdm.auto import tqdm

        from judge.generator import FaceGenerator
        from judge.generator.model import to_floats
        from judge.privacy.pools.clipped import PrivateDiscriminator, PrivateSteps

        drawn = np.random.default_rng(seed)
        conditions = conditions_of(labels)
        channels = self._network_settings().channels
        begun = beginning(
            self.start, labels, size=self.size, channels=channels, latent=self.latent, seed=seed
        )
        network = begun.network
        with torch.random.fork_rng():
            torch.manual_seed(seed + 1)  # not the generator's own numbers again
            discriminator = PrivateDiscriminator(
                self.size, tuple(self.discriminator_widths), conditions.width
            )
        private = PrivateSteps(
            discriminator,
            clip=self.clip,
            noise_multiplier=people.ledger.plan.noise(DISCRIMINATOR),
            expected=self.batch,
            lr=self.discriminator_lr,
            noise=torch.Generator().manual_seed(int(noise.integers(2**63))),
            chunk=self.chunk,
        )
        manifest = people.for_training(DISCRIMINATOR, self.steps, noise=private.noise_multiplier)
        pixels, codes, readable = _private_examples(manifest, conditions, labels, self.size)
        rate = self.batch / len(people)

        rng = torch.Generator().manual_seed(seed)
        adam = torch.optim.Adam(network.parameters(), self.lr, betas=(0.5, 0.99))
        ema = ModelEmaV3(network, decay=0.5 ** (20 * self.each / self.steps), use_warmup=True)
        asked = people_asked(labels, labels.people(20_000), rng=drawn)
        asked_codes = torch.from_numpy(conditions.encode(asked))
        # the generator's own words for the same people, where it began as one that knows others
        words = in_words_of(self.start, begun, asked, labels, rng=drawn)
        own_codes = torch.from_numpy(begun.conditions.encode(words))
        network.train()

        def generated(n: int) -> tuple[Tensor, Tensor]:
            who = torch.randint(len(asked_codes), (n,), generator=rng)
            return network(torch.randn(n, network.latent, generator=rng), own_codes[who]), asked_codes[who]

        for step in tqdm(range(self.steps), desc="DP-GAN", unit="step", disable=not progress, leave=False):
            # The discriminator's step, the only one that sees private people: whoever is sampled, maybe nobody.
            sampled = torch.from_numpy(np.flatnonzero((noise.random(len(readable)) < rate) & readable))
            with torch.no_grad():
                fake = generated(self.batch)
            private.step((to_floats(pixels[sampled]), codes[sampled]), fake)
            if (step + 1) % self.each:
                continue
            # The generator's step.
            adam.zero_grad()
            with private.looked_at() as judged:
                loss = functional.softplus(-judged(*generated(self.generated))).mean()
                loss.backward()
            if not torch.isfinite(loss):
                raise InputError(
                    f"the generator's loss is {loss.item()} after {step + 1} steps: lower "
                    f"discriminator_lr={self.discriminator_lr} or lr={self.lr}"
                )
            adam.step()
            ema.update(network, step=step // self.each)
        generator = FaceGenerator(ema.module.eval(), self.size, begun.conditions)
        own = people_asked(labels, wanted, rng=drawn)
        words = in_words_of(self.start, begun, own, labels, rng=drawn)
        pictures = generator.draw(words, seed=seed, progress=progress)
        facts: dict[str, Any] = {
            "settings": asdict(self),
            "discriminator_parameters": sum(p.numel() for p in discriminator.parameters()),
        }
        return Made(own[["cell", "rating"]], pictures, public=said_of(self.start), facts=facts)


def _private_examples(
    manifest: pd.DataFrame, conditions: Conditions, labels: PrivateLabels, size: int
) -> tuple[Tensor, Tensor, np.ndarray]:
    """Pictures uint8 (n, 3, size, size), encoded labels (n, width), and whose picture can be read.

    Groups that the released labels lack become unknown, and ratings stay on their scale: an error here would tell.
    """
    import torch

    from judge.jury.network.pictures import decode_chunk

    paths = manifest["path"].tolist()
    decoded = decode_chunk(paths, range(len(paths)), size)
    table = manifest[[*labels.features, "rating"]].copy()
    for name in labels.features:
        table[name] = table[name].astype(object).where(table[name].astype(str).isin(conditions.groups[name]))
    table["rating"] = table["rating"].clip(*labels.rating_range)
    readable = np.ones(len(paths), dtype=bool)
    readable[list(decoded.broken)] = False
    return decoded.pixels, torch.from_numpy(conditions.encode(table)), readable
