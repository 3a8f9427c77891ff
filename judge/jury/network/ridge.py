"""Ridge regression of ratings on standardised features, and the head of a network that starts as one.

A random head first spoils the backbone that it is put on; one that already predicts does not (Kumar et al. 2022,
"Fine-tuning can distort pretrained features", arXiv:2202.10054). So a head may start as a linear probe: the ridge
regression on what the untrained backbone makes of the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn.functional import interpolate
from tqdm.auto import tqdm

from judge.jury.network.backbone import HeadStart, RatingNetwork
from judge.jury.scaling import PRIOR_SPREAD, shrunk_scale

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Ridge(NamedTuple):
    """rating = ((features − mean) / scale) @ weight + bias"""

    mean: NDArray[np.float64]  # (F,)
    scale: NDArray[np.float64]  # (F,)
    weight: NDArray[np.float64]  # (F,)
    bias: float
    penalty: float  # per picture


def ridge(
    features: NDArray,
    rating: NDArray,
    weight: NDArray,
    penalties: Sequence[float] = PENALTIES,
    *,
    prior: float = PRIOR_SPREAD,
) -> Ridge:
    """Weighted ridge regression, features (n, F), rating and weight (n,), on features divided by `shrunk_scale`.

    penalties  to choose from, per picture; the one with the lowest leave-one-out squared error is taken, in closed
               form (Golub, Heath & Wahba 1979; scikit-learn's RidgeCV). Rows must be different pictures: a copy
               left in training would give the held-out picture away.
    prior      as in `shrunk_scale`
    """
    weight = weight / weight.mean()
    mean = np.average(features, axis=0, weights=weight)
    scale = shrunk_scale(features, weight, prior=prior)
    choices = np.asarray(penalties, float) * len(rating)
    # One thread: the matrices are small, and threads that wait for one another on a busy machine cost twentyfold.
    with threadpool_limits(1):
        fit = RidgeCV(alphas=choices).fit((features - mean) / scale, rating, sample_weight=weight)
    return Ridge(mean, scale, fit.coef_, float(fit.intercept_), float(fit.alpha_) / len(rating))


def once_each(manifest: pd.DataFrame) -> pd.DataFrame:
    """The first row of each image_id, with the sum of its rows' `weight` (1 each where there is no such column)."""
    weight = manifest["weight"] if "weight" in manifest else pd.Series(1.0, index=manifest.index)
    total = weight.groupby(manifest["image_id"], sort=False).sum()
    return manifest[~manifest["image_id"].duplicated()].assign(weight=total.to_numpy(float))


def head_start(
    network: RatingNetwork,
    pixels: Tensor,
    rated: pd.DataFrame,
    histogram: Tensor | None,
    *,
    size: int,
    progress: bool,
) -> HeadStart:
    """pixels and histogram: of the rows of `rated` (fresh index); a repeated picture is one with more weight."""
    pictures = once_each(rated)
    features = clean_features(
        network, pixels[torch.from_numpy(pictures.index.to_numpy(copy=True))], size, progress
    )
    fit = ridge(features, pictures["rating"].to_numpy(float), pictures["weight"].to_numpy(float))
    spread = 1.0
    if histogram is not None:
        mean = histogram @ network.levels.cpu()
        square = histogram @ network.levels.cpu().square()
        spread = float((square - mean.square()).mean().clamp_min(1e-4).sqrt())
    mean, scale, weight = (torch.from_numpy(part).float() for part in fit[:3])
    return HeadStart(mean, scale, weight, fit.bias, spread)


@torch.inference_mode()
def clean_features(network: RatingNetwork, pixels: Tensor, size: int, progress: bool) -> np.ndarray:
    """float32 (n, F): what the head reads of uint8 (n, 3, H, H), mean over each picture and its mirror image."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device, memory_format=torch.channels_last)
    parts = []
    for piece in tqdm(pixels.split(32), desc="probe", unit="batch", disable=not progress, leave=False):
        x = piece.to(device).float()
        if x.shape[-1] != size:
            x = interpolate(x, (size, size), mode="bilinear", antialias=True)
        x = x.to(memory_format=torch.channels_last)
        parts.append(((network(x).features + network(x.flip(3)).features) / 2).cpu())
    return torch.cat(parts).numpy()
