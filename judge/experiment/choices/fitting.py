"""Sizes and groups that fit the people: what `auto` becomes, and what is proposed where something does not fit.

All that limits a size (shares of the pool, methods of conditions, people whom a refit or a calibration needs, probes)
is asked at once, by drawing: a proposal has been drawn before it is made.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig, open_dict, read_write

from judge.data import composition
from judge.data.brackets import bracket_columns
from judge.data.tables import SENSITIVE_FEATURES
from judge.errors import InputError, listed
from judge.experiment import outcome
from judge.experiment.draw import Drawn, Learners, draw, draw_entrants, draw_pools
from judge.experiment.records import check_probes
from judge.experiment.run_folder import RunDir
from judge.experiment.settings import AUTO, LEAST_POOL, USUAL, Entrants, Experiment, Pool, unpack
from judge.experiment.trainings import Trainings

log = logging.getLogger("judge")
#: A group of fewer rated people is left out by pool.groups=auto, and fewer entrants are not proposed.
LEAST_GROUP, LEAST_ENTRANTS = 20, 10
#: People of each gender in each group from which pool.jointly=auto balances by gender.
LEAST_CELL = 10
#: The majority of 2016, where the people have such a group.
OF_2016 = ("caucasian", "white")
#: Of what one division of the people allows, so that another seed's allows it too.
MARGIN = 0.95
#: Majority shares that a pool of an automatic size allows, besides equal ones.
WIDEST = 0.99
HELD_OUT = (0.5, 0.3, 0.6, 0.2)


def fitted(settings: DictConfig) -> Experiment:
    """The settings unpacked, each `auto` replaced by what fits the people, which is said.

    The data set is read, and nothing rendered, where something is `auto`. Raises InputError as `unpack` does, and where
    nothing fits.
    """
    asked = unpack(settings)
    wanted = {(part, key): getattr(getattr(asked, part), key) for part, keys in USUAL.items() for key in keys}
    if not any(value == AUTO for value in wanted.values()):
        return asked
    settings = copy.deepcopy(settings)
    chosen: dict[str, Any] = {}

    def choose(part: str, key: str, value: Any) -> None:
        with read_write(settings), open_dict(settings):
            settings[part][key] = value
        if value != USUAL[part][key]:
            chosen[f"{part}.{key}"] = value

    people = asked.data.read().manifest
    rated = people[people["rating"].notna()]
    others = None if asked.entrants_data is None else asked.entrants_data.read().manifest
    pool = asked.pool
    if pool.feature == AUTO:
        choose("pool", "feature", _feature(people, others))
    feature = settings.pool.feature
    if feature in rated and pool.groups == AUTO:
        choose("pool", "groups", _groups(rated[feature], pool))
    if settings.pool.groups == AUTO:
        choose("pool", "groups", None)
    if feature in rated and settings.pool.groups is not None:
        rated = rated[rated[feature].astype("str").isin(list(settings.pool.groups))]
    if pool.majority == AUTO:
        choose("pool", "majority", _majority(rated, feature))
    if pool.jointly == AUTO:
        choose("pool", "jointly", _jointly(rated, feature))
    entering = people if others is None else others
    if asked.contest.brackets and not bracket_columns(entering, asked.contest.brackets):
        with read_write(settings), open_dict(settings):
            settings.contest.brackets = []
        chosen["contest.brackets"] = []
    sizes = {"pool.n": pool.n, "entrants.n": asked.entrants.n}
    if AUTO in sizes.values():
        with read_write(settings):
            settings.pool.n = USUAL["pool"]["n"] if pool.n == AUTO else pool.n
            settings.entrants.n = USUAL["entrants"]["n"] if asked.entrants.n == AUTO else asked.entrants.n
        found = _sizes(unpack(settings), sizes)
        if pool.n == AUTO:
            choose("pool", "n", found[0])
        if asked.entrants.n == AUTO:
            choose("entrants", "n", found[1])
    if chosen:
        log.info(
            "chosen for these people: %s", " ".join(f"{key}={_told(value)}" for key, value in chosen.items())
        )
    return unpack(settings)


def checked_draw(experiment: Experiment) -> Drawn:
    """The draw, with all that is refused before any training: rankings, the reference, probes.

    Raises InputError; where other sizes would do, it names one set of them, which has been drawn.
    """
    try:
        drawn = draw(experiment)
        _check(experiment, drawn)
    except InputError as error:
        other = _proposal(experiment)
        if other is None:
            raise
        raise InputError(f"{error}. What fits all at once: {other}") from error
    _tell_of_places(experiment, drawn)
    return drawn


def field_of(experiment: Experiment, drawn: Drawn) -> outcome.Field:
    """Everybody who enters, and what a contest over them is audited by.

    Raises InputError for a wrong reference, and for a ranking that does not fit those who enter.
    """
    for name, condition in experiment.conditions.items():
        if hasattr(condition.ranking, "check"):
            try:
                condition.ranking.check(drawn.entrants, feature=experiment.pool.feature)
            except InputError as error:
                raise InputError(f"conditions.{name}.ranking: {error}") from error
    groups = drawn.entrants[experiment.pool.feature]
    reference = outcome.reference_group(experiment.audit.reference, experiment.pool.majority, groups)
    return outcome.Field(
        drawn.entrants,
        experiment.pool.feature,
        reference,
        experiment.audit.confidence,
        experiment.audit.n_permutations,
        experiment.seed,
    )


def _check(experiment: Experiment, drawn: Drawn) -> None:
    field_of(experiment, drawn)
    wanted = experiment.contest.brackets
    if wanted and not bracket_columns(drawn.entrants, wanted):
        raise InputError(
            f"contest.brackets={_told(list(wanted))}: nobody who enters has one of these labels; contest.brackets=[] "
            "holds one contest for all"
        )
    check_probes(experiment, drawn)
    Trainings(experiment, drawn, RunDir(Path()))  # its checks; the working folder holds no training


def _feature(people: pd.DataFrame, others: pd.DataFrame | None) -> str:
    tables = [people] if others is None else [people, others]
    for feature in SENSITIVE_FEATURES:
        if all(feature in table and table[feature].nunique() > 1 for table in tables[:1]) and all(
            feature in table and table[feature].notna().any() for table in tables
        ):
            return feature
    raise InputError(
        f"pool.feature=auto: nobody's group is known: the people have no two groups of {listed(SENSITIVE_FEATURES)}. "
        "Name a column, pool.feature=COLUMN, or map one to ethnicity: judge data folder --set columns.ethnicity=COLUMN"
    )


def _groups(labels: pd.Series, pool: Pool) -> list[str] | None:
    """Groups that are large enough to be drawn from, and those that another setting names; None: all are."""
    sizes = labels.dropna().astype("str").value_counts()
    named = {str(group) for told in (pool.shares, pool.rating_shift) for group in told or {}} | {
        pool.majority
    }
    kept = sorted(group for group in sizes.index if sizes[group] >= LEAST_GROUP or group in named)
    return None if len(kept) == len(sizes) or len(kept) < 2 else kept


def _majority(rated: pd.DataFrame, feature: str) -> str:
    if feature not in rated or rated[feature].isna().all():
        return str(USUAL["pool"]["majority"])  # refused where the people are drawn, which says what there is
    sizes = rated[feature].dropna().astype("str").value_counts()
    return next(
        (group for group in sizes.index if group.casefold() in OF_2016),
        str(sizes[sizes == sizes.max()].sort_index().index[0]),
    )


def _jointly(rated: pd.DataFrame, feature: str) -> str | None:
    wanted = str(USUAL["pool"]["jointly"])
    if feature == wanted or wanted not in rated or feature not in rated or rated[wanted].isna().all():
        return None
    cells = pd.crosstab(rated[feature], rated[wanted])
    return wanted if cells.to_numpy().min() >= LEAST_CELL else None


def _sizes(experiment: Experiment, wanted: Mapping[str, Any]) -> tuple[int, int | None]:
    """(pool.n, entrants.n) that fit, the `auto` ones of `wanted` at most the usual size.

    The same for all seeds and shares of a sweep, as far as the people allow it: a seed of its own divides them, and a
    share of them is left over.
    """
    usual = (experiment.pool.n, experiment.entrants.n)
    if _fits(experiment, *usual, at_every_share=wanted["pool.n"] == AUTO):
        return usual
    neutral = replace(experiment, seed=0, entrants=replace(experiment.entrants, seed=0))
    for one, margin in ((neutral, MARGIN), (experiment, 1.0)):
        found = _largest(one, wanted, margin=margin, at_every_share=wanted["pool.n"] == AUTO)
        if found is not None and _fits(experiment, *found):
            return found
    checked_draw(experiment)  # says what does not fit, and what would
    return usual


def _largest(
    experiment: Experiment, wanted: Mapping[str, Any], *, margin: float = 1.0, at_every_share: bool = False
) -> tuple[int, int | None] | None:
    """The largest pool, and for it the most entrants, up to the sizes of the experiment; those not `auto` stay."""
    learners: dict[int, Learners | None] = {}

    def pools(n: int) -> Learners | None:
        if n not in learners:
            learners[n] = _drawn_pools(experiment, n, at_every_share=at_every_share)
        return learners[n]

    def entering(n: int, pool_n: int) -> bool:
        known = pools(pool_n)
        return known is not None and _enters(experiment, known, pool_n, n)

    def shrunk(n: int, least: int, usual: int) -> int:
        return n if n == usual else max(least, int(margin * n))

    people = len(experiment.data.read().manifest)
    most = experiment.entrants.n
    # nobody is looked for among more pictures than there are
    top = min(experiment.pool.n, people) if wanted["pool.n"] == AUTO else experiment.pool.n
    if wanted["entrants.n"] == AUTO and experiment.entrants_data is None and most is not None:
        most = min(most, people)
    pool_n: int | None = top
    if wanted["pool.n"] == AUTO:
        pool_n = _bisected(lambda n: pools(n) is not None, LEAST_POOL, top)
        if pool_n is None:
            return None
        pool_n = shrunk(pool_n, LEAST_POOL, top)
    tried = [pool_n] if wanted["pool.n"] != AUTO else [pool_n, *(pool_n * k // 4 for k in (3, 2, 1))]
    for n in tried:
        if n < LEAST_POOL or pools(n) is None:
            continue
        if wanted["entrants.n"] != AUTO:
            if _enters(experiment, pools(n), n, most):
                return n, most
            continue
        limit = most or USUAL["entrants"]["n"]
        many = _bisected(lambda m, n=n: entering(m, n), min(LEAST_ENTRANTS, limit), limit)
        if many is not None:
            return n, shrunk(many, LEAST_ENTRANTS, limit)
    return None


def _bisected(fits: Callable[[int], bool], least: int, most: int) -> int | None:
    """The largest number from `least` to `most` that fits, where all below one that fits do; None: not even `least`."""
    if fits(most):
        return most
    if not fits(least):
        return None
    low, high = least, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _fits(experiment: Experiment, n: int, entrants: int | None, *, at_every_share: bool = False) -> bool:
    learners = _drawn_pools(experiment, n, at_every_share=at_every_share)
    return learners is not None and _enters(experiment, learners, n, entrants)


def _drawn_pools(experiment: Experiment, n: int, *, at_every_share: bool) -> Learners | None:
    # a method that reads pictures would render them, and one that trains a generator would train it
    conditions = {
        name: replace(c, pool=None) if getattr(c.pool, "reads_pictures", False) else c
        for name, c in experiment.conditions.items()
    }
    pool = replace(experiment.pool, n=n)
    quiet = log.level
    log.setLevel(logging.ERROR)
    try:
        learners = draw_pools(replace(experiment, conditions=conditions, pool=pool))
        if at_every_share and pool.shares is None:
            names = learners.groups.names
            for share in (1 / len(names), WIDEST):
                shares = composition.majority_shares(names, pool.majority, share)
                composition.draw(
                    learners.source, n, shares, feature=pool.feature, jointly=pool.jointly,
                    rng=copy.deepcopy(learners.rng),
                )  # fmt: skip
    except InputError:
        return None
    finally:
        log.setLevel(quiet)
    return learners


def _enters(experiment: Experiment, learners: Learners | None, pool_n: int, n: int | None) -> bool:
    if learners is None:
        return False
    sized = replace(
        experiment, pool=replace(experiment.pool, n=pool_n), entrants=replace(experiment.entrants, n=n)
    )
    try:
        _check(sized, draw_entrants(sized, learners))
    except InputError:
        return False
    return True


def _proposal(experiment: Experiment) -> str | None:
    """Settings that would fit in place of those that do not, drawn before they are named; None: none were found."""
    pool, entrants = experiment.pool, experiment.entrants
    both = {"pool.n": AUTO, "entrants.n": AUTO if entrants.n is not None else None}
    for held_out in (entrants.held_out, *HELD_OUT):
        for groups in dict.fromkeys((None, _larger(experiment))):
            changed = replace(
                experiment,
                entrants=replace(entrants, held_out=held_out),
                pool=pool if groups is None else replace(pool, groups=list(groups)),
            )
            found = _largest(changed, both)
            if found is None:
                continue
            words = [f"pool.n={found[0]}", f"entrants.n={_told(found[1])}"]
            words += [f"entrants.held_out={held_out:g}"] if held_out != entrants.held_out else []
            words += [f"'pool.groups={_told(list(groups))}'"] if groups is not None else []
            return " ".join(words)
    return None


def _larger(experiment: Experiment) -> tuple[str, ...] | None:
    people = experiment.data.read().manifest
    feature = experiment.pool.feature
    if feature not in people or experiment.pool.groups is not None:
        return None
    kept = _groups(people.loc[people["rating"].notna(), feature], experiment.pool)
    return None if kept is None else tuple(kept)


def _tell_of_places(experiment: Experiment, drawn: Drawn) -> None:
    """Where most who enter win, little can be seen of who does not."""
    brackets = outcome.brackets_of(experiment.contest, drawn.entrants)
    places = int(brackets.value_counts().clip(upper=experiment.contest.places).sum())
    if 3 * places > len(drawn.entrants):
        few = max(1, len(drawn.entrants) // (6 * brackets.nunique()))
        log.warning(
            "%d of %d entrants win (%d places in each of %d brackets), so that little can be seen: contest.places=%d, "
            "or fewer brackets, contest.brackets=[gender]",
            places, len(drawn.entrants), experiment.contest.places, brackets.nunique(), few,
        )  # fmt: skip


def _told(value: Any) -> str:
    if value is None:
        return "null"
    return f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value)


assert {*USUAL["entrants"]} <= {*Entrants.__dataclass_fields__}
