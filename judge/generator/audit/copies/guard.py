"""Faces that may not be shown: too near to a photograph of somebody who exists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from judge.errors import InputError
from judge.generator.audit.copies.finding import nearness, rank_at
from judge.generator.audit.copies.space import CopySpace, pictures_array

#: Pictures whose views are held at a time.
BATCH = 512
#: Training pictures at most that are compared with the others to set a threshold.
COMPARED = 2000
#: A picture that is nearer than this share of the way to the faces around is turned away whatever the threshold.
ALWAYS = 0.25


@dataclass(frozen=True)
class Guard:
    """Tells pictures that are too near to a training picture.

    space       in which they are compared
    training    (m, d) features of the training pictures
    threshold   of `nearness`; below it a picture is too near
    """

    space: CopySpace
    training: NDArray[np.float32]
    threshold: float

    @classmethod
    def of(
        cls,
        training_pictures: ArrayLike | Tensor,
        held_out_pictures: ArrayLike | Tensor | None = None,
        *,
        fpr: float = 0.01,
    ) -> Guard:
        """Settings and errors as in `too_near`; made once for many calls."""
        seen = pictures_array(training_pictures, "training_pictures")
        if len(seen) < 3:
            raise InputError(f"training_pictures: at least three are needed, not {len(seen)}")
        rank_at(0, fpr)
        space = CopySpace.fit(seen)
        training = space.of(seen, name="training_pictures")
        guard = cls(space, training, ALWAYS)
        if held_out_pictures is None:
            rows = np.unique(np.linspace(0, len(seen) - 1, min(COMPARED, len(seen))).round().astype(int))
            others = guard.scores(seen[rows], itself=rows)
        else:
            others = guard.scores(held_out_pictures, name="held_out_pictures")
        # pictures that are in the set twice would pull the threshold down to what copies score
        others = np.sort(others[others >= ALWAYS])
        threshold = others[max(1, rank_at(len(others), fpr)) - 1] if len(others) else ALWAYS
        return cls(space, training, float(threshold))

    def scores(
        self, pictures: ArrayLike | Tensor, *, name: str = "pictures", itself: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """`nearness` of each picture; `itself`: the row that each has among the training pictures."""
        array = pictures_array(pictures, name)
        parts = [np.empty(0)]
        for start in range(0, len(array), BATCH):
            rows = slice(start, start + BATCH)
            views = self.space.views(array[rows], name=name)
            own = None if itself is None else itself[rows]
            parts.append(nearness(views, self.training, itself=own)[0])
        return np.concatenate(parts)

    def too_near(self, pictures: ArrayLike | Tensor) -> NDArray[np.bool_]:
        """(n,) of uint8 (n, 3, size, size)."""
        return self.scores(pictures) < self.threshold


def too_near(
    pictures: ArrayLike | Tensor,
    training_pictures: ArrayLike | Tensor,
    held_out_pictures: ArrayLike | Tensor | None = None,
    *,
    fpr: float = 0.01,
) -> NDArray[np.bool_]:
    """Whether each picture is too near to a training picture to be shown as that of somebody who does not exist.

    Parameters
    ----------
    pictures : uint8 (n, 3, size, size) array or tensor
        Drawn by a generator.
    training_pictures : uint8 (m, 3, size, size) array or tensor
        That it has learnt from; at least three.
    held_out_pictures : uint8 (h, 3, size, size) array or tensor, optional
        Of people that it has not seen. None: each training picture is compared with the others.
    fpr : float
        Share of faces that nobody copied and that are turned away all the same. Where there are fewer than 1/fpr − 1
        pictures to set the threshold on, the nearest of them sets it: more are turned away.

    Returns
    -------
    (n,) bool array
        Found are the same picture, JPEG, brightness, contrast, mirroring, shifts by up to a 32nd of the side and
        another sensor (experiments/planted_copies.py); not the same person in another pose before another backdrop.

    Raises
    ------
    InputError
        For pictures of another kind or of unequal sizes, or fewer than three training pictures.
    """
    return Guard.of(training_pictures, held_out_pictures, fpr=fpr).too_near(pictures)
