"""The generator that comes with judge: rendered people at 64 px, and the discriminator that taught it.

    python experiments/packaged_generator.py OUT [--go-on] [--threads 1] [--ship]

20,000 rendered people (mode natural, camera even, seed 15; a tenth of them is held out), asked for ethnicity, gender,
age, skin tone (ita) and rating. OUT/start: 30,000 pictures of warm-up and 4,600 shown to the relativistic
discriminator in batches of 64. OUT/faces: 80,000 more, in batches of 16: steps, not pictures, are what a short
training lacks. Some two hours of one core without bf16 units. It goes on where it was stopped. `--go-on` begins with
the generator that judge has now instead of OUT/start. `--ship` writes both networks as float16 into judge/generator.

The one that is there was made so, and then, in 24 minutes more, by --go-on --pictures 80000 --lr 2e-4 --ship.
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
    parser.add_argument("--pictures", type=int, default=80_000)
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--gamma", type=float, default=0.5)
    parser.add_argument("--augment", type=float, default=0.1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--go-on", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ship", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = read_parametric(
        options.people, seed=15, size=64, mode="natural", camera="even", picture_format="png"
    )
    facts = {"data": "parametric", "real_people": False, "rating_range": list(data.rating_range or ())}
    start = "packaged" if options.go_on else str(options.out / "start")
    if not options.go_on:
        first = GeneratorTraining(
            size=64, conditions=CONDITIONS, pictures=4_600, warm_up=30_000, sigma=0.3, batch=64, lr=4e-4, gamma=1.0,
            augment=0.15, evaluate_every=5_000,
        )  # fmt: skip
        train_generator(data.manifest, first, seed=options.seed, workdir=start, facts=facts)
    settings = GeneratorTraining(
        size=64, conditions=CONDITIONS, pictures=options.pictures, warm_up=0, batch=options.batch, lr=options.lr,
        gamma=options.gamma, augment=options.augment, evaluate_every=5_000, start=start,
    )  # fmt: skip
    train_generator(data.manifest, settings, seed=options.seed, workdir=options.out / "faces", facts=facts)
    if options.ship:
        ship(options.out / "faces")


def ship(folder: Path) -> None:
    """Both networks as float16, so that they are below 8 MiB together."""
    load_generator(folder).save(HOME, dtype=torch.float16)
    tensors, facts = load_tensors(folder / JUDGED_BY)
    save_tensors(HOME / JUDGED_BY, {name: value.half() for name, value in tensors.items()}, facts)
    shutil.copy(folder / "preview.png", folder / "shipped.png")
    print({name: (HOME / name).stat().st_size for name in (FILE, JUDGED_BY)})


if __name__ == "__main__":
    main()
