"""Faces of winners on a page: of people who do not exist, and of others only when asked for."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pandas as pd
from PIL import Image

from judge.data.picture_files import BrokenPicture, opened, read_file, upright_rgb
from judge.report.conditions import TRUTH, baseline_of, in_order, titled
from judge.report.html import Block, Face, Faces, Fold, Text

NOBODY = ("parametric", "generated")  # sources of faces that belong to nobody
SHOWN = 50  # winners a condition, at most
THUMBNAIL = 112  # pixels, the longer side


def face_blocks(people: pd.DataFrame, *, show_faces: bool) -> list[Block]:
    """The winners' faces: all of the baseline's, and of every other condition those who did not win there.

    people: image_id, condition, bracket, rank, winner, group, source, path. Without `show_faces` a face is shown only
    if its source says that it belongs to nobody; a missing or unknown source counts as a real person.
    """
    if not {"path", "source"} <= set(people.columns):
        return []
    blocks: list[Block] = []
    baseline = baseline_of(people["condition"])
    winners = people[people["winner"].astype(bool)].sort_values(["bracket", "rank"])
    before = set(winners.loc[winners["condition"] == baseline, "image_id"])
    for condition in in_order(people["condition"]):
        won = winners[winners["condition"] == condition]
        who = "by the known truth" if condition == TRUTH else f"under {titled(condition, baseline)}"
        caption = f"Winners {who}, by bracket and rank."
        if condition == baseline:
            blocks += _shown(won, caption, show_faces=show_faces)
            continue
        new = won[~won["image_id"].isin(before)]
        if new.empty:
            blocks.append(Text(f"Winners {who}: nobody who did not win under {baseline}."))
            continue
        caption = f"Winners {who} who did not win under {baseline}: {len(new)} of {len(won)}."
        for block in _shown(new, caption, show_faces=show_faces):
            blocks.append(Fold(caption.rstrip("."), [block]) if isinstance(block, Faces) else block)
    return blocks


def first_of_brackets(
    contests: Sequence[tuple[str, pd.DataFrame]], *, group: str, seed: int, show_faces: bool
) -> list[Block]:
    """The best-placed winner of each bracket, a block of faces a contest; nothing where none may be shown.

    contests: heading and winners (bracket, rank, group, source, path) of each. The heading counts the group's winners.
    """
    rows = []
    for heading, won in contests:
        allowed = won if show_faces else won[won["source"].isin(NOBODY)]
        first = allowed.sort_values(["bracket", "rank"]).drop_duplicates("bracket")
        faces = [face for row in first.itertuples() if (face := _face(row, str(row.group)))]
        if faces:
            n = int((won["group"].astype(str) == group).sum())
            rows.append((f"{heading}: {n} of {len(won)} winners are {group}", faces[:SHOWN]))
    if not rows:
        return []
    nobody = all(won["source"].isin(NOBODY).all() for _, won in contests)
    caption = (
        f"The first of each bracket, before the same contestants: contests of seed {seed}, one training each."
    )
    return [Faces(caption + (" Nobody shown here exists." if nobody else ""), rows)]


def _shown(won: pd.DataFrame, caption: str, *, show_faces: bool) -> list[Block]:
    """One figure of the winners that may be shown, or words where none may."""
    allowed = won if show_faces else won[won["source"].isin(NOBODY)]
    faces: dict[str, list[Face]] = {}
    for row in allowed.head(SHOWN).itertuples():
        face = _face(row, f"{row.rank} {row.group}")
        if face:
            faces.setdefault(str(row.bracket), []).append(face)
    n_faces = sum(map(len, faces.values()))
    said = []
    if len(won) > len(allowed):
        said.append(f"{len(won) - len(allowed)} of {len(won)} are real people and are not shown.")
    if faces and allowed["source"].isin(NOBODY).all():
        said.append("Nobody shown here exists.")
    if len(allowed) > n_faces > 0:
        said.append(f"{len(allowed) - n_faces} more are left out: no picture to read, or no room.")
    if faces:
        return [Faces(" ".join([caption, *said]), list(faces.items()))]
    return [Text(" ".join([caption, *said]))] if said else []


def _face(row: Any, words: str) -> Face | None:
    try:
        with opened(read_file(row.path), name=str(row.path)) as image:
            # a large JPEG is decoded at a fraction of its size
            image.draft("RGB", (2 * THUMBNAIL, 2 * THUMBNAIL))
            small = Image.fromarray(upright_rgb(image))
    except BrokenPicture:
        return None
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=82)
    return Face(buffer.getvalue(), words)
