"""The robots: each measures one thing on aligned faces and gives a score, higher is better.

`protocol` says what a robot is and holds the one pass over the pictures that serves all of them; `measurements` caches
what that pass measured. A robot has a file of its own, a yaml in conf/robot and one name everywhere; which reference it
learns from it declares itself, so that another robot needs a class and a yaml and nothing else. `reference` draws the
models that entrants are compared with. Networks are loaded when a picture is measured, not on import.
"""

from judge.jury.robots.age import Age
from judge.jury.robots.measurements import cached_measurements
from judge.jury.robots.pigment import Pigment
from judge.jury.robots.protocol import (
    REFERENCES,
    Judging,
    Measurements,
    Robot,
    check_reference,
    fit,
    judge,
    measure,
    scores,
)
from judge.jury.robots.reference import ReferenceSet
from judge.jury.robots.resemblance import Resemblance
from judge.jury.robots.symmetry import Symmetry
from judge.jury.robots.wrinkles import Wrinkles

__all__ = [
    "REFERENCES",
    "Age",
    "Judging",
    "Measurements",
    "Pigment",
    "ReferenceSet",
    "Resemblance",
    "Robot",
    "Symmetry",
    "Wrinkles",
    "cached_measurements",
    "check_reference",
    "fit",
    "judge",
    "measure",
    "scores",
]
