"""Can a group be read from what a judge makes of faces? A freshly trained probe says so, not a judge's own adversary.

An adversary that is at chance while it is trained says little: a classifier trained afterwards on the same features
finds more (Elazar & Goldberg 2018, arXiv:1808.06640), and one that is tested on the faces it was taught finds too much.
So every probe here is trained after the judge and on other faces than the judge, and is tested on third ones.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from judge.errors import InputError
from judge.fairness.inference.intervals import clopper_pearson
from judge.fairness.inference.settings import Inference

#: What a probe may be.
PROBES = ("linear", "two_layer", "boosted_trees")
#: Directions that the probes other than the linear one read of wider features: those of most variance.
MOST_DIRECTIONS = 64
#: Single columns that trees, which look at one at a time, read besides.
MORE_COLUMNS = 16
#: Orders of the test labels that the p-value is made of.
PERMUTATIONS = 2000
#: People of a group below which it has nobody to teach a probe and nobody to test it.
FEWEST = 4


def probe(features: ArrayLike, groups: ArrayLike, *, seed: int = 0, confidence: float = 0.95) -> pd.DataFrame:
    """How well three freshly trained classifiers read people's group from what a judge makes of their faces.

    Half of each group, drawn by lot, teaches the classifiers and the other half tests them. Nobody of these people may
    have trained the judge. Classes weigh alike in teaching and in the measure, so that a rare group counts as much as
    a common one.

    Parameters
    ----------
    features : array-like of shape (n, F)
        A row a person: what the judge's head reads, or the score as the one column.
    groups : array-like of shape (n,)
        The group of each; None or NaN where it is not known.
    seed : int
        Of the lot that halves the groups, of the classifiers and of the permutations.
    confidence : float
        Of the interval, from 0.5 up to but not including 1.

    Returns
    -------
    DataFrame
        A row for each of PROBES: a logistic regression (`linear`), a network of one hidden layer (`two_layer`) and
        gradient-boosted trees (`boosted_trees`).

        n_train, n_test     people who taught and who tested
        n_excluded          people left out: a feature that is not finite, no group, or a group of fewer than 4
        balanced_accuracy   mean over the groups of the share of test people who are put into their own, 0 to 1
        ci_low, ci_high     of this probe, over other people like the tested: exact intervals of the groups' shares,
                            combined by MOVER
        chance              1 / number of groups: what any classifier reaches that knows nothing
        shuffled            the same of a classifier that as many people taught and tested under shuffled labels
        p_value             one-sided: how often the test labels in a random order are read as well (2,000 orders)

    Raises
    ------
    InputError
        Features that are no table of numbers with a row for each group label, or have no column; a seed or confidence
        out of range; fewer than two groups of at least 4 people.

    Notes
    -----
    The linear probe reads all features: they are rotated into at most n directions, which changes nothing for a ridge
    penalty. Of features wider than 64 the other two read the 64 directions of most variance (the trees also the 16
    columns whose means differ most between the groups), so that a curved cue in a direction of little variance escapes
    them. A probe at chance shows that these three found nothing in so many people, never that nothing is there. The
    interval takes the probe as taught: with more people to learn from it may read more.

    References
    ----------
    Elazar & Goldberg (2018), "Adversarial removal of demographic attributes from text data", arXiv:1808.06640.
    Zou & Donner (2008), "Construction of confidence limits about effect measures", Stat. Med. 27:1693 (MOVER).

    Examples
    --------
    Scores of group b lie in the middle, those of a at both ends. Their means are equal, so that a straight line sees
    nothing; the other two do:

    >>> rng = np.random.default_rng(0)
    >>> groups = np.array(["a", "b"] * 200)
    >>> score = np.where(groups == "b", 0.0, rng.choice([-1.5, 1.5], 400)) + rng.normal(0, 0.5, 400)
    >>> told = probe(score[:, None], groups).set_index("probe")
    >>> told["balanced_accuracy"].round(1).to_dict()
    {'linear': 0.5, 'two_layer': 0.9, 'boosted_trees': 0.9}
    >>> bool(told.loc["linear", "p_value"] > 0.05), told.loc["two_layer", "p_value"].round(4)
    (True, np.float64(0.0005))
    """
    confidence = Inference(confidence=confidence, rng=seed).confidence
    x, code, excluded = _checked(features, groups)
    size = np.bincount(code)
    rng = np.random.default_rng([seed, 8])
    test = np.zeros(len(code), bool)
    for g in range(len(size)):
        test[rng.permutation(np.flatnonzero(code == g))[: size[g] // 2]] = True
    # both halves: taught under shuffled labels only, a classifier of one column is right or wrong about nearly all
    shuffled, shuffled_test = rng.permutation(code[~test]), rng.permutation(code[test])
    turned = _Turned.of(x[~test], x[test])
    rows = []
    with threadpool_limits(1):
        for kind in PROBES:
            seen = _read(kind, turned, code[~test], seed)
            blind = _read(kind, turned, shuffled, seed)
            value, low, high = balanced_accuracy(seen, code[test], confidence)
            rows.append(
                {"probe": kind, "n_train": int((~test).sum()), "n_test": int(test.sum()), "n_excluded": excluded,
                 "balanced_accuracy": value, "ci_low": low, "ci_high": high, "chance": 1 / len(size),
                 "shuffled": balanced_accuracy(blind, shuffled_test, confidence)[0],
                 "p_value": _p_value(seen, code[test], rng)}
            )  # fmt: skip
    return pd.DataFrame(rows)


def balanced_accuracy(
    predicted: NDArray, code: NDArray, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Mean recall over the classes of `code`, with its interval: the classes' Clopper–Pearson limits by MOVER.

    predicted, code  class numbers from 0, one a person; every class up to the largest of `code` has somebody

    The estimate is value = Σ r / G, its limits value − √Σ (r − l)² / G and value + √Σ (u − r)² / G with l and u the
    limits of recall r (Zou & Donner 2008, eq. 7 and 8 for a sum), cut at 0 and 1. Simulated at 48 settings of two or
    three groups of 2 to 225 people and recalls of .3 to 1, a 95 % interval holds the truth .94 to 1 of the time (.91 at
    three groups of 20 and recalls of .99); with Wilson limits, 5 % narrower at 75 people a group, .90 to .97.
    """
    size = np.bincount(code)
    right = np.bincount(code, weights=predicted == code, minlength=len(size))
    recall = right / size
    limits = clopper_pearson(right, size, confidence=confidence)
    value = float(recall.mean())
    below = float(np.sqrt(((recall - limits.low) ** 2).sum())) / len(size)
    above = float(np.sqrt(((limits.high - recall) ** 2).sum())) / len(size)
    return value, max(0.0, value - below), min(1.0, value + above)


