"""The tables that flow through the project, as pandera schemas, and the files they are kept in.

Between functions (a library's caller may have them as well):

manifest   a picture, once          image_id, path, split, rating, rating_source, source, sensitive features …
ratings    a single rating          image_id, rater_id, rating, rater_ethnicity …  (where a data set has them)
scores     a judged picture         image_id, judge, seed, score
ranking    an entrant               image_id, bracket, score, rank, winner
audit      a number                 metric, feature, group, value, n, ci_low, ci_high, p_value, test

In a run's folder (RUN_TABLES) there is a row of these for each condition, and more tables:

membership a picture in a condition, by role   image_id, condition, role, copies, weight, rating
brackets   a bracket                condition, bracket, entrants, places, winners, unfilled
unranked   an entrant not ranked    condition, image_id, reason
judges     a trained judge          condition, n, score_low, score_high, scale_low, scale_high, off_scale, n_rated,
                                    agreement, ci_low, ci_high, rated
agreement  a group of judged people  condition, people, group, n, mse, mean_error, pearson
probes     a probe of a judge       condition, reads, probe, n_train, n_test, n_excluded, balanced_accuracy, ci_low,
                                    ci_high, chance, shuffled, p_value
excluded   what was not used        item, reason, detail, dataset
gate       a broken rule            condition, image_id, rule, value, threshold, first, bracket
gate_rates refusals by group        condition, rule, feature, group, n, refused, rate, ci_low, ci_high

Tables may carry further columns; the ones named here have to be there with these types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import pandera.pandas as pa

from judge.data.spreadsheets import csv_bytes
from judge.data.user_tables import PARQUET, read_user_table
from judge.errors import InputError, listed
from judge.storage import replacing, write_bytes

SPLITS = ("train", "val", "test")
SOURCES = ("photo", "parametric", "generated")
#: What a picture is in a condition.
ROLES = ("train", "validation", "entrant", "calibration", "refit")
#: Columns that a manifest may group people by; a reader fills those that its data set knows.
SENSITIVE_FEATURES = ("ethnicity", "gender", "age_group", "skin_tone")

_text: dict[str, Any] = {"dtype": str, "coerce": True}
_number: dict[str, Any] = {"dtype": float, "nullable": True, "coerce": True}
_count: dict[str, Any] = {"dtype": int, "checks": pa.Check.ge(0), "coerce": True}
_share: dict[str, Any] = {"dtype": float, "checks": pa.Check.in_range(0, 1), "nullable": True, "coerce": True}
#: A table of several conditions says which; that of one need not.
_condition = pa.Column(**_text, required=False)

MANIFEST = pa.DataFrameSchema(
    {
        "image_id": pa.Column(**_text, unique=True),
        "path": pa.Column(**_text),
        "split": pa.Column(**_text, checks=pa.Check.isin(SPLITS), nullable=True, required=False),
        "rating": pa.Column(**_number),
        "rating_source": pa.Column(**_text, nullable=True),
        "source": pa.Column(**_text, checks=pa.Check.isin(SOURCES)),
        "ethnicity": pa.Column(**_text, nullable=True, required=False),
        "gender": pa.Column(**_text, nullable=True, required=False),
        "age_group": pa.Column(**_text, nullable=True, required=False),
        "age": pa.Column(**_number, required=False),
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
        "rater_bias": pa.Column(**_number, required=False),
    },
    name="ratings",
)
MEMBERSHIP = pa.DataFrameSchema(
    {
        "image_id": pa.Column(**_text),
        "condition": pa.Column(**_text),
        "role": pa.Column(**_text, checks=pa.Check.isin(ROLES)),
        # how often the picture is in the pool, and what it weighs in the loss there
        "copies": pa.Column(int, checks=pa.Check.ge(1), coerce=True),
        "weight": pa.Column(float, checks=pa.Check.ge(0), coerce=True),
        # what it was trained with: a planted shift included
        "rating": pa.Column(**_number),
    },
    name="membership",
)
SCORES = pa.DataFrameSchema(
    {
        "image_id": pa.Column(**_text),
        "condition": _condition,
        "judge": pa.Column(**_text),
        "seed": pa.Column(int, coerce=True),
        "score": pa.Column(**_number),
        # why there is no score, or why the panel left it out
        "reason": pa.Column(**_text, nullable=True, required=False),
    },
    name="scores",
)
RANKING = pa.DataFrameSchema(
    {
        "image_id": pa.Column(**_text),
        "condition": _condition,
        "bracket": pa.Column(**_text),
        "score": pa.Column(float, coerce=True),
        "rank": pa.Column(int, checks=pa.Check.ge(1), coerce=True),
        "winner": pa.Column(bool, coerce=True),
    },
    unique=["image_id"],
    name="ranking",
)
AUDIT = pa.DataFrameSchema(
    {
        "condition": _condition,
        "metric": pa.Column(**_text),
        "feature": pa.Column(**_text),
        "group": pa.Column(**_text),
        "value": pa.Column(**_number),
        "n": pa.Column(**_count),
        "ci_low": pa.Column(**_number),
        "ci_high": pa.Column(**_number),
        "p_value": pa.Column(**_share),
        "test": pa.Column(**_text, nullable=True),
    },
    name="audit",
)
BRACKETS = pa.DataFrameSchema(
    {
        "condition": _condition,
        "bracket": pa.Column(**_text),
        **{name: pa.Column(**_count) for name in ("entrants", "places", "winners", "unfilled")},
    },
    name="brackets",
)
UNRANKED = pa.DataFrameSchema(
    {"image_id": pa.Column(**_text), "condition": _condition, "reason": pa.Column(**_text)}, name="unranked"
)
EXCLUDED = pa.DataFrameSchema(
    {
        "item": pa.Column(**_text),
        "reason": pa.Column(**_text),
        "detail": pa.Column(**_text, nullable=True),
        # the data set that excluded it; in a run, also the training that could not read it
        "dataset": pa.Column(**_text, required=False),
    },
    name="excluded",
)
GATE = pa.DataFrameSchema(
    {
        "image_id": pa.Column(**_text),
        "condition": _condition,
        "rule": pa.Column(**_text),
        "value": pa.Column(**_number),
        "threshold": pa.Column(**_number),
        "first": pa.Column(bool, coerce=True),
        "bracket": pa.Column(**_text, nullable=True),
    },
    name="gate",
)
GATE_RATES = pa.DataFrameSchema(
    {
        "condition": _condition,
        "rule": pa.Column(**_text),
        "feature": pa.Column(**_text),
        "group": pa.Column(**_text),
        "n": pa.Column(**_count),
        "refused": pa.Column(**_count),
        **{name: pa.Column(**_share) for name in ("rate", "ci_low", "ci_high")},
    },
    name="gate_rates",
)
JUDGES = pa.DataFrameSchema(
    {
        "condition": _condition,
        # what fairness.metrics.soundness says of it
        **{name: pa.Column(**_count) for name in ("n", "off_scale", "n_rated")},
        **{
            name: pa.Column(**_number)
            for name in (
                "score_low",
                "score_high",
                "scale_low",
                "scale_high",
                "agreement",
                "ci_low",
                "ci_high",
            )
        },
        # whose ratings: entrants, or the pool's validation part
        "rated": pa.Column(**_text),
    },
    name="judges",
)

AGREEMENT = pa.DataFrameSchema(
    {
        "condition": _condition,
        # who: the pool's validation part, or calibration people
        "people": pa.Column(**_text),
        # one of the sensitive feature, or all
        "group": pa.Column(**_text),
        "n": pa.Column(**_count),
        # of score minus rating, in points; weighted by nothing
        **{name: pa.Column(**_number) for name in ("mse", "mean_error", "pearson")},
    },
    name="agreement",
)
PROBES = pa.DataFrameSchema(
    {
        "condition": _condition,
        # what the probe reads of the judge: features or score
        "reads": pa.Column(**_text),
        # linear, two_layer or boosted_trees
        "probe": pa.Column(**_text),
        **{name: pa.Column(**_count) for name in ("n_train", "n_test", "n_excluded")},
        **{
            name: pa.Column(**_share)
            for name in ("balanced_accuracy", "ci_low", "ci_high", "chance", "shuffled", "p_value")
        },
    },
    name="probes",
)


def _of_a_run(
    schema: pa.DataFrameSchema, key: Sequence[str] = (), needed: Sequence[str] = ("condition",)
) -> pa.DataFrameSchema:
    """The schema with these columns required, and no two rows equal in all of `key`."""
    strict = schema.update_columns({name: {"required": True} for name in needed})
    strict.unique = list(key) or None
    return strict


#: The tables of a run's folder, by file name.
RUN_TABLES: Mapping[str, pa.DataFrameSchema] = MappingProxyType(
    {
        "manifest": MANIFEST,
        "membership": _of_a_run(MEMBERSHIP, ["image_id", "condition", "role"]),
        "scores": _of_a_run(SCORES, ["condition", "image_id", "judge", "seed"]),
        "ranking": _of_a_run(RANKING, ["condition", "image_id"]),
        "audit": _of_a_run(AUDIT),
        "brackets": _of_a_run(BRACKETS, ["condition", "bracket"]),
        "unranked": _of_a_run(UNRANKED, ["condition", "image_id"]),
        "excluded": _of_a_run(EXCLUDED, needed=["dataset"]),
        "judges": _of_a_run(JUDGES, ["condition"]),
        "agreement": _of_a_run(AGREEMENT, ["condition", "people", "group"]),
        "probes": _of_a_run(PROBES, ["condition", "reads", "probe"]),
        "gate": _of_a_run(GATE),
        "gate_rates": _of_a_run(GATE_RATES),
    }
)


def validated_run_table(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The table of a run's folder with its columns coerced to the schema of that name.

    Raises InputError for a name that is not in RUN_TABLES, and where `validated` does.
    """
    if name not in RUN_TABLES:
        raise InputError(f"a run has no table {name!r}; its tables are {listed(RUN_TABLES)}")
    return validated(table, RUN_TABLES[name])


