"""Are people who do not exist more than the few repeated? Rebalancing a skewed pool by generated faces, at equal n.

    python experiments/rebalancing.py [--seeds 10] [--data rendered photographs] [--root ../shared/data]
    python experiments/rebalancing.py --tables              summary, figure and page of the rows that are there

One pool of 600 pictures of 48 px, 90 % of one group (MEBeauty: 300), is learnt from as it is (skewed); with new people
of the small groups (redraw: what collecting would bring, an oracle); with the few repeated (resample_up); cut to the
smallest group (subg, which keeps its smaller size); with generated people, by a generator trained on that pool alone
(synthetic); and by one that has seen people from outside (outside: the packaged generator, rendered people only, its
faces reduced to the same 48 px). All others have one n; synthetic, outside and redraw keep the very same pictures of
the pool. The judge is judge=embedding_depths. Contestants are drawn anew with each seed, equally many of each group.
Photographs are reduced to 48 px for all conditions alike, in runs/rebalancing, since a generator's faces have no more.

What is asked, before any result was seen: is the worst group's squared error lower with `synthetic` than with
`resample_up`? Paired by seed, Student's interval. All else is description: who wins, the worst group's Pearson, the
truth of the winners (of photographs: their rating).

Writes results/rebalancing/: runs (a row a seed and condition), summary and differences, page.html with a figure. Seeds
that are there are not run again; a training that was killed goes on. A seed costs some ten minutes of one core for each
data set, nearly all of it the generator's training; two processes may do --seeds 0,2,4,6,8 and 1,3,5,7,9 at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from omegaconf import OmegaConf

import judge
from judge.data.tables import read_table, write_table
from judge.errors import InputError
from judge.fairness.sweeps import mean_interval
from judge.report.figures.style import BLUE, GREY, INK, new_figure, styled
from judge.report.html import (
    Code,
    Column,
    Items,
    Picture,
    Section,
    Text,
    count,
    decimals,
    interval,
    label,
    table_from,
    write_page,
)
from judge.storage import locked

RESULTS = Path(__file__).parents[1] / "results" / "rebalancing"
RUNS = Path("runs/rebalancing")
#: Channels at 48 px, two thirds of the usual: ten generators are trained for each data set.
WIDTHS = [128, 96, 64, 32]
CONDITIONS = ("skewed", "redraw", "resample_up", "subg", "synthetic", "outside")
BAR, ASKED = "resample_up", "synthetic"
#: measure → (what it is, its range, whether less is better)
MEASURES = {
    "worst_mse": ("squared error of the worst group", (0, np.inf), True),
    "worst_pearson": ("Pearson of the worst group", (-1, 1), False),
    "minority_share": ("share of the winners who are none of the majority", (0, 1), None),
    "winners_truth": ("truth of the winners, sd (photographs: rating)", None, False),
    "mse": ("squared error of all", (0, np.inf), True),
}
#: Of the figure's panels.
TITLES = {
    "worst_mse": "worst group:\nsquared error",
    "worst_pearson": "worst group:\nPearson",
    "minority_share": "winners outside\nthe majority",
    "winners_truth": "truth of\nthe winners",
}
#: What tells runs apart that may not be averaged together.
SETTING = ("data", "pool", "majority_share", "size", "shown")


def overrides(told: argparse.Namespace, data: str, seed: int, outside: str | None) -> list[str]:
    """The settings of one run."""
    common = [
        f"name=rebalancing_{data}", f"seed={seed}", "judge=embedding_depths", "conditions=rebalancing",
        "contest=within_gender", "audit.n_permutations=1000", "audit.probe=false", "report.page=false",
        "save_judges=false", f"threads={told.threads}", "pool.majority=caucasian",
        f"pool.majority_share={told.majority_share}",
        "entrants.shares=equal", "entrants.held_out=0.5",
    ]  # fmt: skip
    training = {"size": told.size, "pictures": told.pictures, "warm_up": told.pictures // 2, "augment": 0.3,
                "evaluate_every": max(1, told.pictures // 6)}  # fmt: skip
    if told.size == 48:
        training["widths"] = WIDTHS
    method = "_target_: judge.mitigation.pools.Synthetic, jointly: gender, side: " + str(told.size)
    taught = ", ".join(f"{key}: {value}" for key, value in training.items())
    common += [f"conditions.synthetic={{{method}, training: {{{taught}}}}}"]
    if outside is not None:
        common += [f"+conditions.outside={{{method}, generator: '{outside}'}}"]
    if data == "rendered":
        n = told.pool or 600
        people = [
            f"data.n={told.people}", f"data.size={told.size}", f"data.seed={told.data_seed}", "data.mode=natural",
            "data.picture_format=png", "data.camera=even",
        ]  # fmt: skip
        return [*common, *people, f"pool.n={n}", f"entrants.n={told.entrants or 900}", *told.overrides]
    root = reduced(told.root / "mebeauty", RUNS / f"mebeauty_{told.size}", told.size)
    people = ["data=folder", f"data.root={root}", "data.name=mebeauty", "data.rating_range=[1,10]"]
    return [
        *common,
        *people,
        f"pool.n={told.pool or 300}",
        f"entrants.n={told.entrants or 240}",
        *told.overrides,
    ]


def reduced(source: Path, out: Path, size: int) -> Path:
    """MEBeauty's rated photographs as PNG files of `size` px with their manifest, once."""
    from PIL import Image

    from judge.data.images import load_square
    from judge.data.readers import read_mebeauty
    from judge.data.spreadsheets import write_csv
    from judge.storage import replacing

    out = out.resolve()
    if (out / "manifest.csv").is_file():
        return out
    manifest = read_mebeauty(source, single_ratings=False).manifest
    names = [f"{i:05d}.png" for i in range(len(manifest))]
    for name, path in zip(names, manifest["path"], strict=True):
        with replacing(out / name) as part:
            Image.fromarray(load_square(path, size).permute(1, 2, 0).numpy()).save(part, format="PNG")
    columns = ["image_id", "rating", "ethnicity", "gender"]
    write_csv(manifest[columns].assign(path=names, source="photo"), out / "manifest.csv")
    return out


