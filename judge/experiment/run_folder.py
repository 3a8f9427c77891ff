"""A run's folder: settings, versions, seeds, tables. Written atomically; `done.json` comes last.

A folder with a `done.json` of the same settings is finished and is not computed again. One whose settings
differ is moved into `.superseded/` beside it, never overwritten.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.core.hydra_config import HydraConfig

from judge import __version__
from judge.data.tables import read_table, write_table
from judge.errors import InputError
from judge.storage import remove_leftovers, write_json, write_text

SUPERSEDED = ".superseded"
#: What became of each job of a sweep, in the sweep's folder.
SWEEP = "sweep.json"
HYDRA = ".hydra"
PACKAGES = ("torch", "torchvision", "timm", "lightning-fabric", "numpy", "pandas", "scipy", "statsmodels",
            "scikit-learn", "fairlearn", "hydra-core", "onnxruntime")  # fmt: skip


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


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
    """One run's folder."""

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @property
    def done(self) -> dict[str, Any] | None:
        path = self.path / "done.json"
        return read_json(path) if path.is_file() else None

    def state(self) -> tuple[str, str]:
        """(finished, failed or not finished; the reason). A failure after a finished run is a failure."""
        failed = self.path / "failed.json"
        if failed.is_file():
            return "failed", read_json(failed)["error"]
        return ("finished", "") if self.done else ("not finished", "killed or still running")

    def claim(self, digest: str, settings_yaml: str) -> bool:
        """Makes the folder ready for these settings; True if they are finished already.

        A folder that holds other settings moves to .superseded/NAME.OLDDIGEST.
        """
        mark = self.path / "started.json"
        if mark.is_file():
            old = read_json(mark)["settings_hash"]
            if old == digest and self.done:
                (self.path / "failed.json").unlink(missing_ok=True)
                return True
            if old != digest:
                self._move_aside(old)
        (self.path / "failed.json").unlink(missing_ok=True)
        remove_leftovers(self.path)
        write_text(self.path / "settings.yaml", settings_yaml)
        write_json(mark, {"settings_hash": digest, "command": command_line()})
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
        if (target / HYDRA).is_dir():
            # Hydra has written it for the new run already
            (target / HYDRA).rename(self.path / HYDRA)
        print(f"{self.path} held a run with other settings; it is now {target}", file=sys.stderr)

    def write_tables(self, **tables: pd.DataFrame) -> None:
        for name, table in tables.items():
            write_table(table, self.path / name)

    def table(self, name: str) -> pd.DataFrame:
        return read_table(self.path / f"{name}.parquet")

    def fail(self, error: BaseException) -> None:
        write_json(
            self.path / "failed.json",
            {
                "error": f"{type(error).__name__}: {error}",
                "traceback": "".join(traceback.format_exception(error)),
            },
        )

    def finish(self, digest: str, started: float, summary: dict[str, Any]) -> None:
        seconds = round(time.time() - started, 1)
        write_json(self.path / "done.json", {"settings_hash": digest, "seconds": seconds, **summary})


def command_line() -> str:
    """The command of this run alone, ready to be pasted: of a job of a sweep, and under any launcher."""
    if HydraConfig.initialized():
        return f"judge run {shlex.join(HydraConfig.get().overrides.task)}".strip()
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def find_runs(paths: list[str | Path]) -> tuple[list[RunDir], pd.DataFrame]:
    """Finished runs under the given folders, and a table of the others (folder, state, reason).

    A run that was asked for again after it had finished, and then failed, is in both. Raises InputError if a folder
    does not exist or holds no run at all.
    """
    finished: list[RunDir] = []
    others = []
    for path in map(Path, paths):
        if not path.is_dir():
            raise InputError(f"no such folder: {path}")
        # a job that fails before it claims its folder leaves a failed.json only
        marks = {mark.parent for name in ("started.json", "failed.json") for mark in path.rglob(name)}
        if not marks:
            raise InputError(f"{path} holds no run (a run's folder has a started.json)")
        for run in map(RunDir, sorted(marks)):
            if SUPERSEDED in run.path.parts:
                continue
            if run.done:
                finished.append(run)
            state, reason = run.state()
            if state != "finished":
                others.append((str(run.path), state, reason))
    return finished, pd.DataFrame(others, columns=["folder", "state", "reason"])
