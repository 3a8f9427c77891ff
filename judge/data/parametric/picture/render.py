"""A person's row to a picture: `render` (pixels) and `render_jpeg` (the file those pixels are decoded from).

    prepare (scene.py) → nearest surface (raster.py) → colour (shade.py) → camera (here)

The same row gives the same bytes in any process and order: one thread, no shared random state.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

from judge.data.parametric.geometry import EYE_CENTRE, EYE_DISTANCE, EYES
from judge.data.parametric.picture import raster, shade
from judge.data.parametric.picture.noise import pictures
from judge.data.parametric.picture.scene import LIGHT, OVER, SHADOW_SIDE, Scene, faces, prepare
from judge.data.parametric.picture.skin import HALF, TOP, texture_scale, texture_shape
from judge.errors import InputError

VERSION = 2  # raise it whenever any picture changes: caches are keyed by it
SIZES = (32, 512)  # smallest and largest picture


class Cpu:
    """The primitives that shading needs, for one picture, on NumPy and numba: a batch of one.

    render_torch.Torch has the same methods for many pictures; `linear` is written for both. Pixels are counted
    row by row, picture by picture; `person` is the picture's number for each of them.
    """

    xp = np

    def __init__(self, scene: Scene):
        self.scene = scene
        self.size = scene.size
        self.batch = 1

    def surfaces(self) -> tuple[np.ndarray, np.ndarray]:
        """Triangle and strand dot that is nearest at each pixel, (1, n, n) int32, −1 where there is none."""
        n = OVER * self.size
        face, depth = raster.triangles(self.scene.points, faces()[0], n, n, False)
        mark = np.full((n, n), -1, np.int32)
        first = 0
        for s in self.scene.strands:
            raster.strands(
                depth, mark, s.control, s.across, s.beside, s.cycles, s.phase, s.turn, s.width, first
            )
            first += s.marks
        face[mark >= 0] = -1
        return face[None], mark[None]

    def interpolate(self, face: np.ndarray) -> np.ndarray:
        """(k, 17): Scene.vertex and Scene.light at the k covered pixels."""
        values = np.concatenate([self.scene.vertex, self.scene.light], 1)
        return raster.interpolate(self.scene.points, faces()[0], face[0], values)

    def kinds(self, face: np.ndarray) -> np.ndarray:
        return faces()[1][face]

    def paint(self) -> np.ndarray:
        """(1, h, w, 3) painted texture: wrinkle depth, red of spots, extra pigment."""
        texture = np.zeros((*texture_shape(self.size), 3), np.float32)
        raster.dabs(texture, *self.scene.dabs)
        return texture[None]

    def sample(self, texture: np.ndarray, x: np.ndarray, y: np.ndarray, person: np.ndarray) -> np.ndarray:
        return raster.sample(texture[0], x, y, False)

    def noise(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(k, 5) of noise.pictures at column x, row y, tiled."""
        return raster.sample(pictures(), x, y, True)

    def lookup(self, person: np.ndarray):
        """name → that number of the scene for each pixel; one scene needs no gathering."""
        return self.scene.numbers.__getitem__

    def each(self, name: str) -> np.ndarray:
        """(batch, …) that number of every scene."""
        return self.scene.numbers[name][None]

    def shadow(self, light: np.ndarray, person: np.ndarray) -> np.ndarray:
        _, depth = raster.triangles(self.scene.light, faces()[0], SHADOW_SIDE, SHADOW_SIDE, True)
        return raster.shadow(depth, light)

    def dots(self, mark: np.ndarray, person: np.ndarray) -> np.ndarray:
        """(k, 11) of the strand dots `mark` (k,): see dot_values."""
        out = np.empty((len(mark), 11), np.float32)
        first = 0
        for s in self.scene.strands:
            mine = np.flatnonzero((mark >= first) & (mark < first + s.marks))
            out[mine] = dot_values(np, s, mark[mine] - first)
            first += s.marks
        return out

    def where(self, mask: np.ndarray) -> np.ndarray:
        return np.flatnonzero(mask)

    def zeros(self, *shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    def arange(self, n: int) -> np.ndarray:
        return np.arange(n, dtype=np.float32)


def dot_values(xp, s, number):
    """(k, 11) of strand dots: place (column, row, depth), tangent in the same units, colour, shine, layer."""
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
    """(batch, size, size, 3) linear pictures before exposure, drawn with the primitives `b` (Cpu or Torch)."""
    xp = b.xp
    n = OVER * size
    face, mark = b.surfaces()
    across = (b.arange(n) + 0.5) / n
    ground = shade.backdrop(xp, across[None, :] + 0 * across[:, None], across[:, None] + 0 * across[None, :])
    picture = (b.each("background")[:, None, None, :] * ground[None, :, :, None]).reshape(-1, 3)

    flat = face.reshape(-1)
    covered = b.where(flat >= 0)
    person = covered // (n * n)
    v = b.interpolate(face)
    shadow = b.shadow(v[:, LIGHT], person)
    eye = b.kinds(flat[covered]) == EYES
    cloth = ~eye & (shade.collar(xp, v[:, 0], v[:, 1], v[:, 2]) > 0)
    flesh, cloth, eye = b.where(~eye & ~cloth), b.where(cloth), b.where(eye)

    scale = texture_scale(size)
    texture = slopes(b, b.paint(), scale)
    skin_v = v[flesh]
    detail = b.sample(texture, (skin_v[:, 0] + HALF) * scale, (TOP - skin_v[:, 1]) * scale, person[flesh])
    picture[covered[flesh]] = shade.skin_layer(b, b.lookup(person[flesh]), skin_v, detail, shadow[flesh])
    picture[covered[cloth]] = shade.cloth_layer(b, b.lookup(person[cloth]), v[cloth], shadow[cloth])
    opening = b.zeros(b.batch * n * n)
    opening[covered[eye]] = 1.0
    lid = below_lid(opening.reshape(b.batch, n, n), n).reshape(-1)[covered[eye]]
    picture[covered[eye]] = shade.eye_layer(b, b.lookup(person[eye]), v[eye], lid)

    marked = b.where(mark.reshape(-1) >= 0)
    person = marked // (n * n)
    d = b.dots(mark.reshape(-1)[marked], person)
    unit = 1 / (EYE_DISTANCE * n)
    x, y = (d[:, 0] - EYE_CENTRE[0] * n) * unit, (EYE_CENTRE[1] * n - d[:, 1]) * unit
    tangent = shade.unit(xp, xp.stack([d[:, 3] * unit, -d[:, 4] * unit, d[:, 5]], -1))
    place = xp.stack([x, y, d[:, 2]], -1)
    picture[marked] = shade.hair_layer(b, b.lookup(person), place, tangent, d[:, 6:9], d[:, 9], d[:, 10])
    picture = picture.reshape(b.batch, size, OVER, size, OVER, 3)
    corners = [picture[:, :, i, :, j] for i in range(OVER) for j in range(OVER)]
    return sum(corners[1:], corners[0]) * (1 / OVER**2)


def slopes(b, texture, scale: float):
    """(batch, h, w, 5): slopes of the wrinkle depth along column and row (a unit), depth, spots, dark."""
    h = texture[..., 0]
    out = b.zeros(*texture.shape[:3], 5)
    out[:, :, 1:-1, 0] = (h[:, :, 2:] - h[:, :, :-2]) * (0.5 * scale)
    out[:, 1:-1, :, 1] = (h[:, 2:] - h[:, :-2]) * (0.5 * scale)
    out[..., 2:] = texture
    return out


def below_lid(opening, n: int):
    """How much of the eye's opening lies above each pixel within a lid's shadow, 0–1."""
    reach = max(1, round(0.035 * EYE_DISTANCE * n))
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
    """(size, size, 3) uint8 picture before JPEG; InputError if `size` is not within SIZES."""
    if not SIZES[0] <= size <= SIZES[1]:
        raise InputError(f"size of a rendered face: {SIZES[0]} to {SIZES[1]} pixels, given {size}")
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
