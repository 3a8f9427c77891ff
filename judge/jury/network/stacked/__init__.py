"""Many trainings of one structure as one: what they share is computed once, and their networks run side by side.

Trainings that differ in their pools, seeds and the scale of their ratings only can be stacked. The frozen stages are
one network for all of them: they read a picture once, not once a training (`Shelf`). What is trained can lie in one
network whose channels are those of K networks (`StackedNetwork`), with K times fewer and K times larger operations: for
a GPU, which a small network leaves idle. `train_stacked` is the loop; it leaves in each training's folder the very file
that `judge.jury.network.training.train` leaves there.
"""

from judge.jury.network.stacked.loop import side_by_side, train_stacked
from judge.jury.network.stacked.network import StackedNetwork
from judge.jury.network.stacked.plan import Planned, Shelf, refusal, together

__all__ = ["Planned", "Shelf", "StackedNetwork", "refusal", "side_by_side", "together", "train_stacked"]
