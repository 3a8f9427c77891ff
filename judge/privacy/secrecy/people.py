"""People as Alice sees them, with group and score: drawn anew from a law, or from a table again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from judge.errors import InputError


class People(NamedTuple):
    """seen (n, F) what Alice sees, group (n,) codes from 0, score (n,) D."""

    seen: Tensor
    group: Tensor
    score: Tensor

    def rows(self, index: Tensor) -> People:
        return People(self.seen[index], self.group[index], self.score[index])


class Source(Protocol):
    """Where people come from: names and shares of the groups, numbers that Alice sees of each, and a draw of n."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def shares(self) -> tuple[float, ...]: ...
    @property
    def width(self) -> int: ...
    def draw(self, n: int, rng: torch.Generator) -> People: ...


@dataclass(frozen=True)
class KnownPeople:
    """A table of people as a source: each draw is with repeats. Raises InputError for a group of nobody."""

    people: People
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        counts = torch.bincount(self.people.group, minlength=len(self.names))
        if len(counts) != len(self.names) or not counts.all():
            raise InputError(
                f"each of the groups {', '.join(self.names)} needs somebody; counts {counts.tolist()}"
            )

    @property
    def shares(self) -> tuple[float, ...]:
        counts = torch.bincount(self.people.group, minlength=len(self.names))
        return tuple((counts / counts.sum()).tolist())

    @property
    def width(self) -> int:
        return self.people.seen.shape[1]

    def draw(self, n: int, rng: torch.Generator) -> People:
        return self.people.rows(torch.randint(len(self.people.group), (n,), generator=rng))
