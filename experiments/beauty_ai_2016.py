"""Beauty.AI 2016, held again among people who do not exist: what made its winners so pale?

    python experiments/beauty_ai_2016.py [--seeds 5] [--judge cnn] [--resamples 3] [OVERRIDES]

6,000 rendered contestants composed as published (75 % caucasian, 17 % asian, 8 % african), ten brackets of five places,
the gate, five robots and the network, whose training pictures are 90 % caucasian. Nobody's known truth goes with
ethnicity. Each seed trains anew; the contestants stay. The contest is then held under eight conditions
(conf/conditions/beauty_ai_2016.yaml): as it was, and with one, two and all of

    training     the network, and what the robots take for usual, from a pool of equal shares
    reference    the models that the resemblance robot compares with, in equal shares
    gate         nobody is turned away but for age

and the jury is taken apart: each judge left out, each alone, each rule of the panel. Writes results/beauty_ai_2016/:
page.html, figures/, winners.csv (a row a seed, variant and group), effects.csv (Shapley-averaged effect of each
change), gate.csv (refusals by rule and group), ablation.csv. Started again, it does what is missing.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from beauty_ai_2016_page import write_report
from hydra.utils import instantiate
from omegaconf import OmegaConf

import judge
from judge.data.tables import write_table
from judge.fairness.attribution import PanelRule, ablation
from judge.fairness.inference import multinomial_exact, t_interval
from judge.fairness.sweeps import shapley_effects

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "beauty_ai_2016"
GROUPS = ["caucasian", "asian", "african"]
CHANGES = {"training": "rebalanced training", "reference": "balanced reference set", "gate": "gate off"}
VARIANTS = {  # what is drawn: nothing changed, one change at a time, all of them, and nobody judging
    "as_in_2016": "as in 2016",
    **CHANGES,
    "training_reference_gate": "all three changed",
    "truth": "known truth",
}
RULES = ("mean_z", "mean_rank", "borda", "minimum", "weights")


def winners_of(run: judge.Run) -> pd.DataFrame:
    """A row a condition and group: which changes are made (0, 1), entrants, admitted, winners and their share."""
    feature = run.summary["feature"]
    people = run.table("manifest").set_index("image_id")[feature]
    members = run.table("membership")
    entrants = members.loc[members["role"] == "entrant", "image_id"].unique()
    entered = people.loc[entrants].value_counts()
    table = run.winners.rename(columns={"entrants": "admitted"})
    table["entrants"] = table["group"].map(entered)
    for change in CHANGES:
        # a condition is named by what it changes
        table[change] = (
            table["condition"].str.split("_").map(lambda words, change=change: int(change in words))
        )
    table["variant"] = table["condition"].map(VARIANTS).fillna("")
    table["group"] = pd.Categorical(table["group"], GROUPS)
    return table.assign(seed=run.summary["seed"]).sort_values(["seed", "condition", "group"])


def effects(winners: pd.DataFrame) -> pd.DataFrame:
    """Shapley-averaged effect of each change on each group's share of the winners; a seed is a replicate."""
    tables = []
    for group in GROUPS:
        runs = winners[(winners["group"] == group) & (winners["condition"] != "truth")]
        found = shapley_effects(runs, factors=dict.fromkeys(CHANGES, (0, 1)), outcome="winner_share")
        effect = found["group"].map(CHANGES).fillna("all three")
        tables.append(found.assign(change=effect, of_group=group))
    return pd.concat(tables, ignore_index=True)


def gate_of(run: judge.Run) -> pd.DataFrame:
    """Refusals by rule and group, with the gate as in 2016 and off."""
    rates = run.table("gate_rates")
    rates = rates[
        rates["condition"].isin([run.baseline, "gate"]) & (rates["feature"] == run.summary["feature"])
    ]
    off = (rates["condition"] == "gate").map({True: "off", False: "as in 2016"})
    return rates.assign(gate=off, seed=run.summary["seed"])


