"""The colour of skin from its pigments, and what is painted on it: spots, freckles, wrinkles.

Albedo is log-additive in melanin and haemoglobin, the two-layer model of Tsumura et al. (2003): a bloodless,
unpigmented dermis R0 seen through melanin m and haemoglobin h. See `albedo` for the constants and the check.
Everything is painted in the mean head's frontal plane (eye distances; eyes at (±.5, 0), chin at −1.75).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from judge.data.parametric import raster
from judge.data.parametric.streams import stream

R0 = np.float32([0.74, 0.625, 0.535])
MELANIN = np.float32([0.74, 1.0, 1.30])
BLOOD = np.float32([0.10, 1.0, 0.75])
FLOOR = np.float32([0.022, 0.014, 0.011])
# the painted part of the plane: x in ±HALF, y from TOP down to BOTTOM
HALF, TOP, BOTTOM = 1.4, 1.5, -2.4
GRAIN = 160  # texels a unit of the noise pictures
HEIGHT, SPOT, DARK = 0, 1, 2  # channels of the painted texture


def melanin_depth(melanin):
    """Optical depth of melanin (green) of the 0–1 control; linear, so ITA falls strictly."""
    return 3.1 * melanin + 0.10


def albedo(xp, depth, blood):
    """(…, 3) linear-sRGB reflectance for melanin depth and haemoglobin (…,) arrays."""
    m, h = depth[..., None], blood[..., None]
    like = m + h
    r0, sm, sh, floor = (xp.asarray(c) + 0 * like for c in (R0, MELANIN, BLOOD, FLOOR))
    return r0 * xp.exp(-(m * sm + h * sh * xp.exp(-0.25 * m))) + floor * (1 - xp.exp(-m))


def texture_scale(size: int) -> float:
    """Texels an eye distance of the painted texture, for a picture of `size` pixels."""
    return float(np.clip(0.44 * size, 36, 150))


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
    sigma = 0.016 + 0.02 * rng.random(160) ** 2
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
    ("frown", 0.22, ((0.13, 0.2), (0.1, 0.34), (0.12, 0.48)), 0.017, 1.0, 2, (0.06, 0.0)),
    ("crow", 0.08, ((0.82, -0.02), (0.96, -0.02), (1.08, -0.04)), 0.013, 0.7, 5, (0.0, 0.08)),
    ("under", 0.05, ((0.27, -0.2), (0.45, -0.31), (0.66, -0.27)), 0.016, 0.7, 3, (0.02, -0.055)),
    ("nasolabial", 0.0, ((0.27, -0.63), (0.43, -0.82), (0.54, -1.1)), 0.024, 1.2, 1, (0.0, 0.0)),
    ("marionette", 0.25, ((0.45, -1.22), (0.5, -1.36), (0.5, -1.5)), 0.02, 0.9, 1, (0.0, 0.0)),
    ("cheek", 0.55, ((0.68, -0.65), (0.76, -0.9), (0.74, -1.15)), 0.014, 0.6, 3, (0.1, 0.02)),
    ("lip", 0.5, ((0.08, -0.9), (0.09, -1.0)), 0.01, 0.5, 4, (0.09, -0.012)),
    ("neck", 0.3, ((-0.5, -2.0), (0.0, -2.1), (0.5, -2.0)), 0.022, 0.8, 3, (0.0, -0.17)),
)


def _strokes(person: Mapping):
    """Dabs (place, sigma, weight) of all wrinkles at the person's `wrinkles`; each grows from its own onset."""
    amount = float(person["wrinkles"])
    rng = stream(person, "wrinkles")
    places, sigmas, weights = [], [], []
    for name, onset, line, width, depth, copies, spread in _WRINKLES:
        knots = np.array(line)
        sides = (1,) if name in {"forehead", "neck"} else (1, -1)
        for copy in range(copies):
            for side in sides:
                shift, late, wide, deep = (
                    rng.normal(size=(len(knots), 2)),
                    rng.random(),
                    rng.random(),
                    rng.random(),
                )
                cut = np.sort(rng.random(2))
                wander = rng.normal(size=3)
                start = onset + 0.4 * late * (copies > 1) + 0.05 * late
                grown = np.clip((amount - start) / (1.05 - start), 0, 1)
                if grown <= 0:
                    continue
                points = knots + 0.025 * shift + (copy - (copies - 1) / 2) * np.array(spread)
                if name == "lip":
                    points[:, 0] += 0.1 * (copy // 2)
                t = np.linspace(0, 1, 40)
                bend = np.stack(
                    [np.interp(t, np.linspace(0, 1, len(knots)), points[:, k]) for k in (0, 1)], 1
                )
                for k in (0, 1):  # rounds the corners of the polyline
                    bend[:, k] = np.convolve(
                        np.pad(bend[:, k], 6, mode="reflect", reflect_type="odd"), np.ones(13) / 13, "valid"
                    )
                bend[:, 1] += 0.012 * sum(w * np.sin((i + 2) * np.pi * t + w) for i, w in enumerate(wander))
                if copies > 2:
                    low, high = 0.28 * cut[0], 1 - 0.28 * (1 - cut[1])
                else:
                    low, high = 0.0, 1.0
                taper = np.clip((t - low) / 0.25, 0, 1) * np.clip((high - t) / 0.25, 0, 1)
                reach = np.clip(1.5 * grown + 0.35 - np.abs(t - 0.5), 0, 1) if copies > 1 else 1.0
                length = np.linalg.norm(np.diff(bend, axis=0), axis=1).sum()
                sigma = width * (0.75 + 0.5 * wide)
                # dabs at spacing s add up to √(2π)σ/s times one dab
                gain = (length / 39) / (np.sqrt(2 * np.pi) * sigma)
                places.append(bend * [side, 1])
                sigmas.append(np.full(40, sigma))
                weights.append(depth * (0.6 + 0.6 * deep) * grown**0.9 * taper * reach * gain)
    if not places:
        return np.zeros((0, 2)), np.zeros(0), np.zeros(0)
    return np.concatenate(places), np.concatenate(sigmas), np.concatenate(weights)


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
    weight = weight * np.where(channel == HEIGHT, sigma * scale / drawn, (sigma * scale / drawn) ** 2)
    return (
        texels.astype(np.float32),
        drawn.astype(np.float32),
        weight.astype(np.float32),
        channel.astype(np.int64),
    )


def paint(person: Mapping, size: int) -> np.ndarray:
    """(h, w, 3) float32 painted texture: wrinkle depth, red of spots, extra pigment."""
    scale = texture_scale(size)
    texture = np.zeros((int((TOP - BOTTOM) * scale) + 2, int(2 * HALF * scale) + 2, 3), np.float32)
    raster.dabs(texture, *details(person, size))
    return texture
