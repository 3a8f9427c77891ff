"""Memorised faces: which of a generator's people are copies of those that it has learnt from."""

from judge.generator.audit.copies.authenticity import (
    DataCopying,
    authentic_share,
    closeness_to_training,
    data_copying,
)
from judge.generator.audit.copies.finding import Copies, find_copies, nearness, threshold_at
from judge.generator.audit.copies.guard import Guard, too_near
from judge.generator.audit.copies.planting import Planted, plant_copies, plant_people
from judge.generator.audit.copies.space import CopySpace

__all__ = [
    "Copies",
    "CopySpace",
    "DataCopying",
    "Guard",
    "Planted",
    "authentic_share",
    "closeness_to_training",
    "data_copying",
    "find_copies",
    "nearness",
    "plant_copies",
    "plant_people",
    "threshold_at",
    "too_near",
]
