"""One column of a table of entrants at a time, as the audit needs it: codes, numbers, yes or no, ids.

`FrameColumns` reads them from a data frame, `ParquetColumns` from a file, batch by batch and without a Python object a
person, so that ten million rows cost what their columns weigh. Both answer the same questions with the same errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, Union

from judge.fairness.audit.columns.codes import MISSING, Codes, codes_of
from judge.fairness.audit.columns.frame import FrameColumns

if TYPE_CHECKING:
    from judge.fairness.audit.columns.parquet import ParquetColumns

#: Either source of columns.
Columns: TypeAlias = Union[FrameColumns, "ParquetColumns"]

__all__ = ["MISSING", "Codes", "Columns", "FrameColumns", "codes_of"]
