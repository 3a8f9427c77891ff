"""Gaussian people on whom the best that Alice, Bob and Eve can do is known in closed form.

A person has a group C (1 with probability π, else 0), attributes a that are normal around the mean of the group, and a
score that is linear in both with noise that nobody sees:

    a | C ~ N(C δ, Σ)            D = w·a + g C + σ ε,   ε ~ N(0, 1)

Alice sees a and C, as in the paper, where she is given <A, B, C> and D is estimated (sec. 3). What she can know of D is

    U = E[D | a, C] = R + Δ C,   R = w·(a − C δ),   Δ = w·δ + g

and R is independent of C, because the groups differ in the mean of a alone. So D has the variance

    within + between + σ²,   within = wᵀ Σ w = Var R,   between = π (1 − π) Δ²

*Best public estimate.* Let p be whatever is published, made of a, C, keys and chance, and independent of C. With
U − p = (R − p) + Δ C the error is

    E (U − p)² = E (R + Δ π − p)² + 2 Δ E[(R + Δ π − p)(C − π)] + between

The middle term is 0, since neither R nor p goes with C. So no such p has an error below

    E (D − p)² = σ² + between

and p = R + Δ π has it: the projection of D onto what Alice sees and C does not go with. The proof asks of p no more
than a mean that is the same in both groups, and it is no weaker for estimates that are not linear.

*Bob* is sent what p lacks (C, enciphered) and has the key: his error is σ², the noise alone.

*Eve* is told nothing of C by p, and nothing by C ⊕ key: whatever she does, she puts half of each group in its place.
Where U itself is published she guesses by the midpoint of the groups' means, and reads Φ(|Δ| / (2 √within)) of each
group: what the correlation of score and group forces on everybody who publishes the score. Between the two, R + t Δ C
has the public error σ² + (1 − t)² between and tells her Φ(t |Δ| / (2 √within)).

If Alice does not see C, and C is normal as in the paper, the same holds with E[C | a] in the place of C: C is that plus
noise that is independent of all she sees, so p is independent of C if and only if it is of E[C | a] (characteristic
functions divide). For a group of two that she does not see, independence asks less of her, and σ² plus
Cov(U, Ĉ)² / Var(Ĉ), Ĉ = P(C = 1 | a), is a lower bound of the error that need not be reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import norm
from torch import Tensor

from judge.errors import InputError
from judge.privacy.secrecy.people import People


class Best(NamedTuple):
    """The best under perfect secrecy; errors are mean squares, readings Eve's balanced accuracy.

    total            variance of the score: the error of somebody who is told nothing
    public, bob      errors of the public estimate and of Bob
    honest           error of the best estimate without secrecy; Bob's is the same
    eve              what Eve reads: 1/2
    eve_of_score     what she reads of the best estimate without secrecy
    """

    total: float
    public: float
    bob: float
    honest: float
    eve: float
    eve_of_score: float


@dataclass(frozen=True)
class GaussianPeople:
    """Settings of the toy (module docstring); as they stand, within, between and noise are 1/2, 1/4 and 1/4.

    covariance    (k, k) Σ of the attributes within a group
    shift         (k,) δ by which the groups' means differ
    weights       (k,) w of the attributes in the score
    group_effect  g of the group itself
    noise         σ
    share         π of group 1, over 0 and below 1
    """

    covariance: tuple[tuple[float, ...], ...] = ((1.0, 0.0), (0.0, 1.0))
    shift: tuple[float, ...] = (1.2, 0.0)
    weights: tuple[float, ...] = (0.5, 0.5)
    group_effect: float = 0.4
    noise: float = 0.5
    share: float = 0.5

    def __post_init__(self) -> None:
        for name in ("shift", "weights"):
            object.__setattr__(self, name, tuple(float(x) for x in getattr(self, name)))
        object.__setattr__(self, "covariance", tuple(tuple(float(x) for x in row) for row in self.covariance))
        sigma, k = np.array(self.covariance, float), len(self.weights)
        if sigma.shape != (k, k) or len(self.shift) != k or not k:
            raise InputError(
                f"toy.covariance, toy.shift and toy.weights are of one number of attributes; given {sigma.shape}, "
                f"{len(self.shift)} and {k}"
            )
        if not np.allclose(sigma, sigma.T) or np.linalg.eigvalsh(sigma)[0] <= 0:
            raise InputError(f"toy.covariance is symmetric and positive definite; given {sigma.tolist()}")
        if not self.noise >= 0:
            raise InputError(f"toy.noise is at least 0; given {self.noise}")
        if not 0 < self.share < 1:
            raise InputError(f"toy.share lies between 0 and 1, both excluded; given {self.share}")
        if not self.within > 0:
            raise InputError(f"toy.weights: no attribute has a weight; given {list(self.weights)}")

    @property
    def within(self) -> float:
        w = np.array(self.weights)
        return float(w @ np.array(self.covariance) @ w)

    @property
    def gap(self) -> float:
        """Δ, by which the groups' mean scores differ."""
        return float(np.dot(self.weights, self.shift) + self.group_effect)

    @property
    def between(self) -> float:
        return self.share * (1 - self.share) * self.gap**2

    def best(self) -> Best:
        """The closed form of the module docstring."""
        noise = self.noise**2
        return Best(
            total=self.within + self.between + noise,
            public=noise + self.between,
            bob=noise,
            honest=noise,
            eve=0.5,
            eve_of_score=self.eve_of(1.0),
        )

    def eve_of(self, told: float) -> float:
        """What Eve reads of R + told · Δ C: balanced accuracy of the best guess."""
        return float(norm.cdf(abs(told * self.gap) / (2 * sqrt(self.within))))

    @property
    def names(self) -> tuple[str, ...]:
        return ("0", "1")

    @property
    def width(self) -> int:
        """Numbers that Alice sees of a person: attributes and the group, as ±1."""
        return len(self.weights) + 1

    @property
    def shares(self) -> tuple[float, ...]:
        return (1 - self.share, self.share)

    def draw(self, n: int, rng: torch.Generator) -> People:
        """n people, new ones at each call."""
        k = len(self.weights)
        normal = torch.randn(n, k + 1, generator=rng)
        group = (torch.rand(n, generator=rng) < self.share).long()
        root = torch.from_numpy(np.linalg.cholesky(np.array(self.covariance))).float()
        member = group[:, None].float()
        attributes = normal[:, :k] @ root.T + member * torch.tensor(self.shift)
        score = (
            attributes @ torch.tensor(self.weights) + self.group_effect * group + self.noise * normal[:, k]
        )
        return People(torch.cat([attributes, 2 * member - 1], 1), group, score)

    def secret(self, seen: Tensor) -> Tensor:
        """R + Δ π of the people of whom Alice sees `seen` (n, width): the best public estimate."""
        group = (seen[:, -1:] + 1) / 2
        free = seen[:, :-1] - group * torch.tensor(self.shift)
        return free @ torch.tensor(self.weights) + self.gap * self.share
