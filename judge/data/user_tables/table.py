"""The table that reading gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from judge.data.user_tables.columns import case_note, numbers, texts, typed


@dataclass
class UserTable:
    """A table as somebody brought it.

    name     of the file, for messages
    frame    of a CSV, text columns; of Parquet, columns as they are stored, its index put back among them
    notes    sentences about what was mended or left out, with counts
    decimal_comma  numbers may be written 3,5: commas do not separate the columns
    lists    names of columns that were left out because they hold lists
    """

    name: str
    frame: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    decimal_comma: bool = False
    lists: tuple[str, ...] = ()

    def texts(self, column: str) -> pd.Series:
        """The column as text, see `texts`; names that differ in letter case alone are noted."""
        words = texts(self.frame[column], f"{self.name}: column {column!r}")
        note = case_note(words, column)
        if note:
            self.notes.append(note)
        return words

    def numbers(self, column: str) -> tuple[pd.Series, pd.Series]:
        """The column as numbers, and which cells are none, see `numbers`."""
        return numbers(
            self.frame[column], f"{self.name}: column {column!r}", decimal_comma=self.decimal_comma
        )

    def typed(self, column: str) -> pd.Series:
        """The column as numbers or truth values where every cell is one as programs write it; else as it is."""
        return typed(self.frame[column])
