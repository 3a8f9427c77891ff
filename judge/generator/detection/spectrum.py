"""A detector that sees frequencies only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from judge.errors import InputError
from judge.generator.detection.base import Detector, Logistic, check_kinds


@dataclass
class SpectrumDetector(Detector):
    """Azimuthally averaged log power spectrum, then a logistic regression.

    Durall, Keuper & Keuper 2020 (arXiv:2003.01826, eq. 3: mean power over rings of equal frequency) with the log of
    Frank et al. 2020 (arXiv:2003.08685); of luminance and of the two differences of colours, out to the corners.

    strength  inverse of the ridge penalty (scikit-learn's C), above 0
    """

    strength: float = 1.0
    name: ClassVar[str] = "spectrum"

    def __post_init__(self) -> None:
        if not self.strength > 0:
            raise InputError(f"spectrum.strength={self.strength}: above 0")
        self.size: int | None = None
        self.logistic = Logistic(self.strength)

    def fit(self, real: Tensor, fake: Tensor, seed: int) -> SpectrumDetector:
        """See `Detector.fit`; nothing is drawn, so the seed changes nothing."""
        self.size = check_kinds(real, fake)
        self.logistic.fit(spectra(real), spectra(fake))
        return self

    def score(self, pictures: Tensor) -> NDArray[np.float64]:
        return self.logistic.score(spectra(self._checked(pictures)))

    def state(self) -> dict[str, Tensor]:
        return self.logistic.tensors

    def restore(self, tensors: dict[str, Tensor], size: int) -> None:
        self.logistic.restore(tensors, 3 * (int(_rings(size).max()) + 1))
        self.size = size


def spectra(pictures: Tensor, batch: int = 256) -> NDArray[np.float64]:
    """uint8 (n, 3, s, s) → (n, 3 · rings): mean log10 of power by distance from the middle of the spectrum."""
    ring = _rings(pictures.shape[-1])
    sizes = torch.bincount(ring)
    parts = []
    for part in pictures.split(batch):
        r, g, b = part.double().div(255).unbind(1)
        channels = torch.stack([0.299 * r + 0.587 * g + 0.114 * b, r - g, b - g], 1)
        channels = channels - channels.mean((2, 3), keepdim=True)
        power = torch.fft.fftshift(torch.fft.fft2(channels), (2, 3)).abs().square().flatten(2)
        summed = torch.zeros(*power.shape[:2], len(sizes), dtype=power.dtype).index_add_(2, ring, power)
        parts.append(torch.log10(summed / sizes + 1e-8).flatten(1))
    return torch.cat(parts).numpy() if parts else np.zeros((0, 3 * len(sizes)))


@cache
def _rings(size: int) -> Tensor:
    """(size²,) rounded distance of each frequency from the middle, in cycles a picture."""
    at = torch.arange(size) - size // 2
    return torch.hypot(at[:, None].float(), at[None].float()).round().long().flatten()
