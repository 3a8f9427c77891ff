"""The shape of a head: MakeHuman's CC0 numbers (geometry.npz, see NOTICE.md), without MakeHuman.

With height and proportions held at .5 MakeHuman's model separates exactly into

    V = base + Σ race × gender × age deltas + Σ gender × age × muscle × weight deltas + Σ local deltas,

piecewise linear in every control. Ages run from `young` (25 years) to `old` (90); younger adults keep the
shape of 25. A head is then moved so that the midpoint of the two eyeballs is the origin and their distance
is 1:
x to the picture's right (the person's left), y up, z towards the camera. Positions are float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numba
import numpy as np

FILE = Path(__file__).with_name("geometry.npz")
UNIT = 2000  # stored integers a decimetre
RACES = ("african", "asian", "caucasian")
LOCAL_SCALE = 0.6  # of MakeHuman's slider at ±1: dozens of full ones at once give no human face
SKIN, EYES, LASHES = 0, 1, 2  # kinds of triangle
EYE_CENTRE = (0.5, 0.47)  # of the picture's width and height, where the midpoint of the eyes falls
EYE_DISTANCE = 0.22  # of the picture's size
CAMERA = 17.0  # distance of the camera in eye distances, about 1.07 m

# A landmark is the skin vertex whose place in the mean head's frontal plane is nearest to this one (the
# picture's right half; `_l` is the person's left, at +x).
_MIDLINE = {
    "forehead": (0.0, 1.25),
    "nasion": (0.0, 0.1),
    "nose_tip": (0.0, -0.62),
    "subnasale": (0.0, -0.83),
    "upper_lip": (0.0, -1.03),
    "mouth": (0.0, -1.15),
    "lower_lip": (0.0, -1.34),
    "chin": (0.0, -1.75),
}
_PAIRED = {
    "eye_inner": (0.304, -0.054),
    "eye_outer": (0.725, -0.022),
    "upper_lid": (0.509, 0.042),
    "lower_lid": (0.511, -0.092),
    "brow_inner": (0.22, 0.27),
    "brow_peak": (0.6, 0.38),
    "brow_outer": (0.85, 0.22),
    "nostril": (0.27, -0.7),
    "mouth_corner": (0.39, -1.15),
    "cheek": (0.95, -0.45),
    "jaw": (0.85, -1.2),
}


def _names() -> tuple[list[str], dict[str, int]]:
    with np.load(FILE) as file:
        names = bytes(file["names"]).decode().split("\n")
    return names, {name: number for number, name in enumerate(names)}


_DELTAS, _NUMBER = _names()
LOCAL_NAMES: tuple[str, ...] = tuple(n[:-1] for n in _DELTAS if n.startswith("local_") and n.endswith("+"))
ASYM_NAMES: tuple[str, ...] = tuple(n[:-1] for n in _DELTAS if n.startswith("asym_") and n.endswith("+"))
LANDMARKS: tuple[str, ...] = (
    *_MIDLINE,
    *(f"{name}_{side}" for name in _PAIRED for side in "lr"),
    "pupil_l",
    "pupil_r",
)


@cache
def data() -> SimpleNamespace:
    """The arrays of geometry.npz and what follows from them; read once a process.

    base (n, 3), triangles (m, 3) int32, kinds (m,), starts, ids, values: sparse deltas; mean (n, 3): the mean
    head in face space, whose (x, y) is the plane that appearance is painted in; mirror (n,): the vertex
    on the
    other side; eye_l, eye_r: slices of eyeball vertices; landmark_ids; masks lips, eyelids, ears (n,) in 0–1.
    """
    with np.load(FILE) as file:
        arrays = {name: file[name] for name in file.files}
    source = arrays["source"].astype(np.int64)
    d = SimpleNamespace(
        base=arrays["base"].astype(np.float32),
        triangles=arrays["triangles"].astype(np.int32),
        kinds=arrays["kinds"],
        starts=arrays["starts"].astype(np.int64),
        ids=arrays["ids"].astype(np.int32),
        values=arrays["values"],
        source=source,
        eye_l=np.flatnonzero((source >= 14598) & (source < 14670)),
        eye_r=np.flatnonzero((source >= 14670) & (source < 14742)),
        skin=source < 13380,
        **{
            k.removeprefix("mask_"): v.astype(np.float32) / 255
            for k, v in arrays.items()
            if k.startswith("mask_")
        },
    )
    d.occlusion = arrays["occlusion"].astype(np.float32) / 255
    d.head_centre = arrays["head_centre"]
    d.head_radius = arrays["head_radius"].astype(np.float64)
    d.mean = _normalise(_blend(d, *_coefficients(_MEAN)), d)
    d.mirror = _mirror(d.base)
    d.landmark_ids = _landmark_ids(d)
    d.eye_radius = float(np.linalg.norm(d.mean[d.eye_l] - d.mean[d.eye_l].mean(0), axis=1).mean())
    return d


_MEAN = {"african": 1 / 3, "asian": 1 / 3, "caucasian": 1 / 3, "masculinity": 0.5, "age": 25}


def _mirror(base: np.ndarray) -> np.ndarray:
    from scipy.spatial import cKDTree

    return cKDTree(base).query(base * np.float32([-1, 1, 1]))[1]


def _landmark_ids(d: SimpleNamespace) -> dict[str, int]:
    # only the outer surface: the mesh also holds eye sockets and the mouth's inside
    outer = np.flatnonzero(d.skin & (d.inside_mouth < 0.2) & (d.mean[:, 2] > -0.6))
    plane = d.mean[outer]

    def nearest(x: float, y: float) -> int:
        distance = np.hypot(plane[:, 0] - x, plane[:, 1] - y) - 0.15 * plane[:, 2]
        return int(outer[np.argmin(distance)])

    ids = {name: nearest(*place) for name, place in _MIDLINE.items()}
    for name, (x, y) in _PAIRED.items():
        ids[f"{name}_l"] = nearest(x, y)
        ids[f"{name}_r"] = int(d.mirror[ids[f"{name}_l"]])
    return ids


def _coefficients(person: Mapping, expression: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and weights of the deltas that a person uses, in a fixed order."""
    weights: dict[str, float] = {}
    races = np.array([max(float(person.get(r, 1 / 3)), 0.0) for r in RACES])
    races = races / races.sum() if races.sum() > 0 else np.full(3, 1 / 3)
    male = min(max(float(person.get("masculinity", 0.5)), 0.0), 1.0)
    old = min(max((float(person.get("age", 30)) - 25) / 65, 0.0), 1.0)
    muscle, weight = (_levels(float(person.get(k, 0.5))) for k in ("muscle", "weight"))
    for gender, g in (("female", 1 - male), ("male", male)):
        for age, a in (("young", 1 - old), ("old", old)):
            for race, r in zip(RACES, races, strict=True):
                weights[f"race/{race}/{gender}/{age}"] = g * a * r
            for m_name, m in muscle:
                for w_name, w in weight:
                    weights[f"universal/{gender}/{age}/{m_name}/{w_name}"] = g * a * m * w
    for name in LOCAL_NAMES:
        _signed(weights, name, LOCAL_SCALE * float(person.get(name, 0.0)))
    strength = float(person.get("asymmetry", 0.0))
    for name in ASYM_NAMES:
        _signed(weights, name, strength * float(person.get(name, 0.0)))
    if expression:
        frown = max(-float(person.get("smile", 0.0)), 0.0)
        if frown:
            weights["local_mouth_angles-"] = weights.get("local_mouth_angles-", 0.0) + 0.8 * frown
        for unit, value in _expression(person):
            for race, r in zip(RACES, races, strict=True):
                weights[f"expression/{unit}/{race}"] = (
                    weights.get(f"expression/{unit}/{race}", 0.0) + value * r
                )
    used = [(name, value) for name, value in weights.items() if value != 0.0]
    return (
        np.array([_NUMBER[name] for name, _ in used], np.int64),
        np.array([value for _, value in used], np.float64),
    )


