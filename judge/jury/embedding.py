"""The fast judge: ridge regression on a frozen backbone's features, which are computed once a picture.

Features are cached by content (hash of the file's bytes) under the backbone, its weights and the size, so that
renamed, copied and re-drawn pictures are found again, and a sweep of a hundred trainings reads each picture once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache as once
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from judge.data.groups import Groups
from judge.errors import InputError
from judge.jury.device import preferred
from judge.jury.linear_head import fitted_for, fitted_twice
from judge.jury.network.backbone import check_backbone, create_backbone
from judge.jury.network.depths import Depths
from judge.jury.network.losses import ObjectiveFactory, SquaredError, made_objective
from judge.jury.network.pictures import decode_stream, excluded_table
from judge.jury.ridge import PENALTIES, Projection, Ridge, once_each, ridge
from judge.storage import ContentCache, cache_root, write_json
from judge.storage.tensors import load_weights, save_tensors

#: Part of the cache's address: to be raised whenever the features of a picture, or the way they are stored, change.
VERSION = 2
#: Pictures that the network reads at once, and batches after which what it saw is written.
BATCH = 32
BATCHES_A_FILE = 16


@dataclass(frozen=True)
class Embedding:
    """What is computed of a picture.

    backbone  any timm model
    weights   packaged, timm, none (seeded) or a .safetensors file (backbone.create_backbone)
    size      side of the square picture that the network reads, pixels
    crop      share of the picture's side that is read, around its centre, over 0 to 1
    depths    what is read of the backbone's stages; None: the pooled last layer
    mirror    mean of the features of the picture and its mirror image
    """

    backbone: str = "tf_efficientnet_lite0"
    weights: str = "packaged"
    size: int = 160
    crop: float = 1.0
    depths: Depths | None = None
    mirror: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.crop <= 1:
            raise InputError(f"embedding.crop={self.crop}: a share of the picture's side, over 0 to 1")

    def address(self) -> str:
        """Name of the cache's folder: differs whenever features could differ."""
        weights = self.weights
        if weights not in ("packaged", "timm", "none"):
            weights = file_hash(weights)
        facts = [VERSION, self.backbone, weights, self.size, self.crop, self.depths, self.mirror]
        return (
            f"{self.backbone}-{self.size}-{hashlib.blake2b(repr(facts).encode(), digest_size=6).hexdigest()}"
        )


def file_hash(path: str | Path) -> str:
    """Hash of a file's bytes; of a missing or unreadable one the empty string."""
    try:
        return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ""


class NothingReadable(InputError):
    """None of the pictures can be read; `excluded` (item, reason, detail) says why."""

    def __init__(self, message: str, excluded: pd.DataFrame) -> None:
        super().__init__(message)
        self.excluded = excluded


def embed(
    manifest: pd.DataFrame,
    what: Embedding,
    *,
    cache: Path | None = None,
    progress: bool = True,
    network: Callable[[], FeatureNetwork] | None = None,
) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
    """Features float32 (n, F) of the readable pictures, their manifest rows, and what was excluded.

    cache    folder of all caches; None: storage.cache_root(). Missing pictures are added a file for every few hundred,
             so that a kill loses no more
    network  gives what computes them, where it is needed at all; None: it is built anew

    Raises NothingReadable.
    """
    paths = manifest["path"].tolist()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        hashes = list(pool.map(file_hash, paths))
    store = ContentCache((cache or cache_root()) / "embeddings" / what.address())
    found = store.get(hashes)
    reasons: dict[str, tuple[str, str]] = {}
    if missing := found.missing:
        keys = [hashes[row] for row in missing]
        made = partial(feature_network, what) if network is None else network
        for places, features, broken in _compute([paths[row] for row in missing], what, made(), progress):
            reasons |= {keys[place]: (reason, paths[missing[place]]) for place, reason in broken.items()}
            readable = [row for row, place in enumerate(places) if place not in broken]
            fresh = [keys[places[row]] for row in readable]
            store.put(fresh, {"features": features[readable]})
            found.fill(fresh, {"features": features[readable]})
    # files of one content are read once: each has the reason, under its own name
    told = {row: reasons[key] for row, key in enumerate(hashes) if key in reasons}
    broken_rows = {row: reason.replace(read, paths[row]) for row, (reason, read) in told.items()}
    readable = np.flatnonzero(found.known)
    if not len(readable):
        raise NothingReadable(
            f"none of the {len(paths)} pictures can be read", excluded_table(manifest, broken_rows)
        )
    rows = manifest.iloc[readable].reset_index(drop=True)
    return found.arrays["features"][readable], rows, excluded_table(manifest, broken_rows)


