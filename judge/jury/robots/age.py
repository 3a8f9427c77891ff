"""Predicted age against stated age, and against the age that people would guess (AntiAgeist of 2016).

The age network is trained here: a ridge regression (its penalty by leave-one-out, Golub et al. 1979) on embeddings of
a frozen network; FairFace bands, UTKFace years and rendered people all serve as labels. Predictions of any
regression are drawn towards the mean age, so that the old look young and the young old: the mean prediction at each
stated age, estimated out of fold, is taken off (de Lange & Cole 2020). Higher is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.data.brackets import stated_years
from judge.errors import InputError
from judge.jury.faces.alignment import Portraits
from judge.jury.robots.features import Features
from judge.jury.robots.protocol import Judging

DIRECTIONS = ("younger", "true")


@dataclass(frozen=True)
class Age(Judging):
    """Years that a face looks younger than its stated age.

    direction  younger: years that the face looks younger than stated; true: minus years between the two,
               as in a robot that wants people to look their age
    guessed    weight of the age that people guess (column `guessed_age`, where a manifest has it) beside the
               stated age; 0–1
    calibrated take off the mean prediction at each stated age
    folds      for the out-of-fold predictions behind that
    features   what is measured: embeddings of a frozen network
    """

    learns_from: ClassVar[str] = "ages"
    missing_because: ClassVar[str] = "no stated age"

    direction: str = "younger"
    guessed: float = 0.5
    calibrated: bool = True
    folds: int = 5
    features: Features = field(default_factory=lambda: Features(part="places"))
    name: str = "age"
    fitted: Mapping[str, NDArray] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise InputError(f"{self.name}: direction is one of {DIRECTIONS}; given {self.direction!r}")

    def measure(self, portraits: Portraits) -> NDArray[np.float32]:
        """Embeddings (n, d)."""
        return self.features(portraits)

    def fit(self, measurements: NDArray, rows: pd.DataFrame) -> Age:
        """Trains the age network on measurements (n, d); rows (n) need `age` in years, or a band: its middle counts.

        Raises InputError with fewer than 50 faces of known age.
        """
        # some seconds that processes which only measure do not spend
        from sklearn.linear_model import Ridge, RidgeCV
        from sklearn.model_selection import KFold, cross_val_predict
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        age = stated_age(rows)
        known = np.isfinite(age)
        if known.sum() < 50:
            raise InputError(
                f"{self.name}: 50 faces of known age are needed to train on; given {known.sum()}. Where the training "
                "pool states no ages, data@jury.age_data names a data set that does"
            )
        x, y = np.asarray(measurements, np.float64)[known], age[known]
        scaler, ridge = make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(1, 5, 13))).fit(x, y)
        # the penalty is not chosen anew in each fold: of thousands of people that would cost minutes
        again = make_pipeline(StandardScaler(), Ridge(alpha=ridge.alpha_))
        unseen = cross_val_predict(again, x, y, cv=KFold(self.folds, shuffle=True, random_state=0))
        slope, intercept = np.polyfit(y, unseen, 1)
        return self.with_fitted(
            {
                "coefficients": ridge.coef_ / scaler.scale_,
                "intercept": np.array([ridge.intercept_ - ridge.coef_ @ (scaler.mean_ / scaler.scale_)]),
                "expected": np.array([intercept, max(float(slope), 0.05)]),
                "error": np.array([np.abs(unseen - y).mean(), np.corrcoef(unseen, y)[0, 1], float(len(y))]),
            }
        )

    def predict(self, measurements: NDArray) -> NDArray[np.float64]:
        """Years (n,), drawn towards the mean age as every regression's predictions are."""
        known = self.known()
        return np.asarray(measurements, np.float64) @ known["coefficients"] + known["intercept"][0]

    def predicted_age(self, measurements: NDArray) -> NDArray[np.float64]:
        """Years (n,), without the pull towards the mean age: what a gate may compare with an age limit."""
        intercept, slope = self.known()["expected"]
        return (self.predict(measurements) - intercept) / slope

    def score(self, measurements: NDArray, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Years (n,) looked younger than stated (or minus the distance), NaN without a stated age."""
        stated = stated_age(rows)
        reference = stated
        if "guessed_age" in rows and self.guessed > 0:
            guess = rows["guessed_age"].to_numpy(float)
            mixed = (1 - self.guessed) * stated + self.guessed * guess
            reference = np.where(np.isfinite(guess), mixed, stated)
        if self.calibrated:
            intercept, slope = self.known()["expected"]
            reference = intercept + slope * reference
        younger = reference - self.predict(measurements)
        return younger if self.direction == "younger" else -np.abs(younger)

    def out_of_fold_error(self) -> dict[str, float]:
        """Of the training set's out-of-fold predictions: mae in years, correlation with the stated age, n."""
        mae, correlation, n = self.known()["error"]
        return {"mae": float(mae), "correlation": float(correlation), "n": float(n)}


def stated_age(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Years (n,): `age`, else the middle of `age_group` or `age_band` (20-29 → 24.5); NaN if unknown or open (70+)."""
    middle = stated_years(rows, ("age_group", "age_band")).mean(axis=1, skipna=False).to_numpy()
    return np.where(np.isfinite(middle), middle, np.nan)
