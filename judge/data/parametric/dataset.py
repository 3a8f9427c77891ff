"""The parametric data set: reads a population of people who do not exist, and draws what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from inspect import getdoc
from pathlib import Path

import numpy as np
import pandas as pd

from judge.data.dataset import Dataset
from judge.data.parametric.cache import picture_paths, render_missing
from judge.data.parametric.people import tone as skin
from judge.data.parametric.people.labels import LABELS, assign
from judge.data.parametric.people.population import RENDERED, sample
from judge.data.parametric.people.ratings import Raters, expected_ratings, rate, raters_from
from judge.data.parametric.people.truth import truth as truth_of
from judge.data.tables import SPLITS
from judge.errors import InputError, listed

#: What is known of a rater, and its column in the table of single ratings.
RATER_COLUMNS = {"ethnicity": "rater_ethnicity", "bias": "rater_bias"}


def read_parametric(
    n: int = 2000,
    *,
    seed: int = 0,
    size: int = 96,
    mode: str = "independent",
    composition: Mapping | None = None,
    assignment: str = "quota",
    camera: str | Mapping = "even",
    tone: str | None = None,
    photo_rule_breakers: float = 0.0,
    population: Mapping | str | Path | None = None,
    truth_shares: Mapping[str, float] | None = None,
    ratings: Mapping | Raters | None = None,
    splits: Mapping[str, float] | None = None,
    start: int = 0,
    picture_format: str = "jpeg",
    cache_dir: str | Path | None = None,
    workers: int | None = None,
    progress: bool = True,
    render: bool = True,
) -> Dataset:
    """People who do not exist, rendered here, with every cause of a rating known.

    Origin    drawn from parameters (population.yaml) and rendered from MakeHuman's head shapes (CC0; NOTICE.md);
              no real person, no photograph
    Licence   CC0 1.0, public domain: the pictures and the tables
    Labels    ethnicity (african, asian, caucasian), gender, age in years and age_group are what the person was
              drawn as; skin_tone (light, intermediate, dark) and ita (degrees) follow from melanin; param_* are
              all parameters of the picture (param_weight is the body's)
    Ratings   simulated raters (ratings.py) of a simulated opinion `truth` and its parts truth_* (truth.py);
              expected_rating before noise; reliability of `rating`, within a group; single ratings carry who gave
              them, rater_ethnicity and rater_bias (points)
    Traps     the labels stand for three mean head shapes, not for peoples; a picture hides what its light and its
              noise hide; ratings say nothing about anybody. Splits are disjoint people (person_id); twins of the
              same seed are the same people

    Settings: the persons start … start + n − 1 of a seed
    n, seed, start, mode, composition, assignment, camera, tone, photo_rule_breakers, population
                   as in population.sample
    size           of the pictures in px, 32 to 512
    truth_shares   as in truth.truth
    ratings        settings of ratings.Raters
    splits         shares of train, val and test, exact within each ethnicity × gender × age group as far as whole
                   people allow; default .7, .1, .2
    picture_format jpeg (at the person's jpeg_quality) or png
    cache_dir      where pictures are cached; None: judge/parametric in the user's cache folder
    workers        rendering processes; None: all cores that this process may use
    render         False: paths are given but nothing is drawn; Dataset.make_pictures(rows) draws those that are wanted
    """
    people = sample(
        n, seed=seed, mode=mode, composition=composition, camera=camera, population=population, tone=tone,
        photo_rule_breakers=photo_rule_breakers, assignment=assignment, start=start,
    )  # fmt: skip
    raters = raters_from(ratings)
    known = truth_of(people, mode=mode, population=population, shares=truth_shares)
    single, who = rate(people, known["truth"], raters, seed=seed, start=start)
    pictures = picture_paths(people, size=size, picture_format=picture_format, cache_dir=cache_dir)
    manifest = manifest_of(people, pictures)
    manifest["split"] = _split(people, splits, seed)
    manifest["rating"] = single.groupby("image_id", sort=False)["rating"].mean().to_numpy()
    manifest["rating_source"] = "simulated"
    manifest["expected_rating"] = expected_ratings(people, known["truth"], raters)
    manifest["reliability"] = raters.reliability
    manifest = pd.concat([manifest, known], axis=1)
    manifest = pd.concat([manifest, people[list(RENDERED)].add_prefix("param_")], axis=1)
    make_pictures = partial(render_missing, size=size, workers=workers, progress=progress)
    if render:
        make_pictures(manifest)
    return Dataset(
        name="parametric",
        manifest=manifest,
        ratings=single.merge(who.rename(columns=RATER_COLUMNS), on="rater_id", how="left", validate="m:1"),
        rating_range=(raters.low, raters.high),
        real_people=False,
        card=getdoc(read_parametric) or "",
        make_pictures=make_pictures,
    )


def manifest_of(people: pd.DataFrame, pictures: pd.DataFrame) -> pd.DataFrame:
    """The labels of persons as manifest columns, with where their pictures are."""
    ita = skin.expected_ita(people["melanin"], people["haemoglobin"])
    return pd.DataFrame(
        {
            "image_id": people["person_id"],
            "path": pictures["path"],
            "split": None,
            "rating": np.nan,
            "rating_source": None,
            "source": "parametric",
            "ethnicity": people["ethnicity"],
            "gender": people["gender"],
            "age_group": people["age_group"],
            "age": people["age"].astype(float),
            "skin_tone": skin.skin_tone(ita).to_numpy(),
            "ita": np.round(ita, 3),
            "person_id": people["person_id"],
            "content_hash": pictures["content_hash"],
        },
        index=people.index,
    )


def _split(people: pd.DataFrame, splits: Mapping[str, float] | None, seed: int) -> np.ndarray:
    """Split of each person, by turns of the apportionment within each group; prefixes of a population agree."""
    shares = dict(splits or {"train": 0.7, "val": 0.1, "test": 0.2})
    if not set(shares) <= set(SPLITS) or min(shares.values()) < 0 or sum(shares.values()) <= 0:
        raise InputError(f"splits takes shares ≥ 0 of {listed(SPLITS)}, not {shares}")
    total = sum(shares.values())
    table = pd.Series({name: shares.get(name, 0.0) / total for name in SPLITS})
    cell = sum(
        people[label].map({name: k for k, name in enumerate(names)}).to_numpy() * step
        for (label, names), step in zip(LABELS.items(), (10, 5, 1), strict=True)
    )
    number = pd.Series(cell).groupby(cell).cumcount().to_numpy()
    # each group begins at another turn: with one person a group, they would all be in train
    number = number + cell
    turns = assign(int(number.max(initial=-1)) + 1, table, seed=seed)
    return np.array(SPLITS, dtype=object)[turns[number]]
