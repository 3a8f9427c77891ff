"""Left–right symmetry about the face's own midline (Symmetry Master of 2016).

Light from one side is no asymmetry of the face, nor is a pimple, so what is compared is the logarithm of red light,
in which haemoglobin hardly shows (Tsumura et al. 1999), without its broad shading and divided by its local contrast;
and the first measure is not how alike the two halves look but where things are: each feature's patch is searched for
in the mirrored picture, and what its displacement keeps after the best common shift and turns (which are the error of
the midline and the pose) is the asymmetry. Score: minus log asymmetry, or minus what a labelled reference set taught
it to see. Higher is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, gaussian_filter

from judge.errors import InputError
from judge.jury.faces import regions
from judge.jury.faces.alignment import Portraits
from judge.jury.robots import calibration
from judge.jury.robots.protocol import Judging, each

#: Patches on the picture's left half and on the midline: centre x, y and how far it stands out towards the camera
#: (of MakeHuman's mean head), eye distances.
PATCHES = np.array(
    [
        (-0.78, -0.26, 0.20),
        (-0.50, -0.32, 0.38),
        (-0.25, -0.26, 0.44),
        (-0.72, 0.02, 0.16),
        (-0.50, 0.00, 0.27),
        (-0.28, 0.04, 0.24),
        (0.00, 0.30, 0.52),
        (0.00, 0.62, 0.72),
        (-0.25, 0.68, 0.47),
        (-0.38, 1.12, 0.37),
        (-0.20, 1.10, 0.46),
        (0.00, 1.14, 0.52),
        (-0.90, 0.55, 0.05),
        (-0.82, 1.10, -0.10),
        (-0.50, 1.50, 0.20),
        (0.00, 1.66, 0.38),
        (-0.25, 1.62, 0.35),
        (-0.70, 1.32, 0.08),
        (-1.05, 0.75, -0.23),
        (0.00, 1.35, 0.53),
        (-1.00, -0.45, -0.12),
        (-0.60, -0.70, 0.23),
    ]
)


@dataclass(frozen=True)
class Symmetry(Judging):
    """How symmetrical a face is about its own midline.

    channel    red, or grey: luminance, in which pimples show
    shading    what is broader is light, not face: standard deviation of the Gaussian, eye distances
    contrast   window of the local contrast that is divided out, eye distances
    noise      contrast under this is noise, in log-luminance
    patch      half width of a patch, eye distances
    astray     disagreement of the search from left to right and back that makes a patch doubtful, eye distances
    search     how far a patch is searched for, eye distances
    place, alike, points   weights of the three parts where nothing was learnt: displacement of patches,
               unlikeness of matched patches, displacement of the detector's five landmarks
    labels     column of a labelled reference set from which the weights of all patches are learnt, or null
    """

    learns_from: ClassVar[str] = "pool"
    missing_because: ClassVar[str] = "the face could not be matched with its mirror image"

    channel: str = "red"
    shading: float = 0.22
    contrast: float = 0.22
    noise: float = 0.03
    patch: float = 0.22
    search: float = 0.14
    astray: float = 0.03
    place: float = 1.0
    alike: float = 0.5
    points: float = 0.0
    labels: str | None = None
    name: str = "symmetry"
    fitted: Mapping[str, NDArray] | None = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.channel not in ("red", "grey"):
            raise InputError(f"{self.name}: channel is red or grey; given {self.channel!r}")

    def measure(self, portraits: Portraits) -> NDArray[np.float32]:
        """Measurements (n, 3 + 3·22): three for the whole face, then three for each of the 22 patches.

        Geometric mean displacement of the patches (eye distances), their mean unlikeness (1 − correlation), root mean
        square displacement of the landmarks (eye distances); of each patch its displacement across and along the
        midline (eye distances) and its unlikeness.
        """
        return each(
            portraits,
            lambda i: self._measure_one(portraits.crops[i], portraits.points[i]),
            3 + 3 * len(PATCHES),
        )

    def _measure_one(self, crop: NDArray[np.uint8], points: NDArray) -> NDArray[np.float32]:
        size = crop.shape[0]
        unit = size / regions.EXTENT
        flat = regions.log_red(crop) if self.channel == "red" else regions.log_luminance(crop)
        flat = flat - gaussian_filter(flat, self.shading * unit)
        local = np.sqrt(gaussian_filter(flat * flat, self.contrast * unit)) + self.noise
        even = (flat / local).astype(np.float32)
        radius, reach = max(2, round(self.patch * unit)), max(1, round(self.search * unit))
        there, alike, back, alike_back = _matched(even, radius, reach)
        shifts, likeness = (there - back) / (2 * unit), (alike + alike_back) / 2
        # a true match is found from either side: the way there and the way back cancel
        astray = ((there + back) ** 2).sum(1) / unit**2
        weight = np.clip(likeness, 0, None) ** 2 * np.exp(-astray / (2 * self.astray**2)) + 1e-4
        rest = _without_common_motion(shifts, weight)
        apart = np.hypot(*rest.T)
        placed = np.exp((weight * np.log(apart + 0.005)).sum() / weight.sum()) - 0.005
        unlike = 1 - likeness.mean()
        mirrored = points[[1, 0, 2, 4, 3]] * [-1, 1]
        off = (points - mirrored) - (points - mirrored).mean(0)
        parts = [placed, unlike, np.sqrt((off**2).sum(1).mean()) / 2]
        return np.concatenate([parts, np.abs(rest).ravel(), 1 - likeness]).astype(np.float32)

    def fit(self, measurements: NDArray, rows: pd.DataFrame) -> Symmetry:
        """Learns the weights of the patches where `labels` names a column; otherwise needs no reference."""
        if self.labels is None:
            return self
        label = calibration.labels_of(rows, self.labels, self.name)
        return self.with_fitted(calibration.learn(measurements, label))

    def strength(self, measurements: NDArray) -> NDArray[np.float64]:
        """(n,), more asymmetric, higher: the predicted label, or the weighted sum of the logs of the three parts."""
        if self.labels is not None or self.fitted:
            return calibration.apply(measurements, self.known())
        return _logs(measurements[:, :3]) @ np.array([self.place, self.alike, self.points])

    def score(self, measurements: NDArray, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Minus `strength` (n,), higher is more symmetrical."""
        return -self.strength(measurements)