def take_apart(runs: list[judge.Run], resamples: int) -> pd.DataFrame:
    """The ablation of the jury as it sat in 2016, over all seeds and resampled entrants."""
    settings = OmegaConf.load(runs[0].folder / "settings.yaml")
    scores = pd.concat([run.scores[run.scores["condition"] == run.baseline] for run in runs])
    scores = scores[scores["judge"] != "panel"]
    people = runs[0].table("manifest")
    # of two hundred columns a contest reads few, and hundreds of contests would copy them all
    people = people.drop(columns=[c for c in people if c.startswith(("param_", "truth_"))])
    return ablation(
        scores,
        people,
        feature=settings.pool.feature,
        panels={rule: panel_of(settings, rule) for rule in RULES},
        contest=instantiate(settings.contest),
        n_resamples=resamples,
        jobs=-1,
    )


def panel_of(settings: OmegaConf, rule: str) -> PanelRule:
    """The run's panel with another rule; under `weights`, those of conf/panel/weights.yaml of whoever sits."""
    own = instantiate(settings.jury.panel)
    if rule != "weights":
        return replace(own, rule=rule)
    weights = OmegaConf.load(ROOT / "conf" / "panel" / "weights.yaml").weights

    def weigh(scores: pd.DataFrame, manifest: pd.DataFrame) -> pd.DataFrame:
        sitting = {name: weights[name] for name in scores["judge"].unique()}
        return replace(own, rule=rule, weights=sitting)(scores, manifest)

    return weigh


def summary(winners: pd.DataFrame) -> pd.DataFrame:
    """variant, group, entrant_share, share (of the winners, mean over seeds), ci_low, ci_high, winners (mean), least,
    most, seeds, p_value: median over seeds of the exact test of all groups against the shares of the entrants."""
    rows = []
    for variant in VARIANTS.values():
        part = winners[winners["variant"] == variant]
        p = []
        for _, of_seed in part.groupby("seed"):
            entered = of_seed["entrants"].to_numpy()
            p.append(multinomial_exact(of_seed["winners"].to_numpy(), entered / entered.sum()))
        everybody = part.groupby("seed")["entrants"].sum().mean()
        for group, of_group in part.groupby("group", observed=True):
            values = of_group["winner_share"].to_numpy()
            mean, low, high = t_interval(values)
            if np.ptp(values) == 0:
                low = high = mean  # nothing was trained: every seed is the same contest
            won = of_group["winners"]
            rows.append(
                {
                    "variant": variant, "group": group, "entrant_share": of_group["entrants"].mean() / everybody,
                    # a t interval of few seeds may leave the range of a share
                    "share": mean, "ci_low": max(low, 0.0), "ci_high": min(high, 1.0), "winners": won.mean(),
                    "least": won.min(), "most": won.max(), "seeds": len(values), "p_value": float(np.median(p)),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--judge", default="cnn")
    parser.add_argument("--resamples", type=int, default=3, help="of the entrants, a seed, for the ablation")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("overrides", nargs="*")
    args = parser.parse_args()
    started = time.monotonic()
    name = "beauty_ai_2016" if args.judge == "cnn" else f"beauty_ai_2016_{args.judge}"
    settings = ["experiment=beauty_ai_2016", f"name={name}", f"judge={args.judge}"]
    settings += [f"seed=range(0,{args.seeds})", "report.page=false", *args.overrides]
    runs = judge.sweep(settings).runs
    winners, gate = (pd.concat([of(run) for run in runs], ignore_index=True) for of in (winners_of, gate_of))
    tables = {"winners": winners, "means": summary(winners), "effects": effects(winners), "gate": gate}
    tables["ablation"] = take_apart(runs, args.resamples)
    for stem, table in tables.items():
        write_table(table, args.out / stem)
    page = write_report(args.out, tables, judge=args.judge, command=" ".join(["judge run -m", *settings]))
    print(tables["means"].round(4).to_string(index=False))
    shown = tables["effects"][["of_group", "change", "value", "ci_low", "ci_high", "p_value"]]
    print(shown.round(4).to_string(index=False))
    print(f"{(time.monotonic() - started) / 60:.1f} minutes · {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
