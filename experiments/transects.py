"""How wrong is a study of bias by generated faces (Balakrishnan et al. 2020), by construction?

    python experiments/transects.py [--generator packaged DIR …] [--seeds 5] [--n 60] [--persons 30]

Judges (ridge on frozen lite0) are trained on rendered people, each seed on others: `fair` from raters who care for
truth alone, `tone` from raters who give the darkest skin 2 points less than the lightest. Each scores a generator's
transects and the renderer's exact counterfactuals of the same attributes. Effects are points of score for one standard
deviation of the attribute; the unit of replication is the judge (training run), intervals over faces stand beside.

Started again it goes on: people and features are cached, judges are kept in --work, and a generator whose results stand
complete under the same settings is not measured again. Writes results/transects/GENERATOR/: leakage, directions,
effects, effects_over_judges (.csv, .parquet), leakage.png|svg, effects.png|svg, done.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import pandas as pd

from judge.data.parametric import read_parametric
from judge.data.tables import write_table
from judge.generator import load_generator
from judge.generator.audit.spaces import parameter_regressor
from judge.generator.transects import (
    Rendering,
    TransectStudy,
    compare_effects,
    leakage,
    make_study,
    study_scores,
)
from judge.jury.embedding import Embedding, EmbeddingJudge
from judge.jury.loading import load_judge
from judge.report import figures
from judge.report.figures.generator import effects_against_exact, leakage_matrix
from judge.report.pages.transects import effects_said, leakage_said
from judge.storage import write_json

ROOT = Path(__file__).parents[1]
RESULTS, WORK = ROOT / "results" / "transects", ROOT / "runs" / "transects"
#: What the raters of each kind of judge are like; `tone` has an effect that is known to be there.
RATERS = {"fair": {}, "tone": {"tone": -2.0}}
PEOPLE_SEED = 15  # those of the packaged generator: their pictures are there already


def judges_of(kind: str, *, seeds: int, people: int, size: int, work: Path, workers: int | None) -> dict:
    """Name → trained judge, each seed's on `people` of its own; those that stand in `work` are loaded."""
    folders = {f"{kind} {seed}": work / f"{kind}-{people}-{size}-{seed}" for seed in range(seeds)}
    if missing := [name for name, folder in folders.items() if not (folder / "judge.json").is_file()]:
        data = read_parametric(
            seeds * people, seed=PEOPLE_SEED, size=size, mode="natural", camera="even", picture_format="png",
            ratings=RATERS[kind], workers=workers,
        )  # fmt: skip
        for name in missing:
            seed = int(name.split()[-1])
            mine = data.manifest.iloc[seed * people : (seed + 1) * people].assign(weight=1.0)
            judge = EmbeddingJudge(Embedding(size=size), progress=False)
            judge.fit(mine, rating_range=data.rating_range, seed=seed).save(folders[name])
    return {name: load_judge(folder) for name, folder in folders.items()}


def measure(where: str, out: Path, args: argparse.Namespace) -> None:
    """All tables and figures of one generator."""
    began = time.perf_counter()
    generator = load_generator(where)
    settings = TransectStudy(n=args.n, persons=args.persons, faces=args.faces)
    rendering = Rendering(n=args.persons, size=generator.size, workers=args.workers)
    made = make_study(generator, parameter_regressor(), settings, rendering=rendering, progress=say)
    tables: dict[str, pd.DataFrame] = {"leakage": leakage(made.study)}
    if made.directions is not None:
        tables["directions"] = made.directions.table()
    judges = {
        kind: judges_of(
            kind,
            seeds=args.seeds,
            people=args.people,
            size=generator.size,
            work=args.work,
            workers=args.workers,
        )
        for kind in RATERS
    }
    say("scoring")
    # all judges at once: they read the same features of the same pictures
    scores = study_scores(made.study, {name: judge for of in judges.values() for name, judge in of.items()})
    parts = {
        kind: compare_effects(made.study, {key: table[list(of)] for key, table in scores.items()})
        for kind, of in judges.items()
    }
    for place, name in enumerate(("effects", "effects_over_judges")):
        tables[name] = pd.concat(
            [part[place].assign(condition=kind) for kind, part in parts.items()], ignore_index=True
        )
    for name, table in tables.items():
        write_table(table, out / name)
    figures.save(leakage_matrix(tables["leakage"]), out / "leakage")
    figures.save(effects_against_exact(tables["effects_over_judges"]), out / "effects")
    sentences = [*leakage_said(tables["leakage"]), *effects_said(tables["effects_over_judges"]), *made.notes]
    seconds = round(time.perf_counter() - began)
    write_json(out / "done.json", {"settings": settings_of(args), "sentences": sentences, "seconds": seconds})
    print("\n".join(sentences))
    columns = [
        "condition",
        "target",
        "space",
        "exact",
        "effect",
        "bias",
        "ci_low",
        "ci_high",
        "explained",
        "wrong_sign",
    ]
    print(tables["effects_over_judges"][columns].round(3).to_string(index=False))


def settings_of(args: argparse.Namespace) -> dict[str, int]:
    return {name: getattr(args, name) for name in ("seeds", "people", "n", "persons", "faces")}


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--generator", nargs="+", default=["packaged"], help="packaged, or folders of judge generate train"
    )
    parser.add_argument("--seeds", type=int, default=5, help="judges of each kind")
    parser.add_argument("--people", type=int, default=600, help="that a judge learns from")
    parser.add_argument("--n", type=int, default=60, help="generated people")
    parser.add_argument("--persons", type=int, default=30, help="rendered persons who are changed")
    parser.add_argument("--faces", type=int, default=1500, help="that latent directions are fitted on")
    parser.add_argument("--workers", type=int, help="rendering processes")
    parser.add_argument("--work", type=Path, default=WORK)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    for where in args.generator:
        out = args.out / Path(where).name
        done = out / "done.json"
        if done.is_file() and json.loads(done.read_text(encoding="utf-8"))["settings"] == settings_of(args):
            print(f"{where}: done, {out}")
            continue
        measure(where, out, args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