def _logs(measurements: NDArray) -> NDArray[np.float64]:
    return np.log(np.asarray(measurements, np.float64).clip(0) + 0.004)


@cache
def _window(radius: int) -> NDArray[np.float32]:
    """Weights (side,) of a patch's rows or columns, summing to 1; a pixel's weight is the product of the two."""
    x = np.arange(-radius, radius + 1) / max(radius, 1)
    window = np.exp(-(x**2) / 0.72)
    return (window / window.sum()).astype(np.float32)


def _matched(picture: NDArray, radius: int, reach: int) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Where the picture's patches lie in its mirror image, and where the mirror image's lie in the picture.

    For each way shifts in pixels (k, 2) and peak correlations (k,). Windowed normalised cross-correlation at all whole
    shifts, the peak by a parabola through its neighbours.
    """
    padded = np.pad(picture, radius + reach, mode="reflect")
    mirrored = np.ascontiguousarray(padded[:, ::-1])
    centres = (
        np.round(regions.to_pixels(PATCHES[:, :2], len(picture)) - 0.5).astype(np.int64) + radius + reach
    )
    line = _window(radius)
    # windowed mean and variance around every pixel: they depend neither on the patch nor, but for place, on the way
    mean, square = (correlate1d(correlate1d(p, line, 0), line, 1) for p in (padded, padded**2))
    variance = np.clip(square - mean**2, 0, None)
    window = np.outer(line, line)
    there = _search(padded, mirrored, np.ascontiguousarray(variance[:, ::-1]), centres, window, reach)
    return *there, *_search(mirrored, padded, variance, centres, window, reach)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _search(picture, other, variance, centres, window, reach):
    """Padded pictures and the windowed variance of the other one; centres (k, 2) are columns and rows."""
    side, steps = window.shape[0], 2 * reach + 1
    radius, area = side // 2, side * side
    shifts, peaks = np.empty((len(centres), 2)), np.empty(len(centres))
    surface = np.empty((steps, steps))
    band = np.empty((side + 2 * reach, side), np.float32)
    for k in range(len(centres)):
        x, y = centres[k]
        patch = picture[y - radius : y + radius + 1, x - radius : x + radius + 1]
        patch = patch - (patch * window).sum()
        norm = (patch * patch * window).sum()
        weighted = (patch * window).ravel()
        for dx in range(steps):
            # one run of memory for all shifts of one column: each product is then a single long sum
            left = x - radius - reach + dx
            band[:] = other[y - radius - reach : y + radius + reach + 1, left : left + side]
            line = band.ravel()
            for dy in range(steps):
                part = line[dy * side : dy * side + area]
                cross = np.float32(0)
                for i in range(area):
                    cross += weighted[i] * part[i]
                surface[dy, dx] = cross / np.sqrt(norm * variance[y - reach + dy, x - reach + dx] + 1e-6)
        best = surface.argmax()
        row, column = best // steps, best % steps
        shifts[k, 0] = column + _offset(surface[row], column) - reach
        shifts[k, 1] = row + _offset(surface[:, column], row) - reach
        peaks[k] = surface[row, column]
    return shifts, peaks


@numba.njit(cache=True, nogil=True)
def _offset(line, at):
    """Where between its neighbours the maximum of a line lies, by a parabola: −½ to ½."""
    if at == 0 or at == len(line) - 1:
        return 0.0
    bend = line[at - 1] - 2 * line[at] + line[at + 1]
    if bend >= -1e-9:
        return 0.0
    return min(max(0.5 * (line[at - 1] - line[at + 1]) / bend, -0.5), 0.5)


def _without_common_motion(shifts: NDArray, weight: NDArray, scale: float = 0.01) -> NDArray:
    """Shifts (k, 2) less what the pose explains: a shift, a small turn in the picture, a small turn of the head.

    Iteratively reweighted least squares with Cauchy weights of `scale` eye distances, so that a feature that is really
    out of place does not bend the pose (Holland & Welsch 1977).
    """
    x, y, depth = PATCHES.T
    depth = depth - depth.mean()
    one, zero = np.ones_like(x), np.zeros_like(x)
    # a turn of the picture by w moves (x, y) by w·(−y, x); a head turned to one side moves what stands out sideways
    design = np.concatenate([np.stack([one, zero, -y, depth], 1), np.stack([zero, one, x, zero], 1)])
    target = np.concatenate([shifts[:, 0], shifts[:, 1]])
    rest, now = shifts, weight
    for _ in range(5):
        root = np.sqrt(np.concatenate([now, now]))[:, None]
        solution, *_ = np.linalg.lstsq(design * root, target * root[:, 0], rcond=None)
        rest = (target - design @ solution).reshape(2, -1).T
        now = weight / (1 + (rest**2).sum(1) / scale**2)
    return rest
