"""Distributions of a group's winners under chance selection: around what chance expects, and far out in its tails."""

from judge.fairness.inference.distributions.far_tails import log_tail
from judge.fairness.inference.distributions.hypergeometric import (
    convolved,
    exact_distribution,
    hypergeometric_pmf,
)

__all__ = ["convolved", "exact_distribution", "hypergeometric_pmf", "log_tail"]
