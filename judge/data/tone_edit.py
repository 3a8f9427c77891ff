"""Twins of a photograph: the skin's lightness L* shifted at constant hue inside a face mask, and placebo edits.

    shift_lightness(image, mask, delta)    the skin darker (delta < 0) or lighter, hue kept; outside the mask untouched
    shift_background(image, mask, delta)   placebo: the same shift everywhere but in the face
    shift_light(image, mask, delta)        placebo: light from one side, the face's mean L* kept
    skin_tone(image, mask)                 L*, hue and ITA of the face, to check what an edit did

Colours are CIELAB under D65 of sRGB pictures; L* in 0–100. Where a shifted colour leaves the sRGB gamut, its chroma
is reduced at constant L* and hue, never clipped by channel (which would turn the hue). Constant h_ab is
constant hue up to the known bend of CIELAB in blues, far from skin.

An edit like this changes pigment in appearance only: no shading, specular or bone structure follows. It answers
"does the judge react to the colour of this face", not "how would this person fare in another body".
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, median_filter
from skimage.color import lab2rgb, rgb2lab

from judge.errors import InputError

#: L* is kept inside this range: pure black and white have no hue to keep.
LIGHTNESS_RANGE = (2.0, 98.0)


def shift_lightness(
    image: np.ndarray, mask: np.ndarray, delta: float, *, feather: float | None = None
) -> np.ndarray:
    """The picture with L* of the face shifted by `delta` at constant hue.

    image    (H, W, 3) uint8 sRGB
    mask     (H, W) bool or 0…1: the face's skin, e.g. own_skin(image, face_ellipse(shape, box))
    delta    L* points; −20 takes light skin to brown. The shift is tapered towards black and white, so that pupils,
             shadows and highlights keep their order: monotone in L*, the full shift at mid-tones
    feather  standard deviation of the mask's soft edge, pixels; None: 1 % of the smaller side; 0: hard

    Returns uint8 of the same shape; pixels where the mask (feathered) is 0 are bit for bit those of `image`.
    Raises InputError for another dtype or shape, a mask of another size, an empty mask.
    """
    image, mask = _checked(image, mask)
    return _blend(image, _shifted(image, delta), _feathered(mask, feather))


def shift_background(
    image: np.ndarray, mask: np.ndarray, delta: float, *, feather: float | None = None
) -> np.ndarray:
    """Placebo: the same shift of L* at constant hue outside the face; arguments as in `shift_lightness`."""
    image, mask = _checked(image, mask)
    return _blend(image, _shifted(image, delta), 1 - _feathered(mask, feather))


def shift_light(image: np.ndarray, mask: np.ndarray, delta: float, *, angle: float = 0.0) -> np.ndarray:
    """Placebo: light falling from one side, a linear gradient of L* over the whole picture, hue kept.

    delta  L* points from the mask's mean to its edge (root mean square distance × √3) towards the light
    angle  degrees, 0 from the right, 90 from above

    The gradient is 0 at the mask's centre of mass: the face's mean L* changes only by rounding and taper.
    """
    image, mask = _checked(image, mask)
    rows, columns = np.indices(mask.shape)
    direction = np.cos(np.deg2rad(angle)) * columns - np.sin(np.deg2rad(angle)) * rows
    centred = direction - np.average(direction, weights=mask)
    reach = np.sqrt(3 * np.average(centred**2, weights=mask))
    gradient = np.clip(centred / max(reach, 1e-9), -2, 2)
    return _shifted(image, delta * gradient)


def skin_tone(image: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Median L* (0–100), hue angle (degrees), chroma and ITA (degrees, higher is lighter) inside the mask (> 0.5).

    ITA = arctan((L* − 50)/b*) · 180/π (Chardon et al. 1991). Medians of L*, a*, b*: brows and glints count little.
    """
    image, mask = _checked(image, mask)
    inside = mask > 0.5
    if not inside.any():
        raise InputError("no pixel of the mask is above 0.5")
    lightness, a, b = (float(v) for v in np.median(rgb2lab(image)[inside], axis=0))
    return {
        "lightness": lightness,
        "hue": float(np.degrees(np.arctan2(b, a))),
        "chroma": float(np.hypot(a, b)),
        "ita": float(np.degrees(np.arctan2(lightness - 50, b))),
    }


def face_ellipse(shape: tuple[int, int], box: tuple[float, float, float, float] | None = None) -> np.ndarray:
    """Elliptic face mask (H, W), bool.

    box  (left, top, right, bottom) of the face in pixels, chin to hairline, as a detector gives it; None: a centred
         crop whose face fills 60 % of the width and 80 % of the height
    """
    height, width = shape
    left, top, right, bottom = box or (0.2 * width, 0.12 * height, 0.8 * width, 0.92 * height)
    if not (left < right and top < bottom):
        raise InputError(
            f"a face box is (left, top, right, bottom) with left < right and top < bottom, not {box}"
        )
    y, x = np.mgrid[:height, :width] + 0.5
    u = (2 * x - left - right) / (right - left)
    v = (2 * y - top - bottom) / (bottom - top)
    return u**2 + v**2 <= 1


