"""The population: persons as rows of parameters, drawn by settings (population.yaml).

Mode `independent`, for causal work. The label ethnicity decides the ancestry weights (the mean shape of the
head) and nothing else; gender decides masculinity (and stubble); age group decides age, and age wrinkles and
grey hair. Skin tone, hair, eyes, freckles, blemishes, asymmetry, build, expression and the camera have one
distribution for everybody and are drawn independently of one another.

Mode `natural`. Tone, hair and eyes are mixed by the person's ancestry weights, which scatter widely about their
label's, so that the groups overlap in all of them; freckles go with ethnicity, hair length with gender. What
makes `truth` (truth.py) is distributed as in `independent`. `tone="independent"` keeps natural people but draws
melanin uniformly for everybody.

In both modes the same uniform numbers are behind a parameter, so person i of a seed has the same asymmetry,
blemishes, smile, noise … whatever the mode, the composition or the camera: comparisons are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from judge.data.parametric.draws import uniforms
from judge.data.parametric.geometry import ASYM_NAMES, LOCAL_NAMES
from judge.data.parametric.people import labels
from judge.data.parametric.people.distributions import Drawn, draw, is_spec, rows_by_spec
from judge.data.parametric.people.settings import (
    BODY_PARAMETERS,
    CAMERA_PARAMETERS,
    MODES,
    chosen,
    population_settings,
)
from judge.data.parametric.person import ETHNICITIES, PARAMETERS, Parameter
from judge.errors import InputError, listed

BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
PARAMETER_NAMES = tuple(BY_NAME)
#: Every column that the renderer reads, in order.
RENDERED = (*PARAMETER_NAMES, *LOCAL_NAMES, *ASYM_NAMES)
INTEGERS = ("stream", "age", "blemishes", "jpeg_quality")
DECIMALS = 5  # parameters are rounded, so that a table read back from CSV gives the same bytes of picture


def person_id(seed: int, index: int) -> str:
    """For example p7-000123."""
    return f"p{seed}-{index:06d}"


#: A table of so many people takes some 30 GB.
MOST_PEOPLE = 20_000_000


def sample(
    n: int,
    *,
    seed: int = 0,
    mode: str = "independent",
    composition: Mapping | None = None,
    camera: str | Mapping = "varied",
    population: Mapping | str | Path | None = None,
    tone: str | None = None,
    photo_rule_breakers: float = 0.0,
    assignment: str = "quota",
    start: int = 0,
) -> pd.DataFrame:
    """The persons start … start + n − 1 of a seed: person_id, ethnicity, gender, age_group and the RENDERED columns.

    composition          shares of the labels, see labels.cell_shares; None: 30 equal cells
    camera               a name in population.cameras, a mapping parameter → distribution (what is left out is
                         neutral), or a table group → one of these, e.g. {any: even, african: dim}
    population           changes to population.yaml, see settings.population_settings
    tone                 None: as the mode has it; "independent": melanin as in mode independent
    photo_rule_breakers  share of people, drawn for each rule, with a beard (men), glasses, make-up (women)
    assignment           quota: counts as exact as whole people allow; multinomial: drawn
    Raises InputError for any setting that cannot be used.
    """
    for what, number in (("n", n), ("start", start)):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 0:
            raise InputError(f"{what} is a whole number of people, not {number!r}")
        if number > MOST_PEOPLE:
            raise InputError(
                f"{what}={number}: at most {MOST_PEOPLE:,} people fit into the memory of one process"
            )
    if mode not in MODES:
        raise InputError(f"mode is one of {listed(MODES)}, not {mode!r}")
    if tone not in (None, *MODES):
        raise InputError(f"tone is one of {listed(MODES)} or left out, not {tone!r}")
    if not 0 <= photo_rule_breakers <= 1:
        raise InputError(f"photo_rule_breakers is a share from 0 to 1, not {photo_rule_breakers!r}")
    settings = population_settings(population)
    shares = labels.cell_shares(composition)
    cells = labels.assign(n, shares, seed=seed, how=assignment, start=start)
    people = shares.index.to_frame(index=False).iloc[cells].reset_index(drop=True)
    people.insert(0, "person_id", [person_id(seed, i) for i in range(start, start + n)])

    def u(name: str, width: int = 1) -> np.ndarray:
        return uniforms(seed, name, n, start, width)

    columns: dict[str, Any] = {"stream": np.floor(u("stream") * 2**53).astype(np.int64)}
    columns |= _ancestry(chosen(settings["ancestry"], mode), people["ethnicity"], u("ancestry", 3))
    people = people.assign(**columns)
    for name in ("age", *(n for n in BODY_PARAMETERS if n != "age")):
        table = settings["parameters"][name]
        setting = chosen(table, tone if name == "melanin" and tone else mode)
        people[name] = _draw(setting, name, people, u).value
    for name, setting in settings["photo_rules"].items():
        broken = (u(f"photo_rule/{name}") < photo_rule_breakers) & (photo_rule_breakers > 0)
        people[name] = np.where(broken, _draw(setting, name, people, u).value, people[name])
    shot = _camera(camera, settings["cameras"], people, u)
    shape = _shape(settings, people, u)
    return _tidy(pd.concat([people, shot, shape], axis=1))


def persons(table: pd.DataFrame) -> list[dict[str, Any]]:
    """What the renderer takes, one mapping a row, from a table with (prefixed) parameter columns."""
    names = {name: name if name in table else f"param_{name}" for name in RENDERED}
    missing = [name for name, column in names.items() if column not in table]
    if missing:
        raise InputError(f"the table lacks parameter column(s) {listed(missing)}")
    bare = table[list(names.values())].set_axis(list(names), axis=1)
    return bare.to_dict("records")


def _draw(setting: Any, name: str, people: pd.DataFrame, u: Any) -> Drawn:
    return draw(setting, BY_NAME[name], people, u(name), u(f"{name}/chance"))


def _ancestry(setting: Mapping, ethnicity: pd.Series, u: np.ndarray) -> dict[str, np.ndarray]:
    own, other = float(setting["own"]), float(setting["other"])
    if own <= 0 or other <= 0:
        raise InputError(f"population.ancestry: concentrations are above 0, not {dict(setting)}")
    is_own = ethnicity.to_numpy()[:, None] == np.array(ETHNICITIES)
    # the label's own weight always takes the first uniform: the person keeps it when the label changes
    order = np.argsort(~is_own, axis=1, kind="stable")
    gamma = stats.gamma.ppf(u, np.array([own, other, other]))
    weights = np.empty_like(gamma)
    np.put_along_axis(weights, order, gamma / gamma.sum(axis=1, keepdims=True), axis=1)
    weights = np.round(weights, DECIMALS)
    weights[:, 2] = np.round(1 - weights[:, 0] - weights[:, 1], DECIMALS)
    return {name: np.clip(weights[:, k], 0, 1) for k, name in enumerate(ETHNICITIES)}


def _camera(camera: Any, presets: Mapping, people: pd.DataFrame, u: Any) -> pd.DataFrame:
    """The camera columns, one row a person."""
    table = pd.DataFrame(index=people.index, columns=list(CAMERA_PARAMETERS), dtype=float)
    by_group = isinstance(camera, Mapping) and not set(camera) <= set(CAMERA_PARAMETERS) | {"preset"}
    for choice, rows in rows_by_spec(camera, people, "camera") if by_group else [(camera, slice(None))]:
        part = people.loc[rows]
        for name, setting in _camera_settings(choice, presets).items():
            here = np.flatnonzero(np.isin(people.index, part.index))
            drawn = draw(setting, BY_NAME[name], part, u(name)[here], u(f"{name}/chance")[here])
            table.loc[part.index, name] = drawn.value.astype(float)
    return table


def _camera_settings(choice: Any, presets: Mapping) -> dict[str, Any]:
    neutral = {name: BY_NAME[name].neutral for name in CAMERA_PARAMETERS}
    if isinstance(choice, Mapping):
        base = _camera_settings(choice["preset"], presets) if "preset" in choice else neutral
        changes = {name: setting for name, setting in choice.items() if name != "preset"}
    elif choice in presets:
        base, changes = neutral, presets[choice]
    else:
        raise InputError(f"camera is one of {listed(presets)} or a mapping, not {choice!r}")
    unknown = set(changes) - set(CAMERA_PARAMETERS)
    if unknown:
        raise InputError(
            f"camera has {listed(CAMERA_PARAMETERS, 20)}, not {listed(sorted(map(str, unknown)))}"
        )
    return {**base, **changes}


def _shape(settings: Mapping, people: pd.DataFrame, u: Any) -> pd.DataFrame:
    """Local deltas (one scale a person times independent normals) and asymmetry patterns, cut at ±1."""
    factor = draw_distinctiveness(settings, people, u("distinctiveness")).value
    shape = {name: factor * float(settings["local_sd"]) * stats.norm.ppf(u(name)) for name in LOCAL_NAMES} | {
        name: float(settings["asymmetry_sd"]) * stats.norm.ppf(u(name)) for name in ASYM_NAMES
    }
    return pd.DataFrame(shape, index=people.index).clip(-1, 1)


def draw_distinctiveness(settings: Mapping, people: pd.DataFrame, u: np.ndarray) -> Drawn:
    """The person's factor on all local deltas, with its mean and standard deviation."""
    scale = Parameter("distinctiveness", 1.0, 0.0, 3.0)
    setting = settings["distinctiveness"]["both"]
    if not is_spec(setting):
        raise InputError("population.distinctiveness has one distribution for everybody")
    return draw(setting, scale, people, u, np.full(len(people), 0.5))


def _tidy(people: pd.DataFrame) -> pd.DataFrame:
    labels_first = ["person_id", "ethnicity", "gender", "age_group"]
    people = people[[*labels_first, *RENDERED]].copy()
    reals = [c for c in RENDERED if BY_NAME.get(c, BY_NAME["yaw"]).choices is None and c not in INTEGERS]
    # adding 0 turns −0.0 into 0.0, which print and hash differently
    people[reals] = people[reals].astype(float).round(DECIMALS) + 0.0
    whole = list(INTEGERS)
    people[whole] = people[whole].round().astype(np.int64)
    text = [*labels_first, *(p.name for p in PARAMETERS if p.choices)]
    people[text] = people[text].astype(str)
    return people.copy()  # in one piece: a frame of 150 single columns warns its users
