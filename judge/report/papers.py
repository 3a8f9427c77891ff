"""Figures by name, each with the table behind it: for papers, from a run, from a sweep, from an audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

from judge.errors import InputError, listed
from judge.report.conditions import TRUTH, in_order, places, with_order
from judge.report.html import Block, Fold, Picture, Section, Table
from judge.report.sections.dose import OUTCOMES, Setting, outcome_blocks
from judge.report.sections.entrants import chosen_by_raters, contestants
from judge.report.sections.errors import errors_section
from judge.report.sections.jury import probes_section
from judge.report.sections.pools import pool_of, pool_table, pools_section
from judge.report.sections.provenance import setting_of
from judge.report.sections.ranking import ranks_section, scores_section
from judge.report.sections.selection import ratio_section, winners_section
from judge.report.sections.tables import conditioned
from judge.report.wording import as_group

#: name → (what it is of: run, runs; in words)
FIGURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "winners": ("run", "each group’s share of the entrants and of the winners, by condition"),
        "ratios": ("run", "forest plot of the selection-rate ratios"),
        "pools": ("run", "who is in the training pools"),
        "scores": ("run", "distributions of the scores with the winners’ cut"),
        "skew": ("run", "over- and under-representation among the best k"),
        "errors": ("run", "errors against human ratings, by group"),
        "calibration": ("run", "mean score against mean rating, by group"),
        "probes": ("run", "what fresh probes read of the group"),
        **{
            f"dose_{name}": ("runs", f"{how.words} against the training share")
            for name, how in OUTCOMES.items()
        },
    }
)
#: Figures that an audit table alone can give.
OF_AN_AUDIT = ("winners", "ratios")


@dataclass(frozen=True)
class Named:
    """A figure with the table behind it, None where it has none."""

    picture: Picture
    table: Table | None


def check(name: str, of: Sequence[str]) -> None:
    """Raises InputError unless there is a figure of this name of one of these kinds (run, runs)."""
    there = [known for known, (kind, _) in FIGURES.items() if kind in of]
    if name not in FIGURES:
        raise InputError(f"no figure {name!r}; there are {listed(FIGURES, 20)}")
    if name not in there:
        what = "one run" if FIGURES[name][0] == "run" else "several runs of at least two training shares"
        raise InputError(f"{name} is a figure of {what}; of what is given there are {listed(there, 20)}")


def of_run(
    name: str,
    tables: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    *,
    conditions: Sequence[str],
    trained_as: Mapping[str, str],
    feature: str,
) -> Named:
    """A figure of one run's tables, as `judge.report.pages.run` takes them.

    Raises InputError where the run has nothing to draw there.
    """
    check(name, ["run"])
    tables = {key: with_order(t, conditions) if "condition" in t else t for key, t in tables.items()}
    audit = tables["audit"].assign(confidence=setting_of(settings, "audit", "confidence") or 0.95)
    people = contestants(tables["manifest"], tables["ranking"], feature)
    judged, judged_people = (t[t["condition"] != TRUTH] for t in (audit, people))
    if name == "winners":
        raters = chosen_by_raters(people, tie_seed=setting_of(settings, "contest", "tie_seed") or 0)
        section = winners_section(audit, feature, benchmarks=raters)
    elif name == "ratios":
        section = ratio_section(audit, feature)
    elif name == "pools":
        names = places(audit["condition"])
        pools = pool_table(tables["manifest"], tables["membership"], feature, names, trained_as)
        section = pools_section(pools, pool_of(tables["membership"], names, trained_as), feature)
    elif name == "scores":
        section = scores_section(judged_people, judged, feature)
    elif name == "skew":
        section = ranks_section(people, audit, feature, places=setting_of(settings, "contest", "places"))
    elif name == "probes":
        section = probes_section(tables.get("probes"))
    else:
        section = errors_section(judged_people, judged, feature)
    return _found(name, section)


def of_audit(name: str, audit: pd.DataFrame, feature: str) -> Named:
    """A figure of an audit table alone, as `judge audit --out` writes it."""
    if name not in OF_AN_AUDIT:
        raise InputError(f"an audit table alone gives {listed(OF_AN_AUDIT)}; given {name!r}")
    table = conditioned(audit, "score_column").assign(confidence=0.95)
    names = in_order(table["condition"])
    if len(names) <= 1:
        table["condition"], names = "", [""]
    table = with_order(table, names, baseline=False)
    own = table[table["feature"].astype(str) == feature]
    if own.empty:
        raise InputError(f"the audit has no feature {feature!r}; it has {listed(table['feature'].unique())}")
    return _found(name, (winners_section if name == "winners" else ratio_section)(own, feature))


def of_runs(
    name: str, runs: pd.DataFrame, dose: pd.DataFrame, *, conditions: Sequence[str], feature: str
) -> Named:
    """A dose–response of several runs, as `judge.report.pages.sweep` takes them."""
    check(name, ["runs"])
    outcome = name.removeprefix("dose_")
    runs = with_order(runs.assign(group=as_group(runs["group"])), conditions)
    if "n_group" in runs:
        runs["entrants"] = runs["n_group"]
    if runs["share"].nunique() < 2:
        raise InputError(
            f"{name} needs runs of at least two training shares; these have {runs['share'].nunique()}"
        )
    return _found(name, Section("", outcome_blocks(Setting("", "", runs, dose), outcome, feature)))


def _found(name: str, section: Section) -> Named:
    blocks = list(_all(section.blocks))
    pictures = [block for block in blocks if isinstance(block, Picture) and block.name == name]
    if not pictures:
        raise InputError(f"{name}: there is nothing to draw here")
    after = blocks[blocks.index(pictures[0]) :]
    return Named(pictures[0], next((block for block in after if isinstance(block, Table)), None))


def _all(blocks: Sequence[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Fold):
            yield from _all(block.blocks)
