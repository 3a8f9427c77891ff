"""The only composer: draw → train → score → contest → audit, every condition over the same contestants."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml
from omegaconf import DictConfig

from judge.data.spreadsheets import write_csv
from judge.data.tables import validated_run_table
from judge.errors import InputError
from judge.experiment import outcome
from judge.experiment.choices.fitting import checked_draw, field_of, fitted
from judge.experiment.conditions import TRUTH
from judge.experiment.draw import Drawn, draw, make_pictures
from judge.experiment.records import (
    agreement_of,
    judges_of,
    manifest_of,
    membership_of,
    probes_of,
    summary_of,
)
from judge.experiment.run_folder import RunDir, command_line, environment, read_json, write_json, write_text
from judge.experiment.runs.people import data_digest
from judge.experiment.runs.rows import comparison_of, flattened
from judge.experiment.settings import Experiment
from judge.experiment.sitting import jury_of
from judge.experiment.trainings import Trainings
from judge.report.soundness import judge_warnings

if TYPE_CHECKING:
    from judge.jury.deliberation import Jury

log = logging.getLogger("judge")


def run(settings: DictConfig, folder: Path) -> dict[str, Any]:
    """One run, in `folder`: every condition on one seed. Returns the summary that done.json holds.

    A finished folder keeps its tables and gets what it lacks (a page, judges). A killed run goes on: each training
    resumes from its last checkpoint, and what a finished judge made of the pictures is read back.
    """
    experiment = fitted(settings)
    home = RunDir(folder)
    from judge.jury.device import running_on

    with home.locked(), running_on(experiment.accelerator):
        return _run(experiment, home)


def _run(experiment: Experiment, home: RunDir) -> dict[str, Any]:
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
    drawn = checked_draw(experiment)
    field = field_of(experiment, drawn)
    trainings = Trainings(experiment, drawn, home)
    log.info(
        "%s (baseline: %s) · trainings %d · pool %d · entrants %d · seed %d",
        ", ".join(experiment.conditions), experiment.baseline, len(set(trainings.trained_as.values())),
        len(drawn.pools[experiment.baseline]), len(drawn.entrants), experiment.seed,
    )  # fmt: skip
    make_pictures(experiment, drawn)
    jury = jury_of(experiment, drawn)
    parts = {
        name: _condition(experiment, drawn, field, trainings, jury, name) for name in experiment.conditions
    }
    if TRUTH in drawn.entrants and drawn.entrants[TRUTH].notna().all():
        parts[TRUTH] = _truth(experiment, field)
    tables = {
        "manifest": manifest_of(drawn),
        "membership": membership_of(experiment, drawn),
        "judges": judges_of(experiment, drawn, trainings),
        "agreement": agreement_of(experiment, drawn, trainings),
        **probes_of(experiment, drawn, trainings, parts),
        "excluded": pd.concat([drawn.excluded, *(p["excluded"] for p in parts.values() if "excluded" in p)]),
        **{
            table: _stacked({name: part[table] for name, part in parts.items()})
            for table in ("scores", "ranking", "audit", "brackets", "unranked")
        },
    }
    if jury is not None:
        tables |= jury.gate_tables(experiment.contest.brackets)
    tables = {name: validated_run_table(name, table) for name, table in tables.items()}
    _write_tables(experiment, home, tables)
    for warning in judge_warnings(tables["judges"]):
        log.warning("warning: %s", warning)
    summary = summary_of(experiment, drawn, field, trainings, tables)
    # what a comparison needs of a run, so that it opens no table of it
    summary |= {"settings": flattened(experiment.plain), "comparison": comparison_of(tables)}
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


def _write_tables(experiment: Experiment, home: RunDir, tables: Mapping[str, pd.DataFrame]) -> None:
    if experiment.compact:
        home.write_compact(data_digest(experiment.plain["data"], experiment.plain["entrants_data"]), **tables)
    else:
        home.write_tables(**tables)


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
            drawn = draw(experiment)
            make_pictures(experiment, drawn)
            trainings = Trainings(experiment, drawn, home)
            for name in trainings.missing():
                if name not in trainings.missing():  # a refit has trained its base again
                    continue
                apart = trainings.train_again(name)
                if apart > 1e-3:
                    log.warning(
                        "%s, trained again, scores up to %.3g apart from the run's tables", name, apart
                    )
    if (
        not experiment.compact and not (home / "audit.csv").is_file()
    ):  # the job of a sweep, now wanted by itself
        for path in sorted(home.path.glob("*.parquet")):
            write_csv(home.table(path.stem), path.with_suffix(".csv"))
    then = yaml.safe_load((home / "settings.yaml").read_text(encoding="utf-8"))["report"]["show_faces"]
    up_to_date = (home / "page.html").is_file() and then == experiment.report.show_faces
    if experiment.report.page and not up_to_date:
        tables = {path.stem: home.table(path.stem) for path in sorted(home.path.glob("*.parquet"))}
        _write_page(experiment, home, tables, done)
        write_text(home / "settings.yaml", as_text)


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
    if jury is not None and sits:
        ids, refusals = jury.admitted(name)
        first = refusals[refusals["first"].astype(bool)]
        unranked.insert(0, first.assign(reason="gate: " + first["rule"])[["image_id", "reason"]])
        admitted = drawn.entrants[drawn.entrants["image_id"].isin(ids)]
        scores = jury.single(name, judged.entrants)
    method = experiment.conditions[name].scores
    counted = scores
    if hasattr(method, "fit"):
        network = judged.calibration.assign(judge="beauty", seed=experiment.seed)
        others = jury.single(name, network, "calibration") if jury is not None and sits else network
        counted = _adjusted(experiment, drawn, method, scores, admitted, others)
        told = counted.assign(judge=counted["judge"] + "_adjusted")
        scores = pd.concat([scores, told], ignore_index=True)
    if jury is not None and sits:
        counted = jury.combined(name, counted)
        scores = pd.concat([scores, counted], ignore_index=True)
    final = counted[["image_id", "score"]]
    if method is not None and not hasattr(method, "fit"):
        final = _applied(experiment, method, final, admitted)
        scores = pd.concat([scores, final.assign(judge="adjusted", seed=experiment.seed)], ignore_index=True)
    ranking = experiment.conditions[name].ranking
    parts = outcome.hold(
        experiment.contest,
        field,
        admitted,
        final,
        # a panel's score is no estimate of a rating, and neither is one on another data set's scale
        errors=not sits and drawn.one_scale,
        rerank=None if ranking is None else partial(_reranked, experiment, ranking, admitted),
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


def _adjusted(
    experiment: Experiment,
    drawn: Drawn,
    method: Any,
    scores: pd.DataFrame,
    admitted: pd.DataFrame,
    calibration: pd.DataFrame,
) -> pd.DataFrame:
    """Each judge's scores after the condition's method, fitted on what that judge made of people who do not enter.

    A panel's scores mean nothing outside their field (they are places, or deviations from its mean), so a method that
    is fitted on other people cannot be fitted on a panel's.
    """
    assert drawn.calibration is not None
    parts = []
    for judge, of_judge in scores.groupby("judge", sort=False):
        known = calibration[(calibration["judge"] == judge) & calibration["score"].notna()]
        known = known.merge(drawn.calibration, on="image_id", suffixes=("", "_of_manifest"))
        fitted = method.fit(known["score"], known, feature=experiment.pool.feature)
        scored = of_judge.loc[of_judge["score"].notna(), ["image_id", "score"]]
        changed = _applied(experiment, fitted, scored, admitted).set_index("image_id")["score"]
        parts.append(of_judge.assign(score=of_judge["image_id"].map(changed)))
    return pd.concat(parts, ignore_index=True)


def _applied(
    experiment: Experiment, method: Any, scores: pd.DataFrame, admitted: pd.DataFrame
) -> pd.DataFrame:
    """image_id and score of those admitted, after the method."""
    people = scores.merge(admitted, on="image_id", suffixes=("", "_of_manifest"))
    changed = method(
        people["score"],
        people,
        feature=experiment.pool.feature,
        brackets=outcome.brackets_of(experiment.contest, people),
        places=experiment.contest.places,
    )
    if not isinstance(changed, pd.Series) or not changed.index.equals(people.index):
        raise InputError(
            f"{type(method).__name__}, a method of the scores seam, gave {type(changed).__name__}; a Series with the "
            "index of the scores that it was given is needed, so that nobody gets the score of another"
        )
    return people[["image_id"]].assign(score=changed.to_numpy(float))


def _reranked(
    experiment: Experiment, method: Any, admitted: pd.DataFrame, ranking: pd.DataFrame
) -> pd.Series:
    """The ranks that a method of the ranking seam gives, in the order of the ranking by merit."""
    known = admitted.drop(columns=[*outcome.RANKING_COLUMNS], errors="ignore")
    people = ranking[["image_id"]].merge(known, on="image_id", how="left", validate="one_to_one")
    return method(
        ranking["score"],
        people,
        merit=ranking["rank"],
        feature=experiment.pool.feature,
        brackets=ranking["bracket"],
        places=experiment.contest.places,
        rng=np.random.default_rng([experiment.seed, 7]),
    )


def _truth(experiment: Experiment, field: outcome.Field) -> dict[str, pd.DataFrame]:
    """The contest as the known truth would decide it; rendered people have one, photographs do not."""
    scores = field.entrants[["image_id", TRUTH]].rename(columns={TRUTH: "score"})
    # the truth is no estimate of a rating, so it has no errors
    parts = outcome.hold(experiment.contest, field, field.entrants, scores, errors=False)
    return {**parts, "scores": scores.assign(judge=TRUTH, seed=experiment.seed)}


def _stacked(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([part.assign(condition=name) for name, part in parts.items()], ignore_index=True)
