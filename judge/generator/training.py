"""The training of a face generator: one loop, read downward.

An optional warm-up (a variational autoencoder, whose decoder is the generator), then two players in turn. Every random
number comes from generators whose state is in the checkpoint, so that on a CPU a training that was killed and started
again ends in the same bits. The generator that is kept is the moving average at its smallest distance to people whom
neither player has seen.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from judge.errors import InputError
from judge.generator.augmentation import augment
from judge.generator.conditions import Conditions
from judge.generator.distance import pixel_distance
from judge.generator.model import FILE, FaceGenerator, file_of, load_generator, to_bytes, to_floats
from judge.generator.networks import Discriminator, Encoder, Generator, ProjectedDiscriminator
from judge.generator.precision import autocast, bf16_is_faster
from judge.generator.preview import save_sheet
from judge.generator.settings import GeneratorTraining
from judge.jury.network.identity import same_training
from judge.jury.network.pictures import load_pictures
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

#: Files of a training's folder besides model.FILE: how far it is, the best average, the discriminator, a look at it.
STATE, BEST, JUDGED_BY, PREVIEW = (
    "state.safetensors",
    "best.safetensors",
    "discriminator.safetensors",
    "preview.png",
)
#: People of whom the distance is measured, at most.
MEASURED = 2_000


def train_generator(
    manifest: pd.DataFrame,
    settings: GeneratorTraining,
    *,
    seed: int,
    workdir: str | Path,
    facts: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> FaceGenerator:
    """Trains on the pictures of a manifest and returns the generator, which is also in workdir, in model.FILE.

    manifest  rows of people: path and the labels that become conditions; broken pictures are left out by number
    seed      of the weights, the order of pictures, latents and augmentation
    workdir   a training found here is continued, a finished one is read; another's is refused
    facts     JSON-able, written into the file: data (name), real_people, rating_range
    Raises InputError for settings that do not fit the data, when workdir holds another training (it names what
    differs), and when a loss is no longer finite.
    """
    workdir = Path(workdir)
    device = "cuda" if settings.accelerator != "cpu" and torch.cuda.is_available() else "cpu"
    if settings.accelerator == "cuda" and device == "cpu":
        raise InputError("generator.accelerator=cuda: this machine has no GPU that torch can use")
    conditions = Conditions.of(manifest, settings.conditions)
    pixels, kept, broken = load_pictures(manifest, settings.size)
    if len(broken):
        log.warning("%d of %d pictures are broken and left out", len(broken), len(manifest))
    if len(kept) < 20:
        raise InputError(f"a generator needs at least 20 pictures; the training data have {len(kept)}")
    codes = torch.from_numpy(conditions.encode(kept))
    here: dict[str, Any] = {
        "generator": {
            **asdict(settings),
            "widths": list(settings.channels),
            "conditions": list(conditions.names),
            # its name alone: a file that is handed on tells no folders; what it was is told by a hash, below
            "start": None if settings.start is None else Path(settings.start).name,
        },
        "seed": seed,
        "pictures": {"training": _fingerprint(pixels, codes)},
    }
    workdir.mkdir(parents=True, exist_ok=True)
    final, state_file, best_file = workdir / FILE, workdir / STATE, workdir / BEST

    def as_generator(network: Generator, **more: Any) -> FaceGenerator:
        told = {**(facts or {}), "n": len(kept), "training": here, "history": history, **more}
        return FaceGenerator(network.eval(), settings.size, conditions, told)

    if device == "cpu":
        keep_freed_memory()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        make = (settings.size, settings.channels, conditions.width)
        generator = Generator(*make, settings.latent)
        discriminator: nn.Module = (
            Discriminator(*make)
            if settings.discriminator == "relativistic"
            else ProjectedDiscriminator(settings.size, conditions.width)
        )
        encoder = Encoder(settings.size, settings.channels, settings.latent) if settings.warm_up else None
        if settings.start is not None:
            here["start"] = _begin_with(settings, conditions, generator, discriminator)
    for file in (final, state_file):
        if file.is_file():
            same_training(file, load_tensors(file)[1].get("training", {}), here)
    if final.is_file():
        return load_generator(final)
    rng = torch.Generator().manual_seed(seed)

    order = torch.randperm(len(kept), generator=rng)
    wanted = max(2, round(settings.held_out * len(kept))) if settings.held_out else len(kept)
    n_out = min(wanted, MEASURED)
    unseen = order[:n_out]  # with held_out=0 these are seen, too
    order = order[n_out:] if settings.held_out else order
    batch = min(settings.batch, len(order))
    for network in (generator, discriminator, encoder):
        if network is not None:
            network.to(device).to(memory_format=torch.channels_last)
    ema = ModelEmaV3(generator, decay=0.5 ** (batch / settings.ema), use_warmup=True)
    trained = [p for p in discriminator.parameters() if p.requires_grad]
    betas = (0.0, 0.99)
    adam_g = torch.optim.Adam(generator.parameters(), settings.lr, betas)
    adam_d = torch.optim.Adam(trained, settings.lr * settings.discriminator_lr, betas)

    steps_w = -(-settings.warm_up // batch)
    steps = steps_w + -(-settings.pictures // batch)
    step, history, place = 0, [], 0
    last: dict[str, float] = {}
    precision = settings.precision
    if precision == "auto":
        precision = "bf16" if bf16_is_faster(device) else "float32"
    modules: dict[str, nn.Module] = {
        "generator": generator,
        "ema": ema.module,
        "discriminator": discriminator,
    }
    adams = {"adam_g": adam_g, "adam_d": adam_d}
    if encoder is not None:
        modules["encoder"] = encoder
        adams["adam_w"] = torch.optim.Adam([*generator.parameters(), *encoder.parameters()], settings.lr)
    if state_file.is_file():
        state, told = load_tensors(state_file)
        for name, module in modules.items():
            load_module(name, module, state)
        for name, adam in adams.items():
            load_optimizer(name, adam, state)
        order = state["order"]
        rng.set_state(state["rng"])
        step, history, place, precision = told["step"], told["history"], told["place"], told["precision"]
        last = told.get("last", {})

    def checkpoint() -> None:
        tensors = {"order": order, "rng": rng.get_state()}
        for name, module in modules.items():
            tensors |= module_tensors(name, module)
        for name, adam in adams.items():
            tensors |= optimizer_tensors(name, adam)
        now = {
            "training": here,
            "step": step,
            "history": history,
            "place": place,
            "precision": precision,
            "last": last,
        }
        save_tensors(state_file, tensors, now)

    def next_rows() -> Tensor:
        nonlocal order, place
        if place + batch > len(order):
            order, place = order[torch.randperm(len(order), generator=rng)], 0
        place += batch
        return order[place - batch : place]

    def real(rows: Tensor) -> tuple[Tensor, Tensor]:
        pictures = to_floats(pixels[rows].to(device))
        mirrored = torch.rand(len(rows), generator=rng) < 0.5
        pictures[mirrored.to(device)] = pictures[mirrored.to(device)].flip(-1)
        return pictures, codes[rows].to(device)

    def latent(n: int) -> Tensor:
        return torch.randn(n, settings.latent, generator=rng).to(device)

    def augmented(pictures: Tensor) -> Tensor:
        return augment(pictures, settings.augment, rng=rng)

    def finite(loss: Tensor, name: str) -> float:
        value = loss.item()
        if not np.isfinite(value):
            raise InputError(
                f"the {name} is {value} after {step * batch} pictures: lower generator.lr={settings.lr}"
            )
        return value

    def evaluate() -> None:
        with torch.inference_mode(), autocast(precision, device):
            z = torch.randn(len(unseen), settings.latent, generator=torch.Generator().manual_seed(seed)).to(
                device
            )
            fakes = torch.cat(
                [
                    ema.module(z[part], codes[unseen[part]].to(device)).float().cpu()
                    for part in (slice(i, i + 250) for i in range(0, len(unseen), 250))
                ]
            )
        distance = round(pixel_distance(to_floats(pixels[unseen]), to_floats(to_bytes(fakes))), 5)
        seen = (step - steps_w) * batch
        history.append({"pictures": seen, "distance": distance, **{k: round(v, 4) for k, v in last.items()}})
        if seen > 0 and distance <= min(h["distance"] for h in history if h["pictures"] > 0):
            save_tensors(best_file, module_tensors("generator", ema.module), {"training": here})
        save_sheet(workdir / PREVIEW, as_generator(ema.module), seed=seed)

    def given_up() -> bool:
        distances = [h["distance"] for h in history if h["pictures"] > 0]
        if settings.patience is None or not distances:
            return False
        return len(distances) - 1 - int(np.argmin(distances)) >= settings.patience

    bar = tqdm(
        total=steps * batch, initial=step * batch, desc="generator", unit="pictures", disable=not progress,
        leave=False, smoothing=0.05,
    )  # fmt: skip
    saved = time.monotonic()
    stopped = given_up()  # a training may have been killed between its last checkpoint and its end
    while step < steps and not stopped:
        if step < steps_w:
            # Warm-up: a variational autoencoder with pixels of standard deviation sigma about the decoded picture.
            assert encoder is not None
            pictures, asked = real(next_rows())
            with autocast(precision, device):
                mean, log_variance = encoder(pictures)
                decoded = generator(mean + torch.exp(0.5 * log_variance) * latent(batch), asked)
            error = (decoded.float() - pictures).square().sum((1, 2, 3)).mean() / (2 * settings.sigma**2)
            divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).float().sum(1).mean()
            loss = (error + divergence) / pictures[0].numel()
            adams["adam_w"].zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*generator.parameters(), *encoder.parameters()], 1.0)
            adams["adam_w"].step()
            last = {"loss": finite(loss, "autoencoder's loss"), "divergence": divergence.item()}
            if step + 1 == steps_w and isinstance(discriminator, Discriminator):
                discriminator.trunk.load_state_dict(encoder.trunk.state_dict())
        else:
            if step == steps_w:
                last = {}
            done = (step - steps_w) / (steps - steps_w)
            for adam, factor in ((adam_g, 1.0), (adam_d, settings.discriminator_lr)):
                for group in adam.param_groups:
                    group["lr"] = settings.lr * factor * min(1.0, 1.9 - 1.8 * done)
            gamma = settings.gamma * 0.1**done

            # The discriminator's step: real and fake of the same conditions, side by side.
            pictures, asked = real(next_rows())
            with torch.no_grad(), autocast(precision, device):
                fakes = generator(latent(batch), asked).float()
            shown = torch.cat([augmented(pictures), augmented(fakes)])
            both = torch.cat([asked, asked])
            penalised = settings.discriminator == "relativistic" and step % settings.penalty_every == 0
            shown.requires_grad_(penalised)
            with autocast(precision, device):
                scores = discriminator(shown, both)
            of_real, of_fake = scores.float().chunk(2)
            loss_d = player_loss(settings.discriminator, of_real, of_fake)
            total = loss_d
            if penalised:
                # R1 + R2 (Mescheder et al. 2018, eq. 9; Huang et al. 2024, eq. 4), weighted up as they come rarely
                (slope,) = torch.autograd.grad(scores.float().sum(), shown, create_graph=True)
                penalty = slope.square().sum((1, 2, 3)).chunk(2)
                r = penalty[0].mean() + penalty[1].mean()
                last["penalty"] = r.item()
                total = total + settings.penalty_every * gamma / 2 * r
            adam_d.zero_grad()
            total.backward()
            adam_d.step()

            # The generator's step.
            for parameter in trained:
                parameter.requires_grad_(False)
            pictures, asked = real(next_rows())
            with autocast(precision, device):
                fakes = generator(latent(batch), asked)
                shown = augmented(fakes.float())
                if settings.discriminator == "relativistic":
                    with torch.no_grad():
                        of_real = discriminator(augmented(pictures), asked).float()
                of_fake = discriminator(shown, asked).float()
            loss_g = (
                functional.softplus(of_real - of_fake).mean()
                if settings.discriminator == "relativistic"
                else -of_fake.mean()
            )
            adam_g.zero_grad()
            loss_g.backward()
            adam_g.step()
            for parameter in trained:
                parameter.requires_grad_(True)
            last |= {
                "loss_d": finite(loss_d, "discriminator's loss"),
                "loss_g": finite(loss_g, "generator's loss"),
            }
        ema.update(generator, step=step)
        step += 1
        bar.update(batch)
        bar.set_postfix({k: f"{v:.3g}" for k, v in last.items()}, refresh=False)
        seen = step * batch
        if seen // settings.evaluate_every > (seen - batch) // settings.evaluate_every or step == steps:
            evaluate()
            bar.write(_said(history[-1], best=min(h["distance"] for h in history))) if progress else None
            stopped = given_up()
            checkpoint()
            saved = time.monotonic()
        elif settings.checkpoint_every is not None and time.monotonic() - saved > settings.checkpoint_every:
            checkpoint()
            saved = time.monotonic()
    bar.close()
    if stopped:
        log.info(
            "no better distance for %d measures: stopped after %d pictures", settings.patience, step * batch
        )
    load_module("generator", generator, load_tensors(best_file)[0])
    save_tensors(
        workdir / JUDGED_BY,
        module_tensors("discriminator", discriminator),
        {"training": here, "conditions": conditions.to_facts()},
    )
    made = as_generator(generator.cpu(), stopped_early=stopped)
    made.save(workdir)
    state_file.unlink(missing_ok=True)
    best_file.unlink(missing_ok=True)
    return load_generator(final)


def _said(record: Mapping[str, float], *, best: float) -> str:
    """A line of progress."""
    seen, distance = int(record["pictures"]), record["distance"]
    where = f"warm-up, {-seen:,} pictures to go" if seen <= 0 else f"{seen:,} pictures"
    return f"{where}: distance {distance:.3f}" + (", the smallest so far" if distance <= best else "")


def player_loss(kind: str, of_real: Tensor, of_fake: Tensor) -> Tensor:
    """The discriminator's: softplus of fake − real in pairs (Jolicoeur-Martineau 2019), or hinge (Lim & Ye 2017)."""
    if kind == "relativistic":
        return functional.softplus(of_fake - of_real).mean()
    return functional.relu(1 - of_real).mean() + functional.relu(1 + of_fake).mean()


