"""Figures as files: laid out once, PNG, SVG and PDF, the same bytes every time, complete or not at all.

Text stays text in SVG and PDF: it can be searched, selected and read out.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine

from judge.report.figures.drawing.fonts import give_fonts
from judge.report.figures.style import LOCK, RC
from judge.storage import write_bytes

#: The figures' font by its name, and what a machine without it may have: Verdana has nearly the same widths.
_FONTS = b"'DejaVu Sans', 'Bitstream Vera Sans', Verdana, sans-serif"


def save(figure: Figure, stem: Path, *, pdf: bool = False) -> bytes:
    """Writes stem.png and stem.svg, and stem.pdf if asked; returns the SVG."""
    svg = svg_bytes(figure)
    write_bytes(stem.with_name(stem.name + ".svg"), svg)
    write_bytes(stem.with_name(stem.name + ".png"), png_bytes(figure))
    if pdf:
        write_bytes(stem.with_name(stem.name + ".pdf"), pdf_bytes(figure))
    return svg


def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG, the same bytes each time."""
    with LOCK, mpl.rc_context(RC), _quiet():
        _lay_out(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue().replace(b"'DejaVu Sans'", _FONTS)


def pdf_bytes(figure: Figure) -> bytes:
    """The figure as PDF with its letters embedded, the same bytes each time."""
    with LOCK, mpl.rc_context(RC), _quiet():
        _lay_out(figure)
        buffer = io.BytesIO()
        figure.savefig(
            buffer, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None}
        )
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
        figure.draw_without_rendering()  # tick labels do not exist before
        give_fonts(figure)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """A letter that no font has is drawn as a box in the PNG, which `fonts` has warned of; the SVG has it as text."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
