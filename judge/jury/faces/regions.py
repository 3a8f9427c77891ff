"""The aligned face: one frame for all robots, its zones, its skin, and the light quantities read from it.

Unit of the frame: the distance between the pupils. Origin midway between them, x to the picture's right, y down,
the y axis on the face's own midline. A crop of `size` pixels shows x from -1.625 to 1.625 and y from -1.3 to
1.95 (hairline to chin); so one eye distance is size/3.25 pixels, 39 at 128 px.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_erosion, binary_opening, gaussian_filter

EXTENT = 3.25
TOP = -1.3
#: Where the least-squares similarity puts the landmarks: symmetric, so that the midline is the face's own.
TEMPLATE = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.66], [-0.40, 1.10], [0.40, 1.10]])
#: x from, x to, y from, y to; paired zones on both sides.
ZONES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "forehead": ((-0.60, 0.60, -0.85, -0.42),),
    "frown": ((-0.20, 0.20, -0.50, -0.08),),
    "eye corners": ((-1.00, -0.72, -0.22, 0.30), (0.72, 1.00, -0.22, 0.30)),
    "under the eyes": ((-0.75, -0.25, 0.14, 0.38), (0.25, 0.75, 0.14, 0.38)),
    "cheeks": ((-0.85, -0.38, 0.40, 0.95), (0.38, 0.85, 0.40, 0.95)),
    "mouth": ((-0.75, -0.22, 0.62, 1.45), (0.22, 0.75, 0.62, 1.45)),
}
#: Direction in which the wrinkles of a zone run on the picture's right side: (x, y), y down; mirrored on the left.
DIRECTIONS = {
    "forehead": (1.0, 0.0),
    "frown": (0.0, 1.0),
    "eye corners": (1.0, 0.15),
    "under the eyes": (1.0, -0.25),
    "cheeks": (0.5, 1.0),
    "mouth": (0.45, 1.0),
}
_LIPS = (0.0, 1.12, 0.46, 0.24)
_FEATURES = (  # centre x, centre y, half width, half height of what is no skin
    (-0.5, -0.02, 0.30, 0.17),
    (0.5, -0.02, 0.30, 0.17),
    (-0.5, -0.29, 0.38, 0.12),
    (0.5, -0.29, 0.38, 0.12),
    (0.0, 0.68, 0.22, 0.13),
    _LIPS,
)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@cache
def _grid(size: int) -> tuple[NDArray, NDArray]:
    step = EXTENT / size
    x = (np.arange(size) + 0.5) * step - EXTENT / 2
    y = (np.arange(size) + 0.5) * step + TOP
    return np.meshgrid(x, y)


def to_pixels(points: NDArray, size: int) -> NDArray:
    """Pixels (…, 2) from the corner of a crop of `size` pixels, of frame coordinates (…, 2) in eye distances."""
    return (np.asarray(points) - [-EXTENT / 2, TOP]) * (size / EXTENT)


def to_frame(points: NDArray, size: int) -> NDArray:
    """Frame coordinates (…, 2) in eye distances, of pixels (…, 2) from the corner of a crop of `size` pixels."""
    return np.asarray(points) * (EXTENT / size) + [-EXTENT / 2, TOP]


@cache
def zone_masks(size: int) -> dict[str, NDArray[np.bool_]]:
    """Masks (size, size) by zone, symmetric about the midline, eyes, brows, nostrils and lips cut out."""
    x, y = _grid(size)
    free = ~feature_mask(size)
    return {
        name: np.logical_or.reduce([(x >= a) & (x <= b) & (y >= c) & (y <= d) for a, b, c, d in boxes]) & free
        for name, boxes in ZONES.items()
    }


@cache
def feature_mask(size: int) -> NDArray[np.bool_]:
    """Mask (size, size) of eyes, brows, nostrils and lips."""
    x, y = _grid(size)
    return np.logical_or.reduce(
        [((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1 for cx, cy, rx, ry in _FEATURES]
    )


@cache
def oval_mask(size: int) -> NDArray[np.bool_]:
    """Mask (size, size) of the face without ears, hair and neck."""
    x, y = _grid(size)
    lower = (x / 1.02) ** 2 + ((y - 0.35) / 1.32) ** 2 <= 1
    return lower & (y > -0.85)


@cache
def face_box(size: int, margin: float = 0.0) -> tuple[slice, slice]:
    """Rows and columns of the oval, with a margin in eye distances: filters need not run on the rest."""
    rows, columns = np.flatnonzero(oval_mask(size).any(1)), np.flatnonzero(oval_mask(size).any(0))
    m = round(margin * size / EXTENT)
    return (
        slice(max(0, int(rows[0]) - m), min(size, int(rows[-1]) + 1 + m)),
        slice(max(0, int(columns[0]) - m), min(size, int(columns[-1]) + 1 + m)),
    )


def linear(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Linear light 0–1 of sRGB 0–255, of any shape (IEC 61966-2-1)."""
    return _SRGB_TO_LINEAR[crops]


