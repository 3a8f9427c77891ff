"""The only composer: draw → train → score → contest → audit, every condition over the same contestants."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml
from hydra.utils import instantiate
from omegaconf import DictConfig

from judge.data.tables import validated_run_table
from judge.experiment import outcome
from judge.experiment.draw import Drawn, draw, training_part
from judge.experiment.run_folder import RunDir, command_line, environment, read_json, write_json, write_text
from judge.experiment.settings import DataSource, Experiment, unpack
from judge.experiment.trainings import Trainings

if TYPE_CHECKING:
    from judge.jury.deliberation import Jury

log = logging.getLogger("judge")
TRUTH = "truth"


def run(settings: DictConfig, folder: Path) -> dict[str, Any]:
    """One run, in `folder`: every condition on one seed. Returns the summary that done.json holds.

    A finished folder keeps its tables and gets what it lacks (a page, judges). A killed run goes on: each training
    resumes from its last checkpoint, and what a finished judge made of the pictures is read back.
    """
    experiment = unpack(settings)
    home = RunDir(folder)
    as_text = yaml.safe_dump(experiment.plain, sort_keys=False, allow_unicode=True)
    if home.claim(experiment.digest, as_text):
        log.info("finished before with these settings")
        done = home.done
        assert done is not None
        _complete(experiment, home, done, as_text)
        return done
    started = time.time()
    seeds = {"seed": experiment.seed, "entrants.seed": experiment.entrants.seed}
    write_json(home / "environment.json", {**environment(seeds), "command": command_line()})
    _limit_threads(experiment)
    drawn = draw(experiment)
    field = _field(experiment, drawn)
    trainings = Trainings(experiment, drawn, home)
    log.info(
        "%d conditions, %d trainings · pool %d · entrants %d · seed %d",
        len(experiment.conditions), len(set(trainings.trained_as.values())),
        len(drawn.pools[experiment.baseline]), len(drawn.entrants), experiment.seed,
    )  # fmt: skip
    jury = _jury(experiment, drawn)
    parts = {
        name: _condition(experiment, drawn, field, trainings, jury, name) for name in experiment.conditions
    }
    if TRUTH in drawn.entrants and drawn.entrants[TRUTH].notna().all():
        parts[TRUTH] = _truth(experiment, field)
    tables = {
        "manifest": _manifest(drawn),
        "membership": _membership(experiment, drawn),
        "excluded": pd.concat([drawn.excluded, *(p["excluded"] for p in parts.values() if "excluded" in p)]),
        **{
            table: _stacked({name: part[table] for name, part in parts.items()})
            for table in ("scores", "ranking", "audit", "brackets", "unranked")
        },
    }
    if jury is not None:
        tables |= jury.gate_tables()
    tables = {name: validated_run_table(name, table) for name, table in tables.items()}
    home.write_tables(**tables)
    summary = _summary(experiment, drawn, field, trainings, tables)
    if experiment.report.page:
        _write_page(experiment, home, tables, summary)
    if not experiment.save_judges:
        trainings.forget_judges()
    home.finish(experiment.digest, started, summary)
    return summary


def _limit_threads(experiment: Experiment) -> None:
    if experiment.threads:
        import torch

        torch.set_num_threads(experiment.threads)


def _field(experiment: Experiment, drawn: Drawn) -> outcome.Field:
    # a wrong reference is refused here, before any training
    groups = drawn.entrants[experiment.pool.feature]
    reference = outcome.reference_group(experiment.audit.reference, experiment.pool.majority, groups)
    return outcome.Field(
        drawn.entrants,
        experiment.pool.feature,
        reference,
        experiment.audit.confidence,
        experiment.audit.n_boot,
        experiment.seed,
    )


def _write_page(
    experiment: Experiment, home: RunDir, tables: Mapping[str, pd.DataFrame], done: Mapping[str, Any]
) -> None:
    from judge.report.pages.run import write_run_report

    write_run_report(
        home.path,
        tables,
        experiment.plain,
        read_json(home / "environment.json"),
        conditions=done["conditions"],
        trained_as=done["trained_as"],
        show_faces=experiment.report.show_faces or not done["real_people"],
    )


def _complete(experiment: Experiment, home: RunDir, done: Mapping[str, Any], as_text: str) -> None:
    """What is asked for after a run has finished and is not there: its judges, its page."""
    if experiment.save_judges:
        lacking = [
            name
            for name in sorted(set(done["trained_as"].values()))
            if not (home / "judges" / name / "judge.json").is_file()
        ]
        if lacking:
            _limit_threads(experiment)
            trainings = Trainings(experiment, draw(experiment), home)
            for name in trainings.missing():
                apart = trainings.train_again(name)
                if apart > 1e-3:
                    log.warning(
                        "%s, trained again, scores up to %.3g apart from the run's tables", name, apart
                    )
    then = yaml.safe_load((home / "settings.yaml").read_text(encoding="utf-8"))["report"]["show_faces"]
    up_to_date = (home / "page.html").is_file() and then == experiment.report.show_faces
    if experiment.report.page and not up_to_date:
        tables = {path.stem: home.table(path.stem) for path in sorted(home.path.glob("*.parquet"))}
        _write_page(experiment, home, tables, done)
        write_text(home / "settings.yaml", as_text)


def _jury(experiment: Experiment, drawn: Drawn) -> Jury | None:
    """The gate and the robots, after one pass over every picture; None where the network judges alone."""
    if experiment.jury is None:
        return None
    from judge.jury.deliberation import Jury, JurySettings, Sitting
    from judge.jury.robots.age import stated_age
    from judge.jury.robots.reference import ReferenceSet

    told = experiment.jury
    ages = None
    if told.get("age_data") is not None:
        ages = DataSource(told["age_data"]).read().manifest
        ages = ages[np.isfinite(stated_age(ages))]
    settings = JurySettings(
        robots=[instantiate(robot) for robot in told["robots"].values()],
        reader=instantiate(told["reader"]),
        ages=ages,
        cache=Path(told["cache"]) if told["cache"] else None,
        chunk=int(told["chunk"]),
        workers=told.get("workers"),
    )
    sittings = {}
    for name, condition in experiment.conditions.items():
        own = merged({key: told.get(key) for key in ("gate", "models", "panel")}, condition.jury)
        sittings[name] = Sitting(
            gate=None if own["gate"] is None else instantiate(own["gate"]),
            models=None if own["models"] is None else ReferenceSet(**own["models"]),
            panel=None if own["panel"] is None else instantiate(own["panel"]),
        )
    people = {"entrants": drawn.entrants}
    if drawn.calibration is not None:
        people["calibration"] = drawn.calibration
    return Jury(
        settings,
        sittings,
        pools=drawn.pools,
        source=drawn.source,
        people=people,
        baseline=experiment.baseline,
        feature=experiment.pool.feature,
        seed=experiment.seed,
    )


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with changes laid over them; a change with `_target_`, or one that is None, replaces the whole."""
    out = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping) and "_target_" not in value
        out[key] = merged(out[key], value) if both else value
    return out