def _checked(features: ArrayLike, groups: ArrayLike) -> tuple[NDArray, NDArray, int]:
    """Features float (n, F), group codes (n,) of the people who can be used, and how many cannot."""
    try:
        x = np.asarray(features, float)
    except (TypeError, ValueError) as error:
        raise InputError(f"probe: the features are to be numbers; {error}") from error
    group = np.asarray(groups, object)
    if x.ndim != 2 or not x.shape[1]:
        raise InputError(
            f"probe: the features are a table (n, F) of at least one column (a score alone is scores[:, None]); "
            f"given the shape {x.shape}"
        )
    if group.shape != (len(x),):
        raise InputError(
            f"probe: a group for each of the {len(x)} rows is needed; given the shape {group.shape}"
        )
    known = np.isfinite(x).all(1) & ~pd.isna(group)
    names, code = np.unique(group[known].astype(str), return_inverse=True)
    size = np.bincount(code, minlength=len(names))
    enough = size >= FEWEST
    if enough.sum() < 2:
        told = ", ".join(f"{name} {n}" for name, n in zip(names, size, strict=True)) or "nobody"
        raise InputError(
            f"probe: at least two groups of at least {FEWEST} people are needed, half of whom teach it and half test "
            f"it; with finite features and a known group there are {told}"
        )
    kept = enough[code]
    return x[known][kept], (np.cumsum(enough) - 1)[code[kept]], len(x) - int(kept.sum())


