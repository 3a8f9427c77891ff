"""Methods that change what a judge is trained on: another pool, or other weights, of the same people's pictures.

A method is a frozen dataclass of its settings, called as `method(pool, source, *, feature, rng) -> pool` before
training. All pools of a run are brought to one n afterwards (judge.data.composition.equal_n), so a method never mends
sizes itself.
"""

from judge.mitigation.pools.redraw import Redraw, Unchanged
from judge.mitigation.pools.resample import ResampleDown, ResampleUp
from judge.mitigation.pools.reweight import ReweighLabels, Reweight

__all__ = ["Redraw", "ResampleDown", "ResampleUp", "ReweighLabels", "Reweight", "Unchanged"]
