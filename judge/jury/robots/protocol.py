"""The robots' bench: what a robot is, one pass over the pictures for all of them, fitting, saving.

A robot looks at aligned faces and gives a score, higher is better. It works in two steps, so that pictures are
read once however many references, conditions or panels are tried afterwards:

    look(portraits)        → evidence, float (n, k): what is measured on the picture itself
    score(evidence, rows)  → float (n,): what the robot makes of it, given what it was fitted on and what the
                             manifest's rows state (age, group); NaN where it cannot judge

`fit(evidence, rows)` returns the robot with what it takes from a reference set. `robot(portraits)` does both
steps and returns a table image_id, score.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.jury.faces.alignment import Batch, Portraits
from judge.storage import replacing, write_json


class Robot(Protocol):
    """`name` is the judge's name in the scores table; `unable` says why a score may be missing; `fitted` holds
    named arrays, or None before `fit` (robots that need no reference are fitted from the start)."""

    name: str
    unable: str
    fitted: Mapping[str, NDArray] | None

    def look(self, portraits: Portraits) -> NDArray[np.float32]: ...
    def fit(self, evidence: NDArray, rows: pd.DataFrame) -> Robot: ...
    def score(self, evidence: NDArray, rows: pd.DataFrame) -> NDArray[np.float64]: ...
    def __call__(self, portraits: Portraits) -> pd.DataFrame: ...


class Judging:
    """The common second half of a robot: calling it, and refusing to be called before it was fitted."""

    name: str
    fitted: Mapping[str, NDArray] | None

    def __call__(self, portraits: Portraits) -> pd.DataFrame:
        """image_id, score (higher is better, NaN where this robot cannot judge)."""
        evidence = self.look(portraits)  # type: ignore[attr-defined]
        return pd.DataFrame(
            {
                "image_id": portraits.rows["image_id"].to_numpy(),
                "score": self.score(evidence, portraits.rows),  # type: ignore[attr-defined]
            }
        )

    def with_fitted(self, fitted: Mapping[str, NDArray]) -> Any:
        return replace(self, fitted=dict(fitted))  # type: ignore[type-var]

    def known(self) -> Mapping[str, NDArray]:
        if self.fitted is None or (getattr(self, "labels", None) is not None and not self.fitted):
            raise InputError(f"the robot {self.name} has to be fitted on a reference set before it can score")
        return self.fitted


def each(portraits: Portraits, measure: Callable[[int], NDArray], width: int) -> NDArray[np.float32]:
    """`measure(i)` → (width,) for every portrait; a row of NaN where it fails on that one picture.

    In as many threads as OMP_NUM_THREADS says: most of a filter's time is spent outside the interpreter's lock.
    """

    def one(i: int) -> NDArray | float:
        try:
            return measure(i)
        except (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError):
            return np.nan

    out = np.full((len(portraits), width), np.nan, dtype=np.float32)
    threads = int(os.environ.get("OMP_NUM_THREADS") or min(os.cpu_count() or 1, 8))
    if threads == 1:
        for i in range(len(portraits)):
            out[i] = one(i)
        return out
    with ThreadPoolExecutor(threads) as pool:
        for i, row in enumerate(pool.map(one, range(len(portraits)))):
            out[i] = row
    return out


@dataclass(frozen=True)
class Looks:
    """What one pass over n pictures found.

    measures   a row a picture, in order: image_id, problem, and the columns of portraits.MEASURES
    rows       the manifest's rows of the m pictures that show a face
    evidence   robot's name → (m, k)
    """

    measures: pd.DataFrame
    rows: pd.DataFrame
    evidence: dict[str, NDArray[np.float32]]

    def take(self, image_ids: Iterable[str]) -> Looks:
        """These pictures, in the order given; one that is named twice (a resampled pool) is there twice.

        Ids that were not looked at are left out.
        """
        chosen = pd.Index(list(image_ids))
        measured, seen = (_places(table["image_id"], chosen) for table in (self.measures, self.rows))
        return Looks(
            self.measures.iloc[measured].reset_index(drop=True),
            self.rows.iloc[seen].reset_index(drop=True),
            {name: array[seen] for name, array in self.evidence.items()},
        )


def _places(there: pd.Series, chosen: pd.Index) -> NDArray[np.int64]:
    places = pd.Index(there).get_indexer(chosen)
    return places[places >= 0]


def look(robots: Iterable[Robot], batches: Iterable[Batch]) -> Looks:
    """One pass that keeps the evidence: memory grows with it (the embeddings are about 5 kB a picture)."""
    robots = list(robots)
    measures, rows = [], []
    evidence: dict[str, list] = {robot.name: [] for robot in robots}
    for batch in batches:
        measures.append(batch.measures)
        rows.append(batch.portraits.rows)
        for robot in robots:
            evidence[robot.name].append(_look(robot, batch.portraits))
    if not measures:
        raise InputError("no pictures to look at")
    return Looks(
        pd.concat(measures, ignore_index=True),
        pd.concat(rows, ignore_index=True),
        {name: np.concatenate(parts) for name, parts in evidence.items()},
    )


def fit(robots: Iterable[Robot], looks: Looks) -> list[Robot]:
    """The robots, each fitted on what the pass over a reference set found."""
    return [robot.fit(looks.evidence[robot.name], looks.rows) for robot in robots]


def scores(robots: Iterable[Robot], looks: Looks, *, seed: int = 0) -> pd.DataFrame:
    """SCORES table: image_id, judge, seed, score, for every picture and robot; NaN with a `reason` where there is

    none: no picture and no robot is lost because another could not judge.
    """
    tables = []
    problem = looks.measures.set_index("image_id")["problem"]
    for robot in robots:
        value = pd.Series(
            robot.score(looks.evidence[robot.name], looks.rows), index=looks.rows["image_id"].to_numpy()
        ).reindex(problem.index)
        reason = problem.where(problem.notna() | value.notna(), robot.unable).where(value.isna())
        tables.append(
            pd.DataFrame(
                {
                    "image_id": problem.index.to_numpy(),
                    "judge": robot.name,
                    "seed": seed,
                    "score": value.to_numpy(float),
                    "reason": reason.to_numpy(),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def judge(
    robots: Iterable[Robot], batches: Iterable[Batch], *, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(scores, measures) in one pass that keeps no evidence: memory is a batch and the two tables."""
    robots = list(robots)
    tables, measures = [], []
    for batch in batches:
        looks = look(robots, [batch])
        tables.append(scores(robots, looks, seed=seed))
        measures.append(batch.measures)
    if not tables:
        raise InputError("no pictures to judge")
    return pd.concat(tables, ignore_index=True), pd.concat(measures, ignore_index=True)


