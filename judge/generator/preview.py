"""A sheet of what a generator draws: a row a group, to be looked at."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from judge.storage.atomic import replacing

if TYPE_CHECKING:
    from judge.generator.model import FaceGenerator


def asked_by_group(generator: FaceGenerator, across: int, *, seed: int, rows: int = 12) -> pd.DataFrame:
    """`across` people of each group of the first two features that may be asked for, at most `rows` groups."""
    conditions = generator.conditions
    names = list(conditions.groups)[:2]
    rng = np.random.default_rng(seed)
    there = {tuple(cell[list(conditions.groups).index(n)] for n in names) for cell, _ in conditions.cells}
    combinations = [key for key in product(*(conditions.groups[n] for n in names)) if key in there][:rows]
    parts = [
        conditions.ask(
            across, rng=rng, shares={name: {group: 1.0} for name, group in zip(names, key, strict=True)}
        )
        for key in combinations
    ]
    return pd.concat(parts, ignore_index=True)


def sheet(pictures: Tensor, across: int) -> Tensor:
    """uint8 (n, 3, size, size) → one picture with `across` in a row."""
    rows = [torch.cat(list(row), 2) for row in pictures.split(across) if len(row) == across]
    return torch.cat(rows, 1)


def save_sheet(
    path: Path, generator: FaceGenerator, *, seed: int, across: int = 12, psi: float = 1.0
) -> None:
    """Draws people of each group and writes them as a PNG."""
    people = asked_by_group(generator, across, seed=seed)
    picture = sheet(generator.draw(people, seed=seed, psi=psi), across)
    with replacing(path) as part:
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(part, format="PNG")
