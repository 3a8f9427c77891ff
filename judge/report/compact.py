"""An audit in two short tables for each feature and score: who won, and how groups are scored. A line is a group.

A terminal and a paper show these; the audit table itself, a number a row, goes to files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from judge.report.wording import headcount, number, p_text, percent


@dataclass(frozen=True)
class Compact:
    """A table as text: headings, and a cell for each in every row. The first column names the group.

    kind: "winners" or "scores". more: groups beyond the limit, which are in the audit table.
    """

    feature: str
    score: str
    kind: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    more: int = 0


def compact_tables(table: pd.DataFrame, *, limit: int | None = None) -> list[Compact]:
    """The short tables of an audit.

    Parameters
    ----------
    table : DataFrame
        As from `judge.fairness.audit.audit`; bracket's own rows are left out.
    limit : int, optional
        Most groups of one table, the largest ones; None: all.

    Returns
    -------
    list of Compact
        For each feature and score, who won (where anybody was selected) and how groups are scored (where there are
        scores). Columns in which nothing stands are left out.

    Examples
    --------
    >>> from judge.fairness.audit import audit
    >>> people = pd.DataFrame({"g": ["a"] * 4 + ["b"] * 6, "won": [1, 1, 0, 0, 1, 0, 0, 0, 0, 0]})
    >>> short = compact_tables(audit(people, features="g", winner="won", reference="b", n_permutations=99))[0]
    >>> short.headings[:3], short.rows[0][:3]
    (('group', 'entrants', 'winners'), ('a', '4', '2'))
    """
    if "bracket" in table:
        table = table[table["bracket"].fillna("all").isin(["all", "within", ""])]
    found = []
    for (feature, score), block in table.groupby(["feature", "score_column"], sort=False):
        cells = {(row["metric"], row["group"]): row for row in block.to_dict("records")}
        within = any(
            row["bracket"] == "within" and row["metric"] == "selection_rate_ratio" for row in cells.values()
        )
        for kind, base, columns in (
            ("winners", "selection_rate", _winner_columns(cells, within=within)),
            ("scores", "mean_score", _score_columns(cells)),
        ):
            rows = block[block["metric"] == base]
            if rows.empty:
                continue
            groups = list(dict.fromkeys(rows["group"]))
            if limit is not None and len(groups) > limit:
                largest = set(rows.sort_values("n", ascending=False, kind="stable")["group"].head(limit))
                groups = [group for group in groups if group in largest]
            more = rows["group"].nunique() - len(groups)
            lines = [[group, *[write(group) for write in columns.values()]] for group in groups]
            used = [
                0,
                *[i for i in range(1, len(columns) + 1) if any(line[i] not in ("", "–") for line in lines)],
            ]
            headings = ["group", *columns]
            found.append(
                Compact(
                    str(feature),
                    str(score),
                    kind,
                    tuple(headings[i] for i in used),
                    tuple(tuple(line[i] for i in used) for line in lines),
                    _note(cells, kind),
                    more,
                )
            )
    return found


_Cells = Mapping[tuple[str, str], Mapping[str, Any]]
_Write = Callable[[str], str]


def _winner_columns(cells: _Cells, *, within: bool) -> dict[str, _Write]:
    ratio = "ratio adjusted for brackets" if within else "ratio"
    return {
        "entrants": lambda group: _count(_get(cells, "selection_rate", group, "n")),
        "winners": lambda group: _count(
            _get(cells, "winner_share", group, "value") * _get(cells, "winner_share", group, "n")
        ),
        "of entrants": lambda group: percent(_get(cells, "entrant_share", group, "value")),
        "by chance": lambda group: percent(_get(cells, "expected_winner_share", group, "value")),
        "of winners": lambda group: _spanned(cells, "winner_share", group, share=True),
        "rate": lambda group: percent(_get(cells, "selection_rate", group, "value"), 2),
        ratio: lambda group: _spanned(cells, "selection_rate_ratio", group),
        "crude ratio": lambda group: number(_get(cells, "selection_rate_ratio_crude", group, "value")),
        "p": lambda group: _p(cells, ("selection_rate_ratio", "winner_share"), group, "p_value"),
        "p Holm": lambda group: _p(cells, ("selection_rate_ratio", "winner_share"), group, "p_adjusted"),
    }


def _score_columns(cells: _Cells) -> dict[str, _Write]:
    return {
        "n": lambda group: _count(_get(cells, "mean_score", group, "n")),
        "mean score": lambda group: _spanned(cells, "mean_score", group),
        "outranks": lambda group: _spanned(cells, "outrank_probability", group),
        "p": lambda group: _p(cells, ("outrank_probability",), group, "p_value"),
        "p Holm": lambda group: _p(cells, ("outrank_probability",), group, "p_adjusted"),
        "signed error": lambda group: _spanned(cells, "signed_error", group),
        "correlation": lambda group: _spanned(cells, "pearson", group),
    }


def _note(cells: _Cells, kind: str) -> str:
    metric = "selection_rate_ratio" if kind == "winners" else "outrank_probability"
    references = {
        str(row["reference"]) for (name, _), row in cells.items() if name == metric and row["reference"]
    }
    if len(references) != 1:
        return ""
    what = "ratio" if kind == "winners" else "outranks: probability,"
    return f"{what} against {references.pop()}"


def _get(cells: _Cells, metric: str, group: str, column: str) -> float:
    row = cells.get((metric, group))
    return float("nan") if row is None else float(row[column])


def _spanned(cells: _Cells, metric: str, group: str, *, share: bool = False) -> str:
    value, low, high = (_get(cells, metric, group, column) for column in ("value", "ci_low", "ci_high"))
    if share:
        bare = [percent(end).removesuffix(" %") for end in (low, high)]
        return percent(value) + ("" if np.isnan(low) else f" [{bare[0]}, {bare[1]}]")
    return number(value) + ("" if np.isnan(low) else f" [{number(low)}, {number(high)}]")


def _p(cells: _Cells, metrics: tuple[str, ...], group: str, column: str) -> str:
    """The first of these metrics that has one: a test stands on one row only."""
    for metric in metrics:
        value = _get(cells, metric, group, column)
        if np.isfinite(value):
            row = cells[metric, group]
            primary = column == "p_adjusted" and (bool(row["primary"]) or row.get("family") == "primary")
            return "primary" if primary else p_text(value)
    return "–"


def _count(value: float) -> str:
    return "–" if np.isnan(value) else headcount(value)
