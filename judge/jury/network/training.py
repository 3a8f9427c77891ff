"""The training of a rating network: one loop, read downward.

Every random number comes from two generators whose state is in the checkpoint, so that on a CPU a training that
was killed and started again ends in the same bits as one that was not. Pictures are decoded once and kept as
uint8; each step makes new views of them.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from timm.utils import ModelEmaV3
from torch import nn
from tqdm.auto import tqdm

from judge.errors import InputError, listed
from judge.jury.device import Device, preferred
from judge.jury.network.augmentation import Augmentation, apply_views
from judge.jury.network.backbone import RatingNetwork
from judge.jury.network.identity import described, same_training
from judge.jury.network.losses import Objective, own_parameters, prepared
from judge.jury.network.pool import Pool, agreement, pick, predict
from judge.jury.optimizers import OPTIMIZERS, AdamW, Optimiser
from judge.storage.memory import keep_freed_memory
from judge.storage.tensors import (
    load_module,
    load_optimizer,
    load_tensors,
    module_tensors,
    optimizer_tensors,
    save_tensors,
)

log = logging.getLogger("judge")

#: Files of a training's folder: how far it is, and the network of the epoch that is kept.
STATE, BEST = "state.safetensors", "best.safetensors"


@dataclass(frozen=True)
class Training:
    """Settings of the loop.

    epochs            passes over the training pictures
    batch             pictures a step, over all devices together; an epoch's steps are of near-equal size
    optimizer         of optimizers.py
    lr                peak learning rate, of the backbone's last layer
    head_lr           factor on lr for the head (and for an objective's own parameters, times its `rates`)
    layer_decay       factor on lr from each layer of the backbone to the one below; 1: none
    weight_decay      the optimizer's decay (AdamW's is decoupled), of weights that are not biases or norms
    warmup            epochs of linear rise before the cosine to zero
    clip              largest norm of the gradient; None: not clipped
    ema_half_life     epochs in which the moving average of the weights forgets half; None: no average
    train_from_stage  timm's coarse layer group from which on weights are trained; 0: all
    norms             batch norms of trained stages use the `batch`'s statistics, or keep theirs, `frozen`
    select            the epoch that is kept: `best` (lowest squared error on validation pictures) or `last`
    checkpoint_every  seconds between checkpoints; None: at the end of each epoch
    accelerator       of Lightning Fabric: auto, cpu, cuda …
    devices           of Lightning Fabric: a number, or auto for all
    precision         of Lightning Fabric; None: bf16-mixed on a GPU that has it, else 32-true
    """

    epochs: int = 12
    batch: int = 32
    optimizer: Optimiser = field(default_factory=AdamW)
    lr: float = 5e-4
    head_lr: float = 5.0
    layer_decay: float = 0.9
    weight_decay: float = 0.05
    warmup: float = 1.0
    clip: float | None = 1.0
    ema_half_life: float | None = 0.5
    train_from_stage: int = 0
    norms: str = "batch"
    select: str = "best"
    checkpoint_every: float | None = None
    accelerator: str = "auto"
    devices: int | str = 1
    precision: str | None = None

    def __post_init__(self) -> None:
        if self.select not in ("best", "last"):
            raise InputError(f"training.select={self.select!r}: allowed are best and last")
        if self.norms not in ("batch", "frozen"):
            raise InputError(f"training.norms={self.norms!r}: allowed are batch and frozen")
        numbers = (
            "epochs",
            "batch",
            "lr",
            "head_lr",
            "layer_decay",
            "weight_decay",
            "warmup",
            "clip",
            "ema_half_life",
        )
        for name in numbers:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float | None):
                raise InputError(f"training.{name}={value!r}: a number is needed")
        if self.epochs < 1 or self.batch < 2:
            raise InputError(
                f"training.epochs={self.epochs} and training.batch={self.batch}: at least 1 and 2 are needed"
            )
        if type(self.optimizer) not in OPTIMIZERS.values():
            raise InputError(
                f"training.optimizer={self.optimizer!r}: one of {listed(OPTIMIZERS)} of conf/optimizer"
            )
        for name, allowed, fits in (
            ("lr", "a number over 0", self.lr > 0),
            ("head_lr", "a factor over 0", self.head_lr > 0),
            ("layer_decay", "a factor over 0 to 1", 0 < self.layer_decay <= 1),
            ("weight_decay", "a number from 0", self.weight_decay >= 0),
            ("warmup", "epochs from 0", self.warmup >= 0),
            ("clip", "a norm over 0, or null", self.clip is None or self.clip > 0),
            ("ema_half_life", "epochs over 0, or null", self.ema_half_life is None or self.ema_half_life > 0),
            ("train_from_stage", "a stage from 0", self.train_from_stage >= 0),
        ):
            if not fits:
                raise InputError(f"training.{name}={getattr(self, name)!r}: {allowed} is needed")
        Device(self.accelerator.replace("gpu", "cuda"), _number(self.devices), _precision(self.precision))


def _number(devices: int | str) -> int | str:
    return int(devices) if str(devices).isdecimal() else devices


def _precision(precision: str | None) -> str | None:
    """Fabric's short forms, 32 and bf16, in its long ones."""
    short = {"32": "32-true", "16": "16-mixed", "bf16": "bf16-mixed", "64": "64-true"}
    return None if precision is None else short.get(str(precision), str(precision))


