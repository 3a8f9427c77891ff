"""What was computed of a picture once is found again by its content: one root for all caches, one kind of cache.

A cache is a folder of shards. A shard is one safetensors file that holds some hundred keys: arrays with a row a key,
and in its header, as JSON, the keys and a record for each. Shards are only ever added, so processes beside one
another need no lock; a kill costs no more than the shard that was not yet written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from judge.errors import InputError
from judge.storage.atomic import remove_leftovers, replacing

Arrays = Mapping[str, NDArray[Any]]


class DamagedShard(UserWarning):
    """A file of a cache could not be read: what it held is computed again."""


def cache_root() -> Path:
    """Folder of all caches: $JUDGE_CACHE, else `judge` in the user's cache folder (~/.cache/judge on Linux).

    Rendered pictures are kept in `parametric` below it, generators of pools and the people that they drew in
    `generated`, features in `embeddings`, what robots measure in `robots`, structures of networks that were translated
    to ONNX in `translated`, and views for trainings in `views`, where a judge is told to keep them.
    """
    chosen = os.environ.get("JUDGE_CACHE")
    return Path(chosen).expanduser().absolute() if chosen else user_cache_path("judge", appauthor=False)


class Found:
    """What is known of n wanted keys: what a cache held, and what the caller fills in since.

    known    bool (n,)
    arrays   name → (n, …); rows of keys that are unknown, or known without this array, are zero
    records  n JSON values; None of keys that are unknown, or known without one
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.known = np.zeros(len(keys), dtype=bool)
        self.arrays: dict[str, NDArray[Any]] = {}
        self.records: list[Any] = [None] * len(keys)
        self._places: dict[str, list[int]] = {}
        for place, key in enumerate(keys):
            self._places.setdefault(key, []).append(place)

    @property
    def missing(self) -> list[int]:
        """Places of the unknown keys, in order; of a key that is wanted twice the first."""
        return [places[0] for places in self._places.values() if not self.known[places[0]]]

    def wants(self, keys: Sequence[str]) -> bool:
        """Whether one of the keys is wanted and not yet known."""
        return any(key in self._places and not self.known[self._places[key][0]] for key in keys)

    def fill(self, keys: Sequence[str], arrays: Arrays, records: Sequence[Any] | None = None) -> None:
        """Takes over what is new: rows of `arrays` (len(keys), …) and records; what is known stays as it is.

        Raises ValueError, and takes nothing, if an array has another shape or type than what is there under its name.
        """
        for name, array in arrays.items():
            there = self.arrays.get(name)
            if there is not None and (there.shape[1:], there.dtype) != (array.shape[1:], array.dtype):
                raise ValueError(
                    f"{name} is {array.dtype} of {array.shape[1:]}, not {there.dtype} of {there.shape[1:]}"
                )
        rows, places = [], []
        for row, key in enumerate(keys):
            for place in self._places.get(key, ()):
                if not self.known[place]:
                    rows.append(row)
                    places.append(place)
        for name, array in arrays.items():
            if name not in self.arrays:
                self.arrays[name] = np.zeros((len(self.known), *array.shape[1:]), array.dtype)
            self.arrays[name][places] = array[rows]
        for row, place in zip(rows, places, strict=True):
            self.records[place] = None if records is None else records[row]
        self.known[places] = True


class ContentCache:
    """Arrays and records by key, in a folder whose name tells all else that they depend on.

    Examples
    --------
    >>> import tempfile
    >>> cache = ContentCache(tempfile.mkdtemp())
    >>> cache.put(["a", "b"], {"features": np.array([[1.0, 2.0], [3.0, 4.0]])})
    >>> found = cache.get(["b", "c", "a"])
    >>> found.arrays["features"]
    array([[3., 4.],
           [0., 0.],
           [1., 2.]])
    >>> found.missing
    [1]
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def get(self, keys: Sequence[str]) -> Found:
        """What the cache holds of these keys, in their order.

        A shard that is damaged or half-written is named in a DamagedShard warning and removed: its keys are missing.
        """
        found = Found(keys)
        for file in sorted(self.folder.glob("*.safetensors")):
            if found.known.all():
                break
            try:
                self._read(file, found)
            except FileNotFoundError:
                continue  # removed since it was listed
            except OSError as error:
                warnings.warn(
                    f"{file} cannot be read ({error}): what it holds is computed again",
                    DamagedShard,
                    stacklevel=2,
                )
            except (SafetensorError, ValueError, KeyError, TypeError) as error:
                warnings.warn(
                    f"{file} is damaged ({error}) and is removed: what it held is computed again",
                    DamagedShard,
                    stacklevel=2,
                )
                with contextlib.suppress(OSError):  # somebody else's cache, which may only be read
                    file.unlink()
        return found

    def put(self, keys: Sequence[str], arrays: Arrays, records: Sequence[Any] | None = None) -> None:
        """Adds a shard; a kill leaves it whole or not there. No keys: nothing is written.

        arrays   name → (len(keys), …), of numbers or bool; {}: keys with records only
        records  a JSON value for each key
        Raises ValueError where lengths differ or an array holds no numbers, InputError where the folder cannot be
        written to.
        """
        wrong = {name: len(array) for name, array in arrays.items() if len(array) != len(keys)}
        if records is not None and len(records) != len(keys):
            wrong["records"] = len(records)
        if wrong:
            raise ValueError(f"{len(keys)} keys, but rows: {wrong}")
        if other := {
            name: str(array.dtype) for name, array in arrays.items() if array.dtype.kind not in "biuf"
        }:
            raise ValueError(f"only arrays of numbers can be cached, not {other}")
        if not len(keys):
            return
        facts = json.dumps({"keys": list(keys), "records": None if records is None else list(records)})
        own = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        name = hashlib.blake2b("\0".join(keys).encode(), digest_size=16).hexdigest()
        metadata = {"facts": facts, "checksum": _checksum(facts, own)}
        try:
            if self.folder.is_dir():
                remove_leftovers(self.folder)
            with replacing(self.folder / f"{name}.safetensors") as part:
                save_file(own, part, metadata=metadata)
        except OSError as error:
            raise InputError(
                f"the cache {self.folder} cannot be written to ({error.strerror or error}); "
                "the environment variable JUDGE_CACHE names another folder for all caches"
            ) from error

    def _read(self, file: Path, found: Found) -> None:
        with safe_open(file, framework="np") as shard:
            metadata = shard.metadata() or {}
            if not {"facts", "checksum"} <= metadata.keys():
                raise ValueError("its header says nothing of keys")
            facts = json.loads(metadata["facts"])
            if not found.wants(facts["keys"]):
                return
            arrays = {name: shard.get_tensor(name) for name in shard.keys()}  # noqa: SIM118
        # the header alone would not show a page of zeros, or of another file, in the middle
        if _checksum(metadata["facts"], arrays) != metadata["checksum"]:
            raise ValueError("its checksum is another")
        found.fill(facts["keys"], arrays, facts["records"])


def _checksum(facts: str, arrays: Arrays) -> str:
    """CRC-32 of names, types, shapes and content, three times as fast as a hash: against accidents, not malice."""
    value = 0
    for piece in _pieces(facts, arrays):
        value = zlib.crc32(piece, value)
    return f"{value:08x}"


def _pieces(facts: str, arrays: Arrays) -> Iterator[Any]:
    yield facts.encode()
    for name, array in sorted(arrays.items()):
        yield repr((name, array.dtype.name, array.shape)).encode()
        yield array.reshape(-1).view(np.uint8).data
