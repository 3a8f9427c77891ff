"""Who was in the training? Membership attacks on judges and on synthetic pools, by group, and the ε that they prove.

    python experiments/membership.py [--seeds 0,1,2,3,4] [--figure]
    python experiments/membership.py --photographs DIR    # MEBeauty in place of rendered people

A seed is 2,200 rendered people (mode natural, 64 px) whom no other seed has, 8 % of them african; of the photographs,
all of the training split. Ten targets are trained on people who are in by coins of their own, and 16 shadows on random
halves, of which the first 4 are balanced, too. Judges read frozen features of the packaged lite0 network:

    overfitted     penalty 1e-6 with more features than people: passes through every rating. Deliberately bad
    usual          the embedding judge's own penalty, chosen by leave-one-out once a seed, on a random half
    private_10     a private head (judge/privacy/head.py) under ε = 10 and δ = 1/(n ln n)
    private_1      … under ε = 1
    random_labels  the overfitted judge, and members drawn by coins that it has not seen: the control

Pools are 1,000 pictures: other people's (clean), or of them so many near copies of members (planted_20, planted_200:
re-encoded, brighter, mirrored, shifted). Members are again in by coins; the reference is 1,000 people of neither.

Rows: judges.csv and pools.csv (attack, shadows or space, group, rate of false alarms; of all ten targets of a seed at
one threshold), groups.csv (do members of a group stand out?), audits.csv (the ε proved of each target, beside a claim
of 1 which all of them are taken to make). Finished cells are not done again. `--figure` draws figure.png and writes
summary.csv: means over seeds with Student's intervals, the seed being the unit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from tqdm.auto import tqdm

from judge.data.parametric import read_parametric
from judge.data.readers import read_mebeauty
from judge.fairness.inference import t_interval
from judge.generator.audit.copies import plant_copies
from judge.generator.audit.spaces import features_in
from judge.jury.embedding import Embedding, embed
from judge.jury.network.pictures import load_pictures
from judge.jury.ridge import ridge
from judge.privacy.attacks import (
    ATTACKS,
    OVERFITTED,
    POOL_ATTACKS,
    PrivateTrainer,
    RidgeTrainer,
    Trainings,
    attack,
    attack_rates,
    audit_one_run,
    balanced_members,
    coin_members,
    group_differences,
    pool_attack,
    threshold_at,
    trained,
)
from judge.privacy.head import PublicSpace, usual_delta
from judge.report.figures.style import BLUE, GREY, ORANGE, VERMILLION, styled
from judge.storage import locked, write_text

RESULTS = Path(__file__).parents[1] / "results" / "membership"
MINORITY, FEATURE, SHARE = "african", "ethnicity", 0.08
PEOPLE, SOURCE, START, OTHERS = 2200, 20_000, 20_000, 2000
TARGETS, BLOCKS = 10, (4, 12)  # shadows: each block balanced, so that 4 and 16 are
TRAINED = ("overfitted", "usual", "private_10", "private_1")
JUDGES = (*TRAINED, "random_labels")  # the trainings of the overfitted judge, asked about other members
POOLS = {"clean": 0, "planted_20": 20, "planted_200": 200}
CLAIMED, FPRS = 1.0, (0.01, 0.001)
AUDITED = "BaVarIA"


class People(NamedTuple):
    """Of one seed: rows, features (n, F), and those of public people (of whom pools and references are made)."""

    rows: pd.DataFrame
    features: NDArray[np.float64]
    public: pd.DataFrame
    public_features: NDArray[np.float64]
    rating_range: tuple[float, float]


def rendered(seed: int) -> People:
    """The people of a seed: disjoint parts of one order of the source."""
    how = {
        "seed": 15, "size": 64, "mode": "natural", "camera": "even", "picture_format": "png", "progress": False,
        "render": False,
    }  # fmt: skip
    data = read_parametric(SOURCE, **how)
    rng = np.random.default_rng(16)
    groups = data.manifest[FEATURE]
    minority, others = (
        rng.permutation(np.flatnonzero(part)) for part in (groups == MINORITY, groups != MINORITY)
    )
    few = round(SHARE * PEOPLE)
    many = PEOPLE - few
    own = np.concatenate([minority[seed * few : (seed + 1) * few], others[seed * many : (seed + 1) * many]])
    if len(own) < PEOPLE:
        raise SystemExit(f"seed {seed}: the source of {SOURCE:,} people has no more")
    public = read_parametric(OTHERS, start=START, **how)
    parts = data.manifest.iloc[own].reset_index(drop=True), public.manifest
    for part, source in zip(parts, (data, public), strict=True):
        assert source.make_pictures is not None
        source.make_pictures(part)
    read = [embed(part, Embedding(), progress=False)[0].astype(float) for part in parts]
    return People(parts[0], read[0], parts[1], read[1], (1.0, 10.0))


def photographs(root: Path) -> People:
    """MEBeauty's training people; the others of it are public, which they are not for a user who has no others."""
    rows = read_mebeauty(root, single_ratings=False).manifest
    features, rows, _ = embed(rows, Embedding(), progress=False)
    inside = (rows["split"] == "train").to_numpy()
    return People(
        rows[inside].reset_index(drop=True), features[inside].astype(float),
        rows[~inside].reset_index(drop=True), features[~inside].astype(float), (1.0, 10.0),
    )  # fmt: skip


