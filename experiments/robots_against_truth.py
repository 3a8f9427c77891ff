"""Does each robot see what it is meant to see, and how does that fall with darker skin, dim light and side light?

    python experiments/robots_against_truth.py [--size 256] [--people 120] [--reference 1200]

The same rendered people (morphology, hair, age, wrinkles, blemishes and asymmetry drawn independently) are
photographed in three skin tones × three lights. Each robot is fitted twice on other people in even light: on all
tones, and on light skin alone (the skew of the wrinkle database of 2016). Spearman of the robot's measure with the
parameter that it is meant to see, with bootstrap intervals over people, and the robot's mean in each cell
in standard deviations of the light-skinned people in even light: the offset that it gives a tone for nothing.
Writes results/robots_against_truth.{csv,png,svg}; gate_against_tone.csv: whom the two gates of conf/gate refuse
there; pose_estimates.csv: how well the gate's yaw and pitch, estimated from five landmarks, follow the true ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from hydra.utils import instantiate
from omegaconf import OmegaConf
from scipy.stats import spearmanr

from judge.data.parametric.cache import picture_paths, render_missing
from judge.data.parametric.dataset import manifest_of
from judge.data.parametric.people.population import RENDERED, persons, sample
from judge.data.parametric.picture.render import render
from judge.jury.faces.alignment import PortraitReader
from judge.jury.gate import refusal_rates
from judge.jury.robots import protocol as robots
from judge.jury.robots.age import Age
from judge.jury.robots.measurements import cached_measurements
from judge.jury.robots.pigment import Pigment
from judge.jury.robots.symmetry import Symmetry
from judge.jury.robots.wrinkles import Wrinkles

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
CACHE = ROOT / "runs" / "robots"  # measurements by chunks: started again, it goes on where it was killed
TONES = {"light": 0.08, "intermediate": 0.30, "dark": 0.75}
LIGHTS = {
    "even": ("even", {}),
    "dim": ("dim", {}),
    "side": ("even", {"light_azimuth": 55.0, "light_fill": 0.3}),
}
TRUTH = {
    "wrinkles": "param_wrinkles",
    "pigment": "param_blemishes",
    "symmetry": "param_asymmetry",
    "age": "param_age",
}
ROBOTS = {
    # name → robot, and whether it learns its weights from labels
    "wrinkles, learnt": Wrinkles(labels="param_wrinkles"),
    "wrinkles, equal weights": Wrinkles(name="wrinkles_equal"),
    "wrinkles, grey levels": Wrinkles(name="wrinkles_grey", channel="grey", ridge="sato"),
    "pigment, learnt": Pigment(filtering="both", labels="param_blemishes"),
    "pigment, filtered": Pigment(name="pigment_filtered"),
    "pigment, unfiltered": Pigment(name="pigment_none", filtering="none"),
    "pigment, naive levels": Pigment(name="pigment_naive", channel="naive"),
    "symmetry, learnt": Symmetry(labels="param_asymmetry"),
    "symmetry, equal weights": Symmetry(name="symmetry_equal"),
    "age": Age(),
}


def photographed(n: int, *, start: int, size: int, tone: str | None, light: str) -> pd.DataFrame:
    """The manifest of n people in one tone (None: everybody's own) and one light; renders what is missing."""
    camera, changes = LIGHTS[light]
    people = sample(n, seed=2016, start=start, camera=camera)
    changes = dict(changes) | ({} if tone is None else {"melanin": TONES[tone]})
    people = people.assign(**changes)
    manifest = manifest_of(people, picture_paths(people, size=size))
    manifest["image_id"] = manifest["person_id"] + f"/{tone}/{light}"
    table = pd.concat([manifest, people[list(RENDERED)].add_prefix("param_")], axis=1)
    render_missing(table, size=size, progress=False)
    return table.assign(tone=tone, light=light)


def pose_estimates(size: int, people: int = 12) -> pd.DataFrame:
    """angle, true (degrees), mean and standard deviation of the estimate over people, n with one face found."""
    angles = {"yaw": (-30, -20, -10, 0, 10, 20, 30), "pitch": (-20, -10, 0, 10, 20)}
    shots = [
        {
            **person,
            "yaw": 0.0,
            "pitch": 0.0,
            "roll": 0.0,
            angle: float(true),
            "image_id": f"{i}/{angle}/{true}",
        }
        for i, person in enumerate(persons(sample(people, seed=77, camera="fixed")))
        for angle, values in angles.items()
        for true in values
    ]
    pictures = [render({k: v for k, v in shot.items() if k != "image_id"}, size) for shot in shots]
    table = pd.DataFrame({"image_id": [shot["image_id"] for shot in shots]})
    found = PortraitReader().from_pictures(pictures, table).measures
    table[["angle", "true"]] = [
        (angle, shot[angle]) for shot in shots for angle in [shot["image_id"].split("/")[1]]
    ]
    table["estimate"] = np.where(table["angle"] == "yaw", found["yaw"], found["pitch"])
    table["one_face"] = found["faces"] == 1
    return table.groupby(["angle", "true"]).agg(
        estimate=("estimate", "mean"), sd=("estimate", "std"), n=("one_face", "sum")
    )


def refused(pictures: robots.Measurements) -> pd.DataFrame:
    """gate, rule, n, refused, rate, ci_low, ci_high of the two gates of conf/gate over everybody of one cell."""
    tables = []
    for name in ("default", "beauty_ai_2016"):
        gate = instantiate(OmegaConf.load(ROOT / "conf" / "gate" / f"{name}.yaml"))
        people = pictures.measures[["image_id"]].assign(age=30.0, source="parametric")
        tables.append(
            refusal_rates(gate(pictures.measures, people).refusals, people, by="source").assign(gate=name)
        )
    return pd.concat(tables)[["gate", "rule", "n", "refused", "rate", "ci_low", "ci_high"]]


def measured(robot: robots.Robot, measurements: np.ndarray) -> np.ndarray:
    """The robot's measure before age groups and stated ages come in: higher is more wrinkles, years …"""
    return robot.predict(measurements) if isinstance(robot, Age) else robot.strength(measurements)


def correlation(
    value: np.ndarray, truth: np.ndarray, rng: np.random.Generator, resamples: int = 1000
) -> dict:
    """Spearman with its percentile bootstrap interval over people, and how many could be measured."""
    seen = np.isfinite(value)
    value, truth = value[seen], truth[seen]
    if len(value) < 3:
        return {"n": len(value), "spearman": np.nan, "ci_low": np.nan, "ci_high": np.nan}
    picks = rng.integers(0, len(value), (resamples, len(value)))
    draws = [spearmanr(value[i], truth[i]).statistic for i in picks]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return {"n": len(value), "spearman": spearmanr(value, truth).statistic, "ci_low": low, "ci_high": high}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=256, help="of the pictures, px")
    parser.add_argument("--people", type=int, default=120, help="photographed in every tone and light")
    parser.add_argument(
        "--reference", type=int, default=1200, help="other people that the robots are fitted on"
    )
    args = parser.parse_args()
    reader = PortraitReader(size=128 if args.size <= 128 else 192)
    jury = list(ROBOTS.values())
    own = photographed(args.reference, start=0, size=args.size, tone=None, light="even")
    seen = cached_measurements(jury, reader, own, CACHE)
    fair = photographed(args.reference, start=0, size=args.size, tone="light", light="even")
    references = {"all tones": seen, "light skin only": cached_measurements(jury, reader, fair, CACHE)}
    cells = {
        (tone, light): cached_measurements(
            jury,
            reader,
            photographed(args.people, start=args.reference, size=args.size, tone=tone, light=light),
            CACHE,
        )
        for tone in TONES
        for light in LIGHTS
    }
    rng = np.random.default_rng(0)
    rows = []
    for reference, people in references.items():
        for label, robot in zip(ROBOTS, robots.fit(jury, people), strict=True):
            values = {cell: measured(robot, found.by_robot[robot.name]) for cell, found in cells.items()}
            home = values["light", "even"]
            for (tone, light), value in values.items():
                table = cells[tone, light].rows
                truth = table[TRUTH[robot.name.split("_")[0]]].to_numpy(float)
                offset = (np.nanmean(value) - np.nanmean(home)) / np.nanstd(home)
                rows.append(
                    {
                        "size": args.size,
                        "reference": reference,
                        "robot": label,
                        "skin_tone": tone,
                        "light": light,
                    }
                    | correlation(value, truth, rng)
                    | {"offset_sd": offset, "photographed": args.people}
                )
    table = pd.DataFrame(rows)
    RESULTS.mkdir(exist_ok=True)
    gates = pd.concat(
        [refused(cell).assign(skin_tone=tone, light=light) for (tone, light), cell in cells.items()]
    )
    gates.assign(size=args.size).round(4).to_csv(RESULTS / "gate_against_tone.csv", index=False)
    print(
        gates[gates["rule"] == "any"].pivot_table(index="gate", columns=["light", "skin_tone"], values="rate")
    )
    pose_estimates(args.size).round(2).to_csv(RESULTS / "pose_estimates.csv")
    path = RESULTS / f"robots_against_truth{'' if args.size == 256 else f'_{args.size}px'}"
    table.round(4).to_csv(path.with_suffix(".csv"), index=False)
    draw(table, path)
    main_table = table[(table["reference"] == "all tones")]
    print(
        main_table.pivot_table(
            index="robot", columns=["light", "skin_tone"], values="spearman", sort=False
        ).round(2)
    )
    print(
        main_table.pivot_table(
            index="robot", columns=["light", "skin_tone"], values="offset_sd", sort=False
        ).round(2)
    )


