"""Files and what is kept between runs: every other room may import this one, it imports only judge.errors and
judge.extras.

`atomic` writes a file completely or not at all, whatever writes it; nothing in judge writes to a file in another way.
`lock` lets one process at a time into a folder. `memory` has the C library keep what a step of training frees.
`cache` has the one root of all caches ($JUDGE_CACHE) and the one cache of what was computed of a picture, found by
content. `tensors` keeps networks and trainings in safetensors files; it needs torch, so it is imported by its own
name, `from judge.storage.tensors import save_tensors`, and never by a command that has no network. Nothing is ever
pickled: a file from somebody else can be wrong, but it cannot run code.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from judge.storage.atomic import (
    CannotWrite,
    make_writable,
    remove_leftovers,
    replacing,
    write_bytes,
    write_json,
    write_text,
)
from judge.storage.lock import locked

if TYPE_CHECKING:
    from judge.storage.cache import ContentCache, DamagedShard, Found, cache_root

__all__ = [
    "CannotWrite",
    "ContentCache",
    "DamagedShard",
    "Found",
    "cache_root",
    "locked",
    "make_writable",
    "remove_leftovers",
    "replacing",
    "write_bytes",
    "write_json",
    "write_text",
]


def __getattr__(name: str) -> Any:
    # safetensors take longer to import than a small audit takes, which has no cache
    if name not in ("ContentCache", "DamagedShard", "Found", "cache_root"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("judge.storage.cache"), name)
