"""Runs and sweeps from Python: the same as `judge run` and `judge run -m`, with tidy tables for an answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, InstantiationException
from omegaconf.errors import OmegaConfBaseException

from judge.errors import InputError
from judge.experiment.choices.own_data import register_own_data
from judge.experiment.choices.words import as_override
from judge.experiment.compare import run_table
from judge.experiment.folder_names import folder_name
from judge.experiment.run_folder import SWEEP, RunDir, read_json, write_json
from judge.extras import need


class SweepError(RuntimeError):
    """A sweep of which not every job finished: `jobs` has the folder, state and reason of those that did not."""

    def __init__(self, message: str, jobs: list[dict[str, Any]]):
        super().__init__(message)
        self.jobs = jobs


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    folder : Path
        Where its settings, tables, judges and page lie.

    Examples
    --------
    >>> import judge
    >>> small = ["judge=embedding", "data.n=150", "data.size=32", "pool.n=30", "pool.majority_share=.6"]
    >>> run = judge.run([*small, "entrants.n=30", "report.page=false"])
    >>> len(run.conditions), run.conditions[0] == run.baseline
    (2, True)
    >>> run.winners.groupby("condition")["entrants"].sum().unique()
    array([30])
    >>> run.audit.query("metric == 'winner_share'")["value"].between(0, 1).all()
    np.True_
    """

    folder: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What done.json holds: seed, feature, groups, sizes and shares of the pools, whose judge a condition uses."""
        return read_json(self.folder / "done.json")

    @property
    def conditions(self) -> list[str]:
        """Names of the conditions, the baseline first."""
        return list(self.summary["conditions"])

    @property
    def baseline(self) -> str:
        return str(self.summary["baseline"])

    def table(self, name: str) -> pd.DataFrame:
        """A table of the run's folder by name.

        manifest, membership, scores, ranking, audit, brackets, unranked, excluded; where a jury sat gate, gate_rates.
        """
        return RunDir(self.folder).table(name)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row a judged picture and condition: image_id, condition, judge, seed, score."""
        return self.table("scores")

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """A row an entrant and condition: image_id, condition, bracket, score, rank, winner."""
        return self.table("ranking")

    @cached_property
    def audit(self) -> pd.DataFrame:
        """A row a number and condition: condition, metric, feature, group, value, n, ci_low, ci_high, p_value, test."""
        return self.table("audit")

    @cached_property
    def winners(self) -> pd.DataFrame:
        """A row a condition and group, in order of conditions: entrants, ranked, winners, winner_share.

        entrants counts everybody who entered, ranked those whom neither gate nor contest left out.
        """
        groups = self.table("manifest").set_index("image_id")[self.summary["feature"]]
        members = self.table("membership")
        ids = members.loc[members["role"] == "entrant", "image_id"].drop_duplicates()
        entered = ids.map(groups).value_counts()
        people = self.ranking.assign(group=lambda t: t["image_id"].map(groups))
        order = [*self.conditions, *sorted(set(people["condition"]) - set(self.conditions))]
        every = pd.MultiIndex.from_product([order, sorted(entered.index)], names=["condition", "group"])
        counted = people.groupby(["condition", "group"])["winner"].agg(ranked="size", winners="sum")
        counted = counted.reindex(every, fill_value=0).reset_index()
        counted.insert(2, "entrants", counted["group"].map(entered))
        total = counted.groupby("condition")["winners"].transform("sum")
        return counted.assign(winner_share=counted["winners"] / total)


