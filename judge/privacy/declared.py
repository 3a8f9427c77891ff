"""Groups that the schema of a data set declares, whoever is in it: what may be known of private people beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from judge.data.parametric.people.labels import LABELS
from judge.data.readers import cfd, fairface, mebeauty, scut_fbp5500, utkface
from judge.errors import InputError, listed

_BOTH = ("female", "male")
#: Data set → feature → groups. MEBeauty, FairFace and others name them in their folders or documentation.
DECLARED: dict[str, dict[str, tuple[str, ...]]] = {
    "parametric": {"ethnicity": LABELS["ethnicity"], "gender": LABELS["gender"], "age_group": LABELS["age_group"]},
    "mebeauty": {"ethnicity": mebeauty.ETHNICITIES, "gender": _BOTH},
    "fairface": {"ethnicity": fairface.RACES, "gender": _BOTH},
    "utkface": {"ethnicity": tuple(utkface.RACES.values()), "gender": _BOTH},
    "cfd": {"ethnicity": tuple(cfd.ETHNICITIES.values()), "gender": tuple(cfd.GENDERS.values())},
    "scut_fbp5500": {"ethnicity": ("asian", "caucasian"), "gender": tuple(scut_fbp5500.GENDERS.values())},
}  # fmt: skip
#: What a pool is grouped by where nobody says it.
USUAL = ("ethnicity", "gender")


def declared_features(data: str, manifest: pd.DataFrame) -> list[str]:
    """USUAL features that the data set declares groups of and has a column for."""
    return [name for name in USUAL if name in DECLARED.get(data, {}) and name in manifest]


def declared_groups(
    data: str, features: Sequence[str], told: Mapping[str, Sequence[str]] | None
) -> dict[str, list[str]]:
    """Groups of each feature: those told, else those that the data set declares.

    Raises InputError for a feature of which neither is there. They are not read from the labels: a group that nobody
    expected would be told by being there.
    """
    known = DECLARED.get(data, {}) | {name: tuple(groups) for name, groups in (told or {}).items()}
    if missing := [name for name in features if not known.get(name)]:
        raise InputError(
            f"which groups of {listed(missing)} there are is public and is not read from private labels: say it, e.g. "
            f"'groups.{missing[0]}=[a,b]'"
        )
    return {name: [str(group) for group in known[name]] for name in features}
