"""How far the main contrast depends on group labels that are sometimes wrong.

A confusion matrix M[t, l] = P(labelled l | truly t) is given, the same for winners and losers (nondifferential). Such
errors leave a test of "no difference" valid, but shrink a true difference: an audit by labels understates it.

* `corrected_ratio`: the selection-rate ratio by true group. Maximum likelihood of the true shares π_t and rates r_t
  with P(label l, won) = Σ_t π_t r_t M[t, l] (EM). It equals the matrix method n_true = M⁻ᵀ n_labelled wherever that
  gives no negative count, and stays in range where it does (rare groups, one winner).
* `relabelled_test`: the exact test within brackets on labels drawn from P(true | label, won), many times.
* `worst_case`: no model: the ratio if up to a share ε of every group's labels were wrong in the worst way, and
  the smallest ε at which the finding would turn (tipping point).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.fairness.inference.exact_tests import stratified_exact
from judge.fairness.inference.randomisation import checked_confidence
from judge.fairness.metrics.selection import Counts

_ITERATIONS = 2000


def corrected_ratio(
    counts: Counts,
    *,
    group: str,
    reference: str | None = None,
    confusion: pd.DataFrame,
    name: str = "group",
    confidence: float = 0.95,
    n_draws: int = 2000,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """AUDIT rows selection_rate_ratio_labelled, _corrected: ratio of `group` to `reference` (None: all others).

    counts     labelled entrants and winners; brackets are pooled
    confusion  index: true groups, columns: labels, both the groups of `counts`. Rows of probabilities (summing to 1),
               taken as known, or of counts from a validation study, whose uncertainty then enters

    Interval: quantiles over draws of the labelled counts (Gamma, Jeffreys' ½ added, so that no winners leaves a
    finite upper limit) and of the matrix's rows (Dirichlet, uniform prior). `test` says whether the matrix method would
    have given negative counts. Raises InputError for a matrix that lacks a group, has negative entries, or is
    singular (labels that tell nothing).
    """
    checked_confidence(confidence)
    rng = np.random.default_rng(rng)
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

    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    cells = np.stack([winners, entrants - winners])
    drawn = rng.gamma(cells + 0.5, size=(n_draws, *cells.shape))
    matrices = np.broadcast_to(matrix, (n_draws, *matrix.shape))
    if validation is not None:
        matrices = rng.gamma(validation + 1.0, size=(n_draws, *matrix.shape))
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
    n_draws: int = 200,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """The exact test within brackets on `n_draws` redrawn sets of true labels (arguments as in `corrected_ratio`).

    Two AUDIT rows: relabelled_p_value (median; ci_low, ci_high: 2.5 and 97.5 % quantiles of the p-values) and
    relabelled_significant (share of the sets with p < alpha). Quantiles of p over plausible labels, not a p-value.
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
    p = np.empty(n_draws)
    for i in range(n_draws):
        won = rng.multinomial(counts.winners, given[0]).sum(1)
        lost = rng.multinomial(losers, given[1]).sum(1)
        relabelled = Counts(won + lost, won, counts.groups, counts.brackets)
        p[i] = stratified_exact(relabelled, group, reference=reference)
    test = f"stratified exact over {n_draws} sets of labels"
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


def worst_case(
    counts: Counts,
    *,
    group: str,
    reference: str | None = None,
    error_rates: Sequence[float] = (0.01, 0.02, 0.05, 0.1, 0.2),
    name: str = "group",
) -> pd.DataFrame:
    """AUDIT rows selection_rate_ratio_bounds for each ε (test "ε = …"; ci_low, ci_high: the bounds) and
    label_error_tipping.

    At most ⌊ε n⌋ labels of the group and ⌊ε n⌋ of the reference are swapped, whichever people do most. Bounds are sharp
    and no interval: nothing is sampled. label_error_tipping is the smallest ε at which the bounds contain 1.
    """
    if any(not 0 <= e <= 1 for e in error_rates):
        raise InputError(f"error rates must lie in [0, 1], not {listed(error_rates)}")
    pair = counts.against(group, reference)
    n, w = pair.entrants.sum(0).astype(float), pair.winners.sum(0).astype(float)
    observed = _ratio(w[0], n[0], w[1], n[1])

    def bounds(epsilon: float) -> tuple[float, float]:
        out, back = np.floor(epsilon * n + 1e-9)
        limits = []
        for raise_it in (False, True):
            # to lower the ratio winners leave the group and losers join it; to raise it the other way round
            leaving_winners = 0.0 if raise_it else min(out, w[0])
            leaving_losers = min(out, n[0] - w[0]) if raise_it else 0.0
            joining_winners = min(back, w[1]) if raise_it else 0.0
            joining_losers = 0.0 if raise_it else min(back, n[1] - w[1])
            shift_w = joining_winners - leaving_winners
            shift_n = shift_w + joining_losers - leaving_losers
            limits.append(_ratio(w[0] + shift_w, n[0] + shift_n, w[1] - shift_w, n[1] - shift_n))
        return limits[0], limits[1]

    def row(metric: str, value: float, low: float, high: float, test: str) -> dict[str, object]:
        return {"metric": metric, "feature": name, "group": group, "value": value, "n": int(n[0]), "ci_low": low,
                "ci_high": high, "p_value": np.nan, "test": test}  # fmt: skip

    rows = [
        row("selection_rate_ratio_bounds", observed, *bounds(e), f"at most {e:.1%} of labels wrong")
        for e in error_rates
    ]
    # the bounds change only where ⌊ε n⌋ does
    steps = np.unique(np.concatenate([np.arange(k + 1) / k for k in n if k > 0]))
    low_step, high_step = 0, len(steps) - 1
    tipping = np.nan
    if len(steps) and np.isfinite(observed):
        while low_step < high_step:
            middle = (low_step + high_step) // 2
            low, high = bounds(float(steps[middle]))
            if low <= 1 <= high:
                high_step = middle
            else:
                low_step = middle + 1
        tipping = float(steps[high_step])
    rows.append(
        row("label_error_tipping", tipping, np.nan, np.nan, "smallest error rate that can turn the finding")
    )
    return pd.DataFrame(rows)


def _ratio(w1: float, n1: float, w0: float, n0: float) -> float:
    if n1 <= 0 or n0 <= 0 or (w1 == 0 and w0 == 0):
        return float("nan")
    return float("inf") if w0 == 0 else float((w1 / n1) / (w0 / n0))


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
