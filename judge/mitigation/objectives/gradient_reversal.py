"""Features from which an adversary cannot tell the group: gradient reversal."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from judge.data.groups import Groups
from judge.jury.network.losses import Batch, Parts
from judge.mitigation.objectives.adversary import AdversarialObjective, mlp
from judge.mitigation.objectives.base import at_least


class GradientReversal(AdversarialObjective):
    """An adversary reads the group from the features, and the features are trained against it.

    Ganin & Lempitsky 2015, "Unsupervised domain adaptation by backpropagation" (ICML, arXiv:1409.7495); Ganin et al.
    2016 (JMLR 17:59). The adversary, a layer of `hidden` units, minimises its cross entropy; on the way back to the
    features its gradient is multiplied by −λ, λ = strength · (2 / (1 + exp(−ramp · p)) − 1) at the share p of the
    training: an adversary that knows nothing yet steers nothing.

    strength      λ at the end
    ramp          how early λ rises; the papers' 10 has it at half after a tenth of the training
    given_rating  the adversary sees the rating too, and groups count the same at each rating: features are to be
                  the same for all groups among pictures that are rated alike (conditional adversaries: Li et al. 2018,
                  ECCV; Zhao et al. 2020, "Conditional learning of fair representations", ICLR, arXiv:1910.07162, with
                  one adversary a class). false, as published: at all; where groups differ in their ratings, such
                  features cannot predict these either
    hidden        units of the adversary
    speed         learning rate of the adversary over that of the head

    A deviation: λ is 0 while the adversary is worse than ignorant on its running mean (AdversarialObjective.knows).
    Each group counts the same in the cross entropy: with 98 % of one group a guess would else be nearly right.
    An adversary at chance is no evidence that the features do not tell the group, since its partner was trained
    against this one adversary (Elazar & Goldberg 2018, arXiv:1808.06640): have fresh probes read them.
    It asks more than a score needs, all features blind, and in a short training swings rather than settles. On the
    planted cue (experiments/planted_cue.py) the worst group's error fell to less than half on the reported seeds, by
    only a third on those that settings were looked at with, and neither `given_rating` nor a faster adversary made it
    steadier; in Wang et al. 2020 (arXiv:1911.11834) adversaries did worse than plain training. ScoreAdversary asks for
    less.
    """

    trains_features = True

    def __init__(
        self,
        loss: Any,
        groups: Groups,
        *,
        strength: float = 1.0,
        ramp: float = 10.0,
        given_rating: bool = False,
        hidden: int = 64,
        speed: float = 1.0,
    ) -> None:
        super().__init__(
            loss, groups, "gradient_reversal", given_rating=given_rating, hidden=hidden, speed=speed
        )
        at_least("gradient_reversal", 0, over=True, strength=strength, ramp=ramp)
        self.strength, self.ramp = strength, ramp
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.total = 1

    def attach(self, network: nn.Module) -> None:
        inputs = network.head.in_features + int(self.given_rating)
        self.adversary = mlp(inputs, self.hidden, len(self.groups.names))

    def survey(self, *, steps: int, **pool: Any) -> None:
        super().survey(steps=steps, **pool)
        self.total = steps

    def forward(self, network: nn.Module, batch: Batch) -> Parts:
        """loss; base, the judge's own loss; adversary, its cross entropy, log G where it knows nothing."""
        reading = network(batch.pixels)
        base = batch.mean(self.loss.per_picture(reading, batch, network))
        features = reading.features.float()
        seen = features.detach().requires_grad_()
        own = self.cost(self._guess(seen, network, batch), batch)
        (to_features,) = torch.autograd.grad(own, seen, retain_graph=True)
        now = self._now() if self.knows(own) else 0.0
        reversed_ = -now * (to_features * features).sum()
        loss = base + own + reversed_ - reversed_.detach()
        self.steps += 1
        return {"loss": loss, "base": base.detach(), "adversary": own.detach()}

    def _guess(self, features: Tensor, network: nn.Module, batch: Batch) -> Tensor:
        if self.given_rating:
            rating = self.standardised(batch.rating, network)
            features = torch.cat([features, rating[:, None]], 1)
        return self.adversary(features)

    def _now(self) -> float:
        gone = int(self.steps) / self.total
        return self.strength * (2 / (1 + math.exp(-self.ramp * gone)) - 1)
