"""The main contrast with continuous skin tone (L*, ITA, hue) in place of a group label, within brackets.

Labels cut a continuum and one annotator's "dark" is another's "medium"; a measured tone needs no cut. Two questions:
does tone go with *winning* (conditional logistic regression: brackets are strata, their number of winners is
given) and with the *score* (rank correlation inside brackets)? p-values permute people within brackets.

Trap: L*, ITA and hue measured in a photograph carry its light and camera; within a bracket of one contest that
is noise and shrinks the slope. ITA = arctan((L* − 50)/b*) · 180/π in degrees, higher is lighter (Chardon et al. 1991).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit

from judge.errors import InputError
from judge.fairness.inference.settings import Inference

#: log odds per standard deviation beyond this count as infinite (complete separation)
_EDGE = 12.0


def tone_and_winning(
    tone: ArrayLike,
    *,
    winner: ArrayLike,
    bracket: ArrayLike | None = None,
    name: str = "skin_lightness",
    circular: bool = False,
    confidence: float = 0.95,
    n_permutations: int = 9_999,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Change of the log odds of winning for one standard deviation more of `tone`.

    Exact conditional likelihood, all subsets of winners by recursion, with a likelihood-ratio interval. A bracket
    where all or none win says nothing and is left out.

    Parameters
    ----------
    tone : (N,) array-like of float
        In any unit; the standard deviation is that within brackets. People without one are excluded (counted in
        `test`).
    winner : (N,) array-like of bool
        Who won.
    bracket : (N,) array-like, optional
        None: one bracket.
    name : str
        What to call the feature in the answer.
    circular : bool
        An angle in degrees (hue): measured from the mean direction, −180…180.
    confidence : float
        Level, from 0.5 to below 1.
    n_permutations : int
        The p-value is that of Σ tone of the winners when the winners of each bracket are drawn anew so many times.
    rng : numpy.random.Generator or int
        Draws them.

    Returns
    -------
    DataFrame
        One AUDIT row, tone_log_odds; limits ±∞ where the winners are all on one side.

    References
    ----------
    Breslow & Day (1980), Statistical Methods in Cancer Research I, eq. 7.2; Gail, Lubin & Rubinstein (1981),
    Biometrika 68:703.

    Examples
    --------
    The three lightest of 20 win, which no finite odds explain best:

    >>> row = tone_and_winning(range(20), winner=[False] * 17 + [True] * 3, n_permutations=99).iloc[0]
    >>> float(row["value"]), bool(row["ci_low"] > 0), float(row["ci_high"])
    (inf, True, inf)
    """
    how = Inference(confidence, n_permutations=n_permutations, rng=rng)
    rng = how.generator()
    x, (flags, codes), exclusions = _prepared(tone, np.asarray(winner), bracket, circular)
    won: np.ndarray = flags.astype(bool)
    strata = []
    for code in np.unique(codes):
        here: np.ndarray = codes == code
        k, n = int(won[here].sum()), int(here.sum())
        if 0 < k < n:
            strata.append((x[here] - x[here].mean(), won[here], k))
    words = f"conditional logistic; winners permuted within brackets, {n_permutations} draws"
    words += f"; {exclusions} without a tone excluded" if exclusions else ""
    base = {"metric": "tone_log_odds", "feature": name, "group": "all", "n": len(x)}
    used = sum(len(z) for z, _, _ in strata)
    spread = np.sqrt(sum(float(z @ z) for z, _, _ in strata) / max(used - len(strata), 1))
    if not strata or spread == 0:
        return pd.DataFrame([{**base, "value": np.nan, "ci_low": np.nan, "ci_high": np.nan, "p_value": 1.0,
                              "test": "no bracket with winners, losers and different tones"}])  # fmt: skip
    strata = [(z / spread, w, k) for z, w, k in strata]

    def log_likelihood(b: np.ndarray) -> np.ndarray:
        return sum((b * z[w].sum() - _log_subsets(b, z, k) for z, w, k in strata), np.zeros(len(b)))

    left, right = -_EDGE, _EDGE
    for _ in range(6):
        grid = np.linspace(left, right, 25)
        best = int(np.argmax(log_likelihood(grid)))
        left, right = grid[max(best - 1, 0)], grid[min(best + 1, 24)]
    value = (left + right) / 2
    top = float(log_likelihood(np.array([value]))[0])
    cut = top - stats.chi2.ppf(confidence, 1) / 2
    bounds = []
    for edge in (-_EDGE, _EDGE):
        inside, outside = value, edge
        if log_likelihood(np.array([edge]))[0] >= cut:
            bounds.append(np.sign(edge) * np.inf)
            continue
        for _ in range(5):
            grid = np.linspace(inside, outside, 17)
            crossed = int(np.argmax(log_likelihood(grid) < cut))
            inside, outside = grid[crossed - 1], grid[crossed]
        bounds.append((inside + outside) / 2)
    if abs(value) > _EDGE * 0.99:
        value = float(np.sign(value) * np.inf)
    observed = sum(float(z[w].sum()) for z, w, _ in strata)
    drawn = np.zeros(n_permutations)
    for z, _, k in strata:
        drawn += _subset_sums(z, k, n_permutations, rng)
    hits = np.count_nonzero(np.abs(drawn) >= abs(observed) * (1 - 1e-9))
    return pd.DataFrame([{**base, "value": float(value), "ci_low": float(bounds[0]), "ci_high": float(bounds[1]),
                          "p_value": (1 + hits) / (1 + n_permutations), "test": words}])  # fmt: skip


