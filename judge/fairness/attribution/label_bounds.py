"""How far wrong labels could turn a finding at worst, without a model of the errors; see `attribution.label_errors`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from judge.errors import InputError, listed
from judge.fairness.counts import Counts


def worst_case(
    counts: Counts,
    *,
    group: str,
    reference: str | None = None,
    error_rates: Sequence[float] = (0.01, 0.02, 0.05, 0.1, 0.2),
    name: str = "group",
) -> pd.DataFrame:
    """The ratio if up to a share ε of each group's labels were wrong in the worst way; the ε that turns the finding.

    At most ⌊ε n⌋ labels of the group and ⌊ε n⌋ of the reference are swapped, whichever people do most. Bounds are sharp
    and no interval: nothing is sampled.

    Parameters
    ----------
    counts : Counts
        Labelled entrants and winners; brackets are pooled.
    group, reference : str
        Groups of `counts`; reference None: all others.
    error_rates : sequence of float
        Each ε, in [0, 1].
    name : str
        What to call the feature in the answer.

    Returns
    -------
    DataFrame
        AUDIT rows selection_rate_ratio_bounds for each ε (ci_low, ci_high: the bounds) and label_error_tipping, the
        smallest ε at which the bounds contain 1.

    Raises
    ------
    InputError
        For an error rate outside [0, 1] and an unknown group.

    References
    ----------
    Horowitz & Manski (1995), Econometrica 63:281, on bounds under contaminated data.

    Examples
    --------
    5 of 100 against 10 of 100. Two dark winners leave and two white losers come: 3 against 12; the other way round 7
    against 8. Three of each: 8 against 7.

    >>> counts = Counts([[100, 100]], [[5, 10]], ("dark", "white"))
    >>> worst_case(counts, group="dark", error_rates=[0.02])[["value", "ci_low", "ci_high"]].round(6).values.tolist()
    [[0.5, 0.25, 0.875], [0.03, nan, nan]]
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
