"""CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import pandas as pd

#: A cell that starts with one of these may be run as a formula by a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def spreadsheet_safe(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before every text that a spreadsheet would take for a formula.

    Only the CSV is written so; Parquet and JSON keep the names as they are.
    """
    safe = table.copy()
    for name in safe.columns:
        if pd.api.types.is_string_dtype(safe[name]) or safe[name].dtype == object:
            text = safe[name].astype(object)
            risky = text.map(lambda value: isinstance(value, str) and value.startswith(_FORMULA))
            safe[name] = text.where(~risky, "'" + text.astype(str))
    return safe
