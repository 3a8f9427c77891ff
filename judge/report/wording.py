"""How numbers, shares, p-values and groups are written: the same on a page, in a table and in a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

MISSING = "(missing)"


def number(value: float, digits: int = 2) -> str:
    """0.53, −0.07, ∞ or – for not available: the form used in figures and tables."""
    if value is None or pd.isna(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if 1e-4 <= abs(value) < 0.5 * 10**-digits:  # a small ratio must not read as none
        text = f"{value:.1g}"
    elif abs(value) >= 1e5:
        text = f"{value:.3g}"
    else:
        text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else f"{0:.{digits}f}"  # no −0.00


def percent(share: float, digits: int = 1) -> str:
    """A share in 0–1 as 12.3 %."""
    if share is None or pd.isna(share):
        return "–"
    return f"{100 * share:.{digits}f} %".replace("-", "−")


def level(rows: pd.DataFrame) -> str:
    """The level of the rows' intervals in words, from their column `confidence`; "95 %" where they have none."""
    confidence = rows["confidence"].iloc[0] if "confidence" in rows and len(rows) else 0.95
    return f"{100 * float(confidence):.4g} %"


def p_text(p: float) -> str:
    """.032, <.001 or –."""
    if p is None or pd.isna(p):
        return "–"
    if p < 0.001:
        return "<.001"
    return "1" if p > 0.9995 else f"{p:.3f}".removeprefix("0")


def p_said(p: float) -> str:
    """p = .032, p < .001 or nothing where there is no p-value."""
    if p is None or pd.isna(p):
        return ""
    return "p < .001" if p < 0.001 else f"p = {p_text(p)}"


def headcount(n: float) -> str:
    """1,200 people; averages over lots, which need not be whole, with one decimal."""
    return f"{round(n):,}" if abs(n - round(n)) < 1e-6 else f"{n:,.1f}"


def counted(n: int, thing: str) -> str:
    """1 run, 2 runs."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def named(name: object) -> str:
    """A condition's name within a sentence: set as code, so that `within` is no preposition."""
    return f"`{name}`"


def joined(words: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def as_group(labels: pd.Series) -> pd.Series:
    """Labels as plain text; a missing one becomes "(missing)" and stays a group."""
    codes, names = pd.factorize(labels)  # text is made once a group, not once a row
    text = np.array([str(name) for name in names] + [MISSING], dtype=object)
    return pd.Series(text[codes], index=labels.index, dtype=object)


def largest(counts: pd.Series, limit: int) -> tuple[list[str], int]:
    """(names of the `limit` largest groups, in order of name; how many groups are left out)."""
    counts = counts.groupby(level=0).sum()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return sorted(str(name) for name, _ in ordered[:limit]), max(len(ordered) - limit, 0)
