"""Shadow trainings: who is in which, and what each makes of everybody.

Shadows are balanced, each person in half of them. Targets are not: each person is in by a coin of their own. Were
a target one of the balanced set, the number of shadows that a person is in would give away whether they are in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judge.errors import InputError

#: Trains on the people marked by members (n,) bool, with the randomness of rng; gives the scores (n,) of all people.
Trainer = Callable[[NDArray[np.bool_], np.random.Generator], NDArray[np.float64]]
#: Fewest shadows: two with and two without a person, from which a variance can be taken.
FEWEST = 4


@dataclass(frozen=True)
class Trainings:
    """What was trained on whom, and how far off each training is for everybody.

    members  (K, n) bool
    errors   (K, n) score less rating, in points. Signed: over random training sets the score of one person is near
             normal, as a mean of many people's influence is, and the signed error is that score moved by a constant.
             The squared error would be a chi-square, its logarithm without a lower end at an error of 0.
    """

    members: NDArray[np.bool_]
    errors: NDArray[np.float64]

    def __post_init__(self) -> None:
        members, errors = np.asarray(self.members), np.asarray(self.errors, float)
        if members.dtype != bool or members.ndim != 2 or members.shape != errors.shape:
            raise InputError(
                "trainings are members, bool (trainings, people), and errors of that shape, not "
                f"{members.dtype} {members.shape} and {errors.shape}"
            )
        if not np.isfinite(errors).all():
            raise InputError("errors of trainings are finite numbers; some are not")
        object.__setattr__(self, "members", members)
        object.__setattr__(self, "errors", errors)


def balanced_members(people: int, trainings: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(trainings, people) bool: each person is in half of the trainings, drawn apart from all others.

    Raises InputError for an odd number of trainings or fewer than four.
    """
    if trainings < FEWEST or trainings % 2:
        raise InputError(
            f"shadows={trainings}: an even number from {FEWEST} on, so that each person is in half of them"
        )
    return rng.random((trainings, people)).argsort(axis=0) < trainings // 2


def coin_members(people: int, trainings: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(trainings, people) bool: each person is in each training with probability 1/2, independently."""
    if trainings < 1:
        raise InputError(f"targets={trainings}: at least 1")
    return rng.random((trainings, people)) < 0.5


def trained(
    train: Trainer,
    members: NDArray[np.bool_],
    rating: ArrayLike,
    rng: np.random.Generator,
    *,
    progress: Callable[[str], None] | None = None,
) -> Trainings:
    """Trains once for each row of members (K, n), with ratings (n,) in points.

    progress is called with a name before each training. Raises InputError for ratings that are missing, or scores of
    another number than there are people.
    """
    rating = np.asarray(rating, float)
    if rating.shape != members.shape[1:] or not np.isfinite(rating).all():
        raise InputError(f"an attack needs a rating of each of the {members.shape[1]} people: some have none")
    errors = np.empty(members.shape)
    for k, (inside, own) in enumerate(zip(members, rng.spawn(len(members)), strict=True)):
        if progress is not None:
            progress(f"training {k + 1} of {len(members)}")
        score = np.asarray(train(inside, own), float)
        if score.shape != rating.shape:
            raise InputError(
                f"a trainer gives a score for each of {len(rating)} people, not the shape {score.shape}"
            )
        errors[k] = score - rating
    return Trainings(members, errors)
