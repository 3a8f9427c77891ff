"""Methods that change what becomes of the scores: after training, before the places are filled.

A method is fitted on people who neither trained the judge nor enter (`fit(scores, people, *, feature)`, with
people["rating"] where it is known) and then called on the entrants as `method(scores, people, *, feature, brackets,
places) -> scores`: it knows brackets and places. `check(people, entrants, *, feature)` refuses before anything is
trained.
"""

from judge.mitigation.scores.calibrate import CalibrateWithin
from judge.mitigation.scores.quantiles import QuantileMatch
from judge.mitigation.scores.standardise import StandardiseWithin
from judge.mitigation.scores.thresholds import GroupThresholds

__all__ = ["CalibrateWithin", "GroupThresholds", "QuantileMatch", "StandardiseWithin"]
