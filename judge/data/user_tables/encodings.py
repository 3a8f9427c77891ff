"""Text files in the encodings of spreadsheets and other machines, packed or not."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import IO, cast

from judge.errors import InputError

HEAD = 1 << 18
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def decoded(data: bytes) -> tuple[str, str]:
    """(text, encoding) of the bytes of a text file: by its byte order mark, else UTF-8, else Windows-1252.

    Raises ValueError for what is no text.
    """
    for encoding in _possible(data[:HEAD]):
        try:
            return data.decode(encoding).lstrip("\ufeff"), encoding
        except UnicodeError:
            continue
    raise ValueError("it is no text in UTF-8, UTF-16, UTF-32 or Windows-1252")


def _possible(head: bytes) -> tuple[str, ...]:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return (encoding,)
    if b"\0" in head:  # without a mark, the letters of Latin script tell which half of each pair is empty
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if max(even, odd) > 0.3 * len(head[0::2]) and min(even, odd) < 0.1 * max(even, odd):
            return ("utf-16-be",) if even > odd else ("utf-16-le",)
    return ("utf-8", "cp1252")


def opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def encodings(path: Path) -> tuple[str, ...]:
    with opened(path) as file:
        head = file.read(HEAD)
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InputError(f"{path} is a spreadsheet's own file under another name: save it as CSV (UTF-8)")
    if head.startswith(b"PAR1"):
        raise InputError(f"{path} is a Parquet file under another name: call it .parquet")
    found = _possible(head)
    if found == ("utf-8", "cp1252") and b"\0" in head:
        raise InputError(f"{path} is no text file: it holds NUL bytes")
    return found
