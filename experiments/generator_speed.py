"""Faces a second of `judge generate sample`, PNG files included, against a plain loop.

The plain peer is what one writes first: one face a pass, saved by Pillow with its usual settings, one after another.
Both draw the same people of the same generator and write files; rounds alternate, so that a busy machine slows both.

    python experiments/generator_speed.py [--generator packaged|random|DIR] [--n 2000] [--rounds 3] [--threads 2]
                                                                     → results/generator_speed.csv

`random` is a network of the default widths at 64 px with fresh weights: as fast as a trained one. Seconds of the
processor stand beside those of the clock: on a machine that does other work they say what an idle one would take.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from judge.generator import Conditions, FaceGenerator, load_generator
from judge.generator.export import sample_folder
from judge.generator.model import to_bytes
from judge.generator.networks import Generator
from judge.generator.sampling import ask_adults
from judge.generator.settings import WIDTHS
from judge.storage import write_text

RESULT = Path(__file__).parents[1] / "results" / "generator_speed.csv"
SIZE = 64


def random_generator() -> FaceGenerator:
    """Fresh weights in the default network of 64 px, taught ethnicity, gender and rating."""
    rng = np.random.default_rng(0)
    people = pd.DataFrame(
        {
            "ethnicity": np.resize(["african", "asian", "caucasian"], 600),
            "gender": np.repeat(["female", "male"], 300),
            "rating": rng.uniform(1, 10, 600),
        }
    )
    conditions = Conditions.of(people)
    torch.manual_seed(0)
    network = Generator(SIZE, WIDTHS[SIZE], conditions.width, 64).eval()
    return FaceGenerator(network, SIZE, conditions, {"real_people": False, "data": "nobody", "n": 0})


def ours(generator: FaceGenerator, n: int, folder: Path, threads: int) -> None:
    sample_folder(generator, n, folder, threads=threads, progress=False)


@torch.inference_mode()
def plain(generator: FaceGenerator, n: int, folder: Path, threads: int) -> None:
    """One face a pass, one file after another."""
    folder.mkdir()
    people = ask_adults(generator.conditions, n, rng=np.random.default_rng([0, 15]))
    rows = torch.from_numpy(generator.conditions.encode(people))
    latents = generator.latents(n, 0)
    network = generator.network.to(memory_format=torch.contiguous_format)
    for i in range(n):
        picture = to_bytes(network(latents[i : i + 1], rows[i : i + 1]))[0]
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(folder / f"{i}.png")


def timed(work: object, *given: object) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    work(*given)  # type: ignore[operator]
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--generator", default="packaged")
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--n-plain", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=RESULT)
    told = parser.parse_args()
    torch.set_num_threads(told.threads)
    generator = random_generator() if told.generator == "random" else load_generator(told.generator)
    if generator.real_people:
        parser.error(
            "a generator of real people is held against its training pictures, which is not measured here"
        )
    rows = []
    with tempfile.TemporaryDirectory() as home:
        ours(generator, 64, Path(home) / "warm", told.threads)
        for turn in range(told.rounds):
            for name, work, n in (("judge", ours, told.n), ("plain", plain, told.n_plain)):
                wall, cpu = timed(work, generator, n, Path(home) / f"{name}_{turn}", told.threads)
                rows.append(
                    {"way": name, "faces": n, "faces_a_second": n / wall, "cpu_ms_a_face": 1000 * cpu / n}
                )
    table = pd.DataFrame(rows).groupby("way").median().reset_index()
    rate = table.set_index("way")["faces_a_second"]
    table = table.assign(
        times_plain=table["faces_a_second"] / rate["plain"], size=generator.size, threads=told.threads,
        generator=told.generator, rounds=told.rounds,
    ).round(3)  # fmt: skip
    write_text(told.out, table.to_csv(index=False))
    print(table.to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
