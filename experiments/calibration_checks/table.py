"""The report of the calibration: one row a check, judged by the rules of fairness_calibration.py."""

from __future__ import annotations

import numpy as np
from scipy import stats


class Table:
    """The rows of the report; each method judges one kind of check by the rule at the top."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.part = ""

    def _add(self, check: str, kind: str, value: float, trials: int, allowed: str, verdict: str) -> None:
        self.rows.append({"part": self.part, "check": check, "kind": kind, "value": round(float(value), 4),
                          "trials": int(trials), "allowed": allowed, "verdict": verdict})  # fmt: skip

    def alarm(self, check: str, p: object, *, exact: bool = False, claimed: bool = True) -> None:
        p = np.asarray(p, float)
        alarms, n = int((p <= 0.05).sum()), len(p)
        if exact:
            good = stats.binom.sf(alarms - 1, n, 0.05) >= 0.01
        else:
            good = alarms / n <= 0.06
        verdict = "yes" if good else ("NO" if claimed else "no, outside its null")
        self._add(check, "false alarm", alarms / n, n, "≤ .05 (exact)" if exact else "≤ .06", verdict)

    def size(self, check: str, value: float) -> None:
        self._add(check, "size, computed", value, 0, "≤ .05 (exact)", "yes" if value <= 0.05 else "NO")

    def coverage(self, check: str, low: object, high: object, truth: object, *, trials: int = 0) -> None:
        low, high, truth = np.broadcast_arrays(*(np.asarray(a, float) for a in (low, high, truth)))
        known = ~(np.isnan(low) | np.isnan(high))
        inside = ((low <= truth + 1e-12) & (truth - 1e-12 <= high))[known]
        if not known.any():
            self._add(check, "coverage", np.nan, len(known), ".93–.97", "no interval given")
            return
        value = float(inside.mean())
        verdict = "yes" if 0.93 <= value <= 0.97 else ("conservative" if value > 0.97 else "NO")
        if (left := int((~known).sum())) > 0:
            check += f" ({left} without interval)"
        self._add(check, "coverage", value, trials or len(inside), ".93–.97", verdict)

    def bias(self, check: str, estimates: object, truth: float) -> None:
        x = np.asarray(estimates, float)
        error = x.std(ddof=1) / np.sqrt(len(x))
        good = abs(x.mean() - truth) <= 2.6 * error
        self._add(check, "bias", x.mean() - truth, len(x), f"± {2.6 * error:.4f}", "yes" if good else "NO")

    def power(self, check: str, computed: float, simulated: float, trials: int) -> None:
        verdict = "yes" if abs(computed - simulated) <= 0.02 else "NO"
        text = f"{check}: computed {computed:.3f}, simulated {simulated:.3f}"
        self._add(text, "power", computed - simulated, trials, "± .02", verdict)
