"""From the runs of a sweep to the page of its changes: what each of them did to one group's share of the winners."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from judge.data.tables import write_table
from judge.errors import InputError, listed
from judge.experiment.compare import chosen_runs, once_each, run_table, same_conditions
from judge.experiment.run_folder import RunDir, facts_of
from judge.experiment.runs.contests import entrants_of
from judge.experiment.runs.rows import read_settings
from judge.fairness.contests import Contests
from judge.fairness.effects import CONDITION, Arms, arms, changes
from judge.fairness.sweeps.over_seeds import mean_interval
from judge.report.conditions import TRUTH
from judge.report.html import Block
from judge.report.pages.changes import Example, Found, Words, lead, words_of, write_changes_page
from judge.report.sections.described import described
from judge.report.sections.faces import first_of_brackets
from judge.report.soundness import sweep_warnings
from judge.report.wording import as_group, counted, named, number, percent
from judge.storage import make_writable

log = logging.getLogger("judge")

#: More settings are no page of single changes.
MOST_SETTINGS = 12


def compare_changes(
    paths: Sequence[str | Path],
    out: Path,
    *,
    group: str,
    where: Sequence[str] = (),
    beside: Path | None = None,
    show_faces: bool = False,
) -> tuple[Path, list[str]]:
    """Writes arms.{parquet,csv}, changes.{parquet,csv}, figures and page.html; returns the page and its first sentences.

    paths       folders that hold the runs of a sweep, at any depth
    group       whose share of the winners is looked at
    where       only runs for which all of these hold, as `runs.listing.chosen` reads them
    beside      a finished run that the page shows, too, in none of its numbers
    show_faces  also show photographs of real people who won

    The setting without anything planted, which the others are compared with, is the one whose levels come first: none
    before any, then the smallest number, then in alphabetical order.

    Raises InputError where there is no finished run, for runs over different features or conditions, for a group that
    nobody belongs to, for more than MOST_SETTINGS settings, and for a `beside` that holds no finished run.
    """
    finished, others = chosen_runs(paths, where)
    finished = once_each(finished)
    runs, factors = run_table(finished)
    if runs["feature"].nunique() > 1:
        raise InputError(
            f"runs over different features cannot be compared: {listed(runs['feature'].unique())}"
        )
    conditions = same_conditions(finished)
    example = None if beside is None else _example(beside)
    make_writable(out, inner=["figures"])
    of_run, levels = _settings_of(runs, factors)
    by_name = dict(zip(dict.fromkeys(runs["folder"]), finished, strict=True))
    contests, price = _contests(by_name, of_run)
    if group not in contests.groups:
        raise InputError(f"--group {group}: nobody of that group entered; there are {listed(sorted(contests.groups))}")
    found = _found(contests, group, conditions[0], price)
    found = Found(found.each, found.arms, found.changes, found.gaps, others)
    write_table(found.arms, out / "arms")
    write_table(found.changes, out / "changes")
    plain = read_settings(finished[0] / "settings.yaml")
    words = words_of(levels, plain, conditions, majority=str(runs["majority"].iloc[0]))
    for warning in (warnings := sweep_warnings(runs)):
        log.warning("warning: %s", warning)
    page = write_changes_page(
        out, found, words, group=group, conditions=conditions, about=_about(finished[0], plain, runs),
        faces=_faces(by_name, of_run, words, conditions, group, show_faces=show_faces),
        example=example, warnings=warnings,
    )  # fmt: skip
    return page, lead(found.changes, words, group=group)


def _settings_of(
    runs: pd.DataFrame, factors: Sequence[str]
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Folder → the number of its setting, and the levels of each setting, the one without anything planted first."""
    varied = [*(["share"] if runs["share"].nunique(dropna=False) > 1 else []), *factors]
    each = runs.drop_duplicates("folder").set_index("folder")[varied].astype(object)
    order = {
        column: {
            _key(value): place
            for place, value in enumerate(sorted(set(map(_key, each[column])), key=_plantedness))
        }
        for column in varied
    }
    ranks = [tuple(order[c][_key(row[c])] for c in varied) for _, row in each.iterrows()]
    known = sorted(set(ranks), key=lambda rank: (sum(place > 0 for place in rank), rank[::-1]))
    if len(known) > MOST_SETTINGS:
        raise InputError(
            f"{len(known)} settings ({listed(varied)}): a page of single changes takes at most {MOST_SETTINGS}; "
            "choose among the runs with --where, or leave --group out"
        )
    places = {rank: i for i, rank in enumerate(known)}
    levels: list[dict[str, Any]] = [{}] * len(known)
    for rank, (_, row) in zip(ranks, each.iterrows(), strict=True):
        levels[places[rank]] = {column: _key(row[column]) for column in varied}
    return {str(name): places[rank] for name, rank in zip(each.index, ranks, strict=True)}, levels


def _key(value: Any) -> Any:
    return None if value is None or value != value else value


def _plantedness(value: Any) -> tuple[int, float, str]:
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 1, abs(float(value)), ""
    return 2, 0.0, str(value)


def _contests(
    runs: Mapping[str, RunDir], setting: Mapping[str, int]
) -> tuple[Contests, pd.DataFrame]:
    """Every run's contests by seed, setting and condition, and the mean truth of each one's winners, where known."""
    found, price = Contests(), []
    for name in sorted(runs, key=lambda name: setting[name]):
        run = runs[name]
        entered = entrants_of(run)
        if entered is None:
            raise InputError(f"{run.path} has no tables of who entered; it is of an earlier version")
        truth = entered.ranked[TRUTH][2] if TRUTH in entered.ranked else None
        for condition, (rank, winner, score) in entered.ranked.items():
            key = ((run.done or {})["seed"], setting[name], condition)
            groups = as_group(pd.Series(entered.group)).tolist()
            found.add(
                key, entered.person.tolist(), groups, entered.bracket.tolist(), rank.tolist(), winner.tolist(),
                (score - entered.rating).tolist(),
            )  # fmt: skip
            if truth is not None:
                price.append([*key, float(truth[winner].mean())])
    return found, pd.DataFrame(price, columns=["seed", "setting", "condition", "truth"])


