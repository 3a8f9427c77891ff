"""Hair, brows, beard and frames as strands: control points that the rasteriser draws as dots.

Each hairstyle is grown once a process on the mean head (a hair follows a comb direction over the skull, falls
under its weight and never enters the head), then moved with the roots of each person's own scalp. Texture is a
helix about the hair: none (straight), slow (wavy), wide (curly), tight and standing away from the head
(coiled). Colour follows the pigment: Chiang et al., "A practical and controllable hair and fur model" (2016),
eq. 9 and section 4.2: absorption = eumelanin·(.419, .697, 1.37) + pheomelanin·(.187, .4, 1.05), and a
multiple-scattering colour exp(−5.9·√absorption).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from judge.data.parametric import geometry, raster
from judge.data.parametric.streams import stream

POINTS = 20  # control points of a hair of the head
ROOTS = 9000
GUIDES = 240
_EUMELANIN = np.array([0.419, 0.697, 1.37])
_PHEOMELANIN = np.array([0.187, 0.4, 1.05])
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


@dataclass
class Strands:
    """Hairs of one kind, in the camera's view: see raster.strands for control … phase.

    colour (s, 3) linear reflectance, shine (s,), depth (s,) 0 innermost … 1 outermost layer.
    """

    control: np.ndarray
    across: np.ndarray
    beside: np.ndarray
    cycles: np.ndarray
    phase: np.ndarray
    colour: np.ndarray
    shine: np.ndarray
    layer: np.ndarray
    steps: int = 1
    width: int = 1


def hairline(xp, x, y, z):
    """How far above the hairline (eye distances) a place on the mean head lies; NumPy or torch arrays."""
    angle = xp.arctan2(xp.abs(x), z + 1.0)
    line = _HAIRLINE[0][1] + 0 * angle
    for (a0, y0), (a1, y1) in zip(_HAIRLINE[:-1], _HAIRLINE[1:], strict=True):
        line = line + (y1 - y0) * xp.clip((angle - a0) / (a1 - a0), 0, 1)
    return y - line


def pigment_colour(melanin: float, red: float) -> np.ndarray:
    """(3,) linear colour of hair with `melanin` and `red` in 0–1."""
    eumelanin = 0.05 * 110.0**melanin
    pheomelanin = 2.2 * red**2
    return np.exp(-5.9 * np.sqrt(eumelanin * _EUMELANIN + pheomelanin * _PHEOMELANIN))


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def _radius(direction: np.ndarray) -> np.ndarray:
    table = geometry.data().head_radius
    polar = np.arccos(np.clip(direction[..., 0], -1, 1)) / np.pi * (table.shape[0] - 1)
    turn = (np.arctan2(direction[..., 2], direction[..., 1]) / np.pi + 1) / 2 * (table.shape[1] - 1)
    i, j = np.minimum(polar.astype(int), table.shape[0] - 2), np.minimum(turn.astype(int), table.shape[1] - 2)
    u, v = polar - i, turn - j
    return (1 - u) * ((1 - v) * table[i, j] + v * table[i, j + 1]) + u * (
        (1 - v) * table[i + 1, j] + v * table[i + 1, j + 1]
    )


@dataclass
class Roots:
    corner: np.ndarray  # (s, 3) vertices
    weight: np.ndarray  # (s, 3) barycentric
    place: np.ndarray  # (s, 3) on the mean head
    normal: np.ndarray
    random: np.ndarray  # (s, 4) uniform


def _sample_roots(inside, count: int, key: int) -> Roots:
    d = geometry.data()
    rng = np.random.Generator(np.random.Philox(key))
    faces = d.triangles[d.kinds == geometry.SKIN]
    faces = faces[(d.inside_mouth[faces].max(1) < 0.5) & (d.ears[faces].max(1) < 0.5)]
    corners = d.mean[faces].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    area = area * (inside(*corners.mean(1).T) > -0.3)
    chosen = rng.choice(len(faces), count * 4, p=area / area.sum())
    u = np.sqrt(rng.random(count * 4))
    v = rng.random(count * 4)
    weight = np.stack([1 - u, u * (1 - v), u * v], 1)
    place = np.einsum("sk,skc->sc", weight, corners[chosen])
    random = rng.random((count * 4, 4))
    keep = np.flatnonzero(inside(*place.T) + 0.16 * (random[:, 0] - 0.5) > 0)[:count]
    normal = raster.normals(d.mean, d.triangles[d.kinds == geometry.SKIN])
    normal = _unit(np.einsum("sk,skc->sc", weight[keep], normal[faces[chosen[keep]]]))
    return Roots(faces[chosen[keep]], weight[keep].astype(np.float32), place[keep], normal, random[keep])


def _in_beard(x, y, z):
    x = np.abs(x)
    cheek = np.interp(x, [0.0, 0.36, 0.5, 0.8, 1.0, 1.12], [-1.42, -1.42, -1.1, -0.9, -0.55, 0.0])
    jaw = np.minimum(np.minimum(cheek - y, y + 2.0 + 0.25 * x), z + 0.75)
    lip = np.minimum(np.minimum(-0.88 - 0.25 * x - y, y + 1.04 + 0.12 * x), 0.52 - x)
    chin_strip = np.minimum(np.minimum(-1.1 - y, y + 1.5), np.minimum(x - 0.43, 0.58 - x))
    return np.maximum(np.maximum(jaw, lip), chin_strip)


@cache
def _roots(kind: str) -> Roots:
    if kind == "head":
        return _sample_roots(lambda x, y, z: hairline(np, x, y, z), ROOTS, 11)
    return _sample_roots(_in_beard, 2600, 12)


def in_beard(xp, x, y, z):
    """Soft membership 0–1 of the beard's area, for stubble; NumPy or torch arrays."""
    x = xp.abs(x)
    cheek = -1.42 + 0 * x
    knots = ((0.36, -1.42), (0.5, -1.1), (0.8, -0.9), (1.0, -0.55), (1.12, 0.0))
    for (x0, y0), (x1, y1) in zip(knots[:-1], knots[1:], strict=True):
        cheek = cheek + (y1 - y0) * xp.clip((x - x0) / (x1 - x0), 0, 1)
    jaw = (
        xp.clip((cheek - y) / 0.25 + 0.5, 0, 1)
        * xp.clip((z + 0.95) / 0.3, 0, 1)
        * xp.clip((y + 2.3) / 0.4, 0, 1)
    )
    lip = xp.clip((-0.86 - 0.25 * x - y) / 0.08, 0, 1) * xp.clip((0.56 - x) / 0.12, 0, 1)
    lip = lip * xp.clip((y + 1.5) / 0.2, 0, 1)
    return xp.clip(jaw + lip, 0, 1)


