"""Resemblance to models of the entrant's own demographic group (MADIS of 2016).

Two parts on embeddings that were whitened on the reference set. Likeness to the average: how near the face is to the
mean of the group's reference people. Likeness in distinctive traits: how alike what sets it apart from that mean is
to what sets single reference people of the group apart. The reference set is data with a composition of
its own: a group with few people in it has a mean that is mostly everybody's, and few to resemble. Higher is better.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.jury.faces.alignment import Portraits
from judge.jury.robots.features import Features
from judge.jury.robots.protocol import Judging
from judge.jury.scaling import shrunk_scale

FOLDS = 5
UNKNOWN_GROUP = ("missing", "everybody")


@dataclass(frozen=True)
class Resemblance(Judging):
    """How much a face resembles the models of its own demographic group.

    groups      columns whose combinations are the demographic groups
    average     weight of likeness to the group's average; the rest goes to distinctive traits; 0–1
    dimensions  of the whitened space
    neighbours  reference people who count as alike in distinctive traits
    shrink      a group's average is drawn towards everybody's as if by so many people
    unknown     an entrant whose group the reference lacks: `missing` (no score) or compared with `everybody`
    """

    learns_from: ClassVar[str] = "reference"
    missing_because: ClassVar[str] = "nobody of this demographic group in the reference set"

    groups: Sequence[str] = ("ethnicity", "gender")
    average: float = 0.5
    dimensions: int = 48
    neighbours: int = 5
    shrink: float = 3.0
    unknown: str = "missing"
    features: Features = field(default_factory=Features)
    name: str = "resemblance"
    fitted: Mapping[str, NDArray] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.unknown not in UNKNOWN_GROUP:
            raise InputError(f"{self.name}: unknown is one of {UNKNOWN_GROUP}; given {self.unknown!r}")
        if not 0 <= self.average <= 1:
            raise InputError(f"{self.name}: average is a weight from 0 to 1; given {self.average}")

    def measure(self, portraits: Portraits) -> NDArray[np.float32]:
        """Embeddings (n, d)."""
        return self.features(portraits)

    def fit(self, measurements: NDArray, rows: pd.DataFrame) -> Resemblance:
        """Learns the reference people: their whitened embeddings, their groups' averages, and how alike they are.

        How alike is measured out of fold, on people who had no part in the whitening and the averages: those who had
        are nearer to both than any entrant will ever be. Raises InputError with fewer than 8 faces, or where nobody
        has a value in `groups`.
        """
        # some seconds that processes which only measure do not spend
        from sklearn.model_selection import KFold

        x = np.asarray(measurements, np.float64)
        if len(x) < 8:
            raise InputError(f"{self.name}: a reference set of at least 8 faces is needed; given {len(x)}")
        names = self.groups_of(rows)
        if all(name is None for name in names):
            raise InputError(f"{self.name}: no reference person has a value in {listed(self.groups)}")
        parts = np.full((len(x), 2), np.nan)
        for rest, held_out in KFold(min(FOLDS, len(x)), shuffle=True, random_state=0).split(x):
            robot = self.with_fitted(self._reference(x[rest], [names[i] for i in rest]))
            white = robot._white(x[held_out], robot.known())
            parts[held_out] = robot._parts(white, [names[i] for i in held_out])
        known = self._reference(x, names)
        with np.errstate(invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a column without a number
            known["part_mean"] = np.nan_to_num(np.nanmean(parts, 0))
            known["part_sd"] = np.nan_to_num(np.nanstd(parts, 0)) + 1e-6
        return self.with_fitted(known)

    def _reference(self, x: NDArray, names: list[str | None]) -> dict[str, NDArray]:
        centre = x.mean(0)
        scale = shrunk_scale(x)
        _, values, vectors = np.linalg.svd((x - centre) / scale, full_matrices=False)
        keep = min(self.dimensions, len(x) - 1, int((values > 1e-6 * values[0]).sum()))
        # the small eigenvalues of a small reference set are noise: all are raised by their mean (ridge)
        variance = values**2 / (len(x) - 1)
        project = vectors[:keep].T / np.sqrt(variance[:keep] + variance[:keep].mean() * 0.1)
        known = {"centre": centre, "scale": scale, "project": project}
        z = self._white(x, known)
        known["everybody"] = z.mean(0)
        for name in sorted({n for n in names if n is not None}):
            members = z[[n == name for n in names]]
            mean = (members.sum(0) + self.shrink * known["everybody"]) / (len(members) + self.shrink)
            known[f"mean/{name}"], known[f"people/{name}"] = mean, members
        known["people/everybody"] = z
        return known

    def score(self, measurements: NDArray, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Weighted mean of the two parts (n,), each in standard deviations of the reference people's own likeness."""
        z = (self.parts(measurements, rows) - self.known()["part_mean"]) / self.known()["part_sd"]
        return z @ np.array([self.average, 1 - self.average])

    def parts(self, measurements: NDArray, rows: pd.DataFrame) -> NDArray[np.float64]:
        """The two parts (n, 2): likeness to the average, and likeness in distinctive traits.

        Minus the root mean square distance in the whitened space; mean cosine (−1 to 1) to the nearest models.
        """
        white = self._white(np.asarray(measurements, np.float64), self.known())
        return self._parts(white, self.groups_of(rows))

    def _parts(self, z: NDArray, names: list[str | None]) -> NDArray[np.float64]:
        known = self.known()
        out = np.full((len(z), 2), np.nan)
        for name in {*names}:
            at = np.array([n == name for n in names])
            key = name if name is not None and f"mean/{name}" in known else "everybody"
            if key == "everybody" and self.unknown == "missing":
                continue
            mean = known["everybody"] if key == "everybody" else known[f"mean/{key}"]
            people = known[f"people/{key}"]
            here = z[at] - mean
            out[at, 0] = -np.sqrt((here**2).mean(1))
            alike = _unit(here) @ _unit(people - mean).T
            out[at, 1] = np.sort(alike, axis=1)[:, ::-1][:, : self.neighbours].mean(1)
        return out

    def _white(self, x: NDArray, known: Mapping[str, NDArray]) -> NDArray[np.float64]:
        return ((x - known["centre"]) / known["scale"]) @ known["project"]

    def warnings(self, reference: pd.DataFrame, entrants: pd.DataFrame) -> list[str]:
        """Names the entrants' groups of which nobody is in the reference, and what becomes of their scores."""
        absent = set(self.groups_of(entrants)) - {None, *self.groups_of(reference)}
        if not absent:
            return []
        return [f"{self.name}: nobody of {listed(sorted(absent))} in the reference set, {self.unknown}"]

    def groups_of(self, rows: pd.DataFrame) -> list[str | None]:
        """Each row's demographic group, None where a value is missing."""
        columns = [c for c in self.groups if c in rows]
        if not columns:
            return [None] * len(rows)
        table = rows[columns].astype(object)
        known = table.notna().all(axis=1)
        return [
            " ".join(map(str, values)) if ok else None
            for values, ok in zip(table.to_numpy(), known, strict=True)
        ]


def _unit(x: NDArray) -> NDArray[np.float64]:
    return x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-12)
