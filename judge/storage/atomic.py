"""One way to write a file: it stands under its name complete, or the old one does.

Whatever is written goes to a hidden place `.part-TOKEN` beside the file first, and takes its name by a rename. So a
kill leaves the old file or the new one, processes that write the same name each leave a complete file (the last one
stays), and no pattern such as `*.parquet` ever finds half a file. Nothing is flushed to the disk on the way: files
survive the death of the process; a power cut is left to the file system.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PART = ".part-"
#: Seconds after which an unfinished write is taken for that of a killed process.
LEFT_BEHIND = 24 * 3600.0


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Gives a path for any writer to write to; the file there becomes `path` when the block ends without an error.

    Folders on the way are made. The file's mode is what the umask says, even of writers that make theirs private
    (safetensors does). A link is followed; what is no file, such as /dev/stdout, is written to as it is.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> out = Path(tempfile.mkdtemp()) / "sheets" / "grey.png"
    >>> with replacing(out) as part:
    ...     Image.new("L", (8, 8), 128).save(part)
    >>> [file.name for file in out.parent.iterdir()]
    ['grey.png']
    """
    target, room = _places(path)
    if room is None:
        yield target
        return
    # a folder of its own: writers tell the format by the whole name, and some put files of their own beside theirs
    room.mkdir()
    try:
        part = room / target.name
        yield part
        mode = room.stat().st_mode & 0o666  # the umask cannot be read without setting it, for all threads
        if part.stat().st_mode & 0o777 != mode:
            part.chmod(mode)
        part.replace(target)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Writes the bytes, completely or not at all; folders on the way are made."""
    target, part = _places(path)
    if part is None:
        target.write_bytes(content)
        return
    # no folder here: to make one takes some file systems ten times as long as to write a small file
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _places(path: str | Path) -> tuple[Path, Path | None]:
    """The file to be written, and a hidden name beside it that nobody has; None for what is no file (/dev/stdout)."""
    path = Path(path)
    if path.exists() and not path.is_file():
        return path, None
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    return target, target.parent / f"{PART}{secrets.token_hex(8)}"


def write_text(path: str | Path, text: str) -> None:
    """Writes the text as UTF-8, completely or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, value: Any) -> None:
    """Writes JSON for people and programs, completely or not at all: indented, UTF-8, a line end at the end.

    NumPy's numbers and arrays and paths are written as what they stand for. NaN and infinities are written as Python
    reads them back; other readers may refuse them. Raises TypeError for what JSON has no word for.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n"
    # half a surrogate, as in a file name that is no UTF-8: Python's escape for it is JSON's
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} of {type(value).__name__} cannot be written as JSON")


def remove_leftovers(folder: str | Path, *, older_than: float = LEFT_BEHIND) -> int:
    """Removes what killed writers left in `folder` and below; returns how many unfinished writes that were.

    older_than  seconds since anything was written to one: a younger one may be at work still
    """
    removed = 0
    for left in _unfinished(Path(folder)):
        try:
            last = max(place.stat().st_mtime for place in (left, *left.rglob("*")))
        except OSError:
            continue  # its writer has just finished, or it is somebody else's
        if time.time() - last <= older_than:
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            with suppress(OSError):
                left.unlink()
        removed += 1
    return removed


def _unfinished(folder: Path) -> list[Path]:
    found = []
    for here, inner, files in os.walk(folder):  # unlike rglob it bears folders that go while it looks
        found += [Path(here, name) for name in (*inner, *files) if name.startswith(PART)]
        inner[:] = [name for name in inner if not name.startswith(PART)]
    return found
