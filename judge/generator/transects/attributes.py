"""What a transect may change: how it is read off a face, asked of a generator, and set by the renderer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.data.brackets import AGE_GROUPS
from judge.data.parametric.draws import uniforms
from judge.data.parametric.people.distributions import draw
from judge.data.parametric.people.population import BY_NAME
from judge.data.parametric.people.settings import chosen, population_settings
from judge.data.parametric.people.tone import expected_ita
from judge.data.parametric.person import ETHNICITIES
from judge.errors import InputError, listed


@dataclass(frozen=True)
class Origin:
    """Where rendered persons come from: what their uniform numbers are found again by."""

    seed: int
    mode: str
    start: int = 0


Setter = Callable[[pd.DataFrame, NDArray[np.float64], Origin], pd.DataFrame]


@dataclass(frozen=True)
class Attribute:
    """One thing about a face.

    name       as it is asked for
    reading    column of what the parameter regressor reads
    what       in words
    value      (people) → (n,) its exact value in the renderer's units; None: the renderer has no such cause
    setter     (people, values (n,), origin) → people in whom it has these values and nothing else is changed but what
               follows from it
    ends       two values that stand for two groups, where the attribute is one of these; None: a number
    condition  label of a generator by which it is asked for; None: none
    group      of the condition that has it, where the condition has groups (of gender: the second of `ends`)
    """

    name: str
    reading: str
    what: str
    value: Callable[[pd.DataFrame], NDArray[np.float64]] | None = None
    setter: Setter | None = None
    ends: tuple[float, float] | None = None
    condition: str | None = None
    group: str | None = None

    @property
    def rendered(self) -> bool:
        """Whether the renderer can change it alone."""
        return self.setter is not None


def _column(name: str) -> Callable[[pd.DataFrame], NDArray[np.float64]]:
    return lambda people: people[name].to_numpy(float)


def _set_column(name: str) -> Setter:
    parameter = BY_NAME[name]
    whole = name == "blemishes"

    def setter(people: pd.DataFrame, values: NDArray[np.float64], origin: Origin) -> pd.DataFrame:
        kept = np.clip(values, parameter.low, parameter.high)  # type: ignore[arg-type]
        return people.assign(**{name: np.round(kept).astype(int) if whole else np.round(kept, 5)})

    return setter


def _ita(people: pd.DataFrame) -> NDArray[np.float64]:
    return np.asarray(expected_ita(people["melanin"], people["haemoglobin"]), float)


def _set_ita(people: pd.DataFrame, values: NDArray[np.float64], origin: Origin) -> pd.DataFrame:
    melanin = np.linspace(0, 1, 501)
    blood = people["haemoglobin"].to_numpy(float)
    angles = np.asarray(expected_ita(melanin[None, :], blood[:, None]), float)
    # np.interp wants rising abscissae: the angle falls as melanin rises
    found = [np.interp(-v, -row, melanin) for v, row in zip(values, angles, strict=True)]
    return people.assign(melanin=np.round(found, 5))


def _set_age(people: pd.DataFrame, values: NDArray[np.float64], origin: Origin) -> pd.DataFrame:
    """Age with what the population derives from it: wrinkles and grey hair, at the person's own quantiles."""
    years = np.clip(np.round(values), 18, 69).astype(int)
    band = np.searchsorted([30, 40, 50, 60], years, side="right")
    aged = people.assign(age=years, age_group=np.array(AGE_GROUPS, dtype=object)[band])
    table = population_settings()["parameters"]
    for name in ("wrinkles", "hair_grey"):
        u, chance = (
            uniforms(origin.seed, key, len(people), origin.start) for key in (name, f"{name}/chance")
        )
        drawn = draw(chosen(table[name], origin.mode), BY_NAME[name], aged, u, chance).value
        aged[name] = np.round(drawn.astype(float), 5)
    return aged