def luminance(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Relative luminance 0–1 (…) of pictures (…, 3), sRGB 0–255."""
    return linear(crops) @ _LUMINANCE.astype(np.float32)


def log_luminance(crops: NDArray[np.uint8], floor: float = 0.004) -> NDArray[np.float32]:
    """Natural log of luminance + floor (…) of pictures (…, 3), sRGB 0–255.

    A wrinkle of given depth is the same step on any skin and in any light, until noise, the specular reflection
    (which adds, not multiplies) and `floor` (about the first step of an 8-bit picture) take over: in dim light and on
    dark skin.
    """
    return np.log(luminance(crops) + np.float32(floor))


def log_red(crops: NDArray[np.uint8], floor: float = 0.004) -> NDArray[np.float32]:
    """As `log_luminance`, of the red channel, of which skin's haemoglobin absorbs little."""
    return np.log(linear(crops[..., 0]) + np.float32(floor))


def skin_mask(crop: NDArray[np.uint8], spread: float = 4.0) -> NDArray[np.bool_]:
    """Skin of one aligned crop (size, size, 3): within the face's oval, not a feature, coloured like its cheeks.

    The colour model is the person's own (median and median absolute deviation of log-luminance and two log
    chromaticities in the cheek and forehead zones), so that no absolute skin colour is assumed. `spread`: how
    many deviations still count. Small holes are filled: a blemish is skin.
    """
    size = crop.shape[0]
    box = face_box(size, 0.1)
    logs = np.log(linear(crop[box]) + np.float32(0.004))
    # smoothed, so that noise in a dim picture does not tear the mask
    logs = np.stack([gaussian_filter(logs[..., i], size / 128) for i in range(3)], axis=-1)
    colour = np.stack([logs.mean(-1), logs[..., 0] - logs[..., 1], logs[..., 1] - logs[..., 2]], axis=-1)
    zones = zone_masks(size)
    sample = colour[(zones["cheeks"] | zones["forehead"])[box]]
    centre = np.median(sample, axis=0)
    scale = 1.4826 * np.median(np.abs(sample - centre), axis=0) + np.array([0.08, 0.025, 0.025])
    scale = np.minimum(scale, [0.45, 0.08, 0.08])  # cheeks that vary more than this are covered
    distance = np.abs(colour - centre) / scale
    like = (distance[..., 0] < spread * 1.5) & (distance[..., 1:].max(-1) < spread)
    oval = oval_mask(size)[box]
    like = binary_closing(binary_opening(like & oval, _disc(1)), _disc(max(1, round(size / 48))))
    out = np.zeros((size, size), dtype=bool)
    out[box] = like & oval & ~feature_mask(size)[box]
    return out


@cache
def _disc(radius: int) -> NDArray[np.bool_]:
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return x * x + y * y <= radius * radius


def eroded(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """The mask (height, width) without its rim of `pixels`: filters at a rim answer to the rim."""
    return binary_erosion(mask, _disc(pixels)) if pixels > 0 else mask


_srgb = np.arange(256, dtype=np.float64) / 255
_SRGB_TO_LINEAR = np.where(_srgb <= 0.04045, _srgb / 12.92, ((_srgb + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)
