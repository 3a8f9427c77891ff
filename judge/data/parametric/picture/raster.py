"""Which triangle and which strand point is nearest at each pixel: numba, one thread, the same on every run.

A pixel is covered by the triangle that holds its centre; of several, the one nearest to the camera wins,
and of
equal depths the one listed first. Coordinates are in pixels, rows downward.
"""

from __future__ import annotations

import numba
import numpy as np

EMPTY = np.float32(-1e9)
STRIDE = 64  # dots between two control points of a hair, at most
_turn = np.arange(256) * (2 * np.pi / 256)
COSINE, SINE = np.cos(_turn).astype(np.float32), np.sin(_turn).astype(np.float32)


@numba.njit(cache=True)
def triangles(points, faces, height, width, both_sides):
    """z-buffer of (m, 3) `faces` over projected `points` (n, 3: column, row, depth; larger is nearer).

    Returns face (height, width) int32, −1 where empty, and depth float32. Faces that turn away are left out
    unless `both_sides`; with rows pointing down a face towards the camera has negative area.
    """
    face = np.full((height, width), -1, np.int32)
    depth = np.full((height, width), EMPTY, np.float32)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by, cx, cy = (
            points[a, 0],
            points[a, 1],
            points[b, 0],
            points[b, 1],
            points[c, 0],
            points[c, 1],
        )
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0 or (area > 0 and not both_sides):
            continue
        left = max(int(np.floor(min(ax, bx, cx) - 0.5)), 0)
        right = min(int(np.ceil(max(ax, bx, cx) - 0.5)), width - 1)
        top = max(int(np.floor(min(ay, by, cy) - 0.5)), 0)
        bottom = min(int(np.ceil(max(ay, by, cy) - 0.5)), height - 1)
        inverse = np.float32(1) / area
        az, bz, cz = points[a, 2], points[b, 2], points[c, 2]
        for row in range(top, bottom + 1):
            y = np.float32(row + 0.5)
            for column in range(left, right + 1):
                x = np.float32(column + 0.5)
                u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) * inverse
                v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) * inverse
                w = np.float32(1) - u - v
                if u >= 0 and v >= 0 and w >= 0:
                    z = u * az + v * bz + w * cz
                    if z > depth[row, column]:
                        depth[row, column] = z
                        face[row, column] = f
    return face, depth


@numba.njit(cache=True)
def normals(positions, faces):
    """(n, 3) float32 unit normals of `positions`, area-weighted over `faces`; 0 where no face uses a vertex."""
    total = np.zeros(positions.shape, np.float32)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux = positions[b, 0] - positions[a, 0]
        uy = positions[b, 1] - positions[a, 1]
        uz = positions[b, 2] - positions[a, 2]
        vx = positions[c, 0] - positions[a, 0]
        vy = positions[c, 1] - positions[a, 1]
        vz = positions[c, 2] - positions[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            total[i, 0] += nx
            total[i, 1] += ny
            total[i, 2] += nz
    for i in range(positions.shape[0]):
        x, y, z = total[i, 0], total[i, 1], total[i, 2]
        length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-12)
        total[i, 0], total[i, 1], total[i, 2] = x / length, y / length, z / length
    return total


@numba.njit(cache=True)
def interpolate(points, faces, face, values):
    """Values (n, c) of vertices at the covered pixels of `face` (h, w), in row order: (pixels, c) float32."""
    height, width = face.shape
    count = 0
    for row in range(height):
        for column in range(width):
            if face[row, column] >= 0:
                count += 1
    channels = values.shape[1]
    out = np.empty((count, channels), np.float32)
    i = 0
    for row in range(height):
        y = np.float32(row + 0.5)
        for column in range(width):
            f = face[row, column]
            if f < 0:
                continue
            x = np.float32(column + 0.5)
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            ax, ay, bx, by = points[a, 0] - x, points[a, 1] - y, points[b, 0] - x, points[b, 1] - y
            cx, cy = points[c, 0] - x, points[c, 1] - y
            u, v, w = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
            inverse = np.float32(1) / (u + v + w)
            u, v, w = u * inverse, v * inverse, w * inverse
            for k in range(channels):
                out[i, k] = u * values[a, k] + v * values[b, k] + w * values[c, k]
            i += 1
    return out


@numba.njit(cache=True)
def dot_count(dx, dy, turn, width):
    """Dots of a segment that spans dx, dy pixels and whose helix adds `turn` pixels."""
    way = (max(abs(dx), abs(dy)) + turn) / np.float32(width)
    return min(max(int(np.ceil(way)), 1), STRIDE)


