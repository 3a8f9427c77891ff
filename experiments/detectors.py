"""Whom detectors of generated faces accuse falsely, what undoes them, and whether they know another generator.

    python experiments/detectors.py                      some 10 minutes on one free core
    python experiments/detectors.py --tiny               the same in small, to see that it runs

Rendered people against people generated after their labels. `packaged`: the generator that comes with judge, at 64 px,
where it is there. `small`: three generators that are trained here at 32 px (relativistic, projected, and relativistic
with another seed; in --work, kept), each detector of each tried on all. Changed pictures: of the first pairing. A seed
is another division of the people, other latents and other first weights; the people are the same, so seeds vary less
than other people would. Writes results/detectors/: runs (rates by group, a row a seed), separation and
equal_rates as Parquet, critic.csv (the discriminators' scores by group), auc.* and alarms.*.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from judge.data.parametric import read_parametric
from judge.errors import InputError
from judge.fairness.inference import t_interval
from judge.generator import FaceGenerator, GeneratorTraining, load_generator, train_generator
from judge.generator.critic import group_differences, load_critic, scores_of, tone_correlations
from judge.generator.detection import DETECTORS, PERTURBATIONS, Encoding, TrialSettings, try_detectors
from judge.generator.detection.people import features_of
from judge.jury.network.pictures import load_pictures
from judge.report.figures.rows import by_cell, rows_figure, rows_of, with_condition
from judge.report.figures.saving import save
from judge.report.figures.style import above, keys, marks, rule, styled
from judge.storage import make_writable, replacing, write_text

RESULTS = Path(__file__).parents[1] / "results" / "detectors"
#: Seed of the people whom generators learn from, and of those who are tested.
TAUGHT, TESTED = 15, 1_500_000
SMALL = {
    "relativistic": ("relativistic", 0),
    "projected": ("projected", 0),
    "relativistic 1": ("relativistic", 1),
}
#: What detectors are told about: the age and tone of generated people follow from the asked labels.
ASKED = ("ethnicity", "gender", "age", "ita")


def people(n: int, *, seed: int) -> pd.DataFrame:
    """Rendered people at 64 px."""
    return read_parametric(
        n, seed=seed, size=64, mode="natural", camera="even", picture_format="png", workers=1, progress=False
    ).manifest  # fmt: skip


def small_generators(args: argparse.Namespace) -> dict[str, FaceGenerator]:
    taught = people(args.taught, seed=TAUGHT)
    made = {}
    for name, (kind, seed) in SMALL.items():
        settings = GeneratorTraining(
            size=32, discriminator=kind, conditions=ASKED, warm_up=args.warm_up, pictures=args.pictures,
            evaluate_every=max(args.pictures // 2, 64), widths=(96, 64, 48), accelerator="cpu",
        )  # fmt: skip
        folder = args.work / name.replace(" ", "_")
        made[name] = train_generator(
            taught, settings, seed=seed, workdir=folder, progress=False,
            facts={"data": "parametric", "real_people": False},
        )  # fmt: skip
    return made


def pairings(args: argparse.Namespace) -> dict[str, dict[str, FaceGenerator]]:
    found = {"small": small_generators(args)}
    try:
        found = {"packaged": {"packaged": load_generator()}, **found}
    except InputError as error:
        print(f"left out: {error}")
    return found


def critics(args: argparse.Namespace, tested: pd.DataFrame) -> pd.DataFrame:
    """Differences by group and rank correlations with tone of each small generator's discriminator."""
    parts = []
    pixels, kept, _ = load_pictures(tested, 32)
    for name in SMALL:
        critic = load_critic(args.work / name.replace(" ", "_"))
        scores = scores_of(critic, pixels, kept)
        features = features_of(kept)
        tone = tone_correlations(scores, features).rename(columns={"rho": "value"}).assign(what="tone")
        gaps = (
            group_differences(scores, features)
            .rename(columns={"difference": "value"})
            .assign(what="difference")
        )
        parts.append(pd.concat([gaps, tone], ignore_index=True).assign(discriminator=name))
    table = pd.concat(parts, ignore_index=True)
    keys_of = ["discriminator", "score", "what", "feature", "group", "n"]
    return table[[*keys_of, "value", "ci_low", "ci_high", "p_value", "p_holm"]]


