"""How far the main contrast depends on group labels that are sometimes wrong.

A confusion matrix M[t, l] = P(labelled l | truly t) is given, the same for winners and losers (nondifferential). Such
errors leave a test of "no difference" valid, but shrink a true difference: an audit by labels understates it.

* `corrected_ratio`: the selection-rate ratio by true group. Maximum likelihood of the true shares π_t and rates r_t
  with P(label l, won) = Σ_t π_t r_t M[t, l] (EM). It equals the matrix method n_true = M⁻ᵀ n_labelled wherever that
  gives no negative count, and stays in range where it does (rare groups, one winner).
* `relabelled_test`: the exact test within brackets on labels drawn from P(true | label, won), many times.
* `worst_case` (in `attribution.label_bounds`): no model: the ratio if up to a share ε of every group's labels were
  wrong in the worst way, and the smallest ε at which the finding would turn (tipping point).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.fairness.counts import Counts
from judge.fairness.inference.exact_tests import stratified_exact
from judge.fairness.inference.settings import Inference

_ITERATIONS = 2000


def corrected_ratio(
    counts: Counts,
    *,
    group: str,
    reference: str | None = None,
    confusion: pd.DataFrame,
    name: str = "group",
    confidence: float = 0.95,
    n_resamples: int = 2000,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """The selection-rate ratio of `group` to `reference`, as labelled and by true group.

    Parameters
    ----------
    counts : Counts
        Labelled entrants and winners; brackets are pooled.
    group, reference : str
        Groups of `counts`; reference None: all others.
    confusion : DataFrame
        Index: true groups, columns: labels, both the groups of `counts`. Rows of probabilities (summing to 1), taken as
        known, or of counts from a validation study, whose uncertainty then enters.
    name : str
        What to call the feature in the answer.
    confidence : float
        Level, from 0.5 to below 1.
    n_resamples : int
        Draws of the labelled counts (Gamma, Jeffreys' ½ added, so that no winners leaves a finite upper limit) and of
        the matrix's rows (Dirichlet, uniform prior); the interval is their quantiles.
    rng : numpy.random.Generator or int
        Draws them.

    Returns
    -------
    DataFrame
        AUDIT rows selection_rate_ratio_labelled and selection_rate_ratio_corrected; `test` says whether the matrix
        method would have given negative counts.

    Raises
    ------
    InputError
        For a matrix that lacks a group, has negative entries, or is singular (labels that tell nothing).

    References
    ----------
    Matrix method: Barron (1977), Biometrics 33:414.

    Examples
    --------
    With labels that are never wrong nothing is corrected: (10 / 200) / (80 / 800).

    >>> counts = Counts([[200, 800]], [[10, 80]], ("dark", "white"))
    >>> never = pd.DataFrame(np.eye(2), index=["dark", "white"], columns=["dark", "white"])
    >>> corrected_ratio(counts, group="dark", confusion=never, n_resamples=9)["value"].round(6).tolist()
    [0.5, 0.5]
    """
    how = Inference(confidence, n_resamples, rng=rng)
    rng = how.generator()
    matrix, validation = _confusion(confusion, counts.groups)
    g = counts.index(group)
    others = np.arange(len(counts.groups)) != g
    if reference is not None:
        others = np.arange(len(counts.groups)) == counts.index(reference)
    entrants, winners = counts.entrants.sum(0).astype(float), counts.winners.sum(0).astype(float)

    def ratio(won: np.ndarray, lost: np.ndarray) -> np.ndarray:
        """(D, G) numbers of winners and losers by true group → (D,) ratio."""
        rate = won[:, g] / (won[:, g] + lost[:, g])
        other = won[:, others].sum(1) / (won[:, others] + lost[:, others]).sum(1)
        return rate / other

    tails = list(how.tails)
    cells = np.stack([winners, entrants - winners])
    drawn = rng.gamma(cells + 0.5, size=(n_resamples, *cells.shape))
    matrices = np.broadcast_to(matrix, (n_resamples, *matrix.shape))
    if validation is not None:
        matrices = rng.gamma(validation + 1.0, size=(n_resamples, *matrix.shape))
        matrices = matrices / matrices.sum(2, keepdims=True)
    direct = np.linalg.solve(matrix.T, cells.T).T
    negative = int((direct < -1e-9).sum())
    words = "maximum likelihood" + (
        f"; the matrix method gives {negative} negative count(s)" if negative else " = matrix method"
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        results = [
            ("labelled", ratio(*(c[None] for c in cells))[0], ratio(drawn[:, 0], drawn[:, 1]), "as labelled"),
            (
                "corrected",
                ratio(*(_true_counts(c[None], matrix[None]) for c in cells))[0],
                ratio(*(_true_counts(drawn[:, k], matrices) for k in (0, 1))),
                words,
            ),
        ]
    rows = []
    for kind, value, sample, test in results:
        low, high = np.nanquantile(sample, tails)
        rows.append(
            {
                "metric": f"selection_rate_ratio_{kind}",
                "feature": name,
                "group": group,
                "value": float(value),
                "n": int(entrants[g]),
                "ci_low": float(low),
                "ci_high": float(high),
                "p_value": np.nan,
                "test": test,
            }
        )
    return pd.DataFrame(rows)


def relabelled_test(
    counts: Counts,
    *,
    group: str,
    reference: str | None = None,
    confusion: pd.DataFrame,
    name: str = "group",
    alpha: float = 0.05,
    n_resamples: int = 200,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """The exact test within brackets on redrawn sets of true labels.

    Parameters
    ----------
    counts, group, reference, confusion, name
        As in `corrected_ratio`; brackets are kept.
    alpha : float
        Level of the test, in (0, 1).
    n_resamples : int
        Sets of labels drawn from P(true | label, won).
    rng : numpy.random.Generator or int
        Draws them.

    Returns
    -------
    DataFrame
        AUDIT rows relabelled_p_value (median; ci_low, ci_high: 2.5 and 97.5 % quantiles of the p-values) and
        relabelled_significant (share of the sets with p < alpha). Quantiles of p over plausible labels, not a p-value.

    Raises
    ------
    InputError
        As `corrected_ratio`.

    References
    ----------
    Akin to multiple overimputation: Blackwell, Honaker & King (2017), Sociol. Methods Res. 46:303.

    Examples
    --------
    With labels that are never wrong every set has the p-value of the exact test:

    >>> counts = Counts([[200, 800]], [[10, 80]], ("dark", "white"))
    >>> never = pd.DataFrame(np.eye(2), index=["dark", "white"], columns=["dark", "white"])
    >>> table = relabelled_test(counts, group="dark", confusion=never, n_resamples=3)
    >>> bool(table["value"].iloc[0] == stratified_exact(counts, "dark"))
    True
    """
    rng = np.random.default_rng(rng)
    matrix, _ = _confusion(confusion, counts.groups)
    losers = counts.entrants - counts.winners
    given = []  # P(true | label) among winners, among losers
    for cells in (counts.winners, losers):
        labelled = cells.sum(0).astype(float)
        joint = _true_counts(labelled[None], matrix[None])[0][:, None] * matrix
        total = joint.sum(0)
        posterior = np.divide(joint, total, out=np.eye(len(matrix)), where=total > 0)
        given.append(posterior.T / posterior.T.sum(1, keepdims=True))
    p = np.empty(n_resamples)
    for i in range(n_resamples):
        won = rng.multinomial(counts.winners, given[0]).sum(1)
        lost = rng.multinomial(losers, given[1]).sum(1)
        relabelled = Counts(won + lost, won, counts.groups, counts.brackets)
        p[i] = stratified_exact(relabelled, group, reference=reference)
    test = f"stratified exact over {n_resamples} sets of labels"
    base = {
        "feature": name,
        "group": group,
        "n": int(counts.entrants[:, counts.index(group)].sum()),
        "test": test,
    }
    low, middle, high = (float(q) for q in np.quantile(p, [0.025, 0.5, 0.975]))
    share = float((p < alpha).mean())
    return pd.DataFrame(
        [
            {"metric": "relabelled_p_value", "value": middle, "ci_low": low, "ci_high": high, **base},
            {"metric": "relabelled_significant", "value": share, "ci_low": np.nan, "ci_high": np.nan, **base},
        ]
    ).assign(p_value=np.nan)


def _confusion(confusion: pd.DataFrame, groups: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Row-stochastic matrix in the order of `groups`, and the validation counts if those were given."""
    missing = [g for g in groups if g not in confusion.index or g not in confusion.columns]
    if missing or len(confusion.index) != len(groups) or len(confusion.columns) != len(groups):
        raise InputError(
            f"confusion needs exactly the groups {listed(groups)} as rows (true) and columns (labels); "
            f"it has {listed(confusion.index)} and {listed(confusion.columns)}"
        )
    values = confusion.loc[list(groups), list(groups)].to_numpy(float)
    totals = values.sum(1)
    if not np.isfinite(values).all() or (values < 0).any() or (totals <= 0).any():
        raise InputError("confusion needs finite entries of at least 0 and no empty row")
    is_probability = np.allclose(totals, 1, atol=1e-6)
    if not is_probability and np.abs(values - np.rint(values)).max() > 1e-6:
        raise InputError(
            f"each row of confusion must sum to 1 or hold counts; the sums are {listed(totals.tolist())}"
        )
    matrix = values / totals[:, None]
    if np.linalg.cond(matrix) > 1e6:
        raise InputError("confusion is singular: with these labels some true groups cannot be told apart")
    return matrix, None if is_probability else values


def _true_counts(labelled: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Maximum-likelihood numbers by true group (D, G) from labelled numbers (D, G) and M (D or 1, G, G).

    The matrix method where it gives no negative number (it is then the maximum), EM elsewhere.
    """
    matrix = np.broadcast_to(matrix, (len(labelled), *matrix.shape[1:]))
    true = np.linalg.solve(matrix.transpose(0, 2, 1), labelled[..., None])[..., 0]
    outside = (true < 0).any(1)
    true[outside] = _expectation_maximisation(labelled[outside], matrix[outside])
    return true


def _expectation_maximisation(labelled: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    total = labelled.sum(1, keepdims=True)
    true = np.repeat(total / labelled.shape[1], labelled.shape[1], axis=1)
    for _ in range(_ITERATIONS):
        expected = np.einsum("dt,dtl->dl", true, matrix)
        share = np.divide(labelled, expected, out=np.zeros_like(expected), where=expected > 0)
        new = true * np.einsum("dl,dtl->dt", share, matrix)
        if (np.abs(new - true) < 1e-6 * total).all():
            return new
        true = new
    return true
