"""Text that may come from anybody's table, for a terminal."""

from __future__ import annotations

import unicodedata


def printable(text: str, most: int = 40) -> str:
    """Text without control characters, which could write over a terminal, cut to `most` characters."""
    clean = "".join("�" if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in str(text))
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def width(text: str) -> int:
    """Columns that a terminal gives the text: East Asian wide characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
