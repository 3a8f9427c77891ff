"""What so few winners can show: power, the smallest ratio that would be seen, and the winners needed.

`contest` is about the test that an audit reports, two-sided and within brackets, in terms of selection-rate ratios;
`stratified` has its power at given odds; `binomial` is for contests of which only shares are known.
"""

from judge.fairness.inference.power.binomial import (
    binomial_power,
    share_of_winners,
    smallest_detectable_ratio,
    smallest_significant_share,
    winners_needed,
)
from judge.fairness.inference.power.contest import contest_power, contest_winners_needed, detectable_ratio
from judge.fairness.inference.power.stratified import stratified_power

__all__ = [
    "binomial_power",
    "contest_power",
    "contest_winners_needed",
    "detectable_ratio",
    "share_of_winners",
    "smallest_detectable_ratio",
    "smallest_significant_share",
    "stratified_power",
    "winners_needed",
]
