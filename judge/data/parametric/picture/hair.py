"""Hair, brows, lashes and beard as strands, for one person and one picture.

Texture is a helix about the hair: faint (straight), slow (wavy), wide (curly), tight and standing away from the
head (coiled). Colour follows the pigments, see strands.pigment_colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import pairwise

import numba
import numpy as np

from judge.data.parametric import geometry
from judge.data.parametric.picture import skin
from judge.data.parametric.picture.strands import (
    Roots,
    Strands,
    axes,
    coat,
    on_face,
    sample_roots,
    unit,
    view,
)
from judge.data.parametric.picture.styles import CHOICES, POINTS, ROOTS, roots, template
from judge.data.parametric.streams import stream

_STRETCH = {"straight": 1.0, "wavy": 0.97, "curly": 0.85, "coiled": 1.0}
_WILD = {"straight": 0.02, "wavy": 0.035, "curly": 0.05, "coiled": 0.03}
_SHINE = {"straight": 1.0, "wavy": 1.0, "curly": 0.7, "coiled": 0.25}
# texture → radius and wavelength of the helix in eye distances
_HELIX = {"straight": (0.006, 0.9), "wavy": (0.04, 0.62), "curly": (0.065, 0.3), "coiled": (0.03, 0.12)}
_BROW_X, _BROW_Y = np.array([0.2, 0.36, 0.6, 0.8, 0.92]), np.array([0.21, 0.285, 0.335, 0.28, 0.19])


@numba.njit(cache=True)
def _comb(template, corner, weight, vertices, stray, stretch, side, turn, posed, size, out, length, depth):
    """Move a grown style onto a head and into the camera's view; see `head`.

    stretch: share of each hair that is left; side: −1 mirrors the style; turn (3, 3): the pose. Fills out
    (s, p, 3) projected, length (s,) in eye distances and depth (s,) of the hair's middle.
    """
    points = template.shape[1]
    last = np.float32(points - 1)
    distance = np.float32(geometry.CAMERA)
    unit_pixels = np.float32(geometry.EYE_DISTANCE * size)
    reach, slope = np.float32(3.2), np.float32(1 / 1.4)
    nil, one = np.float32(0), np.float32(1)
    middle_x, middle_y = np.float32(geometry.EYE_CENTRE[0] * size), np.float32(geometry.EYE_CENTRE[1] * size)
    for i in range(template.shape[0]):
        a, b, c = corner[i, 0], corner[i, 1], corner[i, 2]
        u, v, w = weight[i, 0], weight[i, 1], weight[i, 2]
        move_x = u * vertices[a, 0] + v * vertices[b, 0] + w * vertices[c, 0] - side * template[i, 0, 0]
        move_y = u * vertices[a, 1] + v * vertices[b, 1] + w * vertices[c, 1] - template[i, 0, 1]
        move_z = u * vertices[a, 2] + v * vertices[b, 2] + w * vertices[c, 2] - template[i, 0, 2]
        old_x = old_y = old_z = nil
        total = nil
        for j in range(points):
            index = np.float32(j) * stretch
            low = min(int(index), points - 2)
            t = index - np.float32(low)
            share = np.float32(j) / last
            p = side * (template[i, low, 0] + t * (template[i, low + 1, 0] - template[i, low, 0]))
            q = template[i, low, 1] + t * (template[i, low + 1, 1] - template[i, low, 1])
            r = template[i, low, 2] + t * (template[i, low + 1, 2] - template[i, low, 2])
            p += move_x + share * stray[i, 0]
            q += move_y + share * stray[i, 1]
            r += move_z + share * stray[i, 2]
            if j:
                total += np.sqrt((p - old_x) ** 2 + (q - old_y) ** 2 + (r - old_z) ** 2)
            old_x, old_y, old_z = p, q, r
            x, y, z = p, q, r
            if posed:
                fade = min(max((q + reach) * slope, nil), one)
                x += fade * (turn[0, 0] * p + turn[0, 1] * q + turn[0, 2] * r - p)
                y += fade * (turn[1, 0] * p + turn[1, 1] * q + turn[1, 2] * r - q)
                z += fade * (turn[2, 0] * p + turn[2, 1] * q + turn[2, 2] * r - r)
            scale = unit_pixels * distance / (distance - z)
            out[i, j, 0] = middle_x + scale * x
            out[i, j, 1] = middle_y - scale * y
            out[i, j, 2] = z
            if j == points // 2:
                depth[i] = z
        length[i] = total


def head(person: Mapping, vertices: np.ndarray, size: int) -> Strands | None:
    """Hair of the head for a picture of `size` pixels; None for hair_style none.

    Which of the styles that fit hair_style and hair_texture, its parting, its length and every hair's own
    variation come from the person's stream.
    """
    style, texture = str(person["hair_style"]), str(person["hair_texture"])
    if style == "none":
        return None
    rng = stream(person, "hair")
    pick, part, scale, _ = rng.random(4)
    choices = CHOICES[style, texture == "coiled"]
    name = choices[int(pick * len(choices))]
    # more hairs for larger pictures, always the same first ones
    n = min(ROOTS, round(3600 + 12 * max(size - 192, 0)))
    grown, guide, layer = template(name)
    stray = rng.standard_normal((ROOTS, 3), np.float32)[:n]
    group = rng.random((ROOTS, 8), np.float32)
    waver = rng.random(ROOTS, np.float32)[:n]
    colour, shine = coat(person, ROOTS, rng)
    group = group[guide[:n]] if texture != "coiled" or name == "locs" else group[:n]

    corner, side = roots().corner[:n], 1.0
    if part < 0.5 and name != "crop":  # the same style parted on the other side
        corner, side = geometry.data().mirror[corner], -1.0
    long = style == "long"
    stretch = _STRETCH[texture] * ((0.8 + 0.2 * scale) if long else (0.85 + 0.15 * scale))
    wild = _WILD[texture] * (1.6 if long else 1.0)
    control = np.empty((n, POINTS, 3), np.float32)
    length, depth = np.empty(n, np.float32), np.empty(n, np.float32)
    turn = geometry.rotation(person).astype(np.float32)
    posed = any(float(person[k]) for k in ("yaw", "pitch", "roll"))
    _comb(
        grown[:n],
        corner,
        roots().weight[:n],
        vertices,
        stray * np.float32(wild),
        np.float32(stretch),
        np.float32(side),
        turn,
        posed,
        size,
        control,
        length,
        depth,
    )
    keep = np.flatnonzero((depth > -1.75) | (control[:, -1, 1] > (geometry.EYE_CENTRE[1] + 0.2) * size))
    group, length = group[keep], length[keep]
    amplitude, wavelength = (0.035, 0.16) if name == "locs" else _HELIX[texture]
    first = unit(group[:, :3] - 0.5)
    second = unit(np.cross(first, group[:, 3:6] - 0.5))
    amplitude = np.minimum(amplitude, 0.25 * length)[:, None] * (0.7 + 0.6 * group[:, 6:7])
    return Strands(
        control=control[keep],
        colour=colour[keep],
        shine=shine[keep] * _SHINE[texture],
        layer=layer[keep],
        width=max(1, round(size / 400)),
        across=axes(first * amplitude, size),
        beside=axes(second * amplitude, size),
        cycles=length / wavelength,
        phase=group[:, 7] + 0.08 * waver[keep],
    )


def _in_beard(x, y, z):
    x = np.abs(x)
    cheek = np.interp(x, [0.0, 0.36, 0.5, 0.8, 1.0, 1.12], [-1.42, -1.42, -1.1, -0.9, -0.55, 0.0])
    jaw = np.minimum(np.minimum(cheek - y, y + 2.0 + 0.25 * x), z + 0.75)
    lip = np.minimum(np.minimum(-0.88 - 0.25 * x - y, y + 1.04 + 0.12 * x), 0.52 - x)
    chin_strip = np.minimum(np.minimum(-1.1 - y, y + 1.5), np.minimum(x - 0.43, 0.58 - x))
    return np.maximum(np.maximum(jaw, lip), chin_strip)


@cache
def _beard_roots() -> Roots:
    return sample_roots(_in_beard, 2600, 12)


def in_beard(xp, x, y, z):
    """Soft membership 0–1 of the beard's area, for stubble; NumPy or torch arrays."""
    x = xp.abs(x)
    cheek = -1.42 + 0 * x
    knots = ((0.36, -1.42), (0.5, -1.1), (0.8, -0.9), (1.0, -0.55), (1.12, 0.0))
    for (x0, y0), (x1, y1) in pairwise(knots):
        cheek = cheek + (y1 - y0) * xp.clip((x - x0) / (x1 - x0), 0, 1)
    jaw = (
        xp.clip((cheek - y) / 0.25 + 0.5, 0, 1)
        * xp.clip((z + 0.95) / 0.3, 0, 1)
        * xp.clip((y + 2.3) / 0.4, 0, 1)
    )
    lip = xp.clip((-0.86 - 0.25 * x - y) / 0.08, 0, 1) * xp.clip((0.56 - x) / 0.12, 0, 1)
    lip = lip * xp.clip((y + 1.5) / 0.2, 0, 1)
    return xp.clip(jaw + lip, 0, 1)


