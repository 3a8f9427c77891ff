"""The colour of skin from its pigments, and what is painted on it: spots, freckles, wrinkles.

Albedo is log-additive in melanin and haemoglobin, the two-layer model of Tsumura et al. (2003): a bloodless,
unpigmented dermis R0 seen through melanin m and haemoglobin h. See `albedo` for the constants and the check.
Everything is painted in the mean head's frontal plane (eye distances; eyes at (±.5, 0), chin at −1.75).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace

import numpy as np

from judge.data.parametric.streams import stream

# Fitted (least squares in CIELAB, D65) to published means of measured skin, with m and h free for each mean:
# Xiao et al. (2017), "Characterising the variations in ethnic skin colours", Caucasian, Chinese, Kurdish and
# Thai cheek, forehead and forearm (L* 56–63, a* 6–12, b* 14–17), and de Rigal et al. (2010), African American
# cheek and forehead (L* 48 and 44, a* 15 and 14, b* 20 and 19; read off a graph). Residuals: ΔE*ab 0.2–2.0.
# Beyond them (ITA 45 … 65 and −20 … −60) the curve is led by assumed colours whose chroma falls with lightness,
# as measured in dark skin, to L* 71 and L* 27: no published means of the extremes were at hand.
R0 = np.float32([0.679, 0.631, 0.566])
MELANIN = np.float32([0.74, 1.0, 1.456])
BLOOD = np.float32([0.059, 1.0, 0.806])
FLOOR = np.float32([0.02, 0.02, 0.025])
VEIL = 0.235  # melanin hides blood
# the painted part of the plane: x in ±HALF, y from TOP down to BOTTOM
HALF, TOP, BOTTOM = 1.4, 1.5, -2.4
GRAIN = 160  # texels a unit of the noise pictures
HEIGHT, SPOT, DARK = 0, 1, 2  # channels of the painted texture


def melanin_depth(melanin):
    """Optical depth of melanin (green) of the 0–1 control; linear, so ITA falls strictly."""
    return 0.17 + 2.9 * melanin


def albedo(xp, depth, blood):
    """(…, 3) linear-sRGB reflectance for melanin depth and haemoglobin (…,) arrays."""
    # the palest measured skin is also the least red: its vessels show less than the fit's constant blood would
    h = (blood * (1 - 0.3 * xp.exp(-depth / 0.35)))[..., None]
    m = depth[..., None]
    like = m + h
    r0, sm, sh, floor = (xp.asarray(c) + 0 * like for c in (R0, MELANIN, BLOOD, FLOOR))
    return r0 * xp.exp(-(m * sm + h * sh * xp.exp(-VEIL * m))) + floor * (1 - xp.exp(-m))


def texture_scale(size: int) -> float:
    """Texels an eye distance of the painted texture, for a picture of `size` pixels."""
    return float(np.clip(0.44 * size, 36, 150))


def texture_shape(size: int) -> tuple[int, int]:
    """Rows and columns of the painted texture."""
    scale = texture_scale(size)
    return int((TOP - BOTTOM) * scale) + 2, int(2 * HALF * scale) + 2


_ZONES = (
    # x, y, spread x, spread y, share: where blemishes fall
    (0.0, 0.85, 0.6, 0.28, 0.26),
    (0.72, -0.7, 0.22, 0.3, 0.24),
    (-0.72, -0.7, 0.22, 0.3, 0.24),
    (0.0, -1.52, 0.35, 0.12, 0.16),
    (0.0, -0.5, 0.14, 0.25, 0.1),
)


def _blemishes(person: Mapping):
    rng = stream(person, "blemishes")
    zone = rng.choice(len(_ZONES), 160, p=[z[4] for z in _ZONES])
    centre = np.array([z[:4] for z in _ZONES])[zone]
    place = centre[:, :2] + rng.normal(size=(160, 2)) * centre[:, 2:] * 0.8
    for eye in (-0.5, 0.5):  # none on the eyes or lips
        place[:, 1] -= np.where(np.hypot((place[:, 0] - eye) / 0.36, place[:, 1] / 0.26) < 1, 0.5, 0)
    place[:, 1] += np.where(np.hypot(place[:, 0] / 0.48, (place[:, 1] + 1.18) / 0.22) < 1, 0.6, 0)
    sigma = 0.018 + 0.024 * rng.random(160) ** 2
    strength = 0.5 + 0.5 * rng.random(160)
    kind = rng.random(160)
    n = int(person["blemishes"])
    return place[:n], sigma[:n], strength[:n], kind[:n]


def _freckles(person: Mapping):
    rng = stream(person, "freckles")
    total = 420
    place = np.stack([rng.normal(size=total) * 0.55, -0.42 + 0.3 * rng.normal(size=total)], 1)
    place[rng.random(total) < 0.25] += [0, 0.9]
    sigma = 0.008 + 0.011 * rng.random(total)
    strength = 0.35 + 0.65 * rng.random(total)
    n = round(total * float(person["freckles"]))
    return place[:n], sigma[:n], strength[:n]


# wrinkles: name, onset of the control, points of the right half (x, y), width, depth, how many, spread of the copies
_WRINKLES = (
    ("forehead", 0.12, ((-0.75, 0.84), (-0.3, 0.76), (0.3, 0.76), (0.75, 0.84)), 0.016, 0.8, 5, (0.0, 0.13)),
    ("frown", 0.22, ((0.13, 0.2), (0.1, 0.34), (0.12, 0.48)), 0.017, 0.6, 2, (0.06, 0.0)),
    ("crow", 0.08, ((0.82, -0.02), (0.96, -0.02), (1.08, -0.04)), 0.013, 0.7, 5, (0.0, 0.08)),
    ("under", 0.05, ((0.27, -0.2), (0.45, -0.31), (0.66, -0.27)), 0.016, 0.7, 3, (0.02, -0.055)),
    ("nasolabial", 0.0, ((0.27, -0.63), (0.43, -0.82), (0.54, -1.1)), 0.024, 1.2, 1, (0.0, 0.0)),
    ("marionette", 0.25, ((0.45, -1.22), (0.5, -1.36), (0.5, -1.5)), 0.02, 0.9, 1, (0.0, 0.0)),
    ("cheek", 0.55, ((0.68, -0.65), (0.76, -0.9), (0.74, -1.15)), 0.014, 0.6, 3, (0.1, 0.02)),
    ("lip", 0.5, ((0.08, -0.9), (0.09, -1.0)), 0.01, 0.5, 4, (0.09, -0.012)),
    ("neck", 0.3, ((-0.5, -2.0), (0.0, -2.1), (0.5, -2.0)), 0.022, 0.8, 3, (0.0, -0.17)),
)


STEPS = 40  # dabs a wrinkle


@cache
def _courses() -> SimpleNamespace:
    """The wrinkles that anyone can have, one row each: smoothed courses and how the random numbers move them."""
    rows = []
    for name, onset, line, width, depth, copies, spread in _WRINKLES:
        knots = np.array(line)
        t = np.linspace(0, len(knots) - 1, STEPS)
        hat = np.clip(1 - np.abs(t[:, None] - np.arange(len(knots))), 0, 1)  # linear interpolation …
        padded = np.pad(hat, ((6, 6), (0, 0)), mode="reflect", reflect_type="odd")
        basis = np.stack(
            [np.convolve(column, np.ones(13) / 13, "valid") for column in padded.T], 1
        )  # … rounded
        basis = np.pad(basis, ((0, 0), (0, 4 - len(knots))))
        for copy in range(copies):
            shift = (copy - (copies - 1) / 2) * np.array(spread)
            if name == "lip":
                shift[0] += 0.1 * (copy // 2)
            course = basis[:, : len(knots)] @ (knots + shift)
            for side in (1,) if name in {"forehead", "neck"} else (1, -1):
                rows.append((course, basis, side, onset, width, depth, copies))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    names = ("course", "basis", "side", "onset", "width", "depth", "copies")
    return SimpleNamespace(**dict(zip(names, columns, strict=True)))


def _strokes(person: Mapping):
    """Dabs (place, sigma, weight) of all wrinkles at the person's `wrinkles`; each grows from its own onset."""
    w = _courses()
    count = len(w.side)
    rng = stream(person, "wrinkles")
    shift = 0.025 * rng.standard_normal((count, 4, 2))
    wander = rng.standard_normal((count, 3))
    late, wide, deep, cut_low, cut_high = rng.random((5, count))
    start = w.onset + np.where(w.copies > 1, 0.4, 0.0) * late + 0.05 * late
    grown = np.clip((float(person["wrinkles"]) - start) / (1.05 - start), 0, 1)
    on = np.flatnonzero(grown > 0)
    if not len(on):
        return np.zeros((0, 2)), np.zeros(0), np.zeros(0)
    t = np.linspace(0, 1, STEPS)
    course = w.course[on] + np.einsum("ntk,nkc->ntc", w.basis[on], shift[on])
    waves = np.sin(np.pi * np.arange(2, 5)[None, :, None] * t + wander[on][:, :, None])
    course[..., 1] += 0.012 * (wander[on][:, :, None] * waves).sum(1)
    several = (w.copies[on] > 2)[:, None]
    low = 0.28 * cut_low[on][:, None] * several
    high = 1 - 0.28 * cut_high[on][:, None] * several
    taper = np.clip((t - low) / 0.25, 0, 1) * np.clip((high - t) / 0.25, 0, 1)
    reach = np.where(
        (w.copies[on] > 1)[:, None], np.clip(1.5 * grown[on][:, None] + 0.35 - np.abs(t - 0.5), 0, 1), 1
    )
    steps = np.diff(course, axis=1)
    length = np.hypot(steps[..., 0], steps[..., 1]).sum(1)
    sigma = w.width[on] * (0.75 + 0.5 * wide[on])
    gain = (length / (STEPS - 1)) / (
        np.sqrt(2 * np.pi) * sigma
    )  # dabs at spacing s add up to √(2π)σ/s of one
    weight = (w.depth[on] * (0.6 + 0.6 * deep[on]) * grown[on] ** 0.9 * gain)[:, None] * taper * reach
    course[..., 0] *= w.side[on][:, None]
    return course.reshape(-1, 2), np.repeat(sigma, STEPS), weight.reshape(-1)


