"""Views of pictures that the frozen first stages have read already: they are computed once, not once an epoch.

With the first half of the network frozen, most of a training's time goes into running it forward on yet another
view. Here a fixed number of views a picture is drawn beforehand (by the picture's content, so that they are the
same in every training), read by the frozen stages, and cached in half precision. Each step then picks one of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from judge.jury.device import preferred
from judge.jury.network.augmentation import Augmentation, apply_views
from judge.jury.network.backbone import RatingNetwork
from judge.storage import ContentCache, Found

#: Part of the cache's address: to be raised whenever views, or the way they are stored, change.
VERSION = 1
#: Pictures whose views are written to the cache at a time: what a kill can cost.
SHARD = 256


class Store(Protocol):
    """Where views are found by name, and put."""

    def get(self, keys: Sequence[str]) -> Found: ...
    def put(self, keys: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> None: ...


def frozen_views(
    network: RatingNetwork,
    pixels: Tensor,
    augmentation: Augmentation,
    *,
    size: int,
    stage: int,
    views: int,
    cache: Path | None = None,
    store: Store | None = None,
    progress: bool = True,
) -> Tensor:
    """float16 (n, views, C, h, w): what the stages before `stage` make of `views` views of each picture.

    pixels  uint8 (n, 3, H, H)
    cache   folder of all caches, where views are found by the content of picture, frozen weights and augmentation;
            None: they are not cached
    store   where views are found without a cache: that of a stack of trainings that share pictures (stacked.Shelf)
    """
    stem = network.stages_before(stage).eval()
    settings = hashlib.blake2b(repr((asdict(augmentation), size, stage, views)).encode(), digest_size=16)
    for value in stem.state_dict().values():
        settings.update(np.ascontiguousarray(value.numpy()).data)
    digests = [
        hashlib.blake2b(picture.numpy().tobytes(), digest_size=16, key=settings.digest()).hexdigest()
        for picture in pixels
    ]
    if cache is not None:
        store = ContentCache(cache / "views" / f"v{VERSION}-{settings.hexdigest()[:12]}")
    found = Found(digests) if store is None else store.get(digests)
    missing = found.missing
    with tqdm(total=len(missing), desc="views", unit="picture", disable=not progress, leave=False) as bar:
        for start in range(0, len(missing), SHARD):
            rows = missing[start : start + SHARD]
            names = [digests[row] for row in rows]
            fresh = {"views": _compute(stem, network, pixels[rows], names, augmentation, size, views).numpy()}
            if store is not None:
                store.put(names, fresh)
            found.fill(names, fresh)
            bar.update(len(rows))
    return torch.from_numpy(found.arrays["views"])


@torch.inference_mode()
def _compute(
    stem: nn.Module,
    network: RatingNetwork,
    pixels: Tensor,
    digests: list[str],
    augmentation: Augmentation,
    size: int,
    views: int,
) -> Tensor:
    device = preferred()
    stem = stem.to(device, memory_format=torch.channels_last)
    mean, std = network.mean.to(device), network.std.to(device)
    rows = []
    for picture, digest in zip(pixels, digests, strict=True):
        rng = torch.Generator().manual_seed(int(digest[:15], 16))
        batch = picture.to(device).expand(views, -1, -1, -1)
        batch = apply_views(batch, augmentation.draws(views, rng), size)
        batch = ((batch - mean) / std).to(memory_format=torch.channels_last)
        rows.append(stem(batch).to("cpu", torch.float16).contiguous())
    stem.cpu()
    return torch.stack(rows)
