"""What features are divided by before a ridge regression or a whitening: never by next to nothing.

A feature of a frozen network that hardly varies among the people it is learnt from is not a feature that hardly varies.
Divided by the spread it happened to have there it becomes the largest of all in whoever shows it, and the one score
that it makes wins the contest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: The spread that every feature is taken to have a priori, in multiples of the median feature's. Chosen by
#: `experiments/feature_scaling.py`. From .3 on no score leaves the scale. More helps where many features hardly vary
#: (a network's last layer on rendered faces) and hurts where all do (inner layers); .5 loses at most .01 of the
#: correlation with the truth in either.
PRIOR_SPREAD = 0.5


def shrunk_scale(
    features: ArrayLike, weight: ArrayLike | None = None, *, prior: float = PRIOR_SPREAD
) -> NDArray[np.float64]:
    """√(variance + prior variance) of each feature: its spread, drawn up to what features vary in general.

    Parameters
    ----------
    features : (n, F) array
        On any scale, finite.
    weight : (n,) array, optional
        Of the rows, non-negative, not all zero. None: all alike.
    prior : float
        The prior spread in multiples of the median spread of the features that vary at all, from 0 on. 0 divides each
        feature by its own spread, and is what this function is there to avoid; from about 10 on all are divided by the
        same number.

    Returns
    -------
    (F,) array
        Positive. A feature that does not vary has the prior spread, so what it contributes stays small; where none
        varies, 1.

    References
    ----------
    A variance drawn towards a common one, as in Tusher, Tibshirani & Chu (2001), PNAS 98:5116, and Efron et al. (2001),
    J. Am. Stat. Assoc. 96:1151, whose "fudge factor" is a quantile of the features' standard errors.

    Examples
    --------
    Two features with a spread of 4 and one that shows in nobody here:

    >>> shrunk_scale([[4, -4, 0], [-4, 4, 0]]).round(3).tolist()
    [4.472, 4.472, 2.0]
    """
    x = np.asarray(features, np.float64)
    mean = np.average(x, axis=0, weights=weight)
    variance = np.average((x - mean) ** 2, axis=0, weights=weight)
    varies = variance > 1e-12 * variance.max(initial=0)  # the rest varies by rounding
    if not varies.any():
        return np.ones_like(variance)
    scale = np.sqrt(np.where(varies, variance, 0) + prior**2 * np.median(variance[varies]))
    return np.where(scale > 0, scale, 1.0)
