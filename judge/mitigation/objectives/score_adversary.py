"""Scores from which an adversary cannot tell the group: adversarial learning with a projection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from judge.data.groups import Groups
from judge.jury.network.losses import Batch, Parts
from judge.mitigation.objectives.adversary import AdversarialObjective, mlp
from judge.mitigation.objectives.base import at_least, devices, summed


class ScoreAdversary(AdversarialObjective):
    """An adversary reads the group from the score, and the network is trained against it.

    Zhang, Lemoine & Mitchell 2018, "Mitigating unwanted biases with adversarial learning" (AIES, arXiv:1801.07593).
    With the judge's loss L_P and the adversary's L_A, the network's weights W follow their equation 1,

        ∇_W L_P − proj_{∇_W L_A} ∇_W L_P − α ∇_W L_A,

    one projection over all trained weights: no step for the ratings helps the adversary. The adversary, a layer of
    `hidden` units on the standardised score, minimises L_A, a cross entropy in which each group counts the same.

    strength      α
    given_rating  the adversary also knows the rating, and groups count the same at each rating: scores may then differ
                  between groups as far as the ratings do (equalised odds; false: demographic parity)
    hidden        units of the adversary
    speed         learning rate of the adversary over that of the head

    Equation 1 alone runs away: L_A has no upper bound, since an adversary that is surely wrong can be made more so by
    scores ever further apart, and the projection takes out the very part of ∇L_P that would call them back. The
    authors let α rise as √t and the network's rate fall as 1/t, over a training long enough for it. Here, in a training
    of any length and schedule, α and the ratio of the rates (`speed`) are constant, and while L_A is over log G on its
    running mean, that of an adversary that knows nothing, the weights follow ∇L_P alone (AdversarialObjective.knows).
    On the planted cue (experiments/planted_cue.py) equation 1 alone, at one rate, had two of five trainings end worse
    than plain ones; clipping the last term to the length of ∇L_P did not prevent that.
    As a judge of its own success an adversary is no evidence: have fresh probes read the scores.
    """

    def __init__(
        self,
        loss: Any,
        groups: Groups,
        *,
        strength: float = 1.0,
        given_rating: bool = True,
        hidden: int = 32,
        speed: float = 10.0,
    ) -> None:
        super().__init__(
            loss, groups, "score_adversary", given_rating=given_rating, hidden=hidden, speed=speed
        )
        at_least("score_adversary", 0, strength=strength)
        self.strength = strength
        self.adversary = mlp(2 if given_rating else 1, hidden, len(groups.names))

    def forward(self, network: nn.Module, batch: Batch) -> Parts:
        """loss, whose gradient is the equation's; base, L_P; adversary, L_A, log G where it knows nothing."""
        reading = network(batch.pixels)
        base = batch.mean(self.loss.per_picture(reading, batch, network))
        # the adversary's own layers see the score as it is
        own = self._guessing(reading.rating.detach(), network, batch)
        if not self.knows(own):
            return {"loss": base + own - own.detach(), "base": base.detach(), "adversary": own.detach()}
        against = self._guessing(reading.rating, network, batch)
        weights = [p for p in network.parameters() if p.requires_grad]
        turned = _Steered.apply(lambda: self._gradients(base, against, weights), base.detach(), *weights)
        return {"loss": turned + own - own.detach(), "base": base.detach(), "adversary": own.detach()}

    def _guessing(self, rating: Tensor, network: nn.Module, batch: Batch) -> Tensor:
        seen = [rating, batch.rating] if self.given_rating else [rating]
        return self.cost(self.adversary(self.standardised(torch.stack(seen, 1), network)), batch)

    def _gradients(self, base: Tensor, against: Tensor, weights: list[Tensor]) -> list[Tensor]:
        """Equation 1, of the whole batch: a projection of parts of it would not be a part of the projection."""
        # the two share the network's activations, which the second lets go
        judge = _whole_gradient(base, weights, keep=True)
        adversary = _whole_gradient(against, weights, keep=False)
        return steered(judge, adversary, self.strength)


def steered(judge: list[Tensor], adversary: list[Tensor], strength: float) -> list[Tensor]:
    """judge − its projection on adversary − strength · adversary; lists of tensors count as one long vector."""
    along = sum((p * a).sum() for p, a in zip(judge, adversary, strict=True))
    length = sum(a.square().sum() for a in adversary)
    # an adversary without a gradient has no direction to project on
    factor = torch.where(length > 0, along / length.clamp_min(1e-30), torch.zeros_like(length)) + strength
    return [p - factor * a for p, a in zip(judge, adversary, strict=True)]


def _whole_gradient(loss: Tensor, weights: list[Tensor], *, keep: bool) -> list[Tensor]:
    """Its gradient, averaged over devices as the training loop's are."""
    found = torch.autograd.grad(loss, weights, retain_graph=keep, allow_unused=True)
    flat = torch.cat(
        [
            (torch.zeros_like(w) if g is None else g).float().flatten()
            for g, w in zip(found, weights, strict=True)
        ]
    )
    parts = (summed(flat) / devices()).split([w.numel() for w in weights])
    return [part.view(w.shape).to(w.dtype) for part, w in zip(parts, weights, strict=True)]


class _Steered(torch.autograd.Function):
    """A value whose gradient with respect to the weights is what `gradients()` says.

    It is computed in the backward pass, since Fabric allows gradients through a network in mixed precision only
    there; the backward pass of the network within that of the loss is an ordinary reentrant one.
    """

    @staticmethod
    def forward(ctx: Any, gradients: Callable[[], list[Tensor]], value: Tensor, *weights: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(gradient * g for g in ctx.gradients())
