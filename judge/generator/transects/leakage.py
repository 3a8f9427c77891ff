"""What moves along when a transect changes one attribute, against the renderer's counterfactual, where nothing does.

Everything is in standard deviations of rendered people. A regressor that takes grey hair for age sees leakage where
there is none; on the renderer's own transects leakage is zero by construction, so what is read there is the
regressor's. Its response to each cause alone, R (reading × cause), is known from them, and R⁻¹ r is what a transect
changed where r is what was read (`unmixed`): responses are taken to add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError, listed
from judge.fairness.inference import Inference
from judge.generator.transects.attributes import Attribute
from judge.generator.transects.directions import Reader
from judge.generator.transects.drawing import Rendering, Transect

#: Least part of its own change that a reading has to show for its responses to be unmixed.
LEAST_READ = 0.2
Key = tuple[str, str]  # (space, attribute)


@dataclass(frozen=True)
class Study:
    """Generated transects and the renderer's, as read by one regressor.

    watched    attributes whose movement is looked at
    sd         (K,) standard deviation of each among rendered people, in the units of its reading
    generated  (space, attribute) → transect; all of the same n people
    rendered   attribute → the renderer's transect; all of the same persons
    read       (space, attribute) → (n, K) change a step of each reading in each person, in `sd`
    """

    watched: tuple[Attribute, ...]
    sd: NDArray[np.float64]
    generated: Mapping[Key, Transect]
    rendered: Mapping[str, Transect]
    read: Mapping[Key, NDArray[np.float64]]

    @property
    def names(self) -> list[str]:
        return [a.name for a in self.watched]

    def exact(self, name: str) -> NDArray[np.float64]:
        """(n,) exact change a step of each person of the renderer's transect, in standard deviations."""
        transect = self.rendered[name]
        if transect.values is None:
            raise InputError(f"{name}: the renderer's transect has no exact values")
        return transect.slopes(transect.values.ravel())


def read_study(
    generated: Sequence[Transect],
    rendered: Sequence[Transect],
    watched: Sequence[Attribute],
    regressor: Reader,
    rendering: Rendering,
) -> Study:
    """Reads all transects.

    rendered   of attributes that the renderer can change; of those alone `own` leakage and exact effects are known
    watched    attributes; those that a transect changes have to be among them
    rendering  gives the standard deviations; of an attribute that the renderer has not, that of the regressor's
               reading of the persons rendered
    Raises InputError for a transect of an attribute that is not watched, and one that is there twice.
    """
    names = [a.name for a in watched]
    made = {(t.space, t.attribute): t for t in generated}
    exact = {t.attribute: t for t in rendered}
    if len(made) < len(generated) or len(exact) < len(rendered):
        raise InputError("a transect of the same space and attribute is there twice")
    if other := sorted({t.attribute for t in (*generated, *rendered)} - set(names)):
        raise InputError(f"transects of {listed(other)}, which are not watched; watched are {listed(names)}")
    if len({len(t.people) for t in generated}) > 1 or len({len(t.people) for t in rendered}) > 1:
        raise InputError("all transects of one kind need the same people")
    columns = [a.reading for a in watched]
    tables = {key: regressor.read(t.flat)[columns].to_numpy(float) for key, t in made.items()}
    tables |= {
        ("renderer", name): regressor.read(t.flat)[columns].to_numpy(float) for name, t in exact.items()
    }
    shown = np.concatenate([v for k, v in tables.items() if k[0] == "renderer"] or list(tables.values()))
    sd = np.array(
        [rendering.scale(a)[1] if a.value else float(shown[:, k].std()) for k, a in enumerate(watched)]
    )
    every = {**made, **{("renderer", name): t for name, t in exact.items()}}
    read = {key: every[key].slopes(table / sd) for key, table in tables.items()}
    return Study(tuple(watched), sd, made, exact, read)


def read_transect(transect: Transect, regressor: Reader) -> pd.DataFrame:
    """What the regressor reads: person (row of `people`), step, and its columns; n · k rows."""
    n, k = len(transect.people), len(transect.steps)
    where = pd.DataFrame({"person": np.repeat(np.arange(n), k), "step": np.tile(transect.steps, n)})
    return pd.concat([where, regressor.read(transect.flat)], axis=1)


