"""What a generator of a private pool is asked for, made of released labels and public knowledge alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.generator.conditions import LEVELS, Conditions
from judge.privacy.labels import PrivateLabels

if TYPE_CHECKING:
    from judge.generator import FaceGenerator


def beginning(
    start: str | None, labels: PrivateLabels, *, size: int, channels: Sequence[int], latent: int, seed: int
) -> FaceGenerator:
    """The generator that a method goes on from: `start`, or random weights (channels, latent) of the seed.

    Raises InputError for a start that cannot be read and one of another size.
    """
    import torch

    from judge.generator import FaceGenerator, load_generator
    from judge.generator.networks import Generator, begin_smooth

    if start is not None:
        generator = load_generator(start)
        if generator.size != size:
            raise InputError(
                f"size={size}: the generator start={start} draws {generator.size} px; allowed is that size"
            )
        return generator
    conditions = conditions_of(labels)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = begin_smooth(Generator(size, channels, conditions.width, latent))
    return FaceGenerator(network.eval(), size, conditions)


def in_words_of(
    start: str | None,
    generator: FaceGenerator,
    people: pd.DataFrame,
    labels: PrivateLabels,
    *,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The people's columns as the generator of `beginning` is asked for them."""
    if start is None:
        return people.drop(columns="cell")
    return as_asked_of(generator.conditions, people, labels, rng=rng)


def said_of(start: str | None) -> dict[str, str]:
    """What a statement has to say of a start that was taken for public."""
    if start is None:
        return {}
    return {"start": f"the generator began as {start}, which is taken for public"}


def conditions_of(labels: PrivateLabels) -> Conditions:
    """Groups and ratings as the noisy histogram has them."""
    groups = {name: tuple(sorted(labels.cells[name].astype(str).unique())) for name in labels.features}
    cells = tuple(
        (tuple(map(str, labels.cells.loc[cell])), max(1, round(float(total))))
        for cell, total in labels.totals.items()
    )
    levels = tuple(tuple(labels.quantile(str(cell), LEVELS)) for cell in labels.cells.index)
    return Conditions(groups, {"rating": _scale(labels)}, cells, {"rating": levels})


def _scale(labels: PrivateLabels) -> tuple[float, float]:
    """Mean and standard deviation of the noisy ratings of all cells."""
    k = labels.counts.shape[1]
    low, high = labels.rating_range
    middles = low + (np.arange(k) + 0.5) * (high - low) / k
    share = sum(labels.shares[cell] * labels.distribution(str(cell)) for cell in labels.cells.index)
    mean = float(share @ middles)
    return mean, max(float(np.sqrt(share @ (middles - mean) ** 2)), (high - low) / k / 4)


def people_asked(
    labels: PrivateLabels, wanted: Mapping[str, int], *, rng: np.random.Generator
) -> pd.DataFrame:
    """A row a picture: `cell`, the features, and a `rating` drawn from the cell's noisy histogram."""
    parts = [
        pd.DataFrame(
            {
                "cell": cell,
                **{name: labels.cells.loc[cell, name] for name in labels.features},
                "rating": labels.ratings(cell, k, rng),
            }
        )
        for cell, k in wanted.items()
        if k
    ]
    return pd.concat(parts, ignore_index=True)


def as_asked_of(
    conditions: Conditions, people: pd.DataFrame, labels: PrivateLabels, *, rng: np.random.Generator
) -> pd.DataFrame:
    """The people in the words of a public generator that was taught other labels besides, such as age.

    What it is asked besides is drawn as in its own, public data among people of the asked groups. Ratings keep their
    standard score: its scale need not be that of the private people.

    Raises InputError for features and groups that it does not know.
    """
    for name in labels.features:
        if name not in conditions.groups:
            raise InputError(
                f"start: the generator was not taught {name}, but {listed(conditions.groups) or 'nothing'}; "
                "start=null begins with none"
            )
        if other := sorted(set(people[name].astype(str)) - set(conditions.groups[name])):
            raise InputError(
                f"start: the generator knows {name} {listed(conditions.groups[name])}, not {listed(other)}; "
                "start=null begins with none"
            )
    out = pd.DataFrame(index=people.index, columns=list(conditions.names))
    for _, rows in people.groupby("cell", sort=False):
        shares = {name: {str(rows[name].iloc[0]): 1.0} for name in labels.features}
        asked = conditions.ask(len(rows), rng=rng, shares=shares)
        out.loc[rows.index] = asked[list(conditions.names)].to_numpy()
    out = out.astype(dict.fromkeys(conditions.scales, float))
    if "rating" in conditions.scales:
        mean, sd = _scale(labels)
        own_mean, own_sd = conditions.scales["rating"]
        out["rating"] = own_mean + own_sd * (people["rating"] - mean) / sd
    return out
