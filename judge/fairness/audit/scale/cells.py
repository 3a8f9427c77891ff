"""The columns of a table as its distinct rows, each with the number of people who have it.

`CellColumns` answers what `FrameColumns` answers, by the same code, for the distinct rows of the columns that are
counted; of a score a row says only whether it is there (1 or NaN). What concerns all rows one by one, such as ids that
repeat or text among numbers, DuckDB counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from judge.data.user_tables import EXACT, LARGEST, MISSING_NUMBERS
from judge.errors import InputError, listed
from judge.fairness.audit.columns.frame import FrameColumns
from judge.fairness.audit.scale.database import Database, quoted
from judge.fairness.audit.scale.files import plain

#: Most combinations of features, brackets and outcomes that are held.
MOST_CELLS = 2_000_000
#: Rows of ids that are looked at together.
_BATCH = 1 << 17


class CellColumns(FrameColumns):
    """Distinct rows of the columns in `keys`, and whether each of `numbers` is there.

    weight     people of each row          keys   columns that are grouped by
    distinct   score or rating → about how many values it has
    """

    def __init__(self, data: Database, *, keys: Sequence[str], numbers: Sequence[str]) -> None:
        self.data, self.keys = data, list(keys)
        self.distinct = {name: _checked_numbers(data, name) for name in numbers}
        schema = data.files.schema
        for name in keys:
            _refuse_as_names(name, plain(schema.field(name).type))
        wanted = [f"{quoted(name)} AS k{i}" for i, name in enumerate(keys)]
        wanted += [
            f"coalesce(isfinite({number(data, name)}), false) AS f{i}" for i, name in enumerate(numbers)
        ]
        data.run(
            f"CREATE TEMP TABLE cells AS SELECT {', '.join(wanted)}, count(*) AS people FROM {data.source} GROUP BY ALL"
        )
        ((cells,),) = data.rows("SELECT count(*) FROM cells")
        if cells > MOST_CELLS:
            raise InputError(
                f"{listed(keys)} have {cells:,} combinations; out of core at most {MOST_CELLS:,} are held. Is one of "
                "them an id or a number? --engine memory takes any"
            )
        order = ", ".join(f"k{i}" for i in range(len(keys)))  # the same, whichever thread was first
        found = data.table(f"SELECT rowid, * FROM cells ORDER BY {order}")
        #: Number of each row in the table `cells`.
        self.rowid = found.column("rowid").to_numpy()
        frame = {name: found.column(f"k{i}").to_pandas() for i, name in enumerate(keys)}
        super().__init__(pd.DataFrame(frame))
        self.names = data.files.names
        self.weight = found.column("people").to_numpy()
        self.there = {name: found.column(f"f{i}").to_numpy() for i, name in enumerate(numbers)}

    def numbers(self, name: str) -> NDArray[np.float64]:
        """1 where there is a finite number, else NaN."""
        return np.where(self.there[name], 1.0, np.nan)

    def checked_ids(self, name: str) -> None:
        """Raises InputError where ids are missing or come twice, with the number of rows."""
        if self._rises(name):
            return
        n, text = self.data.files.n, f"trim(CAST({quoted(name)} AS VARCHAR))"
        ((absent,),) = self.data.rows(
            f"SELECT count(*) FROM {self.data.source} WHERE {self._missing(name)} OR {text} = ''"
        )
        if absent:
            raise InputError(f"{absent} of {n} rows have no {name}; give each person one")
        if more := self.repeats(name):
            some = self.data.rows(
                f"SELECT {quoted(name)} FROM {self.data.source} GROUP BY ALL HAVING count(*) > 1 LIMIT 5"
            )
            raise InputError(
                f"{more} of {n} rows repeat a {name} that came before, for example {listed([x for (x,) in some])}; "
                "the table has to hold one row a person (of one judge and seed). --one-per-person with --engine memory "
                "keeps one row for each"
            )

    def repeats(self, name: str) -> int:
        if self._rises(name):
            return 0
        ((more,),) = self.data.rows(
            f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {self.data.source} "
            f"WHERE NOT ({self._missing(name)}) GROUP BY {quoted(name)})"
        )
        return int(more)

    def ids(self, name: str) -> Any:
        """None: no lot is drawn."""
        return

    def persons(self, name: str) -> NoReturn:
        raise InputError(NO_ONE_PER_PERSON)

    def _missing(self, name: str) -> str:
        """The condition that a column says nothing: no value, or not a number."""
        floats = pa.types.is_floating(plain(self.data.files.schema.field(name).type))
        return f"{quoted(name)} IS NULL" + (f" OR isnan({quoted(name)})" if floats else "")

    def _rises(self, name: str) -> bool:
        """Whether ids rise from row to row of each file, and the files' ranges lie apart: then none comes twice."""
        kind = plain(self.data.files.schema.field(name).type)
        if not (pa.types.is_string(kind) or pa.types.is_integer(kind)):
            return False
        ranges = []
        for path in self.data.files.paths:
            first: Any = None
            last: Any = None
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=_BATCH, columns=[name], use_threads=False):
                    part = batch.column(0)
                    if pa.types.is_dictionary(part.type) or part.null_count:
                        return False
                    if (
                        pa.types.is_string(kind)
                        and pc.any(pc.equal(pc.utf8_trim_whitespace(part), "")).as_py()
                    ):
                        return False
                    start = part[0].as_py()
                    if (last is not None and not last < start) or pc.any(
                        pc.less_equal(part[1:], part[:-1])
                    ).as_py():
                        return False
                    first, last = start if first is None else first, part[-1].as_py()
            if first is not None:
                ranges.append((first, last))
        ranges.sort()
        return all(before[1] < after[0] for before, after in itertools.pairwise(ranges))


