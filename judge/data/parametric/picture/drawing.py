"""One picture to one file, whole or not at all: what a rendering process does.

Apart from cache.py so that a worker starts without pandas, in half the time and memory.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from judge.data.parametric.picture import render
from judge.storage import write_bytes


def draw_pictures(chunk: list[tuple[dict[str, Any], str]], size: int) -> int:
    """Renders (person, path) pairs into files of `size` px; returns how many."""
    for person, path in chunk:
        write_bytes(Path(path), picture_bytes(person, size, Path(path).suffix))
    return len(chunk)


def picture_bytes(person: Mapping[str, Any], size: int, ending: str) -> bytes:
    """The file's bytes: JPEG at the person's jpeg_quality, or PNG of what that JPEG is made from."""
    if ending == ".jpg":
        return render.render_jpeg(person, size)
    out = io.BytesIO()
    Image.fromarray(render.render_raw(person, size)).save(out, "PNG")
    return out.getvalue()
