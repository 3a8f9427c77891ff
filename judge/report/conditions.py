"""Which conditions a table holds, in which order, and which of them is the baseline.

A table carries this itself. Its column `condition` is an ordered Categorical that a page sets once, when it is
entered (`with_order`): the first category is the baseline, and what nobody was trained for (the raters' mean, the
known truth) comes last. A column of plain text or an unordered Categorical (the score columns of an audit) has no
baseline.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from judge.errors import InputError, listed

RATERS = "raters’ mean"  # whom the people's ratings would have chosen
TRUTH = "truth"  # the condition in which nobody judges: the known truth of rendered faces ranks them
REFERENCES = (RATERS, TRUTH)


def with_order(table: pd.DataFrame, conditions: Sequence[str], *, baseline: bool = True) -> pd.DataFrame:
    """A copy whose `condition` has this order, the references after it.

    baseline: the first is what the others are compared with. Raises InputError for a condition that has no place.
    """
    names = [*(str(c) for c in conditions if c not in REFERENCES), *REFERENCES]
    codes, found = pd.factorize(
        table["condition"]
    )  # a name is looked up once, not in each of millions of rows
    text = [str(name) for name in found] + ["nan"]
    strangers = sorted({text[code] for code in set(codes)} - set(names))
    if strangers:
        raise InputError(f"a table has the condition(s) {listed(strangers)}; the run's are {listed(names)}")
    where = np.array([names.index(name) if name in names else -1 for name in text])
    column = pd.Categorical.from_codes(where[codes], categories=names, ordered=baseline)
    return table.assign(condition=column)


def in_order(column: pd.Series) -> list[str]:
    """The conditions that a column holds: in the run's order, those of plain text as they come."""
    found = [str(name) for name in column.unique()]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [name for name in column.cat.categories if name in set(found)]
    return list(dict.fromkeys(found))


def places(column: pd.Series) -> list[str]:
    """All conditions that have a place in the column's order, whether it holds them or not; no references."""
    categorical = isinstance(column.dtype, pd.CategoricalDtype)
    names = list(column.cat.categories) if categorical else in_order(column)
    return [name for name in names if name not in REFERENCES]


def baseline_of(column: pd.Series) -> str | None:
    """The condition that the others are compared with; None where there is none."""
    ordered = isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered
    return str(column.cat.categories[0]) if ordered else None


def titled(name: str, baseline: str | None) -> str:
    """The condition's name, with "(baseline)" behind that of the baseline."""
    return f"{name} (baseline)" if name == baseline else name


def cells(column: pd.Series) -> list[str]:
    """The column as it is read down a table: the baseline is marked where it stands first."""
    text, baseline = [str(name) for name in column], baseline_of(column)
    if baseline in text:
        text[text.index(baseline)] = titled(baseline, baseline)
    return text
