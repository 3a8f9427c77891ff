"""How well does the network judge real photographs? Five-fold cross-validation on MEBeauty.

Protocol
    Data       all 1,693 pictures of the shared MEBeauty pack, its own split ignored; target: a picture's mean rating
    Folds      five, stratified by gender × ethnicity × above/below the median rating (scikit-learn's
               StratifiedKFold, shuffled with seed 0). The same folds for both judges and all seeds
    Ridge      judge=embedding: frozen ImageNet features (tf_efficientnet_lite0, 160 px), penalty by leave-one-out
               within the four training folds. Deterministic: one seed
    Network    RECIPE below, trained on four folds with the single ratings, no validation pictures (the last
               epoch's moving average is kept), so nothing of the fifth fold is seen. Seeds 0, 1, 2 change the
               head's initial weights, the order and the views
    Weights    ImageNet, then `pretrain`: race, gender and age band of FairFace's 7,000 training pictures (no
               picture of MEBeauty, no rating); its 3,542 validation pictures stay unseen
    Scores     out-of-fold: each picture is scored once a seed, by the network that did not see it
    Numbers    Pearson and mean absolute error over all pictures, within women, within men, by ethnicity; mean and
               standard deviation over seeds; `ensemble` is the mean of the three seeds' scores
    Recipe     settings were chosen by looking at fold 0 (seed 0), but for the three magnifications at which a
               picture is scored: these were looked at on folds 0 and 1 (seed 1). So the table also gives folds 2 to 4

    python experiments/mebeauty_crossval.py pretrain          about 25 minutes on two cores
    python experiments/mebeauty_crossval.py folds             about 4 minutes a fold and seed; started again it
                                                              does what is missing, also within a training; several
                                                              processes share the work
    python experiments/mebeauty_crossval.py table             → results/mebeauty_crossval.csv
"""

from __future__ import annotations

import argparse
import fcntl
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import StratifiedKFold
from torch import nn
from torch.nn import functional

from judge.data.tables import write_table
from judge.jury.beauty import CnnJudge
from judge.jury.embedding import Embedding, EmbeddingJudge
from judge.jury.loading import load_judge
from judge.jury.network.augmentation import Augmentation
from judge.jury.network.engine import Scoring
from judge.jury.network.losses import Batch, LabelDistribution, Parts
from judge.jury.network.pictures import load_pictures
from judge.jury.network.pool import Pool
from judge.jury.network.spec import NetworkSpec, build_network
from judge.jury.network.training import Training, train
from judge.jury.network.views import frozen_views
from judge.storage.tensors import save_tensors

ROOT = Path(__file__).parents[1]
RANGE = (1.0, 10.0)
BACKBONE = "tf_efficientnet_lite0"
SIZE = 160
PRETRAIN_SIZES = (128, SIZE)
#: the stem and the first three blocks keep ImageNet's weights
STAGE = 4


class FaceAttributes(nn.Module):
    """Cross-entropy of race, gender and age band, read from the features by one linear layer each."""

    def __init__(self, width: int, classes: dict[str, int]) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.heads = nn.ModuleDict({name: nn.Linear(width, n) for name, n in classes.items()})

    def settings(self) -> dict[str, int]:
        return {name: head.out_features for name, head in self.heads.items()}

    def forward(self, network: nn.Module, batch: Batch) -> Parts:
        features = functional.dropout(network(batch.pixels).features, 0.2)
        parts = {
            name: batch.mean(functional.cross_entropy(head(features), batch.groups[name], reduction="none"))
            for name, head in self.heads.items()
        }
        return {"loss": sum(parts.values()), **parts}


def pretrain(data: Path, out: Path) -> None:
    """Backbone weights for the recipe: its trained stages learn FairFace's labels, the others stay ImageNet's.

    First on small pictures, then on pictures of the size that the recipe reads.
    """
    weights = "packaged"
    for size in PRETRAIN_SIZES:
        file = out / f"fairface-{size}.safetensors"
        if not file.is_file():
            pretrain_at(size, weights, file, data, out)
        weights = str(file)


def pretrain_at(size: int, weights: str, file: Path, data: Path, out: Path) -> None:
    labels = pd.read_csv(data / "fairface" / "fairface_label_train.csv")
    labels["image_id"], labels["path"] = labels["file"], [str(data / "fairface" / f) for f in labels["file"]]
    pixels, labels, excluded = load_pictures(labels, size)
    codes = {name: pd.Categorical(labels[name]) for name in ("race", "gender", "age")}
    print(f"{len(labels)} FairFace pictures, {len(excluded)} excluded", flush=True)
    make_network = partial(build_network, NetworkSpec(BACKBONE, size), weights)
    augmentation = Augmentation(rotation=15, scale=0.3, shift=0.08)
    views = frozen_views(
        make_network(), pixels, augmentation, size=size, stage=STAGE, views=4, cache=out / "cache"
    )
    pool = Pool(
        views,
        torch.zeros(len(labels)),
        torch.ones(len(labels)),
        groups={name: torch.from_numpy(c.codes.astype(np.int64)) for name, c in codes.items()},
    )
    network, history = train(
        make_network,
        FaceAttributes(
            make_network().backbone.num_features, {n: len(c.categories) for n, c in codes.items()}
        ),
        pool,
        None,
        size=size,
        augmentation=augmentation,
        settings=Training(
            epochs=5,
            batch=64,
            lr=1e-3,
            layer_decay=0.95,
            train_from_stage=STAGE,
            select="last",
            checkpoint_every=60,
        ),
        seed=0,
        workdir=out / f"pretrain-{size}",
        identity={"weights": weights},
    )
    print(history)
    save_tensors(file, network.backbone.state_dict(), {})


