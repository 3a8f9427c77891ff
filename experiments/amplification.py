"""Do generators keep the shares of their training people, or make a minority rarer and worse? Where does one turn into
the other?

    python experiments/amplification.py [--pools 200,1400,10000] [--shares .02,.1,.33] [--seeds 0,1,2,3,4] [--figure]

Maluleke et al. 2022 (arXiv:2209.02836): generators keep the composition that they saw, truncation takes from the
minority. Jain et al. 2020 (arXiv:2001.09528): minorities become rarer and worse. Both looked at generators of which
nothing is asked, on photographs, with a classifier that itself errs. Here people are rendered (mode natural, 24 px), so
who trained is exact, and the classifier's errors are counted, and taken out, on people who have taught neither it nor a
generator.

A cell is a pool size × the share of african people in it × a discriminator; a seed draws the pool and trains one
generator, which may be asked for nothing. ψ is not trained: the same generator is truncated. The rest of the pool is
asian and caucasian, as many of each. Each generator sees the same number of pictures (--pictures) whatever the size of
its pool, so a small pool is repeated more often: --warm-up of an autoencoder, from whose decoder the generator starts,
and --pictures of the adversarial training. Without the warm-up all of them collapsed (LOG.md).

A row (results/amplification/runs.csv) is a seed, a cell and a ψ:
  share_in, share_read, share_out  of african people: in the pool, as read, with the classifier's mistakes taken out
  n_shown                          of --sampled people, how many were read as african
  coverage_*, density_*            (Naeem et al. 2020, k = 5) of african people and of the others in the space of the
                                   renderer's parameters as a regressor reads them, at the n of people compared, beside
                                   *_real, the same of real people against real people; empty where fewer than --least
                                   were shown: a group that is nearly gone is no group of low coverage
Finished cells are not done again. `--figure` draws figure.png and summary.csv from what is there: amplification is the
ratio of the odds of being read as african among generated people to those among real people of the pool's composition
(confusion.csv); 1 keeps the composition, below 1 makes the minority rarer; the geometric mean over seeds with Student's
interval of the logarithms (half a person added to both sides). It is of shares as read, with the same reader on both
sides: share_out, which takes the reader's mistakes out, is 0 wherever fewer are read than by mistake among real people,
so its ratios would say more about the reader than about the generator. Mistakes pull the ratio towards 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib import colormaps
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from judge.data.parametric import read_parametric
from judge.generator import FaceGenerator, GeneratorTraining, train_generator
from judge.generator.audit.measures import precision_recall_density_coverage
from judge.generator.audit.shares import corrected_shares
from judge.generator.audit.spaces import ParameterRegressor, parameter_regressor
from judge.jury.network.pictures import load_pictures
from judge.report.figures.style import styled
from judge.storage import locked, write_text

RESULTS = Path(__file__).parents[1] / "results" / "amplification"
MINORITY, FEATURE = "african", "ethnicity"
#: Channels: half of what 24 px have otherwise, since dozens of generators are trained.
WIDTHS = (64, 48, 32)
PSI = (1.0, 0.7, 0.5, 0.3)
#: Ratios of odds that the figure shows; summary.csv has all.
ODDS = (0.003, 5.0)
#: As in conf/generator.
RATES = {"relativistic": {}, "projected": {"lr": 2e-4, "discriminator_lr": 0.5}}
#: People of the source, and of the reference, who are the persons from START on.
PEOPLE, REFERENCE, START = 16_000, 2_000, 20_000
CELL = ("pool", "minority_share", "discriminator", "seed", "warm_up", "pictures", "size")


class Reference:
    """People who train no generator: what the classifier makes of them, and who is compared with whom."""

    def __init__(self, manifest: pd.DataFrame, size: int, regressor: ParameterRegressor) -> None:
        self.regressor = regressor
        pixels, kept, _ = load_pictures(manifest, size)
        read = regressor.read(pixels)
        truth = np.where(kept[FEATURE] == MINORITY, MINORITY, "other")
        said = np.where(read[FEATURE] == MINORITY, MINORITY, "other")
        self.confusion = np.array(
            [
                [int(((truth == t) & (said == s)).sum()) for s in (MINORITY, "other")]
                for t in (MINORITY, "other")
            ]
        )
        features = self.features_of(read)
        # as read, not as they are: generated people are put into groups by the same classifier
        self.features = {group: features[said == group] for group in (MINORITY, "other")}

    def features_of(self, read: pd.DataFrame) -> np.ndarray:
        """The columns of the regressor's features of people who were read already."""
        scales = {name: self.regressor.numbers[name] for name in self.regressor.readable}
        return np.stack([(read[name] - mean) / sd for name, (mean, sd) in scales.items()], 1)

    def compare(self, features: np.ndarray, group: str, n: int, rng: np.random.Generator) -> dict[str, float]:
        """Coverage and density of n people of the features, and of n others of the reference."""
        own = self.features[group]
        order = rng.permutation(len(own))
        real, others = own[order[: len(order) // 2]], own[order[len(order) // 2 :]]
        n = min(n, len(others))
        fake = features[rng.permutation(len(features))[:n]]
        side = real[: 4 * n]
        got = precision_recall_density_coverage(side, fake, k=5)._asdict()
        usual = precision_recall_density_coverage(side, others[:n], k=5)._asdict()
        name = "minority" if group == MINORITY else "majority"
        return {
            **{f"{what}_{name}": got[what] for what in ("coverage", "density")},
            **{f"{what}_{name}_real": usual[what] for what in ("coverage", "density")},
        }


def draw_pool(source: pd.DataFrame, n: int, share: float, seed: int) -> pd.DataFrame:
    """n people of the source, the given share of them of the minority, the others half and half."""
    rng = np.random.default_rng([seed, n, round(1000 * share)])
    minority = round(n * share)
    others = sorted(set(source[FEATURE]) - {MINORITY})
    counts = {
        MINORITY: minority,
        others[0]: (n - minority) // 2,
        others[1]: n - minority - (n - minority) // 2,
    }
    parts = [
        source.index[source[FEATURE] == g][rng.permutation((source[FEATURE] == g).sum())[:k]]
        for g, k in counts.items()
    ]
    return source.loc[np.concatenate(parts)].reset_index(drop=True)


def rows_of(
    generator: FaceGenerator,
    cell: dict[str, object],
    share_in: float,
    reference: Reference,
    options: argparse.Namespace,
) -> list[dict[str, object]]:
    """A row for each ψ."""
    rows = []
    for psi in PSI:
        pictures = generator.draw(pd.DataFrame(index=range(options.sampled)), seed=int(cell["seed"]), psi=psi)  # type: ignore[call-overload]
        read = reference.regressor.read(pictures)
        said = read[FEATURE].to_numpy() == MINORITY
        shown = int(said.sum())
        out = corrected_shares(np.array([shown, len(said) - shown]), reference.confusion, seed=0)
        row = {
            **cell, "psi": psi, "share_in": share_in, "sampled": len(said), "n_shown": shown,
            "share_read": shown / len(said), "share_out": float(out.value[0]),
            "out_low": float(out.low[0]), "out_high": float(out.high[0]),
        }  # fmt: skip
        features = reference.features_of(read)
        rng = np.random.default_rng(int(cell["seed"]))  # type: ignore[call-overload]
        n = min(shown, len(said) - shown, options.compared)
        for group, inside in ((MINORITY, said), ("other", ~said)):
            if n >= options.least:
                row |= {"n_compared": n, **reference.compare(features[inside], group, n, rng)}
        rows.append(row)
    return rows


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pools", default="200,1400,10000", help="people in a pool (%(default)s)")
    parser.add_argument("--shares", default=".02,.1,.33", help="of african people (%(default)s)")
    parser.add_argument("--discriminators", default="relativistic,projected", help="(%(default)s)")
    parser.add_argument("--seeds", default="0,1,2,3,4", help="(%(default)s)")
    parser.add_argument(
        "--pictures", type=int, default=20_000, help="that a discriminator is shown (%(default)s)"
    )
    parser.add_argument(
        "--warm-up", type=int, default=20_000, help="pictures of the autoencoder before that (%(default)s)"
    )
    parser.add_argument("--size", type=int, default=24, help="px (%(default)s)")
    parser.add_argument(
        "--sampled", type=int, default=2500, help="people drawn of a generator and ψ (%(default)s)"
    )
    parser.add_argument(
        "--compared", type=int, default=150, help="people of a group compared, at most (%(default)s)"
    )
    parser.add_argument(
        "--least", type=int, default=30, help="people of a group compared, at least (%(default)s)"
    )
    parser.add_argument("--people", type=int, default=PEOPLE, help="of the source (%(default)s)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--figure", action="store_true", help="only draw what is there")
    options = parser.parse_args(argv)
    file = options.results / "runs.csv"
    if not options.figure:
        run(options, file)
    return figure(file, options.results)


def run(options: argparse.Namespace, file: Path) -> None:
    torch.set_num_threads(options.threads)
    people = {
        "seed": 15,
        "size": 64,
        "mode": "natural",
        "camera": "even",
        "picture_format": "png",
        "render": False,
    }
    data = read_parametric(options.people, **people)
    # persons from START on have taught neither a generator nor the classifier
    others = read_parametric(min(REFERENCE, options.people), start=START, **people)
    source = data.manifest
    file.parent.mkdir(parents=True, exist_ok=True)
    cells = [
        dict(zip(CELL, (n, share, kind, seed, options.warm_up, options.pictures, options.size), strict=True))
        for seed, n, share, kind in product(  # whole seeds first: what there is can be read off at any time
            map(int, options.seeds.split(",")),
            map(int, options.pools.split(",")),
            map(float, options.shares.split(",")),
            options.discriminators.split(","),
        )
    ]
    there = set(pd.read_csv(file)[list(CELL)].itertuples(index=False, name=None)) if file.is_file() else set()
    missing = [cell for cell in cells if tuple(cell.values()) not in there]
    print(f"{len(cells) - len(missing)} of {len(cells)} cells are there")
    if not missing:
        return
    for part in (data, others):
        assert part.make_pictures is not None
        part.make_pictures(part.manifest)
    reference = Reference(others.manifest, options.size, parameter_regressor())
    names = [MINORITY, "other"]
    told = pd.DataFrame(reference.confusion, pd.Index(names, name="truth"), names)
    write_text(file.parent / "confusion.csv", told.to_csv())
    for cell in tqdm(missing, desc="generators", unit="generator"):
        begin = time.monotonic()
        pool = draw_pool(source, int(cell["pool"]), float(cell["minority_share"]), int(cell["seed"]))
        settings = GeneratorTraining(
            size=options.size, discriminator=str(cell["discriminator"]), widths=WIDTHS, conditions=(),
            pictures=options.pictures, warm_up=options.warm_up,
            batch=16, augment=0.1, ema=2000, held_out=0.1, evaluate_every=max(1, options.pictures // 4),
            checkpoint_every=None, precision="float32", accelerator="cpu", **RATES[str(cell["discriminator"])],
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            generator = train_generator(
                pool, settings, seed=int(cell["seed"]), workdir=folder, progress=False
            )
        share_in = float((pool[FEATURE] == MINORITY).mean())
        rows = pd.DataFrame(rows_of(generator, cell, share_in, reference, options))
        rows["distance"] = min(h["distance"] for h in generator.facts["history"] if h["pictures"] > 0)
        rows["seconds"] = round(time.monotonic() - begin, 1)
        with locked(file.parent):  # two processes may share the seeds
            old = pd.read_csv(file) if file.is_file() else None
            write_text(file, pd.concat([old, rows]).to_csv(index=False))


def figure(file: Path, folder: Path) -> int:
    """summary.csv and figure.png of the rows that are there."""
    from judge.fairness.sweeps import mean_interval
    from judge.report.figures.saving import save

    runs = pd.read_csv(file)
    confusion = pd.read_csv(folder / "confusion.csv", index_col="truth")
    hits, alarms = (confusion.loc[t, MINORITY] / confusion.loc[t].sum() for t in (MINORITY, "other"))
    read_in = alarms + runs["share_in"] * (hits - alarms)
    half = 0.5 / runs["sampled"]
    odds_out = (runs["share_read"] + half) / (1 - runs["share_read"] + half)
    runs["log_ratio"] = np.log(odds_out / (read_in / (1 - read_in)))
    for group in ("minority", "majority"):
        runs[f"kept_{group}"] = runs[f"coverage_{group}"] / runs[f"coverage_{group}_real"]
    keys = ["discriminator", "pool", "minority_share", "psi"]
    rows = []
    for key, part in runs.assign(read_in=read_in).groupby(keys, sort=False):
        row = {
            **dict(zip(keys, key, strict=True)),
            "seeds": len(part),
            "read_in": part["read_in"].mean(),
            "read_out": part["share_read"].mean(),
            "share_out": part["share_out"].mean(),
            "nearly_gone": int(part["n_compared"].isna().sum()),
        }
        for name in ("log_ratio", "kept_minority", "kept_majority"):
            known = part[name].dropna().to_numpy()
            value, low, high = (
                mean_interval(known)
                if len(known) > 1
                else (known[0] if len(known) else np.nan, np.nan, np.nan)
            )
            back = np.exp if name == "log_ratio" else (lambda x: x)
            label = "amplification" if name == "log_ratio" else name
            row |= {label: back(value), f"{label}_low": back(low), f"{label}_high": back(high)}
        rows.append(row)
    summary = pd.DataFrame(rows).sort_values(keys, ascending=[False, True, True, False])
    write_text(folder / "summary.csv", summary.round(4).to_csv(index=False))
    save(drawn(summary), folder / "figure")
    print(summary.round(3).to_string(index=False))
    return 0


@styled
def drawn(summary: pd.DataFrame) -> Figure:
    """A column a discriminator and pool; above how the minority's odds change, below how much of it is covered."""
    columns = list(summary[["discriminator", "pool"]].drop_duplicates().itertuples(index=False, name=None))
    figure = Figure(figsize=(1.2 + 1.5 * len(columns), 4.2))
    axes = figure.subplots(2, len(columns), sharey="row", sharex=True, squeeze=False)
    shades = dict(
        zip(
            sorted(summary["psi"].unique(), reverse=True),
            colormaps["viridis"](np.linspace(0, 0.85, summary["psi"].nunique())),
            strict=True,
        )
    )
    for column, (kind, pool) in enumerate(columns):
        part = summary[(summary["discriminator"] == kind) & (summary["pool"] == pool)]
        for place, (psi, rows) in enumerate(part.groupby("psi", sort=False)):
            at = rows["minority_share"] * 1.03 ** (place - 1.5)
            for line, name in ((0, "amplification"), (1, "kept_minority")):
                axes[line, column].errorbar(
                    at, rows[name], [rows[name] - rows[f"{name}_low"], rows[f"{name}_high"] - rows[name]],
                    marker="o", ms=4, lw=1, color=shades[psi], label=f"ψ = {psi}",
                )  # fmt: skip
        axes[0, column].axhline(1, color="grey", lw=0.8)
        axes[1, column].axhline(1, color="grey", lw=0.8)
        axes[0, column].set_title(f"{kind}\n{pool} people")
        axes[0, column].set(xscale="log", yscale="log", ylim=ODDS)
        shares = sorted(summary["minority_share"].unique())
        axes[1, column].set_xticks(shares, [f"{100 * share:.0f} %" for share in shares])
        axes[1, column].minorticks_off()
    axes[0, 0].set_ylabel("odds of being read as the\nminority, generated / real")
    axes[1, 0].set_ylabel("coverage of the minority,\nof what real people reach")
    axes[1, -1].legend(fontsize=7, loc="upper right")
    figure.supxlabel("share of the minority in the pool", fontsize=9)
    return figure


if __name__ == "__main__":
    sys.exit(main())
