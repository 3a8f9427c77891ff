"""Which way `judge audit` reads a table: its columns in memory, or out of core through DuckDB."""

from __future__ import annotations

import argparse
import glob
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judge.errors import InputError
from judge.extras import install

if TYPE_CHECKING:
    import pandas as pd

    from judge.fairness.audit.entrants import Entrants

#: Rows of one file above which it is read out of core: in memory a hundred million take 10 GiB with scores.
MOST_IN_MEMORY = 20_000_000


def out_of_core(args: argparse.Namespace) -> bool:
    """What --engine says, and by size where it says auto.

    Raises InputError for a folder or glob that is to be read in memory.
    """
    path = Path(args.table)
    if args.engine == "duckdb":
        return True
    one = path.is_file() or not (path.is_dir() or glob.has_magic(args.table))
    if args.engine == "memory":
        if not one:
            raise InputError(
                f"--engine memory reads one file, and {args.table} is a folder or a glob: --engine duckdb"
            )
        return False
    if one and (args.one_per_person or _rows(path) <= MOST_IN_MEMORY):
        return False
    if one and importlib.util.find_spec("duckdb") is None:
        print(f"note: read in memory; {install('scale')} reads such a file out of core", file=sys.stderr)
        return False
    return True


def _rows(path: Path) -> int:
    """Rows of a Parquet file by what it says at its end; 0 for what is none, which is read, or refused, elsewhere."""
    from judge.data.user_tables import PARQUET

    if not path.is_file() or not path.name.lower().endswith(PARQUET):
        return 0
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(path).num_rows
    except (pa.ArrowException, OSError):
        return 0


def audited_out_of_core(args: argparse.Namespace, **settings: Any) -> tuple[Entrants, pd.DataFrame]:
    """The counts and the audit table of Parquet files; how they were read is the last note."""
    from judge.cli.progress import bar
    from judge.fairness.audit.scale import Limits, audit_files

    step, done = bar(counted=False)
    try:
        people, table = audit_files(
            args.table,
            features=args.feature,
            score=args.score,
            winner=args.winner,
            brackets=args.bracket,
            places=args.places,
            reference=args.reference,
            rating=args.rating,
            person=args.id,
            eligible=args.eligible,
            one_per_person=args.one_per_person,
            primary=args.primary,
            intersections=args.intersections,
            by_bracket=args.by_bracket,
            ratio_interval=args.interval or "exact",
            limits=Limits(memory=args.memory, threads=args.threads, temp=args.temp),
            progress=step,
            **settings,
        )
    finally:
        done()
    import duckdb

    table.attrs["notes"].append(
        f"read out of core by DuckDB {duckdb.__version__}: {people.n:,} people, counted and not held in memory"
    )
    return people, table