@numba.njit(cache=True)
def strands(depth, mark, control, across, beside, cycles, phase, turn, width, first):
    """Draw hairs as dots into `depth` (h, w) and `mark` (h, w) int32, nearest dot wins.

    control (s, m, 3): projected control points; between two of them dots lie at steps of at most `width` pixels on a
    straight line, moved round a helix of axes across, beside (s, 3) in the same units, with `cycles` (s,) turns
    along the hair, of `turn` (s,) pixels a segment. Dot k after control point j of hair i is marked
    first + (i·(m − 1) + j)·STRIDE + k. A dot covers width² pixels.
    """
    height, wide = depth.shape
    segments = control.shape[1] - 1
    one = np.float32(1)
    for i in range(control.shape[0]):
        curled = turn[i] > 0
        for j in range(segments):
            x0, y0, z0 = control[i, j, 0], control[i, j, 1], control[i, j, 2]
            dx, dy, dz = control[i, j + 1, 0] - x0, control[i, j + 1, 1] - y0, control[i, j + 1, 2] - z0
            steps = dot_count(dx, dy, turn[i], width)
            for k in range(steps):
                t = np.float32(k) / np.float32(steps)
                x, y, z = x0 + t * dx, y0 + t * dy, z0 + t * dz
                if curled:
                    along = (np.float32(j) + t) / np.float32(segments)
                    angle = int(np.floor((along * cycles[i] + phase[i]) * np.float32(256))) & 255
                    grow = min(along * np.float32(6), one)
                    c, s = grow * COSINE[angle], grow * SINE[angle]
                    x += c * across[i, 0] + s * beside[i, 0]
                    y += c * across[i, 1] + s * beside[i, 1]
                    z += c * across[i, 2] + s * beside[i, 2]
                column, row = int(np.floor(x)), int(np.floor(y))
                for v in range(width):
                    for u in range(width):
                        q, r = column + u, row + v
                        if 0 <= q < wide and 0 <= r < height and z > depth[r, q]:
                            depth[r, q] = z
                            mark[r, q] = first + (i * segments + j) * STRIDE + k


@numba.njit(cache=True)
def dabs(texture, places, sigma, weight, channel):
    """Add Gaussian dabs to `texture` (h, w, c): places (n, 2) column and row, sigma (n,) in texels, weight (n,)."""
    height, width, _ = texture.shape
    for i in range(places.shape[0]):
        x, y, s = places[i, 0], places[i, 1], sigma[i]
        reach = np.float32(3) * s + np.float32(1)
        scale = np.float32(-0.5) / (s * s)
        for row in range(max(int(y - reach), 0), min(int(y + reach) + 2, height)):
            for column in range(max(int(x - reach), 0), min(int(x + reach) + 2, width)):
                dx, dy = np.float32(column) - x, np.float32(row) - y
                texture[row, column, channel[i]] += weight[i] * np.exp(scale * (dx * dx + dy * dy))


@numba.njit(cache=True)
def sample(texture, x, y, wrap):
    """Bilinear samples (n, c) of `texture` (h, w, c) at column x, row y in texels; `wrap` or clamp at the edges."""
    height, width, channels = texture.shape
    out = np.empty((x.shape[0], channels), np.float32)
    for i in range(x.shape[0]):
        fx, fy = np.floor(x[i]), np.floor(y[i])
        tx, ty = x[i] - fx, y[i] - fy
        c0, r0 = int(fx), int(fy)
        c1, r1 = c0 + 1, r0 + 1
        if wrap:
            c0, c1, r0, r1 = c0 % width, c1 % width, r0 % height, r1 % height
        else:
            c0, c1 = min(max(c0, 0), width - 1), min(max(c1, 0), width - 1)
            r0, r1 = min(max(r0, 0), height - 1), min(max(r1, 0), height - 1)
        for k in range(channels):
            top = texture[r0, c0, k] + tx * (texture[r0, c1, k] - texture[r0, c0, k])
            bottom = texture[r1, c0, k] + tx * (texture[r1, c1, k] - texture[r1, c0, k])
            out[i, k] = top + ty * (bottom - top)
    return out


@numba.njit(cache=True)
def shadow(depth, light):
    """Share of the key light (n,) that reaches points `light` (n, 3) of the shadow's picture `depth` (h, w).

    Percentage-closer: 4 × 4 comparisons, bilinearly weighted at the rim, so that the edge is soft and steady.
    """
    height, width = depth.shape
    out = np.empty(light.shape[0], np.float32)
    for i in range(light.shape[0]):
        x, y, z = light[i, 0] - np.float32(0.5), light[i, 1] - np.float32(0.5), light[i, 2] + np.float32(0.1)
        fx, fy = np.floor(x), np.floor(y)
        tx, ty = x - fx, y - fy
        total = np.float32(0)
        for dy in range(-1, 3):
            wy = (np.float32(1) - ty) if dy == -1 else (ty if dy == 2 else np.float32(1))
            r = min(max(int(fy) + dy, 0), height - 1)
            for dx in range(-1, 3):
                wx = (np.float32(1) - tx) if dx == -1 else (tx if dx == 2 else np.float32(1))
                c = min(max(int(fx) + dx, 0), width - 1)
                if z >= depth[r, c]:
                    total += wx * wy
        out[i] = total / np.float32(9)
    return out
