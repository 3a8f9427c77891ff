"""What a tracker is told of a run, and which tracker."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from hydra.errors import InstantiationException
from hydra.utils import instantiate

from judge.errors import InputError
from judge.experiment.run_folder import RunDir, read_json
from judge.experiment.runs.rows import flattened
from judge.storage.atomic import write_json

#: Files of a run that a tracker keeps, where they are there.
ARTEFACTS = ("page.html", "settings.yaml", "environment.json", "audit.parquet", "judges.parquet")
#: Beside done.json: the losses of judges that were not kept themselves.
HISTORY = "history.json"


@dataclass(frozen=True)
class Told:
    """A finished run.

    name       of the run (setting `name`)
    folder     of the run; its last part tells it from others
    digest     of all settings that change a number
    settings   dotted key → value
    losses     condition, epoch (from 1), name, value: what a training wrote down of each epoch
    audit      rows of the audit: condition, metric, feature, group, value, ci_low, ci_high …
    artefacts  files to keep
    started    seconds since 1970
    seconds    that the run took
    """

    name: str
    folder: Path
    digest: str
    settings: Mapping[str, Any]
    losses: pd.DataFrame
    audit: pd.DataFrame
    artefacts: tuple[Path, ...]
    started: float
    seconds: float

    def epochs(self) -> Iterator[tuple[str, int, float]]:
        """(tag, epoch, value) of every loss that is a number: training/CONDITION/NAME."""
        for row in self.losses.itertuples():
            if math.isfinite(row.value):
                yield f"training/{row.condition}/{row.name}", int(row.epoch), float(row.value)

    def numbers(self) -> Iterator[tuple[str, float]]:
        """(tag, value) of every number of the audit and each end of its interval, where there is one.

        audit/CONDITION/METRIC/FEATURE/GROUP, and the same with /ci_low and /ci_high. Rows of single brackets have
        these in the tag as well.
        """
        extra = ["bracket"] if "bracket" in self.audit else []  # a run has one score
        for row in self.audit.to_dict("records"):
            words = [
                row["condition"],
                row["metric"],
                row["feature"],
                row["group"],
                *(row[name] for name in extra),
            ]
            tag = "/".join(
                ["audit", *(str(word) for word in words if not pd.isna(word) and word not in ("", "all"))]
            )
            for end, key in (("", "value"), ("/ci_low", "ci_low"), ("/ci_high", "ci_high")):
                value = row[key]
                if value is not None and not pd.isna(value) and math.isfinite(value):
                    yield tag + end, float(value)


class Tracker(Protocol):
    """Keeps runs; `track` writes a run once, however often it is told of it."""

    def track(self, told: Told) -> None: ...


def tracker_of(settings: Mapping[str, Any] | None) -> Tracker | None:
    """The tracker of the plain setting `tracking`; None for tracking=none.

    Raises InputError where what it needs is not installed, or its folder cannot be written to.
    """
    if not settings:
        return None
    try:
        return instantiate(dict(settings))
    except InstantiationException as error:
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        raise


def histories(home: RunDir) -> pd.DataFrame:
    """What each training of a run wrote down of its epochs: condition, epoch, name, value.

    Read from the judges' folders, or from history.json where the judges were not kept. A judge that is fitted at once
    has no epochs.
    """
    if (home / HISTORY).is_file():
        return _table(read_json(home / HISTORY))
    files = sorted((home / "judges").glob("*/judge.json"))
    return _table({file.parent.name: read_json(file).get("history") or [] for file in files})


def keep_histories(home: RunDir) -> None:
    """Writes history.json, for a run whose judges are about to be deleted."""
    files = sorted((home / "judges").glob("*/judge.json"))
    write_json(home / HISTORY, {file.parent.name: read_json(file).get("history") or [] for file in files})


def _table(told: Mapping[str, list[Mapping[str, float]]]) -> pd.DataFrame:
    rows = [
        (condition, record.get("epoch", number), name, float(value))
        for condition, history in told.items()
        for number, record in enumerate(history, 1)
        for name, value in record.items()
        if name != "epoch" and isinstance(value, int | float)
    ]
    return pd.DataFrame(rows, columns=["condition", "epoch", "name", "value"])


def told_of(home: RunDir, plain: Mapping[str, Any]) -> Told:
    """What is told of a finished run; `plain`: its settings as plain containers."""
    done = home.done
    assert done is not None
    seconds = float(done["seconds"])
    return Told(
        name=str(done["name"]),
        folder=home.path,
        digest=str(done["settings_hash"]),
        settings=flattened(dict(plain)),
        losses=histories(home),
        audit=home.table("audit"),
        artefacts=tuple(home / name for name in ARTEFACTS if (home / name).is_file()),
        started=(home / "done.json").stat().st_mtime - seconds,
        seconds=seconds,
    )
