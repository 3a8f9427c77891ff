"""The four tables that flow through the project, as pandera schemas, and the files they are kept in.

manifest  one row a picture         image_id, path, split, rating, rating_source, source, sensitive features …
ratings   one row a single rating   image_id, rater_id, rating, rater_ethnicity …  (where a data set has them)
scores    one row a judged picture  image_id, judge, seed, score
ranking   one row an entrant        image_id, bracket, score, rank, winner
audit     one row a number          metric, feature, group, value, n, ci_low, ci_high, p_value, test

Tables may carry further columns; the ones named here have to be there with these types.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa

from judge.data.spreadsheets import spreadsheet_safe
from judge.errors import InputError, listed
from judge.storage import replacing

SPLITS = ("train", "val", "test")
SOURCES = ("photo", "parametric", "generated")
#: Columns that a manifest may group people by; a reader fills those that its data set knows.
SENSITIVE_FEATURES = ("ethnicity", "gender", "age_group", "skin_tone")

_text: dict[str, Any] = {"dtype": str, "coerce": True}

MANIFEST = pa.DataFrameSchema(
    {
        "image_id": pa.Column(**_text, unique=True),
        "path": pa.Column(**_text),
        "split": pa.Column(**_text, checks=pa.Check.isin(SPLITS), nullable=True, required=False),
        "rating": pa.Column(float, nullable=True, coerce=True),
        "rating_source": pa.Column(**_text, nullable=True),
        "source": pa.Column(**_text, checks=pa.Check.isin(SOURCES)),
        "ethnicity": pa.Column(**_text, nullable=True, required=False),
        "gender": pa.Column(**_text, nullable=True, required=False),
        "age_group": pa.Column(**_text, nullable=True, required=False),
        "age": pa.Column(float, nullable=True, coerce=True, required=False),
        # pictures of one person share a person_id: twins, second photographs
        "person_id": pa.Column(**_text, nullable=True, required=False),
        # training weight of the picture, mean 1; absent means 1
        "weight": pa.Column(float, checks=pa.Check.ge(0), coerce=True, required=False),
    },
    name="manifest",
)
RATINGS = pa.DataFrameSchema(
    {
        "image_id": pa.Column(**_text),
        "rater_id": pa.Column(**_text),
        "rating": pa.Column(float, coerce=True),
        # who the rater is, where a data set knows; bias in points of the scale, of simulated raters
        "rater_ethnicity": pa.Column(**_text, nullable=True, required=False),
        "rater_bias": pa.Column(float, nullable=True, coerce=True, required=False),
    },
    name="ratings",
)
SCORES = pa.DataFrameSchema(
    {
        "image_id": pa.Column(**_text),
        "judge": pa.Column(**_text),
        "seed": pa.Column(int, coerce=True),
        "score": pa.Column(float, nullable=True, coerce=True),
    },
    name="scores",
)
RANKING = pa.DataFrameSchema(
    {
        "image_id": pa.Column(**_text, unique=True),
        "bracket": pa.Column(**_text),
        "score": pa.Column(float, coerce=True),
        "rank": pa.Column(int, checks=pa.Check.ge(1), coerce=True),
        "winner": pa.Column(bool, coerce=True),
    },
    name="ranking",
)
AUDIT = pa.DataFrameSchema(
    {
        "metric": pa.Column(**_text),
        "feature": pa.Column(**_text),
        "group": pa.Column(**_text),
        "value": pa.Column(float, nullable=True, coerce=True),
        "n": pa.Column(int, checks=pa.Check.ge(0), coerce=True),
        "ci_low": pa.Column(float, nullable=True, coerce=True),
        "ci_high": pa.Column(float, nullable=True, coerce=True),
        "p_value": pa.Column(float, checks=pa.Check.in_range(0, 1), nullable=True, coerce=True),
        "test": pa.Column(**_text, nullable=True),
    },
    name="audit",
)


def validated(table: pd.DataFrame, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """The table with its columns coerced to the schema.

    Raises InputError that names the table, the column, the rule and the first rows that break it.
    """
    missing = [name for name, column in schema.columns.items() if column.required and name not in table]
    if missing:
        raise InputError(
            f"the {schema.name} table lacks the column(s) {listed(missing)}; it has {listed(table.columns)}"
        )
    try:
        return schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        lines = [
            f"{column}: {check} fails for {len(rows)} row(s), first {listed(rows['failure_case'].tolist(), 3)}"
            for (column, check), rows in cases.groupby(["column", "check"], dropna=False, sort=False)
        ]
        raise InputError(f"the {schema.name} table is not valid: " + "; ".join(lines)) from error


def read_table(path: str | Path) -> pd.DataFrame:
    """A CSV (also .gz) or Parquet file as a data frame.

    Raises InputError for a missing, empty or unreadable file or another ending.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no such file: {path}")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes)")
    name = path.name.lower()
    try:
        if name.endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
        if name.endswith((".csv", ".csv.gz")):
            return pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise InputError(f"{path} cannot be read as a table: {error}") from error
    raise InputError(f"{path}: a table ends in .csv, .csv.gz, .parquet or .pq")


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Writes path.parquet and path.csv (path without ending; spreadsheet-safe), each complete or not at all."""
    stem = Path(path)
    for ending, write in ((".parquet", table.to_parquet), (".csv", spreadsheet_safe(table).to_csv)):
        with replacing(stem.with_name(stem.name + ending)) as part:
            write(part, index=False)
