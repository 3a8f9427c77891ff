"""A run's folder: settings, versions, seeds, tables. Written atomically; `done.json` comes last.

A folder with a `done.json` of the same settings is finished and is not computed again. One whose settings
differ is moved into `.superseded/` beside it, never overwritten.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import platform
import shlex
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hydra.core.hydra_config import HydraConfig

from judge import __version__
from judge.data.tables import read_table, write_table
from judge.errors import InputError, listed
from judge.experiment.runs import people
from judge.storage import CannotWrite, locked, remove_leftovers, replacing, write_json, write_text
from judge.storage.atomic import plain
from judge.storage.lock import LOCK

log = logging.getLogger("judge")

SUPERSEDED = ".superseded"
#: What became of each job of a sweep, in the sweep's folder.
SWEEP = "sweep.json"
HYDRA = ".hydra"
#: The tables that a comparison reads.
COMPARED = ("audit", "manifest", "membership", "ranking")
PACKAGES = ("torch", "torchvision", "timm", "lightning-fabric", "numpy", "pandas", "scipy", "statsmodels",
            "scikit-learn", "fairlearn", "hydra-core", "onnxruntime")  # fmt: skip


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def facts_of(path: Path, key: str) -> dict[str, Any] | None:
    """A JSON object that has this key; None for anything else, half a file included."""
    try:
        facts = read_json(path)
    except (OSError, ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) and facts.get(key) else None


def table_rows(path: Path) -> int | None:
    """Rows of a Parquet file by its footer, which is written last; None where there is no whole one."""
    try:
        return pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowException):
        return None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def write_lean(table: pd.DataFrame | pa.Table, path: Path) -> None:
    """One Parquet file of plain columns without what pandas and Arrow add: half the bytes of a small table.

    Metadata of the schema that is not theirs stays.
    """
    lean = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
    kept = {key: value for key, value in (lean.schema.metadata or {}).items() if key != b"pandas"}
    how: dict[str, Any] = {"compression": "zstd", "store_schema": False, "write_statistics": False}
    with (
        replacing(path) as part,
        pq.ParquetWriter(part, lean.schema.remove_metadata(), **how) as writer,
    ):
        writer.write_table(lean.replace_schema_metadata(None))
        writer.add_key_value_metadata(kept)


def _in_lines(facts: dict[str, Any]) -> str:
    """JSON, a line each for settings and comparison, which are for programs, and for every other number."""
    long = [key for key in ("settings", "comparison") if key in facts]
    whole = {key: value for key, value in facts.items() if key not in long}
    text = json.dumps(whole, indent=2, ensure_ascii=False, default=plain)
    for key in long:
        told = json.dumps(facts[key], ensure_ascii=False, separators=(",", ":"), default=plain)
        text = f"{text[:-2]},\n  {json.dumps(key)}: {told}\n}}"
    return text + "\n"


def git_revision() -> str | None:
    """The revision of the code, `+changed` if the tree differs from it, None outside a checkout."""
    where = Path(__file__).parent
    try:
        ask = ["git", "-C", str(where), "rev-parse", "HEAD"]
        revision = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
        ask = ["git", "-C", str(where), "status", "--porcelain", "--untracked-files=no"]
        changed = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return revision + ("+changed" if changed else "")


def environment(seeds: dict[str, int]) -> dict[str, Any]:
    """Versions, machine, git revision and seeds, without host names or paths."""
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "judge": __version__,
        "git": git_revision(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "packages": versions,
        "seeds": seeds,
    }


class RunDir:
    """One run's folder.

    facts  what done.json holds, where somebody has read it already ({}: nothing that can be used); None: it is read
           each time that it is asked for
    """

    def __init__(self, path: str | Path, facts: dict[str, Any] | None = None):
        self.path = Path(path)
        self._facts = facts

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @property
    def done(self) -> dict[str, Any] | None:
        """What done.json holds; None where there is none, or half of one."""
        if self._facts is not None:
            return self._facts or None
        return facts_of(self.path / "done.json", "settings_hash")

    @property
    def people_folder(self) -> Path:
        """Where people are that this run shares with those beside it; one that was moved aside shares them still."""
        home = self.path.parent
        return (home.parent if home.name == SUPERSEDED else home) / people.STORE

    def state(self) -> tuple[str, str]:
        """(finished, failed or not finished; the reason). A failure after a finished run is a failure."""
        failed = self.path / "failed.json"
        if failed.is_file():
            return "failed", (facts_of(failed, "error") or {"error": "failed.json is damaged"})["error"]
        if self.done:
            return "finished", ""
        damaged = (self.path / "done.json").is_file()
        return "not finished", "done.json is damaged" if damaged else "killed or still running"

    def locked(self) -> AbstractContextManager[None]:
        """The folder to oneself; where the same run is going on already, waits for its end and says so."""
        return locked(
            self.path, waits=lambda holder: log.warning("%s is being run by %s; waiting", self.path, holder)
        )

    def damaged_tables(self) -> list[str]:
        """Tables of a finished run that are not there, cannot be read, or hold another number of rows than it wrote."""
        rows = (self.done or {}).get("rows", {})
        damaged = [name for name, n in rows.items() if table_rows(self.path / f"{name}.parquet") != n]
        if "manifest" in rows and "manifest" not in damaged:
            shared = self._shared_people(self.path / "manifest.parquet") or []
            store = self.people_folder
            damaged += ["manifest"] * any(table_rows(store / name) is None for name in shared)
        return damaged

    def unusable(self) -> str:
        """Why a comparison cannot take a finished run; "" where it can. No table is read.

        What it reads has to be there in its size; of a run of an earlier version, which did not note sizes, the audit
        in its rows.
        """
        done = self.done or {}
        sizes = done.get("bytes")
        if sizes is None:
            wanted = done.get("rows", {}).get("audit")
            damaged = [] if wanted is None or table_rows(self.path / "audit.parquet") == wanted else ["audit"]
        else:
            damaged = [name for name in COMPARED if sizes.get(name) != _size(self.path / f"{name}.parquet")]
        if damaged:
            return f"{damaged[0]}.parquet is damaged; the same command again makes it anew"
        return (
            "" if self._settings_whole() else "settings.yaml is damaged; the same command again makes it anew"
        )

    def _settings_whole(self) -> bool:
        """Whether the file has its end: it is written at once, so damage comes from a copy or a disk."""
        try:
            return (self.path / "settings.yaml").read_bytes().endswith(b"\n")
        except OSError:
            return False

    def claim(self, digest: str, settings_yaml: str) -> bool:
        """Makes the folder ready for these settings; True if they are finished already. Call it within `locked`.

        A folder that holds other settings moves to .superseded/NAME.OLDDIGEST. One whose tables are damaged is not
        finished: they are made again, from the judges where those are whole.
        """
        mark = self.path / "started.json"
        if mark.is_file():
            started = facts_of(mark, "settings_hash") or self.done
            old = started["settings_hash"] if started else None
            if old == digest and self.done:
                damaged = self.damaged_tables()
                if not damaged:
                    if not self._settings_whole():
                        write_text(self.path / "settings.yaml", settings_yaml)
                    (self.path / "failed.json").unlink(missing_ok=True)
                    return True
                log.warning("%s: damaged tables (%s); they are made again", self.path, ", ".join(damaged))
                (self.path / "done.json").unlink()
            if old != digest and old is not None:
                self._move_aside(old)
        (self.path / "failed.json").unlink(missing_ok=True)
        remove_leftovers(self.path, older_than=0)
        write_text(self.path / "settings.yaml", settings_yaml)
        write_json(mark, {"settings_hash": digest, "command": command_line(), "overrides": overrides()})
        return False

    def _move_aside(self, digest: str) -> None:
        home = self.path.parent / SUPERSEDED
        home.mkdir(exist_ok=True)
        target = home / f"{self.path.name}.{digest}"
        number = 1
        while target.exists():
            number += 1
            target = home / f"{self.path.name}.{digest}.{number}"
        self.path.rename(target)
        self.path.mkdir(parents=True)
        for name in (
            HYDRA,
            LOCK,
        ):  # the new run's: Hydra has written the one already, this process holds the other
            if (target / name).exists():
                (target / name).rename(self.path / name)
        print(f"{self.path} held a run with other settings; it is now {target}", file=sys.stderr)

    def write_tables(self, **tables: pd.DataFrame) -> None:
        for name, table in tables.items():
            write_table(table, self.path / name)

    def write_compact(self, data: str, **tables: pd.DataFrame) -> None:
        """The tables as Parquet alone, the people of the manifest beside the run (`runs.people`).

        data  digest of what the people come from
        """
        for name, table in tables.items():
            if name == "manifest":
                kept, _ = people.store(table, self.people_folder, data)
                write_lean(kept, self.path / f"{name}.parquet")
            else:
                write_lean(table, self.path / f"{name}.parquet")

    def table(self, name: str) -> pd.DataFrame:
        """A table of the run by name; a manifest whose people are stored beside the run is made whole."""
        file = self.path / f"{name}.parquet"
        if name == "manifest" and self._shared_people(file) is not None:
            return people.restored(pq.ParquetFile(file).read(), self.people_folder)
        return read_table(file)

    def columns(self, name: str, wanted: Sequence[str]) -> pd.DataFrame:
        """Those of the wanted columns that the table has: faster than the whole of a wide one.

        Raises InputError where the file is missing or damaged.
        """
        file = self.path / f"{name}.parquet"
        try:
            there = pq.ParquetFile(file)
            if people.shared_files(there.schema_arrow.metadata) is not None:
                return people.restored(there.read(), self.people_folder, wanted)
            return there.read([c for c in wanted if c in there.schema_arrow.names]).to_pandas()
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{file} cannot be read as a table: {error}") from error

    @staticmethod
    def _shared_people(file: Path) -> list[str] | None:
        """The files of people that a manifest refers to; None where it is whole, or cannot be read."""
        try:
            return people.shared_files(pq.read_schema(file).metadata)
        except (OSError, pa.ArrowException):
            return None

    def fail(self, error: BaseException) -> None:
        """Keeps what went wrong; where not even that can be written, the terminal has to do."""
        with suppress(CannotWrite):
            self._write_failure(error)

    def _write_failure(self, error: BaseException) -> None:
        write_json(
            self.path / "failed.json",
            {
                "error": f"{type(error).__name__}: {error}",
                "traceback": "".join(traceback.format_exception(error)),
                "overrides": overrides(),
            },
        )

    def finish(self, digest: str, started: float, summary: dict[str, Any]) -> None:
        """done.json, the last file of a run; `rows` and `bytes` of its tables, by which damage is found later."""
        seconds = round(time.time() - started, 1)
        files = {path.stem: path for path in sorted(self.path.glob("*.parquet"))}
        facts = {
            "settings_hash": digest,
            "seconds": seconds,
            **summary,
            "rows": {name: table_rows(path) for name, path in files.items()},
            "bytes": {name: _size(path) for name, path in files.items()},
        }
        if shared := self._shared_people(self.path / "manifest.parquet"):
            facts["people"] = shared
        write_text(self.path / "done.json", _in_lines(facts))


def command_line() -> str:
    """The command of this run alone, ready to be pasted: of a job of a sweep, and under any launcher."""
    if HydraConfig.initialized():
        return f"judge run {shlex.join(HydraConfig.get().overrides.task)}".strip()
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def overrides() -> list[str] | None:
    """What was set for this run on the command line; None outside of Hydra."""
    return [str(word) for word in HydraConfig.get().overrides.task] if HydraConfig.initialized() else None


def pool_of_run(folder: str | Path, condition: str | None = None) -> tuple[pd.DataFrame, str]:
    """Manifest of who trained a finished run's judge, each picture once with the rating it was learnt with, and whose.

    condition  None: the baseline
    Raises InputError where there is no finished run, and for a condition that the run has not or that has no pool.
    """
    run = RunDir(folder)
    done = run.done
    if done is None:
        raise InputError(f"run={str(folder)!r}: no finished run there (a run's folder with a done.json)")
    members = run.table("membership")
    members = members[members["role"].isin(["train", "validation"])]
    there = list(members["condition"].drop_duplicates())
    name = condition or there[0]
    if name not in there:
        raise InputError(f"condition={name!r}: the run {folder} has pools of {listed(there)}")
    own = members[members["condition"] == name].drop_duplicates("image_id").set_index("image_id")
    manifest = run.table("manifest")
    manifest = manifest[manifest["image_id"].isin(own.index)].reset_index(drop=True)
    return manifest.assign(rating=manifest["image_id"].map(own["rating"]).to_numpy()), name
