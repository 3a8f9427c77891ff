"""Synthetic pools of people under a privacy budget: `make_pool(method, manifest, release, noise=…)`.

Methods: SimPE (random rendered people, voted for by private ones), MeanEmbedding (a generator fitted to one noisy mean
of frozen features), DPGAN (a generator taught by a private discriminator).
"""

from collections.abc import Mapping
from typing import Any

from judge.errors import InputError, listed
from judge.privacy.pools.dp_gan import DPGAN
from judge.privacy.pools.mean_embedding import MeanEmbedding
from judge.privacy.pools.pool import Made, Method, PrivatePool, Release, asked_people, make_pool
from judge.privacy.pools.sim_pe import SimPE

#: By the names of their files in conf/private.
METHODS: dict[str, Any] = {kind.name: kind for kind in (SimPE, MeanEmbedding, DPGAN)}

__all__ = [
    "DPGAN",
    "METHODS",
    "Made",
    "MeanEmbedding",
    "Method",
    "PrivatePool",
    "Release",
    "SimPE",
    "asked_people",
    "make_pool",
    "method_named",
]


def method_named(name: str, settings: Mapping[str, Any] | None = None) -> Method:
    """A method with its settings. Raises InputError for another name or setting."""
    if name not in METHODS:
        raise InputError(f"method={name!r}: one of {listed(METHODS)}")
    try:
        return METHODS[name](**(settings or {}))
    except TypeError as error:
        raise InputError(f"{name}: {error}") from error
