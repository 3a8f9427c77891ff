"""The only composer: draw → train → score → contest → audit, skewed and rebalanced, side by side."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from judge import config
from judge.contest import ContestResult
from judge.data import composition
from judge.data.dataset import Dataset
from judge.errors import InputError, listed
from judge.fairness.audit import audit
from judge.rundir import RunDir, command_line, environment, read_json, write_json

if TYPE_CHECKING:
    from judge.deliberation import Jury

log = logging.getLogger("judge")
CONDITIONS = ("skewed", "rebalanced")


def run(settings: DictConfig, folder: Path) -> dict[str, Any]:
    """One run, in `folder`: both conditions on one seed. Returns the summary that done.json holds.

    A finished folder is left as it is; a killed run goes on: each condition's training resumes from its last
    checkpoint and each finished condition's scores are read back.
    """
    config.check(settings)
    home = RunDir(folder)
    digest = config.settings_hash(settings)
    if home.claim(digest, OmegaConf.to_yaml(settings, resolve=True)):
        log.info("finished before with these settings")
        done = home.done
        assert done is not None
        return done
    started = time.time()
    seeds = {"seed": settings.seed, "entrants.seed": settings.entrants.seed}
    write_json(home / "environment.json", {**environment(seeds), "command": command_line()})
    if settings.threads:
        import torch

        torch.set_num_threads(settings.threads)

    cast = draw(settings)
    log.info("pool %d · entrants %d · seed %d", len(cast.pools["skewed"]), len(cast.entrants), settings.seed)
    jury = _jury(settings, cast)
    parts = {name: _condition(settings, home, cast, name, jury) for name in CONDITIONS}
    if "truth" in cast.entrants and cast.entrants["truth"].notna().all():
        parts["truth"] = _truth(settings, cast)
    tables = {
        "manifest": _all_pictures(cast),
        "rejected": cast.rejected,
        **{
            table: _stacked({name: part[table] for name, part in parts.items()})
            for table in ("scores", "ranking", "audit", "brackets", "refused")
        },
    }
    home.write_tables(**tables)
    summary = _summary(settings, cast, tables)
    if settings.report.page:
        from judge.report.run_report import write_run_report

        plain = OmegaConf.to_container(settings, resolve=True)
        faces = settings.report.show_faces or not cast.real_people
        write_run_report(folder, tables, plain, read_json(home / "environment.json"), show_faces=faces)
    home.finish(digest, started, summary)
    return summary


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


def draw(settings: DictConfig) -> Cast:
    """Both pools and the entrants, from the data sets named in the settings.

    Raises InputError for an unknown feature or group, for too few pictures, and if an entrant is in a pool.
    """
    pool = settings.pool
    dataset: Dataset = instantiate(settings.data)
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
        other: Dataset = instantiate(settings.entrants_data)
        rejected.append(other.rejected.assign(dataset=other.name))
        field, real_people = other.manifest, dataset.real_people or other.real_people
        field = _known_groups(field, feature, None)
        field = _strangers_to(field, source)
    entrants = _draw_entrants(settings.entrants, field, feature, contest_rng)
    for drawn in pools.values():
        composition.check_disjoint(drawn, entrants)
    ratings = dataset.ratings
    shift = dict(pool.rating_shift)
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


def _jury(settings: DictConfig, cast: Cast) -> Jury | None:
    """The gate and the robots, after their one look at every picture; None where the network judges alone."""
    if settings.jury is None or not settings.jury.robots:
        return None
    from judge.deliberation import Jury

    return Jury(
        settings.jury,
        cast.pools,
        cast.source,
        cast.entrants,
        feature=settings.pool.feature,
        seed=settings.seed,
    )


def _condition(
    settings: DictConfig, home: RunDir, cast: Cast, name: str, jury: Jury | None
) -> dict[str, pd.DataFrame]:
    """Trains, scores, ranks and audits one condition."""
    scores, unreadable = _scores(settings, cast, name, home / "judges" / name)
    refused = [unreadable]
    entrants, final = cast.entrants, scores
    if jury is not None:
        admitted, refusals = jury.admitted()
        first = refusals[refusals["first"].astype(bool)]
        refused.insert(0, first.assign(reason="gate: " + first["rule"])[["image_id", "reason"]])
        entrants = entrants[entrants["image_id"].isin(admitted)]
        scores = jury.scores(name, scores)
        final = scores[scores["judge"] == "panel"]
    parts = _contest(settings, entrants, final[["image_id", "score"]])
    refused.append(parts["refused"])
    return {
        **parts,
        "scores": scores,
        "refused": pd.concat(refused, ignore_index=True).drop_duplicates("image_id"),
    }


def _truth(settings: DictConfig, cast: Cast) -> dict[str, pd.DataFrame]:
    """The contest as the known truth would decide it; rendered people have one, photographs do not."""
    scores = cast.entrants[["image_id", "truth"]].rename(columns={"truth": "score"})
    parts = _contest(settings, cast.entrants, scores)
    return {**parts, "scores": scores.assign(judge="truth", seed=settings.seed)}


def _contest(settings: DictConfig, entrants: pd.DataFrame, scores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    contest: Callable[..., ContestResult] = instantiate(settings.contest)
    result = contest(scores, cast.entrants)
    table = result.ranking.merge(
        cast.entrants.drop(columns=["score", "rank"], errors="ignore"), on="image_id"
    )
    feature = settings.pool.feature
    numbers = audit(
        table,
        features=[feature],
        score="score",
        winner="winner",
        brackets=["bracket"],
        reference=_reference(settings, table[feature]),
        rating="rating" if table["rating"].notna().any() else None,
        confidence=settings.audit.confidence,
        n_boot=settings.audit.n_boot,
        seed=settings.seed,
    )
    return {
        "ranking": result.ranking,
        "audit": numbers,
        "brackets": result.brackets,
        "refused": result.refused,
    }


def _reference(settings: DictConfig, groups: pd.Series) -> str | None:
    """The group that ratios refer to: as set, else the pool's majority if it entered, else all others."""
    present = sorted(set(groups))
    wanted = settings.audit.reference
    if wanted is not None and wanted not in present:
        raise InputError(
            f"audit.reference={wanted!r}: nobody of that group entered; groups: {listed(present)}"
        )
    if wanted is None and settings.pool.majority in present:
        return settings.pool.majority
    return wanted


