"""The gate: who may enter, by what is seen on the picture and by age; every refusal with its rule.

A gate is part of the bias: "the judging algorithm sometimes rejected selfies of dark-skinned people if the lighting
was too dim" (Privacy International on Beauty.AI). So each rule is a setting, each refusal is logged with value,
threshold, group and bracket, and for exposure and sharpness there is a choice between what is measured on the face,
where dark skin weighs in, and what is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from judge.data.brackets import bracket_columns, bracket_names, stated_years
from judge.data.tables import SENSITIVE_FEATURES
from judge.errors import InputError, listed

#: In the order in which they are checked; the first one broken is the reason given.
RULES = (
    "unreadable",
    "no face",
    "face uncertain",
    "more than one face",
    "not frontal",
    "too small",
    "not sharp",
    "too dark",
    "too bright",
    "clipped",
    "too young",
    "too old",
    "age unknown",
)


@dataclass(frozen=True)
class GateResult:
    """Who may enter, and who not and why.

    admitted  image_ids in the manifest's order
    refusals  a row for each broken rule: image_id, rule, value, threshold, first (the reason given), bracket and the
              sensitive features that the manifest has
    """

    admitted: list[str]
    refusals: pd.DataFrame


@dataclass(frozen=True)
class Gate:
    """Rules for who may enter; every threshold but min_age may be null, which switches its rule off.

    min_face_score      detector's score, 0–1
    max_other_face      area of another face over the largest face's, 0–1
    max_yaw, max_pitch, max_roll   degrees, estimated from five landmarks
    min_eye_distance    pixels between the pupils
    min_sharpness       in the unit of `sharpness_by`
    sharpness_by        sharpness: fine over coarse detail, free of light and tone · focus: variance of the Laplacian
    min_luminance, max_luminance   linear, 0–1
    exposure_by         face: mean luminance of the skin · picture: of the whole picture
    max_clipped         share of the face that is black or burnt out, 0–1
    min_age, max_age    years, both included; min_age is at least 18 and cannot be switched off: minors are not ranked
    age_margin          years that a predicted age must lie inside these limits, where no age is stated
    unknown_age         refuse or admit, where no age is stated and none predicted
    brackets            columns that make the bracket of the log
    """

    min_face_score: float | None = 0.7
    max_other_face: float | None = 0.25
    max_yaw: float | None = 25.0
    max_pitch: float | None = 30.0
    max_roll: float | None = 25.0
    min_eye_distance: float | None = 18.0
    min_sharpness: float | None = 0.18
    sharpness_by: str = "sharpness"
    min_luminance: float | None = 0.02
    max_luminance: float | None = 0.85
    exposure_by: str = "picture"
    max_clipped: float | None = 0.35
    min_age: float = 18.0
    max_age: float | None = 69.0
    age_margin: float = 5.0
    unknown_age: str = "refuse"
    face_needed: bool = True
    brackets: Sequence[str] = ("gender", "age_group")

    def __post_init__(self) -> None:
        for name, allowed in (
            ("sharpness_by", ("sharpness", "focus")),
            ("exposure_by", ("face", "picture")),
            ("unknown_age", ("refuse", "admit")),
        ):
            if getattr(self, name) not in allowed:
                raise InputError(f"gate.{name} is one of {allowed}; given {getattr(self, name)!r}")
        if self.min_age is None or self.min_age < 18:
            raise InputError(f"gate.min_age is at least 18: minors are not ranked; given {self.min_age}")

    def __call__(
        self, measures: pd.DataFrame, manifest: pd.DataFrame, predicted_age: pd.Series | None = None
    ) -> GateResult:
        """Who of the manifest may enter.

        measures       a row a picture: image_id and the columns of `alignment.MEASURES`
        predicted_age  years by image_id, used where no age is stated; None: nobody's age is predicted
        Raises InputError where a picture of the manifest was not measured.
        """
        people = manifest.set_index("image_id", drop=False)
        table = measures.set_index("image_id").reindex(people.index)
        unseen = ~people.index.isin(measures["image_id"])
        if unseen.any():
            raise InputError(
                f"{unseen.sum()} picture(s) of the manifest were not measured, "
                f"first {listed(people.index[unseen], 3)}"
            )
        checks = self._picture_rules(table) + self._age_rules(people, predicted_age)
        rows = []
        for rule, broken, value, threshold in checks:
            broken = np.asarray(broken, dtype=bool)
            rows.append(
                pd.DataFrame(
                    {
                        "image_id": people.index[broken],
                        "rule": rule,
                        "value": np.asarray(value, dtype=float)[broken],
                        "threshold": np.nan if threshold is None else float(threshold),
                    }
                )
            )
        refusals = pd.concat(rows, ignore_index=True)
        order = refusals["rule"].map({rule: i for i, rule in enumerate(RULES)})
        place = refusals["image_id"].map({i: n for n, i in enumerate(people.index)})
        refusals = refusals.iloc[np.lexsort([order, place])].reset_index(drop=True)
        refusals["first"] = ~refusals["image_id"].duplicated()
        facts = people[[c for c in SENSITIVE_FEATURES if c in people]].copy()
        facts.insert(0, "bracket", _brackets(people, self.brackets))
        refusals = refusals.join(facts, on="image_id")
        refused = set(refusals["image_id"])
        return GateResult([i for i in people.index if i not in refused], refusals)

    def _picture_rules(self, m: pd.DataFrame) -> list[tuple]:
        sharp = m[self.sharpness_by]
        light = m[f"{self.exposure_by}_luminance"]
        clipped = m["clipped_dark"] + m["clipped_bright"]
        turned = pd.concat([m["yaw"].abs(), m["pitch"].abs(), m["roll"].abs()], axis=1)
        limits = [self.max_yaw, self.max_pitch, self.max_roll]
        rules = [("unreadable", m["faces"].isna(), m["faces"], None)]
        if self.face_needed:
            rules.append(("no face", m["faces"].eq(0), m["faces"], 1))
        rules += [
            _below("face uncertain", m["face_score"], self.min_face_score),
            _above("more than one face", m["other_face"], self.max_other_face),
            *(_above("not frontal", turned.iloc[:, i], limit) for i, limit in enumerate(limits)),
            _below("too small", m["eye_distance"], self.min_eye_distance),
            _below("not sharp", sharp, self.min_sharpness),
            _below("too dark", light, self.min_luminance),
            _above("too bright", light, self.max_luminance),
            _above("clipped", clipped, self.max_clipped),
        ]
        return rules

    def _age_rules(self, people: pd.DataFrame, predicted: pd.Series | None) -> list[tuple]:
        low, high = stated_years(people).to_numpy().T
        guess = np.full(len(people), np.nan)
        if predicted is not None:
            guess = predicted.reindex(people.index).to_numpy(float)
        stated = np.isfinite(low)
        rules: list[tuple] = [
            ("too young", np.where(stated, low < self.min_age, guess < self.min_age + self.age_margin),
             np.where(stated, low, guess), self.min_age)
        ]  # fmt: skip
        if self.max_age is not None:
            rules.append(
                ("too old", np.where(stated, high > self.max_age, guess > self.max_age - self.age_margin),
                 np.where(stated, high, guess), self.max_age)
            )  # fmt: skip
        if self.unknown_age == "refuse":
            rules.append(("age unknown", ~stated & ~np.isfinite(guess), guess, None))
        return rules


def refusal_rates(
    refusals: pd.DataFrame,
    manifest: pd.DataFrame,
    *,
    by: str | Sequence[str],
    rules: Sequence[str] = RULES,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Refusal rates by rule (each alone, and `any`) and group.

    Columns rule, those of `by`, n, refused, rate (0–1), ci_low, ci_high (Wilson). A picture that breaks several rules
    counts under each. Groups without entrants do not appear; an unknown value of a `by` column is its own group,
    `unknown`.
    """
    by = [by] if isinstance(by, str) else list(by)
    people = manifest[["image_id", *by]].copy()
    people[by] = people[by].astype(object).where(people[by].notna(), "unknown")
    out = []
    for rule in ("any", *rules):
        hit = refusals if rule == "any" else refusals[refusals["rule"] == rule]
        if rule != "any" and hit.empty:
            continue
        table = people.assign(refused=people["image_id"].isin(hit["image_id"]))
        counts = table.groupby(by, sort=True)["refused"].agg(["size", "sum"]).reset_index()
        counts = counts.rename(columns={"size": "n", "sum": "refused"})
        low, high = proportion_confint(counts["refused"], counts["n"], alpha=1 - confidence, method="wilson")
        counts = counts.assign(rate=counts["refused"] / counts["n"], ci_low=low, ci_high=high)
        counts.insert(0, "rule", rule)
        out.append(counts)
    return pd.concat(out, ignore_index=True)


def _below(rule: str, value: pd.Series, limit: float | None) -> tuple:
    broken = np.zeros(len(value), bool) if limit is None else (value < limit).to_numpy()
    return rule, broken, value, limit


def _above(rule: str, value: pd.Series, limit: float | None) -> tuple:
    broken = np.zeros(len(value), bool) if limit is None else (value > limit).to_numpy()
    return rule, broken, value, limit


def _brackets(people: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    used = bracket_columns(people, columns)
    return bracket_names(people[used].astype(object).where(people[used].notna(), "unknown"), used)
