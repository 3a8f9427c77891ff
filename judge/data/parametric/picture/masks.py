"""Which part of a person each pixel of their picture shows: exact, from the renderer's own surfaces."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from judge.data.parametric.geometry import EYES
from judge.data.parametric.picture import shade
from judge.data.parametric.picture.render import Cpu
from judge.data.parametric.picture.scene import OVER, PLACE, prepare

PARTS = ("background", "skin", "eyes", "pupils", "cloth", "strands")


def masks(person: Mapping, size: int) -> dict[str, np.ndarray]:
    """Share (size, size) float32 in 0–1 of each pixel that is covered by each of PARTS, before blur and JPEG.

    `eyes` includes `pupils`; `strands` are hair, brows, lashes, beard and frames. All but `pupils` sum to 1.
    """
    scene = prepare(person, size)
    b = Cpu(scene)
    face, mark = b.surfaces()
    flat = face.reshape(-1)
    covered = np.flatnonzero(flat >= 0)
    v = b.interpolate(face)
    eye = b.kinds(flat[covered]) == EYES
    cloth = ~eye & (shade.collar(np, v[:, 0], v[:, 1], v[:, 2]) > 0)
    number = scene.numbers
    centre = np.where((v[:, 0] > 0)[:, None], number["eye_l"], number["eye_r"])
    ahead = shade.dot(shade.unit(np, v[:, PLACE] - centre), number["gaze"])
    pupil = eye & (ahead > 0) & (1 - ahead**2 < shade.PUPIL[0] ** 2)
    out = {}
    for name, where in (
        ("background", np.flatnonzero((flat < 0) & (mark.reshape(-1) < 0))),
        ("skin", covered[~eye & ~cloth]),
        ("eyes", covered[eye]),
        ("pupils", covered[pupil]),
        ("cloth", covered[cloth]),
        ("strands", np.flatnonzero(mark.reshape(-1) >= 0)),
    ):
        fine = np.zeros(flat.shape, np.float32)
        fine[where] = 1
        out[name] = fine.reshape(size, OVER, size, OVER).mean((1, 3))
    return out
