"""Brackets, ages and age bands, in one place for all who need them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

AGE_GROUPS = ("18-29", "30-39", "40-49", "50-59", "60-69")


def bracket_names(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """The bracket of each row, e.g. `female 18-29`; `all` where there are no columns."""
    if not columns:
        return pd.Series("all", index=table.index)
    name = table[columns[0]].astype(str)
    for column in columns[1:]:
        name = name + " " + table[column].astype(str)
    return name
