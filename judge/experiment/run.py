"""The only composer: draw → train → score → contest → audit, skewed and rebalanced, side by side."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from judge.experiment import outcome
from judge.experiment import settings as config
from judge.experiment.draw import Cast, draw
from judge.experiment.run_folder import RunDir, command_line, environment, read_json, write_json, write_text

if TYPE_CHECKING:
    from judge.jury.deliberation import Jury

log = logging.getLogger("judge")
CONDITIONS = ("skewed", "rebalanced")


def run(settings: DictConfig, folder: Path) -> dict[str, Any]:
    """One run, in `folder`: both conditions on one seed. Returns the summary that done.json holds.

    A finished folder keeps its tables and gets what it lacks (a page, judges). A killed run goes on: each condition's
    training resumes from its last checkpoint and each finished condition's scores are read back.
    """
    config.check(settings)
    home = RunDir(folder)
    digest = config.settings_hash(settings)
    if home.claim(digest, OmegaConf.to_yaml(settings, resolve=True)):
        log.info("finished before with these settings")
        done = home.done
        assert done is not None
        _complete(settings, home, real_people=done["real_people"])
        return done
    started = time.time()
    seeds = {"seed": settings.seed, "entrants.seed": settings.entrants.seed}
    write_json(home / "environment.json", {**environment(seeds), "command": command_line()})
    _limit_threads(settings)
    cast = draw(settings)
    outcome.reference_of(
        settings, cast.entrants[settings.pool.feature]
    )  # a wrong one is refused before any training
    log.info("pool %d · entrants %d · seed %d", len(cast.pools["skewed"]), len(cast.entrants), settings.seed)
    jury = _jury(settings, cast)
    parts = {name: _condition(settings, home, cast, name, jury) for name in CONDITIONS}
    if "truth" in cast.entrants and cast.entrants["truth"].notna().all():
        parts["truth"] = _truth(settings, cast)
    tables = {
        "manifest": _all_pictures(cast),
        "excluded": pd.concat(
            [cast.excluded, *(part["excluded"] for part in parts.values() if "excluded" in part)]
        ),
        **{
            table: _stacked({name: part[table] for name, part in parts.items()})
            for table in ("scores", "ranking", "audit", "brackets", "refused")
        },
    }
    if jury is not None:
        tables |= jury.gate_tables(settings.pool.feature)
    home.write_tables(**tables)
    summary = _summary(settings, cast, tables)
    if settings.report.page:
        _write_page(settings, home, tables, real_people=cast.real_people)
    home.finish(digest, started, summary)
    return summary


def _limit_threads(settings: DictConfig) -> None:
    if settings.threads:
        import torch

        torch.set_num_threads(settings.threads)


def _write_page(
    settings: DictConfig, home: RunDir, tables: Mapping[str, pd.DataFrame], *, real_people: bool
) -> None:
    from judge.report.pages.run import write_run_report

    plain = OmegaConf.to_container(settings, resolve=True)
    faces = settings.report.show_faces or not real_people
    write_run_report(home.path, tables, plain, read_json(home / "environment.json"), show_faces=faces)


def _complete(settings: DictConfig, home: RunDir, *, real_people: bool) -> None:
    """What is asked for after a run has finished and is not there: its judges, its page."""
    if settings.save_judges:
        names = [name for name in CONDITIONS if not (home / "judges" / name / "judge.json").is_file()]
        if names:
            _train_again(settings, home, names)
    faces_then = OmegaConf.load(home / "settings.yaml").report.show_faces
    up_to_date = (home / "page.html").is_file() and faces_then == settings.report.show_faces
    if settings.report.page and not up_to_date:
        tables = {path.stem: home.table(path.stem) for path in sorted(home.path.glob("*.parquet"))}
        _write_page(settings, home, tables, real_people=real_people)
        write_text(home / "settings.yaml", OmegaConf.to_yaml(settings, resolve=True))


def _train_again(settings: DictConfig, home: RunDir, names: list[str]) -> None:
    """Judges that a finished run did not keep; its tables stay, and a difference from their scores is told."""
    _limit_threads(settings)
    cast = draw(settings)
    told = home.table("scores").query("judge == 'beauty'")
    for name in names:
        workdir = home / "judges" / name
        (workdir / "scores.parquet").unlink(missing_ok=True)
        scores, *_ = _scores(settings, cast, name, workdir)
        both = scores.merge(told[told["condition"] == name], on="image_id")
        apart = float((both["score_x"] - both["score_y"]).abs().max())
        if apart > 1e-3:
            log.warning("%s, trained again, scores up to %.3g apart from the run's tables", name, apart)


def _jury(settings: DictConfig, cast: Cast) -> Jury | None:
    """The gate and the robots, after their one look at every picture; None where the network judges alone."""
    if settings.jury is None or not (settings.jury.robots or settings.jury.get("gate")):
        return None
    from judge.jury.deliberation import Jury

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
    scores, unreadable, excluded = _scores(settings, cast, name, home / "judges" / name)
    refused = [unreadable]
    admitted, final = cast.entrants, scores
    if jury is not None:
        ids, refusals = jury.admitted()
        first = refusals[refusals["first"].astype(bool)]
        refused.insert(0, first.assign(reason="gate: " + first["rule"])[["image_id", "reason"]])
        admitted = cast.entrants[cast.entrants["image_id"].isin(ids)]
        scores = jury.scores(name, scores)
        final = scores[scores["judge"] == "panel"]
    # a panel's score is no estimate of a rating, and neither is one on another data set's scale: they have no errors
    parts = outcome.hold(
        settings,
        cast,
        admitted,
        final[["image_id", "score"]],
        errors=jury is None and outcome.one_scale(settings),
    )
    refused.append(parts["refused"])
    return {
        **parts,
        "scores": scores,
        "excluded": excluded.assign(dataset=f"training, {name}"),
        "refused": pd.concat(refused, ignore_index=True).drop_duplicates("image_id"),
    }


def _truth(settings: DictConfig, cast: Cast) -> dict[str, pd.DataFrame]:
    """The contest as the known truth would decide it; rendered people have one, photographs do not."""
    scores = cast.entrants[["image_id", "truth"]].rename(columns={"truth": "score"})
    # the truth is no estimate of a rating, so it has no errors
    parts = outcome.hold(settings, cast, cast.entrants, scores, errors=False)
    return {**parts, "scores": scores.assign(judge="truth", seed=settings.seed)}


def _scores(
    settings: DictConfig, cast: Cast, name: str, workdir: Path
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """SCORES table of the entrants, (image_id, reason) of entrants and (item, reason, detail) of training pictures

    that the judge could not read. They are kept in `workdir`, so that a run killed later does not train again.
    """
    kept = RunDir(workdir)
    names = ("scores", "unreadable", "untrained")
    if all((kept / f"{table}.parquet").is_file() for table in names):
        return kept.table(names[0]), kept.table(names[1]), kept.table(names[2])
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
    untrained = judge.excluded.reindex(columns=["item", "reason", "detail"])
    kept.write_tables(scores=scores, unreadable=unreadable, untrained=untrained)
    for state in set(workdir.glob("*.safetensors")) - {workdir / "model.safetensors"}:
        state.unlink()  # the training is over; its checkpoints are not the judge
    return scores, unreadable, untrained


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
        "reference": outcome.reference_of(settings, cast.entrants[feature]),
        "pool_n": {name: len(pool) for name, pool in cast.pools.items()},
        "pool_shares": shares,
        "majority_share": settings.pool.majority_share if settings.pool.shares is None else None,
        "rating_shift": dict(settings.pool.rating_shift or {}),
        "entrants": len(cast.entrants),
        "refused": len(tables["refused"]),
        "real_people": cast.real_people,
    }
