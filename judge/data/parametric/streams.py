"""One independent random stream a feature of a person, so that moving one control never moves another feature."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np


def stream(person: Mapping, feature: str) -> np.random.Generator:
    """A Philox generator keyed by the person's `stream` and the feature's name (128-bit key, counter 0)."""
    key = (int(person.get("stream", 0)) << 64) | zlib.crc32(feature.encode())
    return np.random.Generator(np.random.Philox(key=key))