def recipe(out: Path) -> CnnJudge:
    """The network that is cross-validated."""
    return CnnJudge(
        backbone=BACKBONE,
        weights=str(out / f"fairface-{SIZE}.safetensors"),
        size=SIZE,
        margin=1.15,
        dropout=0.2,
        drop_path=0.1,
        loss=LabelDistribution(levels=19, smoothing=1.0, expectation=1.0),
        augmentation=Augmentation(rotation=12, scale=0.2, shift=0.05),
        training=Training(
            epochs=10,
            batch=32,
            lr=5e-4,
            head_lr=5.0,
            layer_decay=0.9,
            ema_half_life=0.7,
            train_from_stage=STAGE,
            select="last",
            checkpoint_every=60,
        ),
        scoring=Scoring(mirror=True, zooms=(0.9, 1.0, 1.1)),
        views=16,
        cache=str(out / "cache"),
        progress=False,
    )


def read_mebeauty(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The pack's manifest, with `fold`, and its single ratings."""
    folder = data / "mebeauty"
    manifest = pd.read_csv(folder / "manifest.csv").rename(columns={"score": "rating"})
    manifest["path"] = [str(folder / file) for file in manifest["file"]]
    high = manifest["rating"] > manifest["rating"].median()
    strata = manifest["gender"] + manifest["ethnicity"] + high.astype(str)
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(manifest, strata)
    manifest["fold"] = -1
    for fold, (_, held_out) in enumerate(folds):
        manifest.loc[held_out, "fold"] = fold
    return manifest, pd.read_csv(folder / "ratings.csv.gz")


def run_fold(
    judge: CnnJudge | EmbeddingJudge, name: str, fold: int, seed: int, data: Path, out: Path
) -> None:
    """Trains on four folds, scores the fifth, writes the scores; does nothing where that is done or under way."""
    file = out / "oof" / f"{name}-seed{seed}-fold{fold}"
    workdir = out / "work" / file.name
    workdir.mkdir(parents=True, exist_ok=True)
    with workdir.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if file.with_name(file.name + ".parquet").is_file():
            return
        manifest, ratings = read_mebeauty(data)
        held_out = manifest[manifest["fold"] == fold]
        others = manifest[manifest["fold"] != fold]
        kept = out / "judges" / file.name
        if (kept / "judge.json").is_file():
            scoring, judge = judge.scoring, load_judge(kept)
            judge.scoring = scoring
        else:
            judge.fit(others, None, ratings=ratings, rating_range=RANGE, seed=seed, workdir=workdir)
            judge.save(kept)
        scores, excluded = judge.score(held_out)
        assert excluded.empty
        assert len(scores) == len(held_out)
        r = np.corrcoef(scores["score"], held_out["rating"])[0, 1]
        print(f"{name} seed {seed} fold {fold}: Pearson {r:.4f}", flush=True)
        write_table(scores.assign(judge=name, seed=seed, fold=fold), file)
        shutil.rmtree(workdir, ignore_errors=True)


def table(data: Path, out: Path) -> pd.DataFrame:
    """One row a judge, seed and group: n, Pearson, MAE; seeds are also averaged (mean, sd) and ensembled."""
    manifest, _ = read_mebeauty(data)
    oof = pd.concat([pd.read_parquet(f) for f in sorted((out / "oof").glob("*.parquet"))])
    counts = oof.groupby(["judge", "seed"]).size()
    complete = counts[counts == len(manifest)].index
    rows = []
    for judge, runs in oof.groupby("judge"):
        seeds = [s for s in runs["seed"].unique() if (judge, s) in complete]
        each = {str(s): runs[runs["seed"] == s].set_index("image_id")["score"] for s in seeds}
        if len(each) > 1:
            each["ensemble"] = pd.DataFrame(each).mean(axis=1)
        for seed, scores in each.items():
            joined = manifest.assign(score=manifest["image_id"].map(scores))
            groups = {"all": joined, "folds 2 to 4": joined[joined["fold"] > 1]}
            groups |= {f"gender={g}": part for g, part in joined.groupby("gender")}
            groups |= {f"ethnicity={g}": part for g, part in joined.groupby("ethnicity")}
            for group, part in groups.items():
                error = part["score"] - part["rating"]
                rows.append(
                    {
                        "judge": judge,
                        "seed": seed,
                        "group": group,
                        "n": len(part),
                        "pearson": np.corrcoef(part["score"], part["rating"])[0, 1],
                        "mae": error.abs().mean(),
                        "signed_error": error.mean(),
                    }
                )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["pretrain", "ridge", "folds", "table"])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "mebeauty-crossval")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.what == "pretrain":
        pretrain(args.data, args.out)
    elif args.what == "ridge":
        for fold in args.folds:
            judge = EmbeddingJudge(Embedding(size=160), cache=str(args.out / "cache"), progress=False)
            run_fold(judge, "ridge", fold, 0, args.data, args.out)
    elif args.what == "folds":
        for seed in args.seeds:
            for fold in args.folds:
                run_fold(recipe(args.out), "network", fold, seed, args.data, args.out)
    else:
        rows = table(args.data, args.out)
        write_table(rows, ROOT / "results" / "mebeauty_crossval")
        print(rows.round(4).to_string(index=False))


if __name__ == "__main__":
    main()
