"""A face generator of public people alone, for private pools to begin with: rendered, of mode independent.

    python experiments/public_start.py OUT [--people 6000] [--pictures 40000]

Who is rendered comes from the renderer, which is public, and not from the private people, who are of mode natural: in
mode independent tone, hair and eyes have one distribution for everybody. Nobody rated these people. A rating is drawn
at random for each, so that the generator can be asked for one and it means nothing, until private ratings teach it.
A killed training goes on. OUT then holds the generator, its card and a sheet.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from judge.data.parametric import read_parametric
from judge.generator import GeneratorTraining, train_generator

SEED = 16


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=6000)
    parser.add_argument("--pictures", type=int, default=40_000)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    read = read_parametric(
        args.people, seed=SEED, size=args.size, mode="independent", camera="even", picture_format="png"
    )
    people = read.manifest.assign(rating=np.random.default_rng(SEED).uniform(*read.rating_range, args.people))
    generator = train_generator(
        people,
        GeneratorTraining(
            size=args.size,
            conditions=("ethnicity", "gender", "rating"),
            pictures=args.pictures,
            warm_up=args.pictures // 4,
            evaluate_every=args.pictures // 5,
        ),
        seed=SEED,
        workdir=args.out,
        facts={
            "data": "parametric, mode independent",
            "real_people": False,
            "rating_range": list(read.rating_range),
        },
    )
    print(generator.facts["history"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