def _scores(settings: DictConfig, cast: Cast, name: str, workdir: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """SCORES table of the entrants and (image_id, reason) of pictures that no judge could read.

    Both are kept in `workdir`, so that a run killed later does not train again.
    """
    kept = RunDir(workdir)
    if (kept / "scores.parquet").is_file() and (kept / "unreadable.parquet").is_file():
        return kept.table("scores"), kept.table("unreadable")
    train, validation = _split(cast.pools[name], settings)
    log.info("training on the %s pool", name)
    judge = instantiate(settings.judge)
    judge.fit(
        train,
        validation,
        ratings=cast.ratings,
        rating_range=cast.rating_range,
        seed=settings.seed,
        workdir=workdir,
    )
    scores, broken = judge.score(cast.entrants)
    if settings.save_judges:
        judge.save(workdir)
    scores = scores.assign(judge="beauty", seed=settings.seed)[["image_id", "judge", "seed", "score"]]
    unreadable = broken.rename(columns={"item": "image_id"})[["image_id", "reason"]]
    kept.write_tables(scores=scores, unreadable=unreadable)
    for state in set(workdir.glob("*.safetensors")) - {workdir / "model.safetensors"}:
        state.unlink()  # the training is over; its checkpoints are not the judge
    return scores, unreadable


def _split(pool: pd.DataFrame, settings: DictConfig) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and validation part, divided by picture, so that a resampled copy is never in both."""
    ids = np.sort(pool["image_id"].unique())
    rng = np.random.default_rng([settings.seed, 2])
    chosen = rng.permutation(ids)[: max(1, round(settings.pool.validation * len(ids)))]
    inside = pool["image_id"].isin(chosen)
    return pool[~inside].reset_index(drop=True), pool[inside].reset_index(drop=True)


def _all_pictures(cast: Cast) -> pd.DataFrame:
    parts = [pool.assign(condition=name, role="pool") for name, pool in cast.pools.items()]
    parts.append(cast.entrants.assign(condition="both", role="entrant"))
    return pd.concat(parts, ignore_index=True)


def _stacked(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([part.assign(condition=name) for name, part in parts.items()], ignore_index=True)


def _summary(settings: DictConfig, cast: Cast, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """What `judge compare` needs to know of a run besides its tables."""
    feature = settings.pool.feature
    shares = {
        name: pool[feature].value_counts(normalize=True).round(6).to_dict()
        for name, pool in cast.pools.items()
    }
    return {
        "name": settings.name,
        "seed": settings.seed,
        "feature": feature,
        "majority": settings.pool.majority,
        "reference": _reference(settings, cast.entrants[feature]),
        "pool_n": {name: len(pool) for name, pool in cast.pools.items()},
        "pool_shares": shares,
        "majority_share": settings.pool.majority_share if settings.pool.shares is None else None,
        "rating_shift": dict(settings.pool.rating_shift),
        "entrants": len(cast.entrants),
        "refused": len(tables["refused"]),
        "real_people": cast.real_people,
    }
