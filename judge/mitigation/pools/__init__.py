"""Methods that change what a judge is trained on: another pool, or other weights, of the same people's pictures.

A method is a frozen dataclass of its settings, called as `method(pool, source, *, feature, rng) -> pool` before
training. All pools of a run are brought to one n afterwards (judge.data.composition.equal_n), so a method never mends
sizes itself, unless it keeps a size of its own (`own_size`). One that has `reads_ratings` is given single `ratings`,
and one that `reads_pictures` finds the pool's pictures drawn and is given `facts` of the data set.
"""

from judge.mitigation.pools.correct import CorrectRatings
from judge.mitigation.pools.private import Private
from judge.mitigation.pools.rater_model import RaterModel, rater_model
from judge.mitigation.pools.redraw import Redraw, Unchanged
from judge.mitigation.pools.resample import ResampleDown, ResampleUp
from judge.mitigation.pools.reweight import ReweighLabels, Reweight
from judge.mitigation.pools.subsample import SubsampleGroups
from judge.mitigation.pools.synthetic import Synthetic

__all__ = [
    "CorrectRatings",
    "Private",
    "RaterModel",
    "Redraw",
    "ResampleDown",
    "ResampleUp",
    "ReweighLabels",
    "Reweight",
    "SubsampleGroups",
    "Synthetic",
    "Unchanged",
    "rater_model",
]
