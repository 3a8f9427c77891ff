"""Synthetic pools of people under a privacy budget: `make_pool(method, manifest, release, noise=…)`.

Methods: SimPE (random rendered people, voted for by private ones).
"""

from judge.privacy.pools.pool import Made, Method, PrivatePool, Release, make_pool
from judge.privacy.pools.sim_pe import SimPE

__all__ = ["Made", "Method", "PrivatePool", "Release", "SimPE", "make_pool"]
