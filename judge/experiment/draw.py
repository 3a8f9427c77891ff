"""Who trains and who enters: pools and contestants drawn from data sets, apart from each other."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from judge.data import composition
from judge.data.dataset import Dataset
from judge.data.duplicates import HASHES
from judge.data.groups import Groups
from judge.errors import InputError, listed
from judge.experiment.calibration import calibration_people, refit_people
from judge.experiment.conditions import Condition
from judge.experiment.settings import DataSource, Entrants, Experiment, Pool

log = logging.getLogger("judge")


@dataclass(frozen=True)
class Drawn:
    """Who trains and who enters.

    pools         condition → manifest of its pool, all of one n; a condition that uses another's judge has its pool
    groups        of the sensitive feature, as the source has them
    source        manifest that pools are drawn from, its ratings shifted as theirs
    entrants      manifest, nobody of the source
    calibration   manifest of people who neither train nor enter, or None where no method asks for them
    refit         others like them, all rated, or None where no method asks for them
    ratings       single ratings of pool pictures, or None
    rating_range  (lowest, highest) possible rating of the pools, or None
    one_scale     whether entrants are rated on the scale on which the judges learn to score
    excluded      what the data sets exclude, and what the settings leave out: item, reason, detail, dataset
    """

    pools: Mapping[str, pd.DataFrame]
    groups: Groups
    source: pd.DataFrame
    entrants: pd.DataFrame
    calibration: pd.DataFrame | None
    refit: pd.DataFrame | None
    ratings: pd.DataFrame | None
    rating_range: tuple[float, float] | None
    one_scale: bool
    excluded: pd.DataFrame
    real_people: bool

    def ratings_for(self, condition: str) -> pd.DataFrame | None:
        """Single ratings as this condition's judge learns them.

        Where its method has changed a picture's mean rating, its single ratings move by as much, inside the scale.
        """
        if self.ratings is None:
            return None
        pool = self.pools[condition].drop_duplicates("image_id").set_index("image_id")["rating"]
        moved = pool - self.source.drop_duplicates("image_id").set_index("image_id")["rating"].reindex(
            pool.index
        )
        moved = moved[moved.abs() > 0]
        if moved.empty:
            return self.ratings
        low, high = self.rating_range or (-np.inf, np.inf)
        by = self.ratings["image_id"].map(moved).fillna(0.0)
        return self.ratings.assign(rating=(self.ratings["rating"] + by).clip(low, high))

    @property
    def entrants_rated(self) -> bool:
        """Whether some entrant has a rating on the scale on which the judges learn to score."""
        return self.one_scale and bool(self.entrants["rating"].notna().any())


@dataclass(frozen=True)
class Learners:
    """Who trains, and what drawing the entrants goes on from: half of a draw.

    held_out  people of the data set who were held out for the contest
    source, groups, pools, ratings   as in Drawn
    excluded  (item, reason, detail; name of the data set)
    rng       of the contest, as the division left it
    """

    dataset: Dataset
    held_out: pd.DataFrame
    source: pd.DataFrame
    groups: Groups
    pools: Mapping[str, pd.DataFrame]
    ratings: pd.DataFrame | None
    excluded: tuple[tuple[pd.DataFrame, str], ...]
    rng: np.random.Generator


def draw(experiment: Experiment) -> Drawn:
    """The pools of all conditions and the entrants, from the data sets named in the settings.

    Raises InputError for an unknown feature or group, for too few pictures, and if an entrant is in a pool.
    """
    return draw_entrants(experiment, draw_pools(experiment))


def draw_pools(experiment: Experiment) -> Learners:
    """The first half of a draw. Raises InputError as `draw`."""
    pool, entering = experiment.pool, experiment.entrants
    dataset = experiment.data.read()
    if dataset.manifest["rating"].isna().all():
        raise InputError(
            f"the data set {dataset.name} has no ratings, so no judge can be trained on it; its people can enter the "
            "contest of judges trained on another: data@entrants_data=NAME beside data=OTHER"
        )
    rng = np.random.default_rng([experiment.seed, 0])
    contest_rng = np.random.default_rng([entering.seed, 1])
    feature = pool.feature
    everyone, left_out = _known_groups(dataset.manifest, feature, pool.groups)
    source, held_out = composition.hold_out(everyone, entering.held_out, rng=contest_rng)
    source = source[source["rating"].notna()]
    _balanced_by(source, "pool", pool.jointly, dataset.name)
    # before any method of a condition: it has to meet the ratings that it is to mend
    source, ratings = _shift_ratings(source, dataset, feature, dict(pool.rating_shift or {}))
    groups = Groups.of(source, feature)
    first = composition.draw(
        source, pool.n, _pool_shares(pool, groups.names), feature=feature, rng=rng, jointly=pool.jointly
    )
    pools = _pools(experiment.conditions, first, source, ratings, feature, rng, dataset)
    excluded = ((dataset.excluded, dataset.name), (left_out, dataset.name))
    return Learners(dataset, held_out, source, groups, pools, ratings, excluded, contest_rng)


def draw_entrants(experiment: Experiment, learners: Learners) -> Drawn:
    """The second half: who enters, and who neither trains nor enters. Raises InputError as `draw`."""
    pool, entering, feature = experiment.pool, experiment.entrants, experiment.pool.feature
    dataset, source, pools = learners.dataset, learners.source, learners.pools
    contest_rng = copy.deepcopy(learners.rng)
    excluded = [*learners.excluded]
    shift = dict(pool.rating_shift or {})
    if experiment.entrants_data is None:
        other, field = dataset, learners.held_out
    else:
        other = experiment.entrants_data.read()
        field, left_out = _known_groups(other.manifest, feature, None)
        one = _one_people(experiment.data, dataset, experiment.entrants_data, other)
        field, known = _strangers_to(field, source, one=one)
        field = field if one else _named_apart(field, dataset.manifest, other.name)
        excluded += [(part, other.name) for part in (other.excluded, left_out, known)]
    _balanced_by(field, "entrants", entering.jointly, other.name)
    entrants = _draw_entrants(entering, field, feature, contest_rng)
    for drawn in pools.values():
        composition.check_disjoint(drawn, entrants)
    # a head is fitted to their ratings, so these are to be on the pool's scale
    one_scale = other.rating_range == dataset.rating_range
    rated = field if one_scale else field[:0]
    refit = refit_people(experiment, pools, source, rated, entrants)
    calibration = calibration_people(experiment, pools, source, field, entrants, refit)
    return Drawn(
        pools,
        learners.groups,
        source,
        entrants,
        # points of one scale mean nothing on another
        _rated_alike(calibration, source, feature, shift if one_scale else {}, dataset.rating_range),
        _rated_alike(refit, source, feature, shift, dataset.rating_range),
        learners.ratings,
        dataset.rating_range,
        one_scale,
        pd.concat([part.assign(dataset=name) for part, name in excluded]),
        dataset.real_people or other.real_people,
    )


def _rated_alike(
    people: pd.DataFrame | None,
    source: pd.DataFrame,
    feature: str,
    shift: Mapping[str, float],
    rating_range: tuple[float, float] | None,
) -> pd.DataFrame | None:
    """People who neither train nor enter, as the raters of the pool would have rated them: with the planted shift.

    Those who come from the source have it already. Otherwise a cure would learn from raters without prejudice.
    """
    if people is None or not shift or people["rating"].isna().all():
        return people
    low, high = rating_range or (-np.inf, np.inf)
    by = people[feature].map(shift).astype(float).fillna(0.0)
    by[people["image_id"].isin(source["image_id"])] = 0.0
    return people.assign(rating=(people["rating"] + by).clip(low, high))


def make_pictures(experiment: Experiment, drawn: Drawn) -> None:
    """Draws the pictures of people who do not exist and are wanted: of the pools, the contest, reference sets."""
    wanted = [*drawn.pools.values(), drawn.entrants]
    wanted += [people for people in (drawn.calibration, drawn.refit) if people is not None]
    if experiment.jury is not None:
        wanted.append(drawn.source)  # reference sets are chosen among all of it
    paths = set(pd.concat([part["path"] for part in wanted]))
    for data in filter(None, (experiment.data, experiment.entrants_data)):
        dataset = data.read()
        if dataset.make_pictures is not None:
            dataset.make_pictures(dataset.manifest[dataset.manifest["path"].isin(paths)])


def _pools(
    conditions: Mapping[str, Condition],
    first: pd.DataFrame,
    source: pd.DataFrame,
    ratings: pd.DataFrame | None,
    feature: str,
    rng: np.random.Generator,
    dataset: Dataset,
) -> dict[str, pd.DataFrame]:
    """Each condition's pool, all of one n but for those of methods with a size of their own (`own_size`).

    Every method begins at the random state that the draw of the pool left behind: what one condition draws does not
    depend on which others there are, and methods are compared with common random numbers.
    """
    free = {name for name, c in conditions.items() if getattr(c.pool, "own_size", False)}
    own, states = _changed(conditions, first, source, ratings, feature, rng, dataset)
    before, after = len(first), min(len(pool) for name, pool in own.items() if name not in free)
    if after < before:
        short = [name for name, pool in own.items() if len(pool) == after and name not in free]
        # cut before the others change it: weights and repeats are then those of the pool that is trained on
        both = {short[0]: own[short[0]], "": first}
        cut = composition.equal_n(both, feature=feature, rngs={short[0]: states[short[0]], "": rng})[""]
        rest = {name: condition for name, condition in conditions.items() if name not in short}
        own |= _changed(rest, cut, source, ratings, feature, rng, dataset)[0]
        log.warning(
            "%s leaves %d pictures, so every pool of this run is cut from %d to %d",
            ", ".join(short), after, before, after,
        )  # fmt: skip
    pools = {name: pool.reset_index(drop=True) for name, pool in own.items() if name in free}
    pools |= composition.equal_n(
        {name: pool for name, pool in own.items() if name not in free}, feature=feature, rngs=states
    )
    return {name: pools[trainer_of(conditions, name)] for name in conditions}


def _changed(
    conditions: Mapping[str, Condition],
    pool: pd.DataFrame,
    source: pd.DataFrame,
    ratings: pd.DataFrame | None,
    feature: str,
    rng: np.random.Generator,
    dataset: Dataset,
) -> tuple[dict[str, pd.DataFrame], dict[str, np.random.Generator]]:
    """The pool as each condition that trains changes it, and the random state that its method left."""
    own: dict[str, pd.DataFrame] = {}
    states = {}
    for name, condition in conditions.items():
        if condition.trained_as is None:
            states[name] = copy.deepcopy(rng)
            method = condition.pool
            # a condition that changes no pool has the baseline's, which comes first
            unchanged = next(iter(own.values())) if own else pool
            more: dict[str, Any] = {"ratings": ratings} if getattr(method, "reads_ratings", False) else {}
            if getattr(method, "reads_pictures", False):
                if dataset.make_pictures is not None:
                    dataset.make_pictures(dataset.manifest[dataset.manifest["path"].isin(pool["path"])])
                more["facts"] = {
                    "data": dataset.name,
                    "real_people": dataset.real_people,
                    "rating_range": dataset.rating_range,
                }
            own[name] = (
                method(pool, source, feature=feature, rng=states[name], **more) if method else unchanged
            )
    return own, states


def trainer_of(conditions: Mapping[str, Condition], name: str) -> str:
    """The condition whose pool and training stand behind the judge of `name`."""
    while (other := conditions[name].trained_as) is not None:
        name = other
    return name


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
    manifest = manifest.assign(**{feature: _as_text(manifest[feature])})
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


def _as_text(values: pd.Series) -> pd.Series:
    """Names of groups, however they are kept: 1, 1.0 and "1" are one."""
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if number and values.dropna().mod(1).eq(0).all():
        values = values.astype("Int64")
    return values.astype("str").where(values.notna())


def _excluded(rows: pd.DataFrame, reason: str, detail: str | pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"item": rows["image_id"], "reason": reason, "detail": detail}, dtype=str)


def _one_people(where: DataSource, dataset: Dataset, elsewhere: DataSource, other: Dataset) -> bool:
    """Whether an id names the same person in both data sets: one folder read twice, or people rendered here."""
    roots = [where.root, elsewhere.root]
    if roots == [None, None] and not (dataset.real_people or other.real_people):
        return True
    return dataset.name == other.name and len(set(roots)) == 1


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


def _pool_shares(pool: Pool, groups: Sequence[str]) -> dict[str, float]:
    if pool.shares is not None:
        return {str(group): float(share) for group, share in pool.shares.items()}
    return composition.majority_shares(groups, pool.majority, pool.majority_share)


def _draw_entrants(
    setting: Entrants, field: pd.DataFrame, feature: str, rng: np.random.Generator
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
