"""The gate and the robots on photographs: who is refused, do the robots agree with people, and whose age is misread?

    python experiments/robots_on_photographs.py [--data ../shared/data] [--limit N]

The age network is trained on FairFace's train split (bands taken at their middle) and read on its val split, by race.
The robot resemblance takes the best rated quarter of MEBeauty, equal in ethnicity, as its models; wrinkles expects
what the same pictures show. Writes results/robots_on_photographs/: gate_refusals.csv (data set, gate, group, rule),
ratings.csv (Spearman of each robot with mean human ratings), age_error.csv (by race), figures. No picture, file
name or single person appears in them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from hydra.utils import instantiate
from matplotlib.figure import Figure
from omegaconf import OmegaConf
from scipy.stats import spearmanr

from judge.data.readers.fairface import read_fairface
from judge.data.readers.london import read_london
from judge.data.readers.mebeauty import read_mebeauty
from judge.jury.faces.alignment import PortraitReader
from judge.jury.gate import refusal_rates
from judge.jury.panel import Panel
from judge.jury.robots import protocol as robots
from judge.jury.robots.age import Age, stated_age
from judge.jury.robots.measurements import cached_measurements
from judge.jury.robots.pigment import Pigment
from judge.jury.robots.reference import ReferenceSet
from judge.jury.robots.resemblance import Resemblance
from judge.jury.robots.symmetry import Symmetry
from judge.jury.robots.wrinkles import Wrinkles

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "robots_on_photographs"
CACHE = ROOT / "runs" / "robots"  # measurements by chunks: started again, it goes on where it was killed
GATES = ("default", "beauty_ai_2016")
#: London's words for the groups of MEBeauty; London's west Asians are set beside MEBeauty's Middle Easterners.
GROUPS = {"white": "caucasian", "black": "black", "east_asian": "asian", "west_asian": "mideastern"}
AGE = Age()
ROBOTS = [Wrinkles(), Wrinkles(name="wrinkles_grey", channel="grey", ridge="sato"), Pigment(filtering="both"),
          Symmetry(), Resemblance(), AGE]  # fmt: skip


def refusals(name: str, pictures: robots.Measurements, manifest: pd.DataFrame, age: Age) -> pd.DataFrame:
    """Refusal rates of each gate by ethnicity, and by gender; predicted ages where none is stated."""
    years = age.predicted_age(pictures.by_robot["age"])
    predicted = pd.Series(years, index=pictures.rows["image_id"].to_numpy())
    tables = []
    for gate in GATES:
        log = instantiate(OmegaConf.load(ROOT / "conf" / "gate" / f"{gate}.yaml"))(
            pictures.measures, manifest, predicted
        )
        for feature in ("ethnicity", "gender"):
            rates = refusal_rates(log.refusals, manifest, by=feature).rename(columns={feature: "group"})
            tables.append(rates.assign(data=name, gate=gate, feature=feature))
    columns = ["data", "gate", "feature", "group", "rule", "n", "refused", "rate", "ci_low", "ci_high"]
    return pd.concat(tables)[columns]


def agreement(name: str, table: pd.DataFrame, manifest: pd.DataFrame, resamples: int = 2000) -> pd.DataFrame:
    """Spearman of every judge's score with the mean rating, all people and within gender; bootstrap intervals."""
    rng = np.random.default_rng(0)
    panels = [Panel(rule=rule, name=f"panel, {rule}") for rule in ("mean_z", "mean_rank", "borda", "minimum")]
    everybody = pd.concat([table, *(panel(table) for panel in panels)])
    joined = everybody.merge(manifest[["image_id", "rating", "gender"]], on="image_id").dropna(
        subset=["score", "rating"]
    )
    rows = []
    for judge, part in joined.groupby("judge", sort=False):
        for group, people in [("all", part), *part.groupby("gender")]:
            x, y = people["score"].to_numpy(), people["rating"].to_numpy()
            if len(x) < 10:
                continue
            draws = [spearmanr(x[i], y[i]).statistic for i in rng.integers(0, len(x), (resamples, len(x)))]
            low, high = np.quantile(draws, [0.025, 0.975])
            value = spearmanr(x, y).statistic
            rows.append([name, judge, group, len(x), value, low, high])
    return pd.DataFrame(rows, columns=["data", "judge", "people", "n", "spearman", "ci_low", "ci_high"])