def trainer_of(judge: str, people: People) -> RidgeTrainer | PrivateTrainer:
    rating = people.rows["rating"].to_numpy(float)
    if judge.startswith("private"):
        return PrivateTrainer(
            people.features, rating, PublicSpace.of(people.public_features),
            epsilon=float(judge.split("_")[1]), delta=usual_delta(len(rating)), rating_range=people.rating_range,
        )  # fmt: skip
    if judge == "usual":
        half = np.random.default_rng([16, len(rating)]).random(len(rating)) < 0.5
        chosen = ridge(people.features[half], rating[half], np.ones(int(half.sum()))).penalty
        return RidgeTrainer(people.features, rating, (chosen,))
    return RidgeTrainer(people.features, rating, (OVERFITTED,))


def attacked(seed: int, judge: str, people: People) -> Iterator[tuple[str, pd.DataFrame]]:
    """(file, rows) of one judge and seed."""
    n = len(people.rows)
    rating = people.rows["rating"].to_numpy(float)
    rng = np.random.default_rng([seed, TRAINED.index(judge)])
    train = trainer_of(judge, people)
    inside = coin_members(n, TARGETS, rng)
    targets = trained(train, inside, rating, rng)
    shadows = trained(train, np.concatenate([balanced_members(n, k, rng) for k in BLOCKS]), rating, rng)
    scores = targets.errors + rating
    pearson = np.mean([np.corrcoef(scores[t][~inside[t]], rating[~inside[t]])[0, 1] for t in range(TARGETS)])
    asked = {judge: inside}
    if judge == "overfitted":
        asked["random_labels"] = coin_members(n, TARGETS, rng)
    groups = people.rows[FEATURE].to_numpy()
    for k, name in product(np.cumsum(BLOCKS), ATTACKS):
        got = attack(name, targets.errors, Trainings(shadows.members[:k], shadows.errors[:k]))
        for told, members in asked.items():
            how = {"seed": seed, "judge": told, "shadows": int(k), "attack": name}
            rates = attack_rates(got, members, groups=groups, fprs=FPRS)
            rates = rates[rates["scope"] == "all targets"]
            yield "judges", rates.assign(**how, pearson=pearson)
            yield "groups", group_differences(got, members, groups).assign(**how)
            if name == AUDITED and k == sum(BLOCKS):
                yield (
                    "audits",
                    pd.DataFrame([audited(got[t], members[t]) for t in range(TARGETS)]).assign(**how),
                )


