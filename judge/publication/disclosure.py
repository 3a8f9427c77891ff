"""What may be told of people who exist: groups, ratings and scores, by numbers that are drawn anew; nothing else.

A publication is for good. Of photographs of real people it therefore holds no picture, no path, no file name (which in
several data sets is somebody's name), no hash by which a picture could be found, and no column that is not known to be
harmless. Rows stay apart from the original: ids are replaced by numbers in an order that nobody keeps. A rating with
many digits and a group can still point to one row of a data set that is public: the card says so.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from judge.data.tables import SENSITIVE_FEATURES

#: Columns of people who exist that are published, besides the groups.
HARMLESS = ("image_id", "person_id", "split", "rating", "rating_source", "source", "weight")
#: Columns that name people: in every table they are replaced together.
IDS = ("image_id", "person_id", "rater_id")
#: What stands for a path of the machine that a publication was made on.
PATH = "(a path)"
#: Settings of a data set that name folders and files, or the pictures that were left out.
_FILES = ("root", "table", "ratings", "exclude")
_NAMED = re.compile(r"(\b(?:root|table|ratings)=)[^\s'\",\]}]+|(\bexclude=)\S+")
_PATHS = re.compile(r"(?<![\w.])(?:~|/|[A-Za-z]:[\\/])[^\s'\",\]}]*")


def of_real_people(
    tables: Mapping[str, pd.DataFrame], *, people: str, features: Sequence[str] = ()
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """The tables as they may be published, and sentences about what is not in them.

    people    name of the table with a row a picture
    features  further columns of groups
    """
    kept: dict[str, pd.DataFrame] = {}
    told = []
    allowed = [*HARMLESS, *SENSITIVE_FEATURES, *features]
    lost = [name for name in tables[people] if name not in allowed]
    if lost:
        told.append(f"columns of `{people}`: {', '.join(f'`{name}`' for name in lost)}")
    numbers = {name: _numbered(name, tables) for name in IDS}
    for name, table in tables.items():
        if name == people:
            table = table[[column for column in table if column in allowed]]
        if name == "excluded":  # its items are file names
            by = [column for column in ("dataset", "reason") if column in table]
            kept[name] = table.groupby(by, observed=True, dropna=False).size().rename("n").reset_index()
            told.append("names of files that could not be used (`excluded` counts them by reason)")
            continue
        if name in ("ratings", "raters"):
            table = table[[c for c in table if c in ("image_id", "rating") or c.startswith("rater_")]]
        words = [column for column in ("reason", "detail") if column in table]
        table = table.assign(
            **{column: table[column].map(ids) for column, ids in numbers.items() if column in table},
            **{column: table[column].map(without_paths) for column in words},
        )
        ids = [column for column in ("image_id", "rater_id") if column in table]
        # the order of a data set's files is a trace as well
        kept[name] = table.sort_values(ids, ignore_index=True) if ids else table
    told.append("ids: they are numbers drawn anew, so that no row names a file or a person")
    return kept, told


def _numbered(column: str, tables: Mapping[str, pd.DataFrame]) -> dict[Any, str]:
    """id → a number in random order; the order comes from the system and is not kept."""
    ids = pd.unique(
        pd.concat([table[column] for table in tables.values() if column in table] or [pd.Series(dtype=str)])
    )
    order = np.random.default_rng(secrets.randbits(128)).permutation(len(ids))
    word = column.removesuffix("_id")
    return {one: f"{word}-{number + 1:06d}" for one, number in zip(ids, order, strict=True) if pd.notna(one)}


def without_paths(value: Any) -> Any:
    """Settings, or a command, with `(a path)` in place of absolute paths, and of files that a data set was read from.

    >>> without_paths({"root": "/home/me/faces", "size": 64})
    {'root': '(a path)', 'size': 64}
    >>> without_paths({"table": "ada.csv", "exclude": ["ada.jpg"], "ratings": {"noise": 1.5}})
    {'table': '(a path)', 'exclude': '(a path)', 'ratings': {'noise': 1.5}}
    >>> without_paths("judge run data.root=faces/of/ada seed=1 --config-dir /home/me pool.majority_share=.9")
    'judge run data.root=(a path) seed=1 --config-dir (a path) pool.majority_share=.9'
    """
    if isinstance(value, Mapping):
        return {
            key: PATH if key in _FILES and isinstance(one, str | list) else without_paths(one)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_paths(one) for one in value]
    if not isinstance(value, str):
        return value
    return _PATHS.sub(PATH, _NAMED.sub(lambda found: f"{found[1] or found[2]}{PATH}", value))
