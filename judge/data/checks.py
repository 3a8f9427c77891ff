"""Picture files without torch: is it a whole picture, and which bytes or pixels does it hold.

By default a file is read once, hashed, and its header parsed; only a file whose end looks wrong is decoded.
That finds missing, empty, truncated and foreign files for a fraction of a millisecond each. `decode`
decodes every picture: it finds damage inside (but JPEG decoders paint over small losses), and equal pixels
in different files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from judge.data.picture_files import BrokenPicture, opened, read_file, upright_rgb
from judge.errors import InputError, listed

CHECKS = ("none", "header", "decode")
#: How a whole file ends, a few bytes of padding allowed; other formats are always decoded.
_ENDINGS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}


class Inspection(NamedTuple):
    """One file: hashes (None where unknown) and, if it cannot be used, why."""

    content_hash: str | None
    pixel_hash: str | None
    reason: str | None
    detail: str | None


def inspect(paths: Sequence[str], check: str = "header") -> pd.DataFrame:
    """Columns content_hash, pixel_hash, reason, detail: one row a path, in order; reason is None for a good
    file.

    content_hash  of the bytes; pixel_hash of the upright RGB pixels and their shape, only with check="decode"
    check         "none": the file exists; "header": as the module says; "decode": every picture is decoded
    """
    if check not in CHECKS:
        raise InputError(f"check is one of {listed(CHECKS)}, not {check!r}")
    workers = min(8, os.cpu_count() or 1)
    if workers == 1 or len(paths) < 200:
        found = [_inspect(path, check) for path in paths]
    else:
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(lambda path: _inspect(path, check), paths))
    return pd.DataFrame(found, columns=list(Inspection._fields), dtype=object)


def _inspect(path: str, check: str) -> Inspection:
    try:
        # what is there but no regular file is told as such where it is read
        there = Path(path).is_file() if check == "none" else Path(path).exists()
    except (OSError, ValueError) as error:  # a name that is too long, or with a NUL in it
        return Inspection(None, None, "broken picture", f"{path}: {error}")
    if not there:
        return Inspection(None, None, "file missing", path)
    if check == "none":
        return Inspection(None, None, None, None)
    content = None
    try:
        data = read_file(path)
        content = blake2b(data, digest_size=16).hexdigest()
        pixels = _look(data, path, decode=check == "decode")
    except BrokenPicture as error:
        return Inspection(content, None, "broken picture", str(error))
    return Inspection(content, pixels, None, None)


def _look(data: bytes, path: str, *, decode: bool) -> str | None:
    with opened(data, name=path) as picture:
        ending = _ENDINGS.get(picture.format or "")
        if decode or ending is None or ending not in data[-64:]:
            rgb = upright_rgb(picture, name=path)
            if decode:
                return blake2b(repr(rgb.shape).encode() + rgb.tobytes(), digest_size=16).hexdigest()
    return None
