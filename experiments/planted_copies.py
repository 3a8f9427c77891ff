"""Which measures of memorised faces find copies that were planted among faces of other people?

    python experiments/planted_copies.py [--seeds 0,1,2,3,4] [--train 2000] [--copies 60] [--out DIR]

People of the rendered population (20,000, natural, even camera, 64 px) are drawn for each seed: 2,000 training people,
2,000 held-out people who set thresholds, 1,000 fresh people who stand as what a generator drew that copies nobody, and
the copies of training people: pictures changed (the same, JPEG, brightness, mirrored, moved by 1 or 2 px) and faces
rendered again with another camera, in another light, or in another session (pose, backdrop and clothes as well).

Measures of single faces, each with the threshold that finds 1 in 100 held-out people: the distance to the nearest
training face; the same over the mean of the 50 next (calibrated); the same over that training face's own nearest
neighbour (authenticity); and the last one's own rule, below 1. Measures of a set, in which a share of the fresh people
is replaced by copies: C_T, and the share of authentic faces less that of held-out people. Each in two spaces: pixels of
16 × 16, and CopySpace with its shifted views.

Writes runs.csv (a row a seed, space, measure, kind and group: n, found; kind `none`: fresh people), sets.csv (a row a
seed, space, measure and share of copies), summary.csv (exact intervals) and copies.png. Nobody is drawn twice within a
seed. Finished seeds are not done again. About 4 minutes of one core besides rendering.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from tqdm.auto import tqdm

from judge.data.parametric import read_parametric
from judge.fairness.inference import clopper_pearson
from judge.generator.audit.copies import (
    CopySpace,
    authentic_share,
    closeness_to_training,
    data_copying,
    nearness,
    plant_copies,
    plant_people,
    threshold_at,
)
from judge.generator.audit.copies.planting import KINDS, SHOTS
from judge.jury.network.pictures import load_pictures
from judge.storage import write_bytes

RESULTS = Path(__file__).parents[1] / "results" / "planted_copies"
POPULATION = {"seed": 15, "size": 64, "mode": "natural", "camera": "even", "picture_format": "png"}
PEOPLE, HELD_OUT, FRESH, FPR = 20_000, 2000, 1000, 0.01
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
#: C_T below it has a chance of at most FPR, if fakes are as near as held-out people.
CUT = -2.326
SPACES = ("pixels", "copy space")
MEASURES = ("distance", "calibrated", "authenticity", "authenticity < 1")


def features(space: str, train: np.ndarray) -> tuple[np.ndarray, Any]:
    """Of the training pictures, and the function that gives those of others."""
    if space == "copy space":
        fitted = CopySpace.fit(train)
        return fitted.of(train), fitted.views

    def coarse(pictures: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(np.ascontiguousarray(pictures)).float() / 255
        return torch.nn.functional.adaptive_avg_pool2d(x, 16).flatten(1).numpy()

    return coarse(train), coarse


def scores(measure: str, queries: np.ndarray, train: np.ndarray) -> np.ndarray:
    if measure.startswith("authenticity"):
        return closeness_to_training(queries, train)
    return nearness(queries, train, calibrated=measure == "calibrated")[0]


def one_seed(seed: int, people: pd.DataFrame, given: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng([15, seed])
    rows = rng.choice(len(people), given.train + HELD_OUT + FRESH + given.copies, replace=False)
    parts = np.split(rows, np.cumsum([given.train, HELD_OUT, FRESH]))
    train, held_out, fresh, strangers = (people.iloc[part].reset_index(drop=True) for part in parts)
    of_train, of_held_out, of_fresh = (
        load_pictures(table, 64, threads=1)[0].numpy() for table in (train, held_out, fresh)
    )
    fakes, groups = {"none": of_fresh}, {"none": fresh["group"].to_numpy()}
    for kind in KINDS:
        planted = plant_copies(of_train, given.copies, rng, kinds=[kind])
        fakes[kind], groups[kind] = planted.pictures, train["group"].to_numpy()[planted.source]
    for shot in SHOTS:
        source = train.iloc[rng.choice(len(train), given.copies, replace=False)].reset_index(drop=True)
        fakes[shot] = plant_people(source, strangers, shot=shot, size=64)
        groups[shot] = source["group"].to_numpy()
    mixed = plant_copies(of_train, int(max(SHARES) * FRESH), rng).pictures
    singles, sets = [], []
    for space in SPACES:
        known, see = features(space, of_train)
        unseen, mixed_seen = see(of_held_out), see(mixed)
        seen = {kind: see(pictures) for kind, pictures in fakes.items()}
        for measure in MEASURES:
            cut = 1.0 if measure.endswith("1") else threshold_at(scores(measure, unseen, known), FPR)
            for kind, x in seen.items():
                table = pd.DataFrame({"group": groups[kind], "found": scores(measure, x, known) < cut})
                count = table.groupby("group")["found"].agg(n="size", found="sum").reset_index()
                singles.append(count.assign(seed=seed, space=space, measure=measure, kind=kind))
        usual = authentic_share(unseen, known)
        for share in SHARES:
            planted_ = round(share * FRESH)
            x = np.concatenate([mixed_seen[:planted_], seen["none"][planted_:]])
            for measure, value in (
                ("C_T", data_copying(known, unseen, x, rng=seed).statistic),
                ("AuthPct − held-out", authentic_share(x, known) - usual),
            ):
                sets.append(
                    {"seed": seed, "space": space, "measure": measure, "share": share, "value": value}
                )
    columns = ["seed", "space", "measure", "kind", "group", "n", "found"]
    return pd.concat(singles)[columns], pd.DataFrame(sets)


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a space, measure and kind, all groups together and each: share found with its exact interval."""
    keys = ["space", "measure", "kind"]
    every = runs.groupby(keys, sort=False)[["n", "found"]].sum().reset_index().assign(group="all")
    each = runs.groupby([*keys, "group"], sort=False)[["n", "found"]].sum().reset_index()
    table = pd.concat([every, each])[[*keys, "group", "n", "found"]]
    low, high = clopper_pearson(table["found"], table["n"])
    return table.assign(share=table["found"] / table["n"], low=low, high=high).round(4)


