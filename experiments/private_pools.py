"""Train on a private synthetic pool, test on real people: what privacy costs a judge, whom, and who then wins.

    python experiments/public_start.py outputs/public_start        the generator that DP-MEPF and DP-GAN begin with
    python experiments/private_pools.py --start outputs/public_start [--methods sim_pe …] [--seeds 0 1 2 3 4]
    python experiments/private_pools.py --data photographs --root ../shared/data      MEBeauty
    python experiments/private_pools.py --tables                                      only summary.csv of what is there

Rendered private people are of mode natural; Sim-PE's candidates are of mode independent, in which tone, hair and eyes
have one distribution for everybody. A seed draws the private people, the noise and the weights; 2,000 (of MEBeauty all
other) people whom nobody learnt from are the test, the same for all seeds. A judge (ridge on lite0 features) is trained
on each pool, on the private people themselves (real), and on their pictures at the size of the methods that draw
smaller ones (real_32). Each pool has as many pictures as there are private people. `start` is a pool of the generator
that DP-MEPF and DP-GAN begin with, as it is, asked for the private people's labels.

A row of runs.csv is a pool and a group of the test (all: everybody):
  pearson, pearson_truth  of the judge's scores with ratings, and with the truth where it is known
  winner_share            of the group among the best 5 % of each gender
  coverage, coverage_real (Naeem et al. 2020, k = 5) of the test people of the group by as many of the pool, and by as
                          many private ones, in the space of the renderer's parameters; only of rendered people
summary.csv: means over seeds with Student's intervals; `of_real` is Pearson over that of the judge of the private
people, paired by seed, `of_real_32` over that of the judge of their pictures at 32 px. Finished rows are not done
again; two processes may share the seeds.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from PIL import Image

from judge.contest import fill_places
from judge.data.images import load_square, square
from judge.data.parametric import read_parametric
from judge.data.readers import read_mebeauty
from judge.errors import InputError
from judge.fairness.sweeps import mean_interval
from judge.generator.audit.measures import precision_recall_density_coverage
from judge.generator.audit.spaces import features_in
from judge.jury.embedding import Embedding, EmbeddingJudge
from judge.jury.network.pictures import load_pictures
from judge.privacy.budget import Budget
from judge.privacy.pools import METHODS, Release, make_pool, method_named
from judge.report.figures.saving import save
from judge.report.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, styled
from judge.storage import locked, write_text

RESULTS = Path(__file__).parents[1] / "results" / "private_pools"
PEOPLE = {"seed": 15, "size": 64, "mode": "natural", "camera": "even", "picture_format": "png"}
SOURCE, OTHERS, SIDE, SMALL = 20_000, 2_000, 64, 32
#: Of a method where they are not its own; those of Sim-PE are public people unlike the private ones.
SETTINGS: dict[str, dict[str, Any]] = {
    "sim_pe": {"population": {"mode": "independent", "camera": "even"}, "workers": 1},
    "mean_embedding": {"pictures": 10_000, "lr": 2e-4},
    "dp_gan": {"steps": 300, "batch": 128, "lr": 3e-5},
}
#: Methods that go on from the generator of --start.
BEGUN = ("mean_embedding", "dp_gan")
FEATURES = ("ethnicity", "gender")
COLOURS = (GREY, BLUE, ORANGE, VERMILLION, GREEN, PURPLE)
BEST = 0.05
CELL = ("data", "n", "pool", "settings", "epsilon", "seed")


class People:
    """Private people of each seed, and the test.

    known_groups  that there are; rating_range  of the scale
    """

    def __init__(self, data: str, n: int, root: Path) -> None:
        self.data, self.n = data, n
        if data == "rendered":
            read = read_parametric(SOURCE, **PEOPLE)
            self.source, self.rating_range = read.manifest, read.rating_range
            self.test = read_parametric(OTHERS, **PEOPLE, start=SOURCE).manifest
            if n > SOURCE // 2:
                raise InputError(f"--n={n}: at most {SOURCE // 2} rendered people")
        else:
            read = read_mebeauty(root / "mebeauty", single_ratings=False)
            self.rating_range = read.rating_range
            rows = read.manifest[read.manifest["rating"].notna()].reset_index(drop=True)
            order = np.random.default_rng(0).permutation(len(rows))
            if n > len(rows) // 2:
                raise InputError(f"--n={n}: at most {len(rows) // 2} of MEBeauty, half of its photographs")
            self.test = rows.iloc[order[: len(rows) // 3]].reset_index(drop=True)
            self.source = rows.iloc[order[len(rows) // 3 :]].reset_index(drop=True)
        self.known_groups = {
            name: sorted(self.source[name].dropna().astype("str").unique()) for name in FEATURES
        }

    def private(self, seed: int) -> pd.DataFrame:
        rows = np.random.default_rng([seed, 16]).permutation(len(self.source))[: self.n]
        return self.source.iloc[rows].reset_index(drop=True)


def written(pictures: torch.Tensor, folder: Path, names: Sequence[str]) -> list[str]:
    """PNG files of uint8 (n, 3, size, size)."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:05d}.png" for i in range(len(names))]
    for picture, path in zip(pictures, paths, strict=True):
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(path)
    return [str(path) for path in paths]