def brow_ground(xp, x, y, male, density):
    """Soft membership 0–1 of the brow, for the skin between its hairs; x is |x|, NumPy or torch arrays."""
    middle = _BROW_Y[0] + 0 * x
    for k in range(len(_BROW_X) - 1):
        step = xp.clip((x - float(_BROW_X[k])) / float(_BROW_X[k + 1] - _BROW_X[k]), 0, 1)
        middle = middle + float(_BROW_Y[k + 1] - _BROW_Y[k]) * step
    u = xp.clip((x - 0.2) / 0.72, 0, 1)
    half = (0.034 + 0.018 * male + 0.018 * density) * (1 - 0.6 * u)
    away = (y - middle - 0.02 * (0.5 - male)) / half
    return xp.exp(-0.5 * away * away) * xp.clip((x - 0.16) / 0.1, 0, 1) * xp.clip((0.95 - x) / 0.12, 0, 1)


def brows(person: Mapping, vertices: np.ndarray, size: int) -> Strands | None:
    """Two brows of up to 2 × 230 short hairs; nested in brow_density, thinner and higher towards masculinity 0."""
    density, male = float(person["brow_density"]), float(person["masculinity"])
    if density <= 0:
        return None
    rng = stream(person, "brows")
    tilt, shape = rng.standard_normal(size=2)
    total = 460
    u, v, length, lean = rng.random((4, total))
    jitter = rng.standard_normal(size=(total, 3))
    colour, shine = coat(person, total, rng, 0.8)
    flesh = skin.albedo(np, np.float64(skin.melanin_depth(float(person["melanin"]))), np.float64(0.45))
    colour = np.minimum(colour, np.array([0.16, 0.125, 0.09])) * 0.75 + 0.16 * flesh
    side = np.where(np.arange(total) % 2 == 0, 1.0, -1.0)
    # fewer where a hair covers more of the picture, always the same first ones
    n = max(2, round(total * (0.12 + 0.6 * density) * min(1.0, 0.45 + size / 900)))
    x = 0.2 + 0.72 * u
    thick = (0.035 + 0.04 * male + 0.04 * density) * np.interp(u, [0, 0.15, 0.6, 1], [0.75, 1, 0.8, 0.25])
    y = (
        np.interp(x, _BROW_X, _BROW_Y)
        + (v - 0.5) * thick
        + 0.012 * shape * np.sin(np.pi * u)
        + 0.01 * tilt * (u - 0.5)
    )
    y = y + 0.02 * (0.5 - male)
    start = on_face(vertices, side * x, y)
    angle = np.interp(u, [0, 0.2, 0.6, 1], [1.25, 0.75, 0.2, -0.5]) + 0.3 * (lean - 0.5) - 0.5 * (v - 0.5)
    reach = (0.07 + 0.06 * length) * np.interp(u, [0, 0.3, 1], [0.8, 1, 0.75])
    direction = np.stack([side * np.cos(angle), np.sin(angle), -0.25 * (x > 0.6)], 1)
    t = np.linspace(0, 1, 4)[None, :, None]
    control = (
        start[:, None] + t * (reach[:, None] * (direction + 0.08 * jitter))[:, None] + np.array([0, 0, 0.022])
    )
    projected = view(person, control[:n], size)
    return Strands(projected, colour[:n], 0.08 * shine[:n], np.full(n, 0.8), max(1, round(size / 500)))