def feature_network(what: Embedding) -> FeatureNetwork:
    """The network that computes the features, on a GPU when there is one."""
    device = preferred()
    return FeatureNetwork(what).to(device, memory_format=torch.channels_last).eval()


def _compute(
    paths: list[str], what: Embedding, network: FeatureNetwork, progress: bool
) -> Iterator[tuple[range, np.ndarray, dict[int, str]]]:
    """(places in `paths`, their features, place → reason of the broken ones), some hundred pictures at a time."""
    device = network.mean.device
    features: list[np.ndarray] = []
    broken: dict[int, str] = {}
    start = 0
    with tqdm(total=len(paths), desc="embedding", unit="picture", disable=not progress, leave=False) as bar:
        for decoded in decode_stream(paths, what.size, batch=BATCH, crop=what.crop):
            features.append(_read_batch(network, decoded.pixels, device))
            broken |= decoded.broken
            bar.update(len(decoded.rows))
            if len(features) == BATCHES_A_FILE or decoded.rows.stop == len(paths):
                yield range(start, decoded.rows.stop), np.concatenate(features), broken
                features, broken, start = [], {}, decoded.rows.stop


@torch.inference_mode()
def _read_batch(network: FeatureNetwork, pixels: Tensor, device: torch.device) -> np.ndarray:
    n = len(pixels)
    # one batch size, so that a picture's features do not depend on its neighbours
    pixels = torch.cat([pixels, pixels.new_zeros((BATCH - n, *pixels.shape[1:]))])
    pixels = pixels.to(device).to(memory_format=torch.channels_last)
    return network(pixels)[:n].float().cpu().numpy()


