"""Who trains and who enters: pools and contestants drawn from data sets, apart from each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from judge.data import composition
from judge.data.dataset import Dataset
from judge.errors import InputError, listed


@dataclass(frozen=True)
class Cast:
    """Who trains and who enters.

    pools     condition → manifest, equal n
    source    manifest that pools are drawn from
    entrants  manifest, nobody of the source
    ratings   single ratings of pool pictures, or None
    rejected  what the data sets set aside: item, reason, detail
    """

    pools: Mapping[str, pd.DataFrame]
    source: pd.DataFrame
    entrants: pd.DataFrame
    ratings: pd.DataFrame | None
    rating_range: tuple[float, float] | None
    rejected: pd.DataFrame
    real_people: bool


_READ: dict[str, Dataset] = {}
KEEP_READ = 4


def read(settings: DictConfig) -> Dataset:
    """The data set of these settings; a sweep in one process reads each once. Nobody writes into one."""
    key = OmegaConf.to_yaml(settings, resolve=True)
    if key not in _READ:
        while len(_READ) >= KEEP_READ:
            _READ.pop(next(iter(_READ)))
        _READ[key] = instantiate(settings)
    return _READ[key]


def draw(settings: DictConfig) -> Cast:
    """Both pools and the entrants, from the data sets named in the settings.

    Raises InputError for an unknown feature or group, for too few pictures, and if an entrant is in a pool.
    """
    pool = settings.pool
    dataset = read(settings.data)
    rated = dataset.manifest[dataset.manifest["rating"].notna()]
    if rated.empty:
        raise InputError(f"the data set {dataset.name} has no ratings, so no judge can be trained on it")
    rng = np.random.default_rng([settings.seed, 0])
    contest_rng = np.random.default_rng([settings.entrants.seed, 1])
    feature = pool.feature
    everyone = _known_groups(dataset.manifest, feature, pool.groups)
    source, held_out = composition.hold_out(everyone, settings.entrants.held_out, rng=contest_rng)
    source = source[source["rating"].notna()]
    groups = sorted(source[feature].unique())
    skewed = composition.draw(
        source, pool.n, _pool_shares(pool, groups), feature=feature, rng=rng, jointly=pool.jointly
    )
    first, second = instantiate(settings.mitigation)(skewed, source, feature=feature, rng=rng)
    pools = {"skewed": first, "rebalanced": second}

    rejected = [dataset.rejected.assign(dataset=dataset.name)]
    if settings.entrants_data is None:
        field, real_people = held_out, dataset.real_people
    else:
        other = read(settings.entrants_data)
        rejected.append(other.rejected.assign(dataset=other.name))
        field, real_people = other.manifest, dataset.real_people or other.real_people
        field = _known_groups(field, feature, None)
        field = _strangers_to(field, source)
    entrants = _draw_entrants(settings.entrants, field, feature, contest_rng)
    for drawn in pools.values():
        composition.check_disjoint(drawn, entrants)
    ratings = dataset.ratings
    shift = dict(pool.rating_shift or {})
    if shift:
        pools, ratings = _shift_ratings(pools, ratings, feature, shift, dataset.rating_range)
    return Cast(pools, source, entrants, ratings, dataset.rating_range, pd.concat(rejected), real_people)


def _known_groups(manifest: pd.DataFrame, feature: str, groups: Any) -> pd.DataFrame:
    if feature not in manifest or manifest[feature].isna().all():
        raise InputError(
            f"pool.feature={feature!r}: the data set has no such labels; {listed(manifest.columns)}"
        )
    kept = manifest[manifest[feature].notna()]
    if groups is None:
        return kept
    unknown = sorted(set(groups) - set(kept[feature]))
    if unknown:
        raise InputError(
            f"pool.groups has {listed(unknown)}, but {feature} is one of {listed(sorted(set(kept[feature])))}"
        )
    return kept[kept[feature].isin(list(groups))]


def _strangers_to(field: pd.DataFrame, source: pd.DataFrame) -> pd.DataFrame:
    """The rows of people who are not in `source`, where two data sets may hold the same people."""
    known = pd.Series(False, index=field.index)
    for key in composition.IDENTITY:
        if key in field and key in source:
            known |= field[key].isin(source[key].dropna()) & field[key].notna()
    return field[~known]


def _pool_shares(pool: DictConfig, groups: list[str]) -> dict[str, float]:
    if pool.shares is not None:
        return {str(group): float(share) for group, share in pool.shares.items()}
    return composition.majority_shares(groups, pool.majority, pool.majority_share)


def _draw_entrants(
    setting: DictConfig, field: pd.DataFrame, feature: str, rng: np.random.Generator
) -> pd.DataFrame:
    if setting.n is None:
        return field.reset_index(drop=True)
    groups = sorted(field[feature].unique())
    if setting.shares == "equal":
        shares = {group: 1 / len(groups) for group in groups}
    elif setting.shares == "natural":
        shares = (field[feature].value_counts() / len(field)).to_dict()
    else:
        shares = {str(group): float(share) for group, share in setting.shares.items()}
    return composition.draw(field, setting.n, shares, feature=feature, rng=rng)


def _shift_ratings(
    pools: dict[str, pd.DataFrame],
    ratings: pd.DataFrame | None,
    feature: str,
    shift: Mapping[str, float],
    limits: tuple[float, float] | None,
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame | None]:
    """The same planted shift on mean and single ratings, kept inside the scale."""
    low, high = limits or (-np.inf, np.inf)
    everyone = pd.concat(pools.values()).drop_duplicates("image_id")
    unknown = sorted(set(shift) - set(everyone[feature]))
    if unknown:
        raise InputError(
            f"pool.rating_shift has {listed(unknown)}; groups: {listed(sorted(set(everyone[feature])))}"
        )
    shifted = {}
    for name, pool in pools.items():
        delta = pool[feature].map(shift).fillna(0.0).astype(float)
        shifted[name] = pool.assign(rating=(pool["rating"] + delta).clip(low, high))
    if ratings is not None:
        group_of = everyone.set_index("image_id")[feature]
        delta = ratings["image_id"].map(group_of).map(shift).fillna(0.0).astype(float)
        ratings = ratings.assign(rating=(ratings["rating"] + delta).clip(low, high))
    return shifted, ratings
