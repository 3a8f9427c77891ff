"""What every reader returns: pictures with labels, single ratings where they exist, and what was excluded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from judge.data.tables import EXCLUDED, MANIFEST, RATINGS, validated


def no_exclusions() -> pd.DataFrame:
    """An empty table of things excluded."""
    return pd.DataFrame({"item": [], "reason": [], "detail": []}, dtype=str)


@dataclass(frozen=True)
class Dataset:
    """Pictures that a judge may learn from or that may enter a contest.

    manifest      MANIFEST schema; `path` is absolute
    ratings       RATINGS schema or None: single ratings, on the scale of manifest.rating
    excluded      EXCLUDED schema: one row for each thing that could not be used
    rating_range  (lowest, highest) possible rating, or None where there are no ratings
    real_people   True for photographs: their faces stay out of reports unless asked for
    make_pictures draws the pictures of some rows of the manifest that are not there yet; None: all are there
    """

    name: str
    manifest: pd.DataFrame
    ratings: pd.DataFrame | None = None
    excluded: pd.DataFrame = field(default_factory=no_exclusions)
    rating_range: tuple[float, float] | None = None
    real_people: bool = True
    card: str = ""
    make_pictures: Callable[[pd.DataFrame], object] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "manifest", validated(self.manifest, MANIFEST).reset_index(drop=True))
        if self.ratings is not None:
            object.__setattr__(self, "ratings", validated(self.ratings, RATINGS).reset_index(drop=True))
        object.__setattr__(self, "excluded", validated(self.excluded, EXCLUDED))
