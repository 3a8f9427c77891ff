"""The loop of a stack of trainings: that of judge.jury.network.training, for K networks at once.

Each network has its own order of pictures, views, dropout and gradient norm, drawn as it would draw them alone, so that
it ends where its own training would end, but for the order in which sums are rounded. Losses are added up: the
gradients of the sum are those of each. A network whose loss is no longer finite is left out; its own training will say
so.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from timm.utils import ModelEmaV3
from torch import Tensor
from tqdm.auto import tqdm

from judge.errors import InputError
from judge.jury.network.augmentation import apply_views
from judge.jury.network.identity import same_training
from judge.jury.network.losses import Batch
from judge.jury.network.pool import agreement
from judge.jury.network.stacked.network import Draws, StackedNetwork, clip_each
from judge.jury.network.stacked.plan import Planned, refusal
from judge.jury.network.training import BEST, STATE, best_precision, learning_rate
from judge.storage.memory import keep_freed_memory
from judge.storage.tensors import (
    load_module,
    load_optimizer,
    load_tensors,
    module_tensors,
    optimizer_tensors,
    part_of,
    save_tensors,
)

log = logging.getLogger("judge")
#: Pictures that the frozen stages read at a time, beside a training.
PIECE = 64
#: Seconds between the states of a stack, which are kept at the end of an epoch: what a kill can cost, and an epoch.
SAVE_EVERY = 60.0


def side_by_side(accelerator: str = "auto") -> int:
    """How many networks a stack holds at best: 1 on a CPU, where K times larger operations fall out of its caches
    (experiments/stacked_speed.py), so that only what is frozen is shared; 32 on a GPU."""
    gpu = accelerator in ("auto", "cuda", "gpu") and torch.cuda.is_available()
    return 32 if gpu else 1


class Activations:
    """What the frozen stages make of the pictures of a shelf, each read once, for as many stacks as share both."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], tuple[Any, Tensor, Tensor]] = {}

    @torch.inference_mode()
    def of(
        self, model: StackedNetwork, pixels: Tensor, rows: Tensor, owner: Any, device: torch.device
    ) -> Tensor:
        """float32 (shelf, C, h, w) on the CPU, of which the rows are filled; normalised pixels if nothing is frozen."""
        stem = model.stem()
        digest = hashlib.blake2b(f"{model.stage}".encode(), digest_size=16)
        for value in [] if stem is None else stem.state_dict().values():
            digest.update(np.ascontiguousarray(value.cpu().numpy()).data)
        key = (id(owner), digest.hexdigest())
        _, there, kept = self._kept.get(key, (owner, torch.zeros(0, dtype=torch.bool), torch.empty(0)))
        if len(there) < len(pixels):
            more = len(pixels) - len(there)
            there = torch.cat([there, torch.zeros(more, dtype=torch.bool)])
            kept = torch.cat([kept, kept.new_empty((more, *kept.shape[1:]))]) if kept.ndim > 1 else kept
        missing = torch.unique(rows[~there[rows]])
        for piece in missing.split(PIECE):
            x = model.normalised(pixels[piece].to(device)).to(memory_format=torch.channels_last)
            x = (x if stem is None else stem(x)).float().cpu()
            if kept.ndim == 1:
                kept = x.new_empty((len(pixels), *x.shape[1:]))
            kept[piece] = x
        there[missing] = True
        self._kept[key] = (owner, there, kept)  # the owner is held, or its id would be another's one day
        return kept


def train_stacked(
    planned: Sequence[Planned],
    folder: Path,
    *,
    activations: Activations | None = None,
    progress: bool = True,
    bmm: bool | None = None,
) -> list[int]:
    """Trains all of these as one. Each workdir then holds the result that `train` would have left there.

    planned      equal in structure (`together`), each of a workdir of its own
    folder       for the state of the stack, kept at the end of an epoch, once a minute at most: a stack that was killed
                 goes on from there
    activations  what frozen stages made of validation pictures, shared with other stacks
    bmm          convolutions of one pixel as batched matrix products; None: on a GPU

    Returns the numbers of the trainings that have no result, since their loss was no longer finite.
    Raises InputError, before any work, for trainings that differ in more than pool, seed and scale, or whose network
    is not known to keep its channels apart.
    """
    if len({one.structure for one in planned}) > 1:
        raise InputError("these trainings cannot be stacked: their structure, settings or pool sizes differ")
    for one in planned:
        if reason := refusal(one.objective, one.settings):
            raise InputError(f"{one.workdir} cannot be stacked: {reason}")
        if one.shelf is not planned[0].shelf or one.val_shelf is not planned[0].val_shelf:
            raise InputError("the pictures of a stack stand on one shelf")
        for file in (one.workdir / BEST, one.workdir / STATE):
            if file.is_file():
                same_training(file, load_tensors(file)[1].get("training", {}), one.identity)
    settings = planned[0].settings
    fabric = Fabric(
        accelerator=settings.accelerator,
        devices=1,
        precision=settings.precision or best_precision(settings.accelerator),
        plugins=[LightningEnvironment()],
    )
    with torch.random.fork_rng():
        return _loop(fabric, planned, folder, activations or Activations(), progress, bmm)


