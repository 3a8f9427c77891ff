"""Which pictures a folder holds: one walk for readers and `judge score`; nothing is passed over in silence."""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from judge.errors import listed

#: Endings of the formats that are opened.
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
#: Endings of pictures, films and documents that may show people and are not opened here.
OTHER_FORMATS = (
    ".heic", ".heif", ".hif", ".avif", ".jfif", ".jpe", ".jp2", ".j2k", ".jpx", ".jxl", ".jxr", ".apng", ".svg",
    ".ico", ".psd", ".xcf", ".eps", ".pdf", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".dds", ".exr", ".hdr", ".dng",
    ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".raw", ".mp4", ".mov", ".avi", ".mkv", ".webm", ".zip",
    ".npy", ".npz",
)  # fmt: skip
_ADVICE = {".jfif": "a JPEG under another ending: rename it to .jpg", ".jpe": "rename it to .jpg"}
_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


@dataclass
class Walk:
    """What is below a folder.

    pictures   relative paths with forward slashes, sorted
    set_aside  (relative path, reason, detail) of what looks like a picture and cannot be one
    others     number of other files by ending; hidden: hidden files and folders; links: linked folders passed over
    """

    pictures: list[str] = field(default_factory=list)
    set_aside: list[tuple[str, str, str]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    hidden: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def notes(self) -> list[str]:
        """Sentences about what was left out and is no line of `set_aside`."""
        said = []
        if self.others:
            kinds = ", ".join(
                f"{n} {ending or 'without an ending'}" for ending, n in self.others.most_common(6)
            )
            more = len(self.others) - 6
            said.append(
                f"other files that are no pictures: {kinds}{f', {more} more endings' if more > 0 else ''}"
            )
        if self.hidden:
            said.append(f"hidden files and folders left out: {len(self.hidden)} ({listed(self.hidden, 3)})")
        if self.links:
            said.append(
                f"linked folders left out, as they lead to one that is read already: {listed(self.links, 3)}"
            )
        if self.closed:
            said.append(f"folders that cannot be opened: {len(self.closed)} ({listed(self.closed, 3)})")
        return said


def walk_pictures(folder: str | Path) -> Walk:
    """All picture files below `folder`; linked folders are followed, each folder is read once.

    Hidden files and folders (a name that begins with a dot: copies of Jupyter, shadows of macOS) are left out. Pipes,
    devices and folders named like a picture, links to nothing, names that are not UTF-8 and other formats are set aside
    with their reason. Real folders come before linked ones, so that a link to one inside `folder` adds nothing.
    """
    walk = Walk()
    top = str(folder)
    seen: set[tuple[int, int]] = set()
    waiting = [top]  # first the folder itself, then what links lead to, in order
    while waiting:
        start = waiting.pop(0)
        linked: list[str] = []
        if start != top and _identity(start) in seen:
            walk.links.append(shown_name(_relative(start, top)))
            continue
        stack = [start]
        while stack:
            here = stack.pop()
            identity = _identity(here)
            if identity is None or identity in seen:
                continue
            seen.add(identity)
            inner, links = _entries(here, top, walk)
            stack += sorted(inner, reverse=True)
            linked += links
        waiting += sorted(linked)
    walk.pictures.sort()
    walk.set_aside.sort()
    return walk


def _entries(here: str, top: str, walk: Walk) -> tuple[list[str], list[str]]:
    """Notes the files of one folder; its real and its linked folders."""
    inner: list[str] = []
    links: list[str] = []
    try:
        entries = sorted(os.scandir(here), key=lambda entry: entry.name)
    except OSError:
        walk.closed.append(shown_name(_relative(here, top)))
        return [], []
    for entry in entries:
        name, shown = _relative(entry.path, top), shown_name(_relative(entry.path, top))
        if entry.name.startswith("."):
            walk.hidden.append(shown)
            continue
        ending = Path(entry.name).suffix.lower()
        try:
            mode = entry.stat().st_mode
        except OSError:
            if ending in PICTURES:
                walk.set_aside.append((shown, "no regular file", "a link to nothing"))
            else:
                walk.others["a link to nothing"] += 1
            continue
        if stat.S_ISDIR(mode):
            (links if entry.is_symlink() else inner).append(entry.path)
            if ending in PICTURES:
                walk.set_aside.append((shown, "no regular file", "a folder; pictures in it are read"))
        elif ending in PICTURES and not stat.S_ISREG(mode):
            walk.set_aside.append((shown, "no regular file", kind_of(mode)))
        elif ending in PICTURES and shown != name:
            walk.set_aside.append((shown, "name is not UTF-8", "rename it"))
        elif ending in PICTURES:
            walk.pictures.append(name)
        elif ending in OTHER_FORMATS:
            walk.set_aside.append((shown, "picture format not read", advice_for(ending)))
        else:
            walk.others[shown_name(ending)] += 1
    return inner, links


def advice_for(ending: str) -> str:
    """What to do about a picture of a format that is not opened here."""
    return _ADVICE.get(ending, f"{ending}: {listed(PICTURES)} are read")


def kind_of(mode: int) -> str:
    """What a file is that is no regular one, of its st_mode."""
    return next((words for test, words in _KINDS if test(mode)), "something else")


def not_regular(path: str) -> str | None:
    """What `path` is where it is there and no regular file: opening a pipe would wait for ever. Else None."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return None
    return None if stat.S_ISREG(mode) else kind_of(mode)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        told = Path(path).stat()
    except OSError:
        return None
    return told.st_dev, told.st_ino


def _relative(path: str, top: str) -> str:
    return "." if path == top else path[len(top.rstrip(os.sep)) + 1 :].replace(os.sep, "/")


def shown_name(name: str) -> str:
    """The name as text that can be written anywhere: bytes that are not UTF-8 as \\xff."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
