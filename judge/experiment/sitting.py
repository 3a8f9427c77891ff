"""The jury of a run, from its settings: who sits, and what each condition changes of gate, reference set and panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from hydra.utils import instantiate

from judge.errors import InputError, listed
from judge.experiment.conditions import JURY, Condition, reason_of

if TYPE_CHECKING:
    from judge.experiment.draw import Drawn
    from judge.experiment.settings import Experiment
    from judge.jury.deliberation import Jury, Sitting

# robots and faces are imported where a jury sits, not for a network alone


def sittings_of(jury: Mapping[str, Any], conditions: Mapping[str, Condition]) -> dict[str, Sitting]:
    """Gate, reference set and panel of each condition.

    jury  plain settings of the run's jury, which conditions change
    Raises InputError that names the condition: a change that changes nothing, or nothing that sits; wrong settings.
    """
    from judge.jury.deliberation import Sitting
    from judge.jury.robots.reference import ReferenceSet

    base = {key: jury.get(key) for key in JURY}
    sittings = {}
    for name, condition in conditions.items():
        where = f"conditions.{name}.jury" if condition.jury else "jury"
        own = merged(base, condition.jury)
        if condition.jury and own == base:
            told = ", ".join(f"jury.{key} is that already" for key in condition.jury)
            raise InputError(f"{where} changes nothing: {told}")
        idle = [key for key in ("models", "panel") if key in condition.jury]
        if idle and not jury["robots"]:
            raise InputError(f"{where} changes {listed(idle)}, but no robot sits: jury=full has five")
        sittings[name] = Sitting(
            gate=_made(where, "gate", own["gate"], instantiate),
            models=_made(where, "models", own["models"], lambda told: ReferenceSet(**told)),
            panel=_made(where, "panel", own["panel"], instantiate),
        )
    return sittings


def _made(where: str, key: str, told: Mapping[str, Any] | None, make: Callable[[Any], Any]) -> Any:
    if told is None:
        return None
    if JURY[key] and "_target_" not in told:
        raise InputError(
            f"{where}.{key}={dict(told)}: there is no {key} that it could change; name one of conf/{JURY[key]} first"
        )
    try:
        return make(told)
    except Exception as error:  # whatever a class raises for its settings
        raise InputError(f"{where}.{key}: {reason_of(error)}") from error


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with changes laid over them; a change with `_target_`, or one that is None, replaces the whole."""
    out = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping) and "_target_" not in value
        out[key] = merged(out[key], value) if both else value
    return out


def jury_of(experiment: Experiment, drawn: Drawn) -> Jury | None:
    """The gate and the robots, after one pass over every picture; None where the network judges alone."""
    if experiment.jury is None or experiment.sittings is None:
        return None
    from judge.jury.deliberation import Jury, JurySettings
    from judge.jury.robots.age import stated_age

    told = experiment.jury
    ages = None
    if experiment.age_data is not None:
        dataset = experiment.age_data.read()
        ages = dataset.manifest[np.isfinite(stated_age(dataset.manifest))]
        if dataset.make_pictures is not None:
            dataset.make_pictures(ages)
    settings = JurySettings(
        robots=[instantiate(robot) for robot in told["robots"].values()],
        reader=instantiate(told["reader"]),
        ages=ages,
        cache=Path(told["cache"]) if told["cache"] else None,
        chunk=int(told["chunk"]),
        workers=told.get("workers"),
    )
    people = {"entrants": drawn.entrants}
    if drawn.calibration is not None:
        people["calibration"] = drawn.calibration
    return Jury(
        settings,
        experiment.sittings,
        pools=drawn.pools,
        source=drawn.source,
        people=people,
        baseline=experiment.baseline,
        feature=experiment.pool.feature,
        seed=experiment.seed,
    )
