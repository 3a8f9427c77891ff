"""Hairs as data: where they are rooted, what colour they have, and how the rasteriser is to draw them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from judge.data.parametric import geometry
from judge.data.parametric.picture import raster

_EUMELANIN = np.array([0.419, 0.697, 1.37])
_PHEOMELANIN = np.array([0.187, 0.4, 1.05])


@dataclass
class Strands:
    """Hairs of one kind, in the camera's view: see raster.strands for control … width; all float32.

    colour (s, 3) linear reflectance, shine (s,), layer (s,) 0 innermost … 1 outermost. A hair without a helix
    leaves across, beside, cycles and phase out.
    """

    control: np.ndarray
    colour: np.ndarray
    shine: np.ndarray
    layer: np.ndarray
    width: int = 1
    across: np.ndarray | None = None
    beside: np.ndarray | None = None
    cycles: np.ndarray | None = None
    phase: np.ndarray | None = None
    turn: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        hairs, points = self.control.shape[:2]
        if self.across is None:
            self.across = self.beside = np.zeros((hairs, 3), np.float32)
            self.cycles = self.phase = np.zeros(hairs, np.float32)
        reach = np.maximum(np.abs(self.across[:, :2]).max(1), np.abs(self.beside[:, :2]).max(1))
        # pixels that the helix adds to a segment's way
        self.turn = (2 * np.pi * reach * np.abs(self.cycles) / (points - 1)).astype(np.float32)
        for name in ("control", "colour", "shine", "layer", "across", "beside", "cycles", "phase"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name), np.float32))

    @property
    def marks(self) -> int:
        return self.control.shape[0] * (self.control.shape[1] - 1) * raster.STRIDE


def pigment_colour(melanin: float, red: float) -> np.ndarray:
    """(3,) linear colour of hair with `melanin` and `red` in 0–1."""
    eumelanin = 0.05 * 110.0**melanin
    pheomelanin = 2.2 * red**2
    return np.exp(-5.9 * np.sqrt(eumelanin * _EUMELANIN + pheomelanin * _PHEOMELANIN))


def mean_colour(person: Mapping) -> np.ndarray:
    """(3,) colour of a person's hair on average, grey hairs counted."""
    grey = float(person["hair_grey"])
    colour = pigment_colour(float(person["hair_melanin"]), float(person["hair_red"]))
    return colour + np.clip(1.45 * grey - 0.22, 0, 1) * (_white(grey) - colour)


def _white(grey: float) -> np.ndarray:
    return np.array([0.42, 0.415, 0.4]) * (0.55 + 0.45 * grey)


def coat(
    person: Mapping, count: int, rng: np.random.Generator, darker: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Colour (count, 3) and shine (count,) of hairs that vary in brightness and in how grey they are."""
    colour = pigment_colour(float(person["hair_melanin"]), float(person["hair_red"]))
    bright = np.exp(0.2 * rng.standard_normal((count, 1)))
    grey = float(person["hair_grey"])
    share = np.clip(1.45 * grey - 0.45 * rng.random(count), 0, 1)
    colour = (colour + share[:, None] * (_white(grey) - colour)) * bright * darker
    return np.minimum(colour, 0.8), 1 - 0.5 * share


def unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def view(person: Mapping, place: np.ndarray, size: int) -> np.ndarray:
    """Project points of face space after the person's pose."""
    return geometry.project(geometry.pose(place.astype(np.float32), person), size)


def axes(v: np.ndarray, size: int) -> np.ndarray:
    """Small offsets of face space in the camera's units (pixels right, pixels down, depth)."""
    scale = geometry.EYE_DISTANCE * size
    return v * np.array([scale, -scale, 1])


@dataclass
class Roots:
    corner: np.ndarray  # (s, 3) vertices
    weight: np.ndarray  # (s, 3) barycentric
    place: np.ndarray  # (s, 3) on the mean head
    normal: np.ndarray
    random: np.ndarray  # (s, 4) uniform

    def on(self, vertices: np.ndarray) -> np.ndarray:
        """(s, 3) the roots on a person's own skin."""
        return np.einsum("sk,skc->sc", self.weight, vertices[self.corner])


def sample_roots(inside, count: int, key: int) -> Roots:
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
    normal = unit(np.einsum("sk,skc->sc", weight[keep], normal[faces[chosen[keep]]]))
    return Roots(faces[chosen[keep]], weight[keep].astype(np.float32), place[keep], normal, random[keep])


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
