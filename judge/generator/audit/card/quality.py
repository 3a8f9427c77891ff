"""Quality by group and copies, as the rest of the audit wants them: one long table each."""

from __future__ import annotations

import pandas as pd

from judge.errors import InputError
from judge.generator.audit.card.drawing import People
from judge.generator.audit.copies import CopySpace, find_copies


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
