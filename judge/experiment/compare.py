"""From finished runs to one comparison: a row a training run, the dose–response, figures, a page."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from judge.data.tables import write_table
from judge.errors import InputError, listed
from judge.experiment.folder_names import changes_a_number, spelt_out
from judge.experiment.run_folder import RunDir
from judge.experiment.runs.contests import contests_of
from judge.experiment.runs.index import find_runs
from judge.experiment.runs.listing import chosen, list_runs
from judge.experiment.runs.rows import JUDGES, METRICS, NUMBERS, comparison, flat_settings
from judge.fairness.contests import Contests
from judge.fairness.sweeps import dose_response, with_people
from judge.fairness.sweeps.over_seeds import RATIO, SHARE
from judge.report.soundness import sweep_warnings
from judge.storage import make_writable

log = logging.getLogger("judge")

#: Settings that vary in a sweep by design: the dose and the replicate (entrants.seed as far as it goes with the seed).
BY_DESIGN = ("seed", "entrants.seed", "pool.majority_share")
#: Settings that have a page each: of more there is one page of all.
MOST_SETTINGS = 20
#: Outcomes that the dose–response is drawn and tested for, with the value that a fair contest would show.
OUTCOMES = {"winner_share": None, "selection_rate_ratio": 1.0, "signed_error": 0.0}
#: Their ranges, which no interval leaves.
BOUNDS = {"winner_share": SHARE, "selection_rate_ratio": RATIO, "signed_error": None}


def compare(paths: Sequence[str | Path], out: Path, *, where: Sequence[str] = ()) -> list[Path]:
    """Writes runs.{parquet,csv}, dose.{parquet,csv}, figures and page.html; returns the pages' paths.

    Runs that differ in more than dose and seed (a rating shift, a judge) are compared combination by combination of
    those factors, each in a folder of its own. More than MOST_SETTINGS combinations have one page together, and no
    intervals for other contestants and no mixed models, which would take minutes for numbers that nobody reads one by
    one: `where` (as in `runs.listing.chosen`) names those that are wanted.

    Raises InputError if there is no finished run, or if the runs hold contests over different features or under
    different conditions.
    """
    finished, others = chosen_runs(paths, where)
    finished = once_each(finished)
    runs, factors = run_table(finished)
    features = runs["feature"].unique()
    if len(features) > 1:
        raise InputError(f"runs over different features cannot be compared: {listed(features)}")
    conditions = same_conditions(finished)
    make_writable(out, inner=["figures"])
    write_table(runs, out / "runs")
    parts = list(combinations(runs, factors))
    many = len(parts) > MOST_SETTINGS
    doses, pages = [], []
    by_name = dict(zip(_names(finished), finished, strict=True))
    for levels, part in parts:
        contests = None if many else contests_of([by_name[name] for name in part["folder"].unique()])
        dose = dose_table(part, conditions, contests, mixed=not many)
        doses.append(dose.assign(**levels))
        if not many:
            home = out if len(parts) == 1 else out / spelt_out(_words(levels))
            pages.append(_page(home, part, dose, others, levels, features[0], conditions))
    dose = pd.concat(doses, ignore_index=True)
    write_table(dose, out / "dose")
    return pages or [_page_of_many(out, runs, dose, others, factors, conditions)]


def chosen_runs(paths: Sequence[str | Path], where: Sequence[str] = ()) -> tuple[list[RunDir], pd.DataFrame]:
    """The finished runs under the paths, those for which `where` holds, and a table of the others.

    Raises InputError where none is finished.
    """
    finished, others = find_runs(paths) if not where else _where(paths, where)
    if not finished:
        raise InputError(
            f"no finished run under {listed(map(str, paths))}; {len(others)} are not finished or failed"
        )
    return finished, others


def _where(paths: Sequence[str | Path], where: Sequence[str]) -> tuple[list[RunDir], pd.DataFrame]:
    table, finished = list_runs(paths)
    table = chosen(table, where)
    others = table.loc[table["state"] != "finished", ["folder", "state", "reason"]]
    return [finished[name] for name in table["folder"] if name in finished], others


def combinations(runs: pd.DataFrame, factors: Sequence[str]) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """(level of each factor, its runs), in the order in which they occur; one combination where nothing varied."""
    if not factors:
        yield {}, runs
        return
    for levels, part in runs.groupby(list(factors), sort=False, dropna=False):
        yield dict(zip(factors, levels, strict=True)), part


def same_conditions(runs: list[RunDir]) -> list[str]:
    """The names of the conditions, the baseline first. Raises InputError if the runs have different ones."""
    found: dict[tuple[str, ...], str] = {}
    for run in runs:
        assert run.done is not None
        found.setdefault(tuple(run.done["conditions"]), str(run.path))
    if len(found) > 1:
        told = "; ".join(f"{folder}: {listed(names)}" for names, folder in list(found.items())[:3])
        raise InputError(
            f"runs under different conditions cannot be compared in one page; name the folders of one kind, and give "
            f"each set of conditions a name= of its own. {told}"
        )
    return list(next(iter(found)))


def once_each(runs: list[RunDir]) -> list[RunDir]:
    """One run for each settings: the same run, named in two ways on the command line, counts once."""
    first: dict[str, RunDir] = {}
    for run in runs:
        done = run.done
        assert done is not None
        first.setdefault(done["settings_hash"], run)
    return list(first.values())


def run_table(runs: Sequence[RunDir]) -> tuple[pd.DataFrame, list[str]]:
    """One row a training run (run × condition) and group, and the names of the columns that are factors.

    Columns: folder, one for each setting that varied besides dose and seed (its dotted name), seed, share, condition,
    trained_as, feature, group, majority, reference, train_share, pool_n, n_group, winners (of all groups) and the
    metrics of METRICS (NaN where a run has none): over all brackets, or within them where the audit says so.
    And those of JUDGES: what is known of the judge as a whole, the same in all rows that have it.
    """
    flats = [flat_settings(run) for run in runs]
    factors = _factors(flats)
    size, of_run, numbers, of_row, judged = [], [], [], [], []
    unknown = dict.fromkeys(JUDGES.values())
    for run, name in zip(runs, _names(runs), strict=True):
        done = run.done
        assert done is not None
        known = comparison(run)
        size.append(len(known["rows"]))
        of_run.append(
            [name, *(done[key] for key in ("seed", "majority_share", "feature", "majority", "reference"))]
        )
        numbers += known["rows"]
        for condition, group in (row[:2] for row in known["rows"]):
            trained = done["trained_as"].get(condition)
            shares = done["pool_shares"].get(condition, {})
            of_row.append([trained, shares.get(group), done["pool_n"].get(condition, 0)])
            judged.append(list(known["judges"].get(trained, unknown).values()))
    per_run = pd.DataFrame(of_run, columns=["folder", "seed", "share", "feature", "majority", "reference"])
    for key in factors:
        per_run[key] = [flat.get(key) for flat in flats]
    table = pd.concat(
        [
            per_run.loc[np.repeat(np.arange(len(runs)), size)].reset_index(drop=True),
            pd.DataFrame(of_row, columns=["trained_as", "train_share", "pool_n"]),
            pd.DataFrame(numbers, columns=list(NUMBERS)),
            pd.DataFrame(judged, columns=list(JUDGES.values())),
        ],
        axis=1,
    )
    table = table.astype(dict.fromkeys(["train_share", *METRICS, *JUDGES.values()], float))
    order = ["folder", *factors, "seed", "share", "condition", "trained_as", "feature", "group", "majority",
             "reference", "train_share", "pool_n", "n_group", "winners", *METRICS, *JUDGES.values()]  # fmt: skip
    return table[order], factors


def dose_table(
    runs: pd.DataFrame,
    conditions: Sequence[str],
    people: pd.DataFrame | Contests | None = None,
    *,
    mixed: bool = True,
) -> pd.DataFrame:
    """dose_response over every group and outcome, with columns `outcome` and `of_group` before its own.

    With the people who entered, ci_people_low and ci_people_high are intervals for other contestants, too.
    Runs of a pool given by shares, not by one majority share, have no dose and yield no rows.
    """
    parts = []
    dosed = runs[runs["share"].notna()]
    steps = {}
    if "winners" in dosed and (dosed["winners"] > 0).any():
        steps["winner_share"] = 1 / float(dosed.loc[dosed["winners"] > 0, "winners"].median())
    for group, part in dosed.groupby("group", sort=True):
        for outcome, parity in OUTCOMES.items():
            if part[outcome].notna().sum() < 2 or part["share"].nunique() < 2:
                continue
            if outcome == "selection_rate_ratio" and group == part["reference"].iloc[0]:
                continue  # its ratio to itself is 1 by definition
            table = dose_response(
                part,
                outcome=outcome,
                baseline=conditions[0],
                threshold=0.8 if parity == 1.0 else np.nan,
                bounds=BOUNDS[outcome],
                step=steps.get(outcome, 0.0),
                mixed=mixed,
            )
            if parity != 1.0:
                table = table[table["metric"] != "dose_crossing"]
            parts.append(table.assign(outcome=outcome, of_group=group))
    if not parts:
        return pd.DataFrame()
    return with_people(
        pd.concat(parts, ignore_index=True),
        dosed,
        people,
        baseline=conditions[0],
        reference=dosed["reference"].iloc[0],
        bounds=BOUNDS,
        steps=steps,
    )


def _names(runs: Sequence[RunDir]) -> list[str]:
    """The folders' names; whole paths where two sweeps have folders of one name, which are two runs."""
    count = Counter(run.path.name for run in runs)
    return [run.path.name if count[run.path.name] == 1 else str(run.path) for run in runs]