@dataclass(frozen=True)
class Sweep:
    """The finished runs of a sweep, in the order of its jobs.

    Attributes
    ----------
    folder : Path
        The sweep's folder.
    runs : list of Run
        One a job.
    """

    folder: Path
    runs: list[Run]

    def __len__(self) -> int:
        return len(self.runs)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a training run and group, with a column for each setting that varied (judge.experiment.compare)."""
        return self._table[0]

    @cached_property
    def factors(self) -> list[str]:
        """The settings that varied besides the dose (pool.majority_share) and the seed: columns of `table`."""
        return self._table[1]

    @cached_property
    def _table(self) -> tuple[pd.DataFrame, list[str]]:
        return run_table([RunDir(run.folder) for run in self.runs])


def run(overrides: Sequence[str] = (), *, folder: str | Path | None = None) -> Run:
    """Train judges under every condition, hold the contest and audit it, as `judge run` does.

    Parameters
    ----------
    overrides : sequence of str
        Settings as on the command line, ``["pool.majority_share=.95", "+conditions.reweight=reweight"]``.
    folder : path, optional
        Where the run is kept; by default ``runs/NAME/…`` below the working folder, as on the command line. A folder
        that holds the finished run of these settings is read, one that was interrupted is finished.

    Returns
    -------
    Run

    Raises
    ------
    judge.errors.InputError
        For settings that do not fit, before any work.

    Examples
    --------
    >>> import judge
    >>> small = ["judge=embedding", "data.n=150", "data.size=32", "pool.n=30", "pool.majority_share=.6"]
    >>> small += ["entrants.n=30", "report.page=false"]
    >>> run = judge.run([*small, "+conditions.reweight=reweight"], folder="weighed")
    >>> run.conditions[-1]
    'reweight'
    >>> judge.run([*small, "+conditions.reweight=reweight"], folder="weighed").folder.name  # read, not done again
    'weighed'
    """
    need("train", "judge.run")
    from judge.experiment.run import run as run_settings
    from judge.experiment.settings import input_error

    settings = composed(overrides)
    if folder is None:
        home = Path("runs") / settings.name
        folder = home / folder_name(overrides, home)
    folder = Path(folder)
    try:
        run_settings(settings, folder)
    except InstantiationException as error:
        raise input_error(error) or error from error
    return Run(folder)


def sweep(overrides: Sequence[str]) -> Sweep:
    """Run every combination of the given values, as `judge run -m` does; started again it does what is missing.

    Parameters
    ----------
    overrides : sequence of str
        Settings as on the command line, several values separated by commas:
        ``["pool.majority_share=.5,.9", "seed=range(0,10)", "hydra/launcher=joblib"]``.

    Returns
    -------
    Sweep

    Raises
    ------
    SweepError
        Unless every job finished; the others keep what they did.

    Examples
    --------
    >>> import judge
    >>> small = ["judge=embedding", "data.n=150", "data.size=32", "pool.n=30", "entrants.n=30", "report.page=false"]
    >>> sweep = judge.sweep([*small, "name=doses", "pool.majority_share=.4,.6"])
    >>> len(sweep), sorted(sweep.table["share"].unique())
    (2, [np.float64(0.4), np.float64(0.6)])
    """
    if isinstance(overrides, str):
        raise InputError(f"overrides are a list of settings such as ['seed=0,1']; given {overrides!r}")
    need("train", "judge.sweep")
    folder = sweep_folder(overrides)
    report = folder / SWEEP
    report.unlink(missing_ok=True)
    code = subprocess.run([sys.executable, "-m", "judge", "run", "-m", *overrides], check=False).returncode
    if not report.is_file():
        raise SweepError(f"the sweep ended with exit code {code} before any job began", [])
    jobs = read_json(report)["jobs"]
    lost = [job for job in jobs if job["state"] != "finished"]
    if lost or code:
        told = "; ".join(
            f"{job['folder'] or job['overrides']}: {job['state']} {job['reason']}" for job in lost[:5]
        )
        raise SweepError(f"{len(lost)} of {len(jobs)} jobs did not finish (exit code {code}): {told}", lost)
    return Sweep(folder, [Run(Path(job["folder"])) for job in jobs])


def sweep_folder(overrides: Iterable[str]) -> Path:
    """Where a sweep with these settings lies: by its name, or as hydra.sweep.dir says."""
    words = list(overrides)
    told = [word.partition("=")[2] for word in words if word.startswith("hydra.sweep.dir=")]
    if told:
        return Path(told[-1])
    named = [word for word in words if word.startswith(("name=", "experiment="))]
    return Path("runs") / composed(named).name


def load_run(path: str | Path) -> Run:
    """A finished run by its folder.

    Raises
    ------
    judge.errors.InputError
        If the folder holds no finished run; the message says why it did not finish where that is known.

    Examples
    --------
    >>> import judge
    >>> judge.load_run("weighed").summary["majority"]  # the run of the example of `judge.run`
    'caucasian'
    """
    run = RunDir(path)
    if run.done is None:
        if not run.path.is_dir():
            raise InputError(f"no such folder: {run.path}")
        within = sorted(run.path.glob("*/done.json"))
        if within:
            raise InputError(
                f"{run.path} holds {len(within)} finished runs: name one of them, such as {within[0].parent}"
            )
        state, reason = run.state()
        raise InputError(f"{run.path} holds no finished run: {state}, {reason}")
    return Run(run.path)


def composed(overrides: Sequence[str]) -> Any:
    """The settings of a run under these overrides, as Hydra composes them: a DictConfig.

    Raises InputError where they cannot be composed, and within a job that Hydra runs.
    """
    import judge.experiment.settings  # noqa: F401  registers the typed root

    if isinstance(overrides, str | Mapping) or not all(isinstance(word, str) for word in overrides):
        raise InputError(
            f"overrides are a list of settings such as ['seed=1', 'pool.n=60']; given {overrides!r}"
        )
    state = GlobalHydra.instance().is_initialized()
    if state:  # within a job of a sweep: Hydra allows one at a time
        raise InputError("judge.run cannot be called within a job that Hydra runs: compose there yourself")
    register_own_data(overrides)
    with initialize_config_module("judge.conf", version_base="1.3"):
        try:
            return compose("config", overrides=[as_override(word) for word in overrides])
        except (HydraException, OmegaConfBaseException) as error:
            raise InputError(f"these settings cannot be composed: {error}") from error


def write_sweep_report(folder: Path, jobs: list[dict[str, Any]]) -> None:
    """What became of each job of a sweep: folder, state, reason, overrides."""
    write_json(folder / SWEEP, {"jobs": jobs})
