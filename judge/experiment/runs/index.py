"""An index of the runs below a folder: which there are, their state, what their done.json says. Kept in the folder.

The index is a Parquet file, `index.parquet`, with a row a run. It is a memory, not a source: each look walks the folders
and compares every run's marks (done.json, failed.json, started.json, settings.yaml and the tables that a comparison reads)
with what they were by time, size and inode. What is new or has changed is read again, what has gone is dropped, a file that cannot be read is
made anew. So it is right after runs have come, gone, been resumed or superseded, whoever did that, and two who write it at
once each write a whole one.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from judge.errors import InputError
from judge.experiment.run_folder import COMPARED, SUPERSEDED, RunDir
from judge.experiment.runs.people import STORE
from judge.storage import replacing
from judge.storage.atomic import PART

log = logging.getLogger("judge")

INDEX = "index.parquet"
#: Raised when what a row holds changes: an index of another number is made anew.
VERSION = 1
#: A folder with one of these is a run's; a job that fails before it claims its folder leaves a failed.json only.
MARKS = ("started.json", "failed.json", "done.json")
_STAMPED = frozenset((*MARKS, "settings.yaml", *(f"{name}.parquet" for name in COMPARED)))
#: Folders within a run's that hold no run.
_INNER = frozenset(("judges", "figures"))
#: What the index repeats of a done.json in columns of its own, for those who query it.
_TOLD = {
    "name": pa.string(),
    "seed": pa.int64(),
    "majority_share": pa.float64(),
    "feature": pa.string(),
    "majority": pa.string(),
    "baseline": pa.string(),
    "entrants": pa.int64(),
    "pool_n_asked": pa.int64(),
    "seconds": pa.float64(),
    "settings_hash": pa.string(),
}
SCHEMA = pa.schema(
    [
        ("folder", pa.string()),
        ("state", pa.string()),
        ("reason", pa.string()),
        ("finished", pa.timestamp("us", tz="UTC")),
        *_TOLD.items(),
        ("stamp", pa.string()),
        ("done", pa.string()),
    ]
)


@dataclass(frozen=True)
class Found:
    """A run's folder as the index knows it.

    run     with what done.json holds, where it is whole
    state   finished, failed, not finished or damaged. A run that was asked for again after it had finished, and then
            failed, is `failed` and has a done.json all the same
    reason  why it is not finished; "" where it is
    stamp   what its marks were when they were read
    told    its done.json, as text; None where there is none that can be used
    """

    run: RunDir
    state: str
    reason: str
    stamp: str
    told: str | None = None


def runs_below(folder: str | Path, *, write: bool = True) -> list[Found]:
    """Every run at any depth below the folder (itself included), in order of their folders.

    write  also keep the index in the folder, where that can be written to; nothing fails where it cannot

    Raises InputError if there is no such folder.
    """
    home = Path(folder)
    if not home.is_dir():
        raise InputError(f"no such folder: {home}")
    known = _remembered(home)
    found, changed = [], False
    stores: dict[Path, frozenset[str]] = {}
    for path, stamp in walked(home):
        name = path.relative_to(home).as_posix()
        old = known.pop(name, None)
        if old is not None and old["stamp"] == stamp:
            told = old["done"]
            one = Found(RunDir(path, json.loads(told or "{}")), old["state"], old["reason"], stamp, told)
        else:
            one = looked_at(path, stamp)
        one = _with_its_people(one, stores)
        changed |= old is None or (_kept_stamp(one), one.reason) != (old["stamp"], old["reason"])
        found.append(one)
    found.sort(key=lambda one: one.run.path)
    alone = len(found) == 1 and found[0].run.path == home  # its folder is no place for an index
    if write and (changed or known) and not alone:
        _remember(home, found)
    return found


def looked_at(path: Path, stamp: str = "") -> Found:
    """What a run's folder says of itself; of a finished one also whether a comparison can take it."""
    told, facts = None, {}
    with suppress(OSError, ValueError, RecursionError):
        text = (path / "done.json").read_text(encoding="utf-8")
        read = json.loads(text)
        if isinstance(read, dict) and read.get("settings_hash"):
            told, facts = text, read
    run = RunDir(path, facts)
    state, reason = run.state()
    if facts and (unusable := run.unusable()):
        return Found(RunDir(path, {}), "damaged", unusable, stamp)
    return Found(run, state, reason, stamp, told)


def find_runs(paths: Sequence[str | Path]) -> tuple[list[RunDir], pd.DataFrame]:
    """Finished runs under the given folders, and a table of the others (folder, state, reason).

    A run that was asked for again after it had finished, and then failed, is in both. Raises InputError if a folder
    does not exist or holds no run at all.
    """
    finished: list[RunDir] = []
    others = []
    for path in paths:
        found = runs_below(path)
        if not found:
            raise InputError(f"{path} holds no run (a run's folder has a started.json)")
        finished += [one.run for one in found if one.run.done]
        others += [(str(one.run.path), one.state, one.reason) for one in found if one.state != "finished"]
    return finished, pd.DataFrame(others, columns=["folder", "state", "reason"])


