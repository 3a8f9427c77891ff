"""The page of one run: its conditions, the same entrants before each, all outcomes beside that of the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from judge.report.conditions import TRUTH, baseline_of, places, with_order
from judge.report.html import Block, Section, Text, write_page
from judge.report.sections.described import described
from judge.report.sections.entrants import chosen_by_raters, contestants
from judge.report.sections.errors import errors_section
from judge.report.sections.faces import face_blocks
from judge.report.sections.jury import gate_section, probes_section
from judge.report.sections.pools import pool_of, pool_table, pools_section
from judge.report.sections.provenance import (
    exclusion_blocks,
    limits_section,
    numbers_section,
    setting_of,
    settings_blocks,
)
from judge.report.sections.ranking import ranks_section, scores_section
from judge.report.sections.selection import ratio_section, winners_section
from judge.report.sections.summary import summary_blocks
from judge.report.soundness import judge_warnings
from judge.report.wording import number

TITLE = "Who wins when the pictures that train the judge are skewed?"


def write_run_report(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    environment: Mapping[str, Any],
    *,
    conditions: Sequence[str],
    trained_as: Mapping[str, str] = MappingProxyType({}),
    show_faces: bool = False,
    feature: str | None = None,
) -> Path:
    """Writes folder/figures/*.png|svg and folder/page.html; returns the page.

    tables       manifest, membership, ranking, audit; and where there are any brackets, unranked, excluded, judges,
                 gate_rates, probes. Scores are taken from the ranking: they are the ones that counted
    settings     the run's resolved settings as plain containers
    environment  versions, revision, seeds, perhaps the command
    conditions   the run's, in order; the first is the baseline. A known truth is one more, `truth`, in the tables
    trained_as   condition → the condition whose judge it uses
    show_faces   also show photographs of real people; faces that belong to nobody are always shown
    feature      the sensitive feature of the page; None: pool.feature of the settings, else the audit's first

    Raises InputError where a table has a condition that is neither in `conditions` nor the truth.
    """
    folder = Path(folder)
    tables = {
        name: with_order(table, conditions) if "condition" in table else table
        for name, table in tables.items()
    }
    sections = run_sections(
        folder, tables, settings, environment, trained_as=trained_as, show_faces=show_faces, feature=feature
    )
    entrants = tables["membership"].query("role == 'entrant'")["image_id"].nunique()
    named = {"name": folder.name, **{key: value for key, value in settings.items() if value is not None}}
    subtitle = described(named, tables.get("brackets"), entrants)
    return write_page(folder, title=TITLE, subtitle=subtitle, sections=sections)


def run_sections(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    environment: Mapping[str, Any],
    *,
    trained_as: Mapping[str, str],
    show_faces: bool,
    feature: str | None,
) -> list[Section]:
    """The page of a run, section by section; the tables' conditions have their order (`with_order`)."""
    feature = feature or setting_of(settings, "pool", "feature") or str(tables["audit"]["feature"].iloc[0])
    audit = tables["audit"].assign(confidence=setting_of(settings, "audit", "confidence") or 0.95)
    names = places(audit["condition"])
    pools = pool_table(tables["manifest"], tables["membership"], feature, names, trained_as)
    owners = pool_of(tables["membership"], names, trained_as)
    people = contestants(tables["manifest"], tables["ranking"], feature)
    tie_seed = setting_of(settings, "contest", "tie_seed") or 0
    benchmarks = chosen_by_raters(people, tie_seed=tie_seed)
    majority = _majority(pools, settings)
    # the truth is no judge and on a scale of its own: it has winners and ranks, but neither scores nor errors
    judged, judged_people = (t[t["condition"] != TRUTH] for t in (audit, people))
    first = summary_blocks(
        audit, pools, benchmarks, settings, feature=feature, majority=majority, trained_as=trained_as
    )
    first = [*warning_blocks(tables.get("judges")), *first]
    probes = tables.get("probes")
    if probes is not None:
        probes = probes.assign(confidence=audit["confidence"].iloc[0])
    return [
        Section("What the conditions did", first),
        pools_section(pools, owners, feature),
        gate_section(tables.get("gate_rates")),
        winners_section(audit, feature, benchmarks=benchmarks),
        ratio_section(audit, feature),
        scores_section(judged_people, judged, feature),
        ranks_section(people, audit, feature, places=_places(tables.get("brackets"))),
        errors_section(judged_people, judged, feature),
        probes_section(probes),
        limits_section(limits(settings, people)),
        Section("Brackets, and what was excluded", exclusion_blocks(tables)),
        Section("Faces of the winners", face_blocks(people, show_faces=show_faces)),
        numbers_section(audit),
        Section(
            "Settings, versions, and how to run it again", settings_blocks(folder, settings, environment)
        ),
    ]


def warning_blocks(judges: pd.DataFrame | None) -> list[Block]:
    """What to know of a judge before its winners; nothing of a sound one, or of a run that did not check."""
    return [] if judges is None else [Text(told, "caution") for told in judge_warnings(judges)]


def limits(settings: Mapping[str, Any], people: pd.DataFrame) -> list[str]:
    """What the page does not show, from the run's settings and data."""
    items = [
        "One training run in each condition. Nothing here tells an effect of a condition from that of the seed.",
        "Intervals and p-values take the trained judges as given. They say how the result would vary with other "
        "entrants, not with another training.",
        "Every condition is set beside the same baseline: where the baseline is unusual, all of them seem to move.",
        "Ratings are opinions of particular people. A judge that agrees with them repeats them, unevenness included; "
        "no score is a property of a face.",
        "A pool with even shares evens out how many pictures of each group the judge sees. Ratings that are uneven "
        "between the groups stay so.",
        "Groups are labels of the data set: neither what people say of themselves nor skin tones.",
        "Several conditions, groups and measures are compared, and one p-value below .05 among many is to be "
        "expected; adjusted ones are beside them.",
    ]
    sources = set(people["source"].dropna()) if "source" in people else set()
    if "parametric" in sources:
        items.append(
            "The faces are rendered and their raters simulated. What holds here holds for rendered faces."
        )
    if "generated" in sources:
        items.append("The faces are made by a generator, whose own training may have been skewed.")
    if settings.get("entrants_data"):
        items.append(
            "Entrants and training pictures come from different data sets: crop, light and camera differ as well "
            "(a domain shift)."
        )
    shift = setting_of(settings, "pool", "rating_shift")
    if shift:
        listed = ", ".join(f"{group} {number(by, 2)}" for group, by in shift.items())
        items.append(f"Ratings of the pools were shifted on purpose, in rating points: {listed}.")
    return items


def _majority(pools: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """The group that the pool is skewed to: the settings' one, else the largest of the baseline's pool."""
    majority = setting_of(settings, "pool", "majority")
    if majority is not None and str(majority) in set(pools["group"]):
        return str(majority)
    first = pools[pools["condition"] == baseline_of(pools["condition"])]
    return str(first.loc[first["n"].idxmax(), "group"])


def _places(brackets: pd.DataFrame | None) -> int | None:
    """Places a bracket, where every bracket has as many."""
    if brackets is None or "places" not in brackets or brackets["places"].nunique() != 1:
        return None
    return int(brackets["places"].iloc[0])
