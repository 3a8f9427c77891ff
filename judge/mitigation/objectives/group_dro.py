"""The loss of the worst group in place of the mean: group DRO with its regularisation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from judge.data.groups import Groups
from judge.jury.network.losses import Batch, Parts
from judge.mitigation.objectives.base import GroupObjective, at_least, one_hot, same_on_all, summed


class GroupDRO(GroupObjective):
    """Distributionally robust optimisation over groups, online.

    Sagawa, Koh, Hashimoto & Liang 2020, "Distributionally robust neural networks for group shifts" (ICLR,
    arXiv:1911.08731), algorithm 1. Each step multiplies the weight q_g of every group in the batch by
    exp(step · loss_g), scales q to the sum 1 and minimises Σ q_g loss_g, where loss_g is the mean over the group's
    pictures in the batch, weighted as they are in the pool.

    step        η of the weights q; 0: all groups weigh the same for ever. It adds up over steps: two groups whose
                losses differ by d are weighed apart by exp(step · d · steps). The default is the authors', who train
                for thousands of steps; over a few hundred it moves little
    adjustment  C of the generalisation adjustment (section 3.3): a group of n_g training pictures is taken to lose
                C / √n_g more than it does on them, so small groups weigh more
    l2          λ of an added λ/2 · Σ w² over the trained weights (not biases, norms or scales). Without it, or a
                training that stops early, the method does nothing: a network that fits every picture has no worst
                group (their section 3.2)

    Against a group whose pictures the judge fits badly: representation, a cue that misleads for some. It cannot see a
    loss that the ratings hide, e.g. a shift of one group's ratings, which it makes the judge learn better.

    Sampling. The authors draw batches with equal shares of the groups, and their plain training does not, so part of
    their gain may be sampling (github.com/kohpangwei/group_DRO, issue 6). Here batches are drawn from the pool as for
    every objective. But loss_g is a mean within the group, so groups are reweighted all the same, whatever q is: what
    the robust step itself does is the difference to `step=0`, not to plain training. A group that a batch lacks keeps
    its q and adds nothing to that step.
    """

    needs_every_group = True

    def __init__(
        self, loss: Any, groups: Groups, *, step: float = 0.01, adjustment: float = 0.0, l2: float = 1e-3
    ) -> None:
        super().__init__(loss, groups)
        at_least("group_dro", 0, step=step, adjustment=adjustment, l2=l2)
        self.step, self.adjustment, self.l2 = step, adjustment, l2
        self.register_buffer("q", torch.zeros(len(groups.names)))

    def survey(self, **pool: Any) -> None:
        super().survey(**pool)
        there = (self.share > 0).float()
        self.q = there / there.sum()

    def forward(self, network: nn.Module, batch: Batch) -> Parts:
        """loss; robust, Σ q_g loss_g; worst, the largest loss_g of the batch; l2, where there is one."""
        each = self.loss.per_picture(network(batch.pixels), batch, network)
        member = one_hot(self.codes(batch), len(self.q)) * batch.share[:, None]
        weight = summed(member.sum(0))
        there = weight > 0
        own = (member.T @ each) / weight.clamp_min(1e-12)  # this device's part of each group's mean
        loss = summed(own)
        self._reweigh(loss, there)
        part = (self.q * own).sum()
        robust = (self.q * loss).sum() + same_on_all(part) - part.detach()
        parts = {"loss": robust, "robust": robust.detach(), "worst": loss[there].max()}
        if self.l2:
            weights = [p for p in network.parameters() if p.requires_grad and p.ndim > 1]
            parts["l2"] = self.l2 / 2 * sum(p.float().square().sum() for p in weights)
            parts["loss"] = robust + parts["l2"]
        return parts

    @torch.no_grad()
    def _reweigh(self, loss: Tensor, there: Tensor) -> None:
        loss = loss + self.adjustment / self.count.clamp_min(1).sqrt()
        q = torch.where(there, self.q * torch.exp(self.step * loss), self.q)
        self.q.copy_(q / q.sum())
