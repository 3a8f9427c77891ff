"""A person's row made ready for drawing: posed vertices, painted dabs, strands, and every number that shading reads."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from judge.data.parametric import geometry
from judge.data.parametric.person import neutral
from judge.data.parametric.picture import glasses, hair, raster, skin
from judge.data.parametric.picture.strands import Strands, mean_colour
from judge.data.parametric.streams import stream

OVER = 2  # supersampling along each axis
# the shadow's picture: SHADOW_SIDE pixels over ±SHADOW_HALF about SHADOW_CENTRE
SHADOW_SIDE, SHADOW_HALF, SHADOW_CENTRE = 144, 3.0, np.float32([0, -0.5, -0.9])
# columns of Scene.vertex
MEAN, OCCLUSION, LIPS, LIDS, EARS, INSIDE, PLACE, NORMAL = (
    slice(0, 3),
    3,
    4,
    5,
    6,
    7,
    slice(8, 11),
    slice(11, 14),
)
LIGHT = slice(14, 17)  # Scene.light, put behind them


@dataclass
class Scene:
    """What one picture is drawn from; all arrays float32.

    points (n, 3) pixels and depth at OVER × size; light (n, 3) the same in the shadow's picture; vertex (n, 14);
    dabs: see skin.details; strands: hair, brows, beard, glasses that there are; numbers: name → scalar or (3,).
    """

    size: int
    points: np.ndarray
    light: np.ndarray
    vertex: np.ndarray
    dabs: tuple[np.ndarray, ...]
    strands: list[Strands]
    numbers: dict[str, np.ndarray]
    noise: np.ndarray | None


@cache
def faces() -> tuple[np.ndarray, np.ndarray]:
    """Triangles (m, 3) that are drawn and the kind of each: skin and eyes."""
    d = geometry.data()
    keep = d.kinds != geometry.LASHES
    return np.ascontiguousarray(d.triangles[keep]), d.kinds[keep]


def direction(azimuth: float, elevation: float) -> np.ndarray:
    """(3,) unit vector towards a light, in degrees from the camera's axis."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.float32([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])


def _light_space(positions: np.ndarray, key: np.ndarray) -> np.ndarray:
    side = np.cross(np.float32([0, 1, 0]), key)
    side = side / np.linalg.norm(side)
    up = np.cross(key, side)
    p = positions - SHADOW_CENTRE
    scale = SHADOW_SIDE / (2 * SHADOW_HALF)
    # einsum, not @: BLAS may add in another order on another thread count
    flat = np.stack([np.einsum("nk,k->n", p, axis.astype(np.float32)) for axis in (side, -up, key)], 1)
    flat[:, :2] = flat[:, :2] * np.float32(scale) + np.float32(SHADOW_SIDE / 2)
    return flat.astype(np.float32)


def prepare(row: Mapping, size: int) -> Scene:
    """The scene of a person; columns that are absent take their neutral value."""
    person = {**neutral(), **row}
    d = geometry.data()
    vertices = geometry.shape(person)
    positions = geometry.pose(vertices, person, d.mean[:, 1])
    normal = raster.normals(positions, d.triangles)
    over = OVER * size
    static = np.stack([d.occlusion, d.lips, d.eyelids, d.ears, d.inside_mouth], 1)
    key = direction(float(person["light_azimuth"]), float(person["light_elevation"]))
    number = {
        name: np.float32(person[name])
        for name in (
            "melanin",
            "haemoglobin",
            "wrinkles",
            "hair_grey",
            "eye_melanin",
            "beard",
            "makeup",
            "masculinity",
            "light_fill",
            "exposure",
            "blur",
            "brow_density",
        )
    }
    number["key"] = key
    number["fill"] = direction(-0.8 * float(person["light_azimuth"]), 5.0)
    centres = np.stack([vertices[d.eye_l].mean(0), vertices[d.eye_r].mean(0)])
    posed = geometry.pose(np.concatenate([centres, centres + geometry.gaze(person)]), person, np.zeros(4))
    number["eye_l"], number["eye_r"] = posed[0], posed[1]
    number["gaze"] = posed[2] - posed[0]
    rng = stream(person, "skin")
    number["offset"] = rng.random(3).astype(np.float32) * np.float32(3.2)
    number["eye_offset"] = stream(person, "eyes").random(3).astype(np.float32) * np.float32(3.2)
    number["hair"] = mean_colour(person).astype(np.float32)
    number["shaven"] = np.float32(str(person["hair_style"]) == "none")
    number["close"] = np.float32(str(person["hair_style"]) == "short")
    number["background"] = _rgb(
        person["background_hue"], person["background_saturation"], person["background_value"]
    )
    number["clothing"] = _rgb(person["clothing_hue"], 0.45, person["clothing_value"])
    axes = geometry.pose(np.eye(3, dtype=np.float32), person, np.zeros(3))
    number["axis_x"], number["axis_y"] = axes[0], axes[1]
    parts = [
        part(person, vertices, over)
        for part in (hair.head, hair.brows, hair.lashes, hair.beard, glasses.glasses)
    ]
    noise = None
    if float(person["noise"]) > 0:
        grain = stream(person, "noise").standard_normal((size, size, 3), np.float32)
        noise = grain * np.float32(person["noise"])
    return Scene(
        size=size,
        points=geometry.project(positions, over),
        light=_light_space(positions, key),
        vertex=np.concatenate([d.mean, static, positions, normal], 1).astype(np.float32),
        dabs=skin.details(person, size),
        strands=[part for part in parts if part is not None],
        numbers=number,
        noise=noise,
    )


def _rgb(hue: float, saturation: float, value: float) -> np.ndarray:
    srgb = np.array(colorsys.hsv_to_rgb(float(hue) % 1.0, float(saturation), float(value)))
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)
