"""Finished runs as fields of entrants: who entered, what gate, judges and panel made of them, who won."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.contest import order_of_merit
from judge.data.tables import SENSITIVE_FEATURES
from judge.errors import InputError, listed
from judge.experiment.compare import once_each, run_table, same_conditions
from judge.experiment.explore.recount import recounted
from judge.experiment.run_folder import RunDir
from judge.experiment.runs.index import find_runs
from judge.experiment.runs.listing import chosen, list_runs
from judge.experiment.runs.rows import read_settings
from judge.jury.panel import Panel
from judge.report.conditions import TRUTH
from judge.report.explorer import Field, Held
from judge.report.explorer.field import ALONE

log = logging.getLogger("judge")

#: Runs that are read: so many points can be told apart in a row of the page.
MOST_RUNS = 1000
#: Reasons for which an entrant has no rank that another panel could change.
NO_SCORE = ("no score", "score not finite")
#: Sources of pictures of people who do not exist.
NOBODY = ("parametric", "generated")
_NEEDED = ("manifest", "membership", "scores", "ranking")
_PANEL = {field.name: field.default for field in dataclasses.fields(Panel)}


def fields_of_runs(
    paths: Sequence[str | Path],
    *,
    where: Sequence[str] = (),
    show_faces: bool = False,
    show_ids: bool = False,
) -> tuple[list[Field], list[str], str, pd.DataFrame]:
    """The fields of all finished runs below the paths, their conditions, feature, and the runs that are not in.

    where       as in `judge runs`
    show_faces  also of real people; theirs, and the names of their files, are shown only if asked for
    show_ids    ids of real people, too; else they are numbered

    Raises InputError if there is no finished run, if the runs' conditions or features differ, and if none has scores.
    """
    finished, others = finished_runs(paths, where=where)
    runs = once_each(finished)
    conditions = same_conditions(runs)
    features = sorted({str((run.done or {})["feature"]) for run in runs})
    if len(features) > 1:
        raise InputError(f"runs over different features cannot be explored together: {listed(features)}")
    lacking = [run for run in runs if not all((run / f"{name}.parquet").is_file() for name in _NEEDED)]
    if len(lacking) == len(runs):
        raise InputError(
            f"{runs[0].path} has no table of scores or no entrants ({', '.join(_NEEDED)}.parquet), and neither has "
            "another run here: run it again with this version"
        )
    told = [(str(run.path), "left out", "a table of its scores or entrants is missing") for run in lacking]
    others = pd.concat([others, pd.DataFrame(told, columns=list(others.columns))], ignore_index=True)
    runs = [run for run in runs if run not in lacking]
    if len(runs) > MOST_RUNS:
        kept = set(np.random.default_rng(0).choice(len(runs), MOST_RUNS, replace=False).tolist())
        why = f"a page counts the winners of {MOST_RUNS:,} runs, which are drawn by lot"
        out = [(str(run.path), "left out by lot", why) for i, run in enumerate(runs) if i not in kept]
        others = pd.concat([others, pd.DataFrame(out, columns=list(others.columns))], ignore_index=True)
        runs = [run for i, run in enumerate(runs) if i in kept]
    fields = [
        field_of_run(run, name, setting, show_faces=show_faces, show_ids=show_ids)
        for run, (name, setting) in zip(runs, _labels(runs), strict=True)
    ]
    seen = [*conditions, *([TRUTH] if any(TRUTH in field.contests for field in fields) else [])]
    return fields, seen, features[0], others


def finished_runs(
    paths: Sequence[str | Path], *, where: Sequence[str] = ()
) -> tuple[list[RunDir], pd.DataFrame]:
    """Finished runs below the paths, and a table of the others. Raises InputError if there is none."""
    if where:
        table = chosen(list_runs(paths)[0], where)
        finished = [RunDir(name) for name in table.loc[table["state"] == "finished", "folder"]]
        others = table.loc[table["state"] != "finished", ["folder", "state", "reason"]]
    else:
        finished, others = find_runs(paths)
    if not finished:
        raise InputError(
            f"no finished run under {listed(map(str, paths))}; {len(others)} are not finished or failed"
        )
    return finished, others


def _labels(runs: Sequence[RunDir]) -> list[tuple[str, str]]:
    """What tells each run from the others (its seed), and what it shares with some (share, factors)."""
    table, factors = run_table(runs)
    first = table.drop_duplicates("folder").set_index("folder")
    varied = [*(["share"] if first["share"].nunique(dropna=False) > 1 else []), *factors]
    labels = [
        (f"seed {row['seed']}", ", ".join(f"{name} {_told(row[name])}" for name in varied))
        for _, row in first.iterrows()
    ]
    if len(set(labels)) < len(labels):  # the same seed twice with settings that change no number
        labels = [(str(folder), setting) for folder, (_, setting) in zip(first.index, labels, strict=True)]
    return labels


def _told(value: Any) -> str:
    if value is None or value != value:
        return "null"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def field_of_run(
    run: RunDir, name: str, setting: str, *, show_faces: bool = False, show_ids: bool = False
) -> Field:
    """Everybody who entered the run, under every condition."""
    done = run.done or {}
    settings = read_settings(run / "settings.yaml") or {}
    contest = settings.get("contest") or {}
    members = run.columns("membership", ["image_id", "role"])
    ids = pd.Index(members.loc[members["role"] == "entrant", "image_id"].astype(str)).unique()
    manifest = run.table("manifest")
    people = manifest.assign(image_id=manifest["image_id"].astype(str)).set_index("image_id").reindex(ids)
    feature = str(done["feature"])
    source = people["source"] if "source" in people else pd.Series("photo", index=ids)
    nobody = source.isin(NOBODY).to_numpy()
    scores, ranking = run.table("scores"), run.table("ranking")
    unranked = _optional(run, "unranked", ["image_id", "condition", "reason"])
    gate = _optional(run, "gate", ["image_id", "condition", "rule", "value", "threshold", "first"])
    place = ids.get_indexer(ranking["image_id"].astype(str))
    bracket = np.full(len(ids), "", object)
    bracket[place[::-1]] = ranking["bracket"].astype(str).to_numpy()[::-1]
    if "bracket" in gate:
        where = ids.get_indexer(gate["image_id"].astype(str))
        empty = bracket[where] == ""
        bracket[where[empty]] = gate["bracket"].fillna("").astype(str).to_numpy()[empty]
    lot = np.empty(len(ids), np.int64)
    order, _ = order_of_merit(
        ids.to_numpy(object), np.zeros(len(ids)), tie_seed=int(contest.get("tie_seed") or 0)
    )
    lot[order] = np.arange(len(ids))
    shown = np.array(
        [
            i if free or show_ids else f"entrant {n}"
            for n, (i, free) in enumerate(zip(ids, nobody, strict=True), 1)
        ],
        object,
    )
    group = people[feature].astype(object).where(people[feature].notna(), "(missing)").astype(str)
    described = [c for c in (*SENSITIVE_FEATURES, "age") if c in people and c != feature]
    field = Field(
        run=name,
        setting=setting,
        ids=shown,
        group=group.to_numpy(object),
        bracket=bracket,
        lot=lot,
        places=int(contest.get("places") or 0),
        contests={},
        features={c: people[c].map(_text).to_numpy(object) for c in described},
        real=not nobody.all(),
        pictures=people["path"].to_numpy(object) if show_faces and "path" in people else None,
    )
    contests = {}
    for condition in [*done["conditions"], *([TRUTH] if (ranking["condition"] == TRUTH).any() else [])]:
        contests[condition] = _held(
            field,
            ids,
            *(table[table["condition"] == condition] for table in (scores, ranking, unranked, gate)),
            feature=feature,
            panel={**_PANEL, **(_of_jury(settings, condition, "panel") or {})},
            gated=condition != TRUTH and _of_jury(settings, condition, "gate") is not None,
        )
    return dataclasses.replace(field, contests=contests)


def _optional(run: RunDir, name: str, columns: Sequence[str]) -> pd.DataFrame:
    return run.table(name) if (run / f"{name}.parquet").is_file() else pd.DataFrame(columns=list(columns))


def _text(value: Any) -> str:
    return "–" if pd.isna(value) else f"{value:g}" if isinstance(value, float) else str(value)


def _of_jury(settings: Mapping[str, Any], condition: str, part: str) -> Mapping[str, Any] | None:
    """Settings of the gate or the panel under a condition, which may change some of them."""
    from judge.experiment.sitting import merged

    change = ((settings.get("conditions") or {}).get(condition) or {}).get("jury") or {}
    return merged(settings.get("jury") or {}, change).get(part)


def _held(
    field: Field,
    ids: pd.Index,
    scores: pd.DataFrame,
    ranking: pd.DataFrame,
    unranked: pd.DataFrame,
    gate: pd.DataFrame,
    *,
    feature: str,
    panel: Mapping[str, Any],
    gated: bool,
) -> Held:
    n = len(ids)
    rank, winner, final = np.zeros(n, np.int64), np.zeros(n, bool), np.full(n, np.nan)
    at = ids.get_indexer(ranking["image_id"].astype(str))
    rank[at], winner[at], final[at] = ranking["rank"], ranking["winner"].astype(bool), ranking["score"]
    reason = np.full(n, "", object)
    reason[ids.get_indexer(unranked["image_id"].astype(str))] = unranked["reason"].astype(str)
    eligible = (rank > 0) | np.isin(reason, NO_SCORE)
    for row in gate[gate["first"].astype(bool)].itertuples():
        limit = "" if pd.isna(row.value) else f" ({row.value:.3g}; limit {row.threshold:.3g})"
        reason[ids.get_loc(str(row.image_id))] = f"gate: {row.rule}{limit}"
    names = list(dict.fromkeys(scores["judge"].astype(str)))
    combining = str(panel["name"]) in names
    single = [name for name in names if name not in (panel["name"], "adjusted")]
    # a method of the scores seam leaves each judge's own scores and those that counted, side by side
    counting = {name: name if f"{name}_adjusted" not in single else f"{name}_adjusted" for name in single}
    judges = [name for name in single if name not in {f"{other}_adjusted" for other in single}]
    wide = np.full((n, len(judges)), np.nan)
    judged = np.zeros(n, bool)
    for k, name in enumerate(judges):
        of_judge = scores[scores["judge"] == counting[name]]
        where = ids.get_indexer(of_judge["image_id"].astype(str))
        wide[where, k] = of_judge["score"].to_numpy(float)
        judged[where] = True
    held = Held(
        judges=tuple(judges),
        scores=wide,
        final=final,
        rank=rank,
        winner=winner,
        reason=reason,
        judged=judged,
        eligible=eligible,
        scope=_scope(field, feature, panel["within"] if combining else ()),
        panel=_as_weights(panel, judges) if combining else {**_as_weights(_PANEL, judges), "rule": ALONE},
        gated=gated,
    )
    return dataclasses.replace(held, fixed=_fixed(field, held))


def _scope(field: Field, feature: str, within: Sequence[str] | None) -> NDArray[np.int64]:
    known = {**field.features, feature: field.group}
    columns = [known[name] for name in within or () if name in known]
    if not columns:
        return np.zeros(len(field), np.int64)
    return pd.DataFrame(dict(enumerate(columns))).groupby(list(range(len(columns)))).ngroup().to_numpy()


def _as_weights(panel: Mapping[str, Any], judges: Sequence[str]) -> dict[str, Any]:
    weights = panel["weights"] or dict.fromkeys(panel["judges"] or judges, 1.0)
    sitting = set(panel["judges"] or weights)
    return {
        "rule": panel["rule"],
        "weights": {name: float(weights.get(name, 0.0)) if name in sitting else 0.0 for name in judges},
        "missing": panel["missing"],
        "min_judges": int(panel["min_judges"]),
    }


def _fixed(field: Field, held: Held) -> str:
    """Why the contest cannot be held again from its judges' scores; "" where that gives the run's own ranking."""
    if not field.places:
        return "the run does not say how many places a bracket has"
    if not held.judges or (held.panel["rule"] == ALONE and len(held.judges) != 1):
        return "the run does not say whose scores ranked"
    try:
        rank, winner = recounted(field, held)
    except InputError as error:
        return str(error)
    if not np.array_equal(rank, held.rank) or not np.array_equal(winner, held.winner):
        return "a method of this condition gave the places otherwise than by the judges’ scores alone"
    return ""
