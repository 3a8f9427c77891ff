"""Single ratings of somebody's own pictures, and the scale that they are on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from judge.data.readers.common import Exclusions
from judge.data.readers.names import FileNames
from judge.data.user_tables import read_user_table
from judge.errors import InputError, listed


def single_ratings(
    file: Path, name: str, columns: Mapping[str, str], rows: pd.DataFrame, exclusions: Exclusions
) -> pd.DataFrame:
    """image_id, rater_id, rating and further columns of the raters, of a table with a row a rating.

    columns  {image_id, rater_id, rating: the table's names for them}. Without a rater_id, in the table or among
             `columns`, each row is a rater of its own, which is said
    rows     image_id, and `named`: what the table of labels calls the picture, of the pictures that are labelled
    Raises InputError for a column that is absent, and for ratings that are no numbers.
    """
    table = read_user_table(file)
    if absent := [column for column in columns.values() if column not in table.frame]:
        raise InputError(
            f"{name}: {file.name} has no column {listed(absent)}; it has {listed(table.frame.columns)}"
        )
    taken = [column for column in columns if column in table.frame and column not in columns.values()]
    table.frame = table.frame.drop(columns=taken).rename(columns={old: new for new, old in columns.items()})
    if missing := [column for column in ("image_id", "rating") if column not in table.frame]:
        raise InputError(
            f"{name}: {file.name} has no column {listed(missing)}; it has {listed(table.frame.columns)}"
        )
    rating, words = table.numbers("rating")
    if words.any():
        raise InputError(f"{name}: {file.name}: the column rating holds words that are no numbers")
    if "rater_id" not in table.frame:
        table.frame["rater_id"] = [f"row {i}" for i in range(1, len(table.frame) + 1)]
        exclusions.notes.append(
            f"{file.name} does not say who rated: each of its rows is taken for another rater"
        )
    typed = {column: table.typed(column) for column in table.frame}
    for column in typed:
        if column in ("image_id", "rater_id") or (column.startswith("rater_") and column != "rater_bias"):
            typed[column] = table.texts(column)
    known = FileNames(rows["image_id"])
    called = dict(zip(rows["named"], rows["image_id"], strict=True)) if "named" in rows else {}
    ids = typed["image_id"].map(
        {
            one: one if one in known else called.get(one) or known.find(one) or one
            for one in typed["image_id"].dropna().unique()
        }
    )
    long = pd.DataFrame(typed).assign(image_id=ids.astype("str"), rating=rating)
    long = long.dropna(subset=["image_id", "rater_id", "rating"]).reset_index(drop=True)
    lost = ~long["image_id"].map(known.__contains__).astype(bool)
    if lost.any():
        exclusions.notes.append(
            f"{file.name}: {int(lost.sum()):,} of {len(long):,} single ratings are of no picture in the table, first "
            f"{listed(long.loc[lost, 'image_id'].unique(), 2)}"
        )
    exclusions.notes += table.notes
    return long


def span_of(
    rows: pd.DataFrame, long: pd.DataFrame | None, name: str, given: Sequence[float] | None
) -> tuple[float, float] | None:
    """(lowest, highest) rating: as given, else as they occur; None where nothing is rated.

    Raises InputError for a range whose ends are in the wrong order.
    """
    single = pd.Series(dtype=float) if long is None else long["rating"]
    if "rating" in rows:
        rated = rows["rating"].notna().any()
    else:  # the pictures' ratings will be the means of the single ones
        rated = long is not None and long["image_id"].isin(rows["image_id"]).any()
    if not rated:
        return None
    if given is not None:
        low, high = map(float, given)
        if not low < high:
            raise InputError(f"{name}: rating_range is [lowest, highest], not {list(given)}")
        return low, high
    every = pd.concat([rows["rating"], single]) if "rating" in rows else single
    return float(every.min()), float(every.max())