@dataclass(frozen=True)
class _Turned:
    """Standardised features, and the same turned into their principal directions, at most as many as people to teach.

    The turn is exact for whatever depends on distances only, as a ridge penalty does.
    """

    columns: tuple[NDArray, NDArray]
    train: NDArray
    test: NDArray

    @classmethod
    def of(cls, train: NDArray, test: NDArray) -> _Turned:
        mean, sd = train.mean(0), train.std(0)
        # a constant column says nothing
        scale = np.where(sd > 1e-12 * np.maximum(1, np.abs(mean)), sd, np.inf)
        train, test = (train - mean) / scale, (test - mean) / scale
        columns = train, test
        if train.shape[1] > 1:
            if train.shape[1] > len(train):
                values, left = np.linalg.eigh(train @ train.T)
                kept = values > 1e-9 * max(values[-1], 1e-300)
                turn = train.T @ (left[:, kept] / np.sqrt(values[kept]))[:, ::-1]
            else:
                turn = np.linalg.eigh(train.T @ train)[1][:, ::-1]
            train, test = train @ turn, test @ turn
        return cls(columns, train, test)

    def directions(self, most: int) -> tuple[NDArray, NDArray]:
        """The first directions, those of most variance, each brought to unit spread where some are left out."""
        if self.train.shape[1] <= most:
            return self.train, self.test
        sd = self.train[:, :most].std(0)
        return self.train[:, :most] / sd, self.test[:, :most] / sd

    def telling(self, most: int, more: int, code: NDArray) -> tuple[NDArray, NDArray]:
        """The first directions, and columns as they came: those whose means differ most between the classes."""
        if self.columns[0].shape[1] <= most:
            return self.columns
        size = np.bincount(code)
        means = np.array([self.columns[0][code == g].mean(0) for g in range(len(size))])
        # in the order of the F statistic, as all columns have mean 0
        best = np.argsort(-(size[:, None] * means**2).sum(0), kind="stable")[:more]
        train, test = self.directions(most)
        return np.hstack([train, self.columns[0][:, best]]), np.hstack([test, self.columns[1][:, best]])


def _read(kind: str, turned: _Turned, code: NDArray, seed: int) -> NDArray:
    """The classes that a probe of this kind, taught the training half, sees in the test half."""
    with warnings.catch_warnings():
        # a probe that has not settled is a weaker one, and is reported as it is
        warnings.simplefilter("ignore")
        if kind == "linear":
            # the more columns share a cue, the smaller each weight may be
            width = turned.columns[0].shape[1]
            model: Any = LogisticRegression(C=1 / max(1.0, width / 10), class_weight="balanced", max_iter=500)
            return model.fit(turned.train, code).predict(turned.test)
        if kind == "two_layer":
            train, test = turned.directions(MOST_DIRECTIONS)
            model = MLPClassifier((32,), alpha=1.0, max_iter=100, random_state=seed, solver="lbfgs")
            likely = model.fit(train, code).predict_proba(test)
            # it knows no class weights: the shares are taken out here
            return (likely / np.bincount(code)).argmax(1)
        train, test = turned.telling(MOST_DIRECTIONS, MORE_COLUMNS, code)
        model = HistGradientBoostingClassifier(
            max_iter=50, max_leaf_nodes=5, class_weight="balanced", random_state=seed, early_stopping=False
        )
        return model.fit(train, code).predict(test)


def _p_value(seen: NDArray, code: NDArray, rng: np.random.Generator) -> float:
    """One-sided: how often labels in a random order are read as well."""
    weight = 1 / np.bincount(code)
    observed = (weight[code] * (seen == code)).sum()
    orders = rng.permuted(np.broadcast_to(code, (PERMUTATIONS, len(code))), axis=1)
    found = np.where(orders == seen, weight[orders], 0.0).sum(1)
    return float((1 + (found >= observed - 1e-12).sum()) / (1 + PERMUTATIONS))
