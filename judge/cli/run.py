"""judge run: one run or a sweep, composed and launched by Hydra."""

from __future__ import annotations

import argparse
import logging
import math
import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from judge import config as _  # noqa: F401  registers the typed root and the folder's resolver
from judge.errors import InputError

log = logging.getLogger("judge")
# what this process ran, for the closing lines; other processes' runs are read from their folders
_finished: list[Path] = []
_failed: list[tuple[Path, str]] = []
_sweep: dict[str, Any] = {}


class SweepWatch(Callback):
    """Remembers where a sweep's runs go and how many were asked for."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        _sweep["folder"] = Path(config.hydra.sweep.dir)
        params = config.hydra.sweeper.get("params") or {}
        chosen = [f"{key}={value}" for key, value in params.items()]
        _sweep["jobs"] = _count_jobs([*chosen, *config.hydra.overrides.task])


def _count_jobs(overrides: list[str]) -> int:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parsed = OverridesParser.create().parse_overrides(overrides)
    # the last word on a key counts, as in Hydra's own sweeper
    last = {override.get_key_element(): override for override in parsed}
    return math.prod(len(list(o.sweep_iterator())) for o in last.values() if o.is_discrete_sweep())


@hydra.main(config_path="pkg://judge.conf", config_name="config", version_base="1.3")
def task(settings: DictConfig) -> dict[str, Any] | None:
    """One job. A failure is kept in the run's folder and reported at the end; the other jobs go on."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    try:
        from judge.experiment import run as run_experiment

        summary = run_experiment(settings, folder)
    except Exception as error:
        from judge.rundir import RunDir

        mendable = _input_error(error)
        RunDir(folder).fail(mendable or error)
        reason = str(mendable) if mendable else f"{type(error).__name__}: {error}"
        _failed.append((folder, reason))
        log.error("judge run: %s", reason)
        if mendable is None:
            log.error("           (traceback in %s)", _short(folder / "failed.json"))
        return None
    _finished.append(folder)
    return summary


def _input_error(error: BaseException | None) -> InputError | None:
    """The InputError behind an exception: Hydra wraps what a reader raises while it is instantiated."""
    while error is not None and not isinstance(error, InputError):
        error = error.__cause__
    return error


def configure(parser: argparse.ArgumentParser) -> None:
    """Hydra parses this command's arguments itself."""


def run(args: argparse.Namespace) -> int:
    # argparse, which Hydra uses, takes overrides on one side of a flag only
    flags = [word for word in args.overrides if word in ("-m", "--multirun")]
    sys.argv = ["judge run", *flags, *(word for word in args.overrides if word not in flags)]
    code = 0
    try:
        task()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    if _sweep:
        return max(code, _report_sweep())
    for folder in _finished:
        page = folder / "page.html"
        print(f"\nrun    {_short(folder)}")
        print(f"page   {_short(page)}" if page.is_file() else "page   not asked for (report.page=true)")
    return 2 if _failed else code


def _report_sweep() -> int:
    """The closing lines of a sweep; 1 if any run of its folder failed or is missing."""
    from judge.rundir import find_runs

    folder: Path = _sweep["folder"]
    try:
        finished, others = find_runs([folder])
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    failed = others[others["state"] == "failed"]
    missing = max(0, _sweep["jobs"] - len(finished) - len(others))
    print(
        f"\nsweep  {_short(folder)}: {_sweep['jobs']} jobs asked for; {len(finished)} runs finished in the folder,"
    )
    print(f"       {len(failed)} failed, {len(others) - len(failed)} not finished, {missing} never started")
    for row in others.itertuples():
        print(f"       {row.state}: {_short(Path(row.folder))}: {row.reason}")
    print(f"next   judge compare {_short(folder)}")
    if len(others) or missing:
        print("       (the same command again does only what is missing)")
    return int(len(others) > 0 or missing > 0)


def _short(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