def own_skin(image: np.ndarray, face: np.ndarray, *, tolerance: float = 3.5) -> np.ndarray:
    """The part of a face mask that has the face's own colour: without hair, eyes, background. (H, W) bool.

    A pixel belongs if its L*, a*, b* lie within `tolerance` robust standard deviations of the medians over the
    middle of the face (joint distance). The reference is this face itself: fixed skin-colour thresholds find
    less skin in dark or dim pictures, and would edit those people less.
    """
    image, face = _checked(image, face)
    inside = face > 0.5
    if not inside.any():
        raise InputError("no pixel of the mask is above 0.5")
    y, x = np.nonzero(inside)
    middle = inside.copy()
    rows, columns = np.indices(inside.shape)
    middle &= np.abs(columns - x.mean()) < 0.6 * 2 * x.std()
    middle &= np.abs(rows - y.mean()) < 0.6 * 2 * y.std()
    lab = rgb2lab(image)
    centre = np.median(lab[middle], axis=0)
    spread = 1.4826 * np.median(np.abs(lab[middle] - centre), axis=0)
    spread = np.maximum(spread, (6.0, 2.0, 2.0))  # flat light must not leave single pixels out
    distance = np.sqrt((((lab - centre) / spread) ** 2).sum(axis=-1))
    return median_filter((inside & (distance < tolerance)).astype(np.uint8), size=5).astype(bool)


def _checked(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    image, mask = np.asarray(image), np.asarray(mask)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(f"a picture is (H, W, 3) uint8, not {image.shape} {image.dtype}")
    if mask.shape != image.shape[:2]:
        raise InputError(f"the mask is {mask.shape}, the picture {image.shape[:2]}")
    mask = mask.astype(float)
    if not np.isfinite(mask).all() or mask.min() < 0 or mask.max() > 1:
        raise InputError("a mask holds 0…1")
    if mask.max() == 0:
        raise InputError("the mask is empty: no pixel of the face")
    return image, mask


def _feathered(mask: np.ndarray, feather: float | None) -> np.ndarray:
    sigma = 0.01 * min(mask.shape) if feather is None else feather
    if sigma == 0:
        return mask
    soft = gaussian_filter(mask, sigma)
    return np.where(soft < 1 / 255, 0.0, soft)


def _blend(image: np.ndarray, edited: np.ndarray, weight: np.ndarray) -> np.ndarray:
    mixed = image + weight[..., None] * (edited.astype(float) - image)
    return np.where(weight[..., None] > 0, np.rint(mixed).astype(np.uint8), image)


def _shifted(image: np.ndarray, delta: float | np.ndarray) -> np.ndarray:
    """L* → L* + delta · taper at constant hue, every pixel; uint8."""
    lab = rgb2lab(image)
    lightness = lab[..., 0]
    low, high = LIGHTNESS_RANGE
    # 0 at black and white, 1 between 20 and 80; slope below 1/|delta| for |delta| ≤ 20, clipped order beyond
    taper = np.clip(np.minimum(lightness, 100 - lightness) / 20, 0, 1)
    changed = np.where(np.asarray(delta) == 0, lightness, np.clip(lightness + delta * taper, low, high))
    lab[..., 0] = changed
    rgb = _raw_rgb(lab)
    outside = ((rgb < -1e-6) | (rgb > 1 + 1e-6)).any(axis=-1)
    if outside.any():
        colours = lab[outside]
        least, most = np.zeros(len(colours)), np.ones(len(colours))
        for _ in range(12):  # chroma to 1/4096 of itself, far below a step of uint8
            middle = (least + most) / 2
            trial = colours * np.column_stack([np.ones_like(middle), middle, middle])
            values = _raw_rgb(trial)
            fits = ((values >= 0) & (values <= 1)).all(axis=-1)
            least, most = np.where(fits, middle, least), np.where(fits, most, middle)
        lab[outside] = colours * np.column_stack([np.ones_like(least), least, least])
    return np.rint(np.clip(lab2rgb(lab), 0, 1) * 255).astype(np.uint8)


def _raw_rgb(lab: np.ndarray) -> np.ndarray:
    """Linear sRGB of CIELAB without clipping: what lab2rgb clips away is what has to be seen here."""
    from skimage.color import lab2xyz
    from skimage.color.colorconv import rgb_from_xyz

    return lab2xyz(lab) @ rgb_from_xyz.T
