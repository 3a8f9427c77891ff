"""Transects: faces that differ in one attribute, what else changes along, and what that does to an effect on scores.

Balakrishnan et al. (2020, arXiv:2007.06570) measure bias with faces that a generator changes in one attribute at a
time. `attributes` says what can be changed, `directions` finds the latent's directions, `drawing` makes the pictures
(by the generator, or by the renderer, which changes one cause and nothing else), `leakage` measures what moves along,
and `effects` how far a judge's response to generated transects is from its response to the renderer's.
"""

from judge.generator.transects.attributes import ATTRIBUTES, USUAL, Attribute, attributes_named
from judge.generator.transects.directions import Directions, fit_directions
from judge.generator.transects.drawing import (
    Rendering,
    Transect,
    condition_transect,
    latent_transect,
    rendered_transect,
)
from judge.generator.transects.effects import compare_effects, picture_scores, study_scores
from judge.generator.transects.leakage import Study, leakage, read_study, read_transect
from judge.generator.transects.study import TransectStudy, make_study

__all__ = [
    "ATTRIBUTES",
    "USUAL",
    "Attribute",
    "Directions",
    "Rendering",
    "Study",
    "Transect",
    "TransectStudy",
    "attributes_named",
    "compare_effects",
    "condition_transect",
    "fit_directions",
    "latent_transect",
    "leakage",
    "make_study",
    "picture_scores",
    "read_study",
    "read_transect",
    "rendered_transect",
    "study_scores",
]
