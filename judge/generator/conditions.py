"""What a generator is asked for: labels of people as a row of numbers, and how they went together in its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.data.composition import allocate
from judge.errors import InputError, listed

#: What is read where a data set has it; `age_group` only where no age is known, `skin_tone` only where no angle is.
CONDITIONS = ("ethnicity", "gender", "age", "age_group", "ita", "skin_tone", "rating")
NUMBERS = ("age", "ita", "rating")
#: Knots at which a number's distribution is kept; the lowest and highest one per cent are single people and left out.
LEVELS = np.linspace(0.01, 0.99, 21)
#: A cell of fewer people has the numbers of a wider one (its first features alone, in the end everybody): its own
#: quantiles would be those people.
FEW = 30


def usual_conditions(manifest: pd.DataFrame) -> tuple[str, ...]:
    """The CONDITIONS that the manifest knows of somebody, each fact once."""
    known = [name for name in CONDITIONS if name in manifest and manifest[name].notna().any()]
    twice = {"age_group": "age", "skin_tone": "ita"}
    return tuple(name for name in known if twice.get(name) not in known)


@dataclass(frozen=True)
class Conditions:
    """Names of what may be asked, and the distribution of people in the training data.

    groups  name → its groups, in order
    scales  name of a number → (mean, standard deviation), of the training data
    cells   counts of people: ((group of each of `groups`), count)
    levels  name of a number → for each cell its quantiles at LEVELS
    """

    groups: Mapping[str, tuple[str, ...]]
    scales: Mapping[str, tuple[float, float]]
    cells: tuple[tuple[tuple[str, ...], int], ...]
    levels: Mapping[str, tuple[tuple[float, ...], ...]]

    @classmethod
    def of(cls, manifest: pd.DataFrame, names: Sequence[str] | None = None) -> Conditions:
        """Those of a training manifest; names None: `usual_conditions`, (): a generator that nothing is asked of.

        Raises InputError for a name that the manifest has no labels of, and a number that never varies.
        """
        names = usual_conditions(manifest) if names is None else tuple(names)
        if missing := [n for n in names if n not in manifest or manifest[n].isna().all()]:
            raise InputError(
                f"conditions: the data set has no labels {listed(missing)}; it has {listed(usual_conditions(manifest))}"
            )
        numbers = [n for n in names if n in NUMBERS or pd.api.types.is_float_dtype(manifest[n])]
        groups = {
            n: tuple(sorted(manifest[n].dropna().astype(str).unique())) for n in names if n not in numbers
        }
        scales = {n: (float(manifest[n].mean()), float(manifest[n].std())) for n in numbers}
        if flat := [n for n, (_, sd) in scales.items() if not sd > 0]:
            raise InputError(f"conditions: {listed(flat)} never varies in the training data; leave it out")
        if single := [n for n, g in groups.items() if len(g) < 2]:
            raise InputError(
                f"conditions: the training data have one group only of {listed(single)}; leave it out"
            )
        known = manifest.dropna(subset=list(groups)) if groups else manifest
        if known.empty:
            raise InputError(f"conditions: nobody in the training data has all labels {listed(groups)}")
        parts = (
            {tuple(map(str, key)): part for key, part in known.groupby(list(groups), sort=True)}
            if groups
            else {(): known}
        )
        levels = {
            n: tuple(_levels(known, manifest, list(groups), cell, n) for cell in parts) for n in numbers
        }
        return cls(groups, scales, tuple((cell, len(part)) for cell, part in parts.items()), levels)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.groups, *self.scales)

    @property
    def width(self) -> int:
        """Numbers in an encoded row: one for each group, and value and whether it is known for each number."""
        return sum(map(len, self.groups.values())) + 2 * len(self.scales)

    def encode(self, table: pd.DataFrame) -> NDArray[np.float32]:
        """(n, width): what is not known, or no column of the table, is zero. Raises InputError for an unknown group."""
        parts: list[NDArray[np.float32]] = []
        for name, groups in self.groups.items():
            values = (
                table[name].astype("str").where(table[name].notna())
                if name in table
                else pd.Series(index=table.index, dtype=object)
            )
            if other := sorted(set(values.dropna()) - set(groups)):
                raise InputError(
                    f"the generator knows {name} {listed(groups)}; it was asked for {listed(other)}"
                )
            parts.append((values.to_numpy()[:, None] == np.array(groups, dtype=object)).astype(np.float32))
        for name, (mean, sd) in self.scales.items():
            column = table[name].to_numpy(float) if name in table else np.full(len(table), np.nan)
            known = np.isfinite(column)
            scaled = np.where(known, (np.where(known, column, mean) - mean) / sd, 0.0)
            parts.append(np.stack([scaled, known], 1).astype(np.float32))
        return np.concatenate(parts, 1) if parts else np.zeros((len(table), 0), np.float32)

    def ask(
        self,
        n: int,
        *,
        rng: np.random.Generator,
        shares: Mapping[str, Mapping[str, float]] | None = None,
        ranges: Mapping[str, tuple[float, float]] | None = None,
    ) -> pd.DataFrame:
        """n rows of labels to generate people by, a column a condition.

        shares  feature → group → share; counts are as near as whole people allow, groups that are not named get
                nobody. What is not named goes as in the training data, among people of the asked groups
        ranges  number → (lowest, highest): uniform between the two. Others are as in the training data
        Raises InputError for features and groups that the generator does not know, and shares that do not sum to 1.
        """
        if n < 1:
            raise InputError(f"n={n}: at least one person has to be asked for")
        shares = {name: dict(wanted) for name, wanted in (shares or {}).items()}
        for name, wanted in shares.items():
            if name not in self.groups:
                raise InputError(f"shares of {name!r}: the generator was taught {listed(self.groups)}")
            if other := set(wanted) - set(self.groups[name]):
                raise InputError(
                    f"shares of {listed(sorted(other))}: {name} is one of {listed(self.groups[name])}"
                )
            if (
                any(not (np.isfinite(v) and v >= 0) for v in wanted.values())
                or abs(sum(wanted.values()) - 1) > 1e-6
            ):
                raise InputError(f"shares of {name} are at least 0 and sum to 1, not {wanted}")
        if other := set(ranges or {}) - set(self.scales):
            raise InputError(f"ranges of {listed(sorted(other))}: numbers are {listed(self.scales)}")
        places = [list(self.groups).index(name) for name in shares]
        weights = np.array([count for _, count in self.cells], float)
        key_of = [tuple(cell[p] for p in places) for cell, _ in self.cells]
        if places:  # product of what was asked; within it as in the training data
            asked: dict[tuple[str, ...], float] = {(): 1.0}
            for name in shares:
                asked = {
                    (*key, g): v * share for key, v in asked.items() for g, share in shares[name].items()
                }
            found = {key: sum(w for k, w in zip(key_of, weights, strict=True) if k == key) for key in asked}
            if gone := [key for key, share in asked.items() if share > 0 and not found[key]]:
                raise InputError(
                    f"the generator's training data had nobody of {listed(' and '.join(k) for k in gone)}"
                )
            weights = np.array(
                [
                    w / found[k] * asked.get(k, 0.0) if found.get(k) else 0.0
                    for k, w in zip(key_of, weights, strict=True)
                ]
            )
        # asked groups first, so that their counts are exact whatever goes along with them
        total = {key: sum(w for k, w in zip(key_of, weights, strict=True) if k == key) for key in key_of}
        of_key = {key: weight / weights.sum() for key, weight in total.items()}
        counts = [0] * len(weights)
        for key, k in zip(
            of_key, allocate(n, {str(i): s for i, s in enumerate(of_key.values())}).values(), strict=True
        ):
            inside = [i for i, other in enumerate(key_of) if other == key]
            if k:
                for i, m in allocate(k, {str(i): weights[i] / total[key] for i in inside}).items():
                    counts[int(i)] = m
        cell = rng.permutation(np.repeat(np.arange(len(weights)), counts))
        columns: dict[str, Any] = {
            name: [self.cells[c][0][place] for c in cell] for place, name in enumerate(self.groups)
        }
        for name in self.scales:
            at = rng.uniform(LEVELS[0], LEVELS[-1], n)
            if ranges and name in ranges:
                low, high = ranges[name]
                if not low <= high:
                    raise InputError(f"ranges of {name}: {low} is not at most {high}")
                least = min(row[0] for row in self.levels[name])
                most = max(row[-1] for row in self.levels[name])
                beyond = (most - least) / 4
                if low < least - beyond or high > most + beyond:
                    raise InputError(
                        f"ranges of {name}: the generator has seen {least:.4g} to {most:.4g}; it was asked for "
                        f"{low:.4g} to {high:.4g}"
                    )
                columns[name] = low + (high - low) * (at - LEVELS[0]) / (LEVELS[-1] - LEVELS[0])
            else:
                columns[name] = [
                    np.interp(u, LEVELS, self.levels[name][c]) for u, c in zip(at, cell, strict=True)
                ]
        return pd.DataFrame(columns, index=range(n))

    def to_facts(self) -> dict[str, Any]:
        """JSON-able, for a file's header."""
        return {
            "groups": {k: list(v) for k, v in self.groups.items()},
            "scales": {k: list(v) for k, v in self.scales.items()},
            "cells": [[list(cell), count] for cell, count in self.cells],
            "levels": {k: [[round(x, 4) for x in row] for row in v] for k, v in self.levels.items()},
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Conditions:
        """What `to_facts` said. Raises InputError for anything else."""
        try:
            made = cls(
                {str(k): tuple(map(str, v)) for k, v in facts["groups"].items()},
                {str(k): (float(v[0]), float(v[1])) for k, v in facts["scales"].items()},
                tuple((tuple(map(str, cell)), int(count)) for cell, count in facts["cells"]),
                {str(k): tuple(tuple(map(float, row)) for row in v) for k, v in facts["levels"].items()},
            )
            fits = (
                all(len(cell) == len(made.groups) for cell, _ in made.cells)
                and set(made.levels) == set(made.scales)
                and all(len(rows) == len(made.cells) for rows in made.levels.values())
                and all(len(row) == len(LEVELS) for rows in made.levels.values() for row in rows)
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise InputError(f"what the generator may be asked for is damaged: {error!r}") from error
        if not fits or not made.cells:
            raise InputError("what the generator may be asked for is damaged: its tables do not fit together")
        return made


def _levels(
    known: pd.DataFrame, everybody: pd.DataFrame, features: list[str], cell: tuple[str, ...], name: str
) -> tuple[float, ...]:
    """Quantiles of a number in the cell, or in the narrowest wider one that has FEW people."""
    values = everybody[name].dropna()
    for width in range(len(cell), 0, -1):
        inside = np.ones(len(known), dtype=bool)
        for feature, group in zip(features[:width], cell[:width], strict=True):
            inside &= known[feature].astype(str).to_numpy() == group
        if known.loc[inside, name].count() >= FEW:
            values = known.loc[inside, name].dropna()
            break
    return tuple(float(v) for v in np.quantile(values, LEVELS))