def age_error(age: Age, pictures: robots.Measurements) -> pd.DataFrame:
    """Mean absolute and signed error in years and share within the band, by race; bootstrap intervals over people."""
    rng = np.random.default_rng(0)
    measurements = pictures.by_robot["age"]
    table = pictures.rows.assign(
        error=age.predict(measurements) - pictures.rows["age"], younger=age.score(measurements, pictures.rows)
    )
    rows = []
    for group, part in [("all", table), *table.groupby("ethnicity")]:
        error = part["error"].to_numpy()
        for metric, value in (
            ("mae", np.abs(error)),
            ("signed_error", error),
            ("age_score", part["younger"]),
        ):
            value = np.asarray(value)
            value = value[np.isfinite(value)]  # a band without an upper end has no middle
            means = value[rng.integers(0, len(value), (2000, len(value)))].mean(1)
            low, high = np.quantile(means, [0.025, 0.975])
            rows.append([group, metric, len(value), value.mean(), low, high])
    return pd.DataFrame(rows, columns=["group", "metric", "n", "value", "ci_low", "ci_high"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--limit", type=int, help="of pictures a data set, for a trial")
    args = parser.parse_args()
    reader = PortraitReader()
    sets = {
        "London": read_london(args.data / "london").manifest,
        "MEBeauty": read_mebeauty(args.data / "mebeauty").manifest,
        "FairFace": read_fairface(args.data / "fairface").manifest,
    }
    fairface = sets["FairFace"]
    fairface["age"] = stated_age(fairface[["age_band"]].rename(columns={"age_band": "age_group"}))
    train = fairface[fairface["split"] == "train"]
    sets["FairFace"] = fairface[fairface["split"] == "val"]
    if args.limit:
        sets = {name: m.sample(min(len(m), args.limit), random_state=0) for name, m in sets.items()}
        train = train.sample(min(len(train), 4 * args.limit), random_state=0)
    sets = {name: m.reset_index(drop=True) for name, m in sets.items()}

    learnt = cached_measurements([AGE], reader, train, CACHE)
    age = AGE.fit(learnt.by_robot["age"], learnt.rows)
    print("age network, out of fold on the training split:", age.out_of_fold_error())
    measured = {
        name: cached_measurements(ROBOTS if name != "FairFace" else [AGE], reader, m, CACHE)
        for name, m in sets.items()
    }
    rng = np.random.default_rng(0)
    me = sets["MEBeauty"]
    groups = me["ethnicity"].value_counts()
    wanted = ReferenceSet(int(groups.min() * 0.25) * len(groups), "equal", jointly=(), top_share=0.25)
    models = wanted.draw(me, me, feature="ethnicity", rng=rng)
    reference = measured["MEBeauty"].take(models["image_id"])
    jury = [*robots.fit(ROBOTS[:-1], reference), age]

    london = measured["London"]
    renamed = london.rows.assign(ethnicity=london.rows["ethnicity"].map(GROUPS))
    by_london = robots.scores(jury, robots.Measurements(london.measures, renamed, london.by_robot))
    others = measured["MEBeauty"].take(set(me["image_id"]) - set(models["image_id"]))
    by_me = robots.scores(jury[:-1], others)
    RESULTS.mkdir(parents=True, exist_ok=True)
    ratings = pd.concat(
        [agreement("London", by_london, sets["London"]), agreement("MEBeauty, not the models", by_me, me)]
    )
    gate = pd.concat([refusals(name, measured[name], sets[name], age) for name in sets])
    ages = age_error(age, measured["FairFace"])
    for name, table in (("ratings", ratings), ("gate_refusals", gate), ("age_error", ages)):
        table.round(4).to_csv(RESULTS / f"{name}.csv", index=False)
    for name, figure in (("gate_refusals", draw_gate(gate)), ("age_error", draw_age(ages))):
        for ending in ("png", "svg"):
            figure.savefig(RESULTS / f"{name}.{ending}", dpi=140, bbox_inches="tight")
    print(ratings.query("people == 'all'").round(3).to_string(index=False))
    print(gate.query("rule == 'any' and feature == 'ethnicity'").round(3).to_string(index=False))
    print(ages.round(2).to_string(index=False))


def draw_gate(gate: pd.DataFrame) -> Figure:
    """Share refused by any rule, by data set, gate and group."""
    table = gate.query("rule == 'any' and feature == 'ethnicity'")
    sns.set_theme(style="whitegrid", context="paper")
    grid = sns.FacetGrid(table, col="data", sharey=False, height=3, aspect=1.2)
    for axes, (_, part) in zip(grid.axes.flat, table.groupby("data", sort=False), strict=True):
        for k, (gate_name, rows) in enumerate(part.groupby("gate", sort=False)):
            place = np.arange(len(rows)) + 0.2 * (k - 0.5)
            bars = [rows["rate"] - rows["ci_low"], rows["ci_high"] - rows["rate"]]
            axes.errorbar(rows["rate"], place, xerr=np.clip(bars, 0, None), fmt="o", label=gate_name)
            axes.set_yticks(np.arange(len(rows)), rows["group"])
        axes.set_title(part["data"].iloc[0])
        axes.set_xlabel("share refused, with 95 % interval")
    grid.axes.flat[-1].legend(title="gate", loc="center left")
    grid.figure.tight_layout()
    return grid.figure


def draw_age(ages: pd.DataFrame) -> Figure:
    """Absolute and signed error in years by race."""
    table = ages[ages["metric"] != "age_score"]
    sns.set_theme(style="whitegrid", context="paper")
    grid = sns.FacetGrid(table, col="metric", sharex=False, height=3, aspect=1.2)
    for axes, (metric, part) in zip(grid.axes.flat, table.groupby("metric", sort=False), strict=True):
        bars = [part["value"] - part["ci_low"], part["ci_high"] - part["value"]]
        axes.errorbar(part["value"], np.arange(len(part)), xerr=bars, fmt="o")
        axes.set_yticks(np.arange(len(part)), part["group"])
        axes.set_title({"mae": "mean absolute error", "signed_error": "predicted − stated"}[metric])
        axes.set_xlabel("years, with 95 % interval")
    grid.figure.tight_layout()
    return grid.figure


if __name__ == "__main__":
    main()
