"""How sure one may be: exact tests, intervals, resampling and power, and the dialect in which all of them are asked.

Tests on winners keep the entrants and winners of each bracket fixed and ask what chance selection would do; intervals
survive zero counts; randomisation tests enumerate where they can. Every function takes its confidence as a fraction
(`confidence=0.95`), its numbers of draws as `n_resamples` (bootstrap) and `n_permutations` (randomisation tests), and
its randomness as `rng`, a seed or a generator; `Inference` holds them together. A single interval comes as `Interval`
(value, low, high), many at once as `Bounds` (low, high).
"""

from judge.fairness.inference.exact_tests import (
    expected_winners,
    holm,
    permutation,
    permutation_test,
    stratified_exact,
    stratified_test,
)
from judge.fairness.inference.intervals import (
    clopper_pearson,
    katz_ratio,
    koopman_ratio,
    miettinen_nurminen_difference,
    wilson,
)
from judge.fairness.inference.multinomial import multinomial_exact
from judge.fairness.inference.power import (
    binomial_power,
    contest_power,
    contest_winners_needed,
    detectable_ratio,
    share_of_winners,
    smallest_detectable_ratio,
    smallest_significant_share,
    stratified_power,
    winners_needed,
)
from judge.fairness.inference.randomisation import bootstrap_t, sign_flip, t_interval, tail_of_sum
from judge.fairness.inference.settings import Bounds, Inference, Interval
from judge.fairness.inference.wallenius import wallenius_odds

__all__ = [
    "Bounds",
    "Inference",
    "Interval",
    "binomial_power",
    "bootstrap_t",
    "clopper_pearson",
    "contest_power",
    "contest_winners_needed",
    "detectable_ratio",
    "expected_winners",
    "holm",
    "katz_ratio",
    "koopman_ratio",
    "miettinen_nurminen_difference",
    "multinomial_exact",
    "permutation",
    "permutation_test",
    "share_of_winners",
    "sign_flip",
    "smallest_detectable_ratio",
    "smallest_significant_share",
    "stratified_exact",
    "stratified_power",
    "stratified_test",
    "t_interval",
    "tail_of_sum",
    "wallenius_odds",
    "wilson",
    "winners_needed",
]