def audited(scores: NDArray[np.float64], members: NDArray[np.bool_]) -> dict[str, object]:
    n = len(scores)
    found = audit_one_run(scores, members, usual_delta(n), CLAIMED, guesses=n // 20 * 2)
    return {
        "canaries": found.canaries, "guesses": found.guesses, "correct": found.correct, "epsilon": found.epsilon,
        "claimed": found.claimed, "p_value": found.p_value, "refuted": found.refuted,
    }  # fmt: skip


def attacked_pool(seed: int, kind: str, people: People) -> Iterator[tuple[str, pd.DataFrame]]:
    """(file, rows) of one pool and seed."""
    rng = np.random.default_rng([seed, 50, POOLS[kind]])
    copies = POOLS[kind]
    inside = coin_members(len(people.rows), 1, rng)[0]
    order = rng.permutation(len(people.public))
    reference, fresh = order[: len(order) // 2], order[len(order) // 2 :]
    fresh = fresh[: len(fresh) - copies]
    size = 64
    pictures, kept, _ = load_pictures(people.rows, size)
    public, _, _ = load_pictures(people.public, size)
    assert len(kept) == len(people.rows) and len(public) == len(people.public)
    planted = np.zeros(len(people.rows), bool)
    made, made_features = public[fresh].numpy(), people.public_features[fresh]
    if copies:
        found = plant_copies(pictures[inside], copies, rng)
        planted[np.flatnonzero(inside)[found.source]] = True
        made = np.concatenate([made, found.pictures])
        made_features = np.concatenate([made_features, features_of(found.pictures)])
    spaces = {
        "lite0": (people.features, made_features, people.public_features[reference]),
        "pixels": tuple(features_in("pixels", part) for part in (pictures, made, public[reference])),
    }
    cell = {"seed": seed, "pool": kind}
    groups = people.rows[FEATURE].to_numpy()
    for (space, parts), name in product(spaces.items(), POOL_ATTACKS):
        got = pool_attack(name, *parts)
        rates = attack_rates(got, inside, groups=groups, fprs=FPRS)
        above = got > threshold_at(got[~inside], FPRS[0])
        share = above[planted].mean() if copies else np.nan
        how = {**cell, "space": space, "attack": name}
        yield "pools", rates.assign(**how, planted=copies, planted_found=share)
        if name == "nearest":
            yield "pool_audits", pd.DataFrame([audited(got, inside)]).assign(**how)


def features_of(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Of pictures that are no files: they lie in a temporary folder while they are read."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.png" for i in range(len(pictures))]
        for path, picture in zip(paths, pictures, strict=True):
            Image.fromarray(picture.transpose(1, 2, 0)).save(path)
        table = pd.DataFrame({"image_id": [p.stem for p in paths], "path": [str(p) for p in paths]})
        return embed(table, Embedding(), cache=Path(folder) / "cache", progress=False)[0].astype(float)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="0,1,2,3,4", help="(%(default)s)")
    parser.add_argument(
        "--photographs", type=Path, metavar="DIR", help="MEBeauty's folder: its people, not rendered ones"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--figure", action="store_true", help="only draw what is there")
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    folder = options.results / ("mebeauty" if options.photographs else "rendered")
    if not options.figure:
        run(options, folder)
    return figure(folder)


def run(options: argparse.Namespace, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cells = [
        (seed, what) for seed in map(int, options.seeds.split(",")) for what in (*TRAINED, *POOLS)
    ]  # whole seeds first
    there: set[tuple[int, str]] = set()
    for file, column in (("judges", "judge"), ("pools", "pool")):
        if (folder / f"{file}.csv").is_file():
            table = pd.read_csv(folder / f"{file}.csv")
            there |= set(table[["seed", column]].itertuples(index=False, name=None))
    missing = [cell for cell in cells if cell not in there]
    print(f"{len(cells) - len(missing)} of {len(cells)} cells are there")
    people: dict[int, People] = {}
    for seed, what in tqdm(missing, desc="attacks", unit="cell"):
        if seed not in people:
            people = {seed: photographs(options.photographs) if options.photographs else rendered(seed)}
        work = attacked_pool if what in POOLS else attacked
        rows: dict[str, list[pd.DataFrame]] = {}
        for file, part in work(seed, what, people[seed]):
            rows.setdefault(file, []).append(part)
        with locked(folder):  # two processes may share the seeds; the file that says what is there comes last
            for file in sorted(rows, key=lambda name: name in ("judges", "pools")):
                path = folder / f"{file}.csv"
                old = [pd.read_csv(path)] if path.is_file() else []
                write_text(path, pd.concat([*old, *rows[file]]).to_csv(index=False))


def over_seeds(table: pd.DataFrame, keys: Sequence[str], value: str) -> pd.DataFrame:
    rows = []
    for key, part in table.groupby(list(keys), sort=False, dropna=False):
        known = part[value].dropna()
        mean = t_interval(known)
        rows.append({**dict(zip(keys, key, strict=True)), "value": mean.value, "low": mean.low, "high": mean.high,
                     "lowest": known.min(), "highest": known.max(), "seeds": len(known)})  # fmt: skip
    return pd.DataFrame(rows).assign(what=value)


def figure(folder: Path) -> int:
    """summary.csv and figure.png of the rows that are there."""
    from judge.report.figures.saving import save

    judges = pd.read_csv(folder / "judges.csv")
    groups = pd.read_csv(folder / "groups.csv")
    audits = pd.read_csv(folder / "audits.csv")
    pools, pool_audits = (pd.read_csv(folder / f"{name}.csv") for name in ("pools", "pool_audits"))
    keys = ["judge", "shadows", "attack", "group", "fpr"]
    of_pools = ["pool", "space", "attack", "group", "fpr"]
    parts = [
        over_seeds(judges, keys, "tpr"), over_seeds(judges, keys, "auc"),
        over_seeds(judges.drop_duplicates(["seed", "judge"]), ["judge"], "pearson"),
        over_seeds(groups, keys, "difference"),
        over_seeds(audits.groupby(["judge", "seed"], as_index=False)["epsilon"].mean(), ["judge"], "epsilon"),
        over_seeds(audits.groupby(["judge", "seed"], as_index=False)["refuted"].mean(), ["judge"], "refuted"),
        over_seeds(pools, of_pools, "tpr"), over_seeds(pools, of_pools, "planted_found"),
        over_seeds(pool_audits, ["pool", "space"], "epsilon"),
    ]  # fmt: skip
    summary = pd.concat(parts, ignore_index=True)
    columns = ["what", *[c for c in summary if c != "what"]]
    write_text(folder / "summary.csv", summary[columns].round(5).to_csv(index=False))
    save(drawn(summary), folder / "figure")
    lines = summary[(summary["group"].isna() | (summary["group"] == "all")) & summary["seeds"].gt(0)]
    print(lines[columns].round(4).to_string(index=False))
    return 0


@styled
def drawn(summary: pd.DataFrame) -> Figure:
    """A panel a judge: how many members are found at 1 % false alarms, by the number of shadows."""
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots(1, len(JUDGES), sharey=True, squeeze=False)[0]
    colours = dict(zip(ATTACKS, (GREY, BLUE, BLUE, ORANGE, ORANGE, VERMILLION, VERMILLION), strict=True))
    rows = summary[(summary["what"] == "tpr") & (summary["group"] == "all") & (summary["fpr"] == FPRS[0])]
    for ax, judge in zip(axes, JUDGES, strict=True):
        for place, (name, part) in enumerate(rows[rows["judge"] == judge].groupby("attack", sort=False)):
            at = part["shadows"] * 1.05 ** (place - 3)
            ax.errorbar(
                at, part["value"], [part["value"] - part["low"], part["high"] - part["value"]], marker="o", ms=3, lw=1,
                color=colours[str(name)], linestyle="--" if "offline" in str(name) else "-", label=name,
            )  # fmt: skip
        ax.axhline(FPRS[0], color="black", lw=0.8)
        ax.set(
            title=judge.replace("_", " "),
            xscale="log",
            yscale="log",
            xticks=[4, 16, 64],
            xticklabels=[4, 16, 64],
        )
        ax.minorticks_off()
    axes[0].set_ylabel("members found\nat 1 % false alarms")
    axes[2].set_xlabel("shadow trainings")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


if __name__ == "__main__":
    sys.exit(main())
