"""Trained twice, the second time with more weight on what the first training got wrong: no groups needed."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from judge.data.groups import Groups
from judge.errors import InputError
from judge.jury.network.losses import Batch, Parts
from judge.mitigation.objectives.base import at_least, needs_per_picture, settings_of


class JustTrainTwice:
    """The pictures with the largest errors of a short first training count `factor` times in the second.

    Liu et al. 2021, "Just train twice: improving group robustness without training group information" (ICML,
    arXiv:2107.09044). Their error set are the pictures that the first model classifies wrongly; of ratings, which
    are never quite right, it is the largest `share` of the absolute errors on the training pictures. A judge that
    knows the protocol trains for `first_epochs` with its own loss, calls `reweigh`, and begins anew.

    first_epochs  of the first training; few, so that it still fails where a cue misleads
    share         of the training pictures that are weighted up
    factor        on their weights; all are then divided by their mean

    No group is read. In a pool with noisy ratings the largest errors are mostly noise, which is then learnt harder.
    """

    seam: ClassVar[str] = "objective"
    trains_features: ClassVar[bool] = False

    def __init__(
        self, loss: Any, groups: Groups, *, first_epochs: int = 2, share: float = 0.1, factor: float = 5.0
    ) -> None:
        needs_per_picture(loss, "JustTrainTwice")
        at_least("just_train_twice", 1, whole=True, first_epochs=first_epochs)
        at_least("just_train_twice", 0, over=True, share=share)
        at_least("just_train_twice", 1, factor=factor)
        if share >= 1:
            raise InputError(f"mitigation just_train_twice: share is over 0 and under 1, not {share!r}")
        self.loss, self.first_epochs, self.share, self.factor = loss, first_epochs, share, factor

    def settings(self) -> dict[str, Any]:
        """All settings by name: they tell one training from another."""
        return settings_of(self)

    def __call__(self, network: nn.Module, batch: Batch) -> Parts:
        return self.loss(network, batch)

    def reweigh(self, error: NDArray, weight: NDArray) -> NDArray[np.float64]:
        """(n,) weights of the second training, mean 1.

        error   (n,) of the first training's ratings of the training pictures; its size counts, not its sign
        weight  (n,) of the first training

        >>> import numpy as np
        >>> from judge.data.groups import Groups
        >>> from judge.jury.network.losses import SquaredError
        >>> twice = JustTrainTwice(SquaredError(), Groups("gender", ("men", "women")), share=0.25, factor=5.0)
        >>> twice.reweigh(np.array([0.1, -2.0, 0.3, 0.2]), np.ones(4)).tolist()
        [0.5, 2.5, 0.5, 0.5]
        """
        size = np.abs(np.asarray(error, float))
        if not np.isfinite(size).all():
            raise InputError("just_train_twice: errors of the first training are not finite")
        # of equal errors the first: the order is the manifest's
        worst = np.argsort(-size, kind="stable")[: math.ceil(self.share * len(size))]
        weight = np.array(weight, float)
        weight[worst] *= self.factor
        return weight / weight.mean()
