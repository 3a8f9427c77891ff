"""What a comparison of cures found, by skew: the packaged table, read with its schema checked.

The table has a row a skew and cure:

skew        representation, ratings, camera, reading, reference, or all (of them together)
cure, seam  the method by its name in conf/mitigation, and where it acts (judge.mitigation)
recovered   share of the way back from the skewed share of the winners to the truth's share: 1 is all of it, above 1 too
            far; ci_low, ci_high over seeds and contestants
truth_lost  by how many standard deviations the winners' known truth is lower than without the cure; below 0 gained
worst_group_pearson_change   of the worst group's correlation with the truth or the ratings
needs       what it has to be given: labels of which people, whose ratings, new pictures
note        a remark
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa

from judge.data.tables import read_table, validated
from judge.errors import InputError
from judge.fairness.sweeps.cures import LOST

#: A cure brings at least this part of the way back, with an interval above 0, to be called supported.
LEAST_RECOVERED = 0.5
#: One that goes further than this past the truth's share has made another skew.
MOST_RECOVERED = 1.5
NAME = "cures.csv"

_text: dict[str, Any] = {"dtype": str, "coerce": True}
_number: dict[str, Any] = {"dtype": float, "coerce": True}
CURES = pa.DataFrameSchema(
    {
        "skew": pa.Column(**_text),
        "cure": pa.Column(**_text),
        "seam": pa.Column(**_text),
        "recovered": pa.Column(**_number, nullable=True),
        "ci_low": pa.Column(**_number, nullable=True),
        "ci_high": pa.Column(**_number, nullable=True),
        "truth_lost": pa.Column(**_number, nullable=True),
        "worst_group_pearson_change": pa.Column(**_number, nullable=True, required=False),
        "needs": pa.Column(**_text, nullable=True, required=False),
        "note": pa.Column(**_text, nullable=True, required=False),
    },
    name="cures",
)


def read_cures(path: str | Path | None = None) -> pd.DataFrame | None:
    """The comparison of cures, or None where none is packaged.

    path  a file of one's own instead: CSV or Parquet

    Raises InputError where columns are missing, a number is none, or a file that is named is not there.
    """
    if path is None:
        packaged = resources.files("judge.fairness.advice") / NAME
        if not packaged.is_file():
            return None
        with resources.as_file(packaged) as file:
            return _checked(read_table(file))
    if not Path(path).is_file():
        raise InputError(f"no such file: {path}")
    return _checked(read_table(path))


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    numbers = [
        name
        for name in ("recovered", "ci_low", "ci_high", "truth_lost", "worst_group_pearson_change")
        if name in table
    ]
    for name in numbers:  # a column with nothing in it is read as text
        if table[name].isna().all() or (table[name].astype(str).str.strip() == "").all():
            table = table.assign(**{name: float("nan")})
    table = validated(table, CURES)
    for name in ("worst_group_pearson_change", "needs", "note"):
        if name not in table:
            table[name] = float("nan") if name.endswith("change") else ""
    return table.assign(needs=table["needs"].fillna(""), note=table["note"].fillna(""))


def supported(cures: pd.DataFrame, skew: str) -> pd.DataFrame:
    """The cures that the comparison supports for this skew, those that bring most back first.

    Columns of the table, and `verdict`: supported, costly (more than LOST of the winners' truth is lost, or it is
    not known what is), too far (past MOST_RECOVERED of the way) or not supported.
    """
    own = cures[cures["skew"] == skew].copy()
    helps = (own["recovered"] >= LEAST_RECOVERED) & (own["ci_low"] > 0)
    cheap = own["truth_lost"] <= LOST
    own["verdict"] = "not supported"
    own.loc[helps, "verdict"] = "costly"
    own.loc[helps & cheap, "verdict"] = "supported"
    own.loc[helps & (own["recovered"] > MOST_RECOVERED), "verdict"] = "too far"
    order = own["verdict"].map({"supported": 0, "costly": 1, "too far": 2, "not supported": 2})
    # going too far is no more of a cure than not going all the way
    missed = (own["recovered"] - 1).abs()
    return (
        own.assign(_order=order, _missed=missed)
        .sort_values(["_order", "_missed"], kind="stable")
        .drop(columns=["_order", "_missed"])
        .reset_index(drop=True)
    )
