"""Names that mean the same file or person though they are written otherwise on another machine.

A Mac stores ë as two characters, Windows writes backslashes and forgets letter case, spreadsheets add blanks. Names are
compared as they are first; only where nothing fits in a form without these differences, and only where one thing fits.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence


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
