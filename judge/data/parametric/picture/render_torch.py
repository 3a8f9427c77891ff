"""The same pictures in batches on torch tensors: on a GPU where there is one, else on the CPU (for tests).

Scenes are prepared on the CPU (scene.py); visibility, painting, shadow and shading run on the device. The nearest
surface is found with one 64-bit key a pixel, depth above and number below, by scatter-amax: no order of threads
changes it. Pixels differ from `render` only where rounding moves an edge; the mean absolute difference is under
2/255.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from judge.data.parametric.picture import raster
from judge.data.parametric.picture.noise import pictures
from judge.data.parametric.picture.render import dot_values, finish, linear
from judge.data.parametric.picture.scene import OVER, SHADOW_SIDE, Scene, faces, prepare
from judge.data.parametric.picture.skin import texture_shape

_LOW = 2**31 - 1
_CHUNK = 2**22  # candidate pixels at a time


class _Functions:
    """torch's functions under NumPy's names; constants go to the device."""

    def __init__(self, device: torch.device):
        self.device = device

    def __getattr__(self, name: str):
        return getattr(torch, name)

    def asarray(self, values) -> torch.Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=self.device)


def _key(depth: torch.Tensor, number: torch.Tensor) -> torch.Tensor:
    """Larger for nearer, then for the smaller number: floats as integers of the same order."""
    bits = depth.contiguous().view(torch.int32).long()
    ordered = torch.where(bits >= 0, bits, -(bits & _LOW))
    return (ordered << 32) | (_LOW - number)


class _Group:
    """Strands of one kind (as many control points, as wide) of all scenes, end to end."""

    def __init__(self, scenes: Sequence[Scene], kind: tuple[int, int], device: torch.device):
        found, picture, first = [], [], []
        start = np.full(len(scenes), -1)  # of each picture's marks, and of its rows here
        base = np.zeros(len(scenes), np.int64)
        rows = 0
        for number, scene in enumerate(scenes):
            mark = 0
            for s in scene.strands:
                if (s.control.shape[1], s.width) == kind:
                    hairs = len(s.control)
                    start[number], base[number] = mark, rows
                    found.append(s)
                    picture.append(np.full(hairs, number))
                    first.append(mark + np.arange(hairs) * (kind[0] - 1) * raster.STRIDE)
                    rows += hairs
                mark += s.marks
        self.width, self.segments = kind[1], kind[0] - 1
        for name in ("control", "colour", "shine", "layer", "across", "beside", "cycles", "phase", "turn"):
            values = np.concatenate([getattr(s, name) for s in found])
            setattr(self, name, torch.as_tensor(values, device=device))
        self.picture, self.first = (
            torch.as_tensor(np.concatenate(v), device=device) for v in (picture, first)
        )
        self.start, self.base = torch.as_tensor(start, device=device), torch.as_tensor(base, device=device)
        self.circle = torch.as_tensor(np.stack([raster.COSINE, raster.SINE], 1), device=device)

    def dots(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Picture (k,), place (k, 3) and mark (k,) of every dot: raster.strands without the z-buffer."""
        start, step = self.control[:, :-1], self.control[:, 1:] - self.control[:, :-1]
        way = (step[..., :2].abs().amax(-1) + self.turn[:, None]) / self.width
        count = torch.clip(torch.ceil(way), 1, raster.STRIDE).long().reshape(-1)
        segment = torch.repeat_interleave(torch.arange(len(count), device=count.device), count)
        k = torch.arange(len(segment), device=count.device) - (torch.cumsum(count, 0) - count)[segment]
        hair, j = segment // self.segments, segment % self.segments
        t = (k / count[segment])[:, None]
        place = start.reshape(-1, 3)[segment] + t * step.reshape(-1, 3)[segment]
        along = (j + t[:, 0]) / self.segments
        angle = torch.floor((along * self.cycles[hair] + self.phase[hair]) * 256).long() & 255
        round_ = self.circle[angle] * torch.clip(along * 6, 0, 1)[:, None]
        place = place + round_[:, :1] * self.across[hair] + round_[:, 1:] * self.beside[hair]
        return self.picture[hair], place, self.first[hair] + j * raster.STRIDE + k

    def values(
        self, xp: _Functions, mark: torch.Tensor, person: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Which of the marks are of this group, and dot_values of those."""
        hairs = torch.bincount(self.picture, minlength=len(self.start))
        size = self.segments * raster.STRIDE
        start = self.start[person]
        mine = ((start >= 0) & (mark >= start) & (mark < start + hairs[person] * size)).nonzero()[:, 0]
        number = mark[mine] - start[mine] + self.base[person[mine]] * size
        return mine, dot_values(xp, self, number)


class Torch:
    """render.Cpu's primitives for a batch of scenes of one size."""

    def __init__(self, scenes: Sequence[Scene], device: torch.device):
        self.scenes, self.device, self.xp = scenes, device, _Functions(device)
        self.size, self.batch = scenes[0].size, len(scenes)
        triangle, kind = faces()
        self.triangle = torch.as_tensor(triangle.astype(np.int64), device=device)
        self.kind = torch.as_tensor(kind.astype(np.int64), device=device)
        self.points = self._stack([s.points for s in scenes])
        self.light = self._stack([s.light for s in scenes])
        self.vertex = self._stack([np.concatenate([s.vertex, s.light], 1) for s in scenes])
        self.numbers = {name: self._stack([s.numbers[name] for s in scenes]) for name in scenes[0].numbers}
        self.grain = self._stack([pictures()])
        kinds = sorted({(s.control.shape[1], s.width) for scene in scenes for s in scene.strands})
        self.groups = [_Group(scenes, kind, device) for kind in kinds]

    def _stack(self, arrays: Sequence[np.ndarray]) -> torch.Tensor:
        return torch.as_tensor(np.stack(arrays), device=self.device)

    def _triangles(self, points: torch.Tensor, side: int, both_sides: bool) -> torch.Tensor:
        """Keys (batch · side²,) of the nearest triangles; the smallest integer where there is none."""
        best = torch.full((self.batch * side * side,), torch.iinfo(torch.int64).min, device=self.device)
        corner = points[:, self.triangle]  # (batch, m, 3 corners, 3)
        x, y = corner[..., 0], corner[..., 1]
        area = (x[..., 1] - x[..., 0]) * (y[..., 2] - y[..., 0]) - (y[..., 1] - y[..., 0]) * (
            x[..., 2] - x[..., 0]
        )
        left = torch.clip(torch.floor(x.amin(-1) - 0.5), 0, side).long()
        right = torch.clip(torch.ceil(x.amax(-1) - 0.5), -1, side - 1).long()
        top = torch.clip(torch.floor(y.amin(-1) - 0.5), 0, side).long()
        bottom = torch.clip(torch.ceil(y.amax(-1) - 0.5), -1, side - 1).long()
        drawn = (area != 0) & (right >= left) & (bottom >= top)
        if not both_sides:
            drawn &= area < 0
        reach = torch.maximum(right - left, bottom - top) + 1
        low = 0
        for high in (2, 4, 8, 16, 32, 64, 128, side + 1):
            chosen = (drawn & (reach > low) & (reach <= high)).nonzero()
            low = high
            step = max(1, _CHUNK // high**2)
            for start in range(0, len(chosen), step):
                picture, f = chosen[start : start + step].T
                c = corner[picture, f]
                ax, ay, bx, by, cx, cy = (c[:, i, k, None] for i in range(3) for k in (0, 1))
                offset = torch.arange(high, device=self.device)
                column = (
                    (left[picture, f, None] + offset)[:, None, :].expand(-1, high, -1).reshape(len(f), -1)
                )
                row = (top[picture, f, None] + offset)[:, :, None].expand(-1, -1, high).reshape(len(f), -1)
                px, py = column + 0.5, row + 0.5
                inverse = 1 / area[picture, f, None]
                u = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse
                v = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse
                w = 1 - u - v
                depth = u * c[:, 0, 2, None] + v * c[:, 1, 2, None] + w * c[:, 2, 2, None]
                inside = (u >= 0) & (v >= 0) & (w >= 0)
                inside &= (column <= right[picture, f, None]) & (row <= bottom[picture, f, None])
                place = (picture[:, None] * side + row) * side + column
                key = _key(depth, f[:, None].expand_as(depth))
                best.scatter_reduce_(0, place[inside], key[inside], "amax")
        return best

    def surfaces(self) -> tuple[torch.Tensor, torch.Tensor]:
        n, m = OVER * self.size, len(self.triangle)
        best = self._triangles(self.points, n, False)
        for group in self.groups:
            picture, place, mark = group.dots()
            column, row = torch.floor(place[:, 0]).long(), torch.floor(place[:, 1]).long()
            key = _key(place[:, 2], m + mark)
            for dy in range(group.width):
                for dx in range(group.width):
                    q, r = column + dx, row + dy
                    shown = (q >= 0) & (q < n) & (r >= 0) & (r < n)
                    best.scatter_reduce_(0, ((picture * n + r) * n + q)[shown], key[shown], "amax")
        number = torch.where(best > torch.iinfo(torch.int64).min, _LOW - (best & _LOW), -1)
        face = torch.where(number < m, number, -1)
        mark = torch.where(number >= m, number - m, -1)
        return face.reshape(self.batch, n, n), mark.reshape(self.batch, n, n)

    def interpolate(self, face: torch.Tensor) -> torch.Tensor:
        n = face.shape[-1]
        place = self.where(face.reshape(-1) >= 0)
        picture, row, column = place // (n * n), place // n % n, place % n
        corner = self.triangle[face.reshape(-1)[place]]
        points = self.points[picture[:, None], corner]
        x, y = points[..., 0] - (column + 0.5)[:, None], points[..., 1] - (row + 0.5)[:, None]
        weight = torch.stack([x[:, i] * y[:, j] - y[:, i] * x[:, j] for i, j in ((1, 2), (2, 0), (0, 1))], 1)
        weight = weight / weight.sum(1, keepdim=True)
        return sum(weight[:, i, None] * self.vertex[picture, corner[:, i]] for i in range(3))

    def kinds(self, face: torch.Tensor) -> torch.Tensor:
        return self.kind[face]

    def paint(self) -> torch.Tensor:
        height, width = texture_shape(self.size)
        texture = torch.zeros(self.batch * height * width * 3, device=self.device)
        columns = [np.concatenate([s.dabs[i] for s in self.scenes]) for i in range(4)]
        if not len(columns[1]):
            return texture.reshape(self.batch, height, width, 3)
        place, sigma, weight, channel = (torch.as_tensor(c, device=self.device) for c in columns)
        picture = np.repeat(np.arange(self.batch), [len(s.dabs[1]) for s in self.scenes])
        picture = torch.as_tensor(picture, device=self.device)
        reach = 3 * sigma + 1
        low, high = (place - reach[:, None]).to(torch.int64), (place + reach[:, None]).to(torch.int64) + 2
        low = torch.clip(low, min=0)
        span = int((high - low).max())
        offset = torch.arange(span, device=self.device)
        for part in torch.arange(len(sigma), device=self.device).split(max(1, _CHUNK // span**2)):
            column = (low[part, 0, None] + offset)[:, None, :].expand(-1, span, -1)
            row = (low[part, 1, None] + offset)[:, :, None].expand(-1, -1, span)
            away = (column - place[part, 0, None, None]) ** 2 + (row - place[part, 1, None, None]) ** 2
            dab = weight[part, None, None] * torch.exp(-0.5 / sigma[part, None, None] ** 2 * away)
            inside = (column < high[part, 0, None, None]) & (row < high[part, 1, None, None])
            inside &= (column < width) & (row < height)
            index = ((picture[part, None, None] * height + row) * width + column) * 3 + channel[
                part, None, None
            ]
            texture.index_add_(0, index[inside], dab[inside])
        return texture.reshape(self.batch, height, width, 3)

    def _bilinear(self, texture: torch.Tensor, x, y, picture, wrap: bool) -> torch.Tensor:
        height, width = texture.shape[1:3]
        fx, fy = torch.floor(x), torch.floor(y)
        tx, ty = (x - fx)[:, None], (y - fy)[:, None]
        columns, rows = [fx.long(), fx.long() + 1], [fy.long(), fy.long() + 1]
        if wrap:
            columns, rows = [c % width for c in columns], [r % height for r in rows]
        else:
            columns, rows = (
                [torch.clip(c, 0, width - 1) for c in columns],
                [torch.clip(r, 0, height - 1) for r in rows],
            )
        (a, b), (c, d) = ([texture[picture, r, q] for q in columns] for r in rows)
        top, bottom = a + tx * (b - a), c + tx * (d - c)
        return top + ty * (bottom - top)

    def sample(self, texture, x, y, person) -> torch.Tensor:
        return self._bilinear(texture, x, y, person, False)

    def noise(self, x, y) -> torch.Tensor:
        return self._bilinear(self.grain, x, y, torch.zeros_like(x, dtype=torch.int64), True)

    def lookup(self, person: torch.Tensor):
        return lambda name: self.numbers[name][person]

    def each(self, name: str) -> torch.Tensor:
        return self.numbers[name]

    def shadow(self, light: torch.Tensor, person: torch.Tensor) -> torch.Tensor:
        """raster.shadow with a comparison per key: the depth is its upper half."""
        side = SHADOW_SIDE
        best = self._triangles(self.light, side, True)
        ordered = best >> 32
        bits = torch.where(ordered >= 0, ordered, (-ordered) | -(2**31)).to(torch.int32)
        empty = best == torch.iinfo(torch.int64).min
        depth = torch.where(
            empty, torch.full_like(bits, 0).view(torch.float32) - 1e9, bits.view(torch.float32)
        )
        x, y, z = light[:, 0] - 0.5, light[:, 1] - 0.5, light[:, 2] + 0.1
        fx, fy = torch.floor(x), torch.floor(y)
        tx, ty = x - fx, y - fy
        total = torch.zeros_like(x)
        for dy in range(-1, 3):
            wy = 1 - ty if dy == -1 else ty if dy == 2 else torch.ones_like(ty)
            row = torch.clip(fy.long() + dy, 0, side - 1)
            for dx in range(-1, 3):
                wx = 1 - tx if dx == -1 else tx if dx == 2 else torch.ones_like(tx)
                column = torch.clip(fx.long() + dx, 0, side - 1)
                total += wx * wy * (z >= depth[(person * side + row) * side + column])
        return total / 9

    def dots(self, mark: torch.Tensor, person: torch.Tensor) -> torch.Tensor:
        out = torch.empty((len(mark), 11), device=self.device)
        for group in self.groups:
            mine, values = group.values(self.xp, mark, person)
            out[mine] = values
        return out

    def where(self, mask: torch.Tensor) -> torch.Tensor:
        return mask.nonzero()[:, 0]

    def zeros(self, *shape: int) -> torch.Tensor:
        return torch.zeros(shape, device=self.device)

    def arange(self, n: int) -> torch.Tensor:
        return torch.arange(n, dtype=torch.float32, device=self.device)


def render_torch(persons: Sequence[Mapping], size: int, device: str | torch.device = "cuda") -> np.ndarray:
    """(n, size, size, 3) uint8 pictures of `persons` before JPEG, as render.render_raw; drawn as one batch.

    A 96-pixel picture needs about 40 MB of the device's memory while it is drawn: choose the batch by that.
    """
    scenes = [prepare(person, size) for person in persons]
    if not scenes:
        return np.zeros((0, size, size, 3), np.uint8)
    with torch.inference_mode():
        light = linear(Torch(scenes, torch.device(device)), size).cpu().numpy()
    return np.stack(
        [
            finish(picture, float(s.numbers["exposure"]), float(s.numbers["blur"]), s.noise)
            for picture, s in zip(light, scenes, strict=True)
        ]
    )
