"""The audit for a terminal: what it says, in words; a line a group; and on demand every number."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from judge.cli.terminal import printable, width
from judge.fairness.findings import findings
from judge.report.compact import Compact, compact_tables
from judge.report.measures import words
from judge.report.sentences import Said, said

#: Most groups of one metric that a terminal shows; the files hold all.
MOST_GROUPS = 24
#: Lines in which the findings are told; how many results are listed follows from it.
FIRST = 19
WIDTH = 100
#: Scores of which a finding that each score has is told.
SCORES = 2
_TIED = "\u00a0"  # a blank at which no line breaks
#: Columns of a table whose cells are set flush right.
_RIGHT = ("entrants", "winners", "of entrants", "by chance", "rate", "n", "p", "p Holm", "crude ratio")


def audit_text(
    table: pd.DataFrame,
    *,
    notes: list[str],
    confidence: float = 0.95,
    everything: bool = False,
    width: int = WIDTH,
) -> str:
    """What the audit says, then a line a group (or every number of each feature), then the notes.

    Parameters
    ----------
    table : DataFrame
        As from `judge.fairness.audit.audit`.
    notes : list of str
        Who was excluded, and other remarks.
    confidence : float
        As given to the audit.
    everything : bool
        All rows of the audit instead of the short tables.
    width : int
        Letters a line of the sentences; tables are as wide as they are.

    Returns
    -------
    str
        Lines without control characters of the table's own; the findings stand in the first 20.

    Examples
    --------
    >>> from judge.fairness.audit import audit
    >>> people = pd.DataFrame({"g": ["a"] * 4 + ["b"] * 6, "won": [1, 1, 0, 0, 1, 0, 0, 0, 0, 0]})
    >>> audit_text(audit(people, features="g", winner="won", n_permutations=99), notes=[]).splitlines()[0]
    'what the audit says, with 95 % intervals'
    """
    lines = findings_text(table, confidence=confidence, width=width).splitlines()
    if everything:
        for feature, block in table.groupby("feature", sort=False):
            columns = list(dict.fromkeys(block["score_column"]))
            lines += ["", f"{printable(str(feature))} ({', '.join(printable(c) for c in columns)})"]
            lines += _one(block) if len(columns) == 1 else _side_by_side(block, columns)
    else:
        for short in compact_tables(table, limit=MOST_GROUPS):
            lines += ["", *_compact(short)]
    if notes:
        lines += ["", "notes"]
        for note in notes:
            lines += _wrapped(printable(note, 400), "  - ", "    ", width)
    lines += ["", "intervals are of one row each; p Holm is adjusted over the tests of its family"]
    if not everything:
        lines += [f"every number ({len(table):,} rows): --all, --json or --out DIR"]
    return "\n".join(lines)


def findings_text(table: pd.DataFrame, *, confidence: float = 0.95, width: int = WIDTH) -> str:
    """What the audit says, in at most 20 lines where lines of `width` letters allow it.

    Parameters
    ----------
    table, confidence, width
        As for `audit_text`.

    Returns
    -------
    str
        A heading and the findings. Of the results that survive Holm's adjustment so many are listed as have room, at
        least one; the rest is counted.

    Examples
    --------
    >>> from judge.fairness.audit import audit
    >>> people = pd.DataFrame({"g": ["a"] * 4 + ["b"] * 6, "won": [1, 1, 0, 0, 1, 0, 0, 0, 0, 0]})
    >>> print(findings_text(audit(people, features="g", winner="won", n_permutations=99)))  # doctest: +ELLIPSIS
    what the audit says, with 95 % intervals
      Primary contrast: b has 33.3 % ...
    """
    told = _few(said(findings(table, confidence=confidence), table))
    listed = max((len(sentence.items) for sentence in told), default=0)
    for most in range(listed, 0, -1):
        lines = _told(told, most, width)
        if len(lines) <= FIRST:
            break
    else:
        lines = _told(told, min(listed, 1), width)
    return "\n".join([f"what the audit says, with {100 * confidence:.4g} % intervals", *lines])


def _few(told: Sequence[Said]) -> list[Said]:
    """The findings with at most SCORES of each kind: a table of many scores has one of some kinds for each."""
    kept: list[Said] = []
    for kind in dict.fromkeys(sentence.kind for sentence in told):
        own = [sentence for sentence in told if sentence.kind == kind]
        most = SCORES if kind != "absent" else 2 * SCORES
        kept += own[:most]
        if len(own) > most:
            kept[-1] = replace(
                kept[-1], text=f"{kept[-1].text} And {len(own) - most} more such lines: --findings --json."
            )
    return kept


def _told(told: Sequence[Said], most: int, width: int) -> list[str]:
    lines = []
    for sentence in told:
        lines += _wrapped(sentence.text, "  ", "    ", width)
        for item in sentence.lines(most):
            lines += _wrapped(item, "    - ", "      ", width)
    return lines


def _wrapped(text: str, first: str, rest: str, width: int) -> list[str]:
    """Lines without control characters, none broken within "p = .03", "5 %" or an interval."""
    kept = re.sub(
        r"(?<=[pα]) (?=[=<≤])|(?<=[=<≤]) (?=[.\d])|(?<=\d) (?=%)|(?<=,) (?=[-−\d]\S*\s?%?\])", _TIED, text
    )
    lines = textwrap.wrap(
        printable(kept, 1000), width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )
    return [line.replace(_TIED, " ") for line in lines]


def _compact(short: Compact) -> list[str]:
    what = "who won" if short.kind == "winners" else "scores"
    head = f"{printable(short.feature)} ({printable(short.score)}): {what}"
    head += f"; {printable(short.note, 80)}" if short.note else ""
    rows = [[printable(cell) for cell in row] for row in short.rows]
    right = {i for i, name in enumerate(short.headings) if name in _RIGHT}
    lines = [head, *_aligned(list(short.headings), rows, right=right)]
    return [*lines, f"… and {short.more} smaller groups"] if short.more else lines


def _one(block: pd.DataFrame) -> list[str]:
    head = ["metric", "group", "value", "interval", "n", "p", "p adj", "test", ""]
    rows = [
        [
            _metric(row.metric, row.bracket),
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
        rows.append([_metric(str(metric), str(bracket)), printable(str(group)), *cells])
    return _aligned(head, rows, right=set()) + _hidden(block)


def _metric(metric: str, bracket: str) -> str:
    """The metric's own name, and what words alone would tell: adjusted or compared within brackets, one bracket."""
    if bracket not in ("all", "within"):
        return f"{metric} in {printable(bracket)}"
    remark = words(metric, bracket).removeprefix(words(metric)).strip()
    return f"{metric} {remark}".strip()


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
