"""Random people of the renderer, and variations of them: what Private Evolution asks of its simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, cpu_count, delayed
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from judge.data.brackets import age_groups
from judge.data.parametric.people import tone
from judge.data.parametric.people.labels import LABELS
from judge.data.parametric.people.population import RENDERED, persons, sample
from judge.data.parametric.person import ETHNICITIES
from judge.data.parametric.picture.render import render_raw

#: Parameters that are drawn anew together: the weights of the ancestries sum to 1.
TOGETHER = tuple(ETHNICITIES)
CHUNK = 16  # pictures a task


def random_people(n: int, groups: Mapping[str, str], *, seed: int, **population: Any) -> pd.DataFrame:
    """n random people: RENDERED columns and the renderer's own labels.

    groups      feature → group. Where the renderer knows a group by that name the people are of it; else anybody, and
                the votes alone decide what the group looks like
    population  settings of population.sample
    """
    composition = {name: {group: 1.0} for name, group in groups.items() if group in LABELS.get(name, ())}
    return sample(n, seed=seed, composition=composition, **population)


def vary(people: pd.DataFrame, others: pd.DataFrame, degree: float, rng: np.random.Generator) -> pd.DataFrame:
    """The people with a share `degree` of their parameters drawn anew: those are taken from `others`, row by row.

    A parameter keeps its distribution in the population that way, which a step towards or away from its value would
    not. `others` are fresh random people of the same groups. Everybody becomes another person (`stream`).
    """
    if not 0 <= degree <= 1:
        raise ValueError(f"degree={degree} is a share")
    out = people.reset_index(drop=True).copy()
    others = others.reset_index(drop=True)
    own = [name for name in RENDERED if name not in TOGETHER]
    anew = rng.random((len(out), len(own) + 1)) < degree
    for k, name in enumerate(own):
        out[name] = out[name].where(~anew[:, k], others[name])
    for name in TOGETHER:
        out[name] = out[name].where(~anew[:, -1], others[name])
    out["stream"] = others["stream"]
    return out


def pictures_of(people: pd.DataFrame, size: int, *, workers: int | None, progress: bool, what: str) -> Tensor:
    """uint8 (n, 3, size, size); nothing is written to a disk."""
    rows = persons(people)
    chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    workers = min(workers or cpu_count(), len(chunks))
    out = []
    with tqdm(total=len(rows), desc=what, unit="face", disable=not progress, leave=False) as bar:
        drawn = (
            (_drawn(chunk, size) for chunk in chunks)
            if workers == 1
            else Parallel(n_jobs=workers, return_as="generator")(
                delayed(_drawn)(chunk, size) for chunk in chunks
            )
        )
        for part in drawn:
            out.append(torch.from_numpy(part).permute(0, 3, 1, 2))
            bar.update(len(part))
    return torch.cat(out).contiguous()


def _drawn(chunk: list[dict[str, Any]], size: int) -> NDArray[np.uint8]:
    return np.stack([render_raw(person, size) for person in chunk])


def labels_shown(people: pd.DataFrame) -> pd.DataFrame:
    """What a picture shows by its own parameters: age, age_group, ita (degrees), skin_tone; and all param_*."""
    ita = tone.expected_ita(people["melanin"], people["haemoglobin"])
    shown = pd.DataFrame(
        {
            "age": people["age"].astype(float),
            "age_group": age_groups(people["age"]),
            "ita": np.round(ita, 3),
            "skin_tone": tone.skin_tone(ita).to_numpy(),
        }
    )
    return pd.concat([shown, people[list(RENDERED)].add_prefix("param_")], axis=1)


def numbers_of(people: pd.DataFrame) -> pd.DataFrame:
    """The parameters as numbers, those of words as a column a word; without the key of the person's streams."""
    table = people[[name for name in RENDERED if name != "stream"]]
    return pd.get_dummies(table, dtype=float).astype(float)
