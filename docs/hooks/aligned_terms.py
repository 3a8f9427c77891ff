"""Docstrings that align what a term means in a second column become lists, which Markdown would run together."""

from __future__ import annotations

import re
from typing import Any

from griffe import Docstring, Extension

TERM = re.compile(r"^(?! |>>>|\.\.\.|[-*#|`])(\S(?:.{0,30}?\S)?) {2,}(\S.*)$")


class AlignedTerms(Extension):
    """Rewrites the docstring of every object when it is read."""

    def on_object(self, *, obj: Any, **kwargs: Any) -> None:
        if obj.docstring and not obj.is_alias:
            obj.docstring.value = as_lists(obj.docstring)


def as_lists(docstring: Docstring | str) -> str:
    """The text with each block of two columns as a list: term in code, meaning behind it."""
    text = docstring if isinstance(docstring, str) else docstring.value
    out: list[str] = []
    column = 0  # where the second column of the block at hand begins; 0: none
    for line in text.splitlines():
        found = TERM.match(line)
        if found:
            if not column and out and out[-1].strip():
                out.append("")
            column = found.start(2)
            out.append(f"- `{found[1]}` – {found[2]}")
        elif column and line.startswith(" " * min(column, 4)) and line.strip():
            out.append("  " + line.strip())
        else:
            if column and line.strip():
                out.append("")
            column = 0
            out.append(line)
    return "\n".join(out)
