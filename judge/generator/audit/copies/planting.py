"""Copies made on purpose, to see whether they are found: of any pictures, and of rendered people before a camera."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from torch import Tensor

from judge.data.parametric.cache import picture_paths, render_missing
from judge.data.parametric.people.population import persons
from judge.data.parametric.people.settings import CAMERA_PARAMETERS
from judge.errors import InputError, listed
from judge.generator.audit.copies.space import pictures_array
from judge.jury.network.pictures import load_pictures

#: Kinds of copies of any picture …
KINDS = ("exact", "jpeg", "brightness", "flip", "shift")
#: … and of the same rendered face: what of the shot is another.
SENSOR = ("exposure", "noise", "blur", "jpeg_quality")
LIGHT = ("light_azimuth", "light_elevation", "light_fill")
SHOTS = {"camera": SENSOR, "light": (*SENSOR, *LIGHT), "session": CAMERA_PARAMETERS}
QUALITY = (40, 80)  # of JPEG
BRIGHTNESS = 0.15  # most that a picture is made brighter or darker by, as a share
MOST_SHIFT = 1 / 32  # of the side


class Planted(NamedTuple):
    """Copies and what they are of."""

    pictures: NDArray[np.uint8]  # (n, 3, size, size)
    source: NDArray[np.int64]  # (n,) rows of the originals
    kind: NDArray[np.str_]  # (n,)


def plant_copies(
    pictures: ArrayLike | Tensor,
    n: int,
    rng: np.random.Generator | int,
    *,
    kinds: Sequence[str] = KINDS,
) -> Planted:
    """Exact and near copies of n of the pictures, each kind about equally often.

    Parameters
    ----------
    pictures : uint8 (m, 3, size, size) array or tensor
        The originals.
    n : int
        Copies, 1 to m: no original is taken twice.
    rng : int or Generator
        Draws the originals and what is done to them.
    kinds : sequence of str
        Of KINDS: the same picture; JPEG of quality 40 to 80; up to 15 % brighter or darker; mirrored; moved by one
        pixel up to a 32nd of the side (2 px of 64), the edge repeated.

    Returns
    -------
    Planted
        In the order in which they were drawn.

    Raises
    ------
    InputError
        For other pictures, more copies than originals, or another kind.
    """
    originals = pictures_array(pictures, "pictures")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not len(kinds):
        raise InputError(f"kinds are some of {listed(KINDS)}, not {listed(kinds)}")
    if not 1 <= n <= len(originals):
        raise InputError(f"n={n} copies are asked for of {len(originals)} pictures")
    rng = np.random.default_rng(rng)
    source = rng.choice(len(originals), n, replace=False)
    kind = np.array([kinds[i % len(kinds)] for i in range(n)])
    copies = np.stack([_changed(originals[row], name, rng) for row, name in zip(source, kind, strict=True)])
    return Planted(copies, source, kind)


def _changed(picture: NDArray[np.uint8], kind: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    if kind == "jpeg":
        file = io.BytesIO()
        Image.fromarray(picture.transpose(1, 2, 0)).save(file, "JPEG", quality=int(rng.integers(*QUALITY)))
        with Image.open(file) as read:
            return np.asarray(read).transpose(2, 0, 1)
    if kind == "brightness":
        factor = 1 + BRIGHTNESS * rng.uniform(-1, 1)
        return np.clip(picture * factor + 0.5, 0, 255).astype(np.uint8)
    if kind == "flip":
        return np.ascontiguousarray(picture[..., ::-1])
    if kind == "shift":
        most = max(1, round(MOST_SHIFT * picture.shape[-1]))
        moves = [(i, j) for i in range(-most, most + 1) for j in range(-most, most + 1) if i or j]
        down, right = moves[rng.integers(len(moves))]
        wide = np.pad(picture, ((0, 0), (most, most), (most, most)), mode="edge")
        size = picture.shape[-1]
        return wide[:, most - down : most - down + size, most - right : most - right + size]
    return picture.copy()


def plant_people(
    originals: pd.DataFrame,
    strangers: pd.DataFrame,
    *,
    shot: str,
    size: int,
    cache_dir: str | Path | None = None,
    workers: int | None = 1,
) -> NDArray[np.uint8]:
    """The same rendered faces in another shot.

    Parameters
    ----------
    originals, strangers : table of n rows
        Rows of `read_parametric`'s manifest. What of the shot is another comes from the stranger in the same row, so
        that shots are as usual as theirs.
    shot : str
        Of SHOTS: `camera` (exposure, noise, blur), `light` (these and the light), `session` (everything but the face
        and its hair: light, pose, gaze, backdrop, clothes).
    size : int
        px
    cache_dir, workers
        As in `read_parametric`.

    Returns
    -------
    uint8 (n, 3, size, size) array

    Raises
    ------
    InputError
        For another shot, tables of unequal length or without the parameters.
    """
    if shot not in SHOTS:
        raise InputError(f"shot is one of {listed(SHOTS)}, not {shot!r}")
    if len(originals) != len(strangers):
        raise InputError(f"one stranger an original is needed, not {len(strangers)} for {len(originals)}")
    people, others = (pd.DataFrame(persons(table)) for table in (originals, strangers))
    for name in SHOTS[shot]:
        people[name] = others[name]
    people["image_id"] = [f"copy {i}" for i in range(len(people))]
    people["path"] = picture_paths(people, size=size, picture_format="png", cache_dir=cache_dir)["path"]
    render_missing(people, size=size, workers=workers, progress=False)
    return load_pictures(people, size, threads=workers)[0].numpy()