def _told(levels: Mapping[str, Any]) -> str:
    return ", ".join(_words(levels))


def _words(levels: Mapping[str, Any]) -> list[str]:
    return [f"{key}={'null' if pd.isna(value) else value}" for key, value in levels.items()]


def _page(
    home: Path,
    runs: pd.DataFrame,
    dose: pd.DataFrame,
    others: pd.DataFrame,
    levels: Mapping[str, Any],
    feature: str,
    conditions: Sequence[str],
) -> Path:
    from judge.report.pages.sweep import write_compare_report

    notes = [f"Settings of these runs: {_told(levels)}."] if levels else []
    for warning in (warnings := sweep_warnings(runs)):
        log.warning("warning: %s", warning)
    title = f"Who wins, by the training pool’s share of {runs['majority'].iloc[0]}"
    return write_compare_report(
        home, runs, dose, others, conditions=conditions, feature=feature, title=title, notes=notes,
        factors=list(levels), warnings=warnings,
    )  # fmt: skip


def _page_of_many(
    home: Path,
    runs: pd.DataFrame,
    dose: pd.DataFrame,
    others: pd.DataFrame,
    factors: Sequence[str],
    conditions: Sequence[str],
) -> Path:
    from judge.report.pages.settings import write_settings_report

    for warning in (warnings := sweep_warnings(runs)):
        log.warning("warning: %s", warning)
    return write_settings_report(
        home, runs, dose, others, conditions=conditions, factors=factors, warnings=warnings
    )


def _all_alike(values: list[Any]) -> bool:
    """Whether all are one value: 1, 1.0 and True are three."""
    first, kind = values[0], type(values[0])
    return all(value is first or (type(value) is kind and value == first) for value in values)


def _factors(flats: list[dict[str, Any]]) -> list[str]:
    """Settings that tell the runs apart, besides dose and replicate."""
    keys = sorted(set().union(*flats) - {*BY_DESIGN})
    varied = [key for key in keys if not _all_alike([flat.get(key) for flat in flats])]
    factors = [key for key in varied if changes_a_number(key)]
    contestants: dict[tuple[str, ...], set[str]] = {}
    for flat in flats:
        alike = tuple([repr(flat.get(key)) for key in (*factors, "seed")])
        contestants.setdefault(alike, set()).add(repr(flat.get("entrants.seed")))
    if any(len(seeds) > 1 for seeds in contestants.values()):
        factors.append("entrants.seed")
    return factors
