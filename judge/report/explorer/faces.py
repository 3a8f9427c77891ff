"""Thumbnails of contestants, small and few: only where they are asked for."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from judge.data.picture_files import BrokenPicture, opened, read_file, upright_rgb
from judge.report.explorer.field import Field
from judge.report.wording import counted

#: Pixels, the longer side, and pictures on a page: about 2 kB each, so that all of them stay below a megabyte.
SIDE, MOST_FACES = 72, 400


def thumbnails(fields: Sequence[Field]) -> tuple[list[dict[int, str]], str]:
    """For each field, number of a person → address that holds the picture; and a sentence on whose there are none.

    Winners come first, then whoever came closest to a place.
    """
    wanted = []
    for at, field in enumerate(fields):
        if field.pictures is None:
            continue
        ranks = [
            np.where(held.rank > 0, held.rank, np.iinfo(np.int64).max) for held in field.contests.values()
        ]
        best = np.min(ranks, axis=0)
        wanted += [(int(rank), at, i) for i, rank in enumerate(best)]
    faces: list[dict[int, str]] = [{} for _ in fields]
    made: dict[str, str | None] = {}
    for _, at, i in sorted(wanted):
        path = str((fields[at].pictures)[i])  # type: ignore[index]
        if path not in made:
            if len(made) == MOST_FACES:
                continue
            made[path] = _thumbnail(path)
        if (uri := made[path]) is not None:
            faces[at][i] = uri
    n = sum(map(len, faces))
    if not wanted or n == len(wanted):
        return faces, ""
    return faces, (
        f"Pictures are there of {n:,} of {counted(len(wanted), 'entrant')}, winners first: at most {MOST_FACES} "
        "pictures are on a page, and some may not be where they were."
    )


def _thumbnail(path: str) -> str | None:
    try:
        with opened(read_file(path), name=path) as image:
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            small = Image.fromarray(upright_rgb(image))
    except BrokenPicture:
        return None
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
