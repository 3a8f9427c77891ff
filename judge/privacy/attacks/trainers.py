"""What is trained on each membership: a judge of any kind, the embedding judge's regression, a private head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import solve
from threadpoolctl import threadpool_limits

from judge.errors import InputError
from judge.jury.ridge import PENALTIES, ridge
from judge.jury.scaling import shrunk_scale
from judge.privacy.head import PublicSpace, private_ridge

#: Penalty of a regression that is meant to memorise: with more features than people it passes through every rating.
OVERFITTED = 1e-6


@dataclass(frozen=True)
class RidgeTrainer:
    """The embedding judge's regression on features (n, F) that were read once, its ratings (n,), its penalties."""

    features: NDArray[np.float64]
    rating: NDArray[np.float64]
    penalties: Sequence[float] = PENALTIES

    def __call__(self, members: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
        """Scores (n,) of all people by the judge of the members; rng is not used."""
        x, y, weight = self.features[members], self.rating[members], np.ones(int(members.sum()))
        if len(self.penalties) > 1:
            fit = ridge(x, y, weight, self.penalties)
            return (self.features - fit.mean) / fit.scale @ fit.weight + fit.bias
        # nothing to choose: the same regression in its dual form, without the decomposition that choosing takes
        mean, scale = x.mean(axis=0), shrunk_scale(x, weight)
        own = (x - mean) / scale
        with threadpool_limits(1):
            gram = own @ own.T
            gram[np.diag_indices_from(gram)] += self.penalties[0] * len(y)
            dual = solve(gram, y - y.mean(), assume_a="pos", overwrite_a=True)
            return (self.features - mean) / scale @ (own.T @ dual) + y.mean()


@dataclass(frozen=True)
class PrivateTrainer:
    """A head under (epsilon, delta) on the same features, in a public space."""

    features: NDArray[np.float64]
    rating: NDArray[np.float64]
    space: PublicSpace
    epsilon: float
    delta: float
    rating_range: tuple[float, float]

    def __call__(self, members: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
        """Scores (n,) of all people; rng draws the noise."""
        head = private_ridge(
            self.features[members], self.rating[members], self.space,
            epsilon=self.epsilon, delta=self.delta, rating_range=self.rating_range, rng=rng,
        )  # fmt: skip
        return head.score(self.features)


@dataclass(frozen=True)
class JudgeTrainer:
    """Any judge: `make` gives an untrained one, which is fitted on the members' rows of the manifest.

    Raises InputError in a call if the judge cannot score somebody: an attack compares the same people throughout.
    """

    make: Callable[[], Any]
    manifest: pd.DataFrame
    rating_range: tuple[float, float]

    def __call__(self, members: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
        """Scores (n,) of all people; rng gives the training its seed."""
        judge = self.make()
        judge.fit(
            self.manifest[members].reset_index(drop=True),
            rating_range=self.rating_range,
            seed=int(rng.integers(2**31)),
        )
        scores, excluded = judge.score(self.manifest)
        if len(excluded) or list(scores["image_id"]) != list(self.manifest["image_id"].astype(str)):
            raise InputError(f"the judge gives no score for {len(self.manifest) - len(scores)} of the people")
        return scores["score"].to_numpy(float)
