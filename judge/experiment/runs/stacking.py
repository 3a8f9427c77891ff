"""The trainings of a sweep as stacks, done before its jobs run: each job then finds its trainings over.

What jobs share, such as a backbone's frozen stages, is computed once. A training that no stack takes (another judge, an
objective of a mitigation, several devices) is left to its job, and is named.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from omegaconf import DictConfig

from judge.errors import InputError
from judge.experiment.draw import draw, make_pictures
from judge.experiment.choices.fitting import fitted
from judge.experiment.run_folder import RunDir
from judge.experiment.settings import Experiment, input_error
from judge.experiment.trainings import Trainings

if TYPE_CHECKING:
    from judge.jury.network.stacked import Planned, Shelf

log = logging.getLogger("judge")
#: Folder, in that of a sweep, for the states of its stacks.
STATES = ".stacks"


def stack_sweep(jobs: Iterable[tuple[DictConfig, Path]], sweep: Path, at_most: int | str) -> dict[str, int]:
    """Trains what the jobs of a sweep are going to train, as far as stacks take it, and lets the judges score.

    jobs     settings and folder of each; a run that is finished, or does not even begin, is left to the sweep
    at_most  networks side by side in a stack, or `auto` (judge.jury.network.stacked.side_by_side)

    Returns how many trainings were stacked, in how many stacks, and how many were left.
    """
    from judge.jury.network.stacked import side_by_side, together, train_stacked
    from judge.jury.network.stacked.loop import Activations

    shelves: dict[str, tuple[Shelf, Shelf]] = {}
    planned: list[Planned] = []
    after: dict[int, Callable[[], None]] = {}
    left: Counter[str] = Counter()
    with ExitStack() as locks:
        for settings, folder in jobs:
            for done, one in _planned(settings, folder, shelves, locks, left):
                after[id(one)] = done
                planned.append(one)
        for reason, n in left.items():
            log.warning("%d trainings are left to their jobs: %s", n, reason)
        activations, stacks, lost = Activations(), 0, 0
        accelerator = planned[0].settings.accelerator if planned else "auto"
        most = side_by_side(accelerator) if at_most == "auto" else int(at_most)
        log.info("%d trainings, at most %d side by side", len(planned), most)
        for stack in together(planned, most):
            try:
                gone = train_stacked(stack, sweep / STATES, activations=activations)
            except InputError as error:
                log.warning("%d trainings are left to their jobs: %s", len(stack), error)
                lost += len(stack)
                continue
            stacks += 1
            lost += len(gone)
            for number, one in enumerate(stack):
                if number not in gone:
                    after[id(one)]()
    states = sweep / STATES
    if states.is_dir() and not any(states.iterdir()):
        states.rmdir()
    return {"stacked": len(planned) - lost, "stacks": stacks, "left": sum(left.values()) + lost}


def _planned(
    settings: DictConfig,
    folder: Path,
    shelves: dict[str, tuple[Shelf, Shelf]],
    locks: ExitStack,
    left: Counter[str],
) -> Iterator[tuple[Callable[[], None], Planned]]:
    """The trainings of one job that are not over; each reason why one is left is counted."""
    from judge.jury.network.stacked import Shelf

    try:
        experiment = fitted(settings)
        home = RunDir(folder)
        locks.enter_context(home.locked())
        as_text = yaml.safe_dump(experiment.plain, sort_keys=False, allow_unicode=True)
        if home.claim(experiment.digest, as_text):
            return
        drawn = draw(experiment)
        trainings = Trainings(experiment, drawn, home)
        make_pictures(experiment, drawn)
    except Exception as error:  # the job itself will fail with it, and keep it in its folder
        left[f"{type(error).__name__}: {input_error(error) or error}"] += 1
        return
    for name in dict.fromkeys(trainings.trained_as.values()):
        if experiment.conditions[name].trained_as is not None:
            continue  # a refit of another's judge trains nothing here
        try:
            key = _shape(experiment)
            one = trainings.planned(name, *shelves.setdefault(key, (Shelf(), Shelf())))
        except InputError as error:
            left[str(error)] += 1
            continue
        if one is not None:
            yield one


def _shape(experiment: Experiment) -> str:
    """What decides the shape of a judge's pictures, by which they stand on different shelves."""
    judge = experiment.plain["judge"]
    told = [judge.get(key) for key in ("backbone", "size", "margin", "views", "crop")]
    return repr([*told, (judge.get("training") or {}).get("train_from_stage")])


@contextmanager
def hydra_job(config: DictConfig) -> Iterator[None]:
    """Within it, what refers to Hydra's settings (a folder's name, the command) refers to those of this job."""
    from hydra.core.hydra_config import HydraConfig

    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)
    try:
        yield
    finally:
        HydraConfig.instance().cfg = before
