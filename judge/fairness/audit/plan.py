"""What an audit is asked for: names of columns and groups, and settings that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence

from judge.errors import InputError, listed
from judge.fairness.audit.entrants import JOINT, Entrants
from judge.fairness.counts import frequencies


def listed_names(value: Sequence[str] | str | None) -> list[str]:
    """One name or several, or none, as a list without repetitions."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(dict.fromkeys(value))


def references_of(people: Entrants, reference: list[str]) -> dict[str, str | None]:
    """The group that each feature is compared with; None: all others.

    Intersections refer to the combination of the single features' references where every feature has one and
    somebody is in it, unless a combination is named itself.
    """
    for name in reference:
        if not any(name in codes.names for codes in people.features.values()):
            groups = "; ".join(f"{f}: {listed(c.names)}" for f, c in people.features.items())
            raise InputError(f"no group {name!r} to refer to; the groups are {groups}")
    found = {
        feature: next((name for name in reference if name in codes.names), None)
        for feature, codes in people.features.items()
    }
    *single, last = people.features
    if len(single) > 1 and last == JOINT.join(single) and found[last] is None:
        joint = JOINT.join(str(found[name]) for name in single)
        if all(found[name] is not None for name in single) and joint in people.features[last].names:
            found[last] = joint
    return found


def reference_notes(people: Entrants, references: dict[str, str | None]) -> list[str]:
    """What intersections are compared with, where references of the single features cannot be combined."""
    *single, last = people.features
    given = {name: references[name] for name in single if references[name] is not None}
    if len(single) < 2 or last != JOINT.join(single) or not given or references[last] is not None:
        return []
    lacking = [name for name in single if name not in given]
    joint = JOINT.join(str(reference) for reference in given.values())
    why = f"{listed(lacking)} has no reference" if lacking else f"nobody is {joint}"
    return [f"{last}: compared with all others, because {why}"]


def primary_of(people: Entrants, primary: str | None, references: dict[str, str | None]) -> tuple[str, str]:
    """Feature and group of the one primary contrast: as named, else the reference, else the largest group."""
    feature, codes = next(iter(people.features.items()))
    if primary is not None:
        if primary not in codes.names:
            raise InputError(
                f"primary: no group {primary!r} in {feature}; the groups are {listed(codes.names)}"
            )
        return feature, primary
    if (reference := references[feature]) is not None:
        return feature, reference
    return feature, codes.names[int(frequencies(codes.code, len(codes.names), people.weight).argmax())]


def checked_settings(
    *,
    features: list[str],
    score: list[str],
    winner: str | None,
    brackets: list[str],
    places: int | None,
) -> None:
    """Raises InputError for settings that contradict each other, before anything is read."""
    if not features:
        raise InputError("name at least one sensitive feature (a column of the table)")
    if not score and winner is None:
        raise InputError("name a score column or a winner column: without either there is nothing to audit")
    if places is not None and places < 1:
        raise InputError(f"places is at least 1 (winners a bracket), not {places}")
    if places is not None and not score:
        raise InputError("places needs a score column to rank by")
    for name in features:
        if name in brackets:
            raise InputError(
                f"{name} is a feature and a bracket: within a bracket there would be one group only"
            )
        if name in (*score, winner):
            raise InputError(
                f"{name} is a feature and a score or winner column; a column has one part to play"
            )
