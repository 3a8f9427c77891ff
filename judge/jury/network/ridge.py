"""The head of a network that starts as a ridge regression.

A random head first spoils the backbone that it is put on; one that already predicts does not (Kumar et al. 2022,
"Fine-tuning can distort pretrained features", arXiv:2202.10054). So a head may start as a linear probe: the ridge
regression on what the untrained backbone makes of the pictures.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from tqdm.auto import tqdm

from judge.jury.device import preferred
from judge.jury.network.backbone import HeadStart, RatingNetwork
from judge.jury.ridge import once_each, ridge


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
    device = preferred()
    network = network.to(device, memory_format=torch.channels_last)
    parts = []
    for piece in tqdm(pixels.split(32), desc="probe", unit="batch", disable=not progress, leave=False):
        x = piece.to(device).float()
        if x.shape[-1] != size:
            x = interpolate(x, (size, size), mode="bilinear", antialias=True)
        x = x.to(memory_format=torch.channels_last)
        parts.append(((network(x).features + network(x.flip(3)).features) / 2).cpu())
    return torch.cat(parts).numpy()
