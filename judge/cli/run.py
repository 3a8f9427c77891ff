"""judge run: one run or a sweep, composed and launched by Hydra."""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from judge.errors import InputError
from judge.experiment.choices.words import as_override
from judge.experiment.folder_names import changes_a_number, checked_name
from judge.experiment.settings import input_error
from judge.storage import CannotWrite, make_writable

log = logging.getLogger("judge")
# what this process ran, for the closing lines; a sweep's runs are read from their folders, whoever ran them
_finished: list[Path] = []
_failed: list[tuple[Path, str]] = []
_sweep: dict[str, Any] = {}
#: Flags of Hydra that are followed by a word.
_WITH_A_WORD = ("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn", "--cfg", "-c", "--package", "-p",
                "--experimental-rerun")  # fmt: skip
#: What was set for one job, without what its folder is not named after.
Job = frozenset[str]
#: Tells the processes of a launcher how many jobs their sweep has.
JOBS = "JUDGE_SWEEP_JOBS"
#: Jobs of a sweep by which the rest of it is judged.
LIKE = 5


class SweepWatch(Callback):
    """Remembers where a sweep's runs go and which were asked for; ends a command that could not write there."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        # the folder's name refers to the overrides, which are known there only
        HydraConfig.instance().set_config(config)
        if config.stack is not None:
            print("judge run: stack is of a sweep (judge run -m …); one run has no stack", file=sys.stderr)
            raise SystemExit(2)
        _check_folder(config, "hydra.run.dir")

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        _check_folder(config, "hydra.sweep.dir")
        _sweep["folder"] = Path(config.hydra.sweep.dir)
        params = config.hydra.sweeper.get("params") or {}
        chosen = [f"{key}={value}" for key, value in params.items()]
        words = [*chosen, *config.hydra.overrides.task]
        _sweep["jobs"] = _jobs(words)
        _sweep["seconds"] = []
        os.environ[JOBS] = str(len(_sweep["jobs"]))
        if config.stack is not None:
            _check_stack(config.stack)
            _train_as_stacks(config, words)

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        if _sweep:  # neither a run by itself, nor in the process of a launcher, which knows of no other jobs
            _sweep["began"] = time.monotonic()

    def on_job_end(self, config: DictConfig, job_return: Any, **kwargs: Any) -> None:
        if _sweep:
            _sweep["seconds"].append(time.monotonic() - _sweep["began"])
            print(_told_of_job(_sweep["seconds"], len(_sweep["jobs"])), flush=True)
        elif jobs := os.environ.get(JOBS):  # a process of the joblib launcher
            over = sum(1 for _ in Path(config.hydra.sweep.dir).glob("*/done.json"))
            print(f"{over} of {jobs} jobs are finished", flush=True)


def _told_of_job(seconds: Sequence[float], jobs: int) -> str:
    """How many jobs of a sweep are over, and how long the others will take if they are like the last few.

    seconds  each took, one after the other
    """
    done = f"{len(seconds)} of {jobs} jobs"
    left = jobs - len(seconds)
    if not left:
        return done
    rest = left * statistics.median(seconds[-LIKE:])  # the first may have drawn pictures for all
    return f"{done}; about {rest:.0f} s left" if rest < 100 else f"{done}; about {rest / 60:.0f} min left"


def _check_stack(stack: object) -> None:
    """Ends the sweep, before any of its jobs, for a `stack` that is none."""
    from judge.experiment.settings import check_stack

    try:
        check_stack(stack)
    except InputError as error:
        print(f"judge run: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def _train_as_stacks(config: DictConfig, words: list[str]) -> None:
    """Trains what the jobs will train (judge.experiment.runs.stacking); what goes wrong there, the jobs do then."""
    from judge.experiment.runs.stacking import hydra_job, stack_sweep

    def composed() -> Iterator[tuple[DictConfig, Path]]:
        loader = GlobalHydra.instance().config_loader()
        for number, job in enumerate(_combinations(words)):
            settings = loader.load_sweep_config(config, list(job))
            with open_dict(settings):
                settings.hydra.job.id = settings.hydra.job.num = number
            with hydra_job(settings):
                folder = Path(settings.hydra.sweep.dir) / settings.hydra.sweep.subdir
                with read_write(settings), open_dict(settings):
                    del settings["hydra"]
                yield settings, folder  # unpacked while this job's settings are Hydra's

    try:
        done = stack_sweep(composed(), _sweep["folder"], config.stack)
    except Exception as error:
        log.warning("no stacks: %s", input_error(error) or f"{type(error).__name__}: {error}")
        return
    log.info("%(stacked)d trainings done in %(stacks)d stacks, %(left)d left to their jobs", done)


def _check_folder(config: DictConfig, setting: str) -> None:
    """Makes the folder and tries it, before Hydra does and ends in tracebacks."""
    try:
        checked_name(config.name)
        make_writable(Path(OmegaConf.select(config, setting)).resolve())
    except InputError as error:
        elsewhere = f" ({setting}=FOLDER, or start from another folder)"
        print(f"judge run: {error}{elsewhere if isinstance(error, CannotWrite) else ''}", file=sys.stderr)
        raise SystemExit(2) from None  # Hydra only warns of other exceptions of a callback


def _jobs(overrides: list[str]) -> list[Job]:
    """Every combination of the values of a sweep, each once."""
    return list(dict.fromkeys(_job(words) for words in _combinations(overrides)))


def _combinations(overrides: list[str]) -> Iterator[tuple[str, ...]]:
    """The overrides of each job of a sweep."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    # the last word on a key counts, as in Hydra's own sweeper
    values: dict[str, list[str]] = {}
    for override in OverridesParser.create().parse_overrides(overrides):
        swept = override.is_discrete_sweep()
        given = override.sweep_string_iterator() if swept else [override.get_value_element_as_str()]
        key = override.get_key_element()
        values[key] = [f"{key}={value}" for value in given]
    return itertools.product(*values.values())