@dataclass(frozen=True)
class Draws:
    """Means of a study's changes over its people, as they are (row 0) and over people drawn again (rows 1 … B).

    moved     (space, attribute) → (1 + B, K) mean change a step of each reading
    response  (1 + B, K, K) change of reading a when cause b alone changes by one; NaN columns: no such transect
    causes    places of the watched attributes whose responses can be unmixed
    """

    weights: NDArray[np.float64]
    rendered_weights: NDArray[np.float64]
    moved: Mapping[Key, NDArray[np.float64]]
    response: NDArray[np.float64]
    causes: tuple[int, ...]

    def unmixed(self, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        """(1 + B, K) readings → (1 + B, K) causes; NaN where one is not known."""
        out = np.full(moved.shape, np.nan)
        if self.causes:
            at = list(self.causes)
            inner = self.response[:, at][:, :, at]
            out[:, at] = np.linalg.solve(inner, moved[:, at][..., None])[..., 0]
        return out


def drawn(study: Study, how: Inference) -> Draws:
    """Bootstrap over people: one draw of them for all generated transects, and one for all rendered ones."""
    rng = how.generator()
    n = next((len(t.people) for t in study.generated.values()), 2)
    m = next((len(t.people) for t in study.rendered.values()), 2)
    weights, rendered_weights = (_weights(size, how.n_resamples, rng) for size in (n, m))
    moved = {
        key: (rendered_weights if key[0] == "renderer" else weights) @ slopes
        for key, slopes in study.read.items()
    }
    k = len(study.watched)
    response = np.full((1 + how.n_resamples, k, k), np.nan)
    for name in study.rendered:
        b = study.names.index(name)
        response[:, :, b] = moved["renderer", name] / (rendered_weights @ study.exact(name))[:, None]
    causes = tuple(b for b in range(k) if response[0, b, b] >= LEAST_READ)
    made = Draws(weights, rendered_weights, moved, response, causes)
    # causes that the regressor cannot tell apart (a nearly singular R) are not unmixed at all
    inner = response[0][list(causes)][:, list(causes)]
    if len(causes) and not np.linalg.cond(inner) < 50:
        return replace(made, causes=())
    return made


def leakage(study: Study, *, confidence: float = 0.95, n_resamples: int = 2000, rng: int = 0) -> pd.DataFrame:
    """How far each watched attribute moves while a transect moves its own by one standard deviation.

    Parameters
    ----------
    study : Study
    confidence, n_resamples, rng
        Of percentile intervals by bootstrap over people.

    Returns
    -------
    DataFrame
        A row a space (the renderer's, too), target and attribute:

        movement : change of the target's own reading a step, standard deviations
        moves : whether the interval of `movement` leaves out 0; if not, ratios to it mean nothing and are NaN
        leakage, ci_low, ci_high : as read, the target's reading being the unit; 1 for the target itself
        own, own_low, own_high : the same of the renderer's transect, where only the target changes: the regressor's
        excess, excess_low, excess_high : leakage − own
        unmixed, unmixed_low, unmixed_high : movement of the cause over that of the target, the regressor's responses
            taken out; NaN where the regressor sees too little of either (LEAST_READ)
        n : people

    Raises
    ------
    InputError
        For settings of the bootstrap outside their ranges.
    """
    how = Inference(confidence, n_resamples, 1, rng)
    draws = drawn(study, how)
    rows: list[dict[str, object]] = []
    for (space, target), slopes in study.read.items():
        t = study.names.index(target)
        moved = draws.moved[space, target]
        moves = not includes_zero(moved[:, t], how)
        ratio = moved / moved[:, [t]] if moves else np.full(moved.shape, np.nan)
        known = target in study.rendered and not includes_zero(draws.moved["renderer", target][:, t], how)
        own = draws.moved["renderer", target] if known else np.full(moved.shape, np.nan)
        own = own / own[:, [t]]
        causes = draws.unmixed(moved)
        clear = moves and not includes_zero(causes[:, t], how)
        unmixed = causes / causes[:, [t]] if clear else np.full(moved.shape, np.nan)
        for a, name in enumerate(study.names):
            row: dict[str, object] = {"space": space, "target": target, "attribute": name}
            row |= {"movement": float(moved[0, t]), "moves": moves}
            for label, of, low, high in (
                ("leakage", ratio, "ci_low", "ci_high"),
                ("own", own, "own_low", "own_high"),
                ("excess", ratio - own, "excess_low", "excess_high"),
                ("unmixed", unmixed, "unmixed_low", "unmixed_high"),
            ):
                row[label] = float(of[0, a])
                row[low], row[high] = interval_of(of[:, a], how)
            rows.append(row | {"n": len(slopes)})
    return pd.DataFrame(rows)


def interval_of(draws: NDArray[np.float64], how: Inference) -> tuple[float, float]:
    """Percentile limits of the resampled values (all but the first); NaN where the estimate is."""
    if not np.isfinite(draws[0]):
        return float("nan"), float("nan")
    low, high = np.nanquantile(draws[1:], list(how.tails))
    return float(low), float(high)


def includes_zero(draws: NDArray[np.float64], how: Inference) -> bool:
    """Whether the interval holds 0, or there is none."""
    low, high = interval_of(draws, how)
    return not (low > 0 or high < 0)


def _weights(n: int, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(1 + resamples, n) weights of a mean: equal ones first, then how often each of n was drawn."""
    return np.concatenate([np.full((1, n), 1.0 / n), rng.multinomial(n, np.full(n, 1.0 / n), resamples) / n])
