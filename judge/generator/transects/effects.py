"""A judge's response to an attribute: along generated transects, and along the renderer's of the same attribute.

The renderer changes one cause and nothing else, so its effect is exact for its persons and this judge. A study by
generated faces changes what it can, and says by how much from what is read off the faces. Both are points of score for
one standard deviation of the attribute; their difference is what such a study is wrong by.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from judge.errors import InputError
from judge.fairness.inference import Inference, sign_flip, t_interval
from judge.generator.transects.leakage import Draws, Key, Study, drawn, includes_zero, interval_of

#: Fewest judges for an interval over them.
FEWEST_JUDGES = 3


class Scores(Protocol):
    """What is needed of a judge: judge.jury.loading.Judge."""

    def score(self, manifest: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]: ...


def picture_scores(judges: Mapping[str, Scores], pictures: Tensor) -> pd.DataFrame:
    """Scores of uint8 pictures (n, 3, S, S), a row a picture in order and a column a judge.

    The pictures are written without loss to a folder that is removed afterwards, and so is what a judge that caches
    features keeps of them. Raises InputError where a judge leaves a picture out.
    """
    with tempfile.TemporaryDirectory(prefix="judge-transects-") as name:
        folder = Path(name)
        ids = [f"{k:06d}" for k in range(len(pictures))]
        paths = [str(folder / f"{i}.png") for i in ids]
        for picture, path in zip(pictures, paths, strict=True):
            Image.fromarray(picture.permute(1, 2, 0).numpy()).save(path, compress_level=1)
        manifest = pd.DataFrame({"image_id": ids, "path": paths})
        columns = {}
        for judge_name, judge in judges.items():
            with _cache_in(judge, folder / "cache"):
                scores, excluded = judge.score(manifest)
            if len(excluded) or len(scores) != len(ids):
                why = f": {excluded['reason'].iloc[0]}" if len(excluded) else ""
                raise InputError(
                    f"judge {judge_name} left out {len(ids) - len(scores)} of {len(ids)} pictures{why}"
                )
            columns[judge_name] = scores.set_index("image_id")["score"].loc[ids].to_numpy(float)
    return pd.DataFrame(columns)


def study_scores(study: Study, judges: Mapping[str, Scores]) -> dict[Key, pd.DataFrame]:
    """(space, attribute) → `picture_scores` of the transect's flat pictures, the renderer's included."""
    every = {**study.generated, **{("renderer", name): t for name, t in study.rendered.items()}}
    scores = picture_scores(judges, torch.cat([t.flat for t in every.values()]))
    found, start = {}, 0
    for key, transect in every.items():
        found[key] = scores.iloc[start : start + len(transect.flat)].reset_index(drop=True)
        start += len(transect.flat)
    return found


def compare_effects(
    study: Study,
    scores: Mapping[Key, pd.DataFrame],
    *,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    rng: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects on each judge's score, and their means over judges.

    Parameters
    ----------
    study : Study
    scores : mapping
        As from `study_scores`; columns are judges, each a training run of its own.
    confidence, n_resamples, rng
        Of percentile intervals by bootstrap over people, generated and rendered ones each by themselves.

    Returns
    -------
    each : DataFrame
        A row a space, target and judge; only targets that the renderer can change. Points of score for one standard
        deviation of the target:

        exact, exact_low, exact_high : by the renderer's transect
        effect, effect_low, effect_high : by the generated one, its movement as read, over what the regressor reads
            of a true change of one (its own response)
        bias, bias_low, bias_high : effect − exact
        unmixed : the effect with the movement's other causes taken out of its unit
        explained : Σ over the other attributes of what they moved along (unmixed) × their own exact effect: the part
            of the bias that measured leakage accounts for
        moves : whether the transect moves its target at all; if not, all but exact are NaN
    over : DataFrame
        A row a space and target: means over judges, of which bias has ci_low, ci_high (Student's t over judges, NaN
        below three), p_value (sign flips over judges), faces_low, faces_high (bootstrap over people, these judges);
        ratio (mean effect over mean exact), wrong_sign (judges whose effect and exact one differ in sign), judges.

    Raises
    ------
    InputError
        Where scores lack a transect, or judges differ between transects.
    """
    how = Inference(confidence, n_resamples, 1, rng)
    every = {**study.generated, **{("renderer", name): t for name, t in study.rendered.items()}}
    if missing := [key for key in every if key not in scores]:
        raise InputError(f"scores: none of the transect {missing[0]}")
    names = list(scores[next(iter(every))].columns) if every else []
    if not names or any(list(scores[key].columns) != names for key in every):
        raise InputError("scores: each transect needs those of the same judges, one at least")
    draws = drawn(study, how)
    slopes = {key: every[key].slopes(scores[key].to_numpy(float)) for key in every}  # (n, J)
    exact = {
        name: (draws.rendered_weights @ slopes["renderer", name])
        / (draws.rendered_weights @ study.exact(name))[:, None]
        for name in study.rendered
    }  # (1 + B, J)
    each: list[dict[str, object]] = []
    over: list[dict[str, object]] = []
    for (space, target), transect in study.generated.items():
        if target not in study.rendered:
            continue
        effect, unmixed, explained, moves = _effects(study, draws, how, (space, target), slopes, exact)
        bias = effect - exact[target]
        rows = []
        for j, judge in enumerate(names):
            row: dict[str, Any] = {"space": space, "target": target, "judge": judge, "moves": moves}
            for label, of in (("exact", exact[target]), ("effect", effect), ("bias", bias)):
                row[label] = float(of[0, j])
                row[f"{label}_low"], row[f"{label}_high"] = interval_of(of[:, j], how)
            rows.append(
                row
                | {"unmixed": float(unmixed[j]), "explained": float(explained[j]), "n": len(transect.people)}
            )
        each += rows
        over.append(_mean_row(pd.DataFrame(rows), bias, how))
    return pd.DataFrame(each), pd.DataFrame(over)