def train(
    make_network: Callable[[], RatingNetwork],
    objective: Objective,
    pool: Pool,
    val: Pool | None,
    *,
    size: int,  # side of the square that the network sees, pixels
    augmentation: Augmentation,
    settings: Training,
    seed: int,  # of the head's initial weights, the order of pictures, their views, dropout
    workdir: Path,  # state.safetensors and best.safetensors; a training found here is continued
    identity: Mapping[str, Any] | None = None,  # JSON-able: what else tells this training from others
    objective_as: str | None = None,  # the objective in words; None: what identity.described says of it
    progress: bool = True,  # bar on standard error
) -> tuple[RatingNetwork, list[dict[str, float]]]:
    """Trains and returns the kept epoch's network (on the CPU, in eval mode) and one record an epoch.

    Raises InputError when workdir holds the state or the result of another training (it names what differs), when
    the objective does not say what it is made of (identity.described), or when the loss is no longer finite.
    """
    here = identity_of(
        objective,
        pool,
        val,
        size=size,
        augmentation=augmentation,
        settings=settings,
        seed=seed,
        identity=identity,
        objective_as=objective_as,
    )
    _remove_damaged(workdir)
    for file in (workdir / BEST, workdir / STATE):
        if file.is_file():
            same_training(file, load_tensors(file)[1].get("training", {}), here)
    loop = partial(  # bound, because Fabric takes the arguments of what it launches apart
        _loop,
        make_network=make_network,
        objective=objective,
        pool=pool,
        val=val,
        size=size,
        augmentation=augmentation,
        settings=settings,
        seed=seed,
        workdir=workdir,
        identity=here,
        progress=progress,
    )
    many = settings.devices not in (1, "1")
    accelerator = preferred().type if settings.accelerator == "auto" and not many else settings.accelerator
    fabric = Fabric(
        accelerator=accelerator,
        devices=settings.devices,
        strategy="ddp_spawn" if many else "auto",
        precision=settings.precision or best_precision(accelerator),
        # one process must not take a Slurm job around it (a sweep's launcher) for its own cluster
        plugins=None if many else [LightningEnvironment()],
    )
    # the caller's global generators are left as they were
    with torch.random.fork_rng():
        fabric.launch(loop) if many else loop(fabric)
        network = make_network()
    tensors, facts = load_tensors(workdir / BEST)
    load_module("network", network, tensors)
    return network.eval(), facts["history"]


