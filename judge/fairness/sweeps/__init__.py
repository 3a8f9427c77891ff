"""Many training runs: how an outcome moves with the training share, what causes it, which setting a result speaks for.

The training run is the unit of replication, the seed the replicate. `dose_response` gives slopes, tests, the share at
which a threshold is crossed and the differences of conditions from a baseline, `means_over_seeds` a mean with its
interval; `with_people`, `means_with_people` and `bootstrap_seeds_people` count the entrants as a sample, too;
`shapley_effects` and `two_by_two` split a change between factors; `grid_posterior` and `abc` ask which settings make a
published result likely, `under_priors` how much of the answer is the prior's; `compare_cures` says what cures do to who
wins and what they cost. All but `grid_posterior` give tidy
tables.
"""

from judge.fairness.sweeps.contestants import means_with_people, with_people
from judge.fairness.sweeps.crossed import crossed_interval
from judge.fairness.sweeps.cures import compare_cures, fieller, selected
from judge.fairness.sweeps.dose import dose_response
from judge.fairness.sweeps.dose_people import bootstrap_seeds_people
from judge.fairness.sweeps.factorial import shapley_effects, two_by_two
from judge.fairness.sweeps.inverse import GridPosterior, grid_posterior
from judge.fairness.sweeps.mixed_models import mixed_slope
from judge.fairness.sweeps.over_seeds import mean_interval, means_over_seeds
from judge.fairness.sweeps.priors import independent_prior, under_priors
from judge.fairness.sweeps.rejection import abc

__all__ = [
    "GridPosterior",
    "abc",
    "bootstrap_seeds_people",
    "compare_cures",
    "crossed_interval",
    "dose_response",
    "fieller",
    "grid_posterior",
    "independent_prior",
    "mean_interval",
    "means_over_seeds",
    "means_with_people",
    "mixed_slope",
    "selected",
    "shapley_effects",
    "two_by_two",
    "under_priors",
    "with_people",
]
