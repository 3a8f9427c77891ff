"""A head for each group, averaged in scoring: domain-independent training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from judge.data.groups import Groups
from judge.jury.network.losses import Batch, Parts
from judge.mitigation.objectives.base import GroupObjective, at_least, rating_of


class DomainIndependent(GroupObjective):
    """Each group's pictures are rated by a head of their own; in scoring the heads' outputs are averaged.

    Wang et al. 2020, "Towards fairness in visual recognition" (CVPR, arXiv:1911.11834), section 4: within a group
    nothing is gained by telling the group, so heads need not read it; the outputs before the softmax are summed over
    groups, whoever is on the picture. The head of group g is `network.head` + δ_g − mean(δ), over the groups of the
    pool: the average head is `network.head` itself, so the trained network needs nothing more, and a picture of
    unknown group is trained by the average. All heads start equal.

    Against ratings that differ between groups for no reason in the pictures: the average head gives everybody the
    average of what the groups' raters say. A small group's head is a full voice of that average, noise included.

    bias_speed  learning rate of the heads' biases over that of the head. While a bias lags behind its group's mean
                rating, features and the shared weights are taught the difference, hence to tell the group, and the
                average keeps that: on the planted cue (experiments/planted_cue.py) it is most of the error that is left
                at 1. For a head on frozen features, which has one rate for all, it is void
    """

    def __init__(self, loss: Any, groups: Groups, *, bias_speed: float = 10.0) -> None:
        super().__init__(loss, groups)
        at_least("domain_independent", 0, over=True, bias_speed=bias_speed)
        self.bias_speed = bias_speed

    @property
    def rates(self) -> Mapping[str, float]:
        """Factors on the learning rate of own parameters (losses.own_parameters)."""
        return {"bias": self.bias_speed}

    def attach(self, network: nn.Module) -> None:
        names, head = len(self.groups.names), network.head
        self.weight = nn.Parameter(torch.zeros(names, head.out_features, head.in_features))
        self.bias = nn.Parameter(torch.zeros(names, head.out_features))

    def forward(self, network: nn.Module, batch: Batch) -> Parts:
        """loss: each picture's, rated by its group's head."""
        reading = network(batch.pixels)
        codes = self.codes(batch)
        rows = torch.arange(len(codes), device=codes.device)
        apart = self._apart(reading.features.float())[rows, codes.clamp(min=0)]
        logits = reading.logits.float() + torch.where(codes[:, None] >= 0, apart, 0.0)
        own = reading._replace(logits=logits, rating=rating_of(network, logits))
        return {"loss": batch.mean(self.loss.per_picture(own, batch, network))}

    def _apart(self, features: Tensor) -> Tensor:
        """(B, G, K): by how much each group's head differs from the average head."""
        weight, bias = self.deviations()
        apart = functional.linear(features, weight.flatten(0, 1), bias.flatten())
        return apart.unflatten(1, bias.shape)

    def deviations(self) -> tuple[Tensor, Tensor]:
        """(G, K, F) and (G, K): weight and bias of each group's head less those of the average head."""
        there = (self.share > 0).float()

        def centred(delta: Tensor) -> Tensor:
            return delta - torch.tensordot(there / there.sum(), delta, 1)

        return centred(self.weight), centred(self.bias)
