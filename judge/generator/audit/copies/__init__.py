"""Memorised faces: which of a generator's people are copies of those that it has learnt from."""

from judge.generator.audit.copies.finding import Copies, find_copies, nearness
from judge.generator.audit.copies.guard import Guard, too_near
from judge.generator.audit.copies.space import CopySpace

__all__ = ["Copies", "CopySpace", "Guard", "find_copies", "nearness", "too_near"]
