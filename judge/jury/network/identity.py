"""What a thing is, in words that are equal for equal things: two trainings are told apart by them."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from judge.errors import InputError


def described(thing: Any, **given: Any) -> str:
    """Canonical JSON of the type and settings of a loss, an objective, a refit …: equal if, and only if, they are.

    The type is "module:qualname". Settings are what a method `settings()` returns, else the fields of a dataclass
    (without those of compare=False), else nothing where the thing holds nothing. A function is its name, a
    functools.partial its function and arguments. Arrays and tensors are described by a hash of their bytes.

    given  what the thing is called with, by name, where that tells its result from another

    Raises InputError for anything else, e.g. an nn.Module without `settings()`: what it holds cannot be told.

    >>> from judge.jury.network.losses import Huber
    >>> described(Huber(delta=1.0))
    '{"settings": {"delta": 1.0}, "type": "judge.jury.network.losses:Huber"}'
    """
    facts = _facts(thing)
    if given:
        facts["given"] = {name: _plain(value) for name, value in given.items()}
    return json.dumps(facts, sort_keys=True, ensure_ascii=False)


def same_training(file: Path, found: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Raises InputError that names whatever differs between the training that `file` belongs to and this one.

    found, here  JSON-able facts; those that are mappings themselves are compared fact by fact
    """
    found, here = _flat(found), _flat(here)
    different = [
        f"{name} is {found.get(name)}, here {here.get(name)}"
        for name in dict.fromkeys([*here, *found])
        if found.get(name) != here.get(name)
    ]
    if different:
        raise InputError(
            f"{file} belongs to another training, choose another folder or remove it: {'; '.join(different)}"
        )


def _facts(thing: Any) -> dict[str, Any]:
    if isinstance(thing, functools.partial):
        return {**_facts(thing.func), "args": _plain(thing.args), "keywords": _plain(thing.keywords)}
    if inspect.isfunction(thing) and (thing.__closure__ or thing.__name__ == "<lambda>"):
        raise InputError(
            f"{_name(thing)} cannot be told from another function: give it a name at the top of a module, and its "
            "settings as a dataclass with __call__ or by functools.partial"
        )
    if inspect.ismethod(thing):
        return {"type": _name(thing), "settings": {"self": _plain(thing.__self__)}}
    if inspect.isroutine(thing) or inspect.isclass(thing):
        return {"type": _name(thing)}
    kind = _name(type(thing))
    if callable(settings := getattr(thing, "settings", None)):
        return {"type": kind, "settings": _plain(settings())}
    if is_dataclass(thing):
        values = {field.name: getattr(thing, field.name) for field in fields(thing) if field.compare}
        return {"type": kind, "settings": _plain(values)}
    if getattr(thing, "__dict__", None) == {}:
        return {"type": kind, "settings": {}}
    raise InputError(
        f"{kind} does not say what it is made of, so that a training with it cannot be told from another: give it a "
        "method `settings()` that returns a dict of numbers and words, or make it a dataclass"
    )


def _name(thing: Any) -> str:
    return f"{thing.__module__}:{thing.__qualname__}"


def _plain(value: Any) -> Any:
    """The value in JSON's types."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "detach"):  # a tensor; torch itself is not needed here
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        digest = hashlib.blake2b(np.ascontiguousarray(value).data, digest_size=16).hexdigest()
        return {"shape": list(value.shape), "dtype": str(value.dtype), "blake2b": digest}
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, Set):
        return sorted((_plain(part) for part in value), key=str)
    if isinstance(value, Sequence):
        return [_plain(part) for part in value]
    return _facts(value)


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings within taken apart: {"a": {"b": 1}} → {"a.b": 1}; as JSON has them, tuples being lists."""
    flat: dict[str, Any] = {}
    for name, value in json.loads(json.dumps(facts)).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": part for inner, part in value.items()}
        else:
            flat[name] = value
    return flat