def figure(table: pd.DataFrame, sets: pd.DataFrame) -> plt.Figure:
    """Left: share found by kind of copy and measure. Right: the measures of a set against the share of copies in it."""
    sns.set_theme(style="whitegrid", font_scale=0.8)
    fig, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained", width_ratios=(2.2, 1, 1))
    every = table[table["group"] == "all"]
    every = every.assign(row=every["measure"] + ", " + every["space"])
    order = [f"{measure}, {space}" for space in SPACES for measure in MEASURES]
    grid = every.pivot(index="row", columns="kind", values="share").loc[order, ["none", *KINDS, *SHOTS]]
    sns.heatmap(grid, annot=True, fmt=".2f", vmin=0, vmax=1, cmap="Blues", cbar=False, ax=axes[0])
    axes[0].set(
        xlabel="kind of copy (none: other people)", ylabel="", title="Share found at 1 in 100 held-out"
    )
    for ax, measure in zip(axes[1:], ("C_T", "AuthPct − held-out"), strict=True):
        part = sets[sets["measure"] == measure]
        sns.lineplot(
            part, x="share", y="value", hue="space", units="seed", estimator=None, marker="o", ax=ax, lw=0.8
        )
        ax.axhline(CUT if measure == "C_T" else 0, color="black", ls=":", lw=1)
        ax.set(xlabel="share of copies in the set", ylabel=measure, title=measure)
    return fig


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2,3,4", help="comma-separated")
    parser.add_argument("--train", type=int, default=2000, help="training people")
    parser.add_argument("--copies", type=int, default=60, help="copies of each kind")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    data = read_parametric(PEOPLE, **POPULATION, render=False)
    people = data.manifest.assign(group=data.manifest["ethnicity"] + " " + data.manifest["gender"])
    data.make_pictures(people)
    given.out.mkdir(parents=True, exist_ok=True)
    files = {name: given.out / f"{name}.csv" for name in ("runs", "sets")}
    tables = {name: pd.read_csv(file) if file.is_file() else pd.DataFrame() for name, file in files.items()}
    # sets.csv is written last: a seed that it holds is whole
    there = set(tables["sets"].get("seed", ()))
    for seed in tqdm([int(seed) for seed in given.seeds.split(",") if int(seed) not in there], unit="seed"):
        for name, part in zip(files, one_seed(seed, people, given), strict=True):
            kept = tables[name][tables[name]["seed"] != seed] if len(tables[name]) else tables[name]
            tables[name] = pd.concat([kept, part], ignore_index=True)
            write_bytes(files[name], tables[name].to_csv(index=False).encode())
    runs, sets = tables["runs"], tables["sets"]
    table = summary(runs)
    table.to_csv(given.out / "summary.csv", index=False)
    figure(table, sets).savefig(given.out / "copies.png", dpi=100)
    every = table[table["group"] == "all"]
    print(every.pivot(index=["space", "measure"], columns="kind", values="share").to_string())
    print(
        sets.groupby(["measure", "space", "share"])["value"].agg(["mean", "min", "max"]).round(3).to_string()
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
