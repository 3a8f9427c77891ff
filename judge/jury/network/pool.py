"""The pictures of a training, decoded, the batches that are taken of them, and ratings compared with theirs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from judge.data.groups import Groups
from judge.errors import InputError, listed
from judge.jury.device import preferred
from judge.jury.network.losses import Batch, LabelDistribution


@dataclass
class Pool:
    """Decoded pictures with what is known of them.

    pixels     uint8 (n, 3, H, H), or float16 (n, views, C, h, w) as views.frozen_views makes them
    rating     float32 (n,)
    weight     float32 (n,), mean 1
    histogram  float32 (n, K) or None
    groups     sensitive feature → int64 (n,) codes of judge.data.groups.Groups, −1 unknown
    """

    pixels: Tensor
    rating: Tensor
    weight: Tensor
    histogram: Tensor | None = None
    groups: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        pixels: Tensor,
        manifest: pd.DataFrame,
        loss: object,
        ratings: pd.DataFrame | None,
        *,
        rating_range: tuple[float, float],
        groups: Groups | None,
    ) -> Pool:
        """The pool of a manifest's rows: `rating`, `weight` where there is one, and the column of `groups`.

        pixels   of the rows, in their order
        loss     a LabelDistribution has a histogram made for each picture, from its single ratings where it has some
        Raises InputError: weights that sum to 0, no column of the groups' feature.
        """
        rating = manifest["rating"].to_numpy(np.float32)
        weight = manifest["weight"].to_numpy(np.float32) if "weight" in manifest else np.ones_like(rating)
        if not weight.sum() > 0:
            raise InputError("the training weights sum to 0: column `weight` of the manifest")
        histogram = None
        if isinstance(loss, LabelDistribution):
            histogram = torch.from_numpy(loss.targets(manifest["image_id"], rating, ratings, rating_range))
        return cls(
            pixels,
            torch.from_numpy(rating),
            torch.from_numpy(weight / weight.mean()),
            histogram,
            {} if groups is None else {groups.feature: torch.from_numpy(groups.codes(manifest))},
        )

    def fingerprint(self) -> str:
        """Hash of all that it holds."""
        digest = hashlib.blake2b(digest_size=16)
        for tensor in (self.pixels, self.rating, self.weight, self.histogram, *self.groups.values()):
            if tensor is not None:
                digest.update(np.ascontiguousarray(tensor.numpy()).data)
        digest.update("\n".join(self.groups).encode())
        return digest.hexdigest()


def usable(manifest: pd.DataFrame, rating_range: tuple[float, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rated rows, and (item, reason, detail) of those without a rating."""
    low, high = rating_range
    rated = manifest["rating"].notna()
    outside = rated & ~manifest["rating"].between(low, high)
    if outside.any():
        raise InputError(
            f"{int(outside.sum())} ratings lie outside rating_range={low:g}…{high:g}, "
            f"first {listed(manifest.loc[outside, 'rating'], 3)}"
        )
    if not rated.any():
        raise InputError(f"none of the {len(manifest)} training pictures has a rating")
    missing = manifest.loc[~rated, "image_id"].astype(str).tolist()
    table = pd.DataFrame({"item": missing, "reason": "no rating", "detail": ""}, dtype=str)
    return manifest[rated], table


def pick(pool: Pool, rows: Tensor, *, share: float, device: torch.device) -> Batch:
    """The pool's rows on the device, pixels still uint8; share: 1 / number of pictures in the whole batch."""

    def at(tensor: Tensor) -> Tensor:
        return tensor[rows].to(device, non_blocking=True)

    return Batch(
        pixels=at(pool.pixels),
        rating=at(pool.rating),
        share=at(pool.weight) * share,
        rows=rows.to(device),
        histogram=None if pool.histogram is None else at(pool.histogram),
        groups={name: at(codes) for name, codes in pool.groups.items()},
    )


@torch.inference_mode()
def predict(network: nn.Module, pixels: Tensor, *, device: torch.device, batch: int = 64) -> Tensor:
    """Ratings (n,) of uint8 (n, 3, S, S) pictures."""
    was = network.training
    network.eval()
    parts = [
        network(piece.to(device).to(memory_format=torch.channels_last)).rating.cpu()
        for piece in pixels.split(batch)
    ]
    network.train(was)
    return torch.cat(parts)


def predict_clean(network: nn.Module, pixels: Tensor, *, size: int) -> Tensor:
    """Ratings (n,) of uint8 (n, 3, H, H) pictures brought to `size` pixels, as they are; on a GPU if there is one."""
    device = preferred()
    network = network.to(device, memory_format=torch.channels_last)
    parts = []
    for piece in pixels.split(64):
        if piece.shape[-1] != size:
            piece = interpolate(piece.float(), (size, size), mode="bilinear", antialias=True)
        parts.append(predict(network, piece, device=device))
    return torch.cat(parts)


def agreement(predicted: Tensor, val: Pool) -> dict[str, float]:
    """Weighted squared error in rating units, and Pearson's correlation (NaN where either is constant)."""
    error = (predicted - val.rating).double().square()
    weight = val.weight.double()
    with np.errstate(invalid="ignore", divide="ignore"):
        pearson = np.corrcoef(predicted.double().numpy(), val.rating.double().numpy())[0, 1]
    return {"val_mse": float((weight * error).sum() / weight.sum()), "val_pearson": float(pearson)}
