"""Beauty.AI 2016, held again among people who do not exist: what made its winners so pale?

    python experiments/beauty_ai_2016.py [--seeds 5] [--resamples 3] [OVERRIDES]

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
from dataclasses import replace
from pathlib import Path

import pandas as pd
from beauty_ai_2016_page import write_report
from hydra.utils import instantiate
from omegaconf import OmegaConf

import judge
from judge.data.tables import write_table
from judge.experiment.run_folder import RunDir
from judge.experiment.runs.contests import people_of
from judge.fairness.attribution import PanelRule, ablation
from judge.fairness.inference import multinomial_exact
from judge.fairness.sweeps import means_with_people, shapley_effects

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
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
    table = run.winners.rename(columns={"ranked": "admitted"})
    # a condition is named by what it changes
    changes = {change: table["condition"].str.contains(change).astype(int) for change in CHANGES}
    table = table.assign(
        **changes, seed=run.summary["seed"], variant=table["condition"].map(VARIANTS).fillna(""),
        group=pd.Categorical(table["group"], GROUPS),
    )  # fmt: skip
    return table.sort_values(["seed", "condition", "group"])


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
    named = {run.baseline: "as in 2016", "gate": "off"}
    rates = run.table("gate_rates").assign(gate=lambda t: t["condition"].map(named), seed=run.summary["seed"])
    return rates[rates["gate"].notna() & (rates["feature"] == run.summary["feature"])]


def take_apart(runs: list[judge.Run], resamples: int) -> pd.DataFrame:
    """The ablation of the jury as it sat in 2016, over all seeds and resampled entrants."""
    settings = OmegaConf.load(runs[0].folder / "settings.yaml")
    scores = pd.concat([run.scores[run.scores["condition"] == run.baseline] for run in runs])
    people = runs[0].table("manifest")
    return ablation(
        scores[scores["judge"] != "panel"],
        # of two hundred columns a contest reads few, and hundreds of contests would copy them all
        people.drop(columns=[c for c in people if c.startswith(("param_", "truth_"))]),
        feature=settings.pool.feature, panels={rule: panel_of(settings, rule) for rule in RULES},
        contest=instantiate(settings.contest), n_resamples=resamples, jobs=-1,
    )  # fmt: skip


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


def summary(winners: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """variant, group, entrant_share, share (of the winners, mean over seeds), ci_low and ci_high (over seeds, for these
    contestants; none where nothing was trained and every seed is one contest), ci_people_low and ci_people_high (for
    other contestants, too), winners (mean), least, most, seeds, p_value: median over seeds of the exact test of all
    groups against the shares of the entrants."""
    drawn = winners[winners["variant"] != ""].assign(
        variant=lambda t: pd.Categorical(t["variant"], VARIANTS.values()),
        everybody=lambda t: t.groupby(["seed", "variant"], observed=True)["entrants"].transform("sum"),
    )
    keys = ["variant", "group"]
    table = means_with_people(
        people.assign(variant=people["condition"].map(VARIANTS)).dropna(subset="variant"),
        by=["variant"],
        step=1 / winners.groupby(["seed", "condition"], observed=True)["winners"].sum().median(),
    ).rename(columns={"value": "share", "n": "seeds"})
    order = {"variant": VARIANTS.values(), "group": GROUPS}
    table = table.assign(**{key: pd.Categorical(table[key], names) for key, names in order.items()})
    table = table.sort_values(keys, ignore_index=True)
    of_cell = drawn.groupby(keys, observed=True)
    table["entrant_share"] = (of_cell["entrants"].mean() / of_cell["everybody"].mean()).to_numpy()
    won = of_cell["winners"].agg(["mean", "min", "max"]).to_numpy().T
    table["winners"], table["least"], table["most"] = won
    p = {
        key: multinomial_exact(
            part["winners"].to_numpy(), (part["entrants"] / part["entrants"].sum()).to_numpy()
        )
        for key, part in drawn.groupby(["variant", "seed"], observed=True)
    }
    return table.assign(p_value=table["variant"].map(pd.Series(p).groupby(level=0).median()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--resamples", type=int, default=3, help="of the entrants, a seed, for the ablation")
    parser.add_argument("overrides", nargs="*", help="settings, such as judge=cnn_depths name=another_folder")
    args = parser.parse_args()
    settings = [
        "experiment=beauty_ai_2016",
        f"seed=range(0,{args.seeds})",
        "report.page=false",
        *args.overrides,
    ]
    sweep = judge.sweep(settings)
    winners, gate = (
        pd.concat([of(r) for r in sweep.runs], ignore_index=True) for of in (winners_of, gate_of)
    )
    people = pd.concat([people_of(RunDir(run.folder)) for run in sweep.runs], ignore_index=True)
    tables = {
        "winners": winners,
        "means": summary(winners, people),
        "effects": effects(winners),
        "gate": gate,
    }
    tables["ablation"] = take_apart(sweep.runs, args.resamples)
    out = RESULTS / sweep.folder.name
    for stem, table in tables.items():
        write_table(table, out / stem)
    network = OmegaConf.load(sweep.runs[0].folder / "settings.yaml").judge
    print(write_report(out, tables, judge=network.backbone, command=" ".join(["judge run -m", *settings])))
    print(tables["means"].round(4).to_string(index=False))
    shown = tables["effects"][["of_group", "change", "value", "ci_low", "ci_high", "p_value"]]
    print(shown.round(4).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
