"""The audit table for a terminal."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pandas as pd

#: Most groups of one metric that a terminal shows; the files hold all.
MOST_GROUPS = 24


def audit_text(table: pd.DataFrame, *, notes: list[str]) -> str:
    """The numbers of each feature, scores side by side where there are several, then the notes."""
    lines: list[str] = []
    for feature, block in table.groupby("feature", sort=False):
        columns = list(dict.fromkeys(block["score_column"]))
        lines += ["", f"{printable(str(feature))} ({', '.join(printable(c) for c in columns)})"]
        lines += _one(block) if len(columns) == 1 else _side_by_side(block, columns)
    if notes:
        lines += ["", "notes", *[f"  - {printable(note, 400)}" for note in notes]]
    primary = table[table["primary"].astype(bool)]
    for row in primary.itertuples():
        lines += [
            "",
            f"primary contrast: share of winners, {printable(row.group)} against {printable(row.reference)} "
            f"({printable(row.feature)}, {printable(row.score_column)}): {number(row.value)} "
            f"{span(row.ci_low, row.ci_high)}, p = {p_text(row.p_value)} ({row.test})",
        ]
    lines += ["every other p-value also carries Holm's adjustment (p adj); intervals are per row"]
    return "\n".join(lines[1:])


def _one(block: pd.DataFrame) -> list[str]:
    head = ["metric", "group", "value", "interval", "n", "p", "p adj", "test", ""]
    rows = [
        [
            row.metric + ("" if row.bracket in ("all", "within") else f" in {printable(row.bracket)}"),
            printable(row.group),
            number(row.value),
            span(row.ci_low, row.ci_high),
            f"{row.n:,}",
            p_text(row.p_value),
            p_text(row.p_adjusted) if not row.primary else "primary",
            row.test,
            printable(row.flag, 90),
        ]
        for row in _shortened(block).itertuples()
    ]
    return _aligned(head, rows, right={2, 4, 5, 6}) + _hidden(block)


def _side_by_side(block: pd.DataFrame, columns: list[str]) -> list[str]:
    keys = ["metric", "group", "bracket", "test"]
    head = ["metric", "group", *[printable(c) for c in columns]]
    rows = []
    for (metric, group, bracket, _), part in _shortened(block).groupby(keys, sort=False):
        cells = []
        for column in columns:
            own = part[part["score_column"] == column]
            cells.append(" ".join(_cell(row) for row in own.head(1).itertuples()))
        name = metric + ("" if bracket in ("all", "within") else f" in {printable(bracket)}")
        rows.append([name, printable(group), *cells])
    return _aligned(head, rows, right=set()) + _hidden(block)


def _cell(row: Any) -> str:
    """Value, interval, p with Holm's adjustment; "< 4/5" only ever stands behind the interval of its ratio."""
    p = "" if np.isnan(row.p_value) else f"p={p_text(row.p_value)}"
    if p and not np.isnan(row.p_adjusted):
        p += " primary" if row.primary else f" adj {p_text(row.p_adjusted)}"
    mark = (
        "< 4/5"
        if row.flag.startswith("below four fifths")
        else "> 5/4"
        if row.flag.startswith("above: ")
        else ""
    )
    return " ".join(part for part in (number(row.value), span(row.ci_low, row.ci_high), mark, p) if part)


def _shortened(block: pd.DataFrame) -> pd.DataFrame:
    position = block.groupby(["metric", "score_column", "bracket"], sort=False).cumcount()
    return block[position < MOST_GROUPS]


def _hidden(block: pd.DataFrame) -> list[str]:
    hidden = len(block) - len(_shortened(block))
    return [f"… and {hidden} more rows: --out DIR or --json gives all"] if hidden else []


def _aligned(head: list[str], rows: list[list[str]], *, right: set[int]) -> list[str]:
    widths = [max(width(line[i]) for line in [head, *rows]) for i in range(len(head))]

    def line(cells: list[str]) -> str:
        padded = [
            " " * (w - width(c)) + c if i in right else c + " " * (w - width(c))
            for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    return [line(head), *[line(row) for row in rows]]


def printable(text: str, most: int = 40) -> str:
    """Text without control characters, which could write over a terminal, cut to `most` characters."""
    clean = "".join("�" if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in str(text))
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def width(text: str) -> int:
    """Columns that a terminal gives the text: East Asian wide characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def number(value: float) -> str:
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) >= 10:
        return f"{int(value):,}"
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.1f}"


def span(low: float, high: float) -> str:
    return "" if np.isnan(low) and np.isnan(high) else f"[{number(low)}, {number(high)}]"


def p_text(p: float) -> str:
    if np.isnan(p):
        return ""
    if p < 1e-300:  # no float holds it: the table has the smallest one, its flag the logarithm
        return "<1e-300"
    return f"{p:.4f}" if p >= 0.0001 else f"{p:.1e}"
