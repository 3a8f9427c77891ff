"""Names that mean the same file or person though they are written otherwise on another machine.

A Mac stores ë as two characters, Windows writes backslashes and forgets letter case, spreadsheets add blanks. Names are
compared as they are first; only where nothing fits in a form without these differences, and only where one thing fits.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from judge.data.readers.walking import PICTURES


def loose(name: str) -> str:
    """The name without differences of Unicode form, letter case, separators, `./`, quotes and blanks at its ends.

    >>> loose(".\\\\Photos\\\\Zoe\\u0308.JPG ") == loose("photos/Zo\\u00eb.jpg")
    True
    """
    plain = unicodedata.normalize("NFC", name).strip(" \t\r\n\ufeff\u200b\xa0\"'").replace("\\", "/")
    plain = "/".join(part.strip() for part in plain.split("/") if part.strip() not in ("", "."))
    return unicodedata.normalize("NFC", plain.casefold())


class Names:
    """Finds which of `there` a name means."""

    def __init__(self, there: Iterable[str]) -> None:
        self._exact = dict.fromkeys(there)
        self._loose: dict[str, list[str]] | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._exact

    def candidates(self, name: str) -> Sequence[str]:
        """The name itself where it is there, else all that differ from it in spelling alone."""
        if name in self._exact:
            return [name]
        if self._loose is None:  # seldom needed, and it takes a second for 200,000 names
            self._loose = {}
            for one in self._exact:
                self._loose.setdefault(loose(one), []).append(one)
        return self._loose.get(loose(name), [])

    def find(self, name: str) -> str | None:
        """The one that is meant; None where none or several may be."""
        found = self.candidates(name)
        return found[0] if len(found) == 1 else None


class FileNames(Names):
    """Names of files that may lack their folder or their ending, or have folders of another machine before them.

    >>> there = FileNames(["studio/Zo\u00eb 1.jpg", "studio/2.jpg"])
    >>> there.find("Zo\u00eb 1"), there.find("C:\\\\shoot\\\\studio\\\\2.JPG"), there.find("garden/2.jpg")
    ('studio/Zo\xeb 1.jpg', 'studio/2.jpg', None)
    """

    def __init__(self, there: Iterable[str]) -> None:
        super().__init__(there)
        self._by_stem: dict[str, list[tuple[list[str], str]]] | None = None

    def candidates(self, name: str) -> Sequence[str]:
        """As of any names; else all whose path and this one end alike, as far as the shorter of the two goes."""
        if found := super().candidates(name):
            return found
        if self._by_stem is None:
            self._by_stem = {}
            for one in self._exact:
                parts = loose(one).split("/")
                self._by_stem.setdefault(_stem(parts[-1]), []).append((parts, one))
        wanted = loose(name).split("/")
        return [one for parts, one in self._by_stem.get(_stem(wanted[-1]), ()) if _ends_alike(wanted, parts)]


def _stem(name: str) -> str:
    ending = PurePosixPath(name).suffix
    return name.removesuffix(ending) if ending in PICTURES else name


def _ends_alike(name: list[str], file: list[str]) -> bool:
    if name[-1] != file[-1] and name[-1] != _stem(file[-1]):
        return False  # another ending is another file
    shared = min(len(name), len(file)) - 1
    return shared == 0 or name[-shared - 1 : -1] == file[-shared - 1 : -1]
