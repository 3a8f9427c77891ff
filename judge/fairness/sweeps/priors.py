"""How much of a posterior over the cells of a sweep is the prior's: several priors beside one another.

With little data the posterior is mostly the prior, and one posterior alone hides which. A reader of several can see
what the published result says whatever was believed before (a cell that no prior saves), and what it does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

import numpy as np
import pandas as pd

from judge.errors import InputError
from judge.fairness.inference.settings import Inference
from judge.fairness.sweeps.inverse import GridPosterior, normalised, prior_weights


def independent_prior(levels: Sequence[Mapping[float, float]]) -> dict[tuple[float, ...], float]:
    """Prior weights of the cells of a grid from weights of each setting's values, believed independent.

    Parameters
    ----------
    levels : sequence of mapping of float to float
        For each setting, in their order: value → weight, non-negative, on any scale.

    Returns
    -------
    dict of tuple to float
        The product of the weights for every combination of values, as `grid_posterior` takes it.

    Examples
    --------
    >>> independent_prior([{0.5: 1, 0.9: 3}, {0.0: 2}])
    {(0.5, 0.0): 2, (0.9, 0.0): 6}
    """
    return {
        cell: prod(weights[value] for weights, value in zip(levels, cell, strict=True))
        for cell in product(*levels)
    }


def under_priors(
    found: GridPosterior, priors: Mapping[str, Mapping[tuple[float, ...], float]]
) -> pd.DataFrame:
    """The posterior of each value of each setting under each of several priors, from one set of likelihoods.

    Parameters
    ----------
    found : GridPosterior
        From `grid_posterior`, whatever its own prior was.
    priors : mapping of str to mapping
        Name → weight of each cell by its tuple of settings.

    Returns
    -------
    DataFrame
        A row a prior, setting and value: prior (its name), setting, value, before (prior probability), posterior,
        low, high (percentiles over bootstrap samples of the runs, at the level of `found`), effective_before and
        effective_cells (1 / Σ p² over the cells, of the prior and of its posterior: how many cells are left).

    Raises
    ------
    InputError
        Without a prior, and for a prior that lacks a cell or has no weight.

    References
    ----------
    Kass & Raftery (1995), J. Am. Stat. Assoc. 90:773, section 5: report how conclusions move with the prior.

    Examples
    --------
    Two settings whose runs had the same winners: every posterior is its prior.

    >>> from judge.fairness.sweeps import grid_posterior
    >>> runs = pd.DataFrame({"share": [0.5, 0.9], "a": [8, 8], "b": [2, 2]})
    >>> found = grid_posterior(runs, settings=["share"], target={"a": 4, "b": 1}, n_resamples=2, n_simulations=99)
    >>> table = under_priors(found, {"even": {(0.5,): 1, (0.9,): 1}, "leaning": {(0.5,): 1, (0.9,): 3}})
    >>> table[["prior", "value", "before", "posterior"]].round(3).values.tolist()
    [['even', 0.5, 0.5, 0.5], ['even', 0.9, 0.5, 0.5], ['leaning', 0.5, 0.25, 0.25], ['leaning', 0.9, 0.75, 0.75]]
    """
    if not priors:
        raise InputError("at least one prior is needed")
    tails = list(Inference(found.confidence).tails)
    log_likelihood = np.log(found.cells["likelihood"].to_numpy(float))
    rows = []
    for name, prior in priors.items():
        weight = prior_weights(found.cells, found.settings, prior)
        before = weight / weight.sum()
        posterior = normalised(log_likelihood, weight)
        draws = normalised(found.log_likelihood, weight)
        left = {
            "effective_before": 1 / (before**2).sum(),
            "effective_cells": 1 / (posterior**2).sum(),
        }
        for setting in found.settings:
            for value in np.sort(found.cells[setting].unique()):
                here = (found.cells[setting] == value).to_numpy()
                low, high = np.quantile(draws[:, here].sum(1), tails)
                row = {"prior": name, "setting": setting, "value": value, "before": before[here].sum()}
                rows.append(row | {"posterior": posterior[here].sum(), "low": low, "high": high, **left})
    return pd.DataFrame(rows)
