"""Tables and sentences of a card, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; cells are told as `cell` does."""
    lines = [columns, ["---"] * len(columns), *([cell(one) for one in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: Any) -> str:
    """Text in one line, numbers with three digits, nothing for what is missing.

    >>> cell(0.123456), cell("a|b"), cell(1200), cell(float("nan"))
    ('0.123', 'a\\\\|b', '1,200', '–')
    """
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return " ".join(str(value).split()).replace("|", "\\|")


def interval(row: Any) -> str:
    """A number with its interval: .38 [.27, .50]."""
    if pd.isna(row.value):
        return "–"
    if pd.isna(row.ci_low) or pd.isna(row.ci_high):
        return f"{row.value:.2f}"
    return f"{row.value:.2f} [{row.ci_low:.2f}, {row.ci_high:.2f}]"


def listed(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {one}" for one in sentences)
