"""The whole jury over one contest: the gate, five robots and the beauty network, combined by the panel.

Pictures are looked at once a run; each condition then fits its robots on what its own training pool holds, so
that skewed data reaches every robot that learns, not the network alone:

    wrinkles expected of an age group, apparent age, symmetry and pigment scales   the condition's training pool
    resemblance                                                      the reference set of models, its own shares
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig

from judge.data import composition
from judge.errors import InputError
from judge.jury import robots as bench
from judge.jury.kept import kept_look
from judge.jury.resemblance import reference_set

log = logging.getLogger("judge")
MODELS = "madis"  # the robot that is fitted on the reference set


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
        self.gate = None if settings.gate is None else instantiate(settings.gate)
        self.panel = instantiate(settings.panel)
        self.pools, self.entrants, self.seed = pools, entrants, seed
        self.models = self._models(settings, pools, source, feature)
        pictures = pd.concat([*pools.values(), self.models, entrants]).drop_duplicates("image_id")
        self.looks = kept_look(
            self.robots,
            instantiate(settings.reader),
            pictures.reset_index(drop=True),
            Path(settings.cache) if settings.cache else cache_folder(),
            chunk=int(settings.chunk),
            progress=True,
        )

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
        return reference_set(source, wanted.n, shares, rng, feature=feature, top_share=wanted.top_share)

    def admitted(self) -> tuple[list[str], pd.DataFrame]:
        """image_ids that pass the gate, and its log of refusals (empty without a gate)."""
        everybody = self.entrants["image_id"].tolist()
        if self.gate is None:
            return everybody, pd.DataFrame(columns=["image_id", "rule", "value", "threshold", "first"])
        result = self.gate(self.looks.measures, self.entrants)
        return result.admitted, result.refusals

    def scores(self, condition: str, beauty: pd.DataFrame) -> pd.DataFrame:
        """SCORES rows of every robot, of the network (`beauty`) and of the panel, for the admitted entrants.

        beauty   SCORES rows of the network, under this condition
        """
        admitted, _ = self.admitted()
        of_pool = self.looks.take(self.pools[condition]["image_id"])
        of_models = self.looks.take(self.models["image_id"])
        fitted = [
            robot.fit((of_models if robot.name == MODELS else of_pool).evidence[robot.name],
                      (of_models if robot.name == MODELS else of_pool).rows)
            for robot in self.robots
        ]  # fmt: skip
        robots = bench.scores(fitted, self.looks.take(admitted), seed=self.seed)
        own = beauty[beauty["image_id"].isin(admitted)]
        single = pd.concat([robots, own], ignore_index=True)
        panel = self.panel(single, self.entrants)
        columns = ["image_id", "judge", "seed", "score"]
        return pd.concat([single, panel], ignore_index=True)[[*columns, *_extra(single)]]


def _extra(table: pd.DataFrame) -> list[str]:
    return ["reason"] if "reason" in table else []


def cache_folder() -> Path:
    base = (
        os.environ.get("JUDGE_CACHE")
        or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "judge"
    )
    return Path(base) / "robots"
