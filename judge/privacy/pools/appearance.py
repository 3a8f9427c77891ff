"""What of a face is compared: renderer's parameters, as far as a frozen network's features tell them.

Nearest neighbours in all 1,280 features are ruled by what no judge cares for, and 5,000 people's noisy votes cannot
mend that. The candidates' parameters are known, so it can be learnt from them, who are nobody, which directions of
the features are parameters of a face: ridge regression of each parameter, kept where it is told of candidates left
out. Nothing private enters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm.auto import tqdm

from judge.jury.embedding import Embedding, FeatureNetwork
from judge.jury.network.pictures import load_pictures

#: Least share of a parameter's variance that is told of candidates left out, and fewest parameters that are taken.
READABLE = 0.05
FEWEST_READ = 8
#: Ridge penalties to choose from, on standardised features.
PENALTIES = (100.0, 300.0, 1000.0, 3000.0, 10000.0)
BATCH = 32


class PictureReader:
    """Pictures → features of the packaged lite0. All pictures pass `size` px, so that sharpness tells no pool.

    size  px of the pool's pictures
    side  px that the network reads
    """

    def __init__(self, size: int, side: int) -> None:
        self.size, self.side = size, side
        self.network = FeatureNetwork(Embedding(size=side)).eval()

    @torch.inference_mode()
    def __call__(self, pictures: Tensor, *, progress: bool = False, what: str = "reading") -> NDArray:
        """uint8 (n, 3, size, size) → float32 (n, F)."""
        parts = []
        for batch in tqdm(pictures.split(BATCH), desc=what, unit="batch", disable=not progress, leave=False):
            if self.side != self.size:
                wide = functional.interpolate(
                    batch.float(), size=(self.side, self.side), mode="bilinear", antialias=True
                )
                batch = wide.round().clamp(0, 255).to(torch.uint8)
            parts.append(self.network(batch).float().numpy())
        return np.concatenate(parts)

    def of_files(self, manifest: pd.DataFrame, *, progress: bool = False) -> NDArray:
        """float32 (n, F) of a manifest's pictures, missing where one cannot be read. Nothing is cached or written."""
        pictures, kept, _ = load_pictures(manifest, self.size)
        found = self(pictures, progress=progress, what="private pictures")
        out = np.full((len(manifest), found.shape[1]), np.nan, np.float32)
        rows = pd.Index(manifest["image_id"].astype(str)).get_indexer(kept["image_id"].astype(str))
        out[rows] = found
        return out


@dataclass(frozen=True)
class Appearance:
    """Features → d decorrelated numbers of unit variance among the people whom it was scaled on.

    mean, scale  (F,) of the features
    weight       (F, d)
    centre       (d,)
    told         of each parameter read: the share of its variance that is told of candidates left out
    """

    mean: NDArray
    scale: NDArray
    weight: NDArray
    centre: NDArray
    told: pd.Series

    @classmethod
    def of(
        cls, features: NDArray, parameters: pd.DataFrame, scaled_on: NDArray[np.bool_] | None = None
    ) -> Appearance:
        """Learnt from candidates. `scaled_on`: those whose spread is unit variance; None: all."""
        varies = parameters.std() > 1e-9
        parameters = parameters.loc[:, varies]
        mean, scale = features.mean(0), features.std(0) + 1e-6
        x = (features - mean) / scale
        y = parameters.to_numpy(float)
        y = (y - y.mean(0)) / y.std(0)
        u, s, vt = np.linalg.svd(x, full_matrices=False)
        uy = u.T @ y
        best = None
        for penalty in PENALTIES:
            shrunk = s**2 / (s**2 + penalty)
            hat = np.minimum((u**2) @ shrunk, 0.999)
            left_out = y - (y - u @ (shrunk[:, None] * uy)) / (1 - hat[:, None])
            told = 1 - ((y - left_out) ** 2).mean(0)
            if best is None or told.clip(min=0).sum() > best[0]:
                best = (told.clip(min=0).sum(), penalty, told, left_out)
        assert best is not None
        _, penalty, told, left_out = best
        read = told > READABLE
        if read.sum() < FEWEST_READ:
            read = np.argsort(np.argsort(-told)) < FEWEST_READ
        coefficients = vt.T @ ((s / (s**2 + penalty))[:, None] * uy[:, read])
        rows = slice(None) if scaled_on is None else scaled_on
        shown = left_out[rows][:, read]
        values, vectors = np.linalg.eigh(np.cov(shown.T))
        # a direction in which candidates hardly differ would be noise, blown up
        kept = values > 1e-3 * values[-1]
        weight = coefficients @ (vectors[:, kept] / np.sqrt(values[kept]))
        names = parameters.columns[read]
        centre = (x[rows] @ weight).mean(0)
        return cls(mean, scale, weight, centre, pd.Series(told[read], names).sort_values(ascending=False))

    @property
    def width(self) -> int:
        return self.weight.shape[1]

    def __call__(self, features: NDArray) -> NDArray[np.float64]:
        """(n, F) → (n, d); missing where features are."""
        return ((features - self.mean) / self.scale) @ self.weight - self.centre


def nearest(
    people: NDArray,
    candidates: NDArray,
    cells: NDArray[np.integer],
    of_candidates: NDArray[np.integer],
    k: int,
) -> NDArray[np.int64]:
    """Place of each person's nearest candidate of the same cell (0 … k − 1), −1 without a cell or a picture."""
    out = np.full(len(people), -1)
    seen = np.isfinite(people).all(axis=1)
    for cell in range(k):
        rows, those = np.flatnonzero((cells == cell) & seen), np.flatnonzero(of_candidates == cell)
        if not len(rows) or not len(those):
            continue
        squares = (candidates[those] ** 2).sum(1)
        for start in range(0, len(rows), 2048):
            part = rows[start : start + 2048]
            out[part] = those[(squares - 2 * people[part] @ candidates[those].T).argmin(1)]
    return out
