"""Faces as the gate and every robot see them: found, turned upright, put into one frame.

`detector` finds faces and five landmarks, `alignment` reads pictures into aligned portraits and measures what a gate
asks, `regions` is the frame: its zones, its skin mask and its light. Networks are loaded when a picture is read, not on
import.
"""

from judge.jury.faces.alignment import MEASURES, Batch, PortraitReader, Portraits
from judge.jury.faces.detector import RetinaFace

__all__ = ["MEASURES", "Batch", "PortraitReader", "Portraits", "RetinaFace"]
