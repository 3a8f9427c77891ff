"""Figures as files: laid out once, PNG and SVG, the same bytes every time, complete or not at all."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.text import Text

from judge.report.figures.style import LOCK, RC
from judge.storage import write_bytes


def save(figure: Figure, stem: Path) -> bytes:
    """Writes stem.png and stem.svg; returns the SVG."""
    svg = svg_bytes(figure)
    write_bytes(stem.with_name(stem.name + ".svg"), svg)
    write_bytes(stem.with_name(stem.name + ".png"), png_bytes(figure))
    return svg


def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG, the same bytes each time."""
    with LOCK, mpl.rc_context(RC), _quiet():
        _lay_out(figure)
        kind = "none" if _drawn_by_reader(figure) else "path"
        with mpl.rc_context({"svg.fonttype": kind}):
            buffer = io.BytesIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def png_bytes(figure: Figure, dpi: int = 200) -> bytes:
    """The figure as PNG, the same bytes each time."""
    with LOCK, mpl.rc_context(RC), _quiet():
        _lay_out(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def _lay_out(figure: Figure) -> None:
    """Settles the layout once: solving it anew for every format takes most of the time of saving."""
    if not isinstance(
        figure.get_layout_engine(), PlaceHolderLayoutEngine
    ):  # which "none" leaves in its place
        for _ in range(2):  # tick labels do not exist before the first time
            figure.draw_without_rendering()
        figure.set_layout_engine("none")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """A letter that the font lacks is drawn as a box in the PNG; the SVG has it as text, the table too."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _drawn_by_reader(figure: Figure) -> bool:
    """True where a text has letters that the shipped font lacks: the SVG then keeps them as text."""
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    known = font.get_charmap()
    texts = {text.get_text() for text in figure.findobj(Text)}
    return any(ord(c) not in known and not c.isspace() for text in texts for c in text)
