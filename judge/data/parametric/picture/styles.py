"""Hairstyles, each grown once a process on the mean head.

A hair leaves its root, follows the comb's direction over the skull, falls under its weight, never enters the
head and gathers towards its neighbours; hairs of `standing` styles grow straight away from the head.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np

from judge.data.parametric import geometry
from judge.data.parametric.picture.strands import Roots, sample_roots, unit

POINTS = 20  # control points of a hair
ROOTS = 9000
GUIDES = 240
# y of the hairline over the angle about the head's axis, 0 in front, π behind (eye distances)
_HAIRLINE = (
    (0.0, 1.2),
    (0.5, 1.16),
    (0.9, 0.8),
    (1.15, 0.2),
    (1.35, -0.3),
    (1.5, 0.1),
    (1.85, 0.1),
    (2.1, -0.7),
    (3.2, -1.4),
)


def hairline(xp, x, y, z):
    """How far above the hairline (eye distances) a place on the mean head lies; NumPy or torch arrays."""
    angle = xp.arctan2(xp.abs(x), z + 1.0)
    line = _HAIRLINE[0][1] + 0 * angle
    for (a0, y0), (a1, y1) in pairwise(_HAIRLINE):
        line = line + (y1 - y0) * xp.clip((angle - a0) / (a1 - a0), 0, 1)
    return y - line


def _radius(direction: np.ndarray) -> np.ndarray:
    table = geometry.data().head_radius
    polar = np.arccos(np.clip(direction[..., 0], -1, 1)) / np.pi * (table.shape[0] - 1)
    turn = (np.arctan2(direction[..., 2], direction[..., 1]) / np.pi + 1) / 2 * (table.shape[1] - 1)
    i, j = np.minimum(polar.astype(int), table.shape[0] - 2), np.minimum(turn.astype(int), table.shape[1] - 2)
    u, v = polar - i, turn - j
    return (1 - u) * ((1 - v) * table[i, j] + v * table[i, j + 1]) + u * (
        (1 - v) * table[i + 1, j] + v * table[i + 1, j + 1]
    )


@cache
def roots() -> Roots:
    return sample_roots(lambda x, y, z: hairline(np, x, y, z), ROOTS, 11)


def _flow(style: str, p: np.ndarray) -> np.ndarray:
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    one, nil = np.ones_like(x), np.zeros_like(x)
    whorl = p - np.array([0.12, 1.85, -1.45])
    down = np.stack([nil, -one, nil], -1)
    if style in {"crop", "fringe", "pixie"}:
        return unit(whorl * np.array([0.7, 1.0, 1.0]))
    if style in {"quiff", "back"}:
        top = np.clip((y - 0.7) / 0.5, 0, 1)[..., None]
        return unit(top * np.array([0.15, 0.3, -1.0]) + (1 - top) * np.array([0.0, -0.6, -0.8]))
    part = {"side": 0.42, "sweep": 0.42, "middle": 0.02, "bob": 0.25, "bangs": 0.05, "locs": 0.05}[style]
    sideways = np.stack([np.sign(x - part), -0.25 * one, np.where(z > -0.6, 0.1, -0.25)], -1)
    top = np.clip((y - 0.75) / 0.5, 0, 1)[..., None]
    return unit(top * sideways + (1 - top) * (down + np.array([0, 0, -0.25])))


# style → length on top, length at the sides, lift, weight, height of the layers, how strongly hairs gather
STYLES = {
    "crop": (0.30, 0.14, 0.45, 0.0, 0.05, 0.25),
    "side": (0.72, 0.26, 0.55, 0.02, 0.12, 0.5),
    "quiff": (0.75, 0.2, 0.8, 0.0, 0.14, 0.5),
    "fringe": (0.85, 0.4, 0.5, 0.05, 0.12, 0.5),
    "pixie": (1.1, 0.75, 0.5, 0.1, 0.16, 0.5),
    "sweep": (3.1, 2.7, 0.45, 0.35, 0.2, 0.55),
    "middle": (3.2, 2.8, 0.35, 0.4, 0.17, 0.55),
    "bob": (1.95, 1.6, 0.4, 0.35, 0.2, 0.5),
    "bangs": (3.0, 2.6, 0.4, 0.4, 0.17, 0.5),
    "back": (2.4, 1.6, 0.35, 0.25, 0.14, 0.5),
    "locs": (2.6, 2.2, 0.5, 0.4, 0.2, 0.95),
    "afro": (0.66, 0.6, 1.0, 0.0, 0.0, 0.25),
    "close": (0.2, 0.15, 1.0, 0.0, 0.0, 0.2),
    "round": (0.36, 0.28, 1.0, 0.0, 0.0, 0.25),
}
CHOICES = {
    ("short", False): ("crop", "side", "quiff", "fringe", "pixie"),
    ("long", False): ("sweep", "middle", "bob", "bangs", "back"),
    ("short", True): ("close", "round"),
    ("long", True): ("afro", "locs"),
}


@cache
def template(style: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Control points (s, POINTS, 3) on the mean head, guide of each hair (s,), layer (s,) in 0–1."""
    root = roots()
    top_length, side_length, lift, weight, height, gather = STYLES[style]
    place, normal, random = root.place, root.normal, root.random
    centre = geometry.data().head_centre.astype(np.float64)
    layer = random[:, 1]
    top = np.clip((place[:, 1] - 0.35) / 0.9, 0, 1)
    length = (side_length + (top_length - side_length) * top * top * (3 - 2 * top)) * (
        0.72 + 0.4 * random[:, 2]
    )
    if style in {"bangs", "fringe"}:
        front = np.clip((place[:, 2] + 0.75) / 0.2, 0, 1) * np.clip((0.8 - np.abs(place[:, 0])) / 0.15, 0, 1)
        length = length + front * ((0.95 if style == "bangs" else 0.7) * (0.85 + 0.3 * random[:, 2]) - length)
    else:
        front = np.zeros(len(place))
    standing = style in {"afro", "close", "round"}
    if standing:
        length *= np.clip(0.35 + (hairline(np, *place.T)) / 0.5, 0.35, 1)
    jitter = unit(np.random.Generator(np.random.Philox(13)).normal(size=place.shape))
    p = place + 0.005 * normal
    comb = _flow(style, p) if not standing else normal
    comb = np.where(front[:, None] > 0.5, unit(np.array([0.05, -0.25, 1.0]) + 0.25 * jitter), comb)
    d = unit(lift * normal + comb + 0.25 * jitter)
    out = [p]
    for i in range(1, POINTS):
        t = i / (POINTS - 1)
        step = (length / (POINTS - 1))[:, None]
        if standing:
            d = unit(d + 0.12 * jitter)
        else:
            radial = unit(p - centre)
            flow = _flow(style, p)
            flow = np.where(front[:, None] > 0.5, np.array([0.0, -0.35, 0.5]), flow)
            flow = flow - radial * np.sum(flow * radial, -1, keepdims=True)
            fall = np.clip((0.3 - p[:, 1]) / 0.8, 0, 1)[:, None] * (top_length > 1.2)
            bare = (
                np.clip(-hairline(np, *p.T) / 0.15, 0, 1)
                * np.clip((p[:, 2] + 0.75) / 0.25, 0, 1)
                * (front < 0.5)
            )
            aside = np.stack([np.where(p[:, 0] >= 0, 1.0, -1.0), 0 * p[:, 1], np.full(len(p), -0.9)], 1)
            flow = flow + 2.5 * bare[:, None] * aside
            gravity = np.array([0, -1.0, 0]) * (weight * (0.25 + t) + 3.0 * fall)
            d = unit(1.6 * d + (0.55 * (1 - fall)) * flow + gravity + 0.03 * jitter)
        p = p + d * step
        if not standing:
            r = p - centre
            distance = np.linalg.norm(r, axis=-1)
            ramp = min(1.0, 4 * t)
            target = _radius(r / distance[:, None]) + 0.02 + ramp * height * (0.15 + 0.85 * layer)
            near = np.clip((p[:, 1] + 0.6) / 0.5, 0, 1) * (
                0.3 if style in {"quiff", "side", "fringe", "pixie"} else 0.6
            )
            wanted = np.where(distance < target, target, distance + near * (target - distance))
            p = centre + r / distance[:, None] * wanted[:, None]
        out.append(p)
    control = np.stack(out, 1)
    if not standing:
        control = _clear_of_face(control, front)
    guides = np.linspace(0, len(place) - 1, GUIDES).astype(int)
    from scipy.spatial import cKDTree

    guide = guides[cKDTree(place[guides]).query(place)[1]]
    pull = gather * np.linspace(0, 1, POINTS)[None, :, None]
    offset = control[guide] - control[guide][:, :1] + control[:, :1]
    target = 0.35 * offset + 0.65 * control[guide] if style != "locs" else control[guide]
    control = control + pull * (target - control)
    return control.astype(np.float32), guide, layer.astype(np.float32)


def _clear_of_face(control: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Cut hairs, other than a fringe's, where they would hang over the bare face."""
    x, y, z = np.moveaxis(control, -1, 0)
    over = (
        (hairline(np, x, y, z) < -0.16)
        & (z > -0.62)
        & (np.abs(x) < 1.06)
        & (y > -1.9)
        & (front < 0.5)[:, None]
    )
    last = np.where(over.any(1), np.maximum(over.argmax(1) - 1, 1), POINTS - 1)
    index = np.linspace(0, 1, POINTS)[None] * last[:, None]
    low = np.minimum(index.astype(int), POINTS - 2)
    row = np.arange(len(control))[:, None]
    return control[row, low] + (index - low)[..., None] * (control[row, low + 1] - control[row, low])