def details(person: Mapping, size: int) -> tuple[np.ndarray, ...]:
    """Dabs of a person: places (n, 2) in texels, sigma (n,), weight (n,), channel (n,); see raster.dabs."""
    scale = texture_scale(size)
    place, sigma, weight = _strokes(person)
    rows = [(place, sigma, weight, np.full(len(place), HEIGHT))]
    place, sigma, strength, kind = _blemishes(person)
    rows.append((place, sigma, strength, np.full(len(place), SPOT)))
    old = kind > 0.6  # a share has healed into a dark mark
    rows.append((place[old], 1.1 * sigma[old], 0.8 * strength[old], np.full(old.sum(), DARK)))
    place, sigma, strength = _freckles(person)
    rows.append((place, sigma, 0.6 * strength, np.full(len(place), DARK)))
    place, sigma, weight, channel = (np.concatenate(column) for column in zip(*rows, strict=True))
    texels = np.stack([(place[:, 0] + HALF) * scale, (TOP - place[:, 1]) * scale], 1)
    # a dab thinner than a texel is drawn wider and fainter, so that its sum is kept at every size
    drawn = np.maximum(sigma * scale, 0.62)
    weight = weight * (sigma * scale / drawn) ** 2
    return (
        texels.astype(np.float32),
        drawn.astype(np.float32),
        weight.astype(np.float32),
        channel.astype(np.int64),
    )