def _job(overrides: Iterable[str]) -> Job:
    return frozenset(word for word in overrides if changes_a_number(word.partition("=")[0]))


@hydra.main(config_path="pkg://judge.conf", config_name="config", version_base="1.3")
def task(settings: DictConfig) -> dict[str, Any] | None:
    """One job. A failure is kept in the run's folder and reported at the end; the other jobs go on."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    try:
        from judge.experiment.run import run as run_experiment

        summary = run_experiment(settings, folder)
    except Exception as error:
        from judge.experiment.run_folder import RunDir

        mendable = input_error(error)
        RunDir(folder).fail(mendable or error)
        reason = str(mendable) if mendable else f"{type(error).__name__}: {error}"
        _failed.append((folder, reason))
        log.error("judge run: %s", reason)
        if mendable is None:
            log.error("           (traceback in %s)", _short(folder / "failed.json"))
        return None
    _finished.append(folder)
    return summary


def configure(parser: argparse.ArgumentParser) -> None:
    """Hydra parses this command's arguments itself."""


def run(args: argparse.Namespace) -> int:
    from judge.experiment.choices.own_data import config_dirs, register_own_data

    register_own_data(args.overrides, config_dirs(args.overrides))
    # argparse, which Hydra uses, takes settings on one side of the flags only
    flags, words = _apart(args.overrides)
    sys.argv = ["judge run", *flags, *map(as_override, words)]
    code = 0
    for memory in (_sweep, _finished, _failed):  # of a call before this one, where a program makes several
        memory.clear()
    logging.raiseExceptions = False  # a log on a full disk would print a traceback a line
    try:
        task()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    if _sweep:
        return max(code, _report_sweep())
    for parent in dict.fromkeys(folder.parent for folder in _finished):
        _list_of(parent)
    for folder in _finished:
        page = folder / "page.html"
        print(f"\nrun    {_short(folder)}")
        print(f"page   {_short(page)}" if page.is_file() else "page   not asked for (report.page=true)")
    return 2 if _failed else code


def _apart(words: list[str]) -> tuple[list[str], list[str]]:
    """(flags with what belongs to them, settings) of a command line."""
    flags, settings = [], []
    belongs = False
    for word in words:
        flag = word.startswith("-")
        (flags if flag or belongs else settings).append(word)
        belongs = word in _WITH_A_WORD
    return flags, settings


def _report_sweep() -> int:
    """The closing lines of a sweep; 1 if any of its own jobs failed or is missing."""
    from judge.experiment.api import write_sweep_report

    folder, jobs = _sweep["folder"], _sweep["jobs"]
    folders = _folders(folder, jobs)
    states = [(*_state(folders.get(job)), job) for job in jobs]
    write_sweep_report(
        folder,
        [
            {
                "folder": str(folders[job]) if job in folders else None,
                "state": state,
                "reason": reason,
                "overrides": sorted(job),
            }
            for state, reason, job in states
        ],
    )
    listed = _list_of(folder)
    count = Counter(state for state, _, _ in states)
    print(f"\nsweep  {_short(folder)}: {len(jobs)} jobs asked for; {count['finished']} finished,")
    print(
        f"       {count['failed']} failed, {count['not finished']} not finished, {count['never started']} never started"
    )
    for state, reason, job in states:
        if state in ("failed", "not finished"):
            print(f"       {state}: {_short(folders[job])}: {reason}")
    print(
        f"next   judge compare {_short(folder)}   (judge runs {_short(folder)} lists them by their settings)"
    )
    if listed is not None:
        print(f"list   {_short(listed)}   (share, seed and what else varied, a row a run)")
    if count["finished"] == len(jobs):
        return 0
    print("       (the same command again does only what is missing)")
    return 1


def _list_of(folder: Path) -> Path | None:
    """The list of the runs beside each other; None where the folder takes none, or holds none."""
    from judge.experiment.runs.listing import write_list

    try:
        return write_list(folder)
    except (InputError, OSError) as error:
        log.debug("no list is kept: %s", error)
        return None


def _folders(sweep: Path, jobs: Iterable[Job]) -> dict[Job, Path]:
    """The folder of each job that began below `sweep`, in this sweep or another; the latest of several.

    The folders' names follow from the settings. Where they do not (hydra.sweep.subdir was set), the runs' own word
    counts: what was set for each is in its started.json or failed.json, or in .hydra/ by earlier versions.
    """
    from judge.experiment.folder_names import folder_name
    from judge.experiment.runs.index import walked

    named = {job: sweep / folder_name(job, sweep) for job in jobs}
    found = {job: folder for job, folder in named.items() if folder.is_dir()}
    if len(found) < len(named):
        told = [(folder, words) for folder, _ in walked(sweep) if (words := _set_for(folder)) is not None]
        told.sort(key=lambda one: one[0].stat().st_mtime)
        found = {_job(words): folder for folder, words in told} | found
    return found


def _set_for(folder: Path) -> list[str] | None:
    """What was set for the run of a folder, by itself; None where it does not say."""
    from judge.experiment.run_folder import HYDRA, facts_of

    for name in ("failed.json", "started.json"):
        words = (facts_of(folder / name, "overrides") or {}).get("overrides")
        if isinstance(words, list):
            return [str(word) for word in words]
    mark = folder / HYDRA / "overrides.yaml"
    return list(OmegaConf.load(mark)) if mark.is_file() else None


def _state(folder: Path | None) -> tuple[str, str]:
    from judge.experiment.run_folder import RunDir

    return ("never started", "") if folder is None else RunDir(folder).state()


def _short(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
