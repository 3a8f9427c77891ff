"""The conditions of a run: what each changes of the baseline, read from the settings and checked before any work."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from judge.errors import InputError, listed
from judge.mitigation import SEAMS

#: What a condition may say, in the order in which it takes effect.
KEYS = ("trained_as", *SEAMS, "jury")
#: Seams that make another judge; a condition that uses another one's judge again has none of the first two.
TRAINS = ("pool", "objective")
#: What a condition may change of the jury, and the group of conf/ that a name stands for.
JURY = {"gate": "gate", "models": None, "panel": "panel"}
#: The contest that nobody judges: the known truth decides it. No condition may be called so.
TRUTH = "truth"


@dataclass(frozen=True)
class Condition:
    """One training and one contest of a run, by what it changes of the baseline.

    name         as in the settings
    settings     the resolved settings, names of methods replaced by what they stand for
    trained_as   the condition whose judge is used again, or None
    pool, refit, scores, ranking  methods of judge.mitigation, or None
    objective    factory of one, `(base loss, groups) -> Objective`, or None
    jury         the keys gate, models and panel, where they are changed
    """

    name: str
    settings: Mapping[str, Any]
    trained_as: str | None = None
    pool: Any = None
    objective: Callable[..., Any] | None = None
    refit: Any = None
    scores: Any = None
    ranking: Any = None
    jury: Mapping[str, Any] = field(default_factory=dict)

    def described(self, seam: str) -> Any:
        """Type and settings of the method at a seam, as plain containers: part of what tells trainings apart."""
        return self.settings.get(seam)


def expanded(conditions: Any, load: Callable[[str, str], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The mapping of conditions with every short form written out.

    A condition may be the name of a method (`reweight`), a method with its settings (`_target_`), or a mapping of
    seams; at a seam, and at gate and panel, a name stands for the file of that name in conf/.

    load  (group, name) → the settings of conf/GROUP/NAME.yaml
    Raises InputError for anything else.
    """
    if not isinstance(conditions, Mapping) or not conditions:
        raise InputError(
            f"conditions is a mapping of names to what each changes, the baseline first; given {conditions!r}"
        )
    return {str(name): _expanded(str(name), value, load) for name, value in conditions.items()}


def _expanded(name: str, value: Any, load: Callable[[str, str], dict[str, Any]]) -> dict[str, Any]:
    if name == TRUTH or not name.replace("_", "").replace("-", "").isalnum():
        raise InputError(
            f"conditions.{name}: a name is made of letters, digits, - and _, and is not {TRUTH!r}"
        )
    if isinstance(value, str):
        value = load("mitigation", value)
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        raise InputError(
            f"conditions.{name} is a mapping of {listed(KEYS)}, or a method's name; given {value!r}"
        )
    if "_target_" in value:
        value = {_seam_of(name, value): value}
    unknown = [key for key in value if key not in KEYS]
    if unknown:
        raise InputError(f"conditions.{name} has {listed(unknown)}; a condition may have {listed(KEYS)}")
    out: dict[str, Any] = {}
    for key in KEYS:
        given = value.get(key)
        if given is None or given == {}:
            continue
        if key in SEAMS and isinstance(given, str):
            given = load("mitigation", given)
        if key in SEAMS:
            _check_seam(name, key, given)
        if key == "jury":
            given = _jury(name, given, load)
        out[key] = copy.deepcopy(given)
    return out


def _check_seam(name: str, key: str, given: Any) -> None:
    if not isinstance(given, Mapping) or "_target_" not in given:
        raise InputError(
            f"conditions.{name}.{key} is a name of conf/mitigation or a method with _target_; given {given!r}"
        )
    seam = _seam_of(name, given)
    if seam != key:
        raise InputError(
            f"conditions.{name}.{key}: {given['_target_']} belongs at the seam {seam}, not at {key}"
        )


def _seam_of(name: str, method: Mapping[str, Any]) -> str:
    try:
        kind = get_class(str(method["_target_"]))
    except Exception as error:  # Hydra raises what the import raised
        raise InputError(
            f"conditions.{name}: _target_={method['_target_']} cannot be found: {error}"
        ) from error
    seam = getattr(kind, "seam", None)
    if seam not in SEAMS:
        raise InputError(
            f"conditions.{name}: {method['_target_']} has no attribute seam that says where it acts: {listed(SEAMS)}"
        )
    return str(seam)


