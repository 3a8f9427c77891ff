"""Do the methods of training repair a judge that has learnt a planted cue? The published orderings, on small pictures.

    python experiments/planted_cue.py [--seeds 0,1,2,3,4] [--methods NAME …] [--n 1000]

Pictures of 32 px are made by code. A disc, lighter or darker than a noisy ground, somewhere in the middle, tells the
rating by its size alone, without error: 1 to 9, nobody within 2 points of the middle. A patch in the corner is red in
95 of 100 training pictures that are rated high and in 5 of 100 that are rated low, else blue. The patch is learnt
sooner than the disc. A judge (CnnJudge: timm's test_byobnet from random weights, squared error, 8 epochs) is trained
plainly and by each method, then rates fresh pictures in which patch and rating are independent, 300 of each of the
four cells (patch × half of the scale). Error of a cell: share of its pictures on the wrong side of the middle, as
published worst-group errors are of classes; the mean squared error stands beside it. What is compared is the worst
cell.

Groups are what each method was published with: the four cells for group DRO and DFR (Sagawa 2020, Kirichenko 2023),
the patch for the others (coloured CIFAR-10 in Wang 2020); JTT reads none. DFR alone also has ratings of 200 other
pictures, 50 of each cell. `balanced` is no method: as many training pictures without the cue.

Chosen openly: the noise, 8 epochs, the measure and most settings in METHODS below were chosen on the seeds 100 and
101, such that plain training fails and training on balanced pictures does not. After a first look at the seeds that
are reported, the adversaries and the domain-independent heads were mended, since they had missed the ordering, on the
seeds 100 to 107: what bounds the adversary, its speed, that of the heads' biases, and the strength of the score
adversary. Then they were run on the reported seeds once more, gradient reversal twice: in the first of these it was at
equal rating, with a faster adversary and a penalty on its slope (1.4 times better than plain training), which over the
seeds 100 to 107 had brought no more than the published form under the bound (1.5 times there), and was taken back.
`domain_independent_speed_1` is what the first run of these heads was: biases no faster than the heads.

Writes results/planted_cue/runs (a row a seed and method) and summary.csv: means over seeds, and error of plain
training over that of the method: the geometric mean of the seeds' ratios with Student's interval of their logarithms
(half a picture is added to both errors, since a cell may be without any). Finished rows are not done again. About 6
minutes of one core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tqdm.auto import tqdm

from judge.data.groups import Groups
from judge.data.tables import read_table, write_table
from judge.fairness.sweeps import mean_interval
from judge.jury.beauty import CnnJudge
from judge.jury.network.augmentation import Augmentation
from judge.jury.network.engine import Scoring
from judge.jury.network.losses import SquaredError
from judge.jury.network.training import Training
from judge.mitigation import objectives
from judge.mitigation.refits import LastLayer

RESULTS = Path(__file__).parents[1] / "results" / "planted_cue"
SIDE, NOISE, CONTRAST = 32, 45, 25
COLOURS = {"red": (200, 60, 60), "blue": (60, 60, 200)}
MIDDLE, REACH, GAP = 5.0, 4.0, 0.5
SKEWED, BALANCED = 0.95, 0.5
HELD_OUT = 200
COUNTS = ("seed", "n", "tested", "epochs")


@dataclass(frozen=True)
class Method:
    """What is changed of plain training: its groups, and an objective or a refit, or the training pictures."""

    groups: str = "patch"
    objective: Callable[..., Any] | None = None
    refit: Any = None
    pool: str = "skewed"


METHODS = {
    "plain": Method(),
    "balanced": Method(pool="balanced"),
    "group_dro": Method("cell", partial(objectives.GroupDRO, step=0.01, l2=1e-4)),
    "group_dro_step_0": Method("cell", partial(objectives.GroupDRO, step=0.0, l2=1e-4)),
    "dfr": Method("cell", refit=LastLayer()),
    "domain_independent": Method(objective=partial(objectives.DomainIndependent)),
    "domain_independent_speed_1": Method(objective=partial(objectives.DomainIndependent, bias_speed=1.0)),
    "score_adversary": Method(objective=partial(objectives.ScoreAdversary, strength=3.0)),
    "gradient_reversal": Method(objective=partial(objectives.GradientReversal, strength=0.3)),
    "match_features": Method(objective=partial(objectives.MatchFeatures, strength=4.0)),
    "match_scores": Method(objective=partial(objectives.MatchScores)),
    "just_train_twice": Method(objective=partial(objectives.JustTrainTwice, share=0.05, factor=10.0)),
}


def picture(size: float, colour: str, rng: np.random.Generator) -> np.ndarray:
    """uint8 (SIDE, SIDE, 3); size from −1 to 1."""
    grey = rng.normal(128, NOISE, (SIDE, SIDE))
    y, x = np.mgrid[:SIDE, :SIDE]
    across, down = rng.uniform(10, SIDE - 10, 2)
    inside = np.clip(5.5 + 3.5 * size - np.hypot(x - across, y - down) + 0.5, 0, 1)
    # of either sign: the picture's mean brightness does not tell the size
    grey += rng.choice([-1, 1]) * CONTRAST * inside
    pixels = np.repeat(grey[:, :, None], 3, 2)
    pixels[:8, :8] = np.array(COLOURS[colour]) + rng.normal(0, NOISE, (8, 8, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def pictures(n: int, agree: float, folder: Path, rng: np.random.Generator) -> pd.DataFrame:
    """A manifest of n PNG files: image_id, path, rating, patch, half and cell; the patch agrees with the half so often.

    Halves, and patches within each, are as equally many as n allows.
    """
    folder.mkdir(parents=True)
    rows = []
    for i in range(n):
        high, place = i % 2 == 0, (i // 2 + 0.5) / (n / 2)
        size = rng.uniform(GAP, 1) * (1 if high else -1)
        colour = "red" if high == (place < agree) else "blue"
        path = folder / f"{i}.png"
        Image.fromarray(picture(size, colour, rng)).save(path)
        rows.append(
            (f"{folder.name}_{i}", str(path), MIDDLE + REACH * size, colour, "high" if high else "low")
        )
    table = pd.DataFrame(rows, columns=["image_id", "path", "rating", "patch", "half"])
    return table.assign(cell=table["patch"] + " " + table["half"])


def all_pictures(n: int, tested: int, seed: int, folder: Path) -> dict[str, pd.DataFrame]:
    """The pictures of a seed by use, n of them in each of the two training pools."""
    uses = {"skewed": (n, SKEWED), "balanced": (n, BALANCED)}
    uses |= {"held_out": (HELD_OUT, BALANCED), "test": (tested, BALANCED)}
    return {
        use: pictures(size, agree, folder / use, np.random.default_rng([seed, number]))
        for number, (use, (size, agree)) in enumerate(uses.items())
    }


def make_judge(epochs: int) -> CnnJudge:
    """Views are mirrored and shifted only: the patch stays, the size and the colour do too."""
    views = dict.fromkeys(("rotation", "scale", "brightness", "contrast", "saturation", "grey"), 0.0)
    return CnnJudge(
        backbone="test_byobnet", weights="none", size=SIDE, margin=1.0, dropout=0.0, loss=SquaredError(),
        augmentation=Augmentation(**views), scoring=Scoring(engine="torch", threads=1), progress=False,
        training=Training(
            epochs=epochs, batch=32, lr=2e-3, head_lr=1.0, layer_decay=1.0, select="last", ema_half_life=None,
            accelerator="cpu",
        ),
    )  # fmt: skip


def trained(method: Method, people: dict[str, pd.DataFrame], seed: int, epochs: int = 8) -> CnnJudge:
    """The judge of a method."""
    pool = people[method.pool]
    judge = make_judge(epochs).fit(
        pool,
        rating_range=(1, 9),
        seed=seed,
        groups=Groups.of(pool, method.groups),
        objective=method.objective,
    )
    if method.refit is not None:
        rng = np.random.default_rng([seed, 9])
        judge = method.refit(judge, pool, held_out=people["held_out"], feature=method.groups, rng=rng)
    return judge


def errors(judge: CnnJudge, test: pd.DataFrame) -> dict[str, float]:
    """Of the worst cell, over all, and wrong sides of each cell."""
    rated = judge.score(test)[0].merge(test, on="image_id")
    wrong = ((rated["score"] > MIDDLE) != (rated["rating"] > MIDDLE)).groupby(rated["cell"]).mean()
    squared = (rated["score"] - rated["rating"]).pow(2).groupby(rated["cell"]).mean()
    each = {f"wrong_{cell.replace(' ', '_')}": value for cell, value in wrong.items()}
    return {"worst_wrong": wrong.max(), "mean_wrong": wrong.mean(), "worst_mse": squared.max(), **each}


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a method: means over seeds, and plain over method for each measure, paired by seed."""
    half = {"worst_wrong": 0.5 / (runs["tested"].iloc[0] / 4), "worst_mse": 0.0}
    by_seed = {name: part.set_index("seed").sort_index() for name, part in runs.groupby("method", sort=False)}
    rows = []
    for name, part in by_seed.items():
        both = part.index.intersection(by_seed["plain"].index)
        row = {"method": name, "seeds": len(both)}
        for measure, added in half.items():
            plain, own = (table.loc[both, measure] for table in (by_seed["plain"], part))
            log_ratio = np.log((plain + added) / (own + added))
            ratio, low, high = np.exp(mean_interval(log_ratio))
            row |= {measure: own.mean(), f"{measure}_ratio": ratio}
            row |= {f"{measure}_ratio_low": low, f"{measure}_ratio_high": high}
        rows.append(row | {"mean_wrong": part.loc[both, "mean_wrong"].mean()})
    return pd.DataFrame(rows)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2,3,4", help="comma-separated")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--n", type=int, default=1000, help="training pictures")
    parser.add_argument("--tested", type=int, default=1200, help="test pictures")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    file = given.out / "runs.parquet"
    runs = read_table(file) if file.is_file() else pd.DataFrame({"seed": [], "method": []})
    done = set(zip(runs["seed"], runs["method"], strict=True))
    # a seed through all methods, so that what is there after a kill is paired
    jobs = [(int(s), m) for s in given.seeds.split(",") for m in given.methods if (int(s), m) not in done]
    with tempfile.TemporaryDirectory() as folder:
        drawn: dict[int, dict[str, pd.DataFrame]] = {}
        for seed, name in tqdm(jobs, unit="training"):
            if seed not in drawn:
                drawn = {seed: all_pictures(given.n, given.tested, seed, Path(folder) / str(seed))}
            judge = trained(METHODS[name], drawn[seed], seed, given.epochs)
            row = {"seed": seed, "method": name, "n": given.n, "tested": given.tested, "epochs": given.epochs}
            row |= errors(judge, drawn[seed]["test"])
            runs = pd.concat([runs, pd.DataFrame([row])], ignore_index=True)
            write_table(runs.astype(dict.fromkeys(COUNTS, int)), given.out / "runs")
    if (runs["method"] == "plain").any():
        order = pd.Index([name for name in METHODS if name in set(runs["method"])])
        table = summary(runs).set_index("method").loc[order].rename_axis("method").reset_index().round(4)
        table.to_csv(given.out / "summary.csv", index=False)
        print(table.to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
