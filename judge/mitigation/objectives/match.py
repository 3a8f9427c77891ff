"""Features, or scores, that are distributed alike in all groups at equal rating: a penalty on their distance."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from judge.data.groups import Groups
from judge.errors import InputError
from judge.jury.network.losses import Batch, Parts
from judge.mitigation.objectives.base import GroupObjective, at_least, same_on_all, whole_batch

STATISTICS = ("mmd", "coral")
#: factors on the median squared distance in the Gaussian kernels that an MMD is the mean of
BANDWIDTHS = (0.25, 1.0, 4.0)
#: ratings at which a batch is compared at most, evenly over its own: a whole pool (judge.jury.linear_head) would
#: be compared at hundreds that lie closer together than the Gaussian is wide
ANCHORS = 64


class MatchFeatures(GroupObjective):
    """The features' distance between groups, at equal rating, is added to the loss.

    At the rating of each picture of the batch, the pictures of a group weigh as a Gaussian in their ratings says, and
    their weighted distributions are compared between each two groups:

    mmd    maximum mean discrepancy, squared (Gretton et al. 2012, "A kernel two-sample test", JMLR 13:723), with
           Gaussian kernels of .25, 1 and 4 times the median squared distance; so weighted it compares conditional
           distributions, as mean embeddings smoothed over the rating (Song et al. 2013, IEEE SPM 30:98)
    coral  squared Frobenius distance of the covariances over 4 d² (Sun & Saenko 2016, "Deep CORAL", arXiv:1607.01719),
           features divided by their root mean square. Means stay apart. Weights are averaged over the batch's ratings

    Distances are averaged over pairs of groups. A small group is rare in a batch, so the last pictures of each group
    are remembered with the features that they had then; the gradient goes through the batch's own.

    strength   factor of the penalty
    statistic  mmd or coral
    bandwidth  standard deviation of the Gaussian in the rating, in standard deviations of the ratings. A picture at
               whose rating one of two groups has nobody compares nothing
    memory     pictures remembered of each group

    Features that are frozen cannot be matched: MatchScores matches what is read from them.
    """

    trains_features = True

    def __init__(
        self,
        loss: Any,
        groups: Groups,
        *,
        strength: float = 1.0,
        statistic: str = "mmd",
        bandwidth: float = 0.25,
        memory: int = 64,
    ) -> None:
        super().__init__(loss, groups)
        if statistic not in STATISTICS:
            raise InputError(f"mitigation match: statistic is mmd or coral, not {statistic!r}")
        at_least("match", 0, over=True, strength=strength, bandwidth=bandwidth)
        at_least("match", 1, whole=True, memory=memory)
        self.strength, self.statistic, self.bandwidth, self.memory = strength, statistic, bandwidth, memory

    def attach(self, network: nn.Module) -> None:
        names = len(self.groups.names)
        self.register_buffer("remembered", torch.zeros(names, self.memory, self._width(network)))
        self.register_buffer("ratings", torch.zeros(names, self.memory))
        self.register_buffer("seen", torch.zeros(names, dtype=torch.int64))

    def forward(self, network: nn.Module, batch: Batch) -> Parts:
        """loss; base, the judge's own loss; distance, the penalty before `strength`."""
        reading = network(batch.pixels)
        base = batch.mean(self.loss.per_picture(reading, batch, network))
        own = self._matched(reading, network)
        # over all devices: which pictures are compared must not depend on their number
        (codes, _), (rating, _) = (
            whole_batch(self.codes(batch)),
            whole_batch(self._standard(batch.rating, network)),
        )
        values, part = whole_batch(own)
        with_gradient = values.clone()
        with_gradient[part] = own
        distance = self._distance(with_gradient, rating, codes)
        self._remember(values, rating, codes)
        loss = base + self.strength * same_on_all(distance)
        return {"loss": loss, "base": base.detach(), "distance": distance.detach()}

    def _width(self, network: nn.Module) -> int:
        return int(network.head.in_features)

    def _matched(self, reading: Any, network: nn.Module) -> Tensor:
        """(B, F) float32"""
        return reading.features.float()

    @staticmethod
    def _standard(rating: Tensor, network: nn.Module) -> Tensor:
        return (rating.float() - network.scale[0]) / network.scale[1]

    def _distance(self, values: Tensor, rating: Tensor, codes: Tensor) -> Tensor:
        """The mean distance between groups of the batch and what is remembered."""
        known = codes >= 0
        own = rating[known]
        anchors = own
        if len(own) > ANCHORS:
            anchors = own.sort().values[torch.linspace(0, len(own) - 1, ANCHORS, device=own.device).long()]
        old = [(self.remembered[g, :n], self.ratings[g, :n], n) for g, n in enumerate(self._filled())]
        x = torch.cat([values[known], *(part for part, _, _ in old)])
        y = torch.cat([own, *(part for _, part, _ in old)])
        g = torch.cat([codes[known], *(codes.new_full((n,), code) for code, (_, _, n) in enumerate(old))])
        near = torch.exp(-0.5 * ((anchors[:, None] - y) / self.bandwidth).square())
        groups = [(g == code).float() * near for code in g.unique().tolist()]
        if len(groups) < 2:
            return values.sum() * 0
        mass = [weight.sum(1) for weight in groups]
        weights = [w / m.clamp_min(1e-12)[:, None] for w, m in zip(groups, mass, strict=True)]
        compare = conditional_mmd if self.statistic == "mmd" else conditional_coral
        with torch.no_grad():
            kept = [m.clamp(max=1) for m in mass]
        found = compare(x, weights, kept)
        return torch.stack(found).mean()

    def _filled(self) -> list[int]:
        return self.seen.clamp(max=self.memory).tolist()

    @torch.no_grad()
    def _remember(self, values: Tensor, rating: Tensor, codes: Tensor) -> None:
        for g in range(len(self.seen)):
            rows = (codes == g).nonzero()[:, 0][-self.memory :]
            at = (self.seen[g] + torch.arange(len(rows), device=rows.device)) % self.memory
            self.remembered[g, at], self.ratings[g, at] = values[rows], rating[rows]
            self.seen[g] += len(rows)


