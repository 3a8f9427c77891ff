"""What is published, whatever it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Material:
    """A run or a data set, as it may be published.

    name          short, of letters, digits, - and _: file names and identifiers are made of it
    kind          "run", or the kind of data set: parametric, twins, generated, photographs
    real_people   people who exist are in it: no picture, path, file name or trained judge is
    tables        by name; `people` (a run: `manifest`) has a row a picture and, of people who do not exist, file_name
    pictures      name in the archive → file; empty where there are none, or may be none
    judges        condition → folder of a trained judge (judge.json, model.safetensors)
    documents     further files that are published as they are: name → file
    settings      what it was made with, without paths of the machine
    facts         a run's summary (done.json) and environment; {} of a data set
    left_out      what was not published and why, in sentences
    """

    name: str
    title: str
    about: str
    kind: str
    real_people: bool
    tables: Mapping[str, pd.DataFrame]
    pictures: Mapping[str, Path] = field(default_factory=dict)
    judges: Mapping[str, Path] = field(default_factory=dict)
    documents: Mapping[str, Path] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def people(self) -> pd.DataFrame:
        """The table with a row a picture."""
        return self.tables["manifest" if self.kind == "run" else "people"]

    @property
    def features(self) -> list[str]:
        """Columns of groups, those of the schema first."""
        from judge.data.tables import SENSITIVE_FEATURES

        known = [name for name in SENSITIVE_FEATURES if name in self.people]
        own = self.facts.get("summary", {}).get("feature")
        return [*known, *([own] if own and own not in known and own in self.people else [])]

    @property
    def rated_by(self) -> list[str]:
        """Where its ratings are from: words of the column rating_source."""
        if "rating_source" not in self.people:
            return []
        return sorted(self.people["rating_source"].dropna().unique())