def over_seeds(table: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """Mean over seeds, the units, with Student's limits kept within 0 and 1: by, n, value, ci_low, ci_high."""
    rows = []
    for key, part in table.groupby(by, sort=False):
        mean, low, high = t_interval(part[value].dropna())
        rows.append((*key, len(part), mean, max(low, 0.0), min(high, 1.0)))
    return pd.DataFrame(rows, columns=[*by, "n", "value", "ci_low", "ci_high"])


@styled
def rows_of_detectors(table: pd.DataFrame, words: str, at: float):
    """A panel for each generator that was learnt from, a block of rows a group, in it a row a detector."""
    rows = with_condition(table.rename(columns={"detector": "condition"}))
    style = marks(rows["condition"])
    lines = rows_of(list(dict.fromkeys(rows["group"])), style)
    sources = list(dict.fromkeys(rows["trained_on"]))
    figure, axes = rows_figure(lines, len(sources))
    low, high = min(at, rows["ci_low"].min()), max(at, rows["ci_high"].max())
    for ax, source in zip(axes, sources, strict=True):
        cells = by_cell(rows[rows["trained_on"] == source])
        for y, condition, group, mark in lines:
            row = cells.get((condition, group))
            if row is not None:
                ax.plot([row["ci_low"], row["ci_high"]], [y, y], color=mark.colour, linewidth=1.2)
                ax.plot([row["value"]], [y], color=mark.colour, **mark.points())
        ax.axvline(at, **rule(0.8))
        ax.set_xlim(max(0.0, low - 0.05 * (high - low)), high + 0.05 * (high - low))
        ax.grid(axis="x")
        ax.set_title(f"learnt from {source}", fontweight="normal")
    figure.supxlabel(words, fontsize=8)
    above(figure, keys(style) if lines.alone else [])
    return figure


def figures(out: Path, runs: pd.DataFrame, separation: pd.DataFrame, fpr: float) -> None:
    whole = separation[separation["feature"] == "all"].copy()
    known = whole["trained_on"] == whole["tested_on"]
    own = whole["perturbation"].where(whole["perturbation"] != "none", "as they are")
    whole["group"] = own.where(known, "on " + whole["tested_on"])
    shown = over_seeds(whole, ["trained_on", "group", "detector"], "auc")
    save(rows_of_detectors(shown, "area under the ROC curve, mean over seeds", 0.5), out / "auc")
    alarms = runs.query("people == 'real' and perturbation == 'none' and fpr_asked == @fpr")
    alarms = alarms[alarms["feature"].isin(["all", "ethnicity", "gender"])]
    shown = over_seeds(alarms, ["trained_on", "group", "detector"], "rate")
    save(
        rows_of_detectors(shown, "share of rendered people taken for generated, mean over seeds", fpr),
        out / "alarms",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--n", type=int, default=700, help="rendered people beside generated ones")
    add("--seeds", type=int, default=5)
    add("--taught", type=int, default=2000, help="people whom the small generators learn from")
    add("--pictures", type=int, default=6_000, help="of the training of a small generator")
    add("--warm-up", type=int, default=4_000)
    add("--work", type=Path, default=Path("runs/detectors"), help="the small generators' folders")
    add("--out", type=Path, default=RESULTS)
    add("--tiny", action="store_true")
    args = parser.parse_args()
    if args.tiny:
        args.n, args.seeds, args.taught, args.pictures, args.warm_up = 200, 2, 200, 256, 256
        args.work, args.out = args.work / "tiny", args.work / "tiny" / "results"
    make_writable(args.out)
    fprs = (0.05,) if args.n < 500 else (0.05, 0.01)
    started = time.perf_counter()
    found = pairings(args)
    tested = people(args.n, seed=TESTED)
    print(f"generators and people after {time.perf_counter() - started:.0f} s")
    tables: dict[str, list[pd.DataFrame]] = {"rates": [], "separation": [], "equal_rates": []}
    for pairing, generators in found.items():
        size = min(g.size for g in generators.values())
        pixels, kept, broken = load_pictures(tested, size)
        assert broken.empty, broken
        features = features_of(kept)
        encoding = Encoding(size)  # neither kind comes out of a lossy file
        real = encoding(pixels)
        # changed pictures cost six times as much: those of the first pairing tell enough
        changes = tuple(PERTURBATIONS) if pairing == next(iter(found)) else ("none",)
        settings = TrialSettings(fprs=fprs, perturbations=changes, n_permutations=2000)
        for seed in range(args.seeds):
            fakes = {name: encoding(g.draw(kept, seed=1000 + seed)) for name, g in generators.items()}
            trial = try_detectors(
                real, fakes, kept, detectors=DETECTORS, features=features, seed=seed, settings=settings,
                real_name="rendered",
            )  # fmt: skip
            for name, parts in tables.items():
                parts.append(getattr(trial, name).assign(pairing=pairing))
            print(f"{pairing}, seed {seed}: {time.perf_counter() - started:.0f} s", flush=True)
    whole = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}
    whole["runs"] = whole.pop("rates")
    whole["critic"] = critics(args, tested)
    for name, table in whole.items():
        if name == "critic":
            write_text(args.out / f"{name}.csv", table.to_csv(index=False, float_format="%.6g"))
        else:  # thousands of rows
            with replacing(args.out / f"{name}.parquet") as part:
                table.to_parquet(part, index=False)
    figures(args.out, whole["runs"], whole["separation"], 0.05)
    auc = whole["separation"].query("feature == 'all'")
    print(
        over_seeds(auc, ["trained_on", "tested_on", "perturbation", "detector"], "auc").to_string(index=False)
    )
    tests = whole["equal_rates"].query("people == 'real' and perturbation == 'none'")
    by = tests.groupby(["pairing", "trained_on", "detector", "feature"])["p_value"]
    print(pd.DataFrame({"median p": by.median(), "share below .05": by.apply(lambda p: np.mean(p < 0.05))}))
    print(f"written: {args.out}, {time.perf_counter() - started:.0f} s in all")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
