"""What a judge is trained to match. An objective is `(network, batch) -> parts`, a dict whose "loss" is minimised.

The losses below are objectives, and so is what a mitigation puts in the place of a loss: its factory is called
`(loss, groups) -> objective` before the training. An objective that is an nn.Module has its own parameters trained,
and its state kept in the checkpoint, along with the network's. Before the first step a loop calls `prepared`, which
calls two methods where an objective has them: `attach(network)`, with the untrained network, e.g. to make a layer as
wide as `network.head.in_features`, and `survey(…)`, with what is known of the whole pool.
On several devices each computes its part of a batch: gradients are averaged over them, buffers are not.

Each loss also has `per_picture(reading, batch, network) -> (B,)`, for objectives that weigh pictures or groups anew.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from judge.data.groups import Groups
from judge.errors import InputError
from judge.jury.network.identity import described

Parts = dict[str, Tensor]


@dataclass
class Batch:
    """B training pictures on the device.

    share      weight of a picture / size of the whole batch (over all devices, times their number), so that
               Σ share · loss is the weighted mean: use it instead of .mean()
    histogram  (B, K) target distribution over the loss's levels, or None
    rows       positions in the training manifest
    groups     sensitive feature → codes 0 … G-1 of judge.data.groups.Groups, −1 unknown
    """

    pixels: Tensor  # (B, 3, S, S) float, 0–255
    rating: Tensor  # (B,)
    share: Tensor  # (B,)
    rows: Tensor  # (B,)
    histogram: Tensor | None = None
    groups: dict[str, Tensor] = field(default_factory=dict)

    def mean(self, per_picture: Tensor) -> Tensor:
        """The weighted mean of a (B,) loss."""
        return (self.share * per_picture).sum()


Objective = Callable[[nn.Module, Batch], Parts]
ObjectiveFactory = Callable[[Objective, Groups], Objective]


def made_objective(
    factory: ObjectiveFactory | None, loss: Objective, groups: Groups | None, seed: int
) -> tuple[Objective, str]:
    """What is minimised, and the words that tell it from another objective (identity.described).

    factory  None: the loss itself
    seed     of parameters that the objective may have
    Raises InputError: an objective without groups.
    """
    if factory is None:
        return loss, described(loss)
    if groups is None:
        raise InputError(
            "an objective needs the groups of the sensitive feature: fit(…, groups=Groups.of(…))"
        )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        objective = factory(loss, groups)
    # what was not given is a setting too: another default makes another training
    told = {"settings": objective.settings()} if callable(getattr(objective, "settings", None)) else {}
    return objective, described(factory, loss=loss, groups=groups, **told)


def check_objective(factory: ObjectiveFactory, loss: Objective, groups: Groups, pool: pd.DataFrame) -> None:
    """Raises InputError, without any work, for settings that are wrong or a pool that the objective has no use for.

    pool  `rating` of the training pictures, the column of `groups`, and `weight` where there are training weights
    """
    objective, _ = made_objective(factory, loss, groups, seed=0)
    if callable(survey := getattr(objective, "survey", None)):
        pool = pool[pool["rating"].notna()]
        weight = pool["weight"].to_numpy(float) if "weight" in pool else np.ones(len(pool))
        survey(
            rating=torch.from_numpy(pool["rating"].to_numpy(np.float32)),
            weight=torch.from_numpy(weight).float(),
            groups={groups.feature: torch.from_numpy(groups.codes(pool))},
            steps=1,
        )


def prepared(
    objective: Objective,
    network: nn.Module,
    *,
    rating: Tensor,
    weight: Tensor,
    groups: Mapping[str, Tensor],
    steps: int,
) -> Objective:
    """A copy of the objective that knows the untrained network and the pool: a training starts with it.

    A copy, so that a second training with the same object starts afresh. Every loop that trains for an objective
    calls this, on every device, right after the network was made and before a saved state is loaded.

    rating, weight  (n,) of the training pictures
    groups          sensitive feature → (n,) codes, as in a Batch
    steps           of the whole training
    Raises InputError where the objective has no use for such a pool, e.g. one of a single group.
    """
    objective = copy.deepcopy(objective)
    if callable(attach := getattr(objective, "attach", None)):
        attach(network)
    if callable(survey := getattr(objective, "survey", None)):
        survey(rating=rating, weight=weight, groups=groups, steps=steps)
    return objective


def _huber(reading: Any, batch: Batch, network: nn.Module, delta: float) -> Tensor:
    error = (reading.rating - batch.rating) / network.scale[1]
    return functional.huber_loss(error, torch.zeros_like(error), reduction="none", delta=delta)


def own_parameters(objective: Objective) -> list[tuple[float, list[nn.Parameter]]]:
    """(factor, parameters) of an objective that has its own: `factor` is on the learning rate of the head.

    It is 1 but for what the objective's `rates` names: its attribute → factor, e.g. {"adversary": 10.0}. A loop with
    one rate for all (judge.jury.linear_head) does without.
    """
    if not isinstance(objective, nn.Module):
        return []
    rates = getattr(objective, "rates", {})
    by_factor: dict[float, list[nn.Parameter]] = {}
    for name, parameter in objective.named_parameters():
        by_factor.setdefault(float(rates.get(name.split(".")[0], 1.0)), []).append(parameter)
    return list(by_factor.items())


@dataclass(frozen=True)
class SquaredError:
    """L2: squared error in units of the training ratings' standard deviation."""

    name = "l2"
    levels = None

    def __call__(self, network: nn.Module, batch: Batch) -> Parts:
        return {"loss": batch.mean(self.per_picture(network(batch.pixels), batch, network))}

    def per_picture(self, reading: Any, batch: Batch, network: nn.Module) -> Tensor:
        return ((reading.rating - batch.rating) / network.scale[1]).square()


