"""Synthetic pools of people under a privacy budget: `make_pool(method, manifest, release, noise=…)`.

Methods: SimPE (random rendered people, voted for by private ones), MeanEmbedding (a generator fitted to one noisy mean
of frozen features), DPGAN (a generator taught by a private discriminator).
"""

from judge.privacy.pools.dp_gan import DPGAN
from judge.privacy.pools.mean_embedding import MeanEmbedding
from judge.privacy.pools.pool import Made, Method, PrivatePool, Release, make_pool
from judge.privacy.pools.sim_pe import SimPE

__all__ = ["DPGAN", "Made", "MeanEmbedding", "Method", "PrivatePool", "Release", "SimPE", "make_pool"]
