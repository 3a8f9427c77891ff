"""Lightening: the skin tone that was asked for against the one that is shown, by group.

Tone is ITA, the individual typology angle in degrees: the higher, the lighter (Chardon et al. 1991). Both sides are
read by the same regressor, so that its own pull towards the mean is no lightening: what it says of held-out people of
known tone is what it would say of people drawn as asked.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import ks_2samp, wasserstein_distance

from judge.errors import InputError
from judge.fairness.inference.intervals.pairs import slope_interval
from judge.fairness.inference.intervals.scale import student_interval

#: Fewest people of a group for a line through their tones.
FEWEST = 10


def lightening(
    asked: NDArray[np.float64] | pd.Series,
    shown: NDArray[np.float64] | pd.Series,
    groups: pd.Series,
    real_true: NDArray[np.float64] | pd.Series,
    real_shown: NDArray[np.float64] | pd.Series,
    real_groups: pd.Series,
    *,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """A row a group, degrees.

    asked, shown            (n,) ITA asked for, and read off what was drawn
    real_true, real_shown   (m,) ITA known, and read, of held-out people
    Columns: group, n, asked, shown (means), difference (shown − asked, of the same faces) with ci_low, ci_high
    (Student); reader_bias (read − known, of held-out people of the group); lightening: difference less what the
    reader would say of people of the asked tones, by its line through the group's held-out people, with
    lightening_low, lightening_high (normal, the line's own error included; above 0: lighter than asked); slope of shown
    on asked with slope_low, slope_high, and slope_real, the same of held-out people (1 would be a perfect reader).
    Groups with fewer than 10 people on a side have NaN. Raises InputError where lengths differ.
    """
    a, s = np.asarray(asked, float), np.asarray(shown, float)
    t, r = np.asarray(real_true, float), np.asarray(real_shown, float)
    who, real_who = np.asarray(groups, object), np.asarray(real_groups, object)
    if not (len(a) == len(s) == len(who) and len(t) == len(r) == len(real_who)):
        raise InputError("lightening: as many tones asked as shown, and a group for each, are needed")
    rows = []
    for group in sorted({*who} | {*real_who}):
        mine = (who == group) & np.isfinite(a) & np.isfinite(s)
        real = (real_who == group) & np.isfinite(t) & np.isfinite(r)
        x, y, u, v = a[mine], s[mine], t[real], r[real]
        row: dict[str, object] = {"group": group, "n": len(x), "n_real": len(u)}
        if min(len(x), len(u)) >= FEWEST:
            low, high = student_interval(y - x, confidence=confidence)
            row |= {
                "asked": x.mean(),
                "shown": y.mean(),
                "difference": (y - x).mean(),
                "ci_low": low,
                "ci_high": high,
            }
            row |= {"reader_bias": (v - u).mean()} | _beside_reader(x, y, u, v, confidence)
            steep = slope_interval(y, x, confidence=confidence)
            row |= {
                "slope": _slope(y, x),
                "slope_low": steep[0],
                "slope_high": steep[1],
                "slope_real": _slope(v, u),
            }
        rows.append(row)
    columns = (
        "group n n_real asked shown difference ci_low ci_high reader_bias lightening lightening_low lightening_high "
        "slope slope_low slope_high slope_real"
    )
    return pd.DataFrame(rows, columns=columns.split())


def _slope(y: NDArray[np.float64], x: NDArray[np.float64]) -> float:
    spread = ((x - x.mean()) ** 2).sum()
    return float(((x - x.mean()) * (y - y.mean())).sum() / spread) if spread > 0 else float("nan")


def _beside_reader(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    confidence: float,
) -> dict[str, float]:
    """Mean of shown less the reader's line at the asked tones, and its interval."""
    from scipy.special import ndtri

    spread = ((u - u.mean()) ** 2).sum()
    slope = _slope(v, u) if spread > 0 else 0.0
    line = v.mean() + slope * (x - u.mean())
    residual = ((v - v.mean() - slope * (u - u.mean())) ** 2).sum() / max(len(u) - 2, 1)
    variance = np.var(y - line, ddof=1) / len(x) + residual / len(u)
    if spread > 0:
        variance += residual * (x.mean() - u.mean()) ** 2 / spread
    value, half = float((y - line).mean()), float(ndtri((1 + confidence) / 2) * np.sqrt(variance))
    return {"lightening": value, "lightening_low": value - half, "lightening_high": value + half}


def parameter_spread(
    fake: pd.DataFrame, real: pd.DataFrame, other_real: pd.DataFrame, *, group: str = "group"
) -> pd.DataFrame:
    """A row a group and parameter: does it vary among generated people as among real ones?

    fake, real, other_real  a column `group` and the same number columns, all read by the same regressor; other_real
                            are further real people, so that every measure has its value for real against real
    Columns: group, parameter, n, sd_real, sd_ratio (fake / real), wasserstein (in sd of the group's real people), ks;
    and sd_ratio_real, wasserstein_real, ks_real: of other_real in the place of fake. All at equal n a group.
    """
    names = [c for c in real if c != group and pd.api.types.is_float_dtype(real[c])]
    rows = []
    for name in sorted(set(real[group])):
        sides = [table.loc[table[group] == name, names].to_numpy(float) for table in (fake, real, other_real)]
        n = min(map(len, sides))
        if n < FEWEST:
            continue
        mine, theirs, others = (side[:n] for side in sides)
        for k, parameter in enumerate(names):
            sd = theirs[:, k].std(ddof=1)
            row = {"group": name, "parameter": parameter, "n": n, "sd_real": sd}
            for side, ending in ((mine, ""), (others, "_real")):
                row |= {
                    f"sd_ratio{ending}": side[:, k].std(ddof=1) / sd if sd > 0 else np.nan,
                    f"wasserstein{ending}": wasserstein_distance(side[:, k], theirs[:, k]) / sd
                    if sd > 0
                    else np.nan,
                    f"ks{ending}": ks_2samp(side[:, k], theirs[:, k]).statistic,
                }
            rows.append(row)
    return pd.DataFrame(rows)
