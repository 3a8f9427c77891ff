"""A trained generator: what it may be asked for, the people that it draws, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from tqdm.auto import tqdm

from judge.errors import InputError, listed
from judge.generator.conditions import Conditions
from judge.generator.networks import Generator, stages
from judge.generator.precision import autocast
from judge.storage.tensors import load_module, load_tensors, module_tensors, save_tensors

#: Its file in a folder, and the name under which the one that comes with judge is known.
FILE, PACKAGED = "generator.safetensors", "packaged"
KIND = "face generator 1"


@dataclass(frozen=True)
class FaceGenerator:
    """A generator of faces of people who do not exist.

    network      in eval mode; it draws where it is, on the CPU as `load_generator` gives it. Its weights are laid out
                 channels last
    size         of its pictures, px
    conditions   what it may be asked for
    facts        JSON-able: data (name), real_people, rating_range, n (training pictures), settings, seed, history …

    Examples
    --------
    >>> import numpy as np
    >>> from judge.generator import load_generator
    >>> generator = load_generator("packaged")
    >>> people = generator.conditions.ask(4, rng=np.random.default_rng(0), shares={"gender": {"female": 1.0}})
    >>> generator.draw(people, seed=0).shape
    torch.Size([4, 3, 64, 64])
    """

    network: Generator
    size: int
    conditions: Conditions
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # weights as the maps have them, or oneDNN turns them round in every pass. Here and not in draw: threads may
        # draw at once, and one that lays weights out while another reads them makes grey faces of it
        self.network.to(memory_format=torch.channels_last)

    @property
    def real_people(self) -> bool:
        """Whether it learnt from photographs: then what it draws may be too near to one of them."""
        return bool(self.facts.get("real_people", True))

    def latents(self, n: int, seed: int, *, start: int = 0) -> Tensor:
        """(n, latent) standard normal: those of the people start … start + n − 1 of a seed, however many are drawn."""
        wide = self.network.latent
        rows = [
            torch.randn(wide, generator=torch.Generator().manual_seed(_mixed(seed, start + i)))
            for i in range(n)
        ]
        return torch.stack(rows) if rows else torch.empty(0, wide)

    def draw(
        self,
        people: pd.DataFrame,
        *,
        seed: int = 0,
        psi: float = 1.0,
        latents: Tensor | None = None,
        batch: int = 32,
        progress: bool = False,
    ) -> Tensor:
        """Pictures of the asked people: uint8 (n, 3, size, size), on the CPU. Threads may draw at once.

        people   columns of `conditions`; what is left out is not asked for
        seed     of the latents: row i of a seed has the same latent whatever is asked
        psi      truncation, 0 to 1: latents are scaled by it, towards the middle of what is asked for
        latents  (n, latent) instead of those of the seed
        batch    people in one pass. A pass is always that large, filled up with people who are thrown away: kernels
                 are chosen by its size and round differently, in bf16 by up to some ten of 255 steps. So a face is the
                 same to the byte whoever else is drawn, and however many
        Raises InputError for groups that the generator does not know and a psi outside 0 to 1.
        """
        if not 0 <= psi <= 1:
            raise InputError(f"psi={psi}: truncation is between 0 (no variation) and 1 (all of it)")
        rows = torch.from_numpy(self.conditions.encode(people))
        device = next(self.network.parameters()).device
        z = self.latents(len(people), seed) if latents is None else latents
        if z.shape != (len(people), self.network.latent):
            raise InputError(
                f"latents are {tuple(z.shape)}, but ({len(people)}, {self.network.latent}) are needed"
            )
        out = torch.empty((len(people), 3, self.size, self.size), dtype=torch.uint8)
        for first in tqdm(
            range(0, len(people), batch), desc="drawing", unit="batch", disable=not progress, leave=False
        ):
            part = torch.arange(first, first + batch).clamp_(max=len(people) - 1)
            # only here: what is returned may be written to
            with torch.inference_mode(), autocast("auto", device.type):
                drawn = to_bytes(self.network((z[part] * psi).to(device), rows[part].to(device)))
            out[first : first + batch] = drawn[: len(people) - first]
        return out

    def save(self, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> Path:
        """Writes FILE into the folder; float16 takes half the place and moves a pixel by less than one of 255 steps."""
        path = Path(folder) / FILE
        facts = {
            **self.facts,
            "kind": KIND,
            "size": self.size,
            "widths": list(self.network.widths),
            "latent": self.network.latent,
            "conditions": self.conditions.to_facts(),
        }
        tensors = module_tensors("generator", self.network)
        save_tensors(path, {name: value.to(dtype) for name, value in tensors.items()}, facts)
        return path


def load_generator(where: str | Path = PACKAGED) -> FaceGenerator:
    """The generator in a folder or file, or `packaged`: the one that comes with judge, of rendered people at 64 px.

    Raises InputError where there is none, for a file that is damaged or cut short, that is no generator of judge,
    and whose tensors do not fit what it says of itself.
    """
    path = file_of(where)
    if not path.is_file():
        raise InputError(
            f"generator={str(where)!r}: no {FILE} there; allowed are packaged and a folder of judge generate train"
        )
    tensors, facts = load_tensors(path)
    if facts.get("kind") != KIND:
        raise InputError(f"{path} holds no {KIND} but {facts.get('kind', 'something else')!r}")
    try:
        size, widths, latent = int(facts["size"]), [int(w) for w in facts["widths"]], int(facts["latent"])
        sound = (
            16 <= size <= 256
            and len(widths) == stages(size)
            and all(1 <= w <= 4096 for w in [*widths, latent])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: what it says of its network is damaged ({error!r})") from error
    if not sound:
        raise InputError(f"{path}: no network has size={size}, widths={listed(widths)}, latent={latent}")
    conditions = Conditions.from_facts(facts.get("conditions") or {})
    network = Generator(size, widths, conditions.width, latent)
    load_module("generator", network, tensors)
    return FaceGenerator(network.eval(), size, conditions, facts)


def file_of(where: str | Path) -> Path:
    """The file that `load_generator` reads; it need not be there."""
    path = Path(str(files("judge.generator").joinpath(FILE))) if str(where) == PACKAGED else Path(where)
    return path / FILE if path.is_dir() else path


def to_bytes(pictures: Tensor) -> Tensor:
    """Pictures in −1 to 1 as uint8."""
    return pictures.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def to_floats(pictures: Tensor) -> Tensor:
    """uint8 pictures as float32 in −1 to 1, channels last."""
    return pictures.float().div(127.5).sub(1).contiguous(memory_format=torch.channels_last)


def _mixed(seed: int, index: int) -> int:
    """One 63-bit seed of the two; neighbouring ones share no bits (Steele et al. 2014, splitmix64)."""
    x = (seed * 0x9E3779B97F4A7C15 + index + 1) & (2**64 - 1)
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
    return (x ^ (x >> 31)) >> 1
