"""A linear head on frozen features, trained for an objective by its gradient.

With the squared error for objective it ends at the ridge regression. Any other objective is minimised under that
regression's penalty, on all pictures at once. One rule for all of them, Adam with a fixed number of steps, since those
with an adversary of their own minimise nothing, and have no end at which they could be stopped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from judge.errors import InputError
from judge.jury.network.backbone import Reading
from judge.jury.network.losses import Batch, Objective, prepared
from judge.jury.ridge import Conditioned, Ridge, left_out_errors, ridge

#: Adam's peak learning rate. Weights of conditioned features are hundredths, as n of them make one standard deviation.
RATE = 0.02


class LinearHead(nn.Module):
    """Features (B, r) → a judge.jury.network.backbone.Reading: what an objective sees of it is as of a network."""

    def __init__(self, width: int, centre: float, spread: float) -> None:
        super().__init__()
        self.head = nn.Linear(width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.levels = None
        self.register_buffer("scale", torch.tensor([centre, spread], dtype=torch.float32))

    def forward(self, features: Tensor) -> Reading:
        logits = self.head(features)
        return Reading(self.scale[0] + self.scale[1] * logits[:, 0], logits, features)


def fitted_for(
    objective: Objective,
    features: NDArray,
    rating: NDArray,
    weight: NDArray,
    *,
    groups: Mapping[str, Tensor],
    penalties: Sequence[float],
    steps: int,
    seed: int,
) -> tuple[Ridge, dict[str, float]]:
    """The head, and the objective's parts after the last step.

    features  (n, F), rating and weight (n,) of different pictures, weights over 0
    groups    sensitive feature → (n,) codes
    seed      of what the objective draws
    The penalty is the one that the ridge regression chooses, on the squares of the head's weights. Weights of the
    objective's own that read features too, e.g. heads of the groups, are under it as well: without it they would
    pass through every picture.
    Raises InputError if the objective has no use for these pictures, or its loss is no longer finite.
    """
    first = ridge(features, rating, weight, penalties)
    weight = weight / weight.mean()
    centre = float(np.average(rating, weights=weight))
    spread = max(float(np.sqrt(np.average((rating - centre) ** 2, weights=weight))), 1e-3)
    own = Conditioned.of((features - first.mean) / first.scale, weight, first.penalty)
    target, share = (torch.from_numpy(part).float() for part in (rating, weight / len(rating)))
    batch = Batch(
        pixels=torch.from_numpy(own.features).float(),
        rating=target,
        share=share,
        rows=torch.arange(len(target)),
        groups=dict(groups),
    )
    curve = torch.from_numpy(own.curve).float()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = LinearHead(batch.pixels.shape[1], centre, spread)
        objective = prepared(
            objective, head, rating=target, weight=share * len(target), groups=batch.groups, steps=steps
        )
        more = list(objective.parameters()) if isinstance(objective, nn.Module) else []
        reading = [p for p in [head.head.weight, *more] if p.ndim > 1 and p.shape[-1] == len(curve)]
        optimizer = torch.optim.Adam([*head.parameters(), *more], lr=RATE)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
            parts = objective(head, batch)
            optimizer.zero_grad()
            (parts["loss"] + sum((p * curve).square().sum() for p in reading)).backward()
            optimizer.step()
            if not math.isfinite(parts["loss"].item()):
                raise InputError(
                    f"the loss of {type(objective).__name__} is {parts['loss'].item()} in step {step + 1} of {steps}"
                )
    theta = spread * head.head.weight.detach()[0].double().numpy()
    bias = centre + spread * float(head.head.bias.detach())
    told = {name: float(value.detach()) for name, value in parts.items()}
    return Ridge(first.mean, first.scale, own.back @ theta, bias, first.penalty), told


def fitted_twice(
    features: NDArray, rating: NDArray, weight: NDArray, objective: Any, penalties: Sequence[float]
) -> Ridge:
    """The ridge regression with the weights that `objective.reweigh` makes of the errors of a first one.

    Of pictures that were left out, in points: its own residuals a regression on many features makes small. So there
    is nothing to stop early, and `first_epochs` does not matter here.
    """
    first = ridge(features, rating, weight, penalties)
    error = left_out_errors(features, rating, weight, first)
    return ridge(features, rating, objective.reweigh(error, weight / weight.mean()), penalties)