def _condition(
    experiment: Experiment,
    drawn: Drawn,
    field: outcome.Field,
    trainings: Trainings,
    jury: Jury | None,
    name: str,
) -> dict[str, pd.DataFrame]:
    """Trains unless that was done, scores, ranks and audits one condition."""
    judged = trainings.judged(name)
    sits = jury is not None and jury.sits(name)
    scores = judged.entrants
    unranked = [judged.unreadable]
    admitted = drawn.entrants
    final = scores[["image_id", "score"]]
    if jury is not None and sits:
        ids, refusals = jury.admitted(name)
        first = refusals[refusals["first"].astype(bool)]
        unranked.insert(0, first.assign(reason="gate: " + first["rule"])[["image_id", "reason"]])
        admitted = drawn.entrants[drawn.entrants["image_id"].isin(ids)]
        scores = jury.scores(name, judged.entrants)
        final = _of_panel(scores)
    method = experiment.conditions[name].scores
    if method is not None:
        final = _mended(
            experiment, drawn, method, final, admitted, judged.calibration, jury if sits else None, name
        )
        scores = pd.concat([scores, final.assign(judge="adjusted", seed=experiment.seed)], ignore_index=True)
    parts = outcome.hold(
        experiment.contest,
        field,
        admitted,
        final,
        # a panel's score is no estimate of a rating, and neither is one on another data set's scale
        errors=not sits and drawn.one_scale,
    )
    unranked.append(parts["unranked"])
    trained_here = trainings.trained_as[name] == name
    untrained = judged.untrained if trained_here else judged.untrained.head(0)
    return {
        **parts,
        "scores": scores,
        "excluded": untrained.assign(dataset=f"training, {name}"),
        "unranked": pd.concat(unranked, ignore_index=True).drop_duplicates("image_id"),
    }