def walked(home: Path) -> Iterator[tuple[Path, str]]:
    """Each run's folder at or below `home`, and the stamp of its marks."""
    waiting = [os.fspath(home)]
    while waiting:
        here = waiting.pop()
        marks, inner = {}, []
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.name in _STAMPED:
                        with suppress(OSError):  # it has just gone
                            seen = entry.stat()
                            marks[entry.name] = f"{seen.st_mtime_ns}/{seen.st_size}/{seen.st_ino}"
                    elif entry.is_dir(follow_symlinks=True):
                        inner.append(entry.name)
        except OSError as error:
            if here == os.fspath(home):
                raise InputError(f"{home} cannot be read: {error.strerror or error}") from error
            log.warning("%s cannot be read, and neither can runs in it: %s", here, error.strerror or error)
            continue
        is_run = any(mark in marks for mark in MARKS)
        if is_run:
            yield Path(here), " ".join(f"{name}={marks[name]}" for name in sorted(marks))
        for name in inner:
            if name == SUPERSEDED or name.startswith((".", PART)) or (is_run and name in _INNER):
                continue
            waiting.append(f"{here}/{name}")


def _with_its_people(one: Found, stores: dict[Path, frozenset[str]]) -> Found:
    """Damaged where the people that it shares with other runs have gone: no mark of its own would tell."""
    shared = (one.run.done or {}).get("people")
    if not shared:
        return one
    store = one.run.people_folder
    if store not in stores:
        try:
            stores[store] = frozenset(os.listdir(store))
        except OSError:
            stores[store] = frozenset()
    if gone := sorted(set(shared) - stores[store]):
        reason = f"{STORE}/{gone[0]} is missing beside it; the same command again makes it anew"
        return Found(RunDir(one.run.path, {}), "damaged", reason, one.stamp)
    return one


def _remembered(home: Path) -> dict[str, dict[str, Any]]:
    """Folder → row of the index that is there; nothing where there is none, or none that can be used."""
    file = home / INDEX
    try:
        with pq.ParquetFile(file) as there:
            if (there.schema_arrow.metadata or {}).get(b"judge.index") != str(VERSION).encode():
                return {}
            table = there.read(["folder", "state", "reason", "stamp", "done"])
    except FileNotFoundError:
        return {}
    except (OSError, pa.ArrowException) as error:
        log.warning("%s is damaged (%s) and is made anew", file, error)
        return {}
    columns = table.to_pydict()
    names = [name for name in columns if name != "folder"]
    values = zip(*(columns[name] for name in names), strict=True)
    return {
        folder: dict(zip(names, row, strict=True))
        for folder, row in zip(columns["folder"], values, strict=True)
    }


def _remember(home: Path, found: Sequence[Found]) -> None:
    rows = [_row(one, home) for one in found]
    columns = zip(*rows, strict=True) if rows else [[] for _ in SCHEMA]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=SCHEMA)
    table = table.replace_schema_metadata({"judge.index": str(VERSION)})
    try:
        with replacing(home / INDEX) as part:
            pq.write_table(table, part, compression="zstd")
    except OSError as error:  # somebody else's folder: the answer is the same, the next look takes as long
        log.debug("no index is kept: %s", error)


def _row(one: Found, home: Path) -> tuple[Any, ...]:
    done = one.run.done
    return (
        one.run.path.relative_to(home).as_posix(),
        one.state,
        one.reason,
        None if done is None else finished_at(one.stamp),
        *(_fit(done, name, kind) for name, kind in _TOLD.items()),
        _kept_stamp(one),
        one.told,
    )


def _kept_stamp(one: Found) -> str:
    """Of a damaged folder none: it is looked at again each time, as what mends it need not be one of its marks."""
    return "" if one.state == "damaged" else one.stamp


def finished_at(stamp: str) -> datetime | None:
    """When done.json was written, by the stamp of a run's marks; None where there is none."""
    for mark in stamp.split():
        if mark.startswith("done.json="):
            return datetime.fromtimestamp(int(mark[10:].split("/")[0]) / 1e9, UTC)
    return None


def _fit(done: Mapping[str, Any] | None, name: str, kind: pa.DataType) -> Any:
    """The value where it is of the kind: a done.json may hold anything."""
    value = (done or {}).get(name)
    fits = isinstance(value, str) if kind == pa.string() else isinstance(value, int | float)
    return value if fits and not isinstance(value, bool) else None