def _levels(value: float) -> tuple[tuple[str, float], ...]:
    value = min(max(value, 0.0), 1.0)
    low, high = max(1 - 2 * value, 0.0), max(2 * value - 1, 0.0)
    return (("min", low), ("average", 1 - low - high), ("max", high))


def _signed(weights: dict[str, float], name: str, value: float) -> None:
    if value:
        weights[f"{name}{'+' if value > 0 else '-'}"] = abs(value)


def _expression(person: Mapping) -> list[tuple[str, float]]:
    smile = float(person.get("smile", 0.0))
    brows = float(person.get("brow_raise", 0.0))
    lids = float(person.get("eye_open", 1.0))
    out: list[tuple[str, float]] = []
    if smile > 0:
        out += [("mouth-corner-puller", 0.75 * smile), ("mouth-retraction", 0.25 * smile)]
        out += [(f"eye-{side}-slit", 0.22 * smile) for side in ("left", "right")]
    # MakeHuman's lids at rest hang low for an attentive face
    awake = 0.1 + 0.16 * (1 - float(person.get("masculinity", 0.5)))
    for side in ("left", "right"):
        out.append((f"eye-{side}-opened-up", awake))
        if brows:
            out.append((f"eyebrows-{side}-{'up' if brows > 0 else 'down'}", 0.8 * abs(brows)))
        if lids < 1:
            out.append((f"eye-{side}-closure", 0.9 * (1 - lids)))
        elif lids > 1:
            out.append((f"eye-{side}-opened-up", 2.5 * (lids - 1)))
    return out


