"""Advice on a run: what of its folder, its pictures and its data set bears on each skew."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from judge.data.light import measured_light
from judge.errors import InputError, listed
from judge.experiment.api import load_run
from judge.experiment.run_folder import RunDir
from judge.fairness.advice import Advice, advise

log = logging.getLogger("judge")

#: Pictures of a group that are looked at, at the contest and in training: means need no more.
MOST_PICTURES = 300


def advise_run(
    folder: str | Path,
    *,
    condition: str | None = None,
    cures: pd.DataFrame | None = None,
    pictures: bool = True,
    confidence: float = 0.95,
) -> tuple[Advice, pd.DataFrame]:
    """Advice on a condition of a finished run, None: its baseline; and that condition's rows of the audit.

    pictures  also open pictures of entrants and pool, up to MOST_PICTURES a group, and measure their light

    Raises InputError where the folder holds no finished run, or for a condition that it has not.
    """
    load_run(folder)  # says what is wrong with a folder that holds none
    home = RunDir(folder)
    done = home.done or {}
    name = condition or done["baseline"]
    if name not in done["conditions"]:
        raise InputError(f"{folder} has no condition {name!r}; it has {listed(done['conditions'])}")
    settings = yaml.safe_load((home / "settings.yaml").read_text(encoding="utf-8"))
    feature = done["feature"]
    manifest, member = home.table("manifest"), home.table("membership")
    member = member[member["condition"] == name]
    role = member.groupby("role")["image_id"].agg(set)
    taught = role.get("train", set()) | role.get("validation", set())
    people = manifest[manifest["image_id"].isin(role.get("entrant", set()))].reset_index(drop=True)
    training = manifest[manifest["image_id"].isin(taught)].reset_index(drop=True)
    ranking = home.table("ranking")
    score = ranking[ranking["condition"] == name].set_index("image_id")["score"]
    people = people.assign(score=people["image_id"].map(score))
    notes = []
    shift = (settings["pool"].get("rating_shift") or {}) if settings.get("pool") else {}
    if shift:
        notes.append(
            f"the settings shift the ratings of the pool on purpose, for all raters alike: {dict(shift)}"
        )
    light: dict[str, str] = {}
    if pictures:
        people, training = (_with_light(part, feature, notes, what) for part, what in
                            ((people, "entrants"), (training, "training pictures")))  # fmt: skip
        light = {"exposure": "exposure", "contrast": "contrast"}
    ratings, rater_group = _single_ratings(settings["data"], feature, notes)
    reference = _reference_counts(settings, name, training[feature], notes)
    told = advise(
        people,
        feature=feature,
        score="score",
        rating="rating" if people["rating"].notna().any() else None,
        training=training[[c for c in ("image_id", feature, "exposure", "contrast") if c in training]],
        ratings=ratings,
        rater_group=rater_group,
        reference_counts=reference,
        cures=cures,
        confidence=confidence,
        **light,
    )
    audit = home.table("audit")
    notes += told.notes
    return Advice(told.evidence, told.skews, told.cures, tuple(notes), confidence), audit[
        audit["condition"] == name
    ]


def _with_light(part: pd.DataFrame, feature: str, notes: list[str], what: str) -> pd.DataFrame:
    """The rows with exposure and contrast of up to MOST_PICTURES a group, chosen by lot with a fixed seed."""
    rng = np.random.default_rng(0)
    chosen = pd.concat(
        [rows.iloc[np.sort(rng.permutation(len(rows))[:MOST_PICTURES])] for _, rows in part.groupby(feature)]
    )
    if len(chosen) < len(part):
        notes.append(
            f"{what}: the light of {len(chosen):,} of {len(part):,} was measured, at most {MOST_PICTURES} a group"
        )
    found = measured_light(chosen["path"])
    broken = found[found["reason"] != ""]
    if len(broken):
        notes.append(
            f"{what}: {len(broken):,} pictures could not be read, the first: {broken['reason'].iloc[0]}"
        )
    light = found[["exposure", "contrast"]].set_axis(chosen.index)
    return part.assign(exposure=light["exposure"], contrast=light["contrast"])


def _single_ratings(
    data: Mapping[str, Any], feature: str, notes: list[str]
) -> tuple[pd.DataFrame | None, str | None]:
    """Single ratings of the run's data set with the feature of whom they rate, and the column of the raters' own."""
    from judge.experiment.settings import DataSource

    try:
        dataset = DataSource(data).read()
    except (InputError, OSError) as error:
        notes.append(f"the data set cannot be read again, so single ratings were not looked at: {error}")
        return None, None
    if dataset.ratings is None:
        return None, None
    group = dataset.manifest.set_index("image_id")[feature]
    ratings = dataset.ratings.assign(**{feature: dataset.ratings["image_id"].map(group)})
    own = f"rater_{feature}"
    return ratings, own if own in ratings else None


def _reference_counts(
    settings: Mapping[str, Any], condition: str, pool: pd.Series, notes: list[str]
) -> dict[str, int]:
    """Group → people of the reference set, from the settings; empty where no robot compares with one."""
    jury = settings.get("jury") or {}
    own = (settings["conditions"].get(condition) or {}).get("jury") or {}
    models = {**(jury.get("models") or {}), **(own.get("models") or {})}
    robots = jury.get("robots") or {}
    compares = any("resemblance" in str((robot or {}).get("_target_", "")) for robot in robots.values())
    if not compares or not models:
        return {}
    groups = pool.value_counts()
    shares, n = models.get("shares", "as_pool"), int(models.get("n", 60))
    if shares == "as_pool":
        notes.append("the reference set follows the training pool, by its settings")
        wanted = groups / groups.sum()
    elif shares == "equal":
        wanted = groups * 0 + 1 / len(groups)
    else:
        wanted = pd.Series(shares, dtype=float)
    return {str(group): round(n * share) for group, share in wanted.items()}