def lashes(person: Mapping, vertices: np.ndarray, size: int) -> Strands:
    """Upper lashes, 2 × 44, on the arc through the corners and the middle of each upper lid."""
    rng = stream(person, "lashes")
    ids = geometry.data().landmark_ids
    total = 88
    spread = (np.arange(44) * 0.6180339887 + 0.5) % 1  # any first few cover the lid evenly
    u = np.repeat(spread, 2) + 0.01 * rng.standard_normal(size=total)
    random = rng.random((total, 2))
    n = 2 * min(44, round(16 + size / 16))
    left = np.arange(total) % 2 == 0
    corner = {
        n: np.where(left[:, None], vertices[ids[f"{n}_l"]], vertices[ids[f"{n}_r"]])
        for n in ("eye_inner", "eye_outer", "upper_lid")
    }
    a, b, c = corner["eye_inner"], corner["upper_lid"], corner["eye_outer"]
    t = u[:, None]
    middle = 2 * b - (a + c) / 2  # the quadratic that passes through the lid's middle at ½
    root = (1 - t) ** 2 * a + 2 * t * (1 - t) * middle + t * t * c + np.array([0, 0.0, 0.012])
    side = np.where(left, 1.0, -1.0)
    female, makeup = 1 - float(person["masculinity"]), float(person["makeup"])
    reach = (0.03 + 0.022 * u) * (0.8 + 0.4 * random[:, 0]) * (0.75 + 0.35 * female + 0.45 * makeup)
    lean = 1.7 * (u - 0.35)
    direction = np.stack([side * np.sin(lean), 0.55 * np.cos(lean) + 0.1, np.full(total, 0.6)], 1)
    s = np.linspace(0, 1, 3)[None, :, None]
    control = (
        root[:, None]
        + s * reach[:, None, None] * direction[:, None]
        + s * s * reach[:, None, None] * np.array([0, 0.35, 0])
    )
    projected = view(person, control, size)
    colour = np.tile(np.float32([0.014, 0.011, 0.01]), (total, 1))
    return Strands(projected[:n], colour[:n], np.zeros(n), np.full(n, 0.7), max(1, round(size / 600)))


