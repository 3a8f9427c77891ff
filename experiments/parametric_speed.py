"""How many parametric faces a minute: two processes, one thread each, as JPEG files in memory.

    python experiments/parametric_speed.py [size=96] [faces=400] [processes=2]

People are varied in hair, beard, wrinkles and pose (styles in turn). Prints faces a minute by wall clock, the same by
CPU time (what an idle machine would give), the greatest memory of a process, and as a yardstick of the machine the
time of one 512 × 512 float64 matrix product.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # after the thread limits

from judge.data.parametric import geometry
from judge.data.parametric.person import HAIR_TEXTURES, neutral
from judge.data.parametric.render import render_jpeg


def someone(number: int) -> dict:
    rng = np.random.default_rng(number)
    person = neutral() | {name: float(0.3 * rng.normal()) for name in geometry.LOCAL_NAMES}
    person |= {"stream": number, "melanin": float(rng.random()), "wrinkles": float(rng.random())}
    person |= {"hair_style": ("short", "long", "short", "none")[number % 4]}
    person |= {"hair_texture": HAIR_TEXTURES[number // 4 % 4], "blemishes": int(rng.integers(30))}
    return person | {"beard": float(rng.random() * (number % 3 == 0)), "yaw": float(5 * rng.normal())}


def work(task: tuple[int, int, int]) -> tuple[float, float, int]:
    size, first, faces = task
    people = [someone(first + i) for i in range(faces)]
    for person in people[:32]:  # compiled, hairstyles grown
        render_jpeg(person, size)
    wall, cpu = time.perf_counter(), time.process_time()
    for person in people:
        render_jpeg(person, size)
    spent = time.perf_counter() - wall, time.process_time() - cpu
    return *spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(size: int = 96, faces: int = 400, processes: int = 2) -> None:
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        results = pool.map(work, [(size, i * faces, faces) for i in range(processes)], chunksize=1)
    walls, cpus, memory = zip(*results, strict=True)
    matrix = np.random.default_rng(0).random((512, 512))
    start = time.perf_counter()
    for _ in range(20):
        matrix @ matrix
    product = (time.perf_counter() - start) / 20
    total = 60 * faces * processes
    print(
        f"{size} px, {processes} processes: {total / max(walls):.0f} faces a minute by wall clock,", end=" "
    )
    print(f"{total * processes / sum(cpus):.0f} by CPU time, {max(memory)} MB a process;", end=" ")
    print(f"one face = {np.mean(cpus) / faces / product:.1f} products of 512² matrices")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
