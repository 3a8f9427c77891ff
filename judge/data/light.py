"""How light a picture is and how much its lightness varies, on its middle: what a camera or a lamp changes.

Lightness is CIE L*, 0 (black) to 100 (white), of sRGB pixels (CIE 15:2004, eq. 8.3 and 8.12; the luminance weights and
the transfer function are those of IEC 61966-2-1). The middle half of both sides is measured, mostly face in a portrait.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.data.picture_files import BrokenPicture, opened, read_file, upright_rgb

#: Part of each side that is measured, in the middle.
MIDDLE = 0.5
#: Pixels a side that are read at most: means and spreads need no more.
MOST = 256
_values = np.arange(256) / 255
#: sRGB value → linear light.
_LINEAR = np.where(_values <= 0.04045, _values / 12.92, ((_values + 0.055) / 1.055) ** 2.4)
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def lightness(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """L* from 0 to 100 of sRGB pixels (…, 3) uint8.

    >>> lightness(np.array([[0, 0, 0], [119, 119, 119], [255, 255, 255]], np.uint8)).round().tolist()
    [0.0, 50.0, 100.0]
    """
    light = _LINEAR[pixels] @ _WEIGHTS
    return np.where(light > (6 / 29) ** 3, 116 * np.cbrt(light) - 16, light * (29 / 3) ** 3)


def measured_light(paths: Iterable[str]) -> pd.DataFrame:
    """A row a picture: path, exposure (mean L* of the middle), contrast (its standard deviation) and reason.

    A picture that cannot be read has NaN in both and says why in `reason`, which is "" otherwise.
    """
    rows = []
    for path in paths:
        try:
            with opened(read_file(path), name=str(path)) as picture:
                picture.draft("RGB", (MOST, MOST))  # a JPEG of a camera is decoded at a fraction of its size
                pixels = upright_rgb(picture, name=str(path))
        except BrokenPicture as error:
            rows.append((path, np.nan, np.nan, str(error)))
            continue
        height, width = pixels.shape[:2]
        top, left = (int(side * (1 - MIDDLE) / 2) for side in (height, width))
        middle = pixels[top : height - top, left : width - left]
        step = max(1, max(middle.shape[:2]) // MOST)
        found = lightness(middle[::step, ::step])
        rows.append((path, float(found.mean()), float(found.std()), ""))
    return pd.DataFrame(rows, columns=["path", "exposure", "contrast", "reason"])
