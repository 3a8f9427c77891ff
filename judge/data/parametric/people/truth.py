"""`truth`: what simulated raters would say of a person if they were many and knew nothing but what is listed here.

It is a simulated opinion with known causes, made to test measuring instruments. It is not beauty, and nothing
here claims that people ought to be rated by such things.

    truth = Σ_k w_k c_k,   Σ_k w_k² = 1,   each c_k of mean 0 and standard deviation 1 within the person's group

    symmetry     c = −z(asymmetry)
    blemishes    c = −z(blemishes)
    wrinkles     c = −z(wrinkles), against what is usual at the person's age
    averageness  c = −z(D), D² = Σ_j a_j² (x_j − μ_j)² / (σ² Σ_j a_j²): distance of the local shape deltas x from
                 their mean in the person's own group; a_j is how far one unit of delta j moves the face
                 (root mean square over the face's vertices, in the frontal plane)
    taste        c = Σ_i b_i z_i, Σ_i b_i² = 1: an idiosyncratic liking, linear in visible features (TASTE)

z(x) = (x − mean) / sd with the moments of the distribution that the person's own group is drawn from in the
settings (closed forms, never of a sample), so a group that is set to have more blemishes is not thought less of
for it. Melanin, ethnicity, ancestry weights, hair, eyes, freckles, gender and the camera are not read at all.
Ancestry weights are left out of averageness on purpose: in mode `natural` they go with tone, and with them in,
people of lighter skin than their group's mean would differ in truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from judge.data.parametric import geometry
from judge.data.parametric.geometry import LOCAL_NAMES
from judge.data.parametric.people.distributions import draw
from judge.data.parametric.people.population import BY_NAME, draw_distinctiveness
from judge.data.parametric.people.settings import chosen, population_settings
from judge.data.parametric.person import neutral
from judge.errors import InputError, listed

#: Share of the variance of truth that each component has; weights w_k are their square roots. Larger for what shows
#: in a picture of 96 px: from frozen ImageNet features of 2,000 faces a ridge reads smile (r = .79), blemishes (.77)
#: and wrinkles (.66) of 600 others best, averageness .55, symmetry .22, single shape deltas .1 to .4.
VARIANCE_SHARES = {"symmetry": 0.10, "blemishes": 0.36, "wrinkles": 0.22, "averageness": 0.06, "taste": 0.26}
#: Liking for visible features; scaled so that the squares sum to 1. Each was chosen because it shows: of 1,000 faces of
#: 256 px a ridge on frozen ImageNet features reads .81 of the variance of smile and .33 to .51 of that of the others,
#: but .08 of body weight's and .14 of eye size's.
TASTE = {
    "smile": 0.85,
    "local_head_fat": -0.30,
    "eye_open": 0.25,
    "local_chin_height": -0.20,
    "local_eyebrows_angle": 0.15,
    "local_mouth_scale_horiz": 0.15,
    "local_cheek_volume": 0.10,
}
COMPONENTS = tuple(VARIANCE_SHARES)


def truth(
    people: pd.DataFrame,
    *,
    mode: str = "independent",
    population: Mapping | str | Path | None = None,
    shares: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Columns truth and truth_symmetry, truth_blemishes, … (the c_k), one row a person, index of `people`.

    people       as population.sample gives them
    mode, population   the settings that these people were drawn with: the groups' moments come from them
    shares       share of the variance of each component (default VARIANCE_SHARES); scaled to sum to 1
    """
    given = dict(VARIANCE_SHARES if shares is None else shares)
    if not set(given) <= set(COMPONENTS) or min(given.values(), default=0) < 0 or sum(given.values()) <= 0:
        raise InputError(f"truth takes shares ≥ 0 of {listed(COMPONENTS)}, not {given}")
    settings = population_settings(population)

    def z(name: str) -> np.ndarray:
        setting = chosen(settings["parameters"][name], mode)
        half = np.full(len(people), 0.5)
        group = draw(setting, BY_NAME[name], people.reset_index(drop=True), half, half)
        return _standardised(people[name].to_numpy(float), group.mean, group.sd)

    locals_sd, distance = _local_moments(settings, people)
    parts = {
        "symmetry": -z("asymmetry"),
        "blemishes": -z("blemishes"),
        "wrinkles": -z("wrinkles"),
        "averageness": -distance,
        "taste": _taste(people, z, locals_sd),
    }
    total = sum(given.values())
    value = sum(np.sqrt(given.get(name, 0.0) / total) * part for name, part in parts.items())
    return pd.DataFrame(
        {"truth": value} | {f"truth_{name}": part for name, part in parts.items()}, index=people.index
    )


def _standardised(x: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """z, and 0 where the settings let a parameter take one value only."""
    return np.where(sd > 0, (x - mean) / np.where(sd > 0, sd, 1), 0.0)


def _taste(people: pd.DataFrame, z: Any, locals_sd: np.ndarray) -> np.ndarray:
    liking = np.array(list(TASTE.values())) / np.linalg.norm(list(TASTE.values()))
    value = np.zeros(len(people))
    for name, weight in zip(TASTE, liking, strict=True):
        local = name in LOCAL_NAMES
        value += weight * (people[name].to_numpy(float) / locals_sd if local else z(name))
    return value


def _local_moments(settings: Mapping, people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviation of a local delta, (n,), and the standardised distance z(D), (n,).

    A delta is s·σ·ε with the person's distinctiveness s and ε standard normal (the cut at ±1 is ignored here:
    it is the same for every group). D = s·√Q with Q = Σ a² ε² / Σ a², whose root has the mean of a χ root with
    ν = (Σ a²)² / Σ a⁴ degrees of freedom (Satterthwaite 1946).
    """
    half = np.full(len(people), 0.5)
    factor = draw_distinctiveness(settings, people.reset_index(drop=True), half)
    second = factor.sd**2 + factor.mean**2
    sigma = float(settings["local_sd"])
    if sigma <= 0:
        return np.ones(len(people)), np.zeros(len(people))
    squares = _visibility() ** 2
    nu = squares.sum() ** 2 / (squares**2).sum()
    root = np.sqrt(2 / nu) * np.exp(special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2))
    x = people[list(LOCAL_NAMES)].to_numpy(float) / sigma
    distance = np.sqrt((x**2 @ squares) / squares.sum())
    mean = factor.mean * root
    return sigma * np.sqrt(second), _standardised(distance, mean, np.sqrt(second - mean**2))


@cache
def _visibility() -> np.ndarray:
    """a_j, (number of local deltas,): root mean square move of the face's vertices in the frontal plane."""
    d = geometry.data()
    face = d.face > 0.5 if d.face.max() > 0 else d.skin
    person = neutral()
    rest = geometry.shape(person)[face, :2]
    moves = [geometry.shape(person | {name: 1.0})[face, :2] - rest for name in LOCAL_NAMES]
    return np.array([np.sqrt((move.astype(float) ** 2).sum(axis=1).mean()) for move in moves])
