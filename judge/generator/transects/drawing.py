"""The pictures of a transect: the same people, one attribute at several levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from judge.data.parametric.cache import picture_paths, render_missing
from judge.data.parametric.people.population import RENDERED, sample
from judge.errors import InputError, listed
from judge.generator.transects.attributes import Attribute, Origin
from judge.generator.transects.directions import Directions, Faces, along
from judge.jury.network.pictures import load_pictures

#: Levels of a number, in standard deviations about its mean; and of an attribute that is one of two groups.
STEPS = (-1.5, -0.75, 0.0, 0.75, 1.5)
GROUPS = (0.0, 1.0)
#: Persons by whom the mean and the standard deviation of an attribute are measured (nothing of them is rendered).
POPULATION = 4000
SPACES = ("condition", "latent", "orthogonal latent", "renderer")


@dataclass(frozen=True)
class Transect:
    """The same n people at k levels of one attribute.

    attribute  its name
    space      one of SPACES: what was changed
    steps      (k,) levels: standard deviations (of the training data, the latent, or rendered people), or 0 and 1
    people     n rows: what was asked of the generator before anything was changed, or the renderer's persons
    pictures   uint8 (n, k, 3, S, S)
    values     (n, k) exact values of the attribute in standard deviations of rendered people; None: of a generator
    """

    attribute: str
    space: str
    steps: NDArray[np.float64]
    people: pd.DataFrame
    pictures: Tensor
    values: NDArray[np.float64] | None = None

    @property
    def flat(self) -> Tensor:
        """(n · k, 3, S, S), the levels of a person together."""
        return self.pictures.flatten(0, 1)

    def slopes(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n · k, …) numbers of `flat` → (n, …): least-squares change a step of each person."""
        table = np.asarray(values, float).reshape(len(self.people), len(self.steps), *np.shape(values)[1:])
        centred = self.steps - self.steps.mean()
        slopes: NDArray[np.float64] = np.tensordot(table, centred / (centred**2).sum(), axes=(1, 0))
        return slopes


def checked_steps(steps: Sequence[float]) -> NDArray[np.float64]:
    """Two or more different levels, rising. Raises InputError."""
    found = np.asarray(steps, float)
    if found.ndim != 1 or len(found) < 2 or not np.isfinite(found).all() or (np.diff(found) <= 0).any():
        raise InputError(f"steps={list(steps)}: at least two levels are needed, each above the one before")
    return found


def can_be_asked(generator: Faces, attribute: Attribute) -> bool:
    """Whether the generator has the attribute among what may be asked for."""
    conditions = generator.conditions
    if attribute.group is None:
        return attribute.condition in conditions.scales
    return attribute.group in conditions.groups.get(attribute.condition, ())


def condition_transect(
    generator: Faces,
    attribute: Attribute,
    *,
    n: int = 100,
    steps: Sequence[float] = STEPS,
    seed: int = 0,
    psi: float = 1.0,
) -> Transect:
    """One condition changed, latents and all other conditions kept.

    A number is asked at its mean plus each step of its standard deviation in the training data, no further than their
    outermost per cent; a group is asked for (step 1) against the other ones in turn (step 0).
    Raises InputError where the generator cannot be asked for it.
    """
    if not can_be_asked(generator, attribute):
        raise InputError(
            f"{attribute.name}: the generator cannot be asked for {attribute.group or attribute.condition or 'it'}; it "
            f"was taught {listed(generator.conditions.names)}"
        )
    name = str(attribute.condition)
    people, z = base(generator, n, seed)
    parts: list[pd.DataFrame] = []
    if attribute.group is None:
        levels = checked_steps(steps)
        mean, sd = generator.conditions.scales[name]
        known = np.asarray(generator.conditions.levels[name], float)
        for level in levels:
            parts.append(people.assign(**{name: float(np.clip(mean + level * sd, known.min(), known.max()))}))
    else:
        levels = np.array(GROUPS)
        others = [g for g in generator.conditions.groups[name] if g != attribute.group]
        turn = np.array(others, dtype=object)[np.arange(n) % len(others)]
        own = people[name].to_numpy(object)
        parts = [
            people.assign(**{name: np.where(own == attribute.group, turn, own)}),
            people.assign(**{name: attribute.group}),
        ]
    pictures = torch.stack([generator.draw(part, latents=z, psi=psi) for part in parts], 1)
    return Transect(attribute.name, "condition", levels, people, pictures)