def _effects(
    study: Study,
    draws: Draws,
    how: Inference,
    key: Key,
    slopes: Mapping[Key, NDArray[np.float64]],
    exact: Mapping[str, NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], bool]:
    """effect (1 + B, J), unmixed (J,), explained (J,), moves."""
    t = study.names.index(key[1])
    moved = draws.moved[key]
    total = draws.weights @ slopes[key]
    none = np.full(total.shape, np.nan)
    if includes_zero(moved[:, t], how) or includes_zero(draws.response[:, t, t], how):
        return none, none[0], none[0], False
    effect = total / (moved[:, t] / draws.response[:, t, t])[:, None]
    causes = draws.unmixed(moved)
    if includes_zero(causes[:, t], how):
        return effect, none[0], none[0], True
    along = causes[0] / causes[0, t]
    others = [a for a in draws.causes if a != t]
    explained = sum((along[a] * exact[study.names[a]][0] for a in others), np.zeros(total.shape[1]))
    return effect, total[0] / causes[0, t], explained, True


def _mean_row(rows: pd.DataFrame, bias: NDArray[np.float64], how: Inference) -> dict[str, object]:
    """One row of `over`."""
    means = {name: float(rows[name].mean()) for name in ("exact", "effect", "bias", "unmixed", "explained")}
    row: dict[str, object] = {name: rows[name].iloc[0] for name in ("space", "target", "moves")} | means
    enough = len(rows) >= FEWEST_JUDGES and bool(rows["moves"].iloc[0])
    t = t_interval(rows["bias"], confidence=how.confidence)
    row |= {"ci_low": t.low if enough else np.nan, "ci_high": t.high if enough else np.nan}
    row["p_value"] = sign_flip(rows["bias"], rng=0)[0] if enough else np.nan
    row["faces_low"], row["faces_high"] = interval_of(bias.mean(1), how)
    row["ratio"] = means["effect"] / means["exact"] if means["exact"] else np.nan
    row["wrong_sign"] = int((np.sign(rows["effect"]) * np.sign(rows["exact"]) < 0).sum())
    return row | {"judges": len(rows), "n": int(rows["n"].iloc[0])}


@contextmanager
def _cache_in(judge: Scores, folder: Path) -> Iterator[None]:
    """A judge that caches what it computed of a picture does so in the folder: nobody will ask for these again."""
    if not hasattr(judge, "cache"):
        yield
        return
    before = judge.cache
    judge.cache = str(folder)
    try:
        yield
    finally:
        judge.cache = before