def _look(robot: Robot, portraits: Portraits) -> NDArray[np.float32]:
    evidence = np.asarray(robot.look(portraits), dtype=np.float32)
    if evidence.ndim != 2 or len(evidence) != len(portraits):
        raise InputError(
            f"the robot {robot.name} gave evidence of shape {evidence.shape} for {len(portraits)} pictures"
        )
    return evidence


def save(robots: Iterable[Robot], folder: str | Path) -> None:
    """What each robot was fitted on: NAME.safetensors, and names.json."""
    from safetensors.numpy import save_file

    folder = Path(folder)
    robots = list(robots)
    for robot in robots:
        if robot.fitted:
            with replacing(folder / f"{robot.name}.safetensors") as part:
                save_file({k: np.ascontiguousarray(v) for k, v in robot.fitted.items()}, part)
    write_json(folder / "names.json", [robot.name for robot in robots])


def load(robots: Iterable[Robot], folder: str | Path) -> list[Robot]:
    """The robots with what `save` kept. Raises InputError for a robot that was not saved there."""
    from safetensors.numpy import load_file

    folder = Path(folder)
    out = []
    for robot in robots:
        path = folder / f"{robot.name}.safetensors"
        if robot.fitted is None or path.is_file():
            if not path.is_file():
                there = sorted(p.stem for p in folder.glob("*.safetensors"))
                raise InputError(f"{folder} holds no fitted {robot.name}; it holds {listed(there)}")
            robot = robot.with_fitted(load_file(path))  # type: ignore[attr-defined]
        out.append(robot)
    return out
