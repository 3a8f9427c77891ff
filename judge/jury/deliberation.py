"""The whole jury over one contest: the gate, the robots and the beauty network, combined by the panel.

Pictures are measured once a run; each condition then fits its robots on what they declare that they learn from
(`Robot.learns_from`), so that skewed data reaches every robot that learns, not the network alone:

    pool        the condition's training pool
    reference   a reference set of well-rated people ("models"), with shares of its own
    ages        a data set of known ages where one is given, else the pool

Robots read pictures, not training weights: of the methods that change a pool, those that draw other pictures reach
them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from judge.data.brackets import bracket_columns, bracket_names
from judge.errors import InputError
from judge.jury.gate import Gate, refusal_rates
from judge.jury.panel import Panel
from judge.jury.robots import protocol as bench
from judge.jury.robots.measurements import cached_measurements
from judge.jury.robots.reference import ReferenceSet

log = logging.getLogger("judge")
#: What one picture may have another of in the pool of another condition.
OWN = ("rating", "weight")


@dataclass(frozen=True)
class JurySettings:
    """Who sits on every jury of a run, and how pictures are measured.

    robots   unfitted
    reader   faces of a manifest's pictures, in batches
    ages     manifest of people of known ages for the robots that learn from `ages`, or None
    cache    folder in which measurements are cached, None: the user's cache folder
    chunk    pictures measured and written at a time
    workers  processes; None: one a core where there is enough to do
    """

    robots: Sequence[Any]
    reader: Callable[..., Any]
    ages: pd.DataFrame | None = None
    cache: Path | None = None
    chunk: int = 256
    workers: int | None = 1

    def __post_init__(self) -> None:
        names = [robot.name for robot in self.robots]
        if len(set(names)) != len(names):
            raise InputError(f"jury.robots: two robots of one name among {names}")
        for robot in self.robots:
            bench.check_reference(robot)


@dataclass(frozen=True)
class Sitting:
    """What may differ between the conditions of a run: the gate, the reference set, the panel's rule."""

    gate: Gate | None = None
    models: ReferenceSet | None = None
    panel: Panel | None = None


