"""Contact sheets: a population, or what a control does, at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from judge.data.parametric.people.population import persons, sample
from judge.data.parametric.person import PARAMETERS, neutral
from judge.data.parametric.picture import render
from judge.errors import InputError

#: The rows of a control sheet: (caption, parameter, its values from left to right).
CONTROLS: tuple[tuple[str, str, Sequence[float | str]], ...] = (
    ("melanin", "melanin", (0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.82, 1)),
    ("wrinkles", "wrinkles", (0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1)),
    ("blemishes", "blemishes", (0, 5, 10, 20, 35, 50, 80, 110)),
    ("asymmetry", "asymmetry", (0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1)),
    ("exposure", "exposure", (0.15, 0.25, 0.4, 0.6, 0.8, 1, 1.25, 1.5)),
    ("light azimuth", "light_azimuth", (-60, -40, -20, -8, 8, 20, 40, 60)),
    ("smile", "smile", (-1, -0.7, -0.4, -0.1, 0.2, 0.5, 0.75, 1)),
)


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


def control_sheet(*, size: int = 128, columns: int = 8, varied_rows: int = 3, seed: int = 0) -> Image.Image:
    """`varied_rows` rows of people of mode natural, then one row a control (CONTROLS) on one person.

    The person of the control rows is neutral, with the asymmetry pattern of the seed's first person.
    """
    people = sample(
        max(1, columns * varied_rows), seed=seed, mode="natural", camera="even", assignment="multinomial"
    )
    rows = persons(people)
    images = [render.render(person, size) for person in rows[: columns * varied_rows]]
    captions = [""] * len(images)
    base = neutral() | {k: v for k, v in rows[0].items() if k.startswith("asym_")}
    base |= {"light_azimuth": -20.0, "stream": rows[0]["stream"]}
    known = {parameter.name for parameter in PARAMETERS}
    for caption, name, values in CONTROLS:
        assert name in known
        for value in np.interp(np.linspace(0, len(values) - 1, columns), range(len(values)), values):
            value = int(value) if name == "blemishes" else round(float(value), 3)
            start = {"melanin": 0.75} if name == "exposure" else {}
            images.append(render.render(base | start | {name: value}, size))
            captions.append(f"{caption} {value:g}")
    return contact_sheet(images, columns, captions, cell=size)


def _opened(image: Image.Image | np.ndarray | str | Path) -> Image.Image:
    if isinstance(image, Image.Image):
        return image
    if isinstance(image, np.ndarray):
        return Image.fromarray(image)
    if not Path(image).is_file():
        raise InputError(f"contact sheet: no such picture: {image}")
    with Image.open(image) as opened:
        return opened.convert("RGB")