def _of_panel(scores: pd.DataFrame) -> pd.DataFrame:
    return scores.loc[scores["judge"] == "panel", ["image_id", "score"]]


def _mended(
    experiment: Experiment,
    drawn: Drawn,
    method: Any,
    final: pd.DataFrame,
    admitted: pd.DataFrame,
    calibration: pd.DataFrame,
    jury: Jury | None,
    name: str,
) -> pd.DataFrame:
    """The final scores after the condition's method, which is fitted on people who neither train nor enter.

    Where a jury sits, it sits over those people too, as a field of their own.
    """
    assert drawn.calibration is not None
    feature = experiment.pool.feature
    if jury is not None:
        network = calibration.assign(judge="beauty", seed=experiment.seed)
        calibration = _of_panel(jury.scores(name, network, "calibration"))
    known = calibration.merge(drawn.calibration, on="image_id", suffixes=("", "_of_manifest"))
    fitted = method.fit(known["score"], known, feature=feature)
    people = final.merge(admitted, on="image_id", suffixes=("", "_of_manifest"))
    mended = fitted(
        people["score"],
        people,
        feature=feature,
        brackets=outcome.brackets_of(experiment.contest, people),
        places=experiment.contest.places,
    )
    return people[["image_id"]].assign(score=mended.to_numpy())


def _truth(experiment: Experiment, field: outcome.Field) -> dict[str, pd.DataFrame]:
    """The contest as the known truth would decide it; rendered people have one, photographs do not."""
    scores = field.entrants[["image_id", TRUTH]].rename(columns={TRUTH: "score"})
    # the truth is no estimate of a rating, so it has no errors
    parts = outcome.hold(experiment.contest, field, field.entrants, scores, errors=False)
    return {**parts, "scores": scores.assign(judge=TRUTH, seed=experiment.seed)}


def _manifest(drawn: Drawn) -> pd.DataFrame:
    """Every picture of the run, once; weights are of a membership."""
    parts = [*drawn.pools.values(), drawn.entrants]
    if drawn.calibration is not None:
        parts.append(drawn.calibration)
    everybody = pd.concat(parts, ignore_index=True).drop(columns="weight", errors="ignore")
    return everybody.drop_duplicates("image_id").reset_index(drop=True)


def _membership(experiment: Experiment, drawn: Drawn) -> pd.DataFrame:
    """Who has which role under which condition, how often and with which weight and rating."""
    rows = []
    for name, pool in drawn.pools.items():
        train, validation = training_part(pool, experiment.seed, experiment.pool.validation)
        for role, part in (
            ("train", train),
            ("validation", validation),
            ("entrant", drawn.entrants),
            ("calibration", drawn.calibration),
        ):
            if part is None:
                continue
            weight = part["weight"] if role in ("train", "validation") and "weight" in part else 1.0
            part = part[["image_id", "rating"]].assign(weight=weight, condition=name, role=role)
            grouped = part.groupby("image_id", sort=False)
            rows.append(grouped.first().assign(copies=grouped.size()).reset_index())
    columns = ["image_id", "condition", "role", "copies", "weight", "rating"]
    return pd.concat(rows, ignore_index=True)[columns]


def _stacked(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([part.assign(condition=name) for name, part in parts.items()], ignore_index=True)


def _summary(
    experiment: Experiment,
    drawn: Drawn,
    field: outcome.Field,
    trainings: Trainings,
    tables: Mapping[str, pd.DataFrame],
) -> dict[str, Any]:
    """What pages and `judge compare` need to know of a run besides its tables."""
    feature = field.feature
    shares = {
        name: pool[feature].value_counts(normalize=True).round(6).to_dict()
        for name, pool in drawn.pools.items()
    }
    return {
        "name": experiment.name,
        "seed": experiment.seed,
        "conditions": list(experiment.conditions),
        "baseline": experiment.baseline,
        "trained_as": trainings.trained_as,
        "feature": feature,
        "groups": list(drawn.groups.names),
        "majority": experiment.pool.majority,
        "reference": field.reference,
        "pool_n": {name: len(pool) for name, pool in drawn.pools.items()},
        "pool_n_asked": experiment.pool.n,
        "pool_shares": shares,
        "majority_share": experiment.pool.majority_share if experiment.pool.shares is None else None,
        "rating_shift": dict(experiment.pool.rating_shift or {}),
        "entrants": len(drawn.entrants),
        "unranked": len(tables["unranked"]),
        "real_people": drawn.real_people,
    }
