"""The frames of spectacles, drawn like thick hairs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from judge.data.parametric import geometry
from judge.data.parametric.picture.strands import Strands, view
from judge.data.parametric.streams import stream


def glasses(person: Mapping, vertices: np.ndarray, size: int) -> Strands | None:
    """Rims, bridge and arms of spectacles; the lenses themselves are clear."""
    kind = str(person["glasses"])
    if kind == "none":
        return None
    rng = stream(person, "glasses")
    wide, high, square, shade = rng.random(4)
    d = geometry.data()
    front = vertices[[d.landmark_ids[n] for n in ("nasion", "brow_inner_l", "brow_inner_r", "cheek_l")], 2]
    z = float(max(front[0], front[1], front[2])) + 0.06
    turn = np.linspace(0, 2 * np.pi, 33)
    power = 0.6 + 0.35 * square
    ring_x = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power * (0.37 + 0.06 * wide)
    ring_y = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power * (0.25 + 0.09 * high) - 0.06
    lines = []
    for side in (-1, 1):
        x = side * 0.52 + ring_x
        lines.append(np.stack([x, ring_y, z - 0.22 * x**2], 1))
        reach = 0.89 + 0.06 * wide
        t = np.linspace(0, 1, 33)
        lines.append(
            np.stack([side * (reach + (1.26 - reach) * t**0.6), 0.06 + 0 * t, z - 0.2 - (z + 0.95) * t], 1)
        )
    t = np.linspace(-1, 1, 33)
    lines.append(np.stack([(0.16 - 0.06 * wide) * t, 0.05 - 0.05 * t**2, z + 0.02 - 0.03 * t**2], 1))
    control = view(person, np.stack(lines), size)
    n = len(lines)
    colours = np.array([[0.02, 0.02, 0.022], [0.06, 0.03, 0.015], [0.2, 0.2, 0.21], [0.25, 0.17, 0.06]])
    colour = np.repeat(colours[int(shade * (2 if kind == "thick" else 4))][None], n, 0).astype(np.float32)
    width = max(1, round(size / (64 if kind == "thick" else 150)))
    control[..., :2] -= np.float32(width / 2)
    return Strands(control, colour, np.full(n, 0.6), np.ones(n), width)
