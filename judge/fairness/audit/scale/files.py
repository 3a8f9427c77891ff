"""Which Parquet files a table is made of, and whether they have the same columns."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from judge.errors import InputError, listed

ENDINGS = (".parquet", ".pq")


@dataclass(frozen=True)
class Files:
    """Parquet files of one table: their paths, the schema of the first, and the rows of all.

    empty  a column of some file holds nothing and so has no type, which is then that of the others
    """

    table: str
    paths: list[Path]
    schema: pa.Schema
    n: int
    empty: bool = False

    @property
    def names(self) -> list[str]:
        """Columns, in the order of the first file."""
        return list(self.schema.names)


def parquet_files(table: str | Path) -> list[Path]:
    """The files of a folder (with its subfolders), of a glob (** for any depth), or the one file, sorted by name.

    Files and folders whose names begin with a dot or an underscore, as programs leave them beside their tables, are no
    part of it.

    Raises
    ------
    InputError
        Where there is no file, and for one that is empty or no Parquet file by its name.

    Examples
    --------
    >>> parquet_files("nowhere/*.parquet")
    Traceback (most recent call last):
        ...
    judge.errors.InputError: no file matches nowhere/*.parquet
    """
    name, path = str(table), Path(table)
    if path.is_file():
        found = [path]
    elif path.is_dir():
        found = [file for ending in ENDINGS for file in path.rglob(f"*{ending}") if _visible(file, path)]
        if not found:
            raise InputError(f"the folder {path} holds no file that ends in {listed(ENDINGS)}")
    elif glob.has_magic(name):
        found = [Path(file) for file in glob.glob(name, recursive=True) if Path(file).is_file()]  # noqa: PTH207
        if not found:
            raise InputError(f"no file matches {name}")
    else:
        raise InputError(f"no such file or folder: {name}")
    other = [file for file in found if file.suffix.lower() not in ENDINGS]
    if other:
        raise InputError(
            f"{len(other)} of {len(found)} files of {name} do not end in {listed(ENDINGS)}, first {other[0]}: out of "
            "core (--engine duckdb) only Parquet is read"
        )
    empty = [file for file in found if file.stat().st_size == 0]
    if empty:
        raise InputError(
            f"{len(empty)} of {len(found)} files of {name} are empty (0 bytes), first {empty[0]}"
        )
    return sorted(found)


def open_files(table: str | Path, wanted: Iterable[str]) -> Files:
    """The files of a table, all of which have the wanted columns, of one type each.

    Raises InputError for a column that some or all files lack, naming those that the first has, for one of another
    type in some files, and for a file that cannot be read.
    """
    paths = parquet_files(table)
    first, n = _metadata(paths[0])
    wanted = list(dict.fromkeys(wanted))
    missing = [name for name in wanted if name not in first.names]
    if missing:
        raise InputError(f"no column {listed(missing)} in {paths[0]}; it has {listed(first.names)}")
    _refuse_twins(paths[0], first)
    lacking: dict[str, list[Path]] = {}
    differing: dict[str, list[tuple[Path, pa.DataType]]] = {}
    kinds_of = {name: (plain(first.field(name).type), paths[0]) for name in wanted}
    empty = any(pa.types.is_null(kind) for kind, _ in kinds_of.values())
    for path in paths[1:]:
        schema, rows = _metadata(path)
        _refuse_twins(path, schema)
        n += rows
        for name in wanted:
            if name not in schema.names:
                lacking.setdefault(name, []).append(path)
            elif pa.types.is_null(kind := plain(schema.field(name).type)):
                empty = True
            elif pa.types.is_null(kinds_of[name][0]):
                kinds_of[name] = kind, path
                first = first.set(first.names.index(name), schema.field(name))
            elif kind != kinds_of[name][0]:
                differing.setdefault(name, []).append((path, kind))
    for name, those in lacking.items():
        raise InputError(
            f"{len(those)} of {len(paths)} files of {table} have no column {name}, first {those[0]}"
        )
    for name, kinds in differing.items():
        path, kind = kinds[0]
        raise InputError(
            f"{len(kinds)} of {len(paths)} files of {table} hold another type of values in column {name}, first "
            f"{path}: {kind}, not {kinds_of[name][0]} as in {kinds_of[name][1].name}"
        )
    return Files(str(table), paths, first, n, empty)


def plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values, however they are stored: a dictionary's values, text of either length."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


def _refuse_twins(path: Path, schema: pa.Schema) -> None:
    """Raises InputError for columns of one name; DuckDB takes capitals for small letters."""
    folded = [name.casefold() for name in schema.names]
    twice = [name for name, small in zip(schema.names, folded, strict=True) if folded.count(small) > 1]
    if twice:
        raise InputError(
            f"columns of {path} differ in capitals at most: {listed(twice)}; rename them, or leave some out"
        )


def _metadata(path: Path) -> tuple[pa.Schema, int]:
    try:
        with pq.ParquetFile(path) as file:
            return file.schema_arrow, file.metadata.num_rows
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path} cannot be read as a table: {error}") from error


def _visible(file: Path, folder: Path) -> bool:
    return not any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
