"""Beauty.AI 2016, held again among people who do not exist: what made its winners so pale?

    python experiments/beauty_ai_2016.py [--seeds 5] [--judge cnn] [--resamples 3] [OVERRIDES]

6,000 rendered contestants composed as published (75 % caucasian, 17 % asian, 8 % african), ten brackets of five places,
the gate, five robots and the network, whose training pictures are 90 % caucasian. Nobody's known truth goes with
ethnicity. Each seed trains anew; the contestants stay. The contest is then held with

    rebalanced training        the network, and what the robots take for usual, from a pool of equal shares
    a balanced reference set   the models that MADIS looks for, in equal shares
    the gate off               nobody is turned away but for age

in all eight combinations, and the jury is taken apart: each judge left out, each alone, each rule of the panel.
Writes results/beauty_ai_2016/: page.html, figures/, winners.csv (a row a seed, variant and group), effects.csv
(Shapley-averaged effect of each change), gate.csv (refusals by rule and group), ablation.csv. Started again, it does
what is missing.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from beauty_ai_2016_page import write_report
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from judge.data.tables import write_table
from judge.experiment.draw import draw
from judge.experiment.run_folder import RunDir, find_runs
from judge.fairness.attribution.ablation import PanelRule, ablation
from judge.fairness.inference.exact_tests import multinomial_exact
from judge.fairness.inference.randomisation import t_interval
from judge.fairness.sweeps.factorial import shapley_effects
from judge.jury.deliberation import Jury
from judge.jury.gate import refusal_rates

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "beauty_ai_2016"
GROUPS = ["caucasian", "asian", "african"]
LEVELS = {
    "training": ("skewed", "rebalanced"),
    "reference": ("as_pool", "equal"),
    "gate": ("as in 2016", "off"),
}
AS_IN_2016 = tuple(levels[0] for levels in LEVELS.values())
CHANGES = {"training": "rebalanced training", "reference": "balanced reference set", "gate": "gate off"}
VARIANTS = {  # what is drawn: nothing changed, one change at a time, all of them
    "as in 2016": AS_IN_2016,
    **{w: tuple(pair[int(name == key)] for key, pair in LEVELS.items()) for name, w in CHANGES.items()},
    "all three changed": tuple(levels[1] for levels in LEVELS.values()),
}
TRUTH = ("truth",) * len(LEVELS)
RULES = ("mean_z", "mean_rank", "borda", "minimum", "weights")


def hold(home: RunDir) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(winners, refusals) of one seed: the contest in all eight combinations, and as the known truth decides it.

    The networks' scores are those that the run kept; gate, robots and panel sit again.
    """
    settings = OmegaConf.load(home / "settings.yaml")
    assert isinstance(settings, DictConfig)
    cast = draw(settings)
    seed = int(settings.seed)
    off = OmegaConf.load(ROOT / "conf" / "gate" / "off.yaml")
    winners, refusals = [], []
    for reference, gate in itertools.product(LEVELS["reference"], LEVELS["gate"]):
        changed = settings.jury.copy()
        changed.models.shares = reference
        if gate == "off":
            changed.gate = off
        jury = Jury(changed, cast.pools, cast.source, cast.entrants, feature=settings.pool.feature, seed=seed)
        admitted, refused = jury.admitted()
        admitted_people = cast.entrants[cast.entrants["image_id"].isin(admitted)]
        if reference == LEVELS["reference"][0]:
            rates = refusal_rates(refused, cast.entrants, by=settings.pool.feature)
            refusals.append(rates.assign(gate=gate, seed=seed))
        for training in LEVELS["training"]:
            beauty = RunDir(home / "judges" / training).table("scores")
            scores = jury.scores(training, beauty)
            panel = scores.loc[scores["judge"] == "panel", ["image_id", "score"]]
            won = winners_of(settings, panel, admitted_people)
            variant = {"seed": seed, "training": training, "reference": reference, "gate": gate}
            if tuple(variant[name] for name in LEVELS) == AS_IN_2016:
                check_same(won, home)
            winners.append(composition(won, cast.entrants, admitted_people, settings.pool.feature, variant))
    truth = cast.entrants[["image_id"]].assign(score=cast.entrants["truth"])
    won = winners_of(settings, truth, cast.entrants)
    variant = {"seed": seed, **dict(zip(LEVELS, TRUTH, strict=True))}
    winners.append(composition(won, cast.entrants, cast.entrants, settings.pool.feature, variant))
    return pd.concat(winners, ignore_index=True), pd.concat(refusals, ignore_index=True)


