"""tracking=mlflow: runs in a SQLite database, their files in a folder beside it; `mlflow ui` shows them.

Runs of a sweep finish in several processes, on one machine or many that share a disk. SQLite lets one of them write
at a time and MLflow makes the database's tables when it first opens it, so each run is written while the folder is
locked.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from judge.experiment.tracking.told import Told
from judge.extras import need
from judge.storage import locked, make_writable

#: What MLflow takes at once.
PARAMS, METRICS = 100, 1000
LONGEST = 6000
#: By which a run is known again: the digest of its settings, and the name of its folder.
DIGEST, FOLDER = "judge.settings_hash", "judge.folder"
_ODD = re.compile(r"[^\w.\-/ ]")
T = TypeVar("T")


@dataclass(frozen=True)
class MLflow:
    """Writes settings as params, losses by epoch and numbers of the audit as metrics, page and tables as artefacts.

    folder  gets mlflow.db and artefacts/; runs of one `name` are an experiment
    """

    folder: str = "runs/mlflow"

    def __post_init__(self) -> None:
        need("tracking", "tracking=mlflow")
        make_writable(Path(self.folder))

    @property
    def uri(self) -> str:
        """Of the database, for `mlflow ui --backend-store-uri` and MlflowClient."""
        return f"sqlite:///{(Path(self.folder) / 'mlflow.db').resolve()}"

    def track(self, told: Told) -> None:
        """Writes the run unless the database has it; what a killed process had begun to write is written anew."""
        logging.getLogger("alembic").setLevel(logging.WARNING)  # a line a table of the database
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
        from mlflow import MlflowClient

        with locked(self.folder):
            client = MlflowClient(tracking_uri=self.uri)
            experiment = _experiment(client, told.name, (Path(self.folder) / "artefacts").resolve())
            mine = f"tags.`{DIGEST}` = '{told.digest}' and tags.`{FOLDER}` = '{told.folder.name}'"
            for one in client.search_runs([experiment], mine):
                if one.info.status == "FINISHED":
                    return
                client.delete_run(one.info.run_id)
            _write(client, experiment, told)


def _experiment(client: Any, name: str, artefacts: Path) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    return client.create_experiment(name, artifact_location=(artefacts / name).as_uri())


def _write(client: Any, experiment: str, told: Told) -> None:
    from mlflow.entities import Metric, Param

    begun = int(told.started * 1000)
    ended = begun + int(told.seconds * 1000)
    tags = {DIGEST: told.digest, FOLDER: told.folder.name}
    run = client.create_run(experiment, start_time=begun, run_name=told.folder.name, tags=tags).info.run_id
    params = [Param(_plain(key), str(value)[:LONGEST]) for key, value in told.settings.items()]
    metrics = [Metric(_plain(tag), value, ended, epoch) for tag, epoch, value in told.epochs()]
    metrics += [Metric(_plain(tag), value, ended, 0) for tag, value in told.numbers()]
    for some in _parts(params, PARAMS):
        client.log_batch(run, params=some)
    for some in _parts(metrics, METRICS):
        client.log_batch(run, metrics=some)
    for file in told.artefacts:
        client.log_artifact(run, str(file))
    client.set_terminated(run, end_time=ended)


def _plain(name: str) -> str:
    """A name with the characters that MLflow takes: letters of any script, digits, _ - . / and spaces."""
    return _ODD.sub("_", name)


def _parts(things: Sequence[T], most: int) -> Iterator[list[T]]:
    for first in range(0, len(things), most):
        yield list(things[first : first + most])
