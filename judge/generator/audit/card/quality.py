"""Quality by group and copies, as the rest of the audit wants them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from judge.errors import InputError
from judge.generator.audit.card.drawing import FEWEST, People
from judge.generator.audit.copies import CopySpace, find_copies
from judge.generator.audit.quality import SETS, Measuring, quality_by_group


def compared(
    features: Sequence[NDArray[np.float32]], people: Sequence[People], *, space: str, seed: int
) -> pd.DataFrame:
    """`quality_by_group` of training, held-out and generated people, as many in each group: a row a group and measure.

    features, people  of the three, in this order
    Nobody is left to be drawn at random within a group, so that each is measured once.
    """
    groups = {name: one.group.to_numpy() for name, one in zip(SETS, people, strict=True)}
    measuring = Measuring(splits=1, least=FEWEST, most=None, seed=seed)
    train, held_out, fake = features
    table = quality_by_group(train, held_out, fake, groups, space=space, measuring=measuring).table
    return table.drop(columns=["value_sd", "real_sd", "splits"])


def copies_of(
    training: People, held_out: People, fake: People, *, fpr: float, notes: list[str]
) -> pd.DataFrame:
    """Fakes nearer to a training face than held-out faces are, all and by group (`copies.find_copies`).

    Empty, with a note, where too few people are held out for so few false alarms.
    """
    space = CopySpace.fit(training.pictures)
    try:
        found = find_copies(
            space.of(training.pictures), space.views(held_out.pictures), space.views(fake.pictures),
            fpr=fpr, groups=fake.group.to_numpy(), held_out_groups=held_out.group.to_numpy(),
        )  # fmt: skip
    except InputError as error:
        notes.append(f"copies were not looked for: {error}")
        return pd.DataFrame()
    notes += [f"copies: {n} held-out faces left out ({reason})" for reason, n in found.excluded.items()]
    return found.by_group
