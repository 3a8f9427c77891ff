"""A run's settings in words: its data set, judge and contest, and what each condition changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from judge.report.conditions import baseline_of
from judge.report.sections.provenance import setting_of
from judge.report.wording import counted, joined

SAID = 3  # arguments of a method that are told; all are in the settings at the end of the page
HYDRA = {"_target_", "_convert_", "_partial_", "_recursive_"}


def described(settings: Mapping[str, Any], brackets: pd.DataFrame | None, entrants: int) -> str:
    """Data set, entrants, judge, jury, contest and seed, in one line of sentences; what is not set is left out."""
    parts = [f"Run {settings['name']}"] if settings.get("name") else []
    data, others = _data(settings.get("data")), _data(settings.get("entrants_data"))
    if data:
        parts.append(f"Data: {data}")
    parts.append(counted(entrants, "entrant") + (f" of {others}" if others else ""))
    judge = _judge(settings)
    if judge:
        parts.append(f"Judge: {judge}")
    parts.append(_contest(settings, brackets))
    if settings.get("seed") is not None:
        parts.append(f"Seed {settings['seed']}")
    return ". ".join(filter(None, parts)) + "."


def changes(settings: Mapping[str, Any], condition: str) -> str:
    """What a condition changes against the run's own settings: "objective: group DRO (step 0.01)"; – for nothing."""
    told = []
    for seam, value in (setting_of(settings, "conditions", condition) or {}).items():
        if seam == "trained_as" or value is None:
            continue
        if seam == "jury":
            told += [_override(key, inner, setting_of(settings, "jury", key)) for key, inner in value.items()]
        else:
            told.append(f"{seam}: {_called(value)}")
    return "; ".join(told) or "–"


def _override(key: str, value: Mapping[str, Any] | None, before: Any) -> str:
    """What a condition changes of the jury; of a gate that has settings before and after, those that differ."""
    if not value:
        return f"no {key}"
    if isinstance(before, Mapping) and value.get("_target_") == before.get("_target_"):
        changed = [f"{name} {_called(inner)}" for name, inner in value.items() if before.get(name) != inner]
        return f"{key}: {_listed(changed)}"
    return f"{key}: {_called(value)}"


def _listed(given: list[str]) -> str:
    return ", ".join(given if len(given) <= SAID else [*given[:SAID], "…"])


def _called(value: Any) -> str:
    """A `_target_` by its own name in words with its arguments in brackets; anything else as it is."""
    if not isinstance(value, Mapping):
        return "none" if value is None else str(value)
    given = [
        f"{key} {_called(inner)}" for key, inner in value.items() if key not in HYDRA and inner is not None
    ]
    target = value.get("_target_")
    if target is None:
        return _listed(given)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", _last(target))
    words = " ".join(word if word.isupper() else word.lower() for word in name.split())
    return f"{words} ({_listed(given)})" if given else words


def _last(target: Any) -> str:
    return str(target).rsplit(".", 1)[-1]


def _data(data: Any) -> str:
    target = setting_of(data, "_target_")
    if target is None:
        return ""
    name = _last(target).removeprefix("read_").replace("_", " ")
    number = setting_of(data, "n")
    return f"{name}, {number:,} pictures" if isinstance(number, int) else name


def _judge(settings: Mapping[str, Any]) -> str:
    target = setting_of(settings, "judge", "_target_")
    if target is None:
        return ""
    backbone = setting_of(settings, "judge", "backbone")
    words = _last(target) + (f" ({backbone})" if backbone else "")
    robots = setting_of(settings, "jury", "robots")
    return words + (
        f", beside the robots {joined([str(r).replace('_', ' ') for r in robots])}" if robots else ""
    )


def _contest(settings: Mapping[str, Any], brackets: pd.DataFrame | None) -> str:
    """5 places in each of 10 brackets (gender × age_group)."""
    if brackets is None or brackets.empty:
        return ""
    own = brackets[brackets["condition"] == baseline_of(brackets["condition"])]
    columns = setting_of(settings, "contest", "brackets") or []
    by = f" ({' × '.join(map(str, columns))})" if columns else ""
    places = sorted(set(own["places"])) if "places" in own else []
    of_places = f"{places[0]:,} places in each of " if len(places) == 1 else ""
    return f"{of_places}{counted(len(own), 'bracket')}{by}"