class Jury:
    """Gate, robots and panel of every condition, after one pass over the pictures.

    sittings     condition → its gate, reference set and panel
    pools        condition → its training pool
    source       manifest that reference sets are drawn from
    people       named fields of people whom the jury is to judge: "entrants", perhaps others, of whom those in a
                 reference set are left out
    baseline     the condition whose pool a reference set with shares "as_pool" follows
    Raises InputError for whatever can fail, before any network is trained.
    """

    def __init__(
        self,
        settings: JurySettings,
        sittings: Mapping[str, Sitting],
        *,
        pools: Mapping[str, pd.DataFrame],
        source: pd.DataFrame,
        people: Mapping[str, pd.DataFrame],
        baseline: str,
        feature: str,
        seed: int,
    ):
        self.sittings, self.seed, self.feature = sittings, seed, feature
        self.robots = list(settings.robots)
        self._measure = partial(
            cached_measurements,
            reader=settings.reader,
            folder=settings.cache,
            chunk=settings.chunk,
            progress=True,
            workers=settings.workers,
        )
        self._references: dict[Hashable, pd.DataFrame] = {}
        nobody = source.head(0)
        models = {}
        for name, sitting in sittings.items():
            wanted = sitting.models if self._needs_reference() else None
            models[name] = (
                nobody if wanted is None else self._reference(wanted, source, pools[baseline], feature)
            )
        # whom a robot learns from is nobody to fit a method on
        learnt = pd.concat([nobody, *models.values()])["image_id"]
        self.people = {
            field: rows if field == "entrants" else rows[~rows["image_id"].isin(learnt)]
            for field, rows in people.items()
        }
        pictures = pd.concat([*pools.values(), *models.values(), *people.values()]).drop_duplicates(
            "image_id"
        )
        self.measured = self._measure(self.robots, manifest=pictures.reset_index(drop=True))
        self.robots = [self._taught_age(robot, settings.ages) for robot in self.robots]
        self._warn(pools, models)
        fitted: dict[Hashable, Any] = {}
        self._fitted = {
            name: [self._fit(robot, pools[name], models[name], fitted) for robot in self.robots]
            for name in sittings
        }
        # the gate is for those who enter; others are judged for their scores' sake
        self._gated = {
            field: {
                name: self._pass(sitting.gate if field == "entrants" else None, rows, name)
                for name, sitting in sittings.items()
            }
            for field, rows in self.people.items()
        }

    def sits(self, condition: str) -> bool:
        """Whether anybody but the network judges under this condition."""
        return bool(self.robots) or self.sittings[condition].gate is not None

    def admitted(self, condition: str, field: str = "entrants") -> tuple[list[str], pd.DataFrame]:
        """image_ids that pass the gate of this condition, and its log of refusals (empty without a gate).

        field  of `people`; only entrants are held against a gate
        """
        return self._gated[field][condition]

    def single(self, condition: str, beauty: pd.DataFrame, field: str = "entrants") -> pd.DataFrame:
        """SCORES rows of every robot and of the network (`beauty`) for the admitted people of a field.

        beauty   SCORES rows of the network, under this condition
        """
        admitted, _ = self.admitted(condition, field)
        fitted = self._fitted[condition]
        single = beauty[beauty["image_id"].isin(admitted)]
        if fitted:
            robots = bench.scores(fitted, self.measured.take(admitted), seed=self.seed)
            single = pd.concat([robots, single], ignore_index=True)
        return single[[c for c in ("image_id", "judge", "seed", "score", "reason") if c in single]]

    def combined(self, condition: str, single: pd.DataFrame) -> pd.DataFrame:
        """SCORES rows of the panel over the entrants, from the rows of the single judges."""
        panel = (self.sittings[condition].panel or Panel())(single, self.people["entrants"])
        return panel[["image_id", "judge", "seed", "score"]]

    def gate_tables(self, brackets: Sequence[str]) -> dict[str, pd.DataFrame]:
        """gate: a row a condition, refusal and broken rule; gate_rates: rates by rule, of each group and bracket.

        brackets  columns whose combinations are the contest's brackets
        """
        rows = self.people["entrants"]
        used = bracket_columns(rows, brackets)
        people = rows.assign(bracket=bracket_names(rows, used))
        refusals, rates = [], []
        for name in self.sittings:
            refused = self.admitted(name)[1]
            refusals.append(refused.assign(condition=name))
            for by in (self.feature, "bracket"):
                of_kind = refusal_rates(refused, people, by=by).rename(columns={by: "group"})
                rates.append(of_kind.assign(feature=by, condition=name))
        return {
            "gate": pd.concat(refusals, ignore_index=True),
            "gate_rates": pd.concat(rates, ignore_index=True),
        }

    def _needs_reference(self) -> bool:
        return any(robot.learns_from == "reference" for robot in self.robots)

    def _reference(
        self, wanted: ReferenceSet, source: pd.DataFrame, pool: pd.DataFrame, feature: str
    ) -> pd.DataFrame:
        key = repr(wanted)
        if key not in self._references:
            rng = np.random.default_rng([self.seed, 3])
            self._references[key] = wanted.draw(source, pool, feature=feature, rng=rng)
        return self._references[key]

    def _taught_age(self, robot: Any, ages: pd.DataFrame | None) -> Any:
        """A robot that learns from `ages`, taught by them where they are given; any other robot as it is."""
        if ages is None or robot.learns_from != "ages":
            return robot
        measured = self._measure([robot], manifest=ages.reset_index(drop=True))
        return robot.fit(measured.by_robot[robot.name], measured.rows)

    def _warn(self, pools: Mapping[str, pd.DataFrame], models: Mapping[str, pd.DataFrame]) -> None:
        for name, pool in pools.items():
            if self.robots and "weight" in pool and pool["weight"].nunique() > 1:
                log.warning("%s: its pool is weighted: the network reads weights, the robots do not", name)
        told = set()
        for name, rows in models.items():
            for robot in self.robots:
                if robot.learns_from != "reference":
                    continue
                _, reference = self._shown(robot, rows["image_id"])
                for text in robot.warnings(reference, self.people["entrants"]):
                    if text not in told:
                        log.warning("%s: %s", name, text)
                    told.add(text)

    def _shown(self, robot: Any, image_ids: pd.Series) -> tuple[np.ndarray, pd.DataFrame]:
        measured = self.measured.take(image_ids)
        return measured.by_robot[robot.name], measured.rows

    def _fit(self, robot: Any, pool: pd.DataFrame, models: pd.DataFrame, fitted: dict[Hashable, Any]) -> Any:
        """The robot, fitted on what it learns from; conditions that share the people and their ratings share it."""
        if robot.learns_from == "nothing" or (robot.learns_from == "ages" and robot.fitted is not None):
            return robot
        people = models if robot.learns_from == "reference" else pool
        own = [column for column in OWN if column in people]
        key = (
            robot.name,
            tuple(people["image_id"]),
            *(people[column].to_numpy().tobytes() for column in own),
        )
        if key not in fitted:
            measurements, rows = self._shown(robot, people["image_id"])
            # pictures are measured once a run, with the ratings that they have in the first pool that has them
            known = people.drop_duplicates("image_id").set_index("image_id")[own]
            rows = rows.drop(columns=[*OWN], errors="ignore").join(known, on="image_id")
            fitted[key] = robot.fit(measurements, rows)
        return fitted[key]

    def _pass(self, gate: Gate | None, rows: pd.DataFrame, condition: str) -> tuple[list[str], pd.DataFrame]:
        everybody = rows["image_id"].tolist()
        if gate is None:
            columns = ["image_id", "rule", "value", "threshold", "first", "bracket"]
            return everybody, pd.DataFrame(columns=columns)
        result = gate(self.measured.take(everybody).measures, rows, predicted_age=self._predicted_ages(rows))
        if not result.admitted:
            first = result.refusals["first"].astype(bool)
            counts = result.refusals.loc[first, "rule"].value_counts()
            told = ", ".join(f"{rule} {n}" for rule, n in counts.items())
            raise InputError(
                f"the gate of conditions.{condition} refuses all {len(everybody)} entrants: {told}"
            )
        return result.admitted, result.refusals

    def _predicted_ages(self, rows: pd.DataFrame) -> pd.Series | None:
        """Years by image_id, by a robot that was taught known ages; a pool's own would know its pool only."""
        for robot in self.robots:
            if robot.learns_from == "ages" and robot.fitted is not None:
                measurements, seen = self._shown(robot, rows["image_id"])
                years = robot.predicted_age(measurements)
                if years is not None:
                    return pd.Series(years, index=seen["image_id"].to_numpy())
        return None
