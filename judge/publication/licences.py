"""Licences by which a publication can be given away, under the names of SPDX and of data hubs."""

from __future__ import annotations

from dataclasses import dataclass

from judge.errors import InputError, listed


@dataclass(frozen=True)
class Licence:
    """A licence: its SPDX identifier, its name on data hubs, its text's address."""

    spdx: str
    hub: str
    url: str


LICENCES = {
    one.spdx: one
    for one in (
        Licence("CC0-1.0", "cc0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
        Licence("CC-BY-4.0", "cc-by-4.0", "https://creativecommons.org/licenses/by/4.0/"),
        Licence("CC-BY-SA-4.0", "cc-by-sa-4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
        Licence("CC-BY-NC-4.0", "cc-by-nc-4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
        Licence("ODbL-1.0", "odbl", "https://opendatacommons.org/licenses/odbl/1-0/"),
        Licence("Apache-2.0", "apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    )
}
#: What people who do not exist are published under: they are drawn from numbers that are in the public domain, by a
#: program, with no choice in them that a right could rest on. A licence that asks for credit would claim one, and would
#: pile up in whatever is made of several such sets. To be cited is asked for in CITATION.cff instead.
USUAL = "CC0-1.0"


def licence_of(name: str | None, *, real_people: bool) -> Licence | None:
    """The licence of that name; without one CC0 for people who do not exist and none for those who do.

    Of real people no licence can be taken for granted: their pictures' terms may bind what was derived from them.
    Raises InputError for a name that is not in LICENCES.
    """
    if name is None:
        return None if real_people else LICENCES[USUAL]
    known = {spdx.lower(): one for spdx, one in LICENCES.items()}
    if name.lower() not in known:
        raise InputError(f"--licence {name}: allowed are {listed(LICENCES)}")
    return known[name.lower()]