def tone_and_score(
    tone: ArrayLike,
    *,
    score: ArrayLike,
    bracket: ArrayLike | None = None,
    name: str = "skin_lightness",
    circular: bool = False,
    confidence: float = 0.95,
    n_permutations: int = 9_999,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Spearman's correlation of tone and score inside brackets, pooled.

    Both are ranked within each bracket, centred there and scaled to unit variance, and correlated over all people.

    Parameters
    ----------
    tone, bracket, name, circular, confidence, rng
        As in `tone_and_winning`.
    score : (N,) array-like of float
        Higher is better; people without one are excluded.
    n_permutations : int
        Of the scores within brackets (up to 5,000 people; beyond, the normal limit with the permutation's exact
        variance).

    Returns
    -------
    DataFrame
        One AUDIT row, tone_rank_correlation, in [−1, 1].

    References
    ----------
    Interval: Fisher's z with variance (1 + r²/2)/(n − brackets − 2), Bonett & Wright (2000), Psychometrika 65:23.

    Examples
    --------
    Within each bracket the lighter is scored higher, whatever the level of the bracket:

    >>> row = tone_and_score([1, 2, 3, 11, 12, 13], score=[7, 8, 9, 1, 2, 3], bracket=list("xxxyyy"),
    ...                      n_permutations=99).iloc[0]
    >>> round(float(row["value"]), 6)
    1.0
    """
    how = Inference(confidence, n_permutations=n_permutations, rng=rng)
    rng = how.generator()
    x, (y, codes), exclusions = _prepared(tone, np.asarray(score, float), bracket, circular)
    table = pd.DataFrame({"x": x, "y": y, "b": codes})
    ranks = table.groupby("b")[["x", "y"]].rank()
    centred = ranks - ranks.groupby(table["b"]).transform("mean")
    size = table.groupby("b")["x"].transform("size")
    spread = np.sqrt((centred**2).groupby(table["b"]).transform("mean"))
    used: np.ndarray = (np.asarray(spread) > 0).all(axis=1) & (np.asarray(size) > 1)
    z = (centred / spread)[used]
    codes = codes[used]
    n, n_brackets = len(z), len(np.unique(codes))
    row = {"metric": "tone_rank_correlation", "feature": name, "group": "all", "n": n}
    note = f"; {exclusions} without a number excluded" if exclusions else ""
    if n - n_brackets < 3:
        return pd.DataFrame([{**row, "value": np.nan, "ci_low": np.nan, "ci_high": np.nan, "p_value": 1.0,
                              "test": f"too few people with different tones and scores{note}"}])  # fmt: skip
    a, b = z["x"].to_numpy(), z["y"].to_numpy()
    r = float(a @ b / n)
    if n <= 5000:
        sums = np.zeros(n_permutations)
        for code in np.unique(codes):
            here = codes == code
            block = max(1, 4_000_000 // int(here.sum()))
            for start in range(0, n_permutations, block):
                stop = min(start + block, n_permutations)
                sums[start:stop] += rng.permuted(np.tile(b[here], (stop - start, 1)), axis=1) @ a[here]
        p = float((1 + np.count_nonzero(np.abs(sums) >= abs(a @ b) * (1 - 1e-9))) / (1 + n_permutations))
        test = f"Spearman within brackets, {n_permutations} permutations{note}"
    else:
        sizes = np.bincount(np.unique(codes, return_inverse=True)[1]).astype(float)
        p = float(2 * stats.norm.sf(abs(a @ b) / np.sqrt((sizes**2 / (sizes - 1)).sum())))
        test = f"Spearman within brackets, normal limit of the permutation{note}"
    half = stats.norm.ppf((1 + confidence) / 2) * np.sqrt((1 + r * r / 2) / max(n - n_brackets - 2, 1))
    limited = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    return pd.DataFrame([{**row, "value": r, "ci_low": float(np.tanh(limited - half)),
                          "ci_high": float(np.tanh(limited + half)), "p_value": p, "test": test}])  # fmt: skip


def _prepared(
    tone: ArrayLike, other: np.ndarray, bracket: ArrayLike | None, circular: bool
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], int]:
    """Tone, (other, bracket codes) of the people with finite numbers, and how many have none."""
    x = np.asarray(tone, float)
    codes = np.zeros(len(x), int) if bracket is None else pd.factorize(np.asarray(bracket).astype(str))[0]
    if not len(x) == len(other) == len(codes):
        raise InputError(f"{len(x)} tones, {len(other)} people and {len(codes)} brackets differ")
    keep: np.ndarray = np.isfinite(x)
    if other.dtype.kind == "f":
        keep &= np.isfinite(other)
    x = x[keep]
    if circular and len(x):
        direction = np.angle(np.exp(1j * np.deg2rad(x)).mean(), deg=True)
        x = (x - direction + 180) % 360 - 180
    return x, (other[keep], codes[keep]), int((~keep).sum())


def _log_subsets(b: np.ndarray, z: np.ndarray, k: int) -> np.ndarray:
    """log Σ over all k-subsets S of exp(b Σ_S z), for each b; Σ z = 0.

    The sum is P(k successes) · Π(1 + e^(b z − c)) · e^(k c) of independent trials with odds e^(b z − c), for any c.
    With c such that k successes are expected nothing under- or overflows, however large the bracket.
    """
    if k > len(z) - k:  # the complement of S sums to −Σ_S z
        return _log_subsets(-b, z, len(z) - k)
    power = np.outer(b, z)
    low, high = power.min(axis=1) - 50, power.max(axis=1) + 50
    for _ in range(40):
        c = (low + high) / 2
        too_many = expit(power - c[:, None]).sum(axis=1) > k
        low, high = np.where(too_many, c, low), np.where(too_many, high, c)
    odds = power - c[:, None]
    p = expit(odds)
    e = np.zeros((len(b), k + 1))
    e[:, 0] = 1.0
    for i in range(len(z)):
        moved = p[:, i, None] * e
        e -= moved
        e[:, 1:] += moved[:, :-1]
    return np.log(e[:, k]) + np.logaddexp(0, odds).sum(axis=1) + k * c


def _subset_sums(z: np.ndarray, k: int, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Sums of k of the numbers z drawn without replacement, (n_draws,)."""
    if k > len(z) - k:
        return float(z.sum()) - _subset_sums(z, len(z) - k, n_draws, rng)
    sums = np.empty(n_draws)
    block = max(1, 4_000_000 // len(z))
    if k * k < len(z):  # draw with replacement, again where somebody came twice
        picked = np.sort(rng.integers(len(z), size=(n_draws, k)), axis=1)
        while (twice := (np.diff(picked, axis=1) == 0).any(axis=1)).any():
            picked[twice] = np.sort(rng.integers(len(z), size=(int(twice.sum()), k)), axis=1)
        return z[picked].sum(axis=1)
    for start in range(0, n_draws, block):
        stop = min(start + block, n_draws)
        keys = rng.random((stop - start, len(z)))
        sums[start:stop] = z[np.argpartition(keys, k, axis=1)[:, :k]].sum(axis=1)
    return sums