def beard(person: Mapping, vertices: np.ndarray, size: int) -> Strands | None:
    """Hairs of a beard above stubble (beard > .3): more and longer as it grows; None below."""
    amount = (float(person["beard"]) - 0.3) / 0.7
    if amount <= 0:
        return None
    rng = stream(person, "beard")
    root = _beard_roots()
    count = len(root.place)
    random = rng.random((count, 4))
    jitter = rng.standard_normal(size=(count, 3))
    colour, shine = coat(person, count, rng, 0.9)
    keep = np.flatnonzero(random[:, 0] < 0.35 + 0.65 * min(1.0, 1.6 * amount))
    place = root.on(vertices)[keep]
    x, y = root.place[keep, 0], root.place[keep, 1]
    lip = (y > -1.1) & (np.abs(x) < 0.5)
    down = np.stack(
        [np.where(lip, 1.0 * np.sign(x), 0.15 * np.sign(x)), np.full(len(x), -1.0), np.full(len(x), 0.1)], 1
    )
    direction = unit(0.55 * root.normal[keep] + down + 0.25 * jitter[keep])
    reach = (0.04 + 0.36 * amount * (0.6 + 0.8 * random[keep, 1])) * np.where(
        lip, 0.45, np.where(y < -1.45, 1.0, 0.6)
    )
    bend = np.array([0, -0.35, 0])
    t = np.linspace(0, 1, 5)[None, :, None]
    control = (
        place[:, None]
        + reach[:, None, None] * (t * direction[:, None] + t * t * bend)
        + 0.01 * root.normal[keep][:, None]
    )
    coil = {"straight": 0.004, "wavy": 0.012, "curly": 0.02, "coiled": 0.024}[str(person["hair_texture"])]
    first = unit(random[keep][:, :3] - 0.5)
    second = unit(np.cross(first, jitter[keep]))
    return Strands(
        control=view(person, control, size),
        colour=colour[keep],
        shine=0.35 * shine[keep],
        layer=0.35 + 0.65 * random[keep, 2],
        width=max(1, round(size / 450)),
        across=axes(first * coil, size),
        beside=axes(second * coil, size),
        cycles=reach / 0.12,
        phase=random[keep, 3],
    )