def validated(table: pd.DataFrame, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """The table with its columns coerced to the schema.

    Raises InputError that names the table, the column, the rule and the first rows that break it.
    """
    missing = [name for name, column in schema.columns.items() if column.required and name not in table]
    if missing:
        raise InputError(
            f"the {schema.name} table lacks the column(s) {listed(missing)}; it has {listed(table.columns)}"
        )
    key = list(schema.unique or ())
    again = table.duplicated(key) if key else None
    if again is not None and again.any():
        first = ", ".join(f"{name} {value!r}" for name, value in table.loc[again, key].iloc[0].items())
        raise InputError(
            f"the {schema.name} table has {int(again.sum())} row(s) more than once: {first} … "
            f"({' and '.join(key)} make a row)"
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
    """A CSV (also .tsv, .gz) or Parquet file as a data frame, read as `read_user_table` does.

    Columns that hold nothing but plain numbers are numbers, all others are text: 007 and NA stay. Raises InputError for
    a missing, empty or unreadable file or another ending.
    """
    path = Path(path)
    if path.name.lower().endswith(PARQUET) and path.is_file() and path.stat().st_size:
        try:  # the types that it was written with, the index among the columns if it has a name
            table = pd.read_parquet(path)
        except (ValueError, OSError) as error:
            raise InputError(f"{path} cannot be read as a table: {error}") from error
        named = [name for name in table.index.names if name is not None]
        return table.reset_index(named) if named else table
    read = read_user_table(path)
    return pd.DataFrame({name: read.typed(name) for name in read.frame}, index=read.frame.index)


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Writes path.csv and path.parquet (path without ending; spreadsheet-safe), each complete or not at all.

    The Parquet file comes last: where it is, which is what programs look for, both are.
    """
    stem = Path(path)
    write_bytes(stem.with_name(stem.name + ".csv"), csv_bytes(table))
    with replacing(stem.with_name(stem.name + ".parquet")) as part:
        table.to_parquet(part, index=False)
