"""Whether a face detector, which learnt from photographs of others, finds a face in what was drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from judge.fairness.inference.intervals import clopper_pearson
from judge.generator.audit.reading import as_pictures, to_side
from judge.jury.faces.detector import RetinaFace

#: Side at which the detector is shown the pictures: it was made for photographs, where faces have some hundred pixels.
DETECTOR_SIDE = 256


def has_face(
    pictures: Tensor | NDArray[np.uint8], *, min_score: float = 0.5, batch: int = 50
) -> NDArray[np.bool_]:
    """bool (n,) of uint8 pictures (n, 3, S, S), enlarged to 256 px: RetinaFace (Deng et al. 2020) finds a face."""
    detector = RetinaFace(min_score=min_score, mirror=False, threads=1)
    x = as_pictures(pictures)
    found: list[bool] = []
    for start in range(0, len(x), batch):
        large = to_side(x[start : start + batch], DETECTOR_SIDE).round().clamp(0, 255)
        rows = large.permute(0, 2, 3, 1).contiguous().numpy().astype(np.uint8)
        found += [len(faces) > 0 for faces in detector(rows)]
    return np.array(found, dtype=bool)


def faces_found(
    generated: Tensor | NDArray[np.uint8],
    groups: Sequence[str] | pd.Series,
    real: Tensor | NDArray[np.uint8],
    real_groups: Sequence[str] | pd.Series,
    *,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """A row a group, and `all`: n generated people, found, share with its Clopper–Pearson interval, and the same of
    real people of the same size (n_real, real, real_low, real_high)."""
    of = {"": (has_face(generated), np.asarray(groups, dtype=object))}
    of["real"] = (has_face(real), np.asarray(real_groups, dtype=object))
    rows = []
    for group in ("all", *dict.fromkeys(of[""][1])):
        row: dict[str, object] = {"group": group}
        for side, (found, names) in of.items():
            inside = found if group == "all" else found[names == group]
            n, k = len(inside), int(inside.sum())
            low, high = clopper_pearson(k, n, confidence) if n else (np.nan, np.nan)
            share = k / n if n else np.nan
            row |= (
                {"n_real": n, "real": share, "real_low": float(low), "real_high": float(high)}
                if side
                else {"n": n, "found": k, "share": share, "ci_low": float(low), "ci_high": float(high)}
            )
        rows.append(row)
    return pd.DataFrame(rows)
