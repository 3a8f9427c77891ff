"""What all detectors have in common, a logistic regression on numbers of a picture, and their file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from judge.errors import InputError, listed
from judge.generator.detection.encoding import check_pictures
from judge.storage.tensors import load_tensors, save_tensors

KIND = "detector of generated faces 1"
#: Fewest pictures of either kind to learn from.
FEWEST = 10
_REGISTERED: dict[str, type[Detector]] = {}


class Detector(ABC):
    """Learns from pictures of two kinds which of them was generated. Subclasses are dataclasses of settings."""

    name: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in cls.__dict__:
            _REGISTERED[cls.name] = cls

    @abstractmethod
    def fit(self, real: Tensor, fake: Tensor, seed: int) -> Detector:
        """Learns from uint8 (n, 3, size, size) and (m, 3, size, size); returns itself.

        Both kinds have gone through the same `Encoding`: what differs in their files is learnt first.
        Raises InputError for other shapes, two sizes, or fewer than FEWEST of either kind.
        """

    @abstractmethod
    def score(self, pictures: Tensor) -> NDArray[np.float64]:
        """(n,) log odds that each picture was generated, up to a constant; higher: more likely."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """What was learnt."""

    @abstractmethod
    def restore(self, tensors: dict[str, Tensor], size: int) -> None:
        """Takes over what `state` gave, for pictures of `size` px. Raises InputError where it does not fit."""

    size: int | None

    def save(self, path: str | Path) -> Path:
        """Writes settings and what was learnt into a safetensors file. Raises InputError before `fit`."""
        self._fitted()
        settings = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}  # type: ignore[call-overload]
        facts = {"kind": KIND, "detector": self.name, "settings": settings, "size": self.size}
        save_tensors(Path(path), self.state(), facts)
        return Path(path)

    def _fitted(self) -> int:
        if self.size is None:
            raise InputError(f"the detector {self.name} has learnt nothing yet: fit it first")
        return self.size

    def _checked(self, pictures: Tensor) -> Tensor:
        check_pictures(pictures)
        if tuple(pictures.shape[2:]) != (self._fitted(),) * 2:
            raise InputError(
                f"the detector {self.name} learnt from {self.size} px; these pictures have {tuple(pictures.shape[2:])}"
            )
        return pictures


def check_kinds(real: Tensor, fake: Tensor) -> int:
    """The one side of both kinds of pictures. Raises InputError as `Detector.fit` says."""
    for pictures in (real, fake):
        check_pictures(pictures)
        if len(pictures) < FEWEST:
            raise InputError(
                f"a detector needs at least {FEWEST} pictures of either kind, not {len(pictures)}"
            )
    if real.shape[1:] != fake.shape[1:] or real.shape[2] != real.shape[3]:
        raise InputError(
            f"both kinds need the same square size: real {tuple(real.shape[2:])}, generated {tuple(fake.shape[2:])}"
        )
    return int(real.shape[2])


def load_detector(path: str | Path) -> Detector:
    """The detector in a file of `Detector.save`. Raises InputError for any other or damaged file."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"detector={str(path)!r}: no such file")
    tensors, facts = load_tensors(path)
    if facts.get("kind") != KIND or facts.get("detector") not in _REGISTERED:
        raise InputError(f"{path} holds no {KIND}; detectors are {listed(sorted(_REGISTERED))}")
    try:
        made = _REGISTERED[facts["detector"]](**facts["settings"])
        made.restore(tensors, int(facts["size"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: what it says of itself is damaged ({error!r})") from error
    return made


@dataclass
class Logistic:
    """Logistic regression on standardised numbers: log odds = ((x − mean) / scale) · weight + bias.

    strength  inverse of the ridge penalty on the weights (scikit-learn's C)
    """

    strength: float
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def fit(self, real: NDArray, fake: NDArray) -> None:
        from sklearn.linear_model import LogisticRegression

        x = np.concatenate([real, fake]).astype(float)
        kind = np.repeat([0, 1], [len(real), len(fake)])
        mean, scale = x.mean(0), x.std(0)
        scale[scale < 1e-9] = 1.0
        found = LogisticRegression(C=self.strength, max_iter=2000, class_weight="balanced").fit(
            (x - mean) / scale, kind
        )
        told = {"mean": mean, "scale": scale, "weight": found.coef_[0], "bias": found.intercept_}
        self.tensors = {
            name: torch.from_numpy(np.ascontiguousarray(value, float)) for name, value in told.items()
        }

    def score(self, x: NDArray) -> NDArray[np.float64]:
        t = {name: value.numpy() for name, value in self.tensors.items()}
        return ((x - t["mean"]) / t["scale"]) @ t["weight"] + t["bias"][0]

    def restore(self, tensors: dict[str, Tensor], width: int) -> None:
        shapes = {name: tuple(value.shape) for name, value in tensors.items()}
        wanted = {"mean": (width,), "scale": (width,), "weight": (width,), "bias": (1,)}
        if shapes != wanted:
            raise InputError(f"what the detector learnt is damaged: {shapes}, wanted {wanted}")
        self.tensors = {name: value.double() for name, value in tensors.items()}
