"""What a training in a stack is made of, which trainings go together, and the pictures that they share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from judge.errors import InputError
from judge.jury.network.augmentation import Augmentation
from judge.jury.network.backbone import RatingNetwork
from judge.jury.network.losses import LOSSES, Objective
from judge.jury.network.pool import Pool
from judge.jury.network.training import Training, identity_of
from judge.jury.optimizers import AdamW
from judge.storage import Found


class Shelf:
    """Pictures of many trainings, each once: what two pools share takes memory once and is read once.

    It is also the store in which views.frozen_views finds what frozen stages made of a picture before (`get`, `put`).
    """

    def __init__(self) -> None:
        self._place: dict[bytes, int] = {}
        self._named: dict[str, int] = {}
        self._parts: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._place)

    def add(self, pixels: Tensor) -> Tensor:
        """int64 (n,): where the pictures (n, …) stand. All pictures of a shelf have one shape and type."""
        if self._parts and pixels.shape[1:] != self._parts[0].shape[1:]:
            raise InputError(f"pictures of {list(pixels.shape[1:])} beside {list(self._parts[0].shape[1:])}")
        places, fresh = [], []
        for row, picture in enumerate(pixels):
            key = hashlib.blake2b(np.ascontiguousarray(picture.numpy()).data, digest_size=16).digest()
            if key not in self._place:
                self._place[key] = len(self._place)
                fresh.append(row)
            places.append(self._place[key])
        if fresh:
            self._parts.append(pixels[fresh])
        return torch.tensor(places)

    def get(self, names: Sequence[str]) -> Found:
        """The views that stand here under these names."""
        found = Found(names)
        known = [name for name in dict.fromkeys(names) if name in self._named]
        if known:
            found.fill(known, {"views": self.pixels[[self._named[name] for name in known]].numpy()})
            found.known[[place for place, name in enumerate(names) if name in self._named]] = True
        return found

    def put(self, names: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Views under their names."""
        places = self.add(torch.from_numpy(arrays["views"]))
        self._named |= zip(names, places.tolist(), strict=True)

    @property
    def pixels(self) -> Tensor:
        if len(self._parts) > 1:
            self._parts = [torch.cat(self._parts)]
        return self._parts[0]


@dataclass
class Planned:
    """A training as `judge.jury.network.training.train` takes it, its pictures on shelves.

    pool, val  without pixels
    rows       (n,) where the pool's pictures stand on `shelf`; val_rows those of validation on `val_shelf`
    identity   of training.identity_of, whole: what the files of the training hold
    """

    make_network: Callable[[], RatingNetwork]
    objective: Objective
    pool: Pool
    val: Pool | None
    size: int
    augmentation: Augmentation
    settings: Training
    seed: int
    workdir: Path
    identity: Mapping[str, Any]
    shelf: Shelf
    rows: Tensor
    val_shelf: Shelf
    val_rows: Tensor | None
    structure: str = ""

    @classmethod
    def of(
        cls,
        make_network: Callable[[], RatingNetwork],
        objective: Objective,
        pool: Pool,
        val: Pool | None,
        *,
        size: int,
        augmentation: Augmentation,
        settings: Training,
        seed: int,
        workdir: Path,
        identity: Mapping[str, Any] | None = None,
        objective_as: str | None = None,
        progress: bool = True,
        shelf: Shelf,
        val_shelf: Shelf,
    ) -> Planned:
        """From what `train` is called with; the pictures go to the shelves, and the pools keep all but them."""
        told = identity_of(
            objective,
            pool,
            val,
            size=size,
            augmentation=augmentation,
            settings=settings,
            seed=seed,
            identity=identity,
            objective_as=objective_as,
        )
        # all of the network's own facts but the scale of its ratings, which is a buffer of each
        network = {k: v for k, v in dict(told.get("network", {})).items() if k not in ("centre", "spread")}
        same = [
            network, told.get("weights"), told["objective"], told["training"], told["augmentation"], size,
            len(pool.rating), list(pool.pixels.shape[1:]), str(pool.pixels.dtype), val is None,
        ]  # fmt: skip
        none = torch.empty(0)
        return cls(
            make_network,
            objective,
            replace(pool, pixels=none),
            None if val is None else replace(val, pixels=none),
            size,
            augmentation,
            settings,
            seed,
            Path(workdir),
            told,
            shelf,
            shelf.add(pool.pixels),
            val_shelf,
            None if val is None else val_shelf.add(val.pixels),
            json.dumps(same, sort_keys=True, default=str),
        )

    @property
    def views(self) -> bool:
        """Whether the pool's pictures are activations of the frozen stages, of several views each."""
        return self.shelf.pixels.ndim == 5


def refusal(objective: object, settings: Training) -> str | None:
    """Why such a training goes its own way, as far as that is told without its network; None: it can be stacked."""
    if type(objective) not in LOSSES.values():
        name = getattr(objective, "__name__", type(objective).__name__)
        return f"{name} is no loss of one picture at a time"
    if settings.devices not in (1, "1"):
        return f"training.devices={settings.devices}: one device is needed"
    if settings.optimizer != AdamW():
        return f"training.optimizer={settings.optimizer.name}: a stack takes AdamW as it is by default"
    if settings.checkpoint_every is not None:
        return "training.checkpoint_every: a stack is saved at the end of each epoch"
    return None


def together(planned: list[Planned], at_most: int) -> list[list[Planned]]:
    """Stacks of at most so many trainings of equal structure, settings and number of pictures, in order."""
    groups: dict[str, list[Planned]] = {}
    for one in planned:
        groups.setdefault(one.structure, []).append(one)
    return [
        group[start : start + at_most] for group in groups.values() for start in range(0, len(group), at_most)
    ]
