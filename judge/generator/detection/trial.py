"""Detectors at work: learnt on some people, one threshold from others, tried on the rest, by group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm.auto import tqdm

from judge.errors import InputError, listed
from judge.fairness.inference import holm
from judge.generator.detection.base import Detector
from judge.generator.detection.encoding import PERTURBATIONS, Encoded, same_encoding
from judge.generator.detection.people import parts_of
from judge.generator.detection.rates import auc_by_group, equal_rates, rates_by_group, threshold_of

TABLES = ("rates", "equal_rates", "separation")


@dataclass(frozen=True)
class TrialSettings:
    """How detectors are tried.

    fprs           rates of false alarms on real people for which a threshold is set, over all groups together
    shares         of the people for training and for the threshold; the rest is tested
    perturbations  names of PERTURBATIONS for test pictures of the generator that was learnt from; `none` comes always
    augment        probability that a training picture goes through one of them first (Wang et al. 2020, sec. 4.1)
    confidence     of all intervals
    n_permutations of the test of equal rates
    """

    fprs: Sequence[float] = (0.05, 0.01)
    shares: tuple[float, float] = (0.4, 0.25)
    perturbations: Sequence[str] = tuple(PERTURBATIONS)
    augment: float = 0.0
    confidence: float = 0.95
    n_permutations: int = 10_000

    def __post_init__(self) -> None:
        if not self.fprs or any(not 0 < f < 1 for f in self.fprs):
            raise InputError(f"fprs={list(self.fprs)}: at least one rate between 0 and 1")
        if len(self.shares) != 2 or any(not s > 0 for s in self.shares) or not sum(self.shares) < 1:
            raise InputError(
                f"shares={list(self.shares)}: of training and threshold, above 0, together below 1"
            )
        if other := [p for p in self.perturbations if p not in PERTURBATIONS]:
            raise InputError(f"perturbations {listed(other)}: there are {listed(PERTURBATIONS)}")
        if not 0 <= self.augment <= 1:
            raise InputError(f"augment={self.augment}: a probability")
        if not 0.5 <= self.confidence < 1:
            raise InputError(f"confidence={self.confidence}: from .5 to below 1")


@dataclass(frozen=True)
class Trial:
    """What was found, and the detectors: (name, trained on) → Detector.

    rates        detector, seed, trained_on, tested_on, perturbation, people (real: false alarms; generated: found),
                 fpr_asked, threshold, feature, group, n, flagged, rate, ci_low, ci_high
    equal_rates  the same keys; feature, groups, n, lowest, lowest_rate, highest, highest_rate, difference, statistic,
                 p_value, p_holm (over unchanged real people: the detectors, thresholds and features of a trial)
    separation   detector, seed, trained_on, tested_on, perturbation, feature, group, n_real, n_generated, auc, ci_low,
                 ci_high
    """

    rates: pd.DataFrame
    equal_rates: pd.DataFrame
    separation: pd.DataFrame
    detectors: Mapping[tuple[str, str], Detector] = field(default_factory=dict)


def try_detectors(
    real: Encoded,
    fakes: Mapping[str, Encoded],
    people: pd.DataFrame,
    *,
    detectors: Mapping[str, Callable[[], Detector]],
    features: Sequence[str],
    seed: int,
    settings: TrialSettings = TrialSettings(),
    real_name: str = "real people",
    trained_on: Sequence[str] | None = None,
    progress: bool = False,
) -> Trial:
    """Each detector learns from each generator of `trained_on` and is tested on all.

    real        pictures of n people; row i of every generator in `fakes` was asked for the labels of row i, and both
                are in the same part: neither composition nor labels can be what is detected
    people      n rows of labels, `features` among them
    detectors   name → makes an untrained one
    seed        of the split and of the detectors
    trained_on  names of `fakes`; None: all
    Raises InputError for pictures of different encodings or numbers, too few people for a rate that is asked for, and
    names that are not there; before anything is learnt.
    """
    same_encoding([real, *fakes.values()])
    if not fakes or not detectors:
        raise InputError("at least one generator and one detector are needed")
    if wrong := {name: len(fake) for name, fake in fakes.items() if len(fake) != len(real)}:
        raise InputError(
            f"{len(real)} real people, but generated: {wrong}; each real person needs one beside them"
        )
    if real_name in fakes:
        raise InputError(
            f"the real people and a generator are both called {real_name!r}; rename the generator's folder"
        )
    if len(people) != len(real):
        raise InputError(f"{len(real)} real pictures, but labels of {len(people)} people")
    if other := [f for f in features if f not in people]:
        raise InputError(f"features {listed(other)}: the people have {listed(people.columns)}")
    trained_on = list(fakes) if trained_on is None else list(trained_on)
    if other := [name for name in trained_on if name not in fakes]:
        raise InputError(f"trained_on {listed(other)}: there are {listed(fakes)}")
    rows = parts_of(len(real), settings.shares, seed=seed)
    for fpr in settings.fprs:  # refuses too few before hours are spent
        threshold_of(np.arange(len(rows["calibration"]), dtype=float), fpr)
    tested = people.iloc[rows["test"]].reset_index(drop=True)
    names = ["none", *(p for p in settings.perturbations if p != "none")]
    changed = {name: PERTURBATIONS[name](real.pictures[rows["test"]]) for name in names}
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    fitted: dict[tuple[str, str], Detector] = {}
    jobs = [(source, name) for source in trained_on for name in detectors]
    for source, name in tqdm(jobs, desc="detectors", disable=not progress, leave=False):
        of_real, of_fake = (
            augmented(one.pictures[rows["train"]], settings, seed=2 * seed + k)
            for k, one in enumerate((real, fakes[source]))
        )
        detector = fitted[name, source] = detectors[name]().fit(of_real, of_fake, seed)
        calibration = detector.score(real.pictures[rows["calibration"]])
        limits = {fpr: threshold_of(calibration, fpr) for fpr in settings.fprs}
        for perturbation in names:
            keys = {"detector": name, "seed": seed, "trained_on": source}
            scores = {real_name: detector.score(changed[perturbation])}
            for made_by in list(fakes) if perturbation == "none" else [source]:
                shown = PERTURBATIONS[perturbation](fakes[made_by].pictures[rows["test"]])
                scores[made_by] = detector.score(shown)
            for where, score in scores.items():
                here: dict[str, Any] = {**keys, "tested_on": where, "perturbation": perturbation}
                if where != real_name:
                    _add(
                        tables["separation"],
                        here,
                        auc_by_group(
                            scores[real_name], score, tested, tested, features, confidence=settings.confidence
                        ),
                    )
                here["people"] = "real" if where == real_name else "generated"
                for fpr, limit in limits.items():
                    at = {**here, "fpr_asked": fpr, "threshold": limit}
                    flagged = score > limit
                    _add(
                        tables["rates"],
                        at,
                        rates_by_group(flagged, tested, features, confidence=settings.confidence),
                    )
                    found = equal_rates(
                        flagged, tested, features, n_permutations=settings.n_permutations, seed=seed
                    )
                    _add(tables["equal_rates"], at, found)
    made = {
        name: pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        for name, parts in tables.items()
    }
    made["equal_rates"] = with_holm(made["equal_rates"])
    return Trial(**made, detectors=fitted)


def with_holm(table: pd.DataFrame) -> pd.DataFrame:
    """The table with p_holm: Holm's adjustment over all tests on unchanged real people; NaN elsewhere."""
    table = table.copy()
    table["p_holm"] = np.nan
    if len(table):
        primary = (table["people"] == "real") & (table["perturbation"] == "none")
        table.loc[primary, "p_holm"] = holm(table.loc[primary, "p_value"].to_numpy())
    return table


def augmented(pictures: Tensor, settings: TrialSettings, *, seed: int) -> Tensor:
    """Each picture with probability `settings.augment` through one of PERTURBATIONS, any of them as likely."""
    if settings.augment == 0:
        return pictures
    rng = np.random.default_rng(seed)
    kinds = [name for name in PERTURBATIONS if name != "none"]
    which = np.where(
        rng.random(len(pictures)) < settings.augment, rng.integers(len(kinds), size=len(pictures)), -1
    )
    out = pictures.clone()
    for k, name in enumerate(kinds):
        here = torch.from_numpy(np.flatnonzero(which == k))
        if len(here):
            out[here] = PERTURBATIONS[name](pictures[here])
    return out


def _add(tables: list[pd.DataFrame], keys: Mapping[str, Any], table: pd.DataFrame) -> None:
    if len(table):
        tables.append(pd.concat([pd.DataFrame([keys] * len(table)), table.reset_index(drop=True)], axis=1))
