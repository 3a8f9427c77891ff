"""Features from which an adversary cannot tell the group: gradient reversal."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from judge.data.groups import Groups
from judge.jury.network.losses import Batch, Parts
from judge.mitigation.objectives.base import GroupObjective, at_least


class GradientReversal(GroupObjective):
    """An adversary reads the group from the features, and the features are trained against it.

    Ganin & Lempitsky 2015, "Unsupervised domain adaptation by backpropagation" (ICML, arXiv:1409.7495); Ganin et al.
    2016 (JMLR 17:59). The adversary, a layer of `hidden` units, minimises its cross entropy; on the way back to the
    features its gradient is multiplied by −λ, λ = strength · (2 / (1 + exp(−ramp · p)) − 1) at the share p of the
    training: an adversary that knows nothing yet steers nothing.

    strength  λ at the end
    ramp      how early λ rises; the papers' 10 has it at half after a tenth of the training
    hidden    units of the adversary

    Each group counts the same in the cross entropy: with 98 % of one group a guess would else be nearly right.
    An adversary at chance is no evidence that the features do not tell the group, since its partner was trained
    against this one adversary (Elazar & Goldberg 2018, arXiv:1808.06640): have fresh probes read them.
    Where groups differ in their ratings, such features cannot predict these ratings either.
    """

    trains_features = True

    def __init__(
        self, loss: Any, groups: Groups, *, strength: float = 1.0, ramp: float = 10.0, hidden: int = 64
    ) -> None:
        super().__init__(loss, groups)
        at_least("gradient_reversal", 0, over=True, strength=strength, ramp=ramp)
        at_least("gradient_reversal", 1, whole=True, hidden=hidden)
        self.strength, self.ramp, self.hidden = strength, ramp, hidden
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.total = 1

    def attach(self, network: nn.Module) -> None:
        self.adversary = mlp(network.head.in_features, self.hidden, len(self.groups.names))

    def survey(self, *, steps: int, **pool: Any) -> None:
        super().survey(steps=steps, **pool)
        self.total = steps

    def forward(self, network: nn.Module, batch: Batch) -> Parts:
        """loss; base, the judge's own loss; adversary, its cross entropy, log G where it knows nothing."""
        reading = network(batch.pixels)
        base = batch.mean(self.loss.per_picture(reading, batch, network))
        codes = self.codes(batch)
        guess = self.adversary(_Reversed.apply(reading.features.float(), self._now()))
        wrong = functional.cross_entropy(guess, codes.clamp(min=0), reduction="none")
        adversary = batch.mean(self.balanced(codes) * wrong)
        self.steps += 1
        return {"loss": base + adversary, "base": base.detach(), "adversary": adversary.detach()}

    def _now(self) -> float:
        gone = int(self.steps) / self.total
        return self.strength * (2 / (1 + math.exp(-self.ramp * gone)) - 1)


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class _Reversed(torch.autograd.Function):
    """The same forward; backward the gradient times −strength."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None