def scored(pool: pd.DataFrame, people: People) -> pd.DataFrame:
    """The test with a column `score`."""
    judge = EmbeddingJudge(Embedding(size=128), progress=False)
    judge.fit(pool.assign(weight=1.0), rating_range=people.rating_range, seed=0)
    scores, _ = judge.score(people.test)
    return people.test.merge(scores, on="image_id", validate="one_to_one")


def rows_of(table: pd.DataFrame, pictures: torch.Tensor, pool: pd.DataFrame, real: Any) -> list[dict]:
    """A row a group. real: uint8 pictures and manifest of the private people, or None."""
    share = max(1, round(BEST * len(table) / table["gender"].nunique()))
    won = fill_places(
        table["image_id"].tolist(),
        table["score"].to_numpy(),
        places=share,
        bracket=table["gender"].to_numpy(),
    ).winner
    rows = []
    for group in ["all", *sorted(table["ethnicity"].dropna().astype("str").unique())]:
        inside = np.ones(len(table), bool) if group == "all" else (table["ethnicity"] == group).to_numpy()
        own = table[inside]
        row = {
            "group": group, "n_test": len(own), "pearson": own["score"].corr(own["rating"]),
            "winner_share": float(inside[won].mean()),
        }  # fmt: skip
        if "truth" in own:
            row["pearson_truth"] = own["score"].corr(own["truth"])
            row["winners_truth"] = float(table["truth"][won].mean())
            row |= coverage(group, own, pictures, pool, real)
        rows.append(row)
    return rows


def coverage(group: str, own: pd.DataFrame, pictures: torch.Tensor, pool: pd.DataFrame, real: Any) -> dict:
    """Of the test people of a group by the pool, and by private ones, at the same number."""

    def of(manifest: pd.DataFrame) -> np.ndarray:
        inside = np.ones(len(manifest), bool) if group == "all" else manifest["ethnicity"] == group
        return np.flatnonzero(np.asarray(inside))

    mine, theirs = of(pool), of(real[1])
    n = min(len(mine), len(theirs), len(own), 400)
    if n < 50:
        return {"n_covering": n}
    small = min(pictures.shape[-1], real[0].shape[-1])
    test, _, _ = load_pictures(own, small)  # all sides at the size of the smaller pictures

    def side(given: torch.Tensor, rows: np.ndarray) -> np.ndarray:
        chosen = given[rows[:n]]
        if chosen.shape[-1] != small:
            chosen = torch.stack([square(one, small) for one in chosen])
        return features_in("parameters", chosen)

    target = features_in("parameters", test)
    got = precision_recall_density_coverage(target, side(pictures, mine), k=5)
    usual = precision_recall_density_coverage(target, side(real[0], theirs), k=5)
    return {"n_covering": n, "coverage": got.coverage, "coverage_real": usual.coverage}


