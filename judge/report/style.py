"""How every figure looks and is written: marks, safe labels, row budgets, the same bytes every time.

Colours are Okabe and Ito's (2008, "Color Universal Design"); a condition or group also has its own marker,
fill and line, so that a figure still reads in grey. Figures are plain matplotlib Figure objects that pyplot
does not know; `styled` serialises drawing, because rcParams belong to the process and not to the thread.
"""

from __future__ import annotations

import contextlib
import functools
import io
import math
import os
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

INK, GREY, PALE = "#222222", "#767676", "#e4e4e4"
ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
BLUE, VERMILLION, PURPLE, BLACK = "#0072b2", "#d55e00", "#cc79a7", "#000000"
WIDTH = 7.0  # inches: the text width of the page, and of a two-column journal page
MISSING = "(missing)"

RC = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same letters on every machine
    "font.size": 8,
    "figure.dpi": 200,
    "text.hinting": "none",  # hinted letters have other widths at other resolutions, and the layout is made once
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "grid.color": PALE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 5,
    "hatch.linewidth": 0.6,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.06,
    "svg.fonttype": "path",
    "svg.hashsalt": "judge",  # otherwise element ids are random and two runs differ
}
_LOCK = threading.RLock()


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorator: draw under RC, one thread at a time."""

    @functools.wraps(draw)
    def wrapper(*args: Any, **options: Any) -> Figure:
        with _LOCK, mpl.rc_context(RC):
            return draw(*args, **options)

    return wrapper


@dataclass(frozen=True)
class Mark:
    """Colour, marker, fill, line and hatch of one condition or group; any one of them tells it apart."""

    colour: str
    marker: str
    filled: bool
    line: Any
    hatch: str

    def points(self, size: float = 5.0) -> dict[str, Any]:
        """Keywords for a line without a line: markers only."""
        return {
            "marker": self.marker,
            "markersize": size,
            "markerfacecolor": self.colour if self.filled else "white",
            "markeredgecolor": self.colour,
            "markeredgewidth": 1.1,
            "linestyle": "none",
        }


_CYCLE = (
    Mark(VERMILLION, "o", True, "-", ""),
    Mark(BLUE, "D", False, (0, (4, 1.5)), "////"),
    Mark(GREEN, "s", True, (0, (1, 1)), "...."),
    Mark(BLACK, "^", False, (0, (4, 1, 1, 1)), "xxxx"),
    Mark(PURPLE, "v", True, (0, (6, 2)), "\\\\\\\\"),
    Mark(ORANGE, "P", False, (0, (2, 1)), "++++"),
    Mark(SKY, "X", True, (0, (3, 1, 1, 1, 1, 1)), "||||"),
    Mark(GREY, "<", False, (0, (5, 3)), "----"),
)
CONDITIONS = ("skewed", "rebalanced")


def marks(names: Iterable[str]) -> dict[str, Mark]:
    """A mark for each name: the project's own conditions keep theirs, others follow in the order given."""
    names = [str(name) for name in names]
    fixed = {name: _CYCLE[i] for i, name in enumerate(CONDITIONS)}
    free = [m for m in _CYCLE if m not in [fixed[n] for n in names if n in fixed]]
    others = [name for name in names if name not in fixed]
    chosen = {name: free[i % len(free)] for i, name in enumerate(others)}
    return {name: fixed.get(name) or chosen[name] for name in names}


def in_order(names: Iterable[object]) -> list[str]:
    """Distinct conditions: skewed, rebalanced, then the rest as they come."""
    found = list(dict.fromkeys(str(name) for name in names))
    return [name for name in CONDITIONS if name in found] + [name for name in found if name not in CONDITIONS]


def as_group(labels: pd.Series) -> pd.Series:
    """Labels as plain text; a missing one becomes "(missing)" and stays a group."""
    codes, names = pd.factorize(labels)  # text is made once a group, not once a row
    text = np.array([str(name) for name in names] + [MISSING], dtype=object)
    return pd.Series(text[codes], index=labels.index, dtype=object)


def largest(counts: pd.Series, limit: int) -> tuple[list[str], int]:
    """(names of the `limit` largest groups, in order of name; how many groups are left out)."""
    counts = counts.groupby(level=0).sum()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return sorted(str(name) for name, _ in ordered[:limit]), max(len(ordered) - limit, 0)


def left_out_note(left_out: int, what: str = "groups") -> str:
    """The line that a figure carries when it does not draw everything; empty when it does."""
    if not left_out:
        return ""
    return f"{left_out:,} smaller {what} not drawn; all are in the table"


