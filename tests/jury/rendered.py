"""Rendered people and hand-made portraits that the robots' tests share."""

from functools import cache

import numpy as np
import pandas as pd

from judge.data.parametric import geometry, person
from judge.data.parametric.picture.render import render
from judge.jury.faces.alignment import PortraitReader, Portraits
from judge.jury.faces.detector import RetinaFace

SIZE = 128
READER = PortraitReader(detector=RetinaFace(threads=1), threads=1, batch_size=4)


@cache
def picture(**changes) -> np.ndarray:
    """A rendered person without hair, otherwise neutral but for `changes`."""
    return render(person.neutral() | {"hair_style": "none", "stream": 3} | changes, SIZE)


def true_points(**changes) -> np.ndarray:
    """Pupils, nose tip and mouth corners (5, 2) in pixels of `picture`."""
    pixels = geometry.landmarks(person.neutral() | changes, SIZE)["pixels"]
    at = {name: pixels[i] for i, name in enumerate(geometry.LANDMARKS)}
    eyes = sorted([at["pupil_l"], at["pupil_r"]], key=lambda p: p[0])
    mouth = sorted([at["mouth_corner_l"], at["mouth_corner_r"]], key=lambda p: p[0])
    return np.array([*eyes, at["nose_tip"], *mouth])


def portraits(pictures, **columns) -> Portraits:
    return READER.from_pictures(list(pictures), rows(len(pictures), **columns)).portraits


def rows(n: int, **columns) -> pd.DataFrame:
    return pd.DataFrame({"image_id": [f"i{k}" for k in range(n)], **columns})


def skin(light: float = 0.4, size: int = SIZE) -> np.ndarray:
    """A crop that is nothing but skin, of linear luminance about `light`, with a fine texture."""
    texture = 1 + 0.01 * np.random.default_rng(0).normal(size=(size, size, 1))
    linear = np.clip(light * np.array([1.25, 0.95, 0.75]) * texture, 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (255 * srgb + 0.5).astype(np.uint8)


def of_crops(crops, **columns) -> Portraits:
    """Portraits straight from aligned crops, with the template's landmarks."""
    from judge.jury.faces.regions import TEMPLATE

    crops = np.stack(list(crops))
    return Portraits(rows(len(crops), **columns), crops, np.repeat(TEMPLATE[None], len(crops), axis=0))
