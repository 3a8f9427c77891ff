"""Symmetry Master: left–right symmetry about the face's own midline.

Light from one side is no asymmetry of the face, so what is compared is log-luminance without its broad shading and
divided by its local contrast; and the first measure is not how alike the two halves look but where things
are: each feature's patch is searched for in the mirrored picture, and what its displacement keeps after the best
common shift and turn (which is the error of the midline) is the asymmetry. Score: minus log asymmetry, higher is
better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from judge.jury import regions
from judge.jury.portraits import Portraits
from judge.jury.robots import Judging, each

#: Centres of the patches on the picture's left half and on the midline, eye distances.
PATCHES = np.array(
    [
        (-0.72, -0.28),
        (-0.45, -0.30),
        (-0.25, -0.26),
        (-0.72, 0.02),
        (-0.50, 0.00),
        (-0.28, 0.03),
        (0.00, 0.62),
        (-0.22, 0.64),
        (0.00, 0.30),
        (-0.38, 1.10),
        (-0.20, 1.08),
        (0.00, 1.12),
        (-0.90, 0.60),
        (-0.82, 1.05),
        (-0.50, 1.55),
        (0.00, 1.70),
    ]
)


@dataclass(frozen=True)
class Symmetry(Judging):
    """shading    what is broader is light, not face: standard deviation of the Gaussian, eye distances
    contrast   window of the local contrast that is divided out, eye distances
    noise      contrast under this is noise, in log-luminance
    patch      half width of a patch, eye distances
    search     how far a patch is searched for, eye distances
    place, look, points   weights of the three parts: displacement of patches, unlikeness of matched patches,
               displacement of the detector's five landmarks
    """

    shading: float = 0.22
    contrast: float = 0.22
    noise: float = 0.03
    patch: float = 0.22
    search: float = 0.18
    place: float = 1.0
    look_weight: float = 0.25
    points: float = 0.25
    name: str = "symmetry"
    unable: str = "no patch of the face could be matched with its mirror image"
    fitted: Mapping[str, NDArray] | None = field(default_factory=dict, repr=False, compare=False)

    def look(self, portraits: Portraits) -> NDArray[np.float32]:
        """(n, 3): root mean square displacement of patches in eye distances, mean unlikeness (1 − correlation),

        root mean square displacement of the landmarks in eye distances."""
        return each(portraits, lambda i: self._measure(portraits.crops[i], portraits.points[i]), 3)

    def _measure(self, crop: NDArray[np.uint8], points: NDArray) -> NDArray[np.float32]:
        size = crop.shape[0]
        unit = size / regions.EXTENT
        flat = regions.log_luminance(crop)
        flat = flat - gaussian_filter(flat, self.shading * unit)
        local = np.sqrt(gaussian_filter(flat * flat, self.contrast * unit)) + self.noise
        shifts, likeness = _matched(flat / local, round(self.patch * unit), round(self.search * unit))
        weight = np.clip(likeness, 0, None) ** 2
        rest = _without_common_motion(shifts / unit, weight)
        placed = np.sqrt((weight * (rest**2).sum(1)).sum() / weight.sum())
        unlike = 1 - likeness.mean()
        mirrored = points[[1, 0, 2, 4, 3]] * [-1, 1]
        off = (points - mirrored) - (points - mirrored).mean(0)
        return np.array([placed, unlike, np.sqrt((off**2).sum(1).mean()) / 2], dtype=np.float32)

    def fit(self, evidence: NDArray, rows: pd.DataFrame) -> Symmetry:
        """Needs no reference."""
        return self

    def strength(self, evidence: NDArray) -> NDArray[np.float64]:
        """Weighted sum of the logs of the three parts, (n,): more asymmetric, higher."""
        parts = np.log(np.asarray(evidence, float) + np.array([0.003, 0.02, 0.003]))
        return parts @ np.array([self.place, self.look_weight, self.points])

    def score(self, evidence: NDArray, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Minus `strength`."""
        return -self.strength(evidence)


@cache
def _window(radius: int) -> NDArray[np.float32]:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1] / max(radius, 1)
    window = np.exp(-(x**2 + y**2) / 0.72)
    return (window / window.sum()).astype(np.float32)


def _matched(flat: NDArray, radius: int, reach: int) -> tuple[NDArray, NDArray]:
    """(shifts in pixels (k, 2), peak correlations (k,)) of the patches in the mirrored picture.

    Windowed normalised cross-correlation at all whole shifts, the peak by a parabola through its neighbours.
    """
    size = flat.shape[0]
    mirror = flat[:, ::-1]
    margin = radius + reach
    padded, padded_mirror = np.pad(flat, margin, mode="reflect"), np.pad(mirror, margin, mode="reflect")
    window = _window(radius)
    side, steps = 2 * radius + 1, 2 * reach + 1
    shifts, peaks = [], []
    for column, row in np.round(regions.to_pixels(PATCHES, size) - 0.5).astype(int):
        y, x = row + margin, column + margin
        patch = padded[y - radius : y + radius + 1, x - radius : x + radius + 1]
        field_ = padded_mirror[y - margin : y + margin + 1, x - margin : x + margin + 1]
        blocks = np.lib.stride_tricks.sliding_window_view(field_, (side, side)).reshape(steps * steps, -1)
        weight = window.ravel()
        a = patch.ravel() - patch.ravel() @ weight
        mean = blocks @ weight
        cross = blocks @ (a * weight)
        spread = np.clip((blocks**2) @ weight - mean**2, 0, None)
        surface = (cross / np.sqrt((a * a) @ weight * spread + 1e-6)).reshape(steps, steps)
        shift, peak = _peak(surface)
        shifts.append(shift - reach)
        peaks.append(peak)
    return np.array(shifts), np.array(peaks)


def _peak(surface: NDArray) -> tuple[NDArray, float]:
    """(x, y) of the maximum to a fraction of a pixel, and its value."""
    row, column = np.unravel_index(int(surface.argmax()), surface.shape)
    place = []
    for line, at in ((surface[row], column), (surface[:, column], row)):
        offset = 0.0
        if 0 < at < len(line) - 1:
            bend = line[at - 1] - 2 * line[at] + line[at + 1]
            if bend < -1e-9:
                offset = float(np.clip(0.5 * (line[at - 1] - line[at + 1]) / bend, -0.5, 0.5))
        place.append(at + offset)
    return np.array(place), float(surface[row, column])


def _without_common_motion(shifts: NDArray, weight: NDArray) -> NDArray:
    """Shifts (k, 2) less the weighted least-squares shift and small turn common to all."""
    x, y = PATCHES.T
    one, zero = np.ones_like(x), np.zeros_like(x)
    # a turn by w moves (x, y) by w·(−y, x)
    design = np.concatenate([np.stack([one, zero, -y], 1), np.stack([zero, one, x], 1)])
    target = np.concatenate([shifts[:, 0], shifts[:, 1]])
    root = np.sqrt(np.concatenate([weight, weight]) + 1e-6)
    solution, *_ = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)
    return (target - design @ solution).reshape(2, -1).T
