"""Telling generated faces from others, and whom such a detector falsely accuses.

`encoding` brings both kinds of pictures through the same files, `people` says who is learnt from and who is tested,
`spectrum`, `probe` and `small_cnn` are the detectors, `trial` lets them find pictures and `rates` counts by group.
"""

from judge.generator.detection.base import Detector, load_detector
from judge.generator.detection.encoding import PERTURBATIONS, Encoding
from judge.generator.detection.probe import ProbeDetector
from judge.generator.detection.small_cnn import CnnDetector
from judge.generator.detection.spectrum import SpectrumDetector
from judge.generator.detection.trial import Trial, TrialSettings, try_detectors

#: The detectors by name, with their usual settings.
DETECTORS = {"spectrum": SpectrumDetector, "lite0_probe": ProbeDetector, "small_cnn": CnnDetector}

__all__ = [
    "DETECTORS",
    "PERTURBATIONS",
    "CnnDetector",
    "Detector",
    "Encoding",
    "ProbeDetector",
    "SpectrumDetector",
    "Trial",
    "TrialSettings",
    "load_detector",
    "try_detectors",
]
