"""The sensitive feature's groups: names and codes made once, from the source, and shared by every table of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed


@dataclass(frozen=True)
class Groups:
    """Code k means `names[k]` in every pool, validation part, batch and condition of a run.

    feature  the manifest's column
    names    its values, in order
    """

    feature: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, source: pd.DataFrame, feature: str) -> Groups:
        """The groups of `feature` that occur in `source`, by name. Raises InputError if there is none."""
        if feature not in source:
            raise InputError(f"no column {feature!r}; there is {listed(source.columns)}")
        names = tuple(sorted(source[feature].dropna().astype(str).unique()))
        if not names:
            raise InputError(f"nobody has a value in {feature!r}")
        return cls(feature, names)

    def codes(self, table: pd.DataFrame) -> NDArray[np.int64]:
        """(n,) codes 0 … G-1 of the table's rows, −1 for a missing value or a group that the source lacks."""
        if self.feature not in table:
            raise InputError(f"no column {self.feature!r}; there is {listed(table.columns)}")
        values = table[self.feature]
        return pd.Index(self.names).get_indexer(values.astype(str).where(values.notna())).astype(np.int64)

    def counts(self, codes: Iterable[int]) -> pd.Series:
        """Rows of each group, groups without any included."""
        codes = np.asarray(list(codes), dtype=np.int64)
        return pd.Series(np.bincount(codes[codes >= 0], minlength=len(self.names)), index=list(self.names))
