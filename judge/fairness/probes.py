"""Can a group be read from what a judge makes of faces? A freshly trained probe says so, not a judge's own adversary.

An adversary that is at chance while it is trained says little: a classifier trained afterwards on the same features
finds more (Elazar & Goldberg 2018, arXiv:1808.06640), and one that is tested on the faces it was taught finds too much.
So every probe here is trained after the judge and on other faces than the judge, and is tested on third ones.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from judge.errors import InputError
from judge.fairness.inference.intervals import wilson

#: What a probe may be.
PROBES = ("linear", "two_layer", "boosted_trees")
#: Directions that the probes other than the linear one read of wider features: those of most variance.
MOST_DIRECTIONS = 64
#: Orders of the test labels that the p-value is made of.
PERMUTATIONS = 2000


def probe(features: ArrayLike, groups: ArrayLike, *, seed: int = 0, confidence: float = 0.95) -> pd.DataFrame:
    """How well three freshly trained classifiers read the group: half of the people teach them, half test them."""
    x, group = np.asarray(features, float), np.asarray(groups, object)
    known = np.isfinite(x).all(1) & ~pd.isna(group)
    x, code = x[known], pd.factorize(group[known], sort=True)[0]
    size = np.bincount(code)
    if len(size) < 2 or size.min() < 4:
        raise InputError(
            f"probe: at least two groups of at least 4 people each are needed; given {size.tolist()}"
        )
    rng = np.random.default_rng([seed, 8])
    test = np.zeros(len(code), bool)
    for g in range(len(size)):
        test[rng.permutation(np.flatnonzero(code == g))[: size[g] // 2]] = True
    shuffled = rng.permutation(code[~test])
    rows = []
    for kind in PROBES:
        seen = _taught(kind, x[~test], code[~test], seed).predict(x[test])
        blind = _taught(kind, x[~test], shuffled, seed).predict(x[test])
        value, low, high = _balanced(seen, code[test], confidence)
        rows.append(
            {"probe": kind, "n_train": int((~test).sum()), "n_test": int(test.sum()),
             "balanced_accuracy": value, "ci_low": low, "ci_high": high, "chance": 1 / len(size),
             "shuffled": _balanced(blind, code[test], confidence)[0],
             "p_value": _p_value(seen, code[test], rng)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _taught(kind: str, x: NDArray, code: NDArray, seed: int) -> Pipeline:
    steps = [StandardScaler()]
    if kind != "linear" and x.shape[1] > MOST_DIRECTIONS:
        steps += [PCA(min(MOST_DIRECTIONS, len(x) - 1), random_state=seed), StandardScaler()]
    if kind == "linear":
        steps.append(
            LogisticRegression(C=1 / max(1.0, x.shape[1] / 10), class_weight="balanced", max_iter=500)
        )
    elif kind == "two_layer":
        steps.append(MLPClassifier((32,), alpha=0.1, max_iter=300, random_state=seed, solver="lbfgs"))
    else:
        steps.append(
            HistGradientBoostingClassifier(
                max_iter=50,
                max_leaf_nodes=8,
                class_weight="balanced",
                random_state=seed,
                early_stopping=False,
            )
        )
    model = make_pipeline(*steps)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # a probe that has not settled is a weaker probe, and is reported as it is
        return model.fit(x, code)


def _recalls(seen: NDArray, code: NDArray) -> tuple[NDArray, NDArray]:
    size = np.bincount(code)
    return np.bincount(code, weights=seen == code, minlength=len(size)), size


def _balanced(seen: NDArray, code: NDArray, confidence: float) -> tuple[float, float, float]:
    """Mean recall, with the groups' Wilson intervals combined (Zou & Donner's MOVER)."""
    right, size = _recalls(seen, code)
    recall = right / size
    limits = np.array(
        [wilson(int(k), int(n), confidence=confidence) for k, n in zip(right, size, strict=True)]
    )
    value = float(recall.mean())
    below = float(np.sqrt(((recall - limits[:, 0]) ** 2).sum())) / len(size)
    above = float(np.sqrt(((limits[:, 1] - recall) ** 2).sum())) / len(size)
    return value, max(0.0, value - below), min(1.0, value + above)


def _p_value(seen: NDArray, code: NDArray, rng: np.random.Generator) -> float:
    """One-sided: how often labels in a random order are read as well."""
    size = np.bincount(code)
    weight = 1 / size
    observed = (weight[code] * (seen == code)).sum()
    orders = np.array([rng.permutation(code) for _ in range(PERMUTATIONS)])
    found = (weight[orders] * (orders == seen)).sum(1)
    return float((1 + (found >= observed - 1e-12).sum()) / (1 + PERMUTATIONS))