NO_ONE_PER_PERSON = (
    "out of core every row is a person: --one-per-person needs all rows of a person at once; choose them before, or "
    "--engine memory"
)


def number(data: Database, name: str, table: str = "") -> str:
    """The expression for a column (of a table of that name) as a float, NULL where it is missing."""
    kind = plain(data.files.schema.field(name).type)
    column = f"{table}.{quoted(name)}" if table else quoted(name)
    if pa.types.is_string(kind):
        words = ", ".join(quoted(word, "'") for word in ("", *MISSING_NUMBERS))
        column = f"CASE WHEN trim({column}) IN ({words}) THEN NULL ELSE trim({column}) END"
        return f"TRY_CAST({column} AS DOUBLE)"
    return f"CAST({column} AS DOUBLE)"


def _refuse_as_names(name: str, kind: pa.DataType) -> None:
    """Raises InputError for lists, and for times that DuckDB would name otherwise than pandas does."""
    if pa.types.is_nested(kind):
        raise InputError(f"column {name!r} holds lists, which are no names: one value a row is needed")
    if pa.types.is_duration(kind) or (pa.types.is_timestamp(kind) and kind.tz is not None):
        raise InputError(
            f"column {name} holds durations or times with a zone: out of core they are no names; give text, or "
            "--engine memory"
        )


def _checked_numbers(data: Database, name: str) -> int:
    """About how many values a column of numbers has; InputError for what is none, as in memory."""
    kind, value, column = plain(data.files.schema.field(name).type), number(data, name), quoted(name)
    if pa.types.is_temporal(kind):
        what = "durations" if pa.types.is_duration(kind) else "times"
        raise InputError(
            f"column {name} holds {what}, which are no numbers: give numbers in a unit that you choose"
        )
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise InputError(f"column {name} holds lists, which are no numbers: one value a row is needed")
    asked = [f"max(abs({value})) FILTER (isfinite({value}))", f"approx_count_distinct({value})"]
    if pa.types.is_integer(kind) and kind.bit_width == 64:
        lost = f"abs(CAST({column} AS HUGEINT)) >= {EXACT} AND CAST({value} AS HUGEINT) <> CAST({column} AS HUGEINT)"
        asked.append(f"min({column}) FILTER ({lost})")
    if pa.types.is_string(kind):
        words = ", ".join(quoted(word, "'") for word in ("", *MISSING_NUMBERS))
        wrong = f"{value} IS NULL AND {column} IS NOT NULL AND trim({column}) NOT IN ({words})"
        asked += [f"count(*) FILTER ({wrong})", f"min({column}) FILTER ({wrong})"]
    (found,) = data.rows(f"SELECT {', '.join(asked)} FROM {data.source}")
    largest, distinct, *rest = found
    if len(rest) == 1 and rest[0] is not None:
        raise InputError(
            f"column {name} holds whole numbers beyond 2^53, such as {rest[0]}: read as numbers, different ones become "
            "equal. Identifiers are no scores; scores can be divided by a power of ten"
        )
    if len(rest) == 2 and rest[0]:
        raise InputError(
            f"column {name} has {rest[0]} of {data.files.n} rows that are no number, for example {rest[1]!r}"
        )
    if largest is not None and largest > LARGEST:
        raise InputError(
            f"column {name} holds numbers beyond ±{LARGEST:g}, the largest of size {largest:g}: their squares are no "
            "numbers any more; give it in another unit, or leave such a cell empty"
        )
    return int(distinct)
