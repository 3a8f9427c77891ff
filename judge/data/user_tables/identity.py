"""Columns that say who somebody is."""

from __future__ import annotations

from collections.abc import Sequence

#: Columns that are taken for the id of a person, in this order, when none is named.
ID_COLUMNS = ("image_id", "person_id", "entrant_id", "id")
#: Columns that say whose picture a row is, whatever the case, spaces and underscores.
PERSON_COLUMNS = ("personid", "entrantid", "participantid", "subjectid", "individualid", "identityid")


def person_columns(names: Sequence[str], *, taken: Sequence[str]) -> list[str]:
    """Columns that by their name say whose picture a row is, and that have no other part in the audit.

    >>> person_columns(["image_id", "Person ID", "gender"], taken=["image_id", "gender"])
    ['Person ID']
    """
    return [
        name
        for name in names
        if name not in taken
        and "".join(c for c in str(name).lower() if c not in "_- .") in PERSON_COLUMNS
    ]  # fmt: skip
