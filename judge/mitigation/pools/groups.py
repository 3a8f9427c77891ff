"""What the methods of this room share: which groups there are in a pool, and which are not."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from judge.errors import InputError, listed


def group_counts(pool: pd.DataFrame, source: pd.DataFrame, feature: str) -> pd.Series:
    """Pictures of each group in the pool, groups that only the source has included, ordered by name.

    Raises InputError when the feature is missing from a table or a row of the pool has no group.
    """
    for name, table in (("pool", pool), ("source", source)):
        if feature not in table:
            raise InputError(
                f"mitigation: the {name} has no column {feature!r}; it has {listed(table.columns)}"
            )
    if pool[feature].isna().any():
        raise InputError(
            f"mitigation: {int(pool[feature].isna().sum())} pictures of the pool have no {feature}"
        )
    groups = sorted(set(source[feature].dropna()) | set(pool[feature]))
    return pool[feature].value_counts().reindex(groups, fill_value=0)


def everyone_there(counts: pd.Series, method: str) -> None:
    """Raises InputError if a group has no picture in the pool: nothing can be made of nothing."""
    empty = counts.index[counts == 0]
    if len(empty):
        raise InputError(
            f"mitigation {method}: the pool has no picture of {listed(empty)}; lower the majority share, "
            "or choose redraw, which takes new pictures"
        )


def columns(names: str | Sequence[str] | None) -> list[str]:
    """A setting that takes none, one or several columns, as a list."""
    if names is None:
        return []
    return [names] if isinstance(names, str) else list(names)