def _found(contests: Contests, group: str, baseline: str, price: pd.DataFrame) -> Found:
    every = Arms.of(contests, group)
    table = arms(every)
    each = [
        (setting, condition, seed, value)
        for (setting, condition), values in every.values.items()
        for seed, value in values.items()
    ]
    judged = every.only(lambda arm: arm[1] != TRUTH)
    gaps = pd.DataFrame(columns=["setting", "condition"])
    if TRUTH in set(table["condition"]):
        gaps = changes(every, setting=table["setting"].iloc[0], condition=TRUTH)
        gaps = gaps[gaps["what"] == CONDITION].reset_index(drop=True)
        means = [
            (*key, *mean_interval(part["truth"].to_numpy(float)))
            for key, part in price.groupby(["setting", "condition"])
        ]
        names = ["setting", "condition", "winners_truth", "truth_low", "truth_high"]
        table = table.merge(pd.DataFrame(means, columns=names), on=["setting", "condition"], how="left")
    return Found(
        pd.DataFrame(each, columns=["setting", "condition", "seed", "value"]),
        table,
        changes(judged, setting=table["setting"].iloc[0], condition=baseline),
        gaps,
    )


def _about(run: RunDir, plain: Mapping[str, Any], runs: pd.DataFrame) -> str:
    """What kind of runs these are: the words of a run's page without its seed, and how many."""
    settings = {key: value for key, value in plain.items() if key not in ("seed", "name")}
    ranking = run.columns("ranking", ["condition", "bracket", "image_id"])
    entrants = ranking["image_id"].nunique()
    told = described(settings, None, entrants).rstrip(".")
    return f"{counted(runs['folder'].nunique(), 'run')}, {counted(runs['seed'].nunique(), 'seed')}. {told}."


def _faces(
    runs: Mapping[str, RunDir],
    setting: Mapping[str, int],
    words: Words,
    conditions: Sequence[str],
    group: str,
    *,
    show_faces: bool,
) -> list[Block]:
    """The first of each bracket in the contests of one seed: by the truth, as judged in each setting, and as cured."""
    seed = min((run.done or {})["seed"] for run in runs.values())
    own = {setting[name]: run for name, run in runs.items() if (run.done or {})["seed"] == seed}
    wanted = [(words.first, TRUTH), *((s, conditions[0]) for s in words.heads)]
    wanted += [(words.most_planted, name) for name in conditions[1:]]
    rows = []
    for which, condition in wanted:
        if which not in own:
            continue
        run = own[which]
        ranking = run.columns("ranking", ["image_id", "condition", "bracket", "rank", "winner"])
        won = ranking[(ranking["condition"] == condition) & ranking["winner"]]
        if won.empty:
            continue
        feature = (run.done or {})["feature"]
        people = run.columns("manifest", ["image_id", "path", "source", feature])
        if not {"path", "source"} <= set(people):
            return []
        won = won.merge(people, on="image_id", how="left").rename(columns={feature: "group"})
        heading = "by the known truth" if condition == TRUTH else f"{words.heads[which]}: {condition}"
        rows.append((heading, won))
    return first_of_brackets(rows, group=group, seed=seed, show_faces=show_faces)


def _example(folder: Path) -> Example:
    """A finished run in pictures and words."""
    run = RunDir(folder)
    done = run.done
    if done is None:
        raise InputError(f"--beside {folder}: no finished run there (a run's folder with a done.json)")
    plain = read_settings(run / "settings.yaml")
    history = []
    for name in dict.fromkeys(done["trained_as"].values()):
        facts = facts_of(run / "judges" / name / "judge.json", "history") or {}
        history += [{"condition": name, **record} for record in facts.get("history", [])]
    entered = entrants_of(run)
    if entered is None:
        raise InputError(f"--beside {folder}: that run has no tables of who entered")
    groups = as_group(pd.Series(entered.group))
    names = sorted(groups.unique())
    order = [*done["conditions"], *(name for name in entered.ranked if name not in done["conditions"])]
    winners = [
        {"condition": name, "group": one, "winners": int((groups[entered.ranked[name][1]] == one).sum())}
        for name in order
        for one in names
    ]
    pools = [
        f"{named(name)} learnt from {counted(int(done['pool_n'][name]), 'picture')}"
        for name in dict.fromkeys(done["trained_as"].values())
        if name in done["pool_n"]
    ]
    shift = (plain.get("pool") or {}).get("rating_shift") or {}
    planted = [] if done["majority_share"] is None else [
        f"{percent(done['majority_share'], 0)} of the pictures of {named(done['baseline'])} are {done['majority']}"
    ]  # fmt: skip
    planted += [f"{who} people are rated {number(abs(by))} points {'lower' if by < 0 else 'higher'}"
        for who, by in shift.items()]
    told = f"{described(plain, None, len(np.unique(entered.image_id)))} {'; '.join([*pools, *planted])}."
    return Example(
        pd.DataFrame(history, columns=None if history else ["condition", "epoch", "loss"]),
        pd.DataFrame(winners),
        told,
        int(done["seed"]),
    )