class FeatureNetwork(nn.Module):
    """uint8 (B, 3, S, S) → (B, F): pooled features, with those of inner stages where asked for."""

    def __init__(self, what: Embedding) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)  # weights=none: the same random network in every process
            self.backbone = create_backbone(what.backbone, what.weights, size=what.size)
        cfg = self.backbone.pretrained_cfg
        self.register_buffer("mean", 255 * torch.tensor(cfg["mean"]).view(1, 3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(cfg["std"]).view(1, 3, 1, 1))
        self.depths, self.mirror = what.depths, what.mirror
        if what.depths is not None:
            what.depths.width(self.backbone)  # refuses stages that are not there

    def forward(self, pixels: Tensor) -> Tensor:
        pixels = (pixels.float() - self.mean) / self.std
        features = self._read(pixels)
        return (features + self._read(pixels.flip(3))) / 2 if self.mirror else features

    def _read(self, pixels: Tensor) -> Tensor:
        return self.backbone(pixels) if self.depths is None else self.depths.read(self.backbone, pixels)


@dataclass
class EmbeddingJudge:
    """Ridge regression, weighted, on standardised frozen features.

    embedding  what is computed of a picture
    penalties  ridge penalties to choose from, per training picture; the one with the lowest leave-one-out
               squared error is taken (closed form: scikit-learn's RidgeCV)
    cache      folder of all caches; None: $JUDGE_CACHE or ~/.cache/judge
    steps      of the gradient, where an objective is trained for (linear_head.py)
    """

    embedding: Embedding = field(default_factory=Embedding)
    penalties: Sequence[float] = PENALTIES
    cache: str | None = None
    progress: bool = True
    steps: int = 400
    kind = "embedding"

    def __post_init__(self) -> None:
        self.penalties = tuple(float(penalty) for penalty in self.penalties)
        if not self.steps >= 1:
            raise InputError(f"judge.steps={self.steps}: at least 1")
        self.head: dict[str, np.ndarray] | None = None
        self.projection: Projection | None = None
        self.home: Path | None = None  # that it was loaded from
        self.excluded = pd.DataFrame()
        self.facts: dict[str, Any] = {}
        self.history: list[dict[str, float]] = []

    def check(self) -> None:
        """Raises InputError for settings that no training could begin with, before any picture is read."""
        what = self.embedding
        check_backbone(what.backbone, what.weights, size=what.size, where="judge.embedding.")

    def fit(
        self,
        train_manifest: pd.DataFrame,
        val: pd.DataFrame | None = None,
        *,
        ratings: pd.DataFrame | None = None,
        rating_range: tuple[float, float],
        seed: int,
        workdir: Path | None = None,
        groups: Groups | None = None,
        objective: ObjectiveFactory | None = None,
    ) -> EmbeddingJudge:
        """Fits on the rated pictures; `weight` of the manifest counts, a repeated picture as often as it comes.

        objective  `(loss, groups) -> objective`, minimised in place of the squared error, under the same penalty
                   (linear_head.py); its features stay as they are
        groups     of the sensitive feature, for an objective

        val, ratings and workdir are taken for the sake of one interface: the penalty is chosen by leave-one-out, the
        mean rating is the target, and a fit lasts seconds. Without an objective the result does not depend on `seed`.
        Raises InputError: fewer than three rated pictures, weights that sum to 0, an objective that trains features,
        or one without groups.
        """
        if objective is not None and (reason := self.refusal("objective", objective)):
            raise InputError(reason)
        trained_for, objective_as = made_objective(objective, SquaredError(), groups, seed)
        # a copy left in training would give the held-out picture away: leave-one-out leaves out pictures, not rows
        rated = once_each(train_manifest[train_manifest["rating"].notna()])
        if len(rated) < 3:
            raise InputError(
                f"{len(rated)} of {train_manifest['image_id'].nunique()} training pictures are rated; 3 are needed"
            )
        features, rated, self.excluded = self._embed(rated)
        rating = rated["rating"].to_numpy(float)
        weight = rated["weight"].to_numpy(float)
        if not weight.sum() > 0:
            raise InputError("the training weights sum to 0: column `weight` of the manifest")
        learnt = weight > 0
        features, rating, weight = features[learnt], rating[learnt], weight[learnt]
        self.projection, parts = None, {}
        if objective is None:
            fit = ridge(features, rating, weight, self.penalties)
        elif callable(getattr(trained_for, "reweigh", None)):
            fit = fitted_twice(features, rating, weight, trained_for, self.penalties)
        else:
            codes = torch.from_numpy(groups.codes(rated)[learnt])
            fit, parts = fitted_for(
                trained_for,
                features,
                rating,
                weight,
                groups={groups.feature: codes},
                penalties=self.penalties,
                steps=self.steps,
                seed=seed,
            )
        self.set_head(fit)
        self.facts = {
            "kind": self.kind,
            "seed": seed,
            "rating_range": (float(rating_range[0]), float(rating_range[1])),
            "penalty": fit.penalty,
            "n_train": len(rated),
            "objective": json.loads(objective_as),
            **({"last_step": parts} if parts else {}),
        }
        return self

    def refusal(self, seam: str, method: Any = None) -> str | None:
        """Why the judge cannot take what a condition changes at this seam, None where it can (loading.Judge)."""
        method = getattr(method, "func", method)
        if seam == "objective" and getattr(method, "trains_features", False):
            return (
                f"the embedding judge's features are frozen, and {getattr(method, '__name__', method)} asks for "
                "others; take a judge with a network (judge=cnn), or erase the group from frozen features (leace)"
            )
        return None

    def score(self, manifest: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """(image_id, score) of the readable pictures, on the rating scale, and (item, reason, detail) of others."""
        if self.head is None:
            raise InputError("this judge is not trained: call fit, or load_judge")
        return self._score(manifest)

    def scorer(self, n: int) -> Callable[[pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]:
        """`score` for any part of a list of n pictures: the network is built once, when it is needed."""
        if self.head is None:
            raise InputError("this judge is not trained: call fit, or load_judge")
        return partial(self._score, network=once(partial(feature_network, self.embedding)))

    def _score(
        self, manifest: pd.DataFrame, network: Callable[[], FeatureNetwork] | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        features, kept, excluded = self._read(manifest, network)
        self._check_width("head", len(self.head["weight"]), features)
        # a matrix product may add up a row's terms in an order that depends on how many rows there are
        score = np.einsum("ij,j->i", features.astype(float), self.head["weight"]) + self.head["bias"][0]
        return pd.DataFrame({"image_id": kept["image_id"].astype(str), "score": score}), excluded

    def read(self, manifest: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
        """What the head reads: features float32 (n, F) of the readable pictures, their rows, and those excluded."""
        return self._read(manifest)

    def _read(
        self, manifest: pd.DataFrame, network: Callable[[], FeatureNetwork] | None = None
    ) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
        features, kept, excluded = self._embed(manifest, network)
        if self.projection is not None:
            self._check_width("projection", len(self.projection.mean), features)
            features = self.projection(features).astype(np.float32)
        return features, kept, excluded

    def project(self, mean: np.ndarray, basis: np.ndarray) -> None:
        """From now on the head reads (features − mean) @ basis of what `read` gave: set_head has to follow."""
        width = None if self.head is None else len(self.head["weight"])
        further = Projection.checked(mean, basis, width)
        self.projection = further if self.projection is None else self.projection.then(further)
        self.head = None

    def set_head(self, fit: Ridge) -> None:
        """Another linear head on what `read` gives."""
        self.head = {
            "weight": fit.weight / fit.scale,
            "bias": np.array([fit.bias - (fit.mean / fit.scale) @ fit.weight]),
        }
        self.facts = {**self.facts, "penalty": fit.penalty}

    def save(self, folder: str | Path) -> None:
        """Writes model.safetensors (the head, and what stands before it) and judge.json.

        A backbone of one's own is named by its path.
        """
        if self.head is None:
            raise InputError("this judge is not trained: there is nothing to save")
        folder = Path(folder)
        tensors = {name: torch.from_numpy(value) for name, value in self.head.items()}
        if self.projection is not None:
            tensors |= {f"projection.{n}": torch.from_numpy(v) for n, v in self.projection._asdict().items()}
        save_tensors(folder / "model.safetensors", tensors, {"kind": self.kind})
        write_json(folder / "judge.json", {**self.facts, "settings": asdict(self)})

    @classmethod
    def load(cls, folder: str | Path, facts: dict[str, Any]) -> EmbeddingJudge:
        # a file that comes from elsewhere names no folder here
        settings = {**facts.pop("settings"), "cache": None}
        what = settings.pop("embedding")
        depths = what.pop("depths", None)
        depths = None if depths is None else Depths(**depths)
        judge = cls(embedding=Embedding(**what, depths=depths), **settings)
        judge.facts = {**facts, "rating_range": tuple(facts["rating_range"])}
        tensors = {n: t.numpy() for n, t in load_weights(Path(folder) / "model.safetensors").items()}
        judge.home = Path(folder)
        judge.head = {name: tensors[name] for name in ("weight", "bias")}
        shapes = {name: value.ndim for name, value in judge.head.items()}
        if shapes != {"weight": 1, "bias": 1} or len(judge.head["bias"]) != 1:
            raise InputError(f"{folder}/model.safetensors holds no linear head: dimensions {shapes}")
        if any(name.startswith("projection.") for name in tensors):
            projection = Projection.checked(tensors["projection.mean"], tensors["projection.basis"])
            if projection.basis.shape[1] != len(judge.head["weight"]):
                raise InputError(
                    f"{folder}/model.safetensors: its projection gives {projection.basis.shape[1]} features, its head "
                    f"reads {len(judge.head['weight'])}"
                )
            judge.projection = projection
        return judge

    def _check_width(self, part: str, width: int, features: np.ndarray) -> None:
        if features.shape[1] != width:
            where = "" if self.home is None else f"{self.home}: "
            raise InputError(
                f"{where}the judge's {part} reads {width} features, its embedding gives {features.shape[1]}"
            )

    def _embed(
        self, manifest: pd.DataFrame, network: Callable[[], FeatureNetwork] | None = None
    ) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
        folder = Path(self.cache) if self.cache else None
        return embed(manifest, self.embedding, cache=folder, progress=self.progress, network=network)
