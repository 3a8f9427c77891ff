"""Counter-based random numbers: the i-th person's draw depends on (seed, name of the draw, i) and nothing else.

So a person is the same however many others are made, in whatever order and in whichever process, and a new
parameter never moves an old one. Philox (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3")
with the key (seed, hash of the name) and the person's number as position in the stream.
"""

from __future__ import annotations

import hashlib

import numpy as np

from judge.errors import InputError


def key_of(seed: int, name: str) -> np.ndarray:
    """The 128-bit Philox key of one named stream, as two uint64."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise InputError(f"seed is a whole number from 0 to 2^63 − 1, not {seed!r}")
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return np.array([int(seed), int.from_bytes(digest, "little")], dtype=np.uint64)


def uniforms(seed: int, name: str, n: int, start: int = 0, width: int = 1) -> np.ndarray:
    """Draws in the open interval (0, 1) for the persons start … start + n − 1.

    Shape (n,), or (n, width) where each person has `width` draws of this name.
    """
    philox = np.random.Philox(key=key_of(seed, name))
    first = start * width
    philox.advance(first // 4)  # one Philox block is four 64-bit numbers
    skipped = first % 4
    values = np.random.Generator(philox).random(skipped + n * width)[skipped:]
    values = np.clip(values, 2.0**-53, 1 - 2.0**-53)
    return values if width == 1 else values.reshape(n, width)
