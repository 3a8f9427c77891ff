"""What the two adversaries share: what their guesses cost at equal rating, their pace, and when they are opposed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from judge.data.groups import Groups
from judge.errors import InputError
from judge.jury.network.losses import Batch
from judge.mitigation.objectives.base import GroupObjective, at_least, devices, one_hot, summed

#: standard deviation of the Gaussian within which ratings count as equal, in standard deviations of the ratings
EQUAL_RATING = 0.25
#: share of a running mean that a step replaces
FORGETS = 0.1


class AdversarialObjective(GroupObjective):
    """An objective with an adversary that guesses the group. A subclass makes `adversary` and has `forward`.

    given_rating  the adversary knows the rating, and groups count the same at each rating (factors_at_equal_rating);
                  false: it does not, and groups count the same altogether
    hidden        units of the adversary's one hidden layer
    speed         its learning rate over that of the judge's head. One that lags behind is fled from, not deceived: the
                  network overtakes it and back, ever further. Two rates are what lets adversaries converge (Heusel et
                  al. 2017, arXiv:1706.08500). For a head on frozen features, which has one rate for all, it is void

    Buffer `running`: the running mean of the adversary's cross entropy, log G where it knows nothing of G groups.
    Raises InputError, in survey and so before the first step, where no two groups share a rating.
    """

    def __init__(
        self, loss: Any, groups: Groups, who: str, *, given_rating: bool, hidden: int, speed: float
    ) -> None:
        super().__init__(loss, groups)
        at_least(who, 1, whole=True, hidden=hidden)
        at_least(who, 0, over=True, speed=speed)
        self.given_rating, self.hidden, self.speed = given_rating, hidden, speed
        self.register_buffer("running", torch.zeros(()))
        # as long as the pool, and made anew by every survey: no part of a checkpoint
        self.register_buffer("factor", torch.zeros(0), persistent=False)

    @property
    def rates(self) -> Mapping[str, float]:
        """Factors on the learning rate of own parameters (losses.own_parameters)."""
        return {"adversary": self.speed}

    def survey(self, *, rating: Tensor, weight: Tensor, groups: Mapping[str, Tensor], steps: int) -> None:
        super().survey(rating=rating, weight=weight, groups=groups, steps=steps)
        codes = groups[self.groups.feature]
        self.running = torch.tensor(self.ignorance())
        if not self.given_rating:
            self.factor = self.balanced(codes)
            return
        self.factor = factors_at_equal_rating(rating, weight, codes, len(self.groups.names))
        if not self.factor.any():
            raise InputError(
                f"{type(self).__name__}: at no rating are there training pictures of two groups of "
                f"{self.groups.feature!r}, so that none can be compared at equal rating; given_rating=false compares "
                "them whatever their rating"
            )

    def ignorance(self) -> float:
        """log G: the cross entropy of an adversary that knows nothing of the G groups in the pool."""
        return math.log(int((self.share > 0).sum()))

    def cost(self, guess: Tensor, batch: Batch) -> Tensor:
        """The cross entropy of the adversary's outputs (B, G)."""
        wrong = functional.cross_entropy(guess, self.codes(batch).clamp(min=0), reduction="none")
        return batch.mean(self.factor[batch.rows] * wrong)

    @torch.no_grad()
    def knows(self, cost: Tensor) -> bool:
        """Whether, on the running mean, which takes this batch's cost in, the adversary is better than ignorant.

        Only then is it opposed. Once it is worse it is misled, and nothing is hidden better by misleading it more; a
        cross entropy has no upper bound, so without this a network may go on for ever, at any price for its ratings.
        """
        self.running += FORGETS * (summed(cost) / devices() - self.running)
        return float(self.running) <= self.ignorance()

    @staticmethod
    def standardised(rating: Tensor, network: nn.Module) -> Tensor:
        return (rating.float() - network.scale[0]) / network.scale[1]


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def factors_at_equal_rating(rating: Tensor, weight: Tensor, codes: Tensor, groups: int) -> Tensor:
    """(n,) factors on pictures' weights under which the groups weigh the same at each rating.

    Without them whoever knows the rating knows much of the group where the groups' ratings differ, and what is left to
    be read from a picture is next to nothing. An adversary on class labels has them by class (Li et al. 2018, "Deep
    domain generalization via conditional invariant adversarial networks", ECCV, class prior-normalised loss).

    With e_g(y) the share of group g among pictures rated about y, a picture of g gets h(y) / e_g(y), where h is half
    the chance that two pictures drawn there are of different groups: of two groups, the share of the other one. So a
    rating at which one group is alone counts nothing, and no factor explodes as 1 / e_g would (overlap weights: Li,
    Morgan & Zaslavsky 2018, JASA 113:390). Shares are smoothed by a Gaussian of EQUAL_RATING. The weighted mean over
    pictures of known group is 1.

    rating, weight, codes  (n,); a code of −1 is unknown and gets 0
    Zeros for all where the groups hardly share a rating: together less than one picture would count.
    """
    member = one_hot(codes, groups) * weight.float()[:, None]
    rating, known = rating.float(), codes >= 0
    width = (EQUAL_RATING * (rating - rating.mean()).square().mean().sqrt()).clamp_min(1e-6)
    # over a fine grid, since all pairs of a large pool are too many
    grid = torch.linspace(float(rating.min()), float(rating.max()), 512, device=rating.device)
    step = (grid[1] - grid[0]).clamp_min(1e-12)
    place = ((rating - grid[0]) / step).round().long().clamp(max=len(grid) - 1)
    mass = torch.zeros(len(grid), groups, device=rating.device).index_add_(0, place, member)
    near = torch.exp(-0.5 * ((grid[:, None] - grid) / width).square()) @ mass
    share = near / near.sum(1, keepdim=True).clamp_min(1e-12)
    different = (1 - share.square().sum(1)) / 2
    own = share[place, codes.clamp(min=0)].clamp_min(1e-6)
    factor = torch.where(known, different[place] / own, 0.0)
    if factor.sum() < 1:
        return torch.zeros_like(factor)
    return factor * (weight * known).sum() / (weight * factor).sum()