def draw(table: pd.DataFrame, path: Path) -> None:
    """Spearman and offset by tone, light and robot, for robots fitted on all tones and on light skin alone."""
    shown = ["wrinkles, learnt", "wrinkles, grey levels", "pigment, learnt", "pigment, naive levels",
             "symmetry, learnt", "age"]  # fmt: skip
    long = table[table["robot"].isin(shown)].melt(
        id_vars=["robot", "skin_tone", "light", "reference"],
        value_vars=["spearman", "offset_sd"],
        var_name="what",
    )
    names = {
        "spearman": "Spearman with the truth",
        "offset_sd": "mean offset in SD\n(0: light skin, even light)",
    }
    sns.set_theme(style="whitegrid", context="paper")
    grid = sns.relplot(
        long.assign(what=long["what"].map(names)), x="skin_tone", y="value", hue="light", style="reference",
        row="what", col="robot", kind="line", marker="o", height=2.3, aspect=0.95, palette="colorblind",
        facet_kws={"sharey": "row", "margin_titles": True},
    )  # fmt: skip
    grid.set_titles(col_template="{col_name}", row_template="")
    for axes, name in zip(grid.axes[:, 0], names.values(), strict=True):
        axes.set_ylabel(name)
    grid.set_xlabels("skin")
    for axis in grid.axes[0]:
        axis.axhline(0.8, color="0.4", linewidth=0.8, linestyle=":")
        axis.set_ylim(-0.2, 1)
    for ending in (".png", ".svg"):
        grid.savefig(path.with_suffix(ending), dpi=140)


if __name__ == "__main__":
    main()
