"""A whole study: directions, all transects of a generator, the renderer's of the same attributes, and their reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from judge.errors import InputError, listed
from judge.generator.transects.attributes import ATTRIBUTES, USUAL, Attribute, attributes_named
from judge.generator.transects.directions import METHODS, Directions, Faces, Reader, fit_directions
from judge.generator.transects.drawing import (
    SPACES,
    STEPS,
    Rendering,
    Transect,
    can_be_asked,
    checked_steps,
    condition_transect,
    latent_transect,
    rendered_transect,
)
from judge.generator.transects.leakage import Study, read_study

GENERATED = SPACES[:3]
#: Correlation of the latent with an attribute's reading below which its direction is said to mean little.
LEAST_CORRELATION = 0.2


@dataclass(frozen=True)
class TransectStudy:
    """Settings of a study.

    attributes  to be changed; None: those of USUAL that the regressor reads
    spaces      of condition, latent, orthogonal latent
    n           people of the generator
    persons     that the renderer draws again, as many pictures each as there are steps and attributes
    steps       levels of a number, standard deviations; two groups have two
    faces       that directions are fitted on
    method      ridge or svm
    psi         truncation of the generator's latents
    seed        of latents and of what is asked for
    """

    attributes: Sequence[str] | None = None
    spaces: Sequence[str] = GENERATED
    n: int = 100
    persons: int = 40
    steps: Sequence[float] = STEPS
    faces: int = 1500
    method: str = "ridge"
    psi: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if other := [s for s in self.spaces if s not in GENERATED]:
            raise InputError(f"spaces: {listed(other)}; allowed are {listed(GENERATED)}")
        if not self.spaces:
            raise InputError(f"spaces: at least one is needed of {listed(GENERATED)}")
        checked_steps(self.steps)
        if self.method not in METHODS:
            raise InputError(f"method={self.method!r}: allowed are {listed(METHODS)}")
        if not 0 < self.psi <= 1:
            raise InputError(f"psi={self.psi}: above 0, where no latent varies, to 1")
        for name in ("n", "persons", "faces"):
            if getattr(self, name) < 2:
                raise InputError(f"{name}={getattr(self, name)}: at least 2")
        if self.attributes is not None:
            attributes_named(self.attributes)


@dataclass(frozen=True)
class Made:
    """A study that was made.

    study       transects and what was read of them
    directions  None: no latent space was asked for
    targets     attributes that were changed
    notes       what was left out, and why
    """

    study: Study
    directions: Directions | None
    targets: tuple[Attribute, ...]
    notes: list[str] = field(default_factory=list)


def make_study(
    generator: Faces,
    regressor: Reader,
    settings: TransectStudy | None = None,
    *,
    rendering: Rendering | None = None,
    progress: Callable[[str], None] | None = None,
) -> Made:
    """Draws and reads everything that `leakage` and `compare_effects` need.

    Parameters
    ----------
    generator : FaceGenerator
    regressor : ParameterRegressor
    settings : TransectStudy, optional
    rendering : Rendering, optional
        The persons of the renderer's counterfactuals; None: `persons` natural people of the generator's size.
    progress : callable, optional
        Called with what is done next.

    Returns
    -------
    Made
        Besides the targets all of USUAL that can be read are watched, and the renderer changes each of them, so that
        the regressor's own responses are known.

    Raises
    ------
    InputError
        For attributes that are unknown, that the regressor does not read, or that can be changed in none of the spaces.
    """
    settings = settings or TransectStudy()
    rendering = rendering or Rendering(n=settings.persons, size=generator.size)
    say = progress or (lambda _: None)
    side = generator.size
    readings = set(regressor.read(torch.zeros(1, 3, side, side, dtype=torch.uint8)).columns)
    can = [name for name in USUAL if ATTRIBUTES[name].reading in readings]
    notes = []
    if blind := [name for name in USUAL if name not in can]:
        notes.append(f"Not read off faces well enough, and so not watched: {', '.join(blind)}.")
    targets = attributes_named(can if settings.attributes is None else settings.attributes, readings=readings)
    watched = attributes_named([*(a.name for a in targets), *can], readings=readings)
    askable = [a for a in targets if can_be_asked(generator, a)]
    if "condition" in settings.spaces and (not_asked := [a.name for a in targets if a not in askable]):
        notes.append(
            f"The generator cannot be asked for, and so not changed as conditions: {', '.join(not_asked)}."
        )
    if not askable and tuple(settings.spaces) == ("condition",):
        raise InputError(
            f"attributes: the generator cannot be asked for {listed(a.name for a in targets)}; it was taught "
            f"{listed(generator.conditions.names)}"
        )
    drawn: list[Transect] = []
    how: dict[str, Any] = {"n": settings.n, "seed": settings.seed, "psi": settings.psi}
    if "condition" in settings.spaces:
        for a in askable:
            say(f"asking for {a.name}")
            drawn.append(condition_transect(generator, a, steps=settings.steps, **how))
    directions = None
    if latent := [s for s in settings.spaces if s != "condition"]:
        say("directions of the latent")
        directions = fit_directions(
            generator,
            watched,
            regressor,
            n=settings.faces,
            seed=settings.seed,
            psi=settings.psi,
            method=settings.method,
        )
        weak = [
            name
            for name, r in zip(directions.attributes, directions.correlation, strict=True)
            if r < LEAST_CORRELATION and name in {a.name for a in targets}
        ]
        if weak:
            notes.append(
                f"The latent says next to nothing of {', '.join(weak)} (correlation below {LEAST_CORRELATION:g} in "
                "other faces), so that their directions mean little."
            )
        for space in latent:
            for a in targets:
                say(f"{space}: {a.name}")
                orthogonal = space == "orthogonal latent"
                drawn.append(
                    latent_transect(
                        generator, a, directions, orthogonal=orthogonal, steps=settings.steps, **how
                    )
                )
    exact = []
    for a in watched:
        if a.rendered:
            say(f"rendering {a.name}")
            exact.append(rendered_transect(a, rendering, steps=settings.steps))
    say("reading the faces")
    return Made(read_study(drawn, exact, watched, regressor, rendering), directions, targets, notes)