def _set_ancestry(name: str) -> Setter:
    others = [e for e in ETHNICITIES if e != name]

    def setter(people: pd.DataFrame, values: NDArray[np.float64], origin: Origin) -> pd.DataFrame:
        share = np.round(np.clip(values, 0, 1), 5)
        first, second = (people[o].to_numpy(float) for o in others)
        rest = first + second
        part = np.where(rest > 0, first / np.where(rest > 0, rest, 1), 0.5)
        one = np.round((1 - share) * part, 5)
        return people.assign(
            **{name: share, others[0]: one, others[1]: np.clip(np.round(1 - share - one, 5), 0, 1)}
        )

    return setter


def _long(people: pd.DataFrame) -> NDArray[np.float64]:
    return (people["hair_style"] == "long").to_numpy(float)


def _set_long(people: pd.DataFrame, values: NDArray[np.float64], origin: Origin) -> pd.DataFrame:
    return people.assign(hair_style=np.where(values > 0.5, "long", "short"))


def _parameter(name: str, what: str, **options: object) -> Attribute:
    return Attribute(name, name, what, _column(name), _set_column(name), **options)  # type: ignore[arg-type]


ATTRIBUTES: dict[str, Attribute] = {
    a.name: a
    for a in (
        Attribute("ita", "ita", "skin tone, degrees of ITA", _ita, _set_ita, condition="ita"),
        Attribute("age", "age", "age, with the wrinkles and grey hair that come with it", _column("age"), _set_age,
                  condition="age"),
        Attribute("gender", "masculinity", "masculinity of the face's shape", _column("masculinity"),
                  _set_column("masculinity"), ends=(0.1, 0.9), condition="gender", group="male"),
        *(Attribute(e, e, f"weight of the {e} mean shape", _column(e), _set_ancestry(e), condition="ethnicity",
                    group=e) for e in ETHNICITIES),
        Attribute("rating", "expected_rating", "what simulated raters would say", condition="rating"),
        Attribute("long_hair", "p_hair_style_long", "long hair against short", _long, _set_long, ends=(0.0, 1.0)),
        _parameter("smile", "smile"),
        _parameter("hair_melanin", "darkness of the hair"),
        _parameter("hair_grey", "share of grey hair"),
        _parameter("wrinkles", "number and depth of wrinkles"),
        _parameter("blemishes", "number of blemishes"),
        _parameter("weight", "body weight"),
        _parameter("eye_melanin", "darkness of the eyes"),
        _parameter("eye_open", "how far the eyes are open"),
        _parameter("brow_raise", "raised brows"),
        _parameter("freckles", "freckles"),
        _parameter("exposure", "exposure of the picture"),
    )
}  # fmt: skip
#: Changed and watched where nothing else is asked for. Skin tone, ancestry, gender, age and hair go together in people.
USUAL = ("ita", "age", "gender", "african", "asian", "smile", "hair_melanin", "long_hair", "blemishes")


def attributes_named(names: Iterable[str], *, readings: Iterable[str] | None = None) -> tuple[Attribute, ...]:
    """Those of ATTRIBUTES, each once.

    readings  columns that a regressor reads: InputError for an attribute that it does not
    Raises InputError for an unknown one, and for none.
    """
    wanted = list(dict.fromkeys(names))
    if other := [n for n in wanted if n not in ATTRIBUTES]:
        raise InputError(f"attributes: {listed(other)} is none; allowed are {listed(ATTRIBUTES, 30)}")
    if not wanted:
        raise InputError(f"attributes: at least one is needed of {listed(ATTRIBUTES, 30)}")
    found = tuple(ATTRIBUTES[n] for n in wanted)
    if readings is not None:
        there = set(readings)
        if blind := [a.name for a in found if a.reading not in there]:
            can = [a.name for a in ATTRIBUTES.values() if a.reading in there]
            raise InputError(
                f"attributes: {listed(blind)} cannot be read off a face well enough to be measured; allowed are "
                f"{listed(can, 30)}"
            )
    return found
