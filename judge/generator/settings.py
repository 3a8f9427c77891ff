"""Settings of a generator and of its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from judge.errors import InputError
from judge.generator.networks import stages

DISCRIMINATORS = ("relativistic", "projected")
#: Channels of the stages from the smallest, by the picture's side in px.
WIDTHS = {
    16: (128, 96),
    24: (128, 96, 48),
    32: (160, 128, 64),
    48: (192, 128, 96, 48),
    64: (192, 192, 96, 48),
    128: (512, 512, 384, 256, 128),
    256: (768, 768, 512, 384, 256, 128),
}


@dataclass(frozen=True)
class GeneratorTraining:
    """Settings of the loop, named as conf/generator has them.

    size              of the pictures, px
    discriminator     relativistic: own network, RpGAN with R1 and R2 (Huang et al. 2024, arXiv:2501.05441), covers
                      more · projected: heads on the frozen lite0, hinge (Sauer et al. 2021), faster to a likeness
    conditions        labels that may be asked for; None: all that the data have, (): none
    pictures          real pictures shown to the discriminator in all, counted with repeats
    warm_up           pictures of an autoencoder before that, from which the generator starts; 0: from random weights
    widths            channels of the stages from the smallest; None: WIDTHS of the size
    latent            numbers in a latent
    batch             pictures a step
    lr                Adam's rate of both players (β = 0, .99); falls to a tenth over the last half
    discriminator_lr  factor on it for the discriminator
    gamma             weight of the penalties R1 and R2, at first; a tenth of it at the end; relativistic only
    penalty_every     steps from one penalty to the next, each weighted by as much (Karras et al. 2020, sec. 3.1)
    augment           probability of each DiffAugment change
    ema               pictures in which the moving average of the generator forgets half
    sigma             standard deviation of a pixel about its reconstruction in the warm-up (range −1 to 1)
    held_out          share of the pictures that nothing is trained on, for the distance
    evaluate_every    pictures between two measures of the distance; a preview is drawn then, too
    patience          measures without a better distance after which training stops; None: never before `pictures`
    checkpoint_every  seconds between checkpoints; None: only when the distance is measured
    start             folder of a generator (or packaged) to go on from, and its discriminator where one is there; both
                      of this size, these widths and conditions. None: from the beginning
    precision         auto: bf16 where a convolution is measured faster in it, once, here · float32 · bf16
    accelerator       cpu, cuda, or auto
    """

    size: int = 64
    discriminator: str = "relativistic"
    conditions: Sequence[str] | None = None
    pictures: int = 400_000
    warm_up: int = 0
    widths: Sequence[int] | None = None
    latent: int = 64
    batch: int = 16
    lr: float = 3e-4
    discriminator_lr: float = 1.0
    gamma: float = 0.5
    penalty_every: int = 4
    augment: float = 0.1
    ema: float = 5_000
    sigma: float = 0.3
    held_out: float = 0.1
    evaluate_every: int = 20_000
    patience: int | None = None
    checkpoint_every: float | None = 120.0
    start: str | None = None
    precision: str = "auto"
    accelerator: str = "auto"

    def __post_init__(self) -> None:
        def refuse(name: str, allowed: str) -> None:
            raise InputError(f"generator.{name}={getattr(self, name)!r}: allowed is {allowed}")

        whole = (
            "size",
            "pictures",
            "warm_up",
            "latent",
            "batch",
            "penalty_every",
            "evaluate_every",
            "patience",
        )
        for name in (
            *whole,
            "lr",
            "discriminator_lr",
            "gamma",
            "augment",
            "ema",
            "sigma",
            "held_out",
            "checkpoint_every",
        ):
            value, kinds = getattr(self, name), (int,) if name in whole else (int, float)
            left_out = value is None and name in ("patience", "checkpoint_every")
            if not left_out and (isinstance(value, bool) or not isinstance(value, kinds)):
                refuse(name, "a whole number" if name in whole else "a number")
        if self.widths is not None and (
            isinstance(self.widths, str | int | float)
            or any(not isinstance(w, int) or w < 1 for w in self.widths)
        ):
            refuse("widths", "a list of whole numbers from 1, or null")
        if self.size not in WIDTHS and self.widths is None:
            refuse("size", f"{', '.join(map(str, WIDTHS))}; other sizes need widths, too")
        base = self.size // 3 if self.size % 3 == 0 else self.size
        if base < 8 or base & (base - 1) or self.size > 256:
            refuse("size", "16 to 256 px, a power of two or 3 times one")
        if self.widths is not None and len(self.widths) != stages(self.size):
            refuse("widths", f"{stages(self.size)} numbers of channels for {self.size} px")
        if self.discriminator not in DISCRIMINATORS:
            refuse("discriminator", " or ".join(DISCRIMINATORS))
        if self.start is not None and self.warm_up:
            raise InputError(
                f"generator.start={self.start!r} with generator.warm_up={self.warm_up}: an autoencoder would overwrite "
                "the discriminator and blur the generator that is gone on from; set generator.warm_up=0"
            )
        if self.precision not in ("auto", "float32", "bf16"):
            refuse("precision", "auto, float32 or bf16")
        if self.accelerator not in ("auto", "cpu", "cuda"):
            refuse("accelerator", "auto, cpu or cuda")
        for name, least in {
            "pictures": 1,
            "batch": 2,
            "latent": 2,
            "penalty_every": 1,
            "evaluate_every": 1,
        }.items():
            if getattr(self, name) < least:
                refuse(name, f"at least {least}")
        for name in ("lr", "discriminator_lr", "ema", "sigma"):
            if not getattr(self, name) > 0:
                refuse(name, "above 0")
        for name in ("warm_up", "gamma"):
            if getattr(self, name) < 0:
                refuse(name, "at least 0")
        if not 0 <= self.augment < 0.8:
            refuse("augment", "0 to below .8, from which on changes leak into what is generated")
        if not 0 <= self.held_out < 0.5:
            refuse("held_out", "0 to below .5")
        if self.patience is not None and self.patience < 1:
            refuse("patience", "at least 1, or null")

    @property
    def channels(self) -> tuple[int, ...]:
        return tuple(WIDTHS[self.size] if self.widths is None else self.widths)
