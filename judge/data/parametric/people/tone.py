"""Skin tone in the terms that instruments use: the individual typology angle of a person's skin."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from judge.data.parametric.picture import skin

#: Three bands for contests, where the six published classes leave too few people each.
SKIN_TONES = ("light", "intermediate", "dark")


def lab(linear_rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65, 2°) of linear sRGB in 0–1; the last axis holds the three channels."""
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                       [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
    ratio = (np.asarray(linear_rgb, float) @ to_xyz.T) / to_xyz.sum(axis=1)
    cut = 6 / 29
    f = np.where(ratio > cut**3, np.cbrt(ratio), ratio / (3 * cut**2) + 4 / 29)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1
    )


def ita_of_lab(values: np.ndarray) -> np.ndarray:
    """Individual typology angle in degrees: arctan((L* − 50) / b*), higher is lighter."""
    values = np.asarray(values, float)
    return np.degrees(np.arctan2(values[..., 0] - 50, values[..., 2]))


def expected_ita(melanin: ArrayLike, haemoglobin: ArrayLike = 0.5) -> np.ndarray:
    """Angle of the skin's own reflectance, before mottle, blush, light and camera, in degrees."""
    depth, blood = np.broadcast_arrays(
        np.asarray(skin.melanin_depth(np.asarray(melanin, float))), np.asarray(haemoglobin, float)
    )
    return ita_of_lab(lab(skin.albedo(np, depth, blood)))


def skin_tone(ita: ArrayLike) -> pd.Series:
    """light (above 41°), intermediate (above 10°) or dark; a bound belongs to the darker band.

    Of the six classes of the angle (Chardon, Cretois & Hourseau 1991; Del Bino & Bernerd 2013), two each: very
    light and light, intermediate and tan, brown and dark.
    """
    values = np.asarray(ita, float)
    names = np.array(SKIN_TONES, dtype=object)
    return pd.Series(names[(values <= 41).astype(int) + (values <= 10)]).astype(str)
