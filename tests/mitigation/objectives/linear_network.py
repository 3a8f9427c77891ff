"""The smallest network that an objective can be put on: a linear head on features that come in the place of pixels."""

import torch
from torch import nn

from judge.data.groups import Groups
from judge.jury.network.backbone import Reading
from judge.jury.network.losses import Batch, prepared

GROUPS = Groups("g", ("a", "b"))


class Linear(nn.Module):
    def __init__(self, weight, bias=0.0, *, centre=0.0, spread=1.0):
        super().__init__()
        self.head = nn.Linear(len(weight), 1)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([weight]))
            self.head.bias.fill_(bias)
        self.levels = None
        self.register_buffer("scale", torch.tensor([centre, spread]))

    def forward(self, pixels):
        logits = self.head(pixels)
        return Reading(self.scale[0] + self.scale[1] * logits[:, 0], logits, pixels)


def batch_of(features, rating, codes, *, share=None):
    n = len(rating)
    share = torch.full((n,), 1 / n) if share is None else torch.tensor(share)
    features = torch.tensor(features) if isinstance(features, list) else features
    return Batch(
        features, torch.tensor(rating), share, torch.arange(n), groups={"g": torch.tensor(codes)}
    )  # fmt: skip


def ready(objective, network, codes, *, weight=None, steps=10):
    """The objective as a training on a pool of these groups begins with it."""
    codes = torch.tensor(codes)
    weight = torch.ones(len(codes)) if weight is None else torch.tensor(weight)
    return prepared(
        objective, network, rating=torch.zeros(len(codes)), weight=weight, groups={"g": codes}, steps=steps
    )
