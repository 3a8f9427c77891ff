"""Which triangle and which strand point is nearest at each pixel: numba, one thread, the same on every run.

A pixel is covered by the triangle that holds its centre; of several, the one nearest to the camera wins,
and of
equal depths the one listed first. Coordinates are in pixels, rows downward.
"""

from __future__ import annotations

import numba
import numpy as np

EMPTY = np.float32(-1e9)


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
def normals(positions, faces, weld, count):
    """(n, 3) float32 unit normals, area-weighted over `faces`; vertices with equal `weld` number share
    theirs.
    """
    total = np.zeros((count, 3), np.float32)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = (
            positions[b, 0] - positions[a, 0],
            positions[b, 1] - positions[a, 1],
            positions[b, 2] - positions[a, 2],
        )
        vx, vy, vz = (
            positions[c, 0] - positions[a, 0],
            positions[c, 1] - positions[a, 1],
            positions[c, 2] - positions[a, 2],
        )
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            k = weld[i]
            total[k, 0] += nx
            total[k, 1] += ny
            total[k, 2] += nz
    out = np.zeros((positions.shape[0], 3), np.float32)
    for i in range(positions.shape[0]):
        k = weld[i]
        x, y, z = total[k, 0], total[k, 1], total[k, 2]
        length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-12)
        out[i, 0], out[i, 1], out[i, 2] = x / length, y / length, z / length
    return out
