"""Spaces in which generated faces are compared with real ones; no discriminator was trained in any of them.

parameters  what the renderer would have drawn the face with, as a regressor reads it: no space for photographs
pixels      the picture itself at 16 × 16 px
lite1       pooled features of EfficientNet-Lite1, another network than the projected discriminator's lite0 but with
            ImageNet's labels, too: a second opinion (Kynkäänniemi et al. 2023, arXiv:2203.06026, on why no more)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from judge.errors import InputError, listed
from judge.generator.audit.reading import (
    ParameterRegressor,
    as_pictures,
    load_regressor,
    parameter_regressor,
    to_side,
)
from judge.jury.network.backbone import create_backbone

__all__ = [
    "SPACES",
    "ParameterRegressor",
    "features_in",
    "load_regressor",
    "parameter_regressor",
    "usual_spaces",
]

PIXELS = 16
#: Side at which lite1 is shown the pictures: below, its last stage has a single place left.
LITE1_SIDE = 64


def pixels(pictures: Tensor | NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 (n, 3, S, S) → (n, 768): 0 to 1, averaged to 16 × 16 px."""
    return to_side(as_pictures(pictures), PIXELS).div(255).flatten(1).numpy()


def lite1(pictures: Tensor | NDArray[np.uint8], *, batch: int = 128) -> NDArray[np.float32]:
    """uint8 (n, 3, S, S) → (n, 1280): pooled features of the packaged tf_efficientnet_lite1.

    Raises InputError where its package is not installed.
    """
    network = _lite1()
    x = as_pictures(pictures)
    out = np.empty((len(x), int(network.num_features)), np.float32)  # type: ignore[arg-type]
    with torch.inference_mode():
        for start in range(0, len(x), batch):
            part = to_side(x[start : start + batch], max(LITE1_SIDE, x.shape[-1])).div(127.5).sub(1)
            out[start : start + batch] = network(part.contiguous(memory_format=torch.channels_last)).numpy()
    return out


def parameters(pictures: Tensor | NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 (n, 3, S, S) → (n, readable numbers), in standard deviations of rendered people."""
    return parameter_regressor().features(pictures)


SPACES: dict[str, Callable[[Tensor | NDArray[np.uint8]], NDArray[np.float32]]] = {
    "parameters": parameters,
    "pixels": pixels,
    "lite1": lite1,
}


def features_in(space: str, pictures: Tensor | NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, d) features of uint8 pictures (n, 3, S, S) in one of SPACES. Raises InputError for any other name."""
    if space not in SPACES:
        raise InputError(f"space={space!r}: allowed are {listed(SPACES)}")
    return SPACES[space](pictures)


def usual_spaces(*, rendered: bool) -> tuple[str, ...]:
    """Spaces for rendered people or for photographs, lite1 where its package is there; the first is the verdict's.

    Of photographs that is lite1 where it can be: blurred faces cover everybody in pixels.
    """
    wanted: Sequence[str] = ("parameters", "pixels") if rendered else ("pixels",)
    try:
        _lite1()
    except InputError:
        return tuple(wanted)
    return (*wanted, "lite1") if rendered else ("lite1", *wanted)


@cache
def _lite1() -> nn.Module:
    network = create_backbone("tf_efficientnet_lite1", "packaged", size=LITE1_SIDE)
    return network.eval().to(memory_format=torch.channels_last)