def identity_of(
    objective: Objective,
    pool: Pool,
    val: Pool | None,
    *,
    size: int,
    augmentation: Augmentation,
    settings: Training,
    seed: int,
    identity: Mapping[str, Any] | None = None,
    objective_as: str | None = None,
) -> dict[str, Any]:
    """JSON-able facts that tell a training from another, of what `train` is called with; its files hold them.

    Raises InputError when the objective does not say what it is made of (identity.described).
    """
    return {
        "objective": described(objective) if objective_as is None else objective_as,
        **(identity or {}),
        "training": described_settings(settings),
        "augmentation": asdict(augmentation),
        "size": size,
        "seed": seed,
        "pictures": {"training": pool.fingerprint(), "validation": val.fingerprint() if val else None},
    }


def described_settings(settings: Training) -> dict[str, Any]:
    """The settings as plain values; AdamW as it is by default is not named, as in files of earlier versions."""
    told = asdict(settings)
    own = {"name": settings.optimizer.name, **told.pop("optimizer")}
    return told if settings.optimizer == AdamW() else {**told, "optimizer": own}


def _remove_damaged(workdir: Path) -> None:
    """Removes the states of a training if one is damaged or not finite: left there it would end every training in this
    folder for ever. Both go, since the kept epoch and the last one belong together."""
    files = [file for file in (workdir / BEST, workdir / STATE) if file.is_file()]
    try:
        for file in files:
            load_tensors(file)
    except InputError as error:
        log.warning("%s; the states of this training are removed, it begins anew", error)
        for file in files:
            file.unlink()


def best_precision(accelerator: str) -> str:
    """bf16 halves the time on a GPU that has it; on CPUs without bf16 units it is slower than float32."""
    gpu = accelerator in ("auto", "cuda", "gpu") and torch.cuda.is_available()
    return "bf16-mixed" if gpu and torch.cuda.is_bf16_supported() else "32-true"


