"""Faces of winners on a page: of people who do not exist, and of others only when asked for."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from judge.report.figures.style import TRUTH, in_order
from judge.report.html.page import Block, Face, Faces, Text

NOBODY = ("parametric", "generated")  # sources of faces that belong to nobody
SHOWN = 50  # winners a condition, at most
THUMBNAIL = 112  # pixels, the longer side


def face_blocks(people: pd.DataFrame, *, show_faces: bool) -> list[Block]:
    """The winners' faces, condition by condition.

    people: condition, bracket, rank, winner, group, source, path. Without `show_faces` a face is shown only if its
    source says that it belongs to nobody; a missing or unknown source counts as a real person.
    """
    if not {"path", "source"} <= set(people.columns):
        return []
    blocks: list[Block] = []
    for condition in in_order(people["condition"]):
        won = people[(people["condition"] == condition) & people["winner"].astype(bool)]
        won = won.sort_values(["bracket", "rank"])
        shown = won if show_faces else won[won["source"].isin(NOBODY)]
        faces: dict[str, list[Face]] = {}
        for row in shown.head(SHOWN).itertuples():
            face = _face(row)
            if face:
                faces.setdefault(str(row.bracket), []).append(face)
        n_faces = sum(map(len, faces.values()))
        who = "by the known truth" if condition == TRUTH else f"with the {condition} pool"
        said = []
        if len(won) > len(shown):
            said.append(f"{len(won) - len(shown)} of {len(won)} winners are real people and are not shown.")
        if faces and shown["source"].isin(NOBODY).all():
            said.append("Nobody shown here exists.")
        if len(shown) > n_faces > 0:
            said.append(f"{len(shown) - n_faces} more are left out: no picture to read, or no room.")
        if faces:
            caption = " ".join([f"Winners {who}, by bracket and rank.", *said])
            blocks.append(Faces(caption, list(faces.items())))
        elif said:
            blocks.append(Text(f"Winners {who}: {' '.join(said)}"))
    return blocks


def _face(row: Any) -> Face | None:
    from PIL import Image

    try:
        with Image.open(row.path) as image:
            image.draft(
                "RGB", (2 * THUMBNAIL, 2 * THUMBNAIL)
            )  # a large JPEG is decoded at a fraction of its size
            small = image.convert("RGB")
    except (OSError, ValueError):
        return None
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=82)
    return Face(buffer.getvalue(), f"{row.rank} {row.group}")
