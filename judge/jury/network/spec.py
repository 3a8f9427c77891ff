"""What a rating network is made of, apart from its weights: enough to build it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from judge.jury.network.backbone import HeadStart, RatingNetwork, create_backbone
from judge.jury.network.depths import Depths


@dataclass(frozen=True)
class NetworkSpec:
    """The parts of a RatingNetwork.

    backbone   any timm model
    size       side of the square picture that it reads, pixels
    depths     what the head reads of the backbone's stages; None: the pooled last layer
    dropout    probability that a feature is dropped before the head
    drop_path  probability that a residual branch is dropped, in its last layer
    levels     ratings that the head gives a distribution over; None: it gives one number
    centre     mean of the training ratings, and
    spread     their standard deviation: a head of one number gives (rating − centre) / spread
    project    directions that the head reads of the features (a refit); None: the features themselves
    """

    backbone: str
    size: int
    depths: Depths | None = None
    dropout: float = 0.0
    drop_path: float = 0.0
    levels: tuple[float, ...] | None = None
    centre: float = 0.0
    spread: float = 1.0
    project: int | None = None

    def __post_init__(self) -> None:
        if self.levels is not None:
            object.__setattr__(self, "levels", tuple(float(level) for level in self.levels))

    def to_json(self) -> dict[str, Any]:
        """JSON-able facts, of which `from_json` makes an equal spec."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> NetworkSpec:
        depths = facts["depths"]
        return cls(**{**facts, "depths": None if depths is None else Depths(**depths)})


def build_network(spec: NetworkSpec, weights: str, start: HeadStart | None = None) -> RatingNetwork:
    """The network at the beginning of a training; its random numbers come from PyTorch's global generator.

    weights  of the backbone: packaged, timm, none or a .safetensors file (backbone.create_backbone)
    start    a regression that the head begins as; None: a head of small random weights
    """
    network = RatingNetwork(
        create_backbone(spec.backbone, weights, size=spec.size, drop_path=spec.drop_path),
        depths=spec.depths,
        levels=None if spec.levels is None else torch.tensor(spec.levels),
        centre=spec.centre,
        spread=spec.spread,
        dropout=spec.dropout,
        project=spec.project,
    )
    if start is not None:
        network.start_head(start)
    return network
