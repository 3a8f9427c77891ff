"""A person's row to a picture: `render` (pixels) and `render_jpeg` (the file those pixels are decoded from).

    prepare (scene.py) → nearest surface (raster.py) → colour (shade.py) → camera (here)

The same row gives the same bytes in any process and order: one thread, no shared random state.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

from judge.data.parametric import raster, shade
from judge.data.parametric.noise import pictures
from judge.data.parametric.scene import OVER, PLACE, SHADOW_SIDE, Scene, faces, prepare
from judge.data.parametric.skin import BOTTOM, HALF, TOP, texture_scale

VERSION = 1
SIZES = (32, 512)


class Cpu:
    """The primitives that shading needs, for one picture, on NumPy and numba; a batch of one."""

    xp = np

    def __init__(self, scene: Scene):
        self.scene = scene
        self.numbers = scene.numbers

    def surfaces(self):
        n = OVER * self.scene.size
        triangle, kind = faces()
        face, depth = raster.triangles(self.scene.points, triangle, n, n, False)
        mark = np.full((n, n), -1, np.int32)
        first = 0
        self.firsts = []
        for s in self.scene.strands:
            raster.strands(
                depth, mark, s.control, s.across, s.beside, s.cycles, s.phase, s.turn, s.width, first
            )
            self.firsts.append(first)
            first += s.marks
        face[mark >= 0] = -1
        return face[None], mark[None], depth[None], kind

    def interpolate(self, face):
        return raster.interpolate(
            self.scene.points, faces()[0], face[0], np.concatenate([self.scene.vertex, self.scene.light], 1)
        )

    def paint(self):
        scale = texture_scale(self.scene.size)
        shape = (int((TOP - BOTTOM) * scale) + 2, int(2 * HALF * scale) + 2, 3)
        texture = np.zeros(shape, np.float32)
        raster.dabs(texture, *self.scene.dabs)
        return texture[None]

    def sample(self, texture, x, y, person):
        return raster.sample(texture[0], x, y, False)

    def noise(self, x, y):
        return raster.sample(pictures(), x, y, True)

    def lookup(self, person):
        return lambda name: self.numbers[name]

    def shadow(self, light, person):
        triangle, kind = faces()
        _, depth = raster.triangles(self.scene.light, triangle, SHADOW_SIDE, SHADOW_SIDE, True)
        return raster.shadow(depth, light)

    def dots(self, mark):
        """Projected place, tangent, colour, shine, layer of the marked pixels, in row order."""
        marked = mark[mark >= 0]
        out = np.empty((len(marked), 11), np.float32)
        for first, s in zip(self.firsts, self.scene.strands, strict=True):
            total = s.marks
            mine = (marked >= first) & (marked < first + total)
            out[mine] = dot_values(np, s, marked[mine] - first)
        return out

    def zeros(self, *shape):
        return np.zeros(shape, np.float32)


def dot_values(xp, s, number):
    """(n, 11) of strand dots: place (column, row, depth), tangent in the same units, colour, shine, layer."""
    segments = s.control.shape[1] - 1
    hair, rest = number // (segments * raster.STRIDE), number % (segments * raster.STRIDE)
    j, k = rest // raster.STRIDE, rest % raster.STRIDE
    start, end = s.control[hair, j], s.control[hair, j + 1]
    gap = xp.abs(end - start)
    way = xp.ceil((xp.maximum(gap[:, 0], gap[:, 1]) + s.turn[hair]) / s.width)
    t = (k / xp.clip(way, 1, raster.STRIDE))[:, None]
    along = (j + t[:, 0]) / segments
    angle = 6.2831855 * (along * s.cycles[hair] + s.phase[hair])
    grow = xp.clip(along * 6, 0, 1)[:, None]
    cosine, sine = xp.cos(angle)[:, None], xp.sin(angle)[:, None]
    across, beside = s.across[hair], s.beside[hair]
    place = start + t * (end - start) + grow * (cosine * across + sine * beside)
    spin = (6.2831855 / segments) * s.cycles[hair][:, None]
    tangent = end - start + grow * spin * (cosine * beside - sine * across)
    return xp.concatenate([place, tangent, s.colour[hair], s.shine[hair][:, None], s.layer[hair][:, None]], 1)


def linear(b, size: int):
    """(batch, size, size, 3) linear picture before exposure, drawn with the primitives `b`."""
    xp = b.xp
    n = OVER * size
    face, mark, depth, kind = b.surfaces()
    batch = face.shape[0]
    rows = xp.arange(n) + 0.5
    at_all = b.lookup(None)
    column = (rows / n)[None, :] + 0 * rows[:, None]
    row = (rows / n)[:, None] + 0 * rows[None, :]
    picture = shade.backdrop(xp, at_all("background"), column.astype(np.float32), row.astype(np.float32))[
        None
    ]
    picture = np.ascontiguousarray(picture).reshape(-1, 3)

    covered = np.flatnonzero(face.reshape(-1) >= 0)
    v = b.interpolate(face)
    of = kind[face.reshape(-1)[covered]]
    person = None
    at = b.lookup(person)
    eye = of == 1
    cloth = ~eye & (shade.collar(xp, v[:, 0], v[:, 1], v[:, 2]) > 0)
    flesh = ~eye & ~cloth
    shadow = b.shadow(v[:, 14:17], person)
    scale = texture_scale(size)
    texture = b.paint()
    texture = slopes(xp, texture, scale)
    fv = v[flesh]
    detail = b.sample(texture, (fv[:, 0] + HALF) * scale, (TOP - fv[:, 1]) * scale, person)
    picture[covered[flesh]] = shade.skin_layer(b, at, fv, detail, shadow[flesh])
    picture[covered[cloth]] = shade.cloth_layer(b, at, v[cloth], shadow[cloth])
    opening = np.zeros(batch * n * n, np.float32)
    opening[covered[eye]] = 1
    lid = below_lid(xp, opening.reshape(batch, n, n), n).reshape(-1)[covered[eye]]
    picture[covered[eye]] = shade.eye_layer(b, at, v[eye], lid)

    marked = np.flatnonzero(mark.reshape(-1) >= 0)
    d = b.dots(mark)
    unit = 1 / (0.22 * n)
    where = xp.stack([(d[:, 0] - 0.5 * n) * unit, (0.47 * n - d[:, 1]) * unit, d[:, 2]], -1)
    tangent = shade.unit(xp, xp.stack([d[:, 3] * unit, -d[:, 4] * unit, d[:, 5]], -1))
    picture[marked] = shade.hair_layer(b, at, where, tangent, d[:, 6:9], d[:, 9], d[:, 10])
    picture = picture.reshape(batch, size, OVER, size, OVER, 3)
    corners = [picture[:, :, i, :, j] for i in range(OVER) for j in range(OVER)]
    return sum(corners[1:], corners[0]) * np.float32(1 / OVER**2)


def slopes(xp, texture, scale):
    """(batch, h, w, 5): slopes of the wrinkle depth along column and row (a unit), depth, spots, dark."""
    h = texture[..., 0]
    out = xp.zeros((*texture.shape[:3], 5), dtype=texture.dtype)
    out[:, :, 1:-1, 0] = (h[:, :, 2:] - h[:, :, :-2]) * (0.5 * scale)
    out[:, 1:-1, :, 1] = (h[:, 2:] - h[:, :-2]) * (0.5 * scale)
    out[..., 2:] = texture
    return out


def below_lid(xp, opening, n: int):
    """How much of the eye's opening lies above each pixel within a lid's shadow, 0–1."""
    reach = max(1, round(0.035 * 0.22 * n))
    total = 0 * opening
    for k in range(1, 4):
        shift = k * reach
        total[:, shift:] = total[:, shift:] + opening[:, :-shift] / 3
    return total


def finish(pictures_: np.ndarray, exposure: float, blur: float, noise: np.ndarray | None) -> np.ndarray:
    """Camera: exposure and lens blur in linear light, then sRGB, sensor noise and 8 bits."""
    light = pictures_ * np.float32(exposure)
    if blur > 0:
        from scipy.ndimage import gaussian_filter

        sigma = blur * light.shape[0] / 128
        light = gaussian_filter(light, (sigma, sigma, 0), mode="nearest")
    light = np.clip(light, 0, 1)
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** np.float32(1 / 2.4) - 0.055)
    if noise is not None:
        srgb = srgb + noise
    return (np.clip(srgb, 0, 1) * 255 + 0.5).astype(np.uint8)


def render_raw(person: Mapping, size: int) -> np.ndarray:
    """(size, size, 3) uint8 picture before JPEG."""
    scene = prepare(person, size)
    number = scene.numbers
    return finish(linear(Cpu(scene), size)[0], float(number["exposure"]), float(number["blur"]), scene.noise)


def render_jpeg(person: Mapping, size: int) -> bytes:
    """The JPEG file of the picture (4:4:4, the person's jpeg_quality); `render` is what it decodes to."""
    out = io.BytesIO()
    quality = int(person.get("jpeg_quality", 90))
    Image.fromarray(render_raw(person, size)).save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()


def render(person: Mapping, size: int) -> np.ndarray:
    """(size, size, 3) uint8 sRGB picture, as decoded from its JPEG."""
    with Image.open(io.BytesIO(render_jpeg(person, size))) as picture:
        return np.asarray(picture.convert("RGB"))
