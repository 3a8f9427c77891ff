"""What a robot is, one pass over the pictures for all of them, fitting, scoring.

A robot measures aligned faces and gives a score, higher is better. It works in two steps, so that pictures are
read once however many references, conditions or panels are tried afterwards:

    measure(portraits)         → measurements, float (n, k): what is seen on the picture itself
    score(measurements, rows)  → float (n,): what the robot makes of them, given what it was fitted on and what the
                                 manifest's rows state (age, group); NaN where it cannot judge

`fit(measurements, rows)` returns the robot with what it takes from a reference; from which one, it declares itself
(`learns_from`). `robot(portraits)` does both steps and returns a table image_id, score.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.jury.faces.alignment import Batch, Portraits

#: What a robot may learn from; whoever composes a jury fits each robot on that.
REFERENCES = {
    "pool": "the training pool of the condition",
    "reference": "the reference set of models",
    "ages": "a data set of known ages where one is given, else the training pool",
    "nothing": "no reference: it is never fitted",
}


class Robot(Protocol):
    """A judge that measures one thing; `Judging` gives a class all but `measure`, `fit` and `score`.

    name            the judge's name in the scores table
    learns_from     one of REFERENCES: whoever fits robots reads it there, so that another robot needs no line elsewhere
    missing_because why a score may be missing, as the scores table says it
    fitted          named arrays, or None before `fit` (robots that need no reference are fitted from the start)
    """

    name: str
    learns_from: ClassVar[str]
    missing_because: ClassVar[str]
    fitted: Mapping[str, NDArray] | None

    def measure(self, portraits: Portraits) -> NDArray[np.float32]:
        """Measurements (n, k) of n portraits; a row of NaN where one cannot be measured."""

    def fit(self, measurements: NDArray, rows: pd.DataFrame) -> Robot:
        """The robot with what it takes from reference people: measurements (n, k) and their manifest rows (n)."""

    def score(self, measurements: NDArray, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Scores (n,), higher is better; NaN where this robot cannot judge."""

    def predicted_age(self, measurements: NDArray) -> NDArray[np.float64] | None:
        """Years (n,), fit to be held against an age limit; None of a robot that predicts no age."""

    def warnings(self, reference: pd.DataFrame, entrants: pd.DataFrame) -> list[str]:
        """What a user should know of these entrants (rows) judged after that reference (rows); mostly nothing."""

    def __call__(self, portraits: Portraits) -> pd.DataFrame:
        """The table image_id, score of n portraits, in their order."""


class Judging:
    """What robots have in common: being called, and refusing to be called before they were fitted."""

    name: str
    fitted: Mapping[str, NDArray] | None

    def __call__(self, portraits: Portraits) -> pd.DataFrame:
        """The table image_id, score (higher is better, NaN where this robot cannot judge), in the portraits' order."""
        measurements = self.measure(portraits)  # type: ignore[attr-defined]
        return pd.DataFrame(
            {
                "image_id": portraits.rows["image_id"].to_numpy(),
                "score": self.score(measurements, portraits.rows),  # type: ignore[attr-defined]
            }
        )

    def predicted_age(self, measurements: NDArray) -> NDArray[np.float64] | None:
        """None: most robots predict no age."""
        return None

    def warnings(self, reference: pd.DataFrame, entrants: pd.DataFrame) -> list[str]:
        """Nothing to warn of."""
        return []

    def with_fitted(self, fitted: Mapping[str, NDArray]) -> Any:
        """A copy that was fitted to these named arrays."""
        return replace(self, fitted=dict(fitted))  # type: ignore[type-var]

    def known(self) -> Mapping[str, NDArray]:
        """What was fitted. Raises InputError before `fit`."""
        if self.fitted is None or (getattr(self, "labels", None) is not None and not self.fitted):
            raise InputError(f"the robot {self.name} has to be fitted on a reference set before it can score")
        return self.fitted


def check_reference(robot: Robot) -> None:
    """Raises InputError for a robot whose `learns_from` is none of REFERENCES."""
    given = getattr(robot, "learns_from", None)
    if given not in REFERENCES:
        raise InputError(
            f"the robot {robot.name}: learns_from is one of {listed(REFERENCES)}; given {given!r}"
        )


def each(portraits: Portraits, measure: Callable[[int], NDArray], width: int) -> NDArray[np.float32]:
    """`measure(i)` → (width,) for every portrait: (n, width), a row of NaN where it fails on that one picture."""
    out = np.full((len(portraits), width), np.nan, dtype=np.float32)
    for i in range(len(portraits)):
        try:
            out[i] = measure(i)
        except (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError):
            continue
    return out


