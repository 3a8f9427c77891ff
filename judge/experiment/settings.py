"""Typed root settings: a misspelt key is refused when Hydra composes, before anything runs.

The groups (data, judge, mitigation, contest …) are open, since their `_target_` decides what they take.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import MISSING, DictConfig, OmegaConf

from judge import __version__
from judge.errors import InputError

#: Settings that do not change a run's tables, and so do not make a finished run stale.
NOT_IN_HASH = ("name", "report", "device", "threads", "save_judges")
#: The same of a data set: how it is read.
NOT_IN_DATA_HASH = ("cache_dir", "workers")
#: Settings of a data set that may name a file, and whether it lies below the root. What is in it belongs to the hash.
FILES = {"exclude": False, "table": True, "ratings": True, "population": False}
LONGEST_FOLDER = 120
_ROOT = re.compile(r"(?<![\w.])((?:entrants_)?data\.root=)([^,]+)")


@dataclass
class Pool:
    """The training pool: `n` pictures with chosen shares of one sensitive feature."""

    n: int = 300
    feature: str = "ethnicity"
    majority: str = MISSING
    # share of the majority group; the others share the rest equally
    majority_share: float = 0.9
    # or one share a group, summing to 1; wins over majority_share
    shares: Any = None
    # a second feature balanced within every group, or null
    jointly: str | None = "gender"
    # groups that may be drawn at all (the rest of the data set is left out), or null for all
    groups: list[str] | None = None
    # part of the pool kept for choosing the best epoch or penalty
    validation: float = 0.15
    # group → points added to its training ratings (ratings skewed against it), e.g. {african: -0.5}, or null
    rating_shift: Any = None


@dataclass
class Entrants:
    """Who enters the contest; never anybody of the pool."""

    # pictures, or null for everybody who is left
    n: int | None = 300
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
    # single-run intervals: resampled people
    n_boot: int = 1000
    confidence: float = 0.95


@dataclass
class Report:
    # figures and page in the run's folder; a sweep may do without and use `judge compare`
    page: bool = True
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
    mitigation: Any = MISSING
    contest: Any = MISSING
    jury: Any = None
    audit: Audit = field(default_factory=Audit)
    report: Report = field(default_factory=Report)
    save_judges: bool = True
    # CPU threads of torch in this run, or null for all cores
    threads: int | None = None
    experiment: Any = None


def folder_name(overrides: str) -> str:
    """A stable folder name for a run from what was set on the command line.

    The root of a data set is there by its last part and a digest: folder names are published, home folders are not.
    """
    overrides = _ROOT.sub(lambda found: found[1] + _place(found[2]), overrides)
    name = re.sub(r"[^\w.,=+\-]+", "_", overrides).strip("_") or "default"
    if len(name) <= LONGEST_FOLDER:
        return name
    return f"{name[:LONGEST_FOLDER]}-{hashlib.blake2b(overrides.encode(), digest_size=4).hexdigest()}"


def _place(root: str) -> str:
    path = resolved_root(root.strip("\"'"))
    return f"{path.name}-{hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()}"


def resolved_root(root: str) -> Path:
    """The absolute folder of a data set, however it was spelt."""
    return Path(root).expanduser().resolve()


def settings_hash(settings: DictConfig) -> str:
    """Hexadecimal digest of every resolved setting that changes a run's tables, and of the version.

    Of a data set also the absolute root, and the bytes of each file that it names (an exclusion list, a table).
    """
    plain = OmegaConf.to_container(settings, resolve=True)
    assert isinstance(plain, dict)
    kept = {str(key): value for key, value in plain.items() if key not in NOT_IN_HASH}
    for name in ("data", "entrants_data"):
        if isinstance(kept[name], dict):
            kept[name] = _data_in_hash(kept[name])
    if kept["entrants"]["jointly"] is None:
        # runs that finished before there was this setting stay finished
        kept["entrants"] = {k: v for k, v in kept["entrants"].items() if k != "jointly"}
    text = json.dumps([__version__, kept], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _data_in_hash(data: dict[Any, Any]) -> dict[str, Any]:
    kept = {str(key): value for key, value in data.items() if key not in NOT_IN_DATA_HASH}
    if kept.get("root"):
        kept["root"] = str(resolved_root(kept["root"]))
    for key, below in FILES.items():
        if isinstance(kept.get(key), str):
            file = Path(kept["root"] if below else "") / Path(kept[key]).expanduser()
            if file.is_file():
                kept[key] = [kept[key], hashlib.blake2b(file.read_bytes(), digest_size=8).hexdigest()]
    return kept


def check(settings: DictConfig) -> None:
    """Raises InputError for a value out of range, before anything is loaded."""
    pool, entrants = settings.pool, settings.entrants
    for name in ("data", "entrants_data"):
        if settings[name] is not None and OmegaConf.is_missing(settings[name], "root"):
            raise InputError(
                f"{name}.root is not set: the folder where the data set lies, {name}.root=FOLDER"
            )
    if not 0 < pool.majority_share < 1:
        raise InputError(
            f"pool.majority_share lies between 0 and 1, both excluded; given {pool.majority_share}"
        )
    if not 0 < pool.validation < 1:
        raise InputError(f"pool.validation lies between 0 and 1, both excluded; given {pool.validation}")
    if not 0 < entrants.held_out < 1:
        raise InputError(f"entrants.held_out lies between 0 and 1, both excluded; given {entrants.held_out}")
    if pool.n < 20:
        raise InputError(f"pool.n is at least 20 pictures; given {pool.n}")
    if entrants.n is not None and entrants.n < 1:
        raise InputError(f"entrants.n is at least 1, or null for everybody; given {entrants.n}")
    if isinstance(entrants.shares, str) and entrants.shares not in ("equal", "natural"):
        raise InputError(f"entrants.shares is equal, natural or one share a group; given {entrants.shares!r}")
    if not 0 < settings.audit.confidence < 1:
        raise InputError(
            f"audit.confidence lies between 0 and 1, both excluded; given {settings.audit.confidence}"
        )
    try:
        instantiate(settings.contest)  # it knows its own limits
    except InstantiationException as error:
        raise input_error(error) or error from error


def input_error(error: BaseException | None) -> InputError | None:
    """The InputError behind an exception: Hydra wraps what is raised while it instantiates."""
    while error is not None and not isinstance(error, InputError):
        error = error.__cause__
    return error


OmegaConf.register_new_resolver("judge_folder", folder_name, replace=True)
ConfigStore.instance().store(name="settings", node=Settings)
