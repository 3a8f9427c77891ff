"""A reader of groups for photographs, of which no renderer knows the truth: logistic regression on lite1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from judge.errors import InputError, listed
from judge.generator.audit.spaces import features_in

FOLDS = 5
#: Fewest people a group that a classifier is fitted on: one for each fold, and as many again.
FEWEST = 2 * FOLDS
#: Weight of the penalty: with 1,280 features and some hundred people a weaker one learns them by heart.
C = 0.01


@dataclass(frozen=True)
class GroupReader:
    """Classifiers of the groups of people in photographs.

    models     feature → fitted classifier of lite1's features
    confusions feature → counts by cross-validation: true (rows) × read (columns)
    """

    models: dict[str, Pipeline]
    confusions: dict[str, pd.DataFrame]

    def read(self, pictures: Tensor | NDArray[np.uint8]) -> pd.DataFrame:
        """uint8 (n, 3, S, S) → a column a feature, with the likeliest group."""
        x = features_in("lite1", pictures)
        return pd.DataFrame({name: model.predict(x).astype(object) for name, model in self.models.items()})

    def confusion(self, feature: str) -> pd.DataFrame:
        return self.confusions[feature]


def group_reader(pictures: Tensor | NDArray[np.uint8], labels: pd.DataFrame, *, seed: int = 0) -> GroupReader:
    """Fits one on people whom the generator never saw.

    pictures  uint8 (n, 3, S, S)
    labels    (n) rows, a column a feature; who has no label is left out of that feature
    Confusions are of people that each fold's classifier did not see (5 folds).
    Raises InputError for a feature with one group only, and for groups of fewer than 10 people.
    """
    x = features_in("lite1", pictures)
    models: dict[str, Pipeline] = {}
    confusions: dict[str, pd.DataFrame] = {}
    for name in labels:
        known = labels[name].notna().to_numpy()
        y = labels[name][known].astype(str).to_numpy(object)
        sizes = pd.Series(y).value_counts()
        if len(sizes) < 2 or sizes.min() < FEWEST:
            raise InputError(
                f"a classifier of {name} needs two groups of at least {FEWEST} held-out people each; there are "
                f"{listed(f'{group} {n}' for group, n in sizes.items())}"
            )
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=C, max_iter=500, class_weight="balanced")
        )
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        read = cross_val_predict(model, x[known], y.astype(str), cv=folds)
        groups = sorted(sizes.index)
        confusions[name] = pd.crosstab(pd.Categorical(y, groups), pd.Categorical(read, groups), dropna=False)
        confusions[name].index, confusions[name].columns = groups, groups
        models[name] = model.fit(x[known], y.astype(str))
    return GroupReader(models, confusions)
