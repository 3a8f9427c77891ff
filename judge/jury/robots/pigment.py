"""Pimples and pigment spots, by blob detection on the skin (PIMPL of 2016).

Two channels in which a spot stands out by what it is made of, whatever the light (Dawson et al. 1980; Tsumura et al.
1999): ln R − ln G rises with haemoglobin (pimples), −ln of luminance with melanin (spots, moles, marks). Blobs are
maxima over place and size of differences of Gaussians (Lowe 2004). Score: minus the
logarithm of the blobs' summed strength an area of skin. Higher is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from judge.errors import InputError
from judge.jury.faces import regions
from judge.jury.faces.alignment import Portraits
from judge.jury.robots import calibration
from judge.jury.robots.protocol import Judging, each

FILTERING = ("none", "filtered", "both")


@dataclass(frozen=True)
class Pigment(Judging):
    """How free of pimples and pigment spots the skin is.

    channel     log: the two channels above; naive: a* stand-in R − G and darkness in 0–255 levels, where the
                same spot is fainter on dark skin and in dim light
    filtering   none: every blob counts; filtered: after a median filter, and only round blobs; both: the mean
    first       smallest blob, standard deviation in eye distances; each of the `levels` is `ratio` times wider
    threshold   blobs weaker than this are skin texture, in units of the channel
    noise       nor does a blob count that is weaker than this many robust deviations of the response on this skin
    roundness   smaller over larger curvature that a filtered blob must have, 0–1
    redness     weight of the haemoglobin channel, the rest goes to melanin; 0–1
    labels      column of a labelled reference set from which the weights of the four measures are learnt, or null
    min_skin    part of the face's oval that must be skin
    """

    learns_from: ClassVar[str] = "pool"
    missing_because: ClassVar[str] = "too little skin to look for spots"

    channel: str = "log"
    filtering: str = "filtered"
    first: float = 0.025
    levels: int = 3
    ratio: float = 1.5
    threshold: float = 0.02
    noise: float = 2.0
    roundness: float = 0.3
    redness: float = 0.9
    labels: str | None = None
    min_skin: float = 0.3
    name: str = "pigment"
    fitted: Mapping[str, NDArray] | None = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.filtering not in FILTERING:
            raise InputError(f"{self.name}: filtering is one of {FILTERING}; given {self.filtering!r}")
        if self.channel not in ("log", "naive"):
            raise InputError(f"{self.name}: channel is log or naive; given {self.channel!r}")

    def measure(self, portraits: Portraits) -> NDArray[np.float32]:
        """Measurements (n, 4): summed strength of blobs in an area of skin of one square eye distance.

        Red blobs without and with filtering, then dark ones; NaN where too little skin shows.
        """
        skins = portraits.skins
        return each(portraits, lambda i: self._measure_one(portraits.crops[i], skins[i]), 4)

    def _measure_one(self, crop: NDArray[np.uint8], skin: NDArray[np.bool_]) -> NDArray[np.float32]:
        size = crop.shape[0]
        unit = size / regions.EXTENT
        if skin.sum() < self.min_skin * regions.oval_mask(size).sum():
            return np.full(4, np.nan, dtype=np.float32)
        box = regions.face_box(size, 0.15)
        crop, skin = crop[box], regions.eroded(skin[box], max(1, round(0.03 * unit)))
        area = max(skin.sum(), 1) / unit**2
        out = []
        for channel in self._channels(crop):
            out += [self._strength(channel, skin, unit, clean) / area for clean in self._ways()]
        if self.filtering != "both":
            out = [out[0], out[0], out[1], out[1]]
        return np.array(out, dtype=np.float32)

    def _sizes(self) -> list[float]:
        return [self.first * self.ratio**k for k in range(self.levels)]

    def _ways(self) -> tuple[bool, ...]:
        return {"none": (False,), "filtered": (True,), "both": (False, True)}[self.filtering]

    def _channels(self, crop: NDArray[np.uint8]) -> tuple[NDArray, NDArray]:
        if self.channel == "naive":
            rgb = crop.astype(np.float32)
            return (rgb[..., 0] - rgb[..., 1]) / 128, (255 - rgb @ _GREY) / 128
        light = np.log(regions.linear(crop) + np.float32(0.006))
        return light[..., 0] - light[..., 1], -light @ _GREY

    def _strength(self, channel: NDArray, skin: NDArray[np.bool_], unit: float, clean: bool) -> float:
        if clean:
            channel = _median3(channel)
        sigmas = [max(s * unit, 0.8) for s in self._sizes()]
        blurred = [gaussian_filter(channel, s) for s in (*sigmas, self.ratio * sigmas[-1])]
        cube = np.stack([a - b for a, b in pairwise(blurred)])
        sample = cube[:, skin]
        noise = 1.4826 * np.median(np.abs(sample - np.median(sample, axis=1)[:, None]), axis=1).mean()
        threshold = max(self.threshold, self.noise * float(noise))
        cube *= skin
        level, row, column = _peaks(cube, threshold)
        if clean and len(row):
            good = self._round(np.stack(blurred[:-1]), level, row, column)
            level, row, column = level[good], row[good], column[good]
        return float((cube[level, row, column] - threshold).clip(0).sum())

    def _round(self, blurred: NDArray, level: NDArray, row: NDArray, column: NDArray) -> NDArray[np.bool_]:
        """Whether the two curvatures of each peak are alike, as a blob's are; of a wrinkle or a hair one is near zero.

        Second differences at the peaks, the eigenvalues of a symmetric 2 × 2 matrix in closed form.
        """
        height, width = blurred.shape[1:]
        up, down = np.maximum(row - 1, 0), np.minimum(row + 1, height - 1)
        left, right = np.maximum(column - 1, 0), np.minimum(column + 1, width - 1)
        here = blurred[level, row, column]
        rr = blurred[level, up, column] - 2 * here + blurred[level, down, column]
        cc = blurred[level, row, left] - 2 * here + blurred[level, row, right]
        rc = (
            blurred[level, up, left] + blurred[level, down, right]
            - blurred[level, up, right] - blurred[level, down, left]
        ) / 4  # fmt: skip
        middle, apart = -(rr + cc) / 2, np.hypot((rr - cc) / 2, rc)
        return (middle + apart > 0) & (middle - apart >= self.roundness * (middle + apart))

    def fit(self, measurements: NDArray, rows: pd.DataFrame) -> Pigment:
        """Learns weights for its measurements (n, 4) where `labels` names a column of rows (n); else nothing."""
        if self.labels is None:
            return self
        label = calibration.labels_of(rows, self.labels, self.name)
        return self.with_fitted(calibration.learn(_logs(measurements), label))

    def strength(self, measurements: NDArray) -> NDArray[np.float64]:
        """(n,), more and stronger spots, higher: the predicted label, or log(1 + 20·strength)."""
        if self.labels is not None or self.fitted:
            return calibration.apply(_logs(measurements), self.known())
        red, dark = measurements[:, :2].mean(1), measurements[:, 2:].mean(1)
        return np.log1p(20 * (self.redness * red + (1 - self.redness) * dark)).astype(float)

    def score(self, measurements: NDArray, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Minus `strength` (n,); where nothing was learnt, 0 is skin without a spot."""
        return -self.strength(measurements)


