"""From finished runs to one comparison: a row a training run, the dose–response, figures, a page."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from judge.data.tables import write_table
from judge.errors import InputError, listed
from judge.experiment.folder_names import changes_a_number, folder_name
from judge.experiment.run_folder import RunDir, find_runs
from judge.fairness.sweeps import dose_response, with_people
from judge.fairness.sweeps.over_seeds import RATIO, SHARE
from judge.report.soundness import sweep_warnings
from judge.storage import make_writable

log = logging.getLogger("judge")

#: Settings that vary in a sweep by design: the dose and the replicate (entrants.seed as far as it goes with the seed).
BY_DESIGN = ("seed", "entrants.seed", "pool.majority_share")
#: Outcomes that the dose–response is drawn and tested for, with the value that a fair contest would show.
OUTCOMES = {"winner_share": None, "selection_rate_ratio": 1.0, "signed_error": 0.0}
#: Their ranges, which no interval leaves.
BOUNDS = {"winner_share": SHARE, "selection_rate_ratio": RATIO, "signed_error": None}
METRICS = (
    "entrant_share",
    "winner_share",
    "expected_winner_share",
    "selection_rate",
    "selection_rate_ratio",
    "mean_score",
    "top_tail_score",
    "spread",
    "pearson",
    "mae",
    "signed_error",
    "calibration_slope",
)
#: Columns of a run's table `judges` that its rows of the comparison have as well, each under a name of its own there.
JUDGES = {
    **{
        name: name
        for name in ("off_scale", "score_low", "score_high", "scale_low", "scale_high", "agreement")
    },
    "ci_low": "agreement_low",
    "ci_high": "agreement_high",
}


def compare(paths: list[str | Path], out: Path) -> list[Path]:
    """Writes runs.{parquet,csv}, dose.{parquet,csv}, figures and page.html; returns the pages' paths.

    Runs that differ in more than dose and seed (a rating shift, a judge) are compared combination by combination of
    those factors, each in a folder of its own. Raises InputError if there is no finished run, or if the runs hold
    contests over different features or under different conditions.
    """
    finished, others = find_runs(paths)
    if not finished:
        raise InputError(
            f"no finished run under {listed(map(str, paths))}; {len(others)} are not finished or failed"
        )
    finished = once_each(finished)
    runs, factors = run_table(finished)
    features = runs["feature"].unique()
    if len(features) > 1:
        raise InputError(f"runs over different features cannot be compared: {listed(features)}")
    conditions = same_conditions(finished)
    make_writable(out, inner=["figures"])
    write_table(runs, out / "runs")
    doses, pages = [], []
    for levels, part in combinations(runs, factors):
        dose = dose_table(part, conditions, people_table(finished, part))
        doses.append(dose.assign(**levels))
        home = out if not levels or len(runs) == len(part) else out / folder_name(_words(levels))
        pages.append(_page(home, part, dose, others, levels, features[0], conditions))
    write_table(pd.concat(doses, ignore_index=True), out / "dose")
    return pages


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


def run_table(runs: list[RunDir]) -> tuple[pd.DataFrame, list[str]]:
    """One row a training run (run × condition) and group, and the names of the columns that are factors.

    Columns: folder, one for each setting that varied besides dose and seed (its dotted name), seed, share, condition,
    trained_as, feature, group, majority, reference, train_share, pool_n, n_group, winners (of all groups) and the
    metrics of METRICS (NaN where a run has none): over all brackets, or within them where the audit says so.
    And those of JUDGES: what is known of the judge as a whole, the same in all rows that have it.
    """
    flats = [_flat(run) for run in runs]
    factors = _factors(flats)
    rows = []
    for run, flat, name in zip(runs, flats, _names(runs), strict=True):
        done = run.done
        assert done is not None
        audit = run.table("audit")
        overall = audit[audit["metric"].isin(METRICS)]
        if "bracket" in overall:
            overall = overall[overall["bracket"].isna() | overall["bracket"].isin(["", "all", "within"])]
        wide = overall.pivot_table(
            index=["condition", "group"], columns="metric", values="value", dropna=False, observed=True
        ).dropna(how="all")
        judges = _judges(run)
        sizes, winners = (
            overall[overall["metric"] == metric].set_index(["condition", "group"])["n"]
            for metric in ("entrant_share", "winner_share")
        )
        for (condition, group), numbers in wide.iterrows():
            rows.append(
                {
                    "folder": name,
                    **{key: flat.get(key) for key in factors},
                    "seed": done["seed"],
                    "share": done["majority_share"],
                    "condition": condition,
                    "trained_as": done["trained_as"].get(condition),
                    "feature": done["feature"],
                    "group": group,
                    "majority": done["majority"],
                    "reference": done["reference"],
                    "train_share": done["pool_shares"].get(condition, {}).get(group, np.nan),
                    "pool_n": done["pool_n"].get(condition, 0),
                    "n_group": int(sizes.get((condition, group), 0)),
                    "winners": int(winners.get((condition, group), 0)),
                    **{metric: numbers.get(metric, np.nan) for metric in METRICS},
                    **judges.get(done["trained_as"].get(condition), dict.fromkeys(JUDGES.values(), np.nan)),
                }
            )
    return pd.DataFrame(rows), factors


def _judges(run: RunDir) -> dict[str, dict[str, float]]:
    """The columns of JUDGES by the condition that trained; empty of a run that did not check its judges."""
    if not (run / "judges.parquet").is_file():
        return {}
    table = run.table("judges").set_index("condition").rename(columns=JUDGES)
    return {str(name): row for name, row in table[list(JUDGES.values())].to_dict("index").items()}


def people_table(finished: Sequence[RunDir], runs: pd.DataFrame) -> pd.DataFrame | None:
    """Everybody who entered the runs of `runs` (`people_of` each); None where a run has no tables of its people."""
    wanted = set(runs["folder"])
    named = zip(finished, _names(finished), strict=True)
    parts = [people_of(run) for run, name in named if name in wanted]
    known = [part for part in parts if part is not None]
    return pd.concat(known, ignore_index=True) if known and len(known) == len(parts) else None


def people_of(run: RunDir) -> pd.DataFrame | None:
    """A row an entrant and condition of a finished run, as `fairness.sweeps.contestants` reads them.

    Columns: seed, share, condition, image_id, person (person_id where the data set has one), group, rating, bracket,
    rank (NaN where not ranked), winner, score, error (score − rating). None for a folder without these tables.
    """
    if not all((run / f"{name}.parquet").is_file() for name in ("manifest", "membership", "ranking")):
        return None
    done = run.done
    assert done is not None
    role, ranking = run.table("membership"), run.table("ranking")
    entered = role.loc[role["role"] == "entrant", "image_id"].unique()
    people = run.table("manifest").set_index("image_id").loc[entered].reset_index()
    person = people["image_id"]
    if "person_id" in people:
        person = people["person_id"].astype(object).fillna(person)
    group = people[done["feature"]].astype(object)
    people = people[["image_id", "rating"]].assign(person=person.astype(str), group=group)
    # a gate turns some away under one condition, and they are ranked under another
    brackets = ranking.drop_duplicates("image_id").set_index("image_id")["bracket"]
    parts = []
    for condition, ranked in ranking.groupby("condition", observed=True):
        own = people.merge(ranked[["image_id", "rank", "winner", "score"]], on="image_id", how="left")
        parts.append(
            own.assign(
                seed=done["seed"],
                share=done["majority_share"],
                condition=str(condition),
                bracket=own["image_id"].map(brackets).astype(object).fillna("not ranked"),
                winner=own["winner"].eq(True),
                error=own["score"] - own["rating"],
            )
        )
    return pd.concat(parts, ignore_index=True)


def dose_table(
    runs: pd.DataFrame, conditions: Sequence[str], people: pd.DataFrame | None = None
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


def _flat(run: RunDir) -> dict[str, Any]:
    """Dotted setting → value; a list is told as text."""

    def walk(value: Any, prefix: str) -> dict[str, Any]:
        if not isinstance(value, dict) or not value:
            return {prefix: json.dumps(value) if isinstance(value, list | dict) else value}
        flat: dict[str, Any] = {}
        for key, inner in value.items():
            flat |= walk(inner, f"{prefix}.{key}" if prefix else str(key))
        return flat

    return walk(yaml.safe_load((run / "settings.yaml").read_text(encoding="utf-8")), "")


def _factors(flats: list[dict[str, Any]]) -> list[str]:
    """Settings that tell the runs apart, besides dose and replicate."""
    keys = sorted({key for flat in flats for key in flat if changes_a_number(key) and key not in BY_DESIGN})
    factors = [key for key in keys if len({repr(flat.get(key)) for flat in flats}) > 1]
    contestants: dict[tuple[str, ...], set[str]] = {}
    for flat in flats:
        alike = tuple(repr(flat.get(key)) for key in (*factors, "seed"))
        contestants.setdefault(alike, set()).add(repr(flat.get("entrants.seed")))
    if any(len(seeds) > 1 for seeds in contestants.values()):
        factors.append("entrants.seed")
    return factors