def latent_transect(
    generator: Faces,
    attribute: Attribute,
    directions: Directions,
    *,
    orthogonal: bool = True,
    n: int = 100,
    steps: Sequence[float] = STEPS,
    seed: int = 0,
    psi: float = 1.0,
) -> Transect:
    """The latent's component along the attribute's direction set to each step, conditions and all else kept.

    orthogonal  False: along the raw direction, which takes correlated attributes along
    """
    levels = checked_steps(steps)
    direction = directions.of(attribute.name, orthogonal=orthogonal)
    people, z = base(generator, n, seed)
    drawn = [generator.draw(people, latents=along(z, direction, float(s)), psi=psi) for s in levels]
    space = "orthogonal latent" if orthogonal else "latent"
    return Transect(attribute.name, space, levels, people, torch.stack(drawn, 1))


def base(generator: Faces, n: int, seed: int) -> tuple[pd.DataFrame, Tensor]:
    """What is asked for, and the latents, of the n people whom all transects of a seed start from."""
    if n < 2:
        raise InputError(f"n={n}: at least 2 people are needed to know how they differ")
    # not the seed's own rows: directions of the same seed were fitted on these
    return generator.conditions.ask(n, rng=np.random.default_rng([seed, 1])), generator.latents(
        n, seed, start=1_000_000
    )


@dataclass(frozen=True)
class Rendering:
    """Persons whom the renderer draws again with one attribute changed: the exact counterfactual.

    n, seed, mode, camera  as of read_parametric; another seed than that of a generator's or a judge's people
    size                   px, that of the generator
    cache_dir              folder of the pictures; None: the usual one
    workers                processes; None: all cores
    """

    n: int = 60
    seed: int = 3_000_000
    size: int = 64
    mode: str = "natural"
    camera: str | Mapping = "even"
    cache_dir: str | Path | None = None
    workers: int | None = None
    progress: bool = False

    def __post_init__(self) -> None:
        if self.n < 2:
            raise InputError(f"{self.n} rendered persons: at least 2 are needed to know how they differ")

    @cached_property
    def people(self) -> pd.DataFrame:
        """n rows as of population.sample."""
        return sample(self.n, seed=self.seed, mode=self.mode, camera=self.camera)

    @cached_property
    def _population(self) -> pd.DataFrame:
        return sample(POPULATION, seed=self.seed, mode=self.mode, camera=self.camera)

    def scale(self, attribute: Attribute) -> tuple[float, float]:
        """Mean and standard deviation of the exact attribute among such people."""
        if attribute.value is None:
            raise InputError(f"{attribute.name}: the renderer has no such cause")
        values = attribute.value(self._population)
        if not values.std() > 0:
            raise InputError(f"{attribute.name} never varies among rendered people (mode {self.mode})")
        return float(values.mean()), float(values.std())


def rendered_transect(
    attribute: Attribute, rendering: Rendering, *, steps: Sequence[float] = STEPS
) -> Transect:
    """The same persons rendered with one attribute at each level and all other causes as they were.

    A number is set to its mean plus each step of its standard deviation, within the renderer's limits; an attribute
    that stands for two groups to both of its ends. `values` are those that were reached.
    Raises InputError where the renderer has no such cause.
    """
    if attribute.setter is None or attribute.value is None:
        raise InputError(f"{attribute.name}: the renderer cannot change it alone")
    mean, sd = rendering.scale(attribute)
    levels = checked_steps(steps) if attribute.ends is None else np.array(GROUPS)
    wanted = mean + levels * sd if attribute.ends is None else np.asarray(attribute.ends)
    people, origin = rendering.people, Origin(rendering.seed, rendering.mode)
    parts = [attribute.setter(people, np.full(len(people), level), origin) for level in wanted]
    values = np.stack([(attribute.value(part) - mean) / sd for part in parts], 1)
    table = pd.concat(parts, ignore_index=True)[["person_id", *RENDERED]]
    paths = picture_paths(table, size=rendering.size, picture_format="png", cache_dir=rendering.cache_dir)
    table = pd.concat([table, paths], axis=1)
    render_missing(table, size=rendering.size, workers=rendering.workers, progress=rendering.progress)
    pictures, _, broken = load_pictures(table.assign(image_id=table["person_id"]), rendering.size, threads=1)
    if len(broken):
        raise InputError(f"{len(broken)} rendered pictures cannot be read: {broken['detail'].iloc[0]}")
    shaped = pictures.unflatten(0, (len(parts), len(people))).transpose(0, 1).contiguous()
    return Transect(attribute.name, "renderer", levels, people, shaped, values)
