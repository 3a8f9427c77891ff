"""Methods that change who gets the places, given the scores.

A method is a frozen dataclass of its settings, called as `method(scores, people, *, merit, feature, brackets, places,
rng) -> ranks` once the scores are final; `check(entrants, *, feature)` may refuse before anything is trained. Groups
are read from `people[feature]`; who has none is refused. `order` goes through the brackets for all of them.
"""

from judge.mitigation.ranking.constrained_sort import ConstrainedSort
from judge.mitigation.ranking.exposure import ExposureConstrained
from judge.mitigation.ranking.fair_top_k import FairTopK
from judge.mitigation.ranking.quota import Quotas

__all__ = ["ConstrainedSort", "ExposureConstrained", "FairTopK", "Quotas"]
