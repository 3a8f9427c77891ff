"""The attractiveness judge: a convolutional network trained on rated pictures."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from judge.data.groups import Groups
from judge.errors import InputError
from judge.jury.network.augmentation import Augmentation
from judge.jury.network.backbone import HeadStart, RatingNetwork, check_backbone
from judge.jury.network.depths import Depths
from judge.jury.network.engine import Scoring, build_engine, judged_pictures, score_pictures
from judge.jury.network.losses import (
    LOSSES,
    Huber,
    LabelDistribution,
    ObjectiveFactory,
    SquaredError,
    made_objective,
)
from judge.jury.network.pictures import load_pictures
from judge.jury.network.pool import Pool, predict_clean, usable
from judge.jury.network.ridge import head_start
from judge.jury.network.spec import NetworkSpec, build_network
from judge.jury.network.stacked.plan import Planned, Shelf, refusal
from judge.jury.network.training import BEST, Training, described_settings, train
from judge.jury.network.views import frozen_views
from judge.jury.optimizers import OPTIMIZERS
from judge.jury.ridge import Projection, Ridge
from judge.storage import write_json
from judge.storage.tensors import load_module, load_tensors, load_weights, save_tensors

#: Folder, within a training's, of the first training of an objective that has two.
FIRST = "first"
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
               mirror images (ridge.py)
    dropout    probability that a feature is dropped before the head
    drop_path  probability that a residual branch is dropped, in its last layer
    loss       of losses.py
    views      views of each training picture that the frozen stages (training.train_from_stage) read beforehand;
               0: a new view is drawn at each step
    cache      folder where such views are cached from training to training; None: they are not
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
        self.spec: NetworkSpec | None = None
        self.history: list[dict[str, float]] = []
        self.excluded = pd.DataFrame()
        self.facts: dict[str, Any] = {}

    def check(self) -> None:
        """Raises InputError for settings that no training could begin with, before any picture is read."""
        check_backbone(self.backbone, self.weights, size=self.size, where="judge.")
        for name, allowed, fits in (
            ("margin", "a factor from 1", self.margin >= 1),
            ("dropout", "a probability from 0 to under 1", 0 <= self.dropout < 1),
            ("drop_path", "a probability from 0 to under 1", 0 <= self.drop_path < 1),
            ("views", "a number from 0", self.views >= 0),
        ):
            if not fits:
                raise InputError(f"judge.{name}={getattr(self, name)!r}: {allowed}")
        if isinstance(self.loss, LabelDistribution):
            self.loss.level_values((0.0, 1.0))

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
    ) -> CnnJudge:
        """Trains on the rated pictures of a manifest.

        train_manifest  `rating` of each picture, and `weight` where there are training weights
        val             pictures that choose the epoch; None or none rated: the last epoch is kept
        ratings         single ratings (RATINGS schema), for a label distribution
        workdir         state of the training, continued after a kill; None: a folder that is removed
        groups          of the sensitive feature; batches have the codes of its column in both manifests
        objective       `(loss, groups) -> objective`, which is minimised in place of the loss (losses.py). One that
                        has `reweigh(error, weight) -> weight` and `first_epochs` is trained for twice: first for so
                        many epochs with the judge's own loss, then from the start with the weights that it makes of
                        the errors (n,) on the training pictures, in points, and their weights (n,), mean 1

        What could not be read is in `excluded` (item, reason, detail), epochs in `history`.
        Raises InputError: no rated picture, fewer than two, a rating outside rating_range, an objective without
        groups, a workdir that holds the training of another objective or other settings.
        """
        call, clean = self._prepared(train_manifest, val, ratings, rating_range, seed, groups, objective)
        own = workdir is None
        folder = Path(tempfile.mkdtemp(prefix="judge-")) if own else Path(workdir)
        try:
            if callable(reweigh := getattr(call["objective"], "reweigh", None)):
                pool = call["pool"]
                error = self._first_errors(call, clean, call["objective"].first_epochs, folder / FIRST)
                weight = reweigh(error.double().numpy(), pool.weight.double().numpy())
                pool.weight = torch.from_numpy(weight).float()
            self.network, self.history = train(**call, workdir=folder)
        finally:
            if own:
                shutil.rmtree(folder, ignore_errors=True)
        return self

    def planned(
        self,
        train_manifest: pd.DataFrame,
        val: pd.DataFrame | None = None,
        *,
        ratings: pd.DataFrame | None = None,
        rating_range: tuple[float, float],
        seed: int,
        workdir: Path,
        groups: Groups | None = None,
        objective: ObjectiveFactory | None = None,
        shelf: Shelf,
        val_shelf: Shelf,
    ) -> Planned:
        """The training that `fit` would do, for a stack (network.stacked): its pictures go to the shelves.

        Once the stack has trained it, `fit` with the same workdir, or `take`, reads the result.
        Raises InputError as `fit`, and for a training that no stack takes.
        """
        method = getattr(objective, "func", objective)
        if reason := refusal(self.loss if method is None else method, self.training):
            raise InputError(reason)
        call, _ = self._prepared(train_manifest, val, ratings, rating_range, seed, groups, objective, shelf)
        return Planned.of(**call, workdir=Path(workdir), shelf=shelf, val_shelf=val_shelf)

    def take(self, planned: Planned) -> CnnJudge:
        """Reads the result of a planned training that a stack has done."""
        tensors, facts = load_tensors(planned.workdir / BEST)
        with torch.random.fork_rng():
            self.network = planned.make_network().eval()
        load_module("network", self.network, tensors)
        self.history = facts["history"]
        return self

    def _prepared(
        self,
        train_manifest: pd.DataFrame,
        val: pd.DataFrame | None,
        ratings: pd.DataFrame | None,
        rating_range: tuple[float, float],
        seed: int,
        groups: Groups | None,
        objective: ObjectiveFactory | None,
        store: Shelf | None = None,
    ) -> tuple[dict[str, Any], Tensor]:
        """What `train` is called with, but for the workdir, and the training pictures as they were decoded."""
        rating_range = (float(rating_range[0]), float(rating_range[1]))
        trained_for, objective_as = made_objective(objective, self.loss, groups, seed)
        rated, unrated = usable(train_manifest, rating_range)
        pixels, rated, broken = load_pictures(rated, round(self.size * self.margin), crop=self.crop)
        if len(rated) < 2:
            raise InputError(f"{len(rated)} training pictures are rated and readable; at least 2 are needed")
        self.excluded = pd.concat([unrated, broken], ignore_index=True)
        pool = Pool.of(pixels, rated, self.loss, ratings, rating_range=rating_range, groups=groups)
        held_out = None
        if val is not None and val["rating"].notna().any():
            val, _ = usable(val, rating_range)
            val_pixels, val, val_broken = load_pictures(val, self.size, crop=self.crop)
            self.excluded = pd.concat([self.excluded, val_broken], ignore_index=True)
            held_out = Pool.of(val_pixels, val, self.loss, None, rating_range=rating_range, groups=groups)
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
            "objective": json.loads(objective_as),
        }
        self.spec = self._spec(rating_range)
        views = self._frozen_views(pool.pixels, seed, store) if self.views else pool.pixels
        start = self._probe(pool, rated, seed) if self.probe else None
        clean, pool.pixels = pool.pixels, views
        call = {
            "make_network": partial(build_network, self.spec, self.weights, start),
            "objective": trained_for,
            "pool": pool,
            "val": held_out,
            "size": self.size,
            "augmentation": self.augmentation,
            "settings": self.training,
            "seed": seed,
            "identity": {"network": self.spec.to_json(), "weights": self.weights, "probe": self.probe},
            "objective_as": objective_as,
            "progress": self.progress,
        }
        return call, clean

    def _first_errors(self, call: dict[str, Any], clean: Tensor, epochs: int, folder: Path) -> Tensor:
        """(n,) errors on the training pictures, unaugmented, after a training of so many epochs with the judge's loss.

        They are written down: what a GPU computes again after a kill may differ in its last bits.
        """
        settings = replace(self.training, epochs=epochs, select="last")
        own = {"objective": self.loss, "val": None, "settings": settings, "objective_as": None}
        network, _ = train(**{**call, **own}, workdir=folder)
        file = folder / "errors.safetensors"
        if not file.is_file():
            rating = predict_clean(network, clean, size=self.size)
            save_tensors(file, {"error": rating - call["pool"].rating}, {"kind": "errors"})
        return load_weights(file)["error"]

    def refusal(self, seam: str, method: Any = None) -> str | None:
        """None: the network takes whatever a condition changes (loading.Judge)."""
        return None

    def score(self, manifest: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """(image_id, score) of the readable pictures, on the rating scale, and (item, reason, detail) of others."""
        return self.scorer(len(manifest))(manifest)

    def scorer(self, n: int) -> Callable[[pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]:
        """`score` for any part of a list of n pictures: the engine is built once, and is the one for n pictures."""
        if self.network is None:
            raise InputError("this judge is not trained: call fit, or load_judge")
        engine = build_engine(self.network, self.size, self.scoring, kind=self.scoring.engine_for(n))
        return partial(
            score_pictures,
            engine=engine,
            size=self.size,
            settings=self.scoring,
            crop=self.crop,
            progress=self.progress,
        )

    def read(self, manifest: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
        """What the head reads: features float32 (n, F) of the readable pictures, their rows, and those excluded.

        Means over the views that `scoring` asks for: for a head of one number the score is linear in them.
        """
        if self.network is None:
            raise InputError("this judge is not trained: call fit, or load_judge")
        kind = self.scoring.engine_for(len(manifest))
        engine = build_engine(self.network, self.size, self.scoring, kind=kind, features=True)
        features, kept, excluded = judged_pictures(
            manifest, engine, size=self.size, settings=self.scoring, crop=self.crop, progress=self.progress
        )
        return features, manifest[kept].reset_index(drop=True), excluded

    def project(self, mean: np.ndarray, basis: np.ndarray) -> None:
        """From now on the head reads (features − mean) @ basis of what `read` gave: set_head has to follow."""
        if self.network is None or self.spec is None:
            raise InputError("this judge is not trained: call fit, or load_judge")
        projection = Projection.checked(mean, basis, self.network.head.in_features)
        if (before := self.network.projection) is not None:
            first = Projection(before.mean.double().cpu().numpy(), before.basis.double().cpu().numpy())
            projection = first.then(projection)
        self.network.set_projection(projection)
        self.spec = replace(self.spec, project=projection.basis.shape[1])

    def set_head(self, fit: Ridge) -> None:
        """Another head, that gives the regression's ratings of what `read` gives.

        With levels it gives a Gaussian about them, one level wide: so narrow that its mean is that of the regression
        up to half a level from the ends of the scale, where it stays within the levels.
        """
        if self.network is None:
            raise InputError("this judge is not trained: call fit, or load_judge")
        levels = self.network.levels
        mean, scale, weight = (torch.from_numpy(np.asarray(part)).float() for part in fit[:3])
        spread = 1.0 if levels is None else float(levels[1] - levels[0])
        self.network.cpu().start_head(HeadStart(mean, scale, weight, fit.bias, spread))

    def save(self, folder: str | Path) -> None:
        """Writes model.safetensors and judge.json."""
        if self.network is None or self.spec is None:
            raise InputError("this judge is not trained: there is nothing to save")
        folder = Path(folder)
        save_tensors(folder / "model.safetensors", self.network.state_dict(), {"kind": self.kind})
        cfg = self.network.backbone.pretrained_cfg
        write_json(
            folder / "judge.json",
            {
                **self.facts,
                "network": self.spec.to_json(),
                "normalisation": {"mean": list(cfg["mean"]), "std": list(cfg["std"])},
                "settings": {
                    **asdict(self),
                    "loss": {"name": self.loss.name, **asdict(self.loss)},
                    "training": described_settings(self.training),
                },
                "history": self.history,
            },
        )

    @classmethod
    def load(cls, folder: str | Path, facts: dict[str, Any]) -> CnnJudge:
        """The judge of a folder; facts: what its judge.json holds."""
        if "network" not in facts:
            raise InputError(f"{folder}: judge.json does not say what the network is made of; train it again")
        # a file that comes from elsewhere names no folder here
        settings, spec = {**facts["settings"], "cache": None}, NetworkSpec.from_json(facts["network"])
        loss, depths = dict(settings.pop("loss")), settings.pop("depths", None)
        judge = cls(
            depths=None if depths is None else Depths(**depths),
            loss=LOSSES[loss.pop("name")](**loss),
            augmentation=Augmentation(**settings.pop("augmentation")),
            training=_training_of(settings.pop("training")),
            scoring=Scoring(**settings.pop("scoring")),
            **settings,
        )
        judge.history, judge.spec = facts["history"], spec
        judge.facts = {
            **{
                name: value for name, value in facts.items() if name not in ("settings", "network", "history")
            },
            "rating_range": tuple(facts["rating_range"]),
        }
        judge.network = build_network(spec, "none")
        judge.network.load_state_dict(load_weights(Path(folder) / "model.safetensors"), strict=True)
        judge.network.eval()
        return judge

    def _spec(self, rating_range: tuple[float, float]) -> NetworkSpec:
        distribution = isinstance(self.loss, LabelDistribution)
        return NetworkSpec(
            self.backbone,
            self.size,
            self.depths,
            dropout=self.dropout,
            drop_path=self.drop_path,
            levels=tuple(self.loss.level_values(rating_range)) if distribution else None,
            centre=self.facts["centre"],
            spread=self.facts["spread"],
        )

    def _probe(self, pool: Pool, rated: pd.DataFrame, seed: int) -> HeadStart:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = build_network(self.spec, self.weights).eval()
        return head_start(network, pool.pixels, rated, pool.histogram, size=self.size, progress=self.progress)

    def _frozen_views(self, pixels: Tensor, seed: int, store: Shelf | None) -> Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # as the loop does: weights=none must give the same frozen stages there
            network = build_network(self.spec, self.weights)
        return frozen_views(
            network,
            pixels,
            self.augmentation,
            size=self.size,
            stage=self.training.train_from_stage,
            views=self.views,
            cache=Path(self.cache) if self.cache else None,
            store=store,
            progress=self.progress,
        )


def _training_of(told: dict[str, Any]) -> Training:
    """The settings of a saved judge, whose optimizer is named where it is not the default."""
    own = dict(told.get("optimizer") or {"name": "adamw"})
    return Training(**{**told, "optimizer": OPTIMIZERS[own.pop("name")](**own)})
