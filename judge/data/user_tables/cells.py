"""What is done to every cell of text, in Arrow: ten million take a second."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from judge.data.spreadsheets import RISKY

if TYPE_CHECKING:
    import pyarrow as pa

#: Blanks, and characters without width, around a cell.
EDGE = (
    " \t\r\n\f\v\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b"
)


def strings(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    return cells if pa.types.is_large_string(cells.type) else cells.cast(pa.large_string())


def cleaned(cells: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
    """Without blanks around, in NFC, without a spreadsheet's apostrophe; how many had blanks. Empty is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.utf8_trim(cells, characters=EDGE)
    changed = pc.sum(pc.not_equal(plain, cells)).as_py() or 0
    if pc.sum(pc.invert(pc.string_is_ascii(plain))).as_py():
        plain = pc.utf8_normalize(plain, "NFC")
    if pc.any(pc.starts_with(plain, "'")).as_py():
        guarded = pc.match_substring_regex(plain, "^'[" + "".join(re.escape(c) for c in RISKY) + "]")
        plain = pc.if_else(guarded, pc.utf8_slice_codeunits(plain, 1), plain)
    return pc.if_else(pc.equal(plain, ""), pa.scalar(None, plain.type), plain), changed


def trimmed(text: str) -> str:
    plain = unicodedata.normalize("NFC", text.strip(EDGE))
    return plain[1:] if len(plain) > 1 and plain[0] == "'" and plain[1] in RISKY else plain
