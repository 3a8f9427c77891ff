"""Methods that change what becomes of the scores: after training, before the places are filled.

A method is fitted on people who neither trained the judge nor enter (`fit(scores, people, *, feature)`) and then
called on the entrants as `method(scores, people, *, feature, brackets, places) -> scores`: it knows brackets and
places.
"""

from judge.mitigation.scores.standardise import StandardiseWithin

__all__ = ["StandardiseWithin"]