@numba.njit(cache=True)
def _accumulate(positions, numbers, weights, starts, ids, values, unit):
    for k in range(len(numbers)):
        w = weights[k] / unit
        for j in range(starts[numbers[k]], starts[numbers[k] + 1]):
            i = ids[j]
            positions[i, 0] += w * values[j, 0]
            positions[i, 1] += w * values[j, 1]
            positions[i, 2] += w * values[j, 2]


def _blend(d: SimpleNamespace, numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    positions = d.base.astype(np.float64)
    _accumulate(positions, numbers, weights, d.starts, d.ids, d.values, float(UNIT))
    return positions


def _normalise(positions: np.ndarray, d: SimpleNamespace) -> np.ndarray:
    left, right = positions[d.eye_l].mean(0), positions[d.eye_r].mean(0)
    return ((positions - (left + right) / 2) / np.linalg.norm(left - right)).astype(np.float32)


def shape(person: Mapping, *, expression: bool = True) -> np.ndarray:
    """Vertices (n, 3) float32 of a person in face space, before the pose; `expression=False` leaves the
    face at rest.

    Reads the morphology and expression columns of `person`; absent ones are neutral, and `local_*`,
    `asym_*` 0.
    """
    d = data()
    return _normalise(_blend(d, *_coefficients(person, expression)), d)


def rotation(person: Mapping) -> np.ndarray:
    """(3, 3) of roll·pitch·yaw in degrees: yaw turns to the picture's right, pitch up, roll counter-
    clockwise.
    """
    yaw, pitch, roll = (np.radians(float(person.get(k, 0.0))) for k in ("yaw", "pitch", "roll"))
    cy, sy, cp, sp, cr, sr = (
        np.cos(yaw),
        np.sin(yaw),
        np.cos(pitch),
        np.sin(pitch),
        np.cos(roll),
        np.sin(roll),
    )
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return tilt @ nod @ turn


def pose(points: np.ndarray, person: Mapping, height: np.ndarray | None = None) -> np.ndarray:
    """Turn points (…, 3) about the midpoint of the eyes; the turn fades out down the neck.

    `height` (…,) is the mean head's y of each point, by which the turn fades (1 above the chin, 0 at the
    shoulders); by default the point's own y. The midpoint of the eyes stays where it is.
    """
    if not any(float(person.get(k, 0.0)) for k in ("yaw", "pitch", "roll")):
        return points
    y = points[..., 1] if height is None else height
    fade = np.clip((y + 3.2) / 1.4, 0.0, 1.0)[..., None].astype(np.float32)
    turned = points @ rotation(person).T.astype(np.float32)
    return points + fade * (turned - points)


def project(points: np.ndarray, size: int) -> np.ndarray:
    """(…, 3) posed points to (…, 3): column and row in pixels (0 is the picture's left or top edge),
    and depth.

    Pinhole camera at CAMERA eye distances on the axis through the midpoint of the eyes; larger depth is
    nearer.
    """
    scale = np.float32(EYE_DISTANCE * size) * np.float32(CAMERA) / (np.float32(CAMERA) - points[..., 2])
    column = np.float32(EYE_CENTRE[0] * size) + scale * points[..., 0]
    row = np.float32(EYE_CENTRE[1] * size) - scale * points[..., 1]
    return np.stack([column, row, points[..., 2]], -1).astype(np.float32)


def gaze(person: Mapping) -> np.ndarray:
    """Unit vector of the gaze in face space."""
    x, y = (np.radians(float(person.get(k, 0.0))) for k in ("gaze_x", "gaze_y"))
    return np.array([np.sin(x) * np.cos(y), np.sin(y), np.cos(x) * np.cos(y)], np.float32)


def landmarks(person: Mapping, size: int) -> dict[str, np.ndarray]:
    """True places of LANDMARKS: `pixels` (k, 2) column and row, `points` (k, 3) in face space before
    the pose.

    Row order is that of LANDMARKS. Pupils lie on the eyeball along the gaze.
    """
    d = data()
    vertices = shape(person)
    ids = [d.landmark_ids[name] for name in LANDMARKS if name in d.landmark_ids]
    pupils = np.stack([vertices[eye].mean(0) + d.eye_radius * gaze(person) for eye in (d.eye_l, d.eye_r)])
    points = np.concatenate([vertices[ids], pupils])
    height = np.concatenate([d.mean[ids, 1], [0.0, 0.0]])
    return {"pixels": project(pose(points, person, height), size)[:, :2], "points": points}