@numba.njit(cache=True, nogil=True)
def _peaks(cube, threshold):
    """Indices (level, row, column) of maxima above the threshold among their 26 neighbours in (levels, height, width).

    skimage.feature.peak_local_max(min_distance=1, exclude_border=False), compiled; of neighbours that are equal
    the first counts.
    """
    levels, height, width = cube.shape
    found = []
    for z in range(levels):
        for y in range(height):
            for x in range(width):
                value = cube[z, y, x]
                if value <= threshold:
                    continue
                highest = True
                for c in range(max(z - 1, 0), min(z + 2, levels)):
                    for b in range(max(y - 1, 0), min(y + 2, height)):
                        for a in range(max(x - 1, 0), min(x + 2, width)):
                            there = cube[c, b, a]
                            if there > value or (there == value and (c, b, a) < (z, y, x)):
                                highest = False
                if highest:
                    found.append((z, y, x))
    out = np.empty((3, len(found)), np.int64)
    for k in range(len(found)):
        out[0, k], out[1, k], out[2, k] = found[k]
    return out


def _median3(picture: NDArray) -> NDArray:
    """Median of each 3 × 3 neighbourhood (height, width), mirrored at the rim.

    scipy.ndimage.median_filter(picture, 3), bit by bit, in an eighth of its time: nine shifted pictures sorted by the
    network of Paeth (1990, "Median finding on a 3 × 3 grid", Graphics Gems).
    """
    height, width = picture.shape
    padded = np.pad(picture, 1, mode="symmetric")
    p = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    for a, b in _SORTING:
        p[a], p[b] = np.minimum(p[a], p[b]), np.maximum(p[a], p[b])
    return p[4]


_SORTING = (
    (1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3), (5, 8), (4, 7), (3, 6), (1, 4),
    (2, 5), (4, 7), (4, 2), (6, 4), (4, 2),
)  # fmt: skip


def _logs(measurements: NDArray) -> NDArray[np.float64]:
    return np.log(np.asarray(measurements, np.float64).clip(0) + 0.02)


_GREY = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