class MatchScores(MatchFeatures):
    """The scores' distance between groups, at equal rating, is added to the loss: MatchFeatures of the score alone."""

    trains_features = False

    def _width(self, network: nn.Module) -> int:
        return 1

    def _matched(self, reading: Any, network: nn.Module) -> Tensor:
        return self._standard(reading.rating, network)[:, None]


def conditional_mmd(x: Tensor, weights: list[Tensor], mass: list[Tensor]) -> list[Tensor]:
    """Squared maximum mean discrepancies of each two groups, averaged over A ratings.

    x        (N, F)
    weights  of each group, (A, N): at each rating its pictures' weights, which sum to 1
    mass     of each group, (A,) 0–1: a rating counts as the product of both groups' says
    """
    kernel = gaussian_kernel(x)
    found = []
    for a, b in combinations(range(len(weights)), 2):
        apart = weights[a] - weights[b]
        squared = ((apart @ kernel) * apart).sum(1)
        counts = mass[a] * mass[b]
        found.append((counts * squared).sum() / len(counts))
    return found


def conditional_coral(x: Tensor, weights: list[Tensor], mass: list[Tensor]) -> list[Tensor]:
    """CORAL losses of each two groups; arguments as of conditional_mmd.

    Their weights averaged over the ratings, so that both groups' pictures have about the same ratings.
    """
    with torch.no_grad():
        scale = (x - x.mean(0)).square().mean().sqrt().clamp_min(1e-6)
    x = x / scale
    found = []
    for a, b in combinations(range(len(weights)), 2):
        counts = mass[a] * mass[b]
        total = counts.sum().clamp_min(1e-12)
        sides = []
        for weight in (weights[a], weights[b]):
            u = counts @ weight / total
            sides.append(u.sqrt()[:, None] * (x - u @ x))
        same, other, cross = (
            (left @ right.T).square().sum()  # tr(C_a C_b), without the (F, F) covariances
            for left, right in ((sides[0], sides[0]), (sides[1], sides[1]), (sides[0], sides[1]))
        )
        found.append((same + other - 2 * cross) / (4 * x.shape[1] ** 2) * (total / len(counts)))
    return found


def gaussian_kernel(x: Tensor) -> Tensor:
    """(N, N) mean of Gaussian kernels of BANDWIDTHS times the median squared distance."""
    squared = (x.square().sum(1)[:, None] + x.square().sum(1) - 2 * x @ x.T).clamp_min(0)
    with torch.no_grad():
        some = squared[
            :: 1 + len(x) // 256, :: 1 + len(x) // 256
        ]  # a median of sixty thousand distances is known well
        apart = some[~torch.eye(len(some), dtype=torch.bool, device=x.device)]
        median = apart.median().clamp_min(1e-12) if len(apart) else squared.new_ones(())
    return torch.stack([torch.exp(-squared / (width * median)) for width in BANDWIDTHS]).mean(0)