def missing(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Cells that runs.csv has no rows of."""
    wanted = []
    for seed in args.seeds:
        wanted += [(name, "", math.inf, seed) for name in ("real", f"real_{SMALL}")]
        if set(args.methods) & set(BEGUN) and args.start is not None:
            wanted.append(("start", "", math.inf, seed))
        for name, epsilon in product(args.methods, map(float, args.epsilon)):
            changes = [change for change in args.settings if change.startswith(f"{name}.")]
            if args.start is None and name in BEGUN:
                changes.append(f"{name}.start=null")  # a row of its own
            told = ",".join(sorted(changes))
            wanted.append((name, told, epsilon, seed))
    file = args.out / "runs.csv"
    there = set()
    if file.is_file():
        runs = read_runs(file)
        there = set(runs[list(CELL)].astype("str").itertuples(index=False, name=None))
    cells = [dict(zip(CELL, (args.data, args.n, *rest), strict=True)) for rest in wanted]
    return [cell for cell in cells if tuple(_text(v) for v in cell.values()) not in there]


def read_runs(file: Path) -> pd.DataFrame:
    words = {"settings": "str", "left_out": "str"}
    return pd.read_csv(file, dtype=words).fillna(dict.fromkeys(words, ""))


def _text(value: Any) -> str:
    return str(float(value)) if isinstance(value, float) else str(value)


def method_of(name: str, told: str, start: Path | None) -> Any:
    """The method with SETTINGS and the changes METHOD.KEY=VALUE; `start`: that generator as it is."""
    import yaml

    if name == "start":  # one step of the discriminator, none of the generator
        return method_named("dp_gan", {"start": str(start), "size": SMALL, "steps": 1, "each": 2, "batch": 1})
    settings = dict(SETTINGS.get(name, {}))
    if name in BEGUN and start is not None:
        settings["start"] = str(start)
    for change in filter(None, told.split(",")):
        key, _, value = change.removeprefix(f"{name}.").partition("=")
        settings[key] = yaml.safe_load(value)
    return method_named(name, settings)


def run(args: argparse.Namespace) -> None:
    cells = missing(args)
    print(f"{len(cells)} pools to make")
    if not cells:
        return
    for cell in cells:
        if cell["pool"] in {*METHODS, "start"}:
            # wrong settings are refused before any work
            method_of(cell["pool"], cell["settings"], args.start)
    people = People(args.data, args.n, args.root)
    none: list[str] = []
    for cell in cells:
        begin = time.perf_counter()
        private = people.private(cell["seed"])
        real = (load_pictures(private, SIDE)[0], private) if args.data == "rendered" else None
        with tempfile.TemporaryDirectory() as folder:
            facts: dict[str, Any] = {}
            if cell["pool"] in {*METHODS, "start"}:
                try:
                    made = make_pool(
                        method_of(cell["pool"], cell["settings"], args.start), private,
                        Release(Budget(cell["epsilon"]), list(FEATURES), people.known_groups, people.rating_range,
                                leave_out=True),
                        noise=np.random.default_rng([cell["seed"], 99]), seed=cell["seed"], progress=args.progress,
                    )  # fmt: skip
                except (
                    InputError
                ) as error:  # nobody's group stands out from the noise of the counts: the cell has no pool
                    none.append(
                        f"{cell['pool']} at epsilon {cell['epsilon']:g}, seed {cell['seed']}: no pool: {error}"
                    )
                    print(none[-1], flush=True)
                    continue
                pool, pictures = made.manifest, made.pictures
                facts = {"left_out": ";".join(made.statement["left_out"])}
            else:
                size = SMALL if cell["pool"] == f"real_{SMALL}" else SIDE
                pool = private
                pictures = torch.stack([load_square(path, size) for path in private["path"]])
            paths = written(pictures, Path(folder), list(pool["image_id"]))
            table = scored(pool.assign(path=paths), people)
            rows = pd.DataFrame(rows_of(table, pictures, pool, real)).round(5)
        rows = rows.assign(**facts, seconds=round(time.perf_counter() - begin))
        rows = pd.concat([pd.DataFrame([cell] * len(rows)), rows], axis=1)
        file = args.out / "runs.csv"
        args.out.mkdir(parents=True, exist_ok=True)
        with locked(args.out):  # two processes may share the seeds
            old = pd.read_csv(file) if file.is_file() else None
            write_text(file, pd.concat([old, rows]).to_csv(index=False))
        print(rows.drop(columns=["settings", "n"]).to_string(index=False), flush=True)
    if none:
        print(f"{len(none)} of {len(cells)} cells have no pool, and no row in the tables", *none, sep="\n")


def summary(out: Path) -> pd.DataFrame:
    """A row a data set, pool, ε, group and measure."""
    runs = read_runs(out / "runs.csv")
    runs = runs.drop_duplicates([*CELL, "group"])  # two processes may have done the same
    keys = ["data", "n", "seed", "group"]
    real = runs[runs["pool"] == "real"].set_index(keys)
    at = pd.MultiIndex.from_frame(runs[keys])
    runs["of_real"] = runs["pearson"] / real["pearson"].reindex(at).to_numpy()
    small = runs[runs["pool"] == f"real_{SMALL}"].set_index(keys)
    drawn_small = runs["pool"].isin([*BEGUN, "start"])
    if drawn_small.any():
        runs[f"of_real_{SMALL}"] = (runs["pearson"] / small["pearson"].reindex(at).to_numpy()).where(
            drawn_small
        )
    runs["winner_shift"] = runs["winner_share"] - real["winner_share"].reindex(at).to_numpy()
    if "coverage" in runs:
        runs["coverage_of_real"] = runs["coverage"] / runs["coverage_real"]
    names = [
        "pearson",
        "of_real",
        f"of_real_{SMALL}",
        "pearson_truth",
        "winner_share",
        "winner_shift",
        "winners_truth",
        "coverage_of_real",
    ]
    rows = []
    for key, part in runs.groupby(["data", "n", "pool", "settings", "epsilon", "group"], sort=False):
        for name in [name for name in names if name in part]:
            values = part[name].dropna().to_numpy(float)
            if not len(values):
                continue
            mean, low, high = mean_interval(values)
            rows.append(
                dict(zip(("data", "n", "pool", "settings", "epsilon", "group"), key, strict=True))
                | {"measure": name, "seeds": len(values), "mean": mean, "ci_low": low, "ci_high": high}
            )
    table = pd.DataFrame(rows).round(4)
    write_text(out / "summary.csv", table.to_csv(index=False))
    return table


#: Measures of the figure: of all people, and by group of the first method.
PANELS = {
    "of_real": "Pearson of the judge\nover that of real people's",
    "coverage_of_real": "coverage\nover that of real people",
    "winner_shift": "change of places",
}


@styled
def drawn(table: pd.DataFrame) -> Figure:
    """A row a data set: what a pool is worth by ε, the methods beside one another, and Sim-PE's by group."""
    shown = table[(table["settings"] == "") & ~table["pool"].isin(["real"])]
    sets = list(shown["data"].unique())
    wide = {
        name: [measure for measure in PANELS if measure in set(shown[shown["data"] == name]["measure"])]
        for name in sets
    }
    columns = max(map(len, wide.values())) + 1
    figure = Figure(figsize=(2.6 * columns, 2.6 * len(sets)), layout="constrained")
    grid = figure.subplots(len(sets), columns, squeeze=False)
    for axes, name in zip(grid, sets, strict=True):
        own = shown[shown["data"] == name]
        _panel(axes[0], own[(own["measure"] == "of_real") & (own["group"] == "all")], "pool")
        axes[0].set(title=f"{name}: all", ylabel=PANELS["of_real"])
        by_group = own[(own["pool"] == "sim_pe") & (own["group"] != "all")]
        for ax, measure in zip(axes[1:], wide[name], strict=False):
            _panel(ax, by_group[by_group["measure"] == measure], "group")
            ax.set(title="Sim-PE, by group", ylabel=PANELS[measure])
        for ax in axes[1 + len(wide[name]) :]:
            ax.set_axis_off()
        for ax in axes[: 1 + len(wide[name])]:
            ax.set(xlabel="ε", xticks=range(4), xticklabels=["1", "3", "10", "∞"], xlim=(-0.5, 3.5))
            ax.axhline(0 if "places" in ax.get_ylabel() else 1, color="black", lw=0.8)
        axes[0].legend(fontsize=6)
        axes[1].legend(fontsize=6)
    return figure


def _panel(ax: Any, part: pd.DataFrame, by: str) -> None:
    """Means with intervals over ε; pools without a budget stand at ∞."""
    place = {1.0: 0, 3.0: 1, 10.0: 2, math.inf: 3}
    names = part[by].unique()
    for k, name in enumerate(names):
        line = (
            part[part[by] == name]
            .assign(at=lambda t: t["epsilon"].map(place))
            .dropna(subset=["at"])
            .sort_values("at")
        )
        off = (k - (len(names) - 1) / 2) * 0.08
        bars = [line["mean"] - line["ci_low"], line["ci_high"] - line["mean"]]
        ax.errorbar(
            line["at"] + off,
            line["mean"],
            bars,
            fmt="o-",
            ms=3,
            lw=1,
            color=COLOURS[k % len(COLOURS)],
            label=name,
        )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", choices=("rendered", "photographs"), default="rendered")
    add("--root", type=Path, default=Path("../shared/data"), help="folder that holds mebeauty/")
    add("--n", type=int, help="private people, and pictures of a pool (5,000 rendered, 800 photographed)")
    add("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    add("--epsilon", type=float, nargs="+", default=[1, 3, 10, math.inf])
    add("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    add("--settings", nargs="+", default=[], metavar="METHOD.KEY=VALUE", help="such as sim_pe.rounds=2")
    add(
        "--start",
        type=Path,
        help="generator of experiments/public_start.py that DP-MEPF and DP-GAN go on from; "
        "without it they begin with random weights",
    )
    add("--threads", type=int, default=1)
    add("--progress", action="store_true")
    add("--out", type=Path, default=RESULTS)
    add("--tables", action="store_true", help="make nothing, only summary.csv and figure")
    args = parser.parse_args(argv)
    args.n = args.n or {"rendered": 5000, "photographs": 800}[args.data]
    torch.set_num_threads(args.threads)
    try:
        if not args.tables:
            run(args)
    except InputError as error:
        parser.error(str(error))
    table = summary(args.out)
    save(drawn(table), args.out / "figure")
    print(table.query("group == 'all'").to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