def winners_of(settings: DictConfig, scores: pd.DataFrame, entrants: pd.DataFrame) -> list[str]:
    ranking = instantiate(settings.contest)(scores, entrants).ranking
    return ranking.loc[ranking["winner"].astype(bool), "image_id"].tolist()


def check_same(won: list[str], home: RunDir) -> None:
    """The jury that sits again names the winners that the run named."""
    ranking = home.table("ranking")
    before = ranking[(ranking["condition"] == "skewed") & ranking["winner"].astype(bool)]["image_id"]
    if set(won) != set(before):
        raise RuntimeError(f"{home.path}: the jury came to other winners than in the run")


def composition(
    won: list[str], entrants: pd.DataFrame, admitted: pd.DataFrame, feature: str, variant: dict
) -> pd.DataFrame:
    winners = entrants.loc[entrants["image_id"].isin(won), feature].value_counts()
    rows = [
        variant | {"group": group, "entrants": int((entrants[feature] == group).sum()),
                   "admitted": int((admitted[feature] == group).sum()), "winners": int(winners.get(group, 0)),
                   "winner_share": winners.get(group, 0) / len(won)}
        for group in GROUPS
    ]  # fmt: skip
    return pd.DataFrame(rows)


def effects(winners: pd.DataFrame) -> pd.DataFrame:
    """Shapley-averaged effect of each change on each group's share of the winners; a seed is a replicate."""
    tables = []
    for group in GROUPS:
        runs = winners[(winners["group"] == group) & (winners["training"] != "truth")]
        found = shapley_effects(runs, factors=LEVELS, outcome="winner_share")
        effect = found["group"].map(CHANGES).fillna("all three")
        tables.append(found.assign(change=effect, of_group=group))
    return pd.concat(tables, ignore_index=True)


def take_apart(homes: list[RunDir], resamples: int) -> pd.DataFrame:
    """The ablation of the jury as it sat in 2016, over all seeds and resampled entrants."""
    settings = OmegaConf.load(homes[0] / "settings.yaml")
    tables = [home.table("scores") for home in homes]
    scores = pd.concat([t[(t["condition"] == "skewed") & (t["judge"] != "panel")] for t in tables])
    people = homes[0].table("manifest").query("role == 'entrant'").drop_duplicates("image_id")
    # of two hundred columns a contest reads few, and hundreds of contests would copy them all
    people = people.drop(columns=[c for c in people if c.startswith(("param_", "truth_"))])
    return ablation(
        scores,
        people,
        feature=settings.pool.feature,
        panels={rule: panel_of(settings, rule) for rule in RULES},
        contest=instantiate(settings.contest),
        resamples=resamples,
        jobs=-1,
    )


def panel_of(settings: DictConfig, rule: str) -> PanelRule:
    """The run's panel with another rule; under `weights`, those of conf/panel/weights.yaml of whoever sits."""
    own = instantiate(settings.jury.panel)
    if rule != "weights":
        return replace(own, rule=rule)
    weights = OmegaConf.to_container(OmegaConf.load(ROOT / "conf" / "panel" / "weights.yaml").weights)

    def weigh(scores: pd.DataFrame, manifest: pd.DataFrame) -> pd.DataFrame:
        sitting = {name: weights[name] for name in scores["judge"].unique()}
        return replace(own, rule=rule, weights=sitting)(scores, manifest)

    return weigh


