"""One HTML page that holds everything: text, tables, figures as data, no script and no address outside itself.

A page is a list of sections of blocks (Text, Items, Table, Picture, Faces, Code, Fold); Jinja2 escapes every value,
and a content-security policy in the page forbids scripts and requests, should anything get through. On a narrow
screen tables and figures scroll within themselves; what is folded stays so on paper unless it was opened.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import jinja2
import pandas as pd

from judge import __version__
from judge.report.figures.saving import save
from judge.report.wording import headcount, number, p_text, percent
from judge.storage import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 200  # rows of a table on a page; the rest is in the file beside it, and the page says so
#: letters a line up to which a table gets this least width (style.css); on a narrower screen it scrolls
WIDTHS = ((52, "small"), (80, "medium"), (100, "large"), (130, "huge"), (10_000, "giant"))


@dataclass(frozen=True)
class Text:
    """A paragraph; `kind` is "plain", "lead" or "caution"."""

    text: str
    kind: str = "plain"
    block: ClassVar[str] = "text"


@dataclass(frozen=True)
class Items:
    """A list of remarks."""

    items: Sequence[str]
    block: ClassVar[str] = "items"


@dataclass(frozen=True)
class Code:
    """Something to be copied: a command, settings."""

    text: str
    block: ClassVar[str] = "code"


@dataclass(frozen=True)
class Column:
    """Heading, how a value is written, whether it is a number (set flush right) and whether its lines may break."""

    heading: str
    write: Callable[[Any], str] = str
    numeric: bool = True
    whole: bool = False

    @property
    def kind(self) -> str:
        """The class of its cells."""
        return "n" if self.numeric else "w" if self.whole else ""


P_VALUE = Column("p", p_text)


@dataclass(frozen=True)
class Table:
    """rows: cells as text, one for each column. `note` stands under it; `dense` is set in smaller letters."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    note: str = ""
    dense: bool = False
    block: ClassVar[str] = "table"

    @property
    def width(self) -> str:
        """small, medium, large, huge or giant, by the letters that a line needs: numbers whole, text by its words."""
        letters = 0
        for i, column in enumerate(self.columns):
            cells = [row[i] for row in self.rows]
            words = [
                word for text in (column.heading, *([] if column.kind else cells)) for word in text.split()
            ]
            whole = cells if column.kind else [text[:24] for text in cells]
            letters += 2 + max(map(len, [*words, *whole]), default=0)
        return next(name for most, name in WIDTHS if letters <= most)


@dataclass(frozen=True)
class Picture:
    """A figure; `name` is its file name without ending, `alt` says in words what it shows."""

    name: str
    figure: Figure
    caption: str
    alt: str
    block: ClassVar[str] = "picture"


@dataclass(frozen=True)
class Face:
    """One face: JPEG bytes and the line under it."""

    jpeg: bytes
    label: str

    @property
    def uri(self) -> str:
        """The picture as an address that holds it."""
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode()


@dataclass(frozen=True)
class Faces:
    """Faces under headings (brackets)."""

    caption: str
    groups: Sequence[tuple[str, Sequence[Face]]]
    block: ClassVar[str] = "faces"


@dataclass(frozen=True)
class Fold:
    """Blocks that are read on demand: only `summary` is seen until they are opened, which needs no script."""

    summary: str
    blocks: Sequence[Block]
    block: ClassVar[str] = "fold"


Block = Text | Items | Code | Table | Picture | Faces | Fold


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; a section without blocks is left out of the page."""

    title: str
    blocks: Sequence[Block] = field(default_factory=list)


def label(value: Any) -> str:
    """A name or text as it is; – for a missing one."""
    return (
        "–"
        if value is None or (not isinstance(value, list | dict | tuple) and pd.isna(value))
        else str(value)
    )


def count(value: Any) -> str:
    return "–" if pd.isna(value) else headcount(value)


def decimals(digits: int) -> Callable[[Any], str]:
    return lambda value: number(value, digits)


def table_from(
    frame: pd.DataFrame, columns: Mapping[str, Column], caption: str, *, note: str = "", limit: int = ROWS
) -> Table:
    """A Table of the frame's columns, each written by its Column; at most `limit` rows, the rest counted."""
    shown = frame.head(limit)
    rows = [[column.write(value) for column, value in zip(columns.values(), line, strict=True)]
            for line in shown[list(columns)].itertuples(index=False, name=None)]  # fmt: skip
    if len(frame) > limit:
        rest = f"{len(frame) - limit:,} more rows are in the table files beside this page."
        note = f"{note} {rest}".strip()
    return Table(caption, list(columns.values()), rows, note)


def interval(
    frame: pd.DataFrame, low: str = "ci_low", high: str = "ci_high", *, digits: int = 2, share: bool = False
) -> pd.Series:
    """[low, high] as text; – where there is none."""
    write = (lambda v: percent(v).removesuffix(" %")) if share else decimals(digits)
    return pd.Series(
        [
            "–" if pd.isna(a) and pd.isna(b) else f"[{write(a)}, {write(b)}]{' %' if share else ''}"
            for a, b in zip(frame[low], frame[high], strict=True)
        ],
        index=frame.index,
        dtype=object,
    )


def _tie(text: str) -> str:
    """No line break between a number and its per-cent sign, within "p = .03", "n = 5" or an interval."""
    tied = re.sub(r"(?<=[\d\]]) %", "\u00a0%", text)
    tied = re.sub(r"\b([pn]) ([=<≤]) (?=[.\d])", "\\1\u00a0\\2\u00a0", tied)
    return re.sub(r"(\[[−+\d.,∞]+\S*), (?=[−+\d.∞])", "\\1,\u00a0", tied)


def _unfolded(blocks: Iterable[Block]) -> Iterator[Block]:
    """All blocks in the order in which they are read, those within a Fold included."""
    for block in blocks:
        yield block
        if isinstance(block, Fold):
            yield from _unfolded(block.blocks)


def write_page(
    out: Path,
    *,
    title: str,
    subtitle: str,
    sections: Iterable[Section],
    name: str = "page.html",
    pdf: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Writes out/figures/NAME.{png,svg} for every picture and out/page.html, each completely or not at all.

    pdf: also NAME.pdf. progress: called with the name of each picture before it is written.
    """
    out = Path(out)
    sections = [section for section in sections if section.blocks]
    numbers: dict[int, int] = {}
    images: dict[int, str] = {}
    seen = {"table": 0, "picture": 0}
    for block in _unfolded(block for section in sections for block in section.blocks):
        if block.block in seen:
            seen[block.block] += 1
            numbers[id(block)] = seen[block.block]
        if isinstance(block, Picture):
            if progress is not None:
                progress(block.name)
            svg = save(block.figure, out / "figures" / block.name, pdf=pdf)
            images[id(block)] = "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("judge.report.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tie"] = _tie
    html = environment.get_template("page.html.j2").render(
        title=title,
        subtitle=subtitle,
        sections=sections,
        number=lambda block: numbers[id(block)],
        image=lambda block: images[id(block)],
        version=__version__,
    )
    write_text(out / name, html)
    return out / name
