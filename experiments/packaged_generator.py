"""The generator that comes with judge: rendered people at 64 px, and the discriminator that taught it.

    python experiments/packaged_generator.py OUT [--start packaged] [--threads 1] [--ship]

20,000 rendered people (mode natural, camera even, seed 15; a tenth of them is held out), asked for ethnicity, gender,
age, skin tone (ita) and rating. 30,000 pictures of warm-up, then 100,000 shown to the relativistic discriminator: two
hours of one core without bf16 units. It goes on where it was stopped. `--start packaged` goes on from the one that is
there, with new random numbers (--seed). `--ship` writes both networks as float16 into judge/generator.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch

from judge.data.parametric import read_parametric
from judge.generator import GeneratorTraining, load_generator, train_generator
from judge.generator.model import FILE
from judge.generator.training import JUDGED_BY
from judge.storage.tensors import load_tensors, save_tensors

HOME = Path(__file__).parents[1] / "judge" / "generator"
CONDITIONS = ("ethnicity", "gender", "age", "ita", "rating")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--warm-up", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--lr", type=float, default=4e-4)
    parser.add_argument("--gamma", type=float, default=1.0)
    parser.add_argument("--start", help="a generator's folder, or packaged")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ship", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = read_parametric(
        options.people, seed=15, size=64, mode="natural", camera="even", picture_format="png"
    )
    settings = GeneratorTraining(
        size=64, conditions=CONDITIONS, pictures=options.pictures, warm_up=0 if options.start else options.warm_up,
        sigma=0.3, lr=options.lr, gamma=options.gamma, evaluate_every=5_000, start=options.start,
    )  # fmt: skip
    facts = {"data": "parametric", "real_people": False, "rating_range": list(data.rating_range or ())}
    train_generator(data.manifest, settings, seed=options.seed, workdir=options.out, facts=facts)
    if options.ship:
        ship(options.out)


def ship(folder: Path) -> None:
    """Both networks as float16, so that they are below 8 MiB together."""
    load_generator(folder).save(HOME, dtype=torch.float16)
    tensors, facts = load_tensors(folder / JUDGED_BY)
    save_tensors(HOME / JUDGED_BY, {name: value.half() for name, value in tensors.items()}, facts)
    shutil.copy(folder / "preview.png", folder / "shipped.png")
    print({name: (HOME / name).stat().st_size for name in (FILE, JUDGED_BY)})


if __name__ == "__main__":
    main()