def rows_of(run: judge.Run) -> pd.DataFrame:
    """A row a condition: how well each group of entrants is read, who wins, and how good the winners are."""
    told = OmegaConf.load(run.folder / "settings.yaml")
    people = run.table("manifest").set_index("image_id")
    rendered = "truth" in people and people["truth"].notna().any()
    feature, majority = run.summary["feature"], run.summary["majority"]
    found = []
    for name in run.conditions:
        own = run.ranking[run.ranking["condition"] == name]
        of_each = people.loc[own["image_id"]]
        merit = of_each["truth" if rendered else "rating"].to_numpy(float)
        raters = told.data.get("ratings")
        right = raters.centre + raters.spread * merit if rendered else merit
        table = pd.DataFrame(
            {"group": of_each[feature].to_numpy(), "score": own["score"].to_numpy(), "right": right}
        )
        groups = dict(iter(table.groupby("group")))
        mse = {g: float(((part["score"] - part["right"]) ** 2).mean()) for g, part in groups.items()}
        pearson = {g: float(part["score"].corr(part["right"])) for g, part in groups.items()}
        won = own["winner"].to_numpy(bool)
        found.append(
            {"condition": name, "pool_n": run.summary["pool_n"][name], "winners": int(won.sum()),
             "minority_share": float((table["group"][won] != majority).mean()),
             "winners_truth": float(merit[won].mean()), "mse": float(((table["score"] - table["right"]) ** 2).mean()),
             "worst_mse": max(mse.values()), "worst_group": max(mse, key=lambda g: mse[g]),
             "worst_pearson": min(pearson.values()),
             **{f"share_{g}": float((table["group"][won] == g).mean()) for g in groups},
             **{f"mse_{g}": value for g, value in mse.items()}}
        )  # fmt: skip
    return pd.DataFrame(found)


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds with intervals: a row a data set, condition and measure."""
    rows = []
    for (data, condition), part in runs.groupby(["data", "condition"], sort=False):
        for measure, (_, bounds, _) in MEASURES.items():
            mean, low, high = mean_interval(part[measure], bounds=bounds)
            rows.append(
                {"data": data, "condition": condition, "measure": measure, "seeds": len(part), "mean": mean,
                 "ci_low": low, "ci_high": high}
            )  # fmt: skip
    return pd.DataFrame(rows)


def differences(runs: pd.DataFrame) -> pd.DataFrame:
    """Each condition minus `resample_up` and minus `skewed`, paired by seed, for each measure."""
    rows = []
    for data, part in runs.groupby("data", sort=False):
        by = {name: own.set_index("seed") for name, own in part.groupby("condition", sort=False)}
        for than in (BAR, "skewed"):
            for name in [c for c in CONDITIONS if c in by and c != than]:
                both = by[name].index.intersection(by[than].index)
                for measure in MEASURES:
                    apart = by[name].loc[both, measure] - by[than].loc[both, measure]
                    mean, low, high = mean_interval(apart)
                    rows.append(
                        {"data": data, "condition": name, "than": than, "measure": measure, "seeds": len(both),
                         "difference": mean, "ci_low": low, "ci_high": high,
                         "primary": (name, than, measure) == (ASKED, BAR, "worst_mse")}
                    )  # fmt: skip
    return pd.DataFrame(rows)


@styled
def figure(means: pd.DataFrame, data: str) -> Figure:
    """Each measure a panel, each condition a line: mean over seeds and its interval."""
    own = means[means["data"] == data]
    names = [c for c in CONDITIONS if c in set(own["condition"])]
    drawn, axes = new_figure(0.8 + 0.24 * len(names), columns=len(TITLES))
    for place, (ax, measure) in enumerate(zip(axes.flat, TITLES, strict=True)):
        cell = own[own["measure"] == measure].set_index("condition")
        for y, name in enumerate(names):
            row = cell.loc[name]
            colour = BLUE if name in (ASKED, "outside") else INK
            if np.isfinite(row["ci_low"]):
                ax.plot([row["ci_low"], row["ci_high"]], [y, y], color=colour)
            ax.plot(row["mean"], y, "o", color=colour)
        ax.axvline(cell.loc[BAR, "mean"], color=GREY, linewidth=0.7, linestyle=":")
        ax.set_yticks(range(len(names)), names if place == 0 else [""] * len(names))
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_title(TITLES[measure], fontsize=7)
    return drawn


def write_report(runs: pd.DataFrame, out: Path, command: str) -> Path:
    """summary, differences and page.html with the figure of each data set."""
    means, apart = summary(runs), differences(runs)
    write_table(means.round(5), out / "summary")
    write_table(apart.round(5), out / "differences")
    sections = [Section("The question", [Text(__doc__.split("\n\n")[2].replace("\n", " "), "lead"),
                                         Text(__doc__.split("\n\n")[3].replace("\n", " "))])]  # fmt: skip
    for data in dict.fromkeys(runs["data"]):
        own = means[means["data"] == data]
        than = apart[(apart["data"] == data) & (apart["than"] == BAR)]
        sections.append(
            Section(
                f"{data}",
                [Items([primary_words(apart, data)]),
                 Picture(f"rebalancing_{data}", figure(means, data),
                         f"Means over seeds with 95 % intervals; dotted: {BAR}.", _words(own)),
                 table_from(
                     than.assign(range=interval(than, digits=3), what=than["measure"].map(lambda m: MEASURES[m][0])),
                     {"condition": Column("condition", label, numeric=False),
                      "what": Column("measure", label, numeric=False), "seeds": Column("seeds", count),
                      "difference": Column("difference", decimals(3)), "range": Column("95 % interval", label)},
                     f"Each condition minus {BAR}, paired by seed.", limit=60)],
            )
        )  # fmt: skip
    limits = [
        "Generated faces have the ratings that they were asked for; nobody rated them.",
        "48 px and one small generator: a larger one, or photographs from outside, may do better.",
        "subg learns from fewer pictures than all others; redraw has people that nobody else has.",
    ]
    sections += [
        Section("What this does not show", [Items(limits)]),
        Section("How this was made", [Code(command)]),
    ]
    seeds = int(runs.groupby(["data", "condition"]).size().max())
    return write_page(
        out, title="Rebalancing with people who do not exist", sections=sections,
        subtitle=f"{seeds} seeds, pools of one size, contestants drawn anew with each.",
    )  # fmt: skip


def primary_words(apart: pd.DataFrame, data: str) -> str:
    """The answer to what was asked, in words."""
    row = apart[(apart["data"] == data) & apart["primary"]]
    if row.empty or not np.isfinite(row["ci_low"].iloc[0]):
        return f"{ASKED} against {BAR}: fewer than three seeds, so nothing is said."
    low, high, mean = (float(row[name].iloc[0]) for name in ("ci_low", "ci_high", "difference"))
    said = (
        "lower: generated people are more than the few repeated" if high < 0
        else "higher: generated people are worse than the few repeated" if low > 0
        else "not told apart"
    )  # fmt: skip
    return (
        f"Squared error of the worst group, {ASKED} minus {BAR}: {mean:+.3f} [{low:.3f}, {high:.3f}]: {said}."
    )


def _words(own: pd.DataFrame) -> str:
    return "; ".join(f"{r.condition} {r.measure} {r.mean:.3f}" for r in own.itertuples())


def outside_of(told: argparse.Namespace, data: str) -> str | None:
    """The generator of people from outside, or None with the reason on the screen."""
    if told.outside == "none" or data != "rendered":
        return None
    from judge.generator import load_generator

    try:
        load_generator(told.outside)
    except InputError as error:
        print(f"condition outside left out: {error}", file=sys.stderr)
        return None
    return str(told.outside)


def seeds_of(text: str) -> list[int]:
    """[0, 1, 2] of "3"; [0, 4] of "0,4"."""
    return [int(part) for part in text.split(",")] if "," in text else list(range(int(text)))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", nargs="+", choices=("rendered", "photographs"), default=["rendered", "photographs"]
    )
    parser.add_argument(
        "--root", type=Path, default=Path("../shared/data"), help="folder that holds mebeauty/"
    )
    parser.add_argument(
        "--seeds", type=seeds_of, default=seeds_of("10"), help="how many, or which: 10 or 0,2,4"
    )
    parser.add_argument("--threads", type=int, default=1, help="of torch, in a run")
    parser.add_argument("--size", type=int, default=48, help="px of all pictures")
    parser.add_argument("--pictures", type=int, default=24_000, help="that a generator's training is shown")
    parser.add_argument("--pool", type=int, help="600 rendered people, 300 photographs")
    parser.add_argument("--majority-share", type=float, default=0.9)
    parser.add_argument("--entrants", type=int, help="900 rendered people, 240 photographs")
    parser.add_argument("--people", type=int, default=3600, help="rendered")
    parser.add_argument("--data-seed", type=int, default=0, help="of the rendered people")
    parser.add_argument("--outside", default="packaged", help="a generator's folder, packaged, or none")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--tables", action="store_true", help="run nothing")
    parser.add_argument("overrides", nargs="*", help="further settings, such as entrants.n=300")
    told = parser.parse_args(arguments)
    file = told.out / "runs.parquet"
    runs = read_table(file) if file.is_file() else pd.DataFrame({"data": [], "seed": []})
    for data in [] if told.tables else told.data:
        if data == "photographs" and not (told.root / "mebeauty").is_dir():
            print(f"photographs skipped: {told.root / 'mebeauty'} is not there")
            continue
        setting = dict(
            zip(SETTING, (data, told.pool, told.majority_share, told.size, told.pictures), strict=True)
        )
        setting["pool"] = told.pool or {"rendered": 600, "photographs": 300}[data]
        there = runs[runs["data"] == data]
        if len(there) and there[list(SETTING)].drop_duplicates().to_dict("records") != [setting]:
            parser.error(f"{file} has runs of other settings than {setting}; give another --out")
        outside = outside_of(told, data)
        for seed in [s for s in told.seeds if s not in set(there["seed"])]:
            name = f"{data}_{setting['pool']}_{told.majority_share:g}_{told.size}_{told.pictures}"
            run = judge.run(overrides(told, data, seed, outside), folder=RUNS / name / f"seed_{seed}")
            with locked(told.out):  # another process may do other seeds meanwhile
                runs = read_table(file) if file.is_file() else runs
                runs = pd.concat([runs, rows_of(run).assign(seed=seed, **setting)], ignore_index=True)
                runs["seed"] = runs["seed"].astype(int)
                write_table(runs, told.out / "runs")
            print(
                runs[(runs["data"] == data) & (runs["seed"] == seed)][["condition", *MEASURES]]
                .round(3)
                .to_string()
            )
    if runs.empty:
        print("no runs")
        return 0
    print(write_report(runs, told.out, commands(runs)))
    return 0


def commands(runs: pd.DataFrame) -> str:
    """What makes these runs again."""
    return "\n".join(
        f"python experiments/rebalancing.py --data {data} --seeds {part['seed'].nunique()} --size {size:g} "
        f"--pictures {shown:g} --pool {pool:g} --majority-share {share:g}"
        for (data, pool, share, size, shown), part in runs.groupby(list(SETTING), sort=False)
    )


if __name__ == "__main__":
    sys.exit(main())
