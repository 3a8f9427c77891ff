"""The features in which copies are looked for: coarse pixels, blind to brightness, contrast, mirroring, small shifts.

They are not made for telling how alike two people are, but whether one picture was made from the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from judge.errors import InputError

GRID = 12  # cells a side
WIDE = 64  # most directions kept
SHIFT = 1 / 32  # of the side: the farthest that a picture may have been moved and is still found
BATCH = 256


def pictures_array(pictures: ArrayLike | Tensor, name: str) -> NDArray[np.uint8]:
    """`pictures` as uint8 (n, 3, size, size), of at least 16 px.

    Raises InputError for another type, shape or size.
    """
    array = pictures.numpy(force=True) if isinstance(pictures, Tensor) else np.asarray(pictures)
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[1] != 3 or array.shape[2] != array.shape[3]:
        raise InputError(f"{name} is uint8 (n, 3, size, size), not {array.dtype} {array.shape}")
    if array.shape[-1] < 16:
        raise InputError(f"{name} are of at least 16 px, not {array.shape[-1]}")
    return array


@dataclass(frozen=True)
class CopySpace:
    """Features of pictures in which a copy of a training picture is near to it.

    A picture's middle is averaged over GRID × GRID cells of each colour; each colour's mean is taken away and the
    whole divided by its standard deviation, so that light and contrast do not count; the part that is symmetric about
    the vertical is kept beside the absolute value of the part that is not, which is the same for a picture and its
    mirror image. The result is whitened along the WIDE largest directions of the training pictures (a quarter of their
    number where they are few). A looked-at picture has up to 25 views, shifted by up to SHIFT each way; the nearest
    counts.

    mean (f,), basis (f, d)  of the training pictures
    size                     of the pictures, px
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    size: int

    @classmethod
    def fit(cls, training_pictures: ArrayLike | Tensor) -> CopySpace:
        """From uint8 (n, 3, size, size), at least two. Raises InputError for others."""
        pictures = pictures_array(training_pictures, "training_pictures")
        if len(pictures) < 2:
            raise InputError(f"training_pictures: at least two are needed, not {len(pictures)}")
        rows = np.concatenate([_cells(pictures[i : i + BATCH]) for i in range(0, len(pictures), BATCH)])
        mean = rows.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov(rows - mean, rowvar=False).astype(np.float64))
        # whitened along as many directions as there are pictures, all of them are equally far from one another
        wide = min(WIDE, max(1, len(pictures) // 4))
        # a direction in which nobody differs would be divided by nothing
        kept = [i for i in range(len(values))[::-1][:wide] if values[i] > max(1e-6 * values[-1], 1e-9)]
        if not kept:
            raise InputError("training_pictures are all the same picture")
        basis = vectors[:, kept] / np.sqrt(values[kept])
        return cls(mean.astype(np.float32), basis.astype(np.float32), pictures.shape[-1])

    def of(self, pictures: ArrayLike | Tensor, *, name: str = "pictures") -> NDArray[np.float32]:
        """(n, d): as training pictures are seen, unshifted."""
        return self._read(pictures, name, [(0, 0)])[:, 0]

    def views(self, pictures: ArrayLike | Tensor, *, name: str = "pictures") -> NDArray[np.float32]:
        """(n, views, d): as pictures are looked at that may be copies."""
        border = _border(self.size)
        reach = sorted({round(step) for step in np.linspace(-border, border, 5)})
        return self._read(pictures, name, list(product(reach, reach)))

    def _read(
        self, pictures: ArrayLike | Tensor, name: str, shifts: list[tuple[int, int]]
    ) -> NDArray[np.float32]:
        array = pictures_array(pictures, name)
        if array.shape[-1] != self.size:
            raise InputError(f"{name} are of {self.size} px as the training pictures, not {array.shape[-1]}")
        features = np.empty((len(array), len(shifts), self.basis.shape[1]), dtype=np.float32)
        for start in range(0, len(array), BATCH):
            rows = slice(start, start + BATCH)
            for number, shift in enumerate(shifts):
                features[rows, number] = (_cells(array[rows], shift) - self.mean) @ self.basis
        return features


def _border(size: int) -> int:
    return max(1, round(SHIFT * size))


def _cells(pictures: NDArray[np.uint8], shift: tuple[int, int] = (0, 0)) -> NDArray[np.float32]:
    """(n, 3 · GRID · GRID) of the middle of uint8 pictures, moved down and right by `shift` px."""
    size, border = pictures.shape[-1], _border(pictures.shape[-1])
    top, left = (border + step for step in shift)
    inside = size - 2 * border
    middle = pictures[:, :, top : top + inside, left : left + inside]
    cells = adaptive_avg_pool2d(torch.from_numpy(np.ascontiguousarray(middle)).float(), GRID)
    cells = cells - cells.mean(dim=(2, 3), keepdim=True)
    cells = cells / cells.flatten(1).std(dim=1).clamp_min(1.0)[:, None, None, None]
    mirrored = cells.flip(-1)
    half = (GRID + 1) // 2
    even = (cells + mirrored)[..., :half] / 2**0.5
    odd = (cells - mirrored)[..., :half].abs() / 2**0.5
    return torch.cat([even, odd], dim=-1).flatten(1).numpy()
