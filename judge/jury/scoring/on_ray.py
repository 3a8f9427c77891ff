"""The missing pieces by Ray Data: an actor a worker, which loads the judges once and writes each piece itself.

What goes through Ray is the numbers of pieces and what became of them, so that neither pictures nor scores pile up in
its object store: an actor has two pieces at most waiting for it (`IN_FLIGHT`), and reads its pictures by itself. An
actor that dies is started again and does its piece again; a piece that kills every actor that takes it up ends the pass
after `RETRIES` further tries, with everything else that is finished kept.
"""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from judge import extras
from judge.errors import InputError
from judge.jury.scoring.pieces import finished
from judge.jury.scoring.plan import PictureList
from judge.jury.scoring.work import Done, Task, Worker

IN_FLIGHT = 2
RETRIES = 4
#: Of machines that are taken away any number may be; Ray Data by itself would try a piece again without end.
PATIENCE = {"max_restarts": -1, "max_task_retries": RETRIES}


@dataclass(frozen=True)
class Actors:
    """How many there are, and what each is given.

    number  None: as many as the cluster has CPUs for
    cpus    threads of a network and of decoding, one or more
    gpus    share of a GPU, or several; 0: the judges run on the CPU
    """

    number: int | None = None
    cpus: int = 1
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.number is not None and self.number < 1:
            raise InputError(f"--workers {self.number}: 1 or more")
        if self.cpus < 1:
            raise InputError(f"--worker-cpus {self.cpus}: 1 or more")
        if not 0 <= self.gpus < float("inf"):
            raise InputError(f"--worker-gpus {self.gpus}: 0 or more")


def check_ray() -> None:
    """Raises InputError where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise extras.absence("cluster", "--engine ray", ["ray"])


class PieceActor:
    """What Ray Data calls with a batch of one number, in a process of its own."""

    def __init__(self, task: Task, cpus: int) -> None:
        import torch

        torch.set_num_threads(cpus)
        self.worker = Worker(task, threads=cpus)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[Any]]:
        number = int(batch["piece"][0])
        try:
            scores, excluded = self.worker.do(number, by="ray")
        except InputError as error:  # told as it is, without the frames that Ray puts around it
            return {"piece": [number], "scores": [0], "excluded": [0], "error": [str(error)]}
        return {"piece": [number], "scores": [scores], "excluded": [excluded], "error": [""]}


def do_missing_on_ray(
    task: Task, pictures: PictureList, actors: Actors, *, progress: Callable[[str], None] = lambda _: None
) -> Done:
    """Does all missing pieces on the cluster that is running ($RAY_ADDRESS), else on one started on this machine.

    Every machine of the cluster has to see the pictures, the judges and the folder of pieces under the same paths or
    addresses, and to have judge installed.

    Raises InputError: no Ray, a cluster without what an actor is to be given, what a judge raises, and a piece at which
    actors died again and again. Pieces that were finished stay.
    """
    check_ray()
    plan = pictures.plan
    before = finished(pictures.folder, plan, range(plan.pieces))
    missing = [number for number in range(plan.pieces) if number not in before]
    if missing:
        with _cluster() as ray:
            for row in _rows(ray, _absolute(task), actors, missing):
                if row["error"]:
                    raise InputError(row["error"])
                progress(f"piece {row['piece'] + 1} of {plan.pieces}")
    return Done(plan.pieces, plan.pieces, len(before))


def _rows(ray: Any, task: Task, actors: Actors, missing: list[int]) -> Iterator[dict[str, Any]]:
    import ray.data  # the package is `ray`, the submodule is not there before this

    number = _number(ray.cluster_resources(), actors, len(missing))
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what goes wrong is raised below
    # to be removed in Ray 2.64 (pyproject.toml), where Ray says so far nothing of what takes its place
    warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    # a piece that fails is not one to be dropped in silence
    context.max_errored_blocks = 0
    todo = ray.data.from_items([{"piece": piece} for piece in missing], override_num_blocks=len(missing))
    done = todo.map_batches(
        PieceActor,
        fn_constructor_args=(task, actors.cpus),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=number, max_tasks_in_flight_per_actor=IN_FLIGHT),
        num_cpus=actors.cpus,
        num_gpus=actors.gpus or None,
        **PATIENCE,
    )
    try:
        yield from done.iter_rows()
    except ray.exceptions.RayError as error:
        why = str(error).strip().splitlines()[-1][:300]
        raise InputError(
            f"a worker of Ray failed ({type(error).__name__}: {why}); the pieces that are finished stay: start again, "
            "and if it fails again, with --engine process, which stops at the piece that does it"
        ) from error


def _number(there: dict[str, float], actors: Actors, pieces: int) -> int:
    cpus, gpus = there.get("CPU", 0), there.get("GPU", 0)
    if actors.cpus > cpus or actors.gpus > gpus:
        raise InputError(
            f"--worker-cpus {actors.cpus} --worker-gpus {actors.gpus:g}: the cluster has {cpus:g} CPUs, {gpus:g} GPUs"
        )
    room = int(min(cpus / actors.cpus, gpus / actors.gpus if actors.gpus else float("inf")))
    return max(1, min(actors.number or room, pieces))


def _absolute(task: Task) -> Task:
    """Actors work in another folder than this process."""
    pieces = task.pieces if isinstance(task.pieces, str) else Path(task.pieces).absolute()
    return replace(task, where=Path(task.where).absolute(), pieces=pieces)


@contextmanager
def _cluster() -> Iterator[Any]:
    import ray

    own = not ray.is_initialized()
    if own:
        try:
            # the dashboard of a cluster that is started here would be ten processes, for a command that soon ends
            ray.init(include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
        except Exception as error:  # Ray raises a bare one where a node is not up in time
            raise InputError(f"Ray cannot be started or reached: {str(error)[:300]}") from error
    try:
        yield ray
    finally:
        if own:
            ray.shutdown()