def plain(text: object, limit: int = 26) -> str:
    """A label that matplotlib prints as it is: no mathtext, one line, cut in the middle at `limit` characters.

    `$` is escaped, control characters become spaces, and a leading underscore (which hides a legend entry) gets
    a thin space before it.
    """
    flat = "".join(c if c.isprintable() else " " for c in str(text)).strip() or "(blank)"
    if len(flat) > limit:
        head = (limit - 1) * 2 // 3
        flat = flat[:head] + "…" + flat[len(flat) - (limit - 1 - head) :]
    if flat.startswith("_"):
        flat = "\u2009" + flat
    return flat.replace("$", r"\$")


def number(value: float, digits: int = 2) -> str:
    """0.53, −0.07, ∞ or – for not available: the form used in figures and tables."""
    if value is None or pd.isna(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if 0 < abs(value) < 0.5 * 10**-digits:  # a small number must not read as nothing
        return f"{value:.1g}".replace("-", "−")
    if abs(value) >= 1e5:
        return f"{value:.3g}".replace("-", "−")
    return f"{value:,.{digits}f}".replace("-", "−") if value else f"{0:.{digits}f}"


def percent(share: float, digits: int = 1) -> str:
    """A share in 0–1 as 12.3 %."""
    if share is None or pd.isna(share):
        return "–"
    return f"{100 * share:.{digits}f} %".replace("-", "−")


def p_text(p: float) -> str:
    """.032, <.001 or –."""
    if p is None or pd.isna(p):
        return "–"
    if p < 0.001:
        return "<.001"
    return "1" if p > 0.9995 else f"{p:.3f}".removeprefix("0")


def new_figure(height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, np.ndarray]:
    """A figure of the page's width and its axes as a (rows, columns) array."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes


def one_axes(height: float) -> tuple[Figure, Axes]:
    """A figure of the page's width with a single axes."""
    figure, axes = new_figure(height)
    return figure, axes[0, 0]


def panels_done(axes: np.ndarray, used: int) -> None:
    """Hides the panels that are not used and gives tick labels to those that have nothing under them."""
    for ax in axes.flat[used:]:
        ax.set_axis_off()
    columns = axes.shape[1]
    for i, ax in enumerate(axes.flat[:used]):
        if i + columns >= used:
            ax.tick_params(labelbottom=True)


def above(figure: Figure, handles: Sequence[tuple[Any, str]]) -> None:
    """A legend over all panels."""
    if handles:
        figure.legend(
            [handle for handle, _ in handles],
            [text for _, text in handles],
            loc="outside upper left",
            ncols=5,
            borderaxespad=0.1,
            handletextpad=0.5,
            columnspacing=1.6,
        )


def rows_axis(ax: Axes, labels: Sequence[str], *, zebra: bool = True) -> None:
    """Turns y into rows 0, 1, … from the top, one a group, with light bands to guide the eye."""
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    if zebra:
        for row in range(0, len(labels), 2):
            ax.axhspan(row - 0.5, row + 0.5, color="#f5f5f5", zorder=-5, linewidth=0)


def empty(figure: Figure, ax: Axes, message: str) -> Figure:
    """An axes that says why it shows nothing."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, message, ha="center", va="center", color=GREY, transform=ax.transAxes)
    return figure


def _drawn_by_reader(figure: Figure) -> bool:
    """True where a text has letters that the shipped font lacks: the SVG then keeps them as text."""
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    known = font.get_charmap()
    texts = {text.get_text() for text in figure.findobj(Text)}
    return any(ord(c) not in known and not c.isspace() for text in texts for c in text)


def _lay_out(figure: Figure) -> None:
    """Settles the layout once: solving it anew for every format takes most of the time of saving."""
    if figure.get_layout_engine() is not None:
        for _ in range(2):  # tick labels do not exist before the first time
            figure.draw_without_rendering()
        figure.set_layout_engine("none")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """A letter that the font lacks is drawn as a box in the PNG; the SVG has it as text, the table too."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG, the same bytes each time."""
    with _LOCK, mpl.rc_context(RC), _quiet():
        _lay_out(figure)
        kind = "none" if _drawn_by_reader(figure) else "path"
        with mpl.rc_context({"svg.fonttype": kind}):
            buffer = io.BytesIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def png_bytes(figure: Figure, dpi: int = 200) -> bytes:
    """The figure as PNG, the same bytes each time."""
    with _LOCK, mpl.rc_context(RC), _quiet():
        _lay_out(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).chmod(0o644)
    Path(name).replace(path)


def save(figure: Figure, stem: Path) -> bytes:
    """Writes stem.png and stem.svg; returns the SVG."""
    svg = svg_bytes(figure)
    write_bytes(stem.with_name(stem.name + ".svg"), svg)
    write_bytes(stem.with_name(stem.name + ".png"), png_bytes(figure))
    return svg
