"""One process at a time in a folder; the lock dies with its holder, however it dies."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from judge.storage.atomic import writing

try:
    import fcntl
except ImportError:  # Windows: two equal runs at once are left to the user there
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
#: Seconds between two tries.
PAUSE = 0.2


@contextmanager
def locked(folder: str | Path, *, waits: Callable[[str], None] | None = None) -> Iterator[None]:
    """Holds the folder until the block ends; waits while another process does.

    The lock is the operating system's on the file `.lock` in the folder, so a killed holder leaves none behind; the
    file says who holds it and goes with the block.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there.
    waits : callable, optional
        Called once, with who holds the folder in words, before waiting.

    Raises
    ------
    CannotWrite
        If the folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with locked(folder):
    ...     [file.name for file in folder.iterdir()]
    ['.lock']
    >>> list(folder.iterdir())
    []
    """
    file = Path(folder) / LOCK
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = _take(file, waits)
    try:
        yield
    finally:
        if handle is not None:
            # removed while it is held: who waits for it sees that the name has gone, and makes another
            with suppress(OSError):
                if _same(handle, file):
                    file.unlink()
            os.close(handle)


def _take(file: Path, waits: Callable[[str], None] | None) -> int | None:
    if fcntl is None:
        return None
    told = False
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            if not told and waits is not None:
                waits(_holder(file))
            told = True
            time.sleep(PAUSE)
            continue
        except OSError:  # a file system without locks
            os.close(handle)
            return None
        if _same(handle, file):
            os.ftruncate(handle, 0)
            os.write(handle, json.dumps(_here()).encode())
            return handle
        os.close(handle)  # its holder has removed the name, or moved the folder away, since it was opened


def _same(handle: int, file: Path) -> bool:
    """Whether the name still stands for the file that is open."""
    try:
        there = file.stat()
    except OSError:
        return False
    mine = os.fstat(handle)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def _here() -> dict[str, object]:
    return {"process": os.getpid(), "machine": platform.node(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}


def _holder(file: Path) -> str:
    try:
        holder = json.loads(file.read_text(encoding="utf-8"))
        return f"process {holder['process']} on {holder['machine']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
