"""Optimisers of the training loop, by name: what conf/optimizer chooses from.

The schedule of the learning rate, its factors by layer and weight decay are the loop's (training.Training).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from judge.errors import InputError


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101); betas: its two decays."""

    betas: Sequence[float] = (0.9, 0.999)
    name = "adamw"

    def __post_init__(self) -> None:
        object.__setattr__(self, "betas", tuple(float(beta) for beta in self.betas))
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise InputError(f"optimizer.betas={list(self.betas)}: two numbers from 0 to under 1")

    def __call__(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(groups, lr=lr, betas=(self.betas[0], self.betas[1]))


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with momentum; its learning rate is some ten to a hundred times AdamW's."""

    momentum: float = 0.9
    nesterov: bool = True
    name = "sgd"

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1 or (self.nesterov and not self.momentum):
            raise InputError(
                f"optimizer.momentum={self.momentum}: from 0 to under 1, and over 0 with nesterov=true"
            )

    def __call__(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        return torch.optim.SGD(groups, lr=lr, momentum=self.momentum, nesterov=self.nesterov)


Optimiser = AdamW | SGD
OPTIMIZERS = {kind.name: kind for kind in (AdamW, SGD)}
