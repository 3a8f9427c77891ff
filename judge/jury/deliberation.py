"""The whole jury over one contest: the gate, five robots and the beauty network, combined by the panel.

Pictures are looked at once a run; each condition then fits its robots on what its own training pool holds, so
that skewed data reaches every robot that learns, not the network alone:

    wrinkles expected of an age group, and what else a robot is set to learn   the condition's training pool
    apparent age                                        that pool, or `age_data`, a data set of known ages
    resemblance                                         the reference set of models, with shares of its own

Robots read pictures, not training weights: of the mitigations, those that draw other pictures reach them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig

from judge.data import composition
from judge.data.brackets import bracket_names
from judge.errors import InputError, listed
from judge.experiment.draw import read
from judge.jury.gate import refusal_rates
from judge.jury.panel import Panel
from judge.jury.robots import protocol as bench
from judge.jury.robots.age import Age, stated_age
from judge.jury.robots.measurements import cached_measurements
from judge.jury.robots.resemblance import Resemblance, reference_set

log = logging.getLogger("judge")


class Jury:
    """Gate and robots of the settings `jury`, after one look at every picture of the run."""

    def __init__(
        self,
        settings: DictConfig,
        pools: Mapping[str, pd.DataFrame],
        source: pd.DataFrame,
        entrants: pd.DataFrame,
        *,
        feature: str,
        seed: int,
    ):
        self.robots = [instantiate(robot) for robot in settings.robots.values()]
        names = [robot.name for robot in self.robots]
        if len(set(names)) != len(names):
            raise InputError(f"jury.robots: two robots of one name among {names}")
        self.gate = None if settings.get("gate") is None else instantiate(settings.gate)
        self.panel = None if settings.panel is None else instantiate(settings.panel)
        self.pools, self.entrants, self.seed = pools, entrants, seed
        needs_models = any(isinstance(robot, Resemblance) for robot in self.robots)
        self.models = self._models(settings, pools, source, feature) if needs_models else entrants.head(0)
        self._look = partial(
            cached_measurements,
            reader=instantiate(settings.reader),
            folder=settings.cache,
            chunk=int(settings.chunk),
            progress=True,
            workers=settings.get("workers"),
        )
        pictures = pd.concat([*pools.values(), self.models, entrants]).drop_duplicates("image_id")
        self.looks = self._look(self.robots, manifest=pictures.reset_index(drop=True))
        self.robots = [self._taught_age(robot, settings) for robot in self.robots]
        self._warn()
        # all that can fail does so here, before any network is trained
        self._fitted = {
            name: [self._fit(robot, pool) for robot in self.robots] for name, pool in pools.items()
        }
        self._gated = self._pass_gate()

    def _taught_age(self, robot: Any, settings: DictConfig) -> Any:
        """The age robot, trained on `age_data` where that is set; any other robot as it is."""
        if not isinstance(robot, Age) or settings.get("age_data") is None:
            return robot
        people = read(settings.age_data).manifest
        people = people[np.isfinite(stated_age(people))]
        looks = self._look([robot], manifest=people.reset_index(drop=True))
        return robot.fit(looks.evidence[robot.name], looks.rows)

    def _warn(self) -> None:
        for name, pool in self.pools.items():
            if "weight" in pool and pool["weight"].nunique() > 1:
                log.warning("the %s pool is weighted: the network reads weights, the robots do not", name)
        for robot in self.robots:
            if not isinstance(robot, Resemblance):
                continue
            _, models = self._shown(robot, self.models["image_id"])
            absent = set(robot.groups_of(self.entrants)) - {None, *robot.groups_of(models)}
            if absent:
                log.warning(
                    "%s: nobody of %s in the reference set, %s",
                    robot.name,
                    listed(sorted(absent)),
                    robot.unknown,
                )

    def _shown(self, robot: Any, image_ids: pd.Series) -> tuple[np.ndarray, pd.DataFrame]:
        looks = self.looks.take(image_ids)
        return looks.evidence[robot.name], looks.rows

    def _models(
        self, settings: DictConfig, pools: Mapping[str, pd.DataFrame], source: pd.DataFrame, feature: str
    ) -> pd.DataFrame:
        """The reference set of well-rated people, drawn from the people that training may use."""
        wanted = settings.models
        groups = sorted(source[feature].unique())
        if wanted.shares == "as_pool":
            shares = composition.natural_shares(pools["skewed"], feature)
        elif wanted.shares == "equal":
            shares = composition.equal_shares(groups)
        else:
            shares = {str(group): float(share) for group, share in wanted.shares.items()}
        rng = np.random.default_rng([self.seed, 3])
        jointly = [
            c for c in wanted.jointly or () if c != feature and c in source and source[c].notna().all()
        ]
        return reference_set(
            source, wanted.n, shares, rng, feature=feature, top_share=wanted.top_share, jointly=jointly
        )

    def admitted(self) -> tuple[list[str], pd.DataFrame]:
        """image_ids that pass the gate, and its log of refusals (empty without a gate)."""
        return self._gated

    def _pass_gate(self) -> tuple[list[str], pd.DataFrame]:
        everybody = self.entrants["image_id"].tolist()
        if self.gate is None:
            return everybody, pd.DataFrame(
                columns=["image_id", "rule", "value", "threshold", "first", "bracket"]
            )
        result = self.gate(
            self.looks.take(everybody).measures, self.entrants, predicted_age=self._predicted_ages()
        )
        if not result.admitted:
            counts = (
                result.refusals.loc[result.refusals["first"].astype(bool), "rule"].value_counts().to_dict()
            )
            raise InputError(f"the gate refuses all {len(everybody)} entrants: {counts}")
        return result.admitted, result.refusals

    def gate_tables(self, feature: str) -> dict[str, pd.DataFrame]:
        """gate: a row a refusal and broken rule; gate_rates: refusal rates by rule, of each group and bracket."""
        refusals = self.admitted()[1]
        used = [c for c in ("gender", "age_group") if c in self.entrants and self.entrants[c].notna().any()]
        people = self.entrants.assign(bracket=bracket_names(self.entrants, used))
        rates = [
            refusal_rates(refusals, people, by=by).rename(columns={by: "group"}).assign(feature=by)
            for by in (feature, "bracket")
        ]
        return {"gate": refusals, "gate_rates": pd.concat(rates, ignore_index=True)}

    def _predicted_ages(self) -> pd.Series | None:
        """Years by image_id, by an age robot that was trained on `age_data`; a pool's own would know its pool only."""
        for robot in self.robots:
            if isinstance(robot, Age) and robot.fitted is not None:
                evidence, rows = self._shown(robot, self.entrants["image_id"])
                return pd.Series(robot.unshrunk(evidence), index=rows["image_id"].to_numpy())
        return None

    def scores(self, condition: str, beauty: pd.DataFrame) -> pd.DataFrame:
        """SCORES rows of every robot, of the network (`beauty`) and of the panel, for the admitted entrants.

        beauty   SCORES rows of the network, under this condition
        """
        admitted, _ = self.admitted()
        fitted = self._fitted[condition]
        single = beauty[beauty["image_id"].isin(admitted)]
        if fitted:
            robots = bench.scores(fitted, self.looks.take(admitted), seed=self.seed)
            single = pd.concat([robots, single], ignore_index=True)
        panel = (self.panel or Panel())(single, self.entrants)
        columns = ["image_id", "judge", "seed", "score"]
        return pd.concat([single, panel], ignore_index=True)[[*columns, *_extra(single)]]

    def _fit(self, robot: Any, pool: pd.DataFrame) -> Any:
        if isinstance(robot, Age) and robot.fitted is not None:
            return robot
        people = self.models if isinstance(robot, Resemblance) else pool
        return robot.fit(*self._shown(robot, people["image_id"]))


def _extra(table: pd.DataFrame) -> list[str]:
    return ["reason"] if "reason" in table else []