def _saved(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What the stack goes on from; nothing where there is none, or where it is damaged or not finite."""
    if not file.is_file():
        return {}, {}
    try:
        return load_tensors(file)
    except InputError as error:
        log.warning("%s; the stack begins anew", error)
        return {}, {}


def _starting(planned: Sequence[Planned], device: torch.device, bmm: bool | None) -> StackedNetwork:
    """The networks as each training begins, and the random states that making them left behind."""
    networks, generators = [], []
    for one in planned:
        torch.manual_seed(one.seed)
        network = one.make_network()
        network.freeze_before(one.settings.train_from_stage)
        if one.settings.norms == "frozen":
            network.freeze_norms()
        networks.append(network)
        generators.append(torch.Generator(device))
        if device.type == "cpu":
            generators[-1].set_state(torch.get_rng_state())
        else:  # kernels of F.dropout draw otherwise there, so that masks are others than those of a separate run
            generators[-1].manual_seed(one.seed)
    gpu = device.type != "cpu"
    return StackedNetwork(
        networks, planned[0].settings.train_from_stage, Draws(generators), bmm=gpu if bmm is None else bmm
    )


def _loop(
    fabric: Fabric,
    planned: Sequence[Planned],
    folder: Path,
    activations: Activations,
    progress: bool,
    bmm: bool | None,
) -> list[int]:
    device = fabric.device
    if device.type == "cpu":
        keep_freed_memory()
    first, k = planned[0], len(planned)
    settings, n = first.settings, len(first.pool.rating)
    steps = math.ceil(n / settings.batch)
    total = settings.epochs * steps
    network = _starting(planned, device, bmm).to(memory_format=torch.channels_last)
    draws = network.draws
    objective = first.objective
    optimizer = torch.optim.AdamW(
        network.core.parameter_groups(
            weight_decay=settings.weight_decay, layer_decay=settings.layer_decay, head_lr=settings.head_lr
        ),
        lr=settings.lr,
    )
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    model = fabric.setup_module(network)
    half_life = settings.ema_half_life
    ema = ModelEmaV3(network, decay=0.5 ** (1 / (half_life * steps)), use_warmup=True) if half_life else None
    kept = network if ema is None else ema.module
    optimizer = fabric.setup_optimizers(optimizer)

    streams = [torch.Generator().manual_seed(one.seed) for one in planned]
    order = torch.stack([torch.randperm(n, generator=rng) for rng in streams])  # (K, n)
    places = torch.stack([one.rows for one in planned])
    rating = torch.stack([one.pool.rating for one in planned])
    weight = torch.stack([one.pool.weight for one in planned])
    histogram = None
    if first.pool.histogram is not None:
        histogram = torch.stack([one.pool.histogram for one in planned])

    told = [dict(one.identity) for one in planned]
    epoch = 0
    histories: list[list[dict[str, float]]] = [[] for _ in planned]
    lost: list[int] = []
    best: dict[int, dict[str, Tensor]] = {}
    text = json.dumps(told, sort_keys=True, default=str)
    state_file = folder / f"{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}.safetensors"
    state, facts = _saved(state_file)
    if state:
        load_module("network", network.core, state)
        load_optimizer("optimizer", optimizer, state)
        if ema is not None:
            load_module("ema", ema.module.core, state)
        order = state["order"]
        for number in range(k):
            streams[number].set_state(state["rng.views"][number].clone())
            draws.generators[number].set_state(state["rng.draws"][number].clone())
        best = {number: part_of(f"best.{number}", state) for number in range(k)}
        epoch, histories, lost = facts["epoch"], facts["histories"], facts["lost"]

    def pixels_of(places: Tensor, chosen: Sequence[Tensor]) -> Tensor:
        """What the stacked network reads of the pictures (K, B) on the shelf."""
        b = places.shape[1]
        if first.views:
            x = first.shelf.pixels[places.T, torch.stack(list(chosen)).T].to(device).float()
            return x.flatten(1, 2).to(memory_format=torch.channels_last)
        pictures = first.shelf.pixels[places.flatten()].to(device)
        x = network.normalised(apply_views(pictures, torch.cat(list(chosen)), first.size))
        x = x.to(memory_format=torch.channels_last)
        if stem is not None:
            with torch.no_grad(), fabric.autocast():
                x = stem(x)
        x = x.unflatten(0, (k, b)).transpose(0, 1).flatten(1, 2)
        return x.to(memory_format=torch.channels_last)

    stem = network.stem()
    bar = tqdm(
        total=total,
        initial=epoch * steps,
        desc=f"{k} trainings",
        unit="step",
        disable=not progress,
        leave=False,
    )
    saved = time.monotonic()
    while epoch < settings.epochs:
        model.train()
        losses = torch.zeros(k, dtype=torch.float64)
        for step, columns in enumerate(torch.tensor_split(torch.arange(n), steps)):
            now = epoch * steps + step
            rate = learning_rate(now, total=total, warmup=settings.warmup * steps)
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * group["lr_scale"] * rate
            rows, b = order[:, columns], len(columns)
            if first.views:
                views = first.shelf.pixels.shape[1]
                chosen = [torch.randint(views, (b,), generator=rng) for rng in streams]
            else:
                chosen = [first.augmentation.draws(b, rng) for rng in streams]

            def of_rows(values: Tensor, rows: Tensor = rows) -> Tensor:
                return torch.stack([v[r] for v, r in zip(values, rows, strict=True)]).flatten(0, 1).to(device)

            batch = Batch(
                pixels=pixels_of(places.gather(1, rows), chosen),
                rating=of_rows(rating),
                share=of_rows(weight) / b,
                rows=rows.flatten().to(device),
                histogram=None if histogram is None else of_rows(histogram),
            )
            reading = model(batch.pixels)
            each = objective.per_picture(reading, batch, _Scale(network.scale_of_rows(b)))
            loss = (batch.share * each).unflatten(0, (k, b)).sum(1)
            optimizer.zero_grad()
            fabric.backward(loss.sum())
            if settings.clip is not None:
                clip_each(trained, k, settings.clip)
            optimizer.step()
            if ema is not None:
                _average(kept.changing(), network.changing(), ema.get_decay(now))
            losses += loss.detach().double().cpu()
            bar.update()
        for number in torch.nonzero(~losses.isfinite()).flatten().tolist():
            if number not in lost:
                lost.append(number)
                log.warning(
                    "%s: the loss is no longer finite in epoch %d; it is left out of the stack",
                    planned[number].workdir, epoch + 1,
                )  # fmt: skip

        predicted = _validated(kept, planned, activations, device) if first.val is not None else None
        for number, one in enumerate(planned):
            record = {"epoch": epoch + 1, "loss": float(losses[number] / steps)}
            if predicted is not None and one.val is not None:
                record |= agreement(predicted[number], one.val)
            histories[number].append(record)
            better = [r["val_mse"] for r in histories[number]] if "val_mse" in record else None
            if settings.select == "last":
                better = None
            if number not in lost and (better is None or better[-1] == min(better)):
                best[number] = {name: value.cpu().clone() for name, value in kept.tensors_of(number).items()}
        epoch += 1
        order = torch.stack([torch.randperm(n, generator=rng) for rng in streams])
        if epoch == settings.epochs or time.monotonic() - saved < SAVE_EVERY:
            continue
        save_tensors(
            state_file,
            {
                **module_tensors("network", network.core),
                **optimizer_tensors("optimizer", optimizer),
                **(module_tensors("ema", ema.module.core) if ema is not None else {}),
                **{f"best.{i}.{name}": value for i, one in best.items() for name, value in one.items()},
                "order": order,
                "rng.views": torch.stack([rng.get_state() for rng in streams]),
                "rng.draws": torch.stack([rng.get_state() for rng in draws.generators]),
            },
            {"epoch": epoch, "histories": histories, "lost": lost},
        )
        saved = time.monotonic()
    bar.close()
    for number, one in enumerate(planned):
        if number not in lost:
            tensors = {f"network.{name}": value for name, value in best[number].items()}
            facts = {"training": told[number], "history": histories[number], "done": True}
            save_tensors(one.workdir / BEST, tensors, facts)
            (one.workdir / STATE).unlink(missing_ok=True)
    state_file.unlink(missing_ok=True)
    return lost


@torch.no_grad()
def _average(kept: Sequence[Tensor], values: Sequence[Tensor], decay: float) -> None:
    """One step of ModelEmaV3, of what a training changes only."""
    floats = [(a, b) for a, b in zip(kept, values, strict=True) if a.is_floating_point()]
    torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], weight=1.0 - decay)
    for a, b in zip(kept, values, strict=True):
        if not a.is_floating_point():
            a.copy_(b)


class _Scale:
    """What a loss asks of the network: the scale of the ratings, here of each row."""

    def __init__(self, scale: Tensor):
        self.scale = scale


@torch.inference_mode()
def _validated(
    network: StackedNetwork, planned: Sequence[Planned], activations: Activations, device: torch.device
) -> list[Tensor]:
    """Ratings (n,) of each training's validation pictures."""
    was = network.training
    network.eval()
    shelf = planned[0].val_shelf
    rows = [one.val_rows for one in planned if one.val_rows is not None]
    x = activations.of(network, shelf.pixels, torch.cat(rows), shelf, device)
    longest = max(map(len, rows))
    # a shorter part goes on with its first picture, whose further ratings nobody reads
    filled = torch.stack([torch.cat([r, r[:1].expand(longest - len(r))]) for r in rows])
    parts = []
    for columns in torch.arange(longest).split(PIECE):
        batch = x[filled[:, columns].T].flatten(1, 2).to(device).to(memory_format=torch.channels_last)
        parts.append(network(batch).rating.unflatten(0, (len(rows), len(columns))).cpu())
    network.train(was)
    return [ratings[: len(r)] for ratings, r in zip(torch.cat(parts, 1), rows, strict=True)]