@dataclass(frozen=True)
class Huber:
    """Huber's loss; `delta`, in standard deviations of the ratings, is where it turns from square to linear."""

    delta: float = 0.5
    name = "huber"
    levels = None

    def __call__(self, network: nn.Module, batch: Batch) -> Parts:
        return {"loss": batch.mean(self.per_picture(network(batch.pixels), batch, network))}

    def per_picture(self, reading: Any, batch: Batch, network: nn.Module) -> Tensor:
        return _huber(reading, batch, network, self.delta)


@dataclass(frozen=True)
class LabelDistribution:
    """KL divergence from the raters' distribution, plus Huber's loss on its expectation.

    The target is the histogram of a picture's single ratings, each split between its two neighbouring levels
    and then smoothed; without single ratings it is a Gaussian around the mean rating (Gao et al. 2017,
    arXiv:1611.01731; for faces Ren & Geng 2017).

    levels       K, evenly spaced over the rating range
    smoothing    standard deviation of the Gaussian that blurs a histogram, in levels
    spread       standard deviation of the Gaussian where there are no single ratings, as a share of the range
    expectation  factor of the Huber loss on the expectation, in standard deviations of the ratings
    """

    levels: int = 19
    smoothing: float = 1.0
    spread: float = 0.15
    expectation: float = 1.0
    name = "label_distribution"

    def __call__(self, network: nn.Module, batch: Batch) -> Parts:
        kl, expectation = (batch.mean(term) for term in self._terms(network(batch.pixels), batch, network))
        return {"loss": kl + self.expectation * expectation, "kl": kl, "expectation": expectation}

    def per_picture(self, reading: Any, batch: Batch, network: nn.Module) -> Tensor:
        kl, expectation = self._terms(reading, batch, network)
        return kl + self.expectation * expectation

    def _terms(self, reading: Any, batch: Batch, network: nn.Module) -> tuple[Tensor, Tensor]:
        log_p = reading.logits.float().log_softmax(1)
        kl = functional.kl_div(log_p, batch.histogram, reduction="none").sum(1)
        return kl, _huber(reading, batch, network, 0.5)

    def level_values(self, rating_range: tuple[float, float]) -> np.ndarray:
        """(K,) ratings that the levels stand for."""
        if self.levels < 2:
            raise InputError(f"loss.levels={self.levels}: a label distribution needs at least 2 levels")
        return np.linspace(*rating_range, self.levels)

    def targets(
        self,
        image_id: pd.Series,
        mean: np.ndarray,
        ratings: pd.DataFrame | None,
        rating_range: tuple[float, float],
    ) -> np.ndarray:
        """(n, K) float32 target distributions, rows sum to 1."""
        levels = self.level_values(rating_range)
        step = levels[1] - levels[0]
        width = self.spread * (rating_range[1] - rating_range[0])
        target = np.exp(-0.5 * ((levels - mean[:, None]) / width) ** 2)
        if ratings is not None and len(ratings):
            histogram = rating_histograms(image_id, ratings, levels)
            rated = histogram.sum(1) > 0
            if self.smoothing:
                distance = (levels[:, None] - levels) / (self.smoothing * step)
                blur = np.exp(-0.5 * distance**2)
                histogram = histogram @ (blur / blur.sum(1, keepdims=True))
            target[rated] = histogram[rated]
        return (target / target.sum(1, keepdims=True)).astype(np.float32)


def rating_histograms(image_id: pd.Series, ratings: pd.DataFrame, levels: np.ndarray) -> np.ndarray:
    """(n, K) counts: each single rating is shared between the levels on both sides of it, so that the mean is kept.

    A picture without single ratings has a row of zeros. Ratings beyond the range count at its end. A repeated
    picture (resample_up) has the same row each time.
    """
    copy_of, pictures = pd.factorize(image_id)
    position = pd.Index(pictures).get_indexer(ratings["image_id"])
    known = position >= 0
    place = (ratings["rating"].to_numpy(float) - levels[0]) / (levels[1] - levels[0])
    place = place.clip(0, len(levels) - 1)[known]
    position = position[known]
    low = np.floor(place).astype(int).clip(max=len(levels) - 2)
    counts = np.zeros((len(pictures), len(levels)))
    np.add.at(counts, (position, low), low + 1 - place)
    np.add.at(counts, (position, low + 1), place - low)
    return counts[copy_of]


LOSSES = {loss.name: loss for loss in (SquaredError, Huber, LabelDistribution)}