@dataclass(frozen=True)
class Measurements:
    """What one pass over n pictures measured, of which m show a face.

    measures   a row a picture, n in order: image_id, problem, and the columns of alignment.MEASURES, for the gate
    rows       the manifest's rows of the m pictures that show a face
    by_robot   robot's name → its measurements (m, k), float32
    """

    measures: pd.DataFrame
    rows: pd.DataFrame
    by_robot: dict[str, NDArray[np.float32]]

    def take(self, image_ids: Iterable[str]) -> Measurements:
        """These pictures, in the order given; one that is named twice (a resampled pool) is there twice.

        Ids that were not measured are left out.
        """
        chosen = pd.Index(list(image_ids))
        measured, seen = (_places(table["image_id"], chosen) for table in (self.measures, self.rows))
        return Measurements(
            self.measures.iloc[measured].reset_index(drop=True),
            self.rows.iloc[seen].reset_index(drop=True),
            {name: array[seen] for name, array in self.by_robot.items()},
        )


def _places(there: pd.Series, chosen: pd.Index) -> NDArray[np.int64]:
    places = pd.Index(there).get_indexer(chosen)
    return places[places >= 0]


def measure(robots: Iterable[Robot], batches: Iterable[Batch]) -> Measurements:
    """All robots' measurements in one pass: memory grows with them (the embeddings are about 5 kB a picture).

    Raises InputError where there is no picture, and for a robot whose measurements have another shape than (n, k).
    """
    robots = list(robots)
    measures, rows = [], []
    by_robot: dict[str, list] = {robot.name: [] for robot in robots}
    for batch, measured in _side_by_side(lambda b: [_measured(r, b.portraits) for r in robots], batches):
        measures.append(batch.measures)
        rows.append(batch.portraits.rows)
        for robot, table in zip(robots, measured, strict=True):
            by_robot[robot.name].append(table)
    if not measures:
        raise InputError("no pictures to measure")
    return Measurements(
        pd.concat(measures, ignore_index=True),
        pd.concat(rows, ignore_index=True),
        {name: np.concatenate(parts) for name, parts in by_robot.items()},
    )


def fit(robots: Iterable[Robot], reference: Measurements) -> list[Robot]:
    """The robots, all fitted on this one reference."""
    return [robot.fit(reference.by_robot[robot.name], reference.rows) for robot in robots]


def scores(robots: Iterable[Robot], pictures: Measurements, *, seed: int = 0) -> pd.DataFrame:
    """SCORES table of every picture and robot: image_id, judge, seed, score; NaN with a `reason` where there is none.

    No picture and no robot is lost because another could not judge.
    """
    tables = []
    problem = pictures.measures.set_index("image_id")["problem"]
    for robot in robots:
        value = pd.Series(
            robot.score(pictures.by_robot[robot.name], pictures.rows),
            index=pictures.rows["image_id"].to_numpy(),
        ).reindex(problem.index)
        reason = problem.where(problem.notna() | value.notna(), robot.missing_because).where(value.isna())
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
    """The tables scores (as `scores`) and measures in one pass that stores no measurements: memory is a batch.

    Raises InputError where there is no picture.
    """
    robots = list(robots)
    tables, measures = [], []
    for batch, scored in _side_by_side(lambda b: scores(robots, measure(robots, [b]), seed=seed), batches):
        tables.append(scored)
        measures.append(batch.measures)
    if not tables:
        raise InputError("no pictures to judge")
    return pd.concat(tables, ignore_index=True), pd.concat(measures, ignore_index=True)


def _side_by_side(work: Callable[[Batch], Any], batches: Iterable[Batch]) -> Iterator[tuple[Batch, Any]]:
    """Each batch with `work(batch)`, in order; OMP_NUM_THREADS batches (or as many as there are cores) at a time.

    Whole batches, since threads that share one batch's small steps spend their time handing the interpreter on.
    """
    threads = int(os.environ.get("OMP_NUM_THREADS") or min(os.cpu_count() or 1, 8))
    coming = iter(batches)
    first = list(islice(coming, 2))
    if threads == 1 or len(first) < 2:
        yield from ((batch, work(batch)) for batch in chain(first, coming))
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[Batch, Future]] = deque()
        for batch in chain(first, coming):
            waiting.append((batch, pool.submit(work, batch)))
            if len(waiting) > threads:
                done, result = waiting.popleft()
                yield done, result.result()
        for done, result in waiting:
            yield done, result.result()


def _measured(robot: Robot, portraits: Portraits) -> NDArray[np.float32]:
    table = np.asarray(robot.measure(portraits), dtype=np.float32)
    if table.ndim != 2 or len(table) != len(portraits):
        raise InputError(
            f"the robot {robot.name} gave measurements of shape {table.shape} for {len(portraits)} pictures"
        )
    return table
