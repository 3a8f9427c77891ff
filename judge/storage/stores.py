"""Files that may lie in an object store: a name with "://" goes through fsspec, any other is this machine's.

Access keys, endpoints and further options are those of the store's own client (for S3 AWS_ACCESS_KEY_ID,
AWS_ENDPOINT_URL, …) or of fsspec's configuration (FSSPEC_S3_…, ~/.config/fsspec); none are settings here.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from judge.errors import InputError
from judge.extras import install
from judge.storage.atomic import PART, CannotWrite, make_writable, write_bytes
from judge.storage.lock import locked

#: What an address's fsspec package is called where it is one's own extra or a known one.
_PACKAGES = {
    "s3": install("s3"),
    "s3a": install("s3"),
    "gs": "pip install gcsfs",
    "az": "pip install adlfs",
}


def is_url(name: str | os.PathLike[str]) -> bool:
    """Whether the name is an address of a store, s3://bucket/key, and no path."""
    return isinstance(name, str) and "://" in name and not name.startswith("file://")


def place(name: str) -> str | Path:
    """An address as it is, without a slash at its end, and anything else as a path; file:///x is /x.

    >>> place("s3://bucket/photos/"), place("file:///tmp/a").as_posix()
    ('s3://bucket/photos', '/tmp/a')
    """
    if is_url(name):
        return name.rstrip("/")
    return Path(name.removeprefix("file://"))


def joined(base: str | Path, name: str) -> str | Path:
    """`name` below a folder or an address."""
    return f"{base}/{name}" if isinstance(base, str) else base / name


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Turns what a store's client raises into InputError that names the address; FileNotFoundError is left.

    What a client calls a folder is no file either.
    """
    try:
        yield
    except (InputError, FileNotFoundError):
        raise
    except IsADirectoryError as error:
        raise FileNotFoundError(f"{url}: a folder") from error
    except Exception as error:  # each client has exceptions of its own: botocore's are no OSError
        why = " ".join(str(error).split())[:300]
        raise InputError(f"{url} cannot be reached: {type(error).__name__}: {why}") from error


def filesystem(url: str, *, own: bool = False) -> tuple[Any, str]:
    """fsspec's file system of an address, and the address as that calls it.

    own  not the one that all others in this process have, whose memory of listings is then not this one's

    Raises InputError: no such kind of store, or the package for it is not installed.
    """
    import fsspec

    kind = url.partition("://")[0]
    try:
        with reaching(url):
            return fsspec.core.url_to_fs(url, skip_instance_cache=own)
    except InputError as error:
        cause = error.__cause__
        if isinstance(cause, ImportError):
            remedy = _PACKAGES.get(kind, "install the package that it names")
            raise InputError(f"{url}: {kind}:// cannot be read here: {cause}; {remedy}") from error
        if isinstance(cause, ValueError) and "Protocol not known" in str(cause):
            raise InputError(f"{url}: {kind}:// is no kind of store that fsspec knows") from error
        raise


def read_url(url: str) -> bytes:
    """The content at an address. Raises FileNotFoundError, and InputError where the store cannot be reached."""
    fs, path = filesystem(url, own=True)
    with reaching(url):
        return fs.cat_file(path)


def write_url(url: str, content: bytes) -> None:
    """Puts the content there; an object store shows it whole or not at all. Raises CannotWrite."""
    fs, path = filesystem(url)
    try:
        with reaching(url):
            fs.pipe_file(path, content)
    except (InputError, FileNotFoundError) as error:  # the latter: there is no such bucket
        raise CannotWrite(f"{url} cannot be written: {error}") from error


def write_place(where: str | Path, content: bytes) -> None:
    """Writes a file here or in a store, completely or not at all."""
    if isinstance(where, str):
        write_url(where, content)
    else:
        write_bytes(where, content)


def remove_place(where: str | Path) -> None:
    """Removes a file here or in a store, if it is there."""
    if isinstance(where, Path):
        where.unlink(missing_ok=True)
        return
    fs, path = filesystem(where, own=True)
    with suppress(FileNotFoundError), reaching(where):
        if fs.exists(path):
            fs.rm_file(path)


def make_url_writable(url: str) -> None:
    """Tries the folder of an address with a small object, which is removed. Raises CannotWrite."""
    fs, path = filesystem(url)
    name = f"{PART}{secrets.token_hex(8)}"
    try:
        write_url(f"{url}/{name}", b"\0")
    except CannotWrite as error:
        raise CannotWrite(str(error).replace(f"/{name}", "")) from error
    with suppress(InputError, FileNotFoundError), reaching(url):
        fs.rm_file(f"{path}/{name}")


class Folder:
    """A flat folder of files on this machine that several processes write to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def prepare(self) -> None:
        """Makes it, tries whether it can be written to, removes what killed writers left. Raises CannotWrite."""
        make_writable(self.path)

    def names(self) -> list[str]:
        """Of the files in it, sorted, hidden ones left out; of a folder that is not there none."""
        if not self.path.is_dir():
            return []
        return sorted(file.name for file in self.path.iterdir() if not file.name.startswith("."))

    @contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """A file of it, to be read at any place. Raises FileNotFoundError."""
        with (self.path / name).open("rb") as file:
            yield file

    def write(self, name: str, content: bytes) -> None:
        """Writes a file, completely or not at all."""
        write_bytes(self.path / name, content)

    def create(self, name: str, content: bytes) -> bool:
        """Writes a file if there is none of that name: of several processes one does. False: there was one."""
        with locked(self.path):
            if (self.path / name).exists():
                return False
            self.write(name, content)
            return True


class StoreFolder(Folder):
    """The same in an object store."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.fs, self.key = filesystem(url, own=True)

    def __str__(self) -> str:
        return self.url

    def prepare(self) -> None:
        make_url_writable(self.url)

    def names(self) -> list[str]:
        with reaching(self.url):
            self.fs.invalidate_cache()  # others write there as well
            try:
                found = self.fs.ls(self.key, detail=False)
            except FileNotFoundError:
                return []
        names = (str(key).rstrip("/").rpartition("/")[2] for key in found)
        return sorted(name for name in names if name and not name.startswith("."))

    @contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        # by a listing that it remembers, what others have written since would not be there
        self.fs.invalidate_cache()
        with reaching(f"{self.url}/{name}"), self.fs.open(f"{self.key}/{name}", "rb") as file:
            yield file

    def write(self, name: str, content: bytes) -> None:
        write_url(f"{self.url}/{name}", content)

    def create(self, name: str, content: bytes) -> bool:
        if name in self.names():
            return False
        url = f"{self.url}/{name}"
        try:
            with reaching(url):
                self.fs.pipe_file(f"{self.key}/{name}", content, mode="create")
        except InputError as error:
            cause = error.__cause__
            if isinstance(cause, FileExistsError) or "PreconditionFailed" in str(cause):
                return False
            # a store without exclusive writes: of two that are first at once the later one stays
            self.write(name, content)
        return True


def folder(where: str | Path) -> Folder:
    """A folder here, or one of an object store where `where` is an address (`place`)."""
    return StoreFolder(where) if isinstance(where, str) else Folder(where)
