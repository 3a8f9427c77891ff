"""The people of a sweep's runs, stored once beside them.

The runs of a sweep draw from the same data set, and most of what takes room in a run's folder is what its manifest says of
each of them. So a run keeps only who was there, with the rating that is its own; all other columns lie in `people/`
beside the run's folder, in files called by their content: DATA-CONTENT.parquet, DATA being a digest of the settings of the
data sets and of the columns. A file is never changed. A run adds one with those people whom the others lack, in one process at a time where
the file system has locks; without, two may store the same people, which takes room and breaks nothing. What a killed run
has left is found by the next.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from judge.errors import InputError
from judge.storage import locked, remove_leftovers, replacing

#: The folder beside the runs.
STORE = "people"
#: Columns of a manifest that a run keeps itself: its ratings may be shifted, or mended.
OWN = ("image_id", "rating")
#: In how many files, the largest first, people are looked for before they are stored again.
MOST_FILES = 100
_ROW = "row"
_KEY = b"judge.manifest"
#: Types that come back from a file as they were.
_PLAIN = frozenset(("str", "bool", "float64", "float32", "int64", "int32", "int16", "int8"))


def store(manifest: pd.DataFrame, folder: Path, data: str) -> tuple[pa.Table, list[str]]:
    """Puts the people of a manifest into the store; returns the table that the run keeps and the files it refers to.

    manifest  image_id (each once), rating and any other columns
    folder    the store, made if it is not there
    data      digest of what the people come from; only files of the same are looked into

    Raises CannotWrite.
    """
    if manifest.empty:
        return pa.Table.from_pandas(manifest, preserve_index=False), []
    shared = {name: str(manifest[name].dtype) for name in manifest if name not in OWN and _plain(manifest[name])}
    facts = {"columns": list(manifest.columns), "dtypes": shared}
    data = f"{data}{data_digest(facts)}"
    wide = manifest[["image_id", *shared]].reset_index(drop=True)
    hashes = pd.util.hash_pandas_object(wide, index=False).to_numpy(np.uint64)
    with locked(folder):
        remove_leftovers(folder, below=False)  # of writers that were killed
        names, files, rows, damaged = _known(folder, data, hashes)
        new = files < 0
        if new.any():
            names.append(f"{data}-{hashlib.blake2b(hashes[new].tobytes(), digest_size=8).hexdigest()}.parquet")
            if names[-1] in damaged or not (folder / names[-1]).is_file():
                fresh = pa.Table.from_pandas(wide[new].assign(**{_ROW: hashes[new]}), preserve_index=False)
                fresh = fresh.replace_schema_metadata({**fresh.schema.metadata, _KEY: json.dumps(facts)})
                with replacing(folder / names[-1]) as part:
                    pq.write_table(fresh, part, compression="zstd")
            files[new], rows[new] = len(names) - 1, np.arange(int(new.sum()))
    used = np.unique(files)
    kept = manifest.drop(columns=list(shared)).reset_index(drop=True)
    kept["_file"], kept["_row"] = np.searchsorted(used, files).astype(np.int16), rows.astype(np.int32)
    told = [names[i] for i in used]
    table = pa.Table.from_pandas(kept, preserve_index=False)
    return table.replace_schema_metadata({_KEY: json.dumps({"files": told})}), told


def _plain(column: pd.Series) -> bool:
    """Whether a column comes back from a file as it was."""
    if column.dtype == object:
        return pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty")
    return str(column.dtype) in _PLAIN


def _known(
    folder: Path, data: str, hashes: np.ndarray
) -> tuple[list[str], np.ndarray, np.ndarray, set[str]]:
    """Names of files, for each hash the place of its file among them (−1: in none) and its row there; damaged files.

    The hashes have 64 bits and tell rows of one data set apart: two of a million are the same once in 30 million sets.
    """
    names: list[str] = []
    damaged: set[str] = set()
    files, rows = np.full(len(hashes), -1), np.zeros(len(hashes), np.int64)
    there = sorted(folder.glob(f"{data}-*.parquet"), key=lambda file: (-file.stat().st_size, file.name))
    for file in there[:MOST_FILES]:
        if not (files < 0).any():
            break
        try:
            stored = pq.ParquetFile(file).read([_ROW])[_ROW].to_numpy()
        except (OSError, pa.ArrowException, KeyError):
            damaged.add(file.name)
            continue
        found = pd.Index(stored).get_indexer(hashes)
        mine = (files < 0) & (found >= 0)
        if mine.any():
            names.append(file.name)
            files[mine], rows[mine] = len(names) - 1, found[mine]
    return names, files, rows, damaged


def shared_files(metadata: Mapping[bytes, bytes] | None) -> list[str] | None:
    """The files that a run's manifest refers to, by the metadata of its schema; None where it is whole by itself."""
    told = (metadata or {}).get(_KEY)
    return None if told is None else list(json.loads(told)["files"])


def restored(kept: pa.Table, folder: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The manifest, or these of its columns, as it was stored.

    Raises InputError, which names the file, where people that it refers to are missing or damaged.
    """
    names, own = json.loads(kept.schema.metadata[_KEY])["files"], kept.to_pandas()
    facts = _facts(folder / names[0])
    wanted = [name for name in facts["columns"] if columns is None or name in columns]
    stored = tuple(name for name in wanted if name in facts["dtypes"])
    if stored:
        parts, order = [], []
        for code, name in enumerate(names):
            mine = np.flatnonzero(own["_file"].to_numpy() == code)
            people = _file(folder / name, stored)
            rows = own["_row"].to_numpy()[mine]
            if len(mine) and rows.max() >= len(people):
                raise InputError(f"{folder / name} is damaged: it holds {len(people)} people; {_REMEDY}")
            parts.append(people.iloc[rows])
            order.append(mine)
        back = np.argsort(np.concatenate(order), kind="stable")
        wide = pd.concat(parts, ignore_index=True).iloc[back].reset_index(drop=True)
        wide = wide.astype({name: facts["dtypes"][name] for name in stored})
        own = pd.concat([own.drop(columns=["_file", "_row"]), wide], axis=1)
    return own[wanted]


_REMEDY = "the command of the run again makes its tables anew"


@lru_cache(maxsize=64)
def _facts(path: Path) -> dict[str, Any]:
    """The columns of the manifests that refer to the file, in order, and the types of those that it holds."""
    with _readable(path):
        return dict(json.loads(pq.read_schema(path).metadata[_KEY]))


@lru_cache(maxsize=64)
def _file(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Nobody writes into it: files are called by their content, so what was read once holds."""
    with _readable(path):
        return pq.ParquetFile(path).read(list(columns)).to_pandas()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}, people of this run, is missing or damaged ({error}); {_REMEDY}") from error


def data_digest(*settings: Any) -> str:
    """Eight hexadecimal digits of the settings of the data sets that people come from."""
    return hashlib.blake2b(json.dumps(settings, sort_keys=True, default=str).encode(), digest_size=4).hexdigest()
