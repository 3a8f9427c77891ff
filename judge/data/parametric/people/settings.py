"""Population settings: the packaged population.yaml with a caller's changes merged over it, checked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from judge.data.parametric.people.distributions import GROUP_NAMES, is_spec
from judge.data.parametric.person import ETHNICITIES, PARAMETERS
from judge.errors import InputError, listed

MODES = ("independent", "natural")
CAMERA_PARAMETERS = (
    "gaze_x", "gaze_y", "yaw", "pitch", "roll", "exposure", "light_azimuth", "light_elevation", "light_fill",
    "noise", "blur", "jpeg_quality", "background_hue", "background_saturation", "background_value",
    "clothing_hue", "clothing_value",
)  # fmt: skip
ANCESTRY = ETHNICITIES
BODY_PARAMETERS = tuple(
    p.name for p in PARAMETERS if p.name not in CAMERA_PARAMETERS and p.name not in (*ANCESTRY, "stream")
)


@cache
def _packaged() -> dict[str, Any]:
    text = (
        resources.files("judge.data.parametric.people")
        .joinpath("population.yaml")
        .read_text(encoding="utf-8")
    )
    return yaml.safe_load(text)


def population_settings(changes: Mapping | str | Path | None = None) -> dict[str, Any]:
    """The full settings, layout as population.yaml.

    changes   a mapping (or the path of a YAML file with one) merged over the packaged file: a table of groups is
              merged key by key, a distribution replaces the one that was there.
    Raises InputError for unknown sections or parameters, and for a table by ethnicity under `independent`.
    """
    if isinstance(changes, str | Path):
        if not Path(changes).is_file():
            raise InputError(f"population: no such file: {changes}")
        changes = yaml.safe_load(Path(changes).read_text(encoding="utf-8")) or {}
    settings = _merged(_packaged(), changes or {})
    known = _packaged()
    if set(settings) - set(known):
        raise InputError(f"population has {listed(known)}, not {listed(sorted(set(settings) - set(known)))}")
    strange = set(settings["parameters"]) - set(BODY_PARAMETERS)
    if strange:
        raise InputError(f"population.parameters: no such parameter {listed(sorted(strange))}")
    for name in (n for n in BODY_PARAMETERS if n not in settings["parameters"]):
        raise InputError(f"population.parameters lacks {name!r}")
    for name, table in settings["parameters"].items():
        if not isinstance(table, Mapping) or not ("both" in table or set(MODES) <= set(table)):
            raise InputError(f"population.parameters.{name} needs `both`, or `independent` and `natural`")
        _refuse_ethnicity(table.get("independent", table.get("both")), name)
    return settings


def chosen(table: Mapping, mode: str) -> Any:
    """The setting that applies in a mode: its own entry if there is one, else `both`."""
    return table[mode] if mode in table else table["both"]


def _refuse_ethnicity(setting: Any, name: str) -> None:
    """In mode `independent` nothing but ancestry may go with ethnicity: no table and no mix may name one."""
    if not isinstance(setting, Mapping):
        return
    named = {part for key in setting for part in str(key).split("/")} & set(ETHNICITIES)
    if "by_ancestry" in setting or (not is_spec(setting) and named):
        raise InputError(
            f"population.parameters.{name}: mode `independent` allows no distribution by ethnicity; "
            "put it under `natural`"
        )
    for inner in setting.values() if not is_spec(setting) else (setting.get("then"), setting.get("else")):
        _refuse_ethnicity(inner, name)


def _merged(base: Any, over: Any) -> Any:
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    if (is_spec(base) or is_spec(over)) and not (_is_table(base) and _is_table(over)):
        return dict(over)
    return {key: _merged(base.get(key), over[key]) if key in over else base[key] for key in {**base, **over}}


def _is_table(setting: Mapping) -> bool:
    """Groups by name, whatever the kinds inside; sections of the file count as tables too."""
    return not is_spec(setting) or all(part in GROUP_NAMES for key in setting for part in str(key).split("/"))