def _loop(
    fabric: Fabric,
    *,
    make_network: Callable[[], RatingNetwork],
    objective: Objective,
    pool: Pool,
    val: Pool | None,
    size: int,
    augmentation: Augmentation,
    settings: Training,
    seed: int,
    workdir: Path,
    identity: dict[str, Any],
    progress: bool,
) -> None:
    state_file, best_file = workdir / STATE, workdir / BEST
    if best_file.is_file() and load_tensors(best_file)[1].get("done"):
        return
    state, facts = load_tensors(state_file) if state_file.is_file() else ({}, {})
    epoch, step, losses, history = 0, 0, [], []
    if state:
        epoch, step, losses, history = facts["epoch"], facts["step"], facts["losses"], facts["history"]

    if fabric.device.type == "cpu":
        keep_freed_memory()
    torch.manual_seed(seed)
    network = make_network().to(memory_format=torch.channels_last)
    network.freeze_before(settings.train_from_stage)
    if settings.norms == "frozen":
        network.freeze_norms()
    if pool.pixels.ndim == 5:
        network.from_stage(settings.train_from_stage)
    steps = math.ceil(len(pool.rating) / settings.batch)
    total = settings.epochs * steps
    objective = prepared(
        objective, network, rating=pool.rating, weight=pool.weight, groups=pool.groups, steps=total
    )
    heads = nn.ModuleDict({"objective": objective} if isinstance(objective, nn.Module) else {})
    rng = torch.Generator().manual_seed(seed)
    groups = network.parameter_groups(
        weight_decay=settings.weight_decay, layer_decay=settings.layer_decay, head_lr=settings.head_lr
    )
    for factor, own in own_parameters(objective):
        groups.append({"params": own, "lr_scale": settings.head_lr * factor, "weight_decay": 0.0})
    optimizer = settings.optimizer(groups, settings.lr)
    half_life = settings.ema_half_life

    model = fabric.setup_module(network)
    ema = ModelEmaV3(network, decay=0.5 ** (1 / (half_life * steps)), use_warmup=True) if half_life else None
    heads.to(fabric.device)
    optimizer = fabric.setup_optimizers(optimizer)

    order = torch.randperm(len(pool.rating), generator=rng)
    if state:
        load_module("network", network, state)
        load_module("heads", heads, state)
        load_optimizer("optimizer", optimizer, state)
        if ema is not None:
            load_module("ema", ema.module, state)
        order = state["order"]
        rng.set_state(state["rng.views"])
        torch.set_rng_state(state["rng.torch"])
        if fabric.device.type == "cuda" and "rng.cuda" in state:
            torch.cuda.set_rng_state(state["rng.cuda"], fabric.device)

    def checkpoint() -> None:
        if not fabric.is_global_zero:
            return
        tensors = {
            **module_tensors("network", network),
            **module_tensors("heads", heads),
            **optimizer_tensors("optimizer", optimizer),
            **(module_tensors("ema", ema.module) if ema is not None else {}),
            "order": order,
            "rng.views": rng.get_state(),
            "rng.torch": torch.get_rng_state(),
        }
        if fabric.device.type == "cuda":
            tensors["rng.cuda"] = torch.cuda.get_rng_state(fabric.device)
        save_tensors(
            state_file,
            tensors,
            {"training": identity, "epoch": epoch, "step": step, "losses": losses, "history": history},
        )

    quiet = not (progress and fabric.is_global_zero)
    bar = tqdm(
        total=total, initial=epoch * steps + step, desc="training", unit="step", disable=quiet, leave=False
    )
    saved = time.monotonic()
    while epoch < settings.epochs:
        model.train()
        batches = torch.tensor_split(order, steps)
        while step < steps:
            now = epoch * steps + step
            rate = learning_rate(now, total=total, warmup=settings.warmup * steps)
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * group["lr_scale"] * rate

            rows = batches[step]
            part = slice(fabric.global_rank, None, fabric.world_size)
            batch = pick(pool, rows[part], share=fabric.world_size / len(rows), device=fabric.device)
            if pool.pixels.ndim == 5:
                view = torch.randint(pool.pixels.shape[1], (len(rows),), generator=rng)[part].to(
                    fabric.device
                )
                batch.pixels = batch.pixels[torch.arange(len(view)), view].float()
            else:
                batch.pixels = apply_views(batch.pixels, augmentation.draws(len(rows), rng)[part], size)
            batch.pixels = batch.pixels.to(memory_format=torch.channels_last)

            parts = objective(model, batch)
            optimizer.zero_grad()
            fabric.backward(parts["loss"])
            if fabric.world_size > 1:  # an objective's own parameters lie outside the network that DDP wraps
                for parameter in heads.parameters():
                    if parameter.grad is not None:
                        parameter.grad = fabric.all_reduce(parameter.grad, reduce_op="mean")
            if settings.clip is not None:
                nn.utils.clip_grad_norm_([p for g in groups for p in g["params"]], settings.clip)
            optimizer.step()
            if ema is not None:
                ema.update(network, step=now)

            losses.append(parts["loss"].item())
            if not math.isfinite(losses[-1]):
                raise InputError(
                    f"the loss is {losses[-1]} in epoch {epoch + 1}: lower training.lr={settings.lr}"
                )
            bar.update()
            step += 1
            if settings.checkpoint_every is not None and time.monotonic() - saved > settings.checkpoint_every:
                checkpoint()
                saved = time.monotonic()

        kept = ema.module if ema is not None else network
        record = {"epoch": epoch + 1, "loss": float(np.mean(losses))}
        if val is not None:
            record |= agreement(predict(kept, val.pixels, device=fabric.device), val)
        history.append(record)
        bar.set_postfix({key: f"{value:.3f}" for key, value in record.items() if key != "epoch"})
        better = [r["val_mse"] for r in history] if val is not None and settings.select == "best" else None
        if fabric.is_global_zero and (better is None or better[-1] == min(better)):
            save_tensors(best_file, module_tensors("network", kept), {"training": identity})
        epoch, step, losses = epoch + 1, 0, []
        order = torch.randperm(len(pool.rating), generator=rng)
        checkpoint()
        fabric.barrier()
    bar.close()
    if fabric.is_global_zero:
        tensors, _ = load_tensors(best_file)
        save_tensors(best_file, tensors, {"training": identity, "history": history, "done": True})
        state_file.unlink()
    fabric.barrier()


def learning_rate(step: int, *, total: int, warmup: float) -> float:
    """Factor on the peak rate: linear over `warmup` steps, then a half cosine down to zero at `total`."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1.0, total - warmup)))
