"""Contact sheets: many pictures at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from judge.data.picture_files import opened, read_file, upright_rgb
from judge.errors import InputError


def contact_sheet(
    images: Iterable[Image.Image | np.ndarray | str | Path],
    columns: int = 8,
    captions: Sequence[str] | None = None,
    *,
    cell: int = 128,
    real_people: bool = False,
    show_real_people: bool = False,
) -> Image.Image:
    """Pictures in rows of `columns`, each fitted into a cell of `cell` × `cell` px, row by row.

    images           pictures, (h, w, 3) uint8 arrays or paths
    captions         one a picture, written into its lower edge; None: none
    real_people      whether these are photographs of people who exist: then InputError, unless
                     show_real_people says that they may be shown
    """
    if real_people and not show_real_people:
        raise InputError(
            "a contact sheet of real people's photographs is not made unless asked for (show_real_people=True); "
            "check that their terms allow it"
        )
    pictures = [_opened(image) for image in images]
    if not pictures:
        raise InputError("a contact sheet needs at least one picture")
    if columns < 1 or cell < 16:
        raise InputError(f"columns is at least 1 and cell at least 16 px, not {columns} and {cell}")
    if captions is not None and len(captions) != len(pictures):
        raise InputError(f"{len(captions)} captions for {len(pictures)} pictures")
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * cell, rows * cell), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(max(9, cell // 13))
    for number, picture in enumerate(pictures):
        x, y = number % columns * cell, number // columns * cell
        fitted = picture.convert("RGB")
        if fitted.size != (cell, cell):
            fitted.thumbnail((cell, cell), Image.Resampling.LANCZOS)
        sheet.paste(fitted, (x, y))
        if captions and captions[number]:
            draw.text(
                (x + 3, y + cell - 2), captions[number], fill=(255, 255, 255), font=font, anchor="ls",
                stroke_width=1, stroke_fill=(0, 0, 0),
            )  # fmt: skip
    return sheet


def manifest_sheet(
    manifest: pd.DataFrame,
    *,
    columns: int = 8,
    rows: int = 8,
    caption: str | None = None,
    cell: int = 128,
    show_real_people: bool = False,
) -> Image.Image:
    """The first columns × rows pictures of a manifest; caption names a column to write under each."""
    part = manifest.head(columns * rows)
    captions = None if caption is None else [str(value) for value in part[caption]]
    return contact_sheet(
        part["path"],
        columns,
        captions,
        cell=cell,
        real_people=bool((part["source"] == "photo").any()),
        show_real_people=show_real_people,
    )


def _opened(image: Image.Image | np.ndarray | str | Path) -> Image.Image:
    if isinstance(image, Image.Image):
        return image
    if isinstance(image, np.ndarray):
        return Image.fromarray(image)
    with opened(read_file(image), name=f"contact sheet: {image}") as picture:
        return Image.fromarray(upright_rgb(picture))
