"""Tileable noise pictures, the same in every process: the grain of skin, cloth and iris."""

from __future__ import annotations

from functools import cache

import numpy as np

SIDE = 256
PERIOD = 3.2  # eye distances that one tile spans
BANDS = ((0.5, 2.2), (4.0, 10.0), (14.0, 45.0))  # cycles a tile: blotches, mottle, pores


@cache
def pictures() -> np.ndarray:
    """(SIDE, SIDE, 5) float32: blotches, mottle, pores with mean 0 and standard deviation 1, then pores' slopes."""
    rng = np.random.Generator(np.random.Philox(key=20160825))
    frequency = np.fft.fftfreq(SIDE) * SIDE
    radius = np.hypot(frequency[:, None], frequency[None, :])
    layers = []
    for low, high in BANDS:
        spectrum = np.fft.fft2(rng.normal(size=(SIDE, SIDE)))
        window = np.exp(-((radius / high) ** 2)) - np.exp(-((radius / low) ** 2))
        layer = np.fft.ifft2(spectrum * window).real
        layers.append((layer - layer.mean()) / layer.std())
    pores = np.minimum(layers[2], 0.5)  # pits, not bumps
    for axis in (1, 0):
        slope = np.roll(pores, -1, axis) - np.roll(pores, 1, axis)
        layers.append(slope / slope.std())
    return np.stack(layers, -1).astype(np.float32)
