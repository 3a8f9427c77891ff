"""The settings of a run: typed, checked, and unpacked once into values and objects for everything below the run.

A misspelt key is refused when Hydra composes, before anything runs. The groups (data, judge, contest …) are open, since
their `_target_` decides what they take.
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.types import RunMode
from hydra.utils import get_object, instantiate
from omegaconf import MISSING, DictConfig, OmegaConf

from judge.contest import Contest
from judge.data.dataset import Dataset
from judge.errors import InputError, listed
from judge.experiment.conditions import Condition, conditions_of, expanded, packaged_or_own, reason_of
from judge.experiment.folder_names import checked_name, folder_name, resolved_root, settings_hash
from judge.experiment.sitting import sittings_of

if TYPE_CHECKING:
    from judge.jury.deliberation import Sitting


#: What a setting says that leaves it to what the people allow (judge.experiment.choices.fitting).
AUTO = "auto"


@dataclass
class Pool:
    """The training pool: `n` pictures with chosen shares of one sensitive feature."""

    # pictures; auto: 300, or as many as the people allow at every majority share
    n: Any = AUTO
    # auto: ethnicity, or the first of gender, age_group, skin_tone of which the people have two groups
    feature: str = AUTO
    # auto: caucasian or white, where there is such a group, else the largest
    majority: str = AUTO
    # share of the majority group; the others share the rest equally
    majority_share: float = 0.9
    # or one share a group, summing to 1; wins over majority_share
    shares: Any = None
    # a second feature balanced within every group, or null; auto: gender, where each group has ten of each
    jointly: str | None = AUTO
    # groups that may be drawn at all (the rest of the data set is left out), or null for all; auto: those of 20 people
    groups: Any = AUTO
    # part of the pool kept for choosing the best epoch or penalty
    validation: float = 0.15
    # group → points added to its training ratings (ratings skewed against it), e.g. {african: -0.5}, or null
    rating_shift: Any = None
    # people who neither train nor enter, on whom methods of the scores seam are fitted: at most so many
    calibration: int = 1000
    # others like them, rated, on whom methods of the refit seam that need some are fitted: at most so many
    refit: int = 90


@dataclass
class Entrants:
    """Who enters the contest; never anybody of the pool."""

    # pictures, or null for everybody who is left; auto: 300, or as many as the people allow
    n: Any = AUTO
    # equal, natural (as the data set is), or one share a group
    shares: Any = "equal"
    # a second feature balanced within every group, as in the pool, or null
    jointly: str | None = None
    # the contestants of each seed are another draw; set a number to keep them
    seed: int = 0
    # part of the people that is held out for the contest before any pool is drawn
    held_out: float = 0.4


@dataclass
class Audit:
    reference: str | None = None
    # within brackets, of the tests of all groups together
    n_permutations: int = 10_000
    confidence: float = 0.95
    # whether freshly trained probes try to read the group from each judge (judge.fairness.probes); null: where a
    # condition has an objective or a refit
    probe: bool | None = None


@dataclass
class Report:
    # figures and page in the run's folder; a sweep may do without and use `judge compare`
    page: bool = True
    # tables as Parquet alone, people stored once beside the runs; null: in a sweep, whose folders count by the thousand
    compact: bool | None = None
    # faces of real people appear only when this is set; people who do not exist always may
    show_faces: bool = False


@dataclass
class Settings:
    name: str = "contest"
    seed: int = 0
    data: Any = MISSING
    # another data set that enters instead of held-out people of `data` (a domain shift), or null
    entrants_data: Any = None
    pool: Pool = field(default_factory=Pool)
    entrants: Entrants = field(default_factory=Entrants)
    judge: Any = MISSING
    # where networks run (conf/device)
    device: Any = MISSING
    # name → what it changes of the baseline, which comes first
    conditions: Any = MISSING
    # the method that conf/conditions/contest.yaml has as its second condition
    mitigation: Any = None
    contest: Any = MISSING
    jury: Any = None
    audit: Audit = field(default_factory=Audit)
    report: Report = field(default_factory=Report)
    save_judges: bool = True
    # CPU threads of torch in this run, or null for all cores
    threads: int | None = None
    # of a sweep: trainings that share what is frozen are done before its jobs, so many networks side by side; auto is
    # 1 on a CPU and 32 on a GPU; null: each job trains its own
    stack: Any = None
    experiment: Any = None


@dataclass(frozen=True)
class DataSource:
    """The settings of a data set, read when it is needed: a sweep in one process reads each once."""

    settings: Mapping[str, Any]

    @property
    def root(self) -> Path | None:
        return resolved_root(self.settings["root"]) if self.settings.get("root") else None

    def read(self) -> Dataset:
        """The data set. Nobody writes into one.

        A reader that draws its pictures itself (it takes `render`) leaves that to `Dataset.make_pictures`: a setting
        that does not fit the people is refused before anything is drawn, and only those who are wanted are.
        """
        key = json.dumps(self.settings, sort_keys=True, default=str)
        if key not in _READ:
            while len(_READ) >= KEEP_READ:
                _READ.pop(next(iter(_READ)))
            told = dict(self.settings)
            if "render" in signature(get_object(told["_target_"])).parameters:
                told.setdefault("render", False)
            _READ[key] = made(told, f"data ({told['_target_'].rpartition('.')[2]})")
            for note in _READ[key].notes:
                log.warning("data %s: %s", _READ[key].name, note)
        return _READ[key]


log = logging.getLogger("judge")
#: As NumPy and PyTorch take them both.
LARGEST_SEED = 2**32 - 1
MOST_PERMUTATIONS = 1_000_000
LEAST_POOL = 20
_READ: dict[str, Dataset] = {}
KEEP_READ = 4


@dataclass(frozen=True)
class Experiment:
    """Everything that a run was told, unpacked: below the run, functions take parts of it.

    plain       the resolved settings as plain containers, conditions written out
    digest      of all that changes a number
    make_judge  an untrained judge
    accelerator where networks run that are free to choose
    probes      whether freshly trained probes try to read the group from each judge
    compact     whether the run's folder is to be small
    jury        plain settings of the jury, or None where the network judges alone
    sittings    what each condition has of it
    """

    name: str
    seed: int
    data: DataSource
    entrants_data: DataSource | None
    pool: Pool
    entrants: Entrants
    make_judge: Callable[[], Any]
    accelerator: str
    conditions: dict[str, Condition]
    contest: Contest
    jury: dict[str, Any] | None
    sittings: dict[str, Sitting] | None
    age_data: DataSource | None
    audit: Audit
    probes: bool
    report: Report
    compact: bool
    save_judges: bool
    threads: int | None
    plain: dict[str, Any]
    digest: str

    @property
    def baseline(self) -> str:
        return next(iter(self.conditions))


def unpack(settings: DictConfig) -> Experiment:
    """The settings, checked and unpacked.

    Raises InputError for a value out of range or a method that cannot be made, before anything is loaded.
    """
    settings = _without_idle_balance(settings)
    check(settings)
    plain = _plain(settings)
    try:
        conditions = conditions_of(plain["conditions"])
        contest = made(plain["contest"], "contest")
        device = made(plain["device"], "device")
        device.check()
        make_judge = partial(_judge_on, plain["judge"], device)
        judge = make_judge()  # it knows its own limits
        if callable(check_judge := getattr(judge, "check", None)):
            check_judge()
    except InstantiationException as error:
        raise input_error(error) or error from error
    jury = plain["jury"]
    changed = any(condition.jury for condition in conditions.values())
    if changed and not jury:
        raise InputError("a condition changes the jury, but there is none: jury=beauty or jury=full")
    sits = jury and (jury["robots"] or jury.get("gate") or changed)
    if sits:
        _check_jury(jury)
    return Experiment(
        name=plain["name"],
        seed=plain["seed"],
        data=DataSource(plain["data"]),
        entrants_data=None if plain["entrants_data"] is None else DataSource(plain["entrants_data"]),
        pool=Pool(**plain["pool"]),
        entrants=Entrants(**plain["entrants"]),
        make_judge=make_judge,
        accelerator=device.accelerator,
        conditions=conditions,
        contest=contest,
        jury=jury if sits else None,
        sittings=sittings_of(jury, conditions) if sits else None,
        age_data=DataSource(jury["age_data"]) if sits and jury.get("age_data") else None,
        audit=Audit(**plain["audit"]),
        probes=_probes(plain["audit"]["probe"], conditions),
        report=Report(**plain["report"]),
        compact=_in_a_sweep() if plain["report"]["compact"] is None else plain["report"]["compact"],
        save_judges=plain["save_judges"],
        threads=plain["threads"],
        plain=plain,
        digest=settings_hash(without_later(_plain(_as_usual(settings)))),
    )


#: What `auto` stands for where the people allow it, and in the digest of settings that have not met the people yet.
USUAL: Mapping[str, Mapping[str, Any]] = {
    "pool": {
        "n": 300, "feature": "ethnicity", "majority": "caucasian", "jointly": "gender", "groups": None
    },
    "entrants": {"n": 300},
}  # fmt: skip


#: Settings that came later, as they are by default: left out of the digest, so that earlier runs are found again.
_LATER: Mapping[tuple[str, ...], Mapping[str, Any]] = {
    ("device",): {
        "_target_": "judge.jury.device.Device", "accelerator": "auto", "devices": 1, "precision": None
    },
    ("judge", "training", "optimizer"): {
        "_target_": "judge.jury.optimizers.AdamW", "betas": [0.9, 0.999]
    },
}  # fmt: skip


def without_later(told: Mapping[str, Any], where: tuple[str, ...] = ()) -> dict[str, Any]:
    """The settings without those that came later and are as by default."""
    out: dict[str, Any] = {}
    for key, value in told.items():
        here = (*where, str(key))
        if here in _LATER and value == _LATER[here]:
            continue
        below = isinstance(value, Mapping) and any(one[: len(here)] == here for one in _LATER)
        out[str(key)] = without_later(value, here) if below else value
    return out


def made(told: Any, where: str) -> Any:
    """The object of a setting with `_target_`. Raises InputError that names the setting for whatever it refuses."""
    try:
        return instantiate(told)
    except InstantiationException as error:
        refused = input_error(error)
        raise refused or InputError(f"{where}: {reason_of(error)}") from error


def _judge_on(told: Mapping[str, Any], device: Any) -> Any:
    """An untrained judge whose training runs where the device says, unless its own settings say it."""
    judge = made(told, "judge")
    training = getattr(judge, "training", None)
    if training is not None and hasattr(training, "accelerator"):
        asked = {"accelerator": device.accelerator, "devices": device.devices, "precision": device.precision}
        own = told.get("training") or {}
        judge.training = replace(training, **{k: v for k, v in asked.items() if k not in own})
        made({**plain_device(judge.training)}, "judge.training").check()
    return judge


def plain_device(training: Any) -> dict[str, Any]:
    """Settings of the device on which a training runs."""
    return {
        "_target_": "judge.jury.device.Device",
        "accelerator": training.accelerator.replace("gpu", "cuda"),
        "devices": int(training.devices) if str(training.devices).isdecimal() else training.devices,
    }


def _as_usual(settings: DictConfig) -> DictConfig:
    """The settings with what `auto` stands for where the people allow it."""
    if not any(settings[part][key] == AUTO for part, keys in USUAL.items() for key in keys):
        return settings
    settings = copy.deepcopy(settings)
    for part, usual in USUAL.items():
        for key, value in usual.items():
            if settings[part][key] == AUTO:
                settings[part][key] = value
    return _without_idle_balance(settings)


def _check_jury(jury: Mapping[str, Any]) -> None:
    """Raises InputError for a robot, a reader or a number of the jury that is wrong, before a picture is read."""
    for name, robot in jury["robots"].items():
        made(robot, f"jury.robots.{name}")
    made(jury["reader"], "jury.reader")
    for name in ("chunk", "workers"):
        value = jury.get(name)
        if not (_whole(value) and value >= 1) and not (name == "workers" and value is None):
            raise InputError(f"jury.{name}={value!r}: a whole number from 1")


def _in_a_sweep() -> bool:
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def _probes(asked: bool | None, conditions: Mapping[str, Condition]) -> bool:
    """A condition that claims to take the group out of a judge is put to the test unless that was declined."""
    if asked is not None:
        return asked
    return any(c.objective is not None or c.refit is not None for c in conditions.values())


def _without_idle_balance(settings: DictConfig) -> DictConfig:
    """The settings without `jointly` where that is the feature itself, whose groups have their shares already."""
    feature = settings.pool.feature
    idle = [part for part in ("pool", "entrants") if settings[part].jointly == feature != AUTO]
    if idle:
        settings = copy.deepcopy(settings)  # whole, since a method may refer to pool.jointly
        for part in idle:
            settings[part].jointly = None
    return settings


def _plain(settings: DictConfig) -> dict[str, Any]:
    """Resolved plain containers; methods that conditions name are written out, `mitigation` is one of them by then."""
    settings = copy.deepcopy(settings)
    _mitigation_is_used(settings)
    # an alias such as ${mitigation} is resolved first: it stands for a whole condition
    whole = OmegaConf.to_container(settings.conditions, resolve=True)
    assert isinstance(whole, dict)
    OmegaConf.set_struct(settings, False)
    settings.conditions = expanded(whole, packaged_or_own)  # named files may refer to other settings
    plain = OmegaConf.to_container(settings, resolve=True)
    assert isinstance(plain, dict)
    plain.pop("mitigation", None)
    plain.pop("experiment", None)
    return {str(key): value for key, value in plain.items()}


def _mitigation_is_used(settings: DictConfig) -> None:
    """Raises InputError for a mitigation set on the command line that no condition refers to."""
    if not HydraConfig.initialized():
        return
    asked = [word for word in HydraConfig.get().overrides.task if word.lstrip("+").startswith("mitigation")]
    if asked and "${mitigation}" not in str(OmegaConf.to_container(settings.conditions)):
        raise InputError(
            f"{asked[0]} changes nothing: no condition refers to it (${{mitigation}}); conditions: "
            f"{listed(settings.conditions)}"
        )


def check(settings: DictConfig) -> None:
    """Raises InputError for a value out of range, before anything is loaded."""
    pool, entrants = settings.pool, settings.entrants
    for name in ("data", "entrants_data"):
        if settings[name] is not None and OmegaConf.is_missing(settings[name], "root"):
            raise InputError(
                f"{name}.root is not set: the folder where the data set lies, {name}.root=FOLDER"
            )
    for setting, value in (
        ("pool.majority_share", pool.majority_share),
        ("pool.validation", pool.validation),
        ("entrants.held_out", entrants.held_out),
        ("audit.confidence", settings.audit.confidence),
    ):
        if not 0 < value < 1:
            raise InputError(f"{setting} lies between 0 and 1, both excluded; given {value}")
    for setting, whole, least, most in (
        ("seed", settings.seed, 0, LARGEST_SEED),
        ("entrants.seed", entrants.seed, 0, LARGEST_SEED),
        ("audit.n_permutations", settings.audit.n_permutations, 1, MOST_PERMUTATIONS),
        ("threads", settings.threads, 1, 1024),
    ):
        if whole is not None and not least <= whole <= most:
            raise InputError(f"{setting} is a whole number from {least} to {most:,}; given {whole}")
    check_stack(settings.stack)
    checked_name(settings.name)
    if pool.n != AUTO and not (_whole(pool.n) and pool.n >= LEAST_POOL):
        raise InputError(f"pool.n is at least {LEAST_POOL} pictures, or auto; given {pool.n}")
    if not (pool.groups is None or pool.groups == AUTO or OmegaConf.is_list(pool.groups)):
        raise InputError(f"pool.groups is a list such as [a,b], null for all, or auto; given {pool.groups!r}")
    for name in ("calibration", "refit"):
        if pool[name] < 1:
            raise InputError(f"pool.{name} is at least 1 person; given {pool[name]}")
    if entrants.n not in (None, AUTO) and not (_whole(entrants.n) and entrants.n >= 1):
        raise InputError(f"entrants.n is at least 1, null for everybody, or auto; given {entrants.n}")
    if isinstance(entrants.shares, str) and entrants.shares not in ("equal", "natural"):
        raise InputError(f"entrants.shares is equal, natural or one share a group; given {entrants.shares!r}")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def input_error(error: BaseException | None) -> InputError | None:
    """The InputError behind an exception: Hydra wraps what is raised while it instantiates."""
    while error is not None and not isinstance(error, InputError):
        error = error.__cause__
    return error


OmegaConf.register_new_resolver("judge_folder", folder_name, replace=True)
ConfigStore.instance().store(name="settings", node=Settings)


def check_stack(stack: Any) -> None:
    """Raises InputError for a setting `stack` that is no number of networks."""
    whole = isinstance(stack, int) and not isinstance(stack, bool) and stack >= 1
    if not (stack is None or stack == "auto" or whole):
        raise InputError(f"stack is a number of networks from 1 on, auto, or null; given {stack}")
