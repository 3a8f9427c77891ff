"""A generator is fitted to released means of features. Nothing here sees a private person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from timm.utils import ModelEmaV3
from torch import Tensor
from tqdm.auto import tqdm

from judge.errors import InputError
from judge.privacy.pools.frozen import FrozenFeatures

if TYPE_CHECKING:
    from judge.generator import FaceGenerator
    from judge.privacy.pools.mean_embedding import MeanEmbedding

#: Steps after which the distance is written down.
NOTED_EVERY = 50


@dataclass(frozen=True)
class Targets:
    """Released means (rows, d), how much each row's distance counts (rows,), mean 1, and a table about them."""

    means: Tensor
    weight: Tensor
    table: pd.DataFrame


def fit(
    generator: FaceGenerator,
    targets: Targets,
    row: NDArray[np.integer],
    people: pd.DataFrame,
    settings: MeanEmbedding,
    *,
    seed: int,
    progress: bool = True,
) -> tuple[FaceGenerator, list[dict[str, float]]]:
    """Lessens Σ weight ‖released mean − mean of generated features‖², a squared MMD with a linear kernel on features.

    row, people  rows of `targets`, and people of each to be asked for while fitting

    A batch has few people of each row, and the squared distance of so small a mean would count their variety as an
    error. As in Santos et al. 2019 (arXiv:1904.02762), the distance is taken from a moving average of the generated
    means, over some `window` pictures of each row, and its gradient is passed on through the batch alone.

    Returns the moving average of the generator's weights, and the distances on the way.
    Raises InputError where the loss is no longer finite.
    """
    rng = torch.Generator().manual_seed(seed)
    network, rows = generator.network.train(), len(targets.means)
    codes = torch.from_numpy(generator.conditions.encode(people))
    of_row = [torch.from_numpy(np.flatnonzero(row == k)) for k in range(rows)]
    features = FrozenFeatures(settings.side)
    adam = torch.optim.Adam(network.parameters(), settings.lr, (0.5, 0.99))
    steps = -(-settings.pictures // settings.batch)
    ema = ModelEmaV3(network, decay=0.5 ** (20 / steps), use_warmup=True)
    sums, counts = torch.zeros_like(targets.means), torch.zeros(rows)
    order, history = torch.empty(0, dtype=torch.long), []
    bar = tqdm(
        total=steps * settings.batch, desc="fitting", unit="pictures", disable=not progress, leave=False
    )
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = settings.lr * min(1.0, 1.9 - 1.8 * step / steps)
        while len(order) < settings.batch:
            order = torch.cat([order, torch.randperm(rows, generator=rng)])
        asked, order = order[: settings.batch], order[settings.batch :]
        picked = torch.stack(
            [of_row[k][torch.randint(len(of_row[k]), (), generator=rng)] for k in asked.tolist()]
        )
        latent = torch.randn(len(asked), network.latent, generator=rng)
        made = features(network(latent, codes[picked]))
        with torch.no_grad():
            seen = torch.zeros(rows).index_add_(0, asked, torch.ones(len(asked)))
            kept = (1 - 1 / settings.window) ** seen
            sums = (sums * kept[:, None]).index_add_(0, asked, made)
            counts = counts * kept + seen
            known = counts > 0
            missing = torch.where(known[:, None], targets.means - sums / counts.clamp(min=1e-9)[:, None], 0.0)
        loss = -2 * ((targets.weight[:, None] * missing)[asked] * made).sum(1).mean()
        if not torch.isfinite(loss):
            raise InputError(f"the loss of the fit is {loss.item()} at step {step}: lower lr={settings.lr}")
        adam.zero_grad()
        loss.backward()
        adam.step()
        ema.update(network, step=step)
        bar.update(settings.batch)
        if (step + 1) % NOTED_EVERY == 0 or step + 1 == steps:
            weight = targets.weight[known]
            distance = float((weight * missing[known].square().sum(1)).sum() / weight.sum())
            history.append({"pictures": (step + 1) * settings.batch, "distance": distance})
            bar.set_postfix(distance=f"{distance:.4f}", refresh=False)
    bar.close()
    return replace(generator, network=ema.module.eval()), history
