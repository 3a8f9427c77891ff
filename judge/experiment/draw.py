"""Who trains and who enters: pools and contestants drawn from data sets, apart from each other."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from judge.data import composition
from judge.data.dataset import Dataset
from judge.data.duplicates import HASHES
from judge.errors import InputError, listed
from judge.experiment.settings import resolved_root


@dataclass(frozen=True)
class Cast:
    """Who trains and who enters.

    pools     condition → manifest, equal n
    source    manifest that pools are drawn from, its ratings shifted as theirs
    entrants  manifest, nobody of the source
    ratings   single ratings of pool pictures, or None
    excluded  what the data sets excluded, and what the settings leave out: item, reason, detail, dataset
    """

    pools: Mapping[str, pd.DataFrame]
    source: pd.DataFrame
    entrants: pd.DataFrame
    ratings: pd.DataFrame | None
    rating_range: tuple[float, float] | None
    excluded: pd.DataFrame
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
    settings = _without_idle_balance(settings)
    pool = settings.pool
    dataset = read(settings.data)
    if dataset.manifest["rating"].isna().all():
        raise InputError(f"the data set {dataset.name} has no ratings, so no judge can be trained on it")
    rng = np.random.default_rng([settings.seed, 0])
    contest_rng = np.random.default_rng([settings.entrants.seed, 1])
    feature = pool.feature
    everyone, exclusions = _known_groups(dataset.manifest, feature, pool.groups)
    excluded = [(part, dataset.name) for part in (dataset.excluded, exclusions)]
    source, held_out = composition.hold_out(everyone, settings.entrants.held_out, rng=contest_rng)
    source = source[source["rating"].notna()]
    _balanced_by(source, "pool", pool.jointly, dataset.name)
    # before the mitigation: it has to meet the ratings that it is to mend
    source, ratings = _shift_ratings(source, dataset, feature, dict(pool.rating_shift or {}))
    groups = sorted(source[feature].unique())
    skewed = composition.draw(
        source, pool.n, _pool_shares(pool, groups), feature=feature, rng=rng, jointly=pool.jointly
    )
    first, second = instantiate(settings.mitigation)(skewed, source, feature=feature, rng=rng)
    pools = {"skewed": first, "rebalanced": second}

    if settings.entrants_data is None:
        other, field = dataset, held_out
    else:
        other = read(settings.entrants_data)
        field, exclusions = _known_groups(other.manifest, feature, None)
        one = _one_people(settings, dataset, other)
        field, known = _strangers_to(field, source, one=one)
        field = field if one else _named_apart(field, dataset.manifest, other.name)
        excluded += [(part, other.name) for part in (other.excluded, exclusions, known)]
    _balanced_by(field, "entrants", settings.entrants.jointly, other.name)
    entrants = _draw_entrants(settings.entrants, field, feature, contest_rng)
    for drawn in pools.values():
        composition.check_disjoint(drawn, entrants)
    return Cast(
        pools,
        source,
        entrants,
        ratings,
        dataset.rating_range,
        pd.concat([part.assign(dataset=name) for part, name in excluded]),
        dataset.real_people or other.real_people,
    )


def _without_idle_balance(settings: DictConfig) -> DictConfig:
    """The settings without `jointly` where that is the feature itself, whose groups have their shares already."""
    idle = [part for part in ("pool", "entrants") if settings[part].jointly == settings.pool.feature]
    if idle:
        settings = copy.deepcopy(settings)  # whole, since a mitigation may refer to pool.jointly
        for part in idle:
            settings[part].jointly = None
    return settings


def _balanced_by(manifest: pd.DataFrame, part: str, jointly: str | None, name: str) -> None:
    """Raises InputError unless the manifest has the labels that the draw is balanced by."""
    if jointly is not None and (jointly not in manifest or manifest[jointly].isna().all()):
        raise InputError(
            f"{part}.jointly={jointly!r}: the data set {name} has no such labels; it has "
            f"{listed(manifest.columns)}. {part}.jointly=null balances nothing within the groups"
        )


def _known_groups(manifest: pd.DataFrame, feature: str, groups: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of a known group, of `groups` only unless None; and item, reason, detail of the others."""
    if feature not in manifest or manifest[feature].isna().all():
        raise InputError(
            f"pool.feature={feature!r}: the data set has no such labels; {listed(manifest.columns)}"
        )
    labelled = manifest[feature].notna()
    exclusions = [_excluded(manifest[~labelled], f"{feature} unknown", "")]
    kept = manifest[labelled]
    if groups is not None:
        unknown = sorted(set(groups) - set(kept[feature]))
        if unknown:
            raise InputError(
                f"pool.groups has {listed(unknown)}, but {feature} is one of {listed(sorted(set(kept[feature])))}"
            )
        chosen = kept[feature].isin(list(groups))
        exclusions.append(_excluded(kept[~chosen], "outside pool.groups", kept.loc[~chosen, feature]))
        kept = kept[chosen]
    return kept, pd.concat(exclusions, ignore_index=True)


def _excluded(rows: pd.DataFrame, reason: str, detail: str | pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"item": rows["image_id"], "reason": reason, "detail": detail}, dtype=str)


def _one_people(settings: DictConfig, dataset: Dataset, other: Dataset) -> bool:
    """Whether an id names the same person in both data sets: one folder read twice, or people rendered here."""
    roots = [part.get("root") for part in (settings.data, settings.entrants_data)]
    if roots == [None, None] and not (dataset.real_people or other.real_people):
        return True
    places = {root and resolved_root(root) for root in roots}
    return dataset.name == other.name and len(places) == 1


def _strangers_to(
    field: pd.DataFrame, source: pd.DataFrame, *, one: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of people who are not in `source`; and item, reason, detail of the others.

    one  ids mean the same in both; else two files of one name are two people, and only the pictures are compared
    """
    known = pd.Series("", index=field.index)
    for key in composition.IDENTITY if one else HASHES:
        if key in field and key in source:
            shared = field[key].isin(source[key].dropna()) & field[key].notna() & (known == "")
            known[shared] = f"the same {key}"
    there = known != ""
    return field[~there], _excluded(field[there], "also in the training data", known[there])


def _named_apart(field: pd.DataFrame, others: pd.DataFrame, name: str) -> pd.DataFrame:
    """Entrants whose ids begin with their data set's name, if those of other people in `others` are the same."""
    for key in ("image_id", "person_id"):
        if key in field and key in others and field[key].isin(others[key].dropna()).any():
            field = field.assign(**{key: f"{name}:" + field[key]})
    return field


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
    return composition.draw(field, setting.n, shares, feature=feature, rng=rng, jointly=setting.jointly)


def _shift_ratings(
    source: pd.DataFrame, dataset: Dataset, feature: str, shift: Mapping[str, float]
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The same planted shift on mean and single ratings of the source, kept inside the scale."""
    ratings = dataset.ratings
    if not shift:
        return source, ratings
    low, high = dataset.rating_range or (-np.inf, np.inf)
    unknown = sorted(set(shift) - set(source[feature]))
    if unknown:
        raise InputError(
            f"pool.rating_shift has {listed(unknown)}; groups: {listed(sorted(set(source[feature])))}"
        )
    delta = source[feature].map(shift).fillna(0.0).astype(float)
    if ratings is not None:
        group_of = source.set_index("image_id")[feature]
        of_single = ratings["image_id"].map(group_of).map(shift).fillna(0.0).astype(float)
        ratings = ratings.assign(rating=(ratings["rating"] + of_single).clip(low, high))
    return source.assign(rating=(source["rating"] + delta).clip(low, high)), ratings
