"""One way to write a file: it stands under its name complete, or the old one does.

Whatever is written goes to a hidden place `.part-WRITER-TOKEN` beside the file first, and takes its name by a rename.
So a kill leaves the old file or the new one, processes that write the same name each leave a complete file (the last
one stays), and no pattern such as `*.parquet` ever finds half a file. What a kill leaves unfinished is removed by the
next who writes there: WRITER tells machine and process, so one whose process is gone is known at once. Nothing is
flushed to the disk on the way: files survive the death of the process; a power cut is left to the file system.

What cannot be written is said in one line (`CannotWrite`): which path, why, what to do.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from judge.errors import InputError

PART = ".part-"
#: Seconds after which an unfinished write of another machine is taken for that of a killed process.
LEFT_BEHIND = 24 * 3600.0
_MACHINE = blake2b(platform.node().encode(), digest_size=4).hexdigest()
_NAME = re.compile(re.escape(PART) + r"([0-9a-f]{8})-(\d+)-[0-9a-f]+")
_REMEDY = {
    errno.ENOSPC: "free space there, or write elsewhere",
    errno.EDQUOT: "your quota is used up: free space there, or write elsewhere",
    errno.EFBIG: "the limit on a file's size is reached (ulimit -f)",
    errno.EROFS: "write elsewhere",
    errno.EACCES: "write elsewhere, or ask for the permission",
    errno.EPERM: "write elsewhere, or ask for the permission",
    errno.EEXIST: "a file is in the way; write elsewhere",
    errno.ENOTDIR: "a part of the path is a file; write elsewhere",
    errno.ENAMETOOLONG: "write under a shorter name",
    errno.ENOENT: "write elsewhere",
}


class CannotWrite(InputError, OSError):
    """A file or folder that cannot be written: which, why, and what to do."""


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turns the system's errors while `path` is written into `CannotWrite`, which names it."""
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        remedy = _REMEDY.get(error.errno or 0)
        raise CannotWrite(
            f"{path} cannot be written: {error.strerror or error}{f'; {remedy}' if remedy else ''}"
        ) from error
    except Exception as error:  # safetensors and Arrow have errors of their own for a full disk
        found = re.search(r"os error (\d+)|errno (\d+)", str(error))
        number = int(next(filter(None, found.groups()))) if found else 0
        if number not in _REMEDY:
            raise
        raise CannotWrite(f"{path} cannot be written: {os.strerror(number)}; {_REMEDY[number]}") from error


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
    with writing(path):
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
    with writing(path):
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
    return target, target.parent / f"{PART}{_MACHINE}-{os.getpid()}-{secrets.token_hex(8)}"


def make_writable(folder: str | Path, *, inner: Sequence[str] = ()) -> None:
    """Makes a folder that files can be written to, and tries it with one; removes what killed writers left in it.

    inner  names of folders in it that are written to as well, and swept where they are there

    Called before hours of work whose result is to lie there. Raises CannotWrite.
    """
    folder = Path(folder)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # permission bits say nothing of full disks, read-only file systems and /sys, and root passes all of them
        probe = folder / f"{PART}{_MACHINE}-{os.getpid()}-{secrets.token_hex(8)}"
        try:
            probe.write_bytes(b"\0" * 4096)
        finally:
            probe.unlink(missing_ok=True)
    for place in (folder, *(folder / name for name in inner)):
        remove_leftovers(place, below=False)


def write_text(path: str | Path, text: str) -> None:
    """Writes the text as UTF-8, completely or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, value: Any) -> None:
    """Writes JSON for people and programs, completely or not at all: indented, UTF-8, a line end at the end.

    NumPy's numbers and arrays and paths are written as what they stand for. NaN and infinities are written as Python
    reads them back; other readers may refuse them. Raises TypeError for what JSON has no word for.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, default=plain) + "\n"
    # half a surrogate, as in a file name that is no UTF-8: Python's escape for it is JSON's
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def plain(value: Any) -> Any:
    """What JSON has a word for, of NumPy's numbers and arrays and of paths. Raises TypeError for anything else."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} of {type(value).__name__} cannot be written as JSON")


def remove_leftovers(folder: str | Path, *, older_than: float = LEFT_BEHIND, below: bool = True) -> int:
    """Removes what killed writers left in `folder`; returns how many unfinished writes that were.

    older_than  seconds since anything was written to one whose writer is not known to be dead: a younger one may be at
                work still
    below       also in the folders below it; False where the folder is the user's own and may hold anything
    """
    removed = 0
    for left in _unfinished(Path(folder), below):
        if not _writer_is_dead(left.name):
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


def _writer_is_dead(name: str) -> bool:
    found = _NAME.fullmatch(name)
    if found is None or found[1] != _MACHINE:
        return False
    try:
        os.kill(int(found[2]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _unfinished(folder: Path, below: bool) -> list[Path]:
    found = []
    for here, inner, files in os.walk(folder):  # unlike rglob it bears folders that go while it looks
        found += [Path(here, name) for name in (*inner, *files) if name.startswith(PART)]
        inner[:] = [name for name in inner if not name.startswith(PART)] if below else []
    return found
