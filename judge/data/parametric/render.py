"""A person's row to a picture (first form: shape and light only)."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

from judge.data.parametric import geometry, raster

VERSION = 0


def render_jpeg(person: Mapping, size: int) -> bytes:
    """The JPEG file of the picture; `render` is what it decodes to."""
    d = geometry.data()
    positions = geometry.pose(geometry.shape(person), person, d.mean[:, 1])
    n = 2 * size
    points = geometry.project(positions, n)
    face, _ = raster.triangles(points, d.triangles, n, n, False)
    normal = raster.normals(positions, d.triangles, np.arange(len(positions)), len(positions))
    hit = face >= 0
    corner = d.triangles[face[hit]]
    shade = np.clip(normal[corner].mean(1) @ np.float32([-0.35, 0.4, 0.85]), 0.05, 1)[:, None]
    melanin = 3.1 * float(person.get("melanin", 0.25)) + 0.1
    skin = np.float32([0.74, 0.625, 0.535]) * np.exp(-melanin * np.float32([0.74, 1, 1.3])).astype(np.float32)
    eye = (d.kinds[face[hit]] == geometry.EYES)[:, None]
    linear = np.full((n, n, 3), 0.4, np.float32)
    linear[hit] = np.where(eye, 0.6, skin) * shade
    linear = linear.reshape(size, 2, size, 2, 3).mean((1, 3)) * float(person.get("exposure", 1.0))
    linear = np.clip(linear, 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    out = io.BytesIO()
    quality = int(person.get("jpeg_quality", 90))
    Image.fromarray((srgb * 255 + 0.5).astype(np.uint8)).save(out, "JPEG", quality=quality)
    return out.getvalue()


def render(person: Mapping, size: int) -> np.ndarray:
    """(size, size, 3) uint8 sRGB picture, as decoded from its JPEG."""
    with Image.open(io.BytesIO(render_jpeg(person, size))) as picture:
        return np.asarray(picture.convert("RGB"))
