"""Methods that work on scores alone, by the names of their files in conf/mitigation; without Hydra and torch."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from judge.errors import InputError, listed

#: Seams whose methods need nothing but scores.
SEAMS = ("scores", "ranking")


@dataclass(frozen=True)
class Method:
    """A method by the name of its file.

    seam      scores or ranking
    what      the first line of its file, without the seam
    settings  with the values that they have in the file
    target    the path of its class
    """

    name: str
    seam: str
    what: str
    settings: Mapping[str, Any]
    target: str

    def made(self, settings: Mapping[str, Any] | None = None) -> Any:
        """The method with these settings; InputError names one that it has not, and what it does not allow."""
        unknown = [name for name in settings or {} if name not in self.settings]
        if unknown:
            raise InputError(f"{self.name} has no setting {listed(unknown)}; it has {listed(self.settings)}")
        room, _, kind = self.target.rpartition(".")
        values = {**self.settings, **(settings or {})}
        try:
            return getattr(importlib.import_module(room), kind)(**values)
        except InputError:
            raise
        except (TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{self.name}: its settings cannot be used: {error}; given {values}") from error


def methods() -> dict[str, Method]:
    """The methods that work on scores alone, by name.

    Returns
    -------
    dict of str to Method
        Those of the scores seam first, then those of the ranking seam, each by name.

    Examples
    --------
    >>> [(name, method.seam) for name, method in methods().items() if "standardise" in name or "quota" in name]
    [('standardise_within', 'scores'), ('quota', 'ranking')]
    """
    found = []
    for file in (resources.files("judge.conf") / "mitigation").iterdir():
        if not file.name.endswith(".yaml"):
            continue
        text = file.read_text(encoding="utf-8")
        settings = yaml.safe_load(text)
        target = settings.pop("_target_", "")
        room, seam, _ = (*target.rsplit(".", 2), "", "")[:3]
        if room == "judge.mitigation" and seam in SEAMS:
            what = text.splitlines()[0].lstrip("# ").partition(": ")[2].strip()
            found.append(Method(file.name.removesuffix(".yaml"), seam, what, settings, target))
    return {method.name: method for method in sorted(found, key=lambda m: (SEAMS.index(m.seam), m.name))}


def method_named(name: str, settings: Mapping[str, Any] | None = None) -> Any:
    """A method of the scores or the ranking seam with its settings, ready to be called.

    Parameters
    ----------
    name : str
        One of `methods()`.
    settings : mapping, optional
        Those that differ from its file.

    Returns
    -------
    object
        The method.

    Raises
    ------
    InputError
        For another name, a setting that the method has not, and a value that it does not allow.

    Examples
    --------
    >>> method_named("quota", {"shares": {"x": 0.5, "y": 0.5}})
    Quotas(shares={'x': 0.5, 'y': 0.5})
    """
    there = methods()
    if name not in there:
        raise InputError(f"no method {name!r} that works on scores alone; there are {listed(there, 40)}")
    return there[name].made(settings)