def _jury(name: str, given: Any, load: Callable[[str, str], dict[str, Any]]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise InputError(f"conditions.{name}.jury is a mapping of {listed(JURY)}; given {given!r}")
    unknown = [key for key in given if key not in JURY]
    if unknown:
        raise InputError(f"conditions.{name}.jury has {listed(unknown)}; it may change {listed(JURY)}")
    out = {}
    for key, value in given.items():
        group = JURY[key]
        # YAML reads a bare off as false
        value = "off" if key == "gate" and value is False else value
        out[key] = load(group, value) if group and isinstance(value, str) else value
        switched_off = out[key] is None and key == "gate"
        if not switched_off and not isinstance(out[key], Mapping):
            raise InputError(f"conditions.{name}.jury.{key} is a mapping of its settings; given {value!r}")
    return out


def conditions_of(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Condition]:
    """The conditions of expanded settings, in order, with their methods made.

    A condition that trains nothing of its own uses the baseline's judge: then `trained_as` names it. The baseline may
    have a pool of its own, which conditions that train without one share; its judge, scores and jury are the run's.
    Raises InputError: an unknown `trained_as`, a circle of them, one beside a pool or an objective, a condition that
    changes nothing or the same as another, a method whose settings are wrong.
    """
    baseline = next(iter(settings))
    beyond = [key for key in settings[baseline] if key != "pool"]
    if beyond:
        raise InputError(
            f"conditions.{baseline} comes first, so it is the baseline, and has {listed(beyond)}: the others say what "
            "they change of it, so it may have a pool only. Put a condition without any before it"
        )
    for name, own in settings.items():
        other = own.get("trained_as")
        if other is not None:
            _check_other(name, other, own, settings)
        if name != baseline and not set(own) - {"trained_as"}:
            raise InputError(
                f"conditions.{name} changes nothing: it has none of {listed(KEYS[1:])}, so its contest would be "
                f"that of {other or baseline}"
            )
    for name in settings:
        _follow(name, settings)
    made = {name: _condition(name, own, baseline) for name, own in settings.items()}
    seen: dict[str, str] = {}
    for name, condition in made.items():
        methods = [
            condition.trained_as, condition.pool, condition.refit, condition.scores, condition.ranking
        ]  # fmt: skip
        jury = json.dumps(condition.jury, sort_keys=True, default=str)
        twin = seen.setdefault(repr([*methods, condition.described("objective"), jury]), name)
        if twin != name:
            raise InputError(
                f"conditions.{name} changes the same as conditions.{twin}: one of them is enough"
            )
    return made


def _check_other(name: str, other: Any, own: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    if not isinstance(other, str) or other not in settings:
        raise InputError(
            f"conditions.{name}.trained_as={other!r}: there is no such condition; {listed(settings)}"
        )
    both = [key for key in TRAINS if key in own]
    if both:
        raise InputError(
            f"conditions.{name} has trained_as={other} and {listed(both)}: it uses the judge of {other} again "
            "or trains another, not both"
        )


def _follow(name: str, settings: Mapping[str, Mapping[str, Any]]) -> None:
    path = [name]
    while (following := settings[path[-1]].get("trained_as")) is not None:
        if following in path:
            circle = " → ".join([*path[path.index(following) :], following])
            raise InputError(
                f"conditions: a circle of trained_as, so that nothing would be trained: {circle}"
            )
        path.append(following)


def _condition(name: str, own: Mapping[str, Any], baseline: str) -> Condition:
    trained_as = own.get("trained_as")
    if trained_as is None and name != baseline and not any(key in own for key in TRAINS):
        trained_as = baseline
    made: dict[str, Any] = {}
    for seam in SEAMS:
        if seam in own:
            # an objective is made in the training, around the judge's own loss
            try:
                made[seam] = instantiate(own[seam], _partial_=seam == "objective")
            except InstantiationException as error:
                raise InputError(f"conditions.{name}.{seam}: {reason_of(error)}") from error
    return Condition(name, own, trained_as, jury=own.get("jury", {}), **made)


def learns_from_others(conditions: Mapping[str, Condition], name: str) -> bool:
    """Whether the judge of this condition was refitted on people of `pool.refit`."""
    step: str | None = name
    while step is not None:
        if getattr(conditions[step].refit, "needs_held_out", False):
            return True
        step = conditions[step].trained_as
    return False


def reason_of(error: BaseException) -> str:
    """What went wrong when Hydra made an object: the InputError behind it, else the first exception."""
    while error.__cause__ is not None and not isinstance(error, InputError):
        error = error.__cause__
    return str(error)


def packaged_or_own(group: str, name: str) -> dict[str, Any]:
    """The settings of GROUP/NAME.yaml, from the folders that Hydra was given or from judge.conf.

    Raises InputError that names the files there are.
    """
    places = [*_own_folders(), Path(str(resources.files("judge.conf")))]
    for place in places:
        file = place / group / f"{name}.yaml"
        if file.is_file():
            return dict(OmegaConf.to_container(OmegaConf.load(file)) or {})  # type: ignore[call-overload]
    there = sorted({path.stem for place in places for path in (place / group).glob("*.yaml")})
    raise InputError(f"no {group} is named {name!r}; there is {listed(there, 20)}")


def _own_folders() -> Iterable[Path]:
    if not HydraConfig.initialized():
        return []
    sources = HydraConfig.get().runtime.config_sources
    return [Path(source.path) for source in sources if source.schema == "file"]
