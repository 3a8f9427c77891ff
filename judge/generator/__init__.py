"""Faces of people who do not exist, by a network of chosen demographics, and what its diversity is worth.

`conditions` says what may be asked for, `networks`, `settings` and `training` make a generator, `model` holds one and
draws people with it. `load_generator("packaged")` is one of rendered people that comes with judge.
"""

from judge.generator.conditions import Conditions
from judge.generator.model import FaceGenerator, load_generator
from judge.generator.settings import GeneratorTraining
from judge.generator.training import train_generator

__all__ = ["Conditions", "FaceGenerator", "GeneratorTraining", "load_generator", "train_generator"]
