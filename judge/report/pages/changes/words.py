"""What the settings and conditions of a sweep are called in sentences, from the settings themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from judge.report.html import label
from judge.report.sections.described import changes
from judge.report.sections.provenance import setting_of
from judge.report.wording import joined, named, number, percent

#: The training share among the levels of a setting: the column of a comparison's table of runs.
SHARE = "share"
_SHIFT = re.compile(r"^pool\.rating_shift\.(.+)$")
#: A class of a seam → what it does, as the subject of a sentence. Other methods are called by their condition's name.
_DOES = {
    "Redraw": "rebalancing the pictures with new ones",
    "ResampleUp": "rebalancing the pictures by repeating the rare",
    "ResampleDown": "rebalancing the pictures by leaving out the frequent",
    "Reweight": "rebalancing the pictures by weights",
    "StandardiseWithin": "standardising scores within groups",
    "CorrectRatings": "correcting the ratings for who gave them",
}


@dataclass(frozen=True)
class Words:
    """What things are called.

    heads       setting → all its levels, short: the head of its rows
    planted     setting → what tells it from the first setting; "" for that one
    n_planted   setting → how many of its levels are others than those of the first
    does        condition → what it does, the subject of a sentence
    told        condition → what it changes of the run's settings; – for nothing
    """

    heads: Mapping[int, str]
    planted: Mapping[int, str]
    n_planted: Mapping[int, int]
    does: Mapping[str, str]
    told: Mapping[str, str]

    @property
    def first(self) -> int:
        return next(iter(self.heads))

    @property
    def most_planted(self) -> int:
        """The setting with most levels that are not the first setting's; of several the last."""
        most = max(self.n_planted.values())
        return [setting for setting, n in self.n_planted.items() if n == most][-1]


def words_of(
    levels: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    conditions: Sequence[str],
    *,
    majority: str,
) -> Words:
    """The words of a sweep.

    levels      of each setting: what varied → its value. The first is the setting without anything planted; the key
                `share` is the majority's share of the pool
    settings    the settings of one of its runs, in which the conditions are spelt out
    conditions  in order
    majority    the group whose share of the pool is set
    """
    start = levels[0]
    others = [{key: value for key, value in one.items() if not _same(value, start[key])} for one in levels]
    return Words(
        {i: ", ".join(_short(key, value, majority) for key, value in one.items()) or "all runs"
         for i, one in enumerate(levels)},
        {i: joined([_planted(key, value, start[key], majority) for key, value in one.items()])
         for i, one in enumerate(others)},
        {i: len(one) for i, one in enumerate(others)},
        {name: _does(settings, name) for name in conditions},
        {name: changes(settings, name) for name in conditions},
    )  # fmt: skip


def _same(one: Any, other: Any) -> bool:
    return bool((pd.isna(one) and pd.isna(other)) or one == other)


def _short(key: str, value: Any, majority: str) -> str:
    if key == SHARE:
        return "pictures by shares" if pd.isna(value) else f"{percent(value, 0)} of the pictures {majority}"
    if found := _SHIFT.match(key):
        return "ratings as given" if pd.isna(value) else f"{found[1]} ratings {number(value)}"
    return f"{key} {label(value)}"


def _planted(key: str, value: Any, before: Any, majority: str) -> str:
    if key == SHARE and not (pd.isna(value) or pd.isna(before)):
        return f"{majority} people being {percent(value, 0)} of the training pictures instead of {percent(before, 0)}"
    found = _SHIFT.match(key)
    if found and not pd.isna(value):
        by = float(value) - (0.0 if pd.isna(before) else float(before))
        way = "lower" if by < 0 else "higher"
        return f"{found[1]} people being rated {number(abs(by))} points {way} in training"
    return f"{key} being {label(value)} instead of {label(before)}"


def _does(settings: Mapping[str, Any], condition: str) -> str:
    """By the class of the one seam that it changes; else by its name."""
    changed = {
        seam: value
        for seam, value in (setting_of(settings, "conditions", condition) or {}).items()
        if value is not None and seam != "trained_as"
    }
    if len(changed) == 1:
        target = str(setting_of(next(iter(changed.values())), "_target_")).rsplit(".", 1)[-1]
        if target in _DOES:
            return _DOES[target]
    return named(condition)