def summary(winners: pd.DataFrame) -> pd.DataFrame:
    """variant, group, entrant_share, share (of the winners, mean over seeds), ci_low, ci_high, winners (mean), least,
    most, seeds, p_value: median over seeds of the exact test of all groups against the shares of the entrants."""
    rows = []
    for variant in (*VARIANTS, "known truth"):
        part = winners[winners["variant"] == variant]
        p = []
        for _, of_seed in part.groupby("seed"):
            entered = of_seed["entrants"].to_numpy()
            p.append(multinomial_exact(of_seed["winners"].to_numpy(), entered / entered.sum()))
        everybody = part.groupby("seed")["entrants"].sum().mean()
        for group, of_group in part.groupby("group", sort=False):
            values = of_group["winner_share"].to_numpy()
            mean, low, high = t_interval(values)
            if np.ptp(values) == 0:
                low = high = mean  # nothing was trained: every seed is the same contest
            rows.append(
                {
                    "variant": variant,
                    "group": group,
                    "entrant_share": of_group["entrants"].mean() / everybody,
                    "share": mean,
                    "ci_low": max(low, 0.0),  # a t interval of few seeds may leave the range of a share
                    "ci_high": min(high, 1.0),
                    "winners": of_group["winners"].mean(),
                    "least": of_group["winners"].min(),
                    "most": of_group["winners"].max(),
                    "seeds": len(values),
                    "p_value": float(np.median(p)),
                }
            )
    return pd.DataFrame(rows)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--judge", default="cnn")
    parser.add_argument("--resamples", type=int, default=3, help="of the entrants, a seed, for the ablation")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--no-run", action="store_true", help="use the finished runs")
    parser.add_argument("overrides", nargs="*")
    args = parser.parse_args()
    started = time.monotonic()
    name = "beauty_ai_2016" if args.judge == "cnn" else f"beauty_ai_2016_{args.judge}"
    seeds = ",".join(map(str, range(args.seeds)))
    command = ["run", "-m", "experiment=beauty_ai_2016"]
    command += [f"name={name}", f"judge={args.judge}", f"seed={seeds}", "report.page=false"]
    if not args.no_run:
        subprocess.run([sys.executable, "-m", "judge", *command, *args.overrides], check=False)
    homes, others = find_runs([ROOT / "runs" / name])
    if len(others):
        print(others.to_string(index=False))
    if not homes:
        raise SystemExit(f"no run of runs/{name} is finished")
    homes = sorted((h for h in homes if h.done["seed"] in range(args.seeds)), key=lambda h: h.done["seed"])
    if [home.done["seed"] for home in homes] != list(range(args.seeds)):
        raise SystemExit(f"runs/{name} does not hold one finished run of each seed below {args.seeds}")
    held = [hold(home) for home in homes]
    winners, gate = (pd.concat(tables, ignore_index=True) for tables in zip(*held, strict=True))
    names = {levels: name for name, levels in {**VARIANTS, "known truth": TRUTH}.items()}
    winners["variant"] = [names.get(levels, "") for levels in zip(*(winners[c] for c in LEVELS), strict=True)]
    means, changes = summary(winners), effects(winners)
    jury = take_apart(homes, args.resamples)
    tables = {"winners": winners, "means": means, "effects": changes, "gate": gate, "ablation": jury}
    for stem, table in tables.items():
        write_table(table, args.out / stem)
    page = write_report(
        args.out, tables, judge=args.judge, command=" ".join(["judge", *command, *args.overrides])
    )
    print(means.round(4).to_string(index=False))
    print(
        changes[["of_group", "change", "value", "ci_low", "ci_high", "p_value"]]
        .round(4)
        .to_string(index=False)
    )
    print(f"{(time.monotonic() - started) / 60:.1f} minutes · {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
