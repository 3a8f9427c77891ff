"""The jury of a run, from its settings: who sits, and what each condition changes of gate, reference set and panel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from hydra.utils import instantiate

from judge.experiment.draw import Drawn
from judge.experiment.settings import DataSource, Experiment

if TYPE_CHECKING:
    from judge.jury.deliberation import Jury


def jury_of(experiment: Experiment, drawn: Drawn) -> Jury | None:
    """The gate and the robots, after one pass over every picture; None where the network judges alone."""
    if experiment.jury is None:
        return None
    # robots and faces are imported where a jury sits, not for a network alone
    from judge.jury.deliberation import Jury, JurySettings, Sitting
    from judge.jury.robots.age import stated_age
    from judge.jury.robots.reference import ReferenceSet

    told = experiment.jury
    ages = None
    if told.get("age_data") is not None:
        ages = DataSource(told["age_data"]).read().manifest
        ages = ages[np.isfinite(stated_age(ages))]
    settings = JurySettings(
        robots=[instantiate(robot) for robot in told["robots"].values()],
        reader=instantiate(told["reader"]),
        ages=ages,
        cache=Path(told["cache"]) if told["cache"] else None,
        chunk=int(told["chunk"]),
        workers=told.get("workers"),
    )
    sittings = {}
    for name, condition in experiment.conditions.items():
        own = merged({key: told.get(key) for key in ("gate", "models", "panel")}, condition.jury)
        sittings[name] = Sitting(
            gate=None if own["gate"] is None else instantiate(own["gate"]),
            models=None if own["models"] is None else ReferenceSet(**own["models"]),
            panel=None if own["panel"] is None else instantiate(own["panel"]),
        )
    people = {"entrants": drawn.entrants}
    if drawn.calibration is not None:
        people["calibration"] = drawn.calibration
    return Jury(
        settings,
        sittings,
        pools=drawn.pools,
        source=drawn.source,
        people=people,
        baseline=experiment.baseline,
        feature=experiment.pool.feature,
        seed=experiment.seed,
    )


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with changes laid over them; a change with `_target_`, or one that is None, replaces the whole."""
    out = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping) and "_target_" not in value
        out[key] = merged(out[key], value) if both else value
    return out