def _begin_with(
    settings: GeneratorTraining, conditions: Conditions, generator: Generator, discriminator: nn.Module
) -> str:
    """Gives both networks the weights of settings.start; a discriminator of another kind begins anew.

    Returns what they are, for the training's identity. Raises InputError where the generator is another network.
    """
    assert settings.start is not None
    other = load_generator(settings.start)
    asked = {"size": (other.size, settings.size), "widths": (other.network.widths, settings.channels)}
    asked |= {"latent": (other.network.latent, settings.latent)}
    # lists: in another order the same columns of an encoded row mean something else
    theirs, ours = (
        [*(f"{k}: {', '.join(g)}" for k, g in c.groups.items()), *c.scales]
        for c in (other.conditions, conditions)
    )
    asked |= {"conditions": (theirs, ours)}
    if different := {name: pair for name, pair in asked.items() if pair[0] != pair[1]}:
        said = "; ".join(f"{name} {theirs}, here {ours}" for name, (theirs, ours) in different.items())
        raise InputError(f"generator.start={settings.start!r} is another network: {said}")
    generator.load_state_dict(other.network.state_dict())
    file = file_of(settings.start).with_name(JUDGED_BY)
    tensors: dict[str, Tensor] = {}
    if file.is_file():
        tensors, told = load_tensors(file)
        kind = told.get("training", {}).get("generator", {}).get("discriminator")
        if kind == settings.discriminator:
            load_module("discriminator", discriminator, tensors)
    return _fingerprint(*[v for _, v in sorted(other.network.state_dict().items())], *tensors.values())


def _fingerprint(*tensors: Tensor) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for tensor in tensors:
        digest.update(np.ascontiguousarray(tensor.numpy()).data)
    return digest.hexdigest()