def _flow(style: str, p: np.ndarray) -> np.ndarray:
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    one, nil = np.ones_like(x), np.zeros_like(x)
    whorl = p - np.array([0.12, 1.85, -1.45])
    down = np.stack([nil, -one, nil], -1)
    if style in {"crop", "fringe", "pixie"}:
        return _unit(whorl * np.array([0.7, 1.0, 1.0]))
    if style in {"quiff", "back"}:
        top = np.clip((y - 0.7) / 0.5, 0, 1)[..., None]
        return _unit(top * np.array([0.15, 0.3, -1.0]) + (1 - top) * np.array([0.0, -0.6, -0.8]))
    part = {"side": 0.42, "sweep": 0.42, "middle": 0.02, "bob": 0.25, "bangs": 0.05, "locs": 0.05}[style]
    sideways = np.stack([np.sign(x - part), -0.25 * one, np.where(z > -0.6, 0.1, -0.25)], -1)
    top = np.clip((y - 0.75) / 0.5, 0, 1)[..., None]
    return _unit(top * sideways + (1 - top) * (down + np.array([0, 0, -0.25])))


# style → length on top, length at the sides, lift, weight, height of the layers, how strongly hairs gather
_STYLES = {
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
_CHOICES = {
    ("short", False): ("crop", "side", "quiff", "fringe", "pixie"),
    ("long", False): ("sweep", "middle", "bob", "bangs", "back"),
    ("short", True): ("close", "round"),
    ("long", True): ("afro", "locs"),
}


@cache
def _template(style: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Control points (s, POINTS, 3) on the mean head, guide of each hair (s,), layer (s,) in 0–1."""
    roots = _roots("head")
    top_length, side_length, lift, weight, height, gather = _STYLES[style]
    place, normal, random = roots.place, roots.normal, roots.random
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
    jitter = _unit(np.random.Generator(np.random.Philox(13)).normal(size=place.shape))
    p = place + 0.005 * normal
    comb = _flow(style, p) if not standing else normal
    comb = np.where(front[:, None] > 0.5, _unit(np.array([0.05, -0.25, 1.0]) + 0.25 * jitter), comb)
    d = _unit(lift * normal + comb + 0.25 * jitter)
    out = [p]
    for i in range(1, POINTS):
        t = i / (POINTS - 1)
        step = (length / (POINTS - 1))[:, None]
        if standing:
            d = _unit(d + 0.12 * jitter)
        else:
            radial = _unit(p - centre)
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
            d = _unit(1.6 * d + (0.55 * (1 - fall)) * flow + gravity + 0.03 * jitter)
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


def _view(person: Mapping, place: np.ndarray, size: int) -> np.ndarray:
    return geometry.project(geometry.pose(place.astype(np.float32), person), size)


def _axes(axes: np.ndarray, size: int) -> np.ndarray:
    scale = np.float32(geometry.EYE_DISTANCE * size)
    return (axes * np.array([scale, -scale, 1])).astype(np.float32)


def _steps(control: np.ndarray, across: np.ndarray, cycles: np.ndarray, width: int) -> int:
    longest = np.percentile(np.linalg.norm(np.diff(control[..., :2], axis=1), axis=-1), 98)
    turn = np.percentile(np.linalg.norm(across[:, :2], axis=1) * np.abs(cycles), 90) * 2 * np.pi
    return int(np.clip(np.ceil((longest + turn / (control.shape[1] - 1)) / width * 0.9), 1, 64))


def _coat(
    person: Mapping, count: int, rng: np.random.Generator, darker: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    colour = pigment_colour(float(person["hair_melanin"]), float(person["hair_red"]))
    bright = np.exp(0.2 * rng.normal(size=(count, 1)))
    grey = float(person["hair_grey"])
    share = np.clip(1.45 * grey - 0.45 * rng.random(count), 0, 1)
    white = np.array([0.42, 0.415, 0.4]) * (0.55 + 0.45 * grey)
    colour = (colour + share[:, None] * (white - colour)) * bright * darker
    return np.minimum(colour, 0.8).astype(np.float32), (1 - 0.5 * share).astype(np.float32)


def head(person: Mapping, vertices: np.ndarray, size: int) -> Strands | None:
    """Hair of the head for a picture of `size` pixels; None for hair_style none."""
    style, texture = str(person["hair_style"]), str(person["hair_texture"])
    if style == "none":
        return None
    rng = stream(person, "hair")
    pick, part, scale, _ = rng.random(4)
    choices = _CHOICES[style, texture == "coiled"]
    name = choices[int(pick * len(choices))]
    control, guide, layer = _template(name)
    roots = _roots("head")
    count = len(roots.place)
    place = np.einsum("sk,skc->sc", roots.weight, vertices[roots.corner])
    control = control.copy()
    if part < 0.5 and name not in {"crop"}:
        # the same style parted on the other side: mirror, then take the roots' own mirror images along
        control = control * np.float32([-1, 1, 1])
        place = np.einsum("sk,skc->sc", roots.weight, vertices[geometry.data().mirror[roots.corner]])
    start = control[:, :1].copy()
    stretch = {"straight": 1.0, "wavy": 0.97, "curly": 0.85, "coiled": 1.0}[texture]
    long = style == "long"
    stretch *= (0.8 + 0.35 * scale) if long else (0.85 + 0.3 * scale)
    if stretch < 1 and name != "bangs":
        # shorten along the hair, not towards the root
        index = np.linspace(0, (POINTS - 1) * stretch, POINTS)
        low = np.minimum(index.astype(int), POINTS - 2)
        control = control[:, low] + (index - low)[None, :, None].astype(np.float32) * (
            control[:, low + 1] - control[:, low]
        )
    wild = {"straight": 0.02, "wavy": 0.035, "curly": 0.05, "coiled": 0.03}[texture] * (1.6 if long else 1.0)
    ramp = np.linspace(0, 1, POINTS, dtype=np.float32)[None, :, None]
    stray = rng.normal(size=(count, 1, 3)).astype(np.float32) * np.float32(wild)
    control = control + ramp * stray + (place[:, None] - start).astype(np.float32)

    length = np.linalg.norm(np.diff(control, axis=1), axis=-1).sum(1)
    amplitude, wavelength = {
        "straight": (0.006, 0.9),
        "wavy": (0.04, 0.62),
        "curly": (0.065, 0.3),
        "coiled": (0.03, 0.12),
    }[texture]
    if name == "locs":
        amplitude, wavelength = 0.035, 0.16
    group = rng.random((count, 8))[guide if texture != "coiled" or name == "locs" else np.arange(count)]
    first = _unit(group[:, :3] - 0.5)
    second = _unit(np.cross(first, group[:, 3:6] - 0.5))
    amplitude = np.minimum(amplitude, 0.25 * length)[:, None] * (0.7 + 0.6 * group[:, 6:7])
    colour, shine = _coat(person, count, rng)
    seen = geometry.pose(control[:, POINTS // 2], person)[:, 2]
    keep = np.flatnonzero((seen > -1.75) | (control[:, -1, 1] < -0.9))
    dense = {"straight": 1.0, "wavy": 1.0, "curly": 0.9, "coiled": 1.0}[texture]
    enough = min(1.0, (4200 + 11 * max(size - 192, 0)) / ROOTS)
    keep = keep[roots.random[keep, 3] < dense * enough]
    projected = _view(person, control[keep], size)
    across, beside = _axes(first * amplitude, size)[keep], _axes(second * amplitude, size)[keep]
    cycles = (length / wavelength).astype(np.float32)[keep]
    width = max(1, round(size / 400))
    return Strands(
        projected,
        across,
        beside,
        cycles,
        (group[:, 7] + 0.08 * rng.random(count)).astype(np.float32)[keep],
        colour[keep],
        shine[keep] * np.float32(0.25 if texture == "coiled" else 0.7 if texture == "curly" else 1.0),
        layer[keep],
        _steps(projected, across, cycles, width),
        width,
    )


@cache
def _plane() -> tuple[np.ndarray, np.ndarray]:
    """Lookup of the mean head's front: vertices (256, 256, 3) and weights over x in ±1.4, y in −2.2 … 0.6."""
    d = geometry.data()
    points = np.stack([(d.mean[:, 0] + 1.4) / 2.8 * 256, (0.6 - d.mean[:, 1]) / 2.8 * 256, d.mean[:, 2]], 1)
    faces = d.triangles[d.kinds == geometry.SKIN]
    face, _ = raster.triangles(points.astype(np.float32), faces, 256, 256, False)
    corner = faces[np.maximum(face, 0)]
    column, row = np.meshgrid(np.arange(256) + 0.5, np.arange(256) + 0.5)
    a, b, c = (points[corner[..., i], :2] - np.stack([column, row], -1) for i in range(3))
    cross = [p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0] for p, q in ((b, c), (c, a), (a, b))]
    return corner, (
        np.stack(cross, -1) / np.maximum(np.abs(sum(cross)), 1e-9)[..., None] * np.sign(sum(cross))[..., None]
    )


def on_face(vertices: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(n, 3) places on a person's face of points given in the mean head's frontal plane (nearest of a 256² grid)."""
    corner, weight = _plane()
    column = np.clip(((x + 1.4) / 2.8 * 256).astype(int), 0, 255)
    row = np.clip(((0.6 - y) / 2.8 * 256).astype(int), 0, 255)
    found = np.einsum("nk,nkc->nc", weight[row, column], vertices[corner[row, column]])
    # the grid's own rounding, at the scale of the mean head
    found[:, 0] += x - ((column + 0.5) / 256 * 2.8 - 1.4)
    found[:, 1] += y - (0.6 - (row + 0.5) / 256 * 2.8)
    return found


_BROW_X, _BROW_Y = np.array([0.2, 0.36, 0.6, 0.8, 0.92]), np.array([0.21, 0.285, 0.335, 0.28, 0.19])


def brows(person: Mapping, vertices: np.ndarray, size: int) -> Strands | None:
    """Two brows of up to 2 × 230 short hairs; nested in brow_density, thinner and higher towards masculinity 0."""
    density, male = float(person["brow_density"]), float(person["masculinity"])
    if density <= 0:
        return None
    rng = stream(person, "brows")
    tilt, shape = rng.normal(size=2)
    total = 460
    u, v, length, lean = rng.random((4, total))
    jitter = rng.normal(size=(total, 3))
    colour, shine = _coat(person, total, rng, 0.8)
    colour = np.minimum(colour, np.float32([0.16, 0.125, 0.09])) * 0.8
    side = np.where(np.arange(total) % 2 == 0, 1.0, -1.0)
    n = max(2, round(total * (0.12 + 0.6 * density)))
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
    projected = _view(person, control[:n], size)
    width = max(1, round(size / 500))
    zero = np.zeros((n, 3), np.float32)
    none = np.zeros(n, np.float32)
    return Strands(
        projected,
        zero,
        zero,
        none,
        none,
        colour[:n],
        0.08 * shine[:n],
        np.full(n, 0.8, np.float32),
        _steps(projected, zero, none, width),
        width,
    )


def lashes(person: Mapping, vertices: np.ndarray, size: int) -> Strands:
    """Upper lashes, 2 × 44, on the arc through the corners and the middle of each upper lid."""
    rng = stream(person, "lashes")
    ids = geometry.data().landmark_ids
    total = 88
    u = np.repeat((np.arange(44) + 0.5) / 44, 2) + 0.01 * rng.normal(size=total)
    random = rng.random((total, 2))
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
    projected = _view(person, control, size)
    zero, none = np.zeros((total, 3), np.float32), np.zeros(total, np.float32)
    colour = np.tile(np.float32([0.014, 0.011, 0.01]), (total, 1))
    width = max(1, round(size / 600))
    return Strands(
        projected,
        zero,
        zero,
        none,
        none,
        colour,
        none,
        np.full(total, 0.7, np.float32),
        _steps(projected, zero, none, width),
        width,
    )


def beard(person: Mapping, vertices: np.ndarray, size: int) -> Strands | None:
    """Hairs of a beard above stubble (beard > .3): more and longer as it grows; None below."""
    amount = (float(person["beard"]) - 0.3) / 0.7
    if amount <= 0:
        return None
    rng = stream(person, "beard")
    roots = _roots("beard")
    count = len(roots.place)
    random = rng.random((count, 4))
    jitter = rng.normal(size=(count, 3))
    colour, shine = _coat(person, count, rng, 0.9)
    keep = np.flatnonzero(random[:, 0] < 0.35 + 0.65 * min(1.0, 1.6 * amount))
    place = np.einsum("sk,skc->sc", roots.weight, vertices[roots.corner])[keep]
    x, y = roots.place[keep, 0], roots.place[keep, 1]
    lip = (y > -1.1) & (np.abs(x) < 0.5)
    down = np.stack(
        [np.where(lip, 1.0 * np.sign(x), 0.15 * np.sign(x)), np.full(len(x), -1.0), np.full(len(x), 0.1)], 1
    )
    direction = _unit(0.55 * roots.normal[keep] + down + 0.25 * jitter[keep])
    reach = (0.04 + 0.36 * amount * (0.6 + 0.8 * random[keep, 1])) * np.where(
        lip, 0.45, np.where(y < -1.45, 1.0, 0.6)
    )
    bend = np.array([0, -0.35, 0])
    t = np.linspace(0, 1, 5)[None, :, None]
    control = (
        place[:, None]
        + reach[:, None, None] * (t * direction[:, None] + t * t * bend)
        + 0.01 * roots.normal[keep][:, None]
    )
    projected = _view(person, control, size)
    coil = {"straight": 0.004, "wavy": 0.012, "curly": 0.02, "coiled": 0.024}[str(person["hair_texture"])]
    first = _unit(random[keep][:, :3] - 0.5)
    second = _unit(np.cross(first, jitter[keep]))
    across, beside = _axes(first * coil, size), _axes(second * coil, size)
    cycles = (reach / 0.12).astype(np.float32)
    width = max(1, round(size / 450))
    return Strands(
        projected,
        across,
        beside,
        cycles,
        random[keep, 3].astype(np.float32),
        colour[keep],
        0.35 * shine[keep],
        (0.35 + 0.65 * random[keep, 2]).astype(np.float32),
        _steps(projected, across, cycles, width),
        width,
    )


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
    control = _view(person, np.stack(lines), size)
    n = len(lines)
    colours = np.array([[0.02, 0.02, 0.022], [0.06, 0.03, 0.015], [0.2, 0.2, 0.21], [0.25, 0.17, 0.06]])
    colour = np.repeat(colours[int(shade * (2 if kind == "thick" else 4))][None], n, 0).astype(np.float32)
    width = max(1, round(size / (64 if kind == "thick" else 150)))
    zero, none = np.zeros((n, 3), np.float32), np.zeros(n, np.float32)
    control[..., :2] -= np.float32(width / 2)
    return Strands(
        control,
        zero,
        zero,
        none,
        none,
        colour,
        np.full(n, 0.6, np.float32),
        np.ones(n, np.float32),
        _steps(control, zero, none, 1),
        width,
    )
