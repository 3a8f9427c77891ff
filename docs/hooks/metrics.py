"""The table of an audit's metrics on the page of columns, from the words that pages and terminal use for them."""

from __future__ import annotations

from typing import Any

from judge.report.measures import PARITY, WORDS

MARK = "<!-- metrics -->"


def on_page_markdown(markdown: str, *, page: Any, **kwargs: Any) -> str:
    """The page with the table in the place of its mark."""
    if MARK not in markdown:
        return markdown
    rows = [f"| `{name}` | {words} | {PARITY.get(name, '')} |" for name, words in WORDS.items()]
    table = "\n".join(["| `metric` | what it is | where there is no difference |", "|---|---|---|", *rows])
    return markdown.replace(MARK, table)
