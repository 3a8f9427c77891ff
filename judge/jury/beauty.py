"""The attractiveness judge: a convolutional network trained on rated pictures, and judges read back from disk."""

from __future__ import annotations

import importlib
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file
from torch import Tensor

from judge.data.tables import SENSITIVE_FEATURES
from judge.errors import InputError, listed
from judge.jury.embedding import EmbeddingJudge
from judge.jury.network.augmentation import Augmentation
from judge.jury.network.backbone import HeadStart, RatingNetwork, create_backbone
from judge.jury.network.depths import Depths
from judge.jury.network.engine import Scoring, build_engine, score_pictures
from judge.jury.network.losses import LOSSES, Huber, LabelDistribution, Objective, SquaredError
from judge.jury.network.pictures import load_pictures
from judge.jury.network.probe import head_start
from judge.jury.network.training import Pool, Training, train
from judge.jury.network.views import frozen_views
from judge.storage import cache_root, write_json
from judge.storage.tensors import save_tensors

Loss = SquaredError | Huber | LabelDistribution


@dataclass
class CnnJudge:
    """A timm backbone with a rating head.

    backbone   any timm model
    weights    where it starts: packaged, timm, none or a .safetensors file (backbone.create_backbone)
    size       side of the square picture that the network reads, pixels
    crop       share of the picture's side that is read, around its centre, over 0 to 1: less than 1 where faces are
               small in the middle of their pictures
    margin     training pictures are decoded at size · margin, so that views can be cut from them without blur
    depths     what the head reads of the backbone's stages; None: the pooled last layer
    probe      the head starts as a ridge regression on what the untrained backbone makes of the pictures and their
               mirror images (probe.py)
    dropout    probability that a feature is dropped before the head
    drop_path  probability that a residual branch is dropped, in its last layer
    loss       of losses.py
    views      views of each training picture that the frozen stages (training.train_from_stage) read beforehand;
               0: a new view is drawn at each step
    cache      folder of all caches, where such views are found by the next training; None: $JUDGE_CACHE or
               ~/.cache/judge
    progress   bars on standard error
    """

    backbone: str = "tf_efficientnet_lite0"
    weights: str = "packaged"
    size: int = 128
    crop: float = 1.0
    margin: float = 1.1
    depths: Depths | None = None
    probe: bool = False
    dropout: float = 0.2
    drop_path: float = 0.0
    loss: Loss = field(default_factory=LabelDistribution)
    augmentation: Augmentation = field(default_factory=Augmentation)
    training: Training = field(default_factory=Training)
    scoring: Scoring = field(default_factory=Scoring)
    views: int = 0
    cache: str | None = None
    progress: bool = True
    kind = "cnn"

    def __post_init__(self) -> None:
        if not 0 < self.crop <= 1:
            raise InputError(f"judge.crop={self.crop}: a share of the picture's side, over 0 to 1")
        self.network: RatingNetwork | None = None
        self.history: list[dict[str, float]] = []
        self.excluded = pd.DataFrame()
        self.facts: dict[str, Any] = {}

    def fit(
        self,
        train_manifest: pd.DataFrame,
        val: pd.DataFrame | None = None,
        *,
        ratings: pd.DataFrame | None = None,
        rating_range: tuple[float, float],
        seed: int,
        workdir: Path | None = None,
        objective: Objective | None = None,
    ) -> CnnJudge:
        """Trains on the rated pictures of a manifest.

        train_manifest  `rating` of each picture, and `weight` where there are training weights
        val             pictures that choose the epoch; None or none rated: the last epoch is kept
        ratings         single ratings (RATINGS schema), for a label distribution
        workdir         state of the training, continued after a kill; None: a folder that is removed
        objective       `(network, batch) -> parts` in place of the loss, e.g. of a mitigation

        What could not be read is in `excluded` (item, reason, detail), epochs in `history`.
        Raises InputError: no rated picture, fewer than two, a rating outside rating_range.
        """
        rating_range = (float(rating_range[0]), float(rating_range[1]))
        rated, unrated = usable(train_manifest, rating_range)
        pixels, rated, broken = load_pictures(rated, round(self.size * self.margin), crop=self.crop)
        if len(rated) < 2:
            raise InputError(f"{len(rated)} training pictures are rated and readable; at least 2 are needed")
        self.excluded = pd.concat([unrated, broken], ignore_index=True)
        pool = self._pool(pixels, rated, ratings, rating_range)
        held_out = None
        if val is not None and val["rating"].notna().any():
            val, _ = usable(val, rating_range)
            val_pixels, val, val_broken = load_pictures(val, self.size, crop=self.crop)
            self.excluded = pd.concat([self.excluded, val_broken], ignore_index=True)
            held_out = self._pool(val_pixels, val, None, rating_range)
        centre = float((pool.weight * pool.rating).sum() / pool.weight.sum())
        variance = (pool.weight * (pool.rating - centre).square()).sum() / pool.weight.sum()
        self.facts = {
            "kind": self.kind,
            "seed": seed,
            "rating_range": rating_range,
            "centre": centre,
            "spread": max(float(variance.sqrt()), 1e-3),
            "n_train": len(pool.rating),
            "n_val": 0 if held_out is None else len(held_out.rating),
        }
        views = self._frozen_views(pool.pixels, seed) if self.views else pool.pixels
        start = self._probe(pool, rated, seed) if self.probe else None
        pool.pixels = views
        own = workdir is None
        folder = Path(tempfile.mkdtemp(prefix="judge-")) if own else Path(workdir)
        try:
            self.network, self.history = train(
                partial(build_network, self._network_settings(), self.weights, start),
                objective or self.loss,
                pool,
                held_out,
                size=self.size,
                augmentation=self.augmentation,
                settings=self.training,
                seed=seed,
                workdir=folder,
                identity=json.dumps([self._network_settings(), self.weights, repr(self.loss), self.probe]),
                progress=self.progress,
            )
        finally:
            if own:
                shutil.rmtree(folder, ignore_errors=True)
        return self

    def score(self, manifest: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """(image_id, score) of the readable pictures, on the rating scale, and (item, reason, detail) of others."""
        if self.network is None:
            raise InputError("this judge is not trained: call fit, or load_judge")
        kind = self.scoring.engine_for(len(manifest))
        engine = build_engine(self.network, self.size, self.scoring, kind=kind)
        return score_pictures(
            manifest, engine, size=self.size, settings=self.scoring, crop=self.crop, progress=self.progress
        )

    def save(self, folder: str | Path) -> None:
        """Writes model.safetensors and judge.json."""
        if self.network is None:
            raise InputError("this judge is not trained: there is nothing to save")
        folder = Path(folder)
        save_tensors(folder / "model.safetensors", self.network.state_dict(), {"kind": self.kind})
        cfg = self.network.backbone.pretrained_cfg
        write_json(
            folder / "judge.json",
            {
                **self.facts,
                "normalisation": {"mean": list(cfg["mean"]), "std": list(cfg["std"])},
                "settings": {**asdict(self), "loss": {"name": self.loss.name, **asdict(self.loss)}},
                "history": self.history,
            },
        )

    @classmethod
    def load(cls, folder: str | Path, facts: dict[str, Any]) -> CnnJudge:
        settings = dict(facts.pop("settings"))
        loss, depths = dict(settings.pop("loss")), settings.pop("depths", None)
        judge = cls(
            depths=None if depths is None else Depths(**depths),
            loss=LOSSES[loss.pop("name")](**loss),
            augmentation=Augmentation(**settings.pop("augmentation")),
            training=Training(**settings.pop("training")),
            scoring=Scoring(**settings.pop("scoring")),
            **settings,
        )
        judge.history = facts.pop("history")
        judge.facts = {**facts, "rating_range": tuple(facts["rating_range"])}
        judge.network = build_network(judge._network_settings(), "none")
        tensors = load_file(Path(folder) / "model.safetensors")
        tensors.setdefault("standard", judge.network.standard)  # judges saved before there was such a buffer
        judge.network.load_state_dict(tensors, strict=True)
        judge.network.eval()
        return judge

    def _network_settings(self) -> dict[str, Any]:
        distribution = isinstance(self.loss, LabelDistribution)
        return {
            "backbone": self.backbone,
            "size": self.size,
            "depths": None if self.depths is None else asdict(self.depths),
            "dropout": self.dropout,
            "drop_path": self.drop_path,
            "levels": self.loss.level_values(self.facts["rating_range"]).tolist() if distribution else None,
            "centre": self.facts["centre"],
            "spread": self.facts["spread"],
        }

    def _probe(self, pool: Pool, rated: pd.DataFrame, seed: int) -> HeadStart:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = build_network(self._network_settings(), self.weights).eval()
        return head_start(network, pool.pixels, rated, pool.histogram, size=self.size, progress=self.progress)

    def _frozen_views(self, pixels: Tensor, seed: int) -> Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # as the loop does: weights=none must give the same frozen stages there
            network = build_network(self._network_settings(), self.weights)
        return frozen_views(
            network,
            pixels,
            self.augmentation,
            size=self.size,
            stage=self.training.train_from_stage,
            views=self.views,
            cache=Path(self.cache) if self.cache else cache_root(),
            progress=self.progress,
        )

    def _pool(
        self,
        pixels: Tensor,
        manifest: pd.DataFrame,
        ratings: pd.DataFrame | None,
        rating_range: tuple[float, float],
    ) -> Pool:
        rating = manifest["rating"].to_numpy(np.float32)
        weight = manifest["weight"].to_numpy(np.float32) if "weight" in manifest else np.ones_like(rating)
        if not weight.sum() > 0:
            raise InputError("the training weights sum to 0: column `weight` of the manifest")
        histogram = None
        if isinstance(self.loss, LabelDistribution):
            histogram = torch.from_numpy(
                self.loss.targets(manifest["image_id"], rating, ratings, rating_range)
            )
        return Pool(
            pixels,
            torch.from_numpy(rating),
            torch.from_numpy(weight / weight.mean()),
            histogram,
            {
                name: torch.from_numpy(pd.Categorical(manifest[name]).codes.astype(np.int64))
                for name in SENSITIVE_FEATURES
                if name in manifest
            },
        )


def build_network(settings: dict[str, Any], weights: str, start: HeadStart | None = None) -> RatingNetwork:
    """The network of CnnJudge._network_settings, at the start of training."""
    levels = settings["levels"]
    backbone = create_backbone(
        settings["backbone"], weights, size=settings["size"], drop_path=settings["drop_path"]
    )
    depths = settings.get("depths")
    network = RatingNetwork(
        backbone,
        depths=None if depths is None else Depths(**depths),
        levels=None if levels is None else torch.tensor(levels),
        centre=settings["centre"],
        spread=settings["spread"],
        dropout=settings["dropout"],
    )
    if start is not None:
        network.start_head(start)
    return network


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


def load_judge(folder: str | Path) -> Any:
    """The judge that `save` wrote to a folder: of a kind that is built in, or of one's own.

    A class of one's own says where it is found by its attribute kind = "module:Class", writes that as "kind" into its
    judge.json, and has `load(folder, facts)`, facts being what judge.json holds. Nothing is unpickled here.
    Raises InputError: no judge.json, or a kind that is neither built in nor such a class.
    """
    folder = Path(folder)
    file = folder / "judge.json"
    if not file.is_file():
        raise InputError(f"{folder} holds no judge: there is no judge.json")
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        kind = facts["kind"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(f"{file} is not a judge's file: {error}") from error
    kinds = {CnnJudge.kind: CnnJudge, EmbeddingJudge.kind: EmbeddingJudge}
    return (kinds[kind] if kind in kinds else _own_kind(kind, file, list(kinds))).load(folder, facts)


def _own_kind(kind: Any, file: Path, built_in: list[str]) -> Any:
    """The class "module:Class"; it has to name itself so, so that no other class can be called through a file."""
    module, _, name = str(kind).partition(":")
    if not name:
        raise InputError(
            f"{file}: kind={kind!r}; allowed are {listed(built_in)}, or 'module:Class' of your own"
        )
    try:
        own = getattr(importlib.import_module(module), name, None)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"{file}: kind={kind!r}: the module {module!r} cannot be imported ({error}); install it, or put its folder "
            "on PYTHONPATH"
        ) from error
    lacks = [part for part in ("load", "score") if not callable(getattr(own, part, None))]
    if not isinstance(own, type) or lacks or getattr(own, "kind", None) != kind:
        raise InputError(
            f"{file}: {kind!r} is no judge: a class with load(folder, facts), score(manifest) and kind = {kind!r}"
        )
    return own
