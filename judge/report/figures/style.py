"""How every figure looks: one mark a condition, labels that are safe to print, axes, legends.

Colours are Okabe and Ito's (2008, "Color Universal Design") and from the seventh condition on Tol's muted ones
(2021, "Colour schemes"); a condition also has its own marker, fill and line, so that a figure still reads in grey.
Figures are plain matplotlib Figure objects that pyplot does not know; `styled` serialises drawing, because rcParams
belong to the process and not to the thread.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from judge.report.conditions import RATERS, TRUTH, baseline_of, in_order, places, titled
from judge.report.figures.drawing.paper import LOCK, current, fitted

INK, GREY, PALE = "#222222", "#767676", "#e4e4e4"
ORANGE, SKY, GREEN = "#e69f00", "#56b4e9", "#009e73"
BLUE, VERMILLION, PURPLE, BLACK = "#0072b2", "#d55e00", "#cc79a7", "#000000"
WINE, OLIVE, INDIGO, TEAL = "#882255", "#999933", "#332288", "#44aa99"
CROWDED = 4  # curves in a panel, from which on it is drawn larger

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
    "svg.fonttype": "none",  # text stays text
    "pdf.fonttype": 42,  # letters are embedded as a font, which text can be selected from
    "svg.hashsalt": "judge",  # otherwise element ids are random and two runs differ
}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorator: draw under RC on the current paper, one thread at a time."""

    @functools.wraps(draw)
    def wrapper(*args: Any, **options: Any) -> Figure:
        with LOCK, mpl.rc_context(RC):
            return fitted(draw(*args, **options))

    return wrapper


@dataclass(frozen=True)
class Mark:
    """Colour, marker, fill, line and hatch of one condition, any one of which tells it apart; and its name."""

    colour: str
    marker: str
    filled: bool
    line: Any
    hatch: str
    label: str = ""

    def points(self, size: float = 5.0) -> dict[str, Any]:
        """Keywords for a line without a line: markers only."""
        return {
            "marker": self.marker,
            "markersize": size,
            "markerfacecolor": self.face,
            "markeredgecolor": self.colour,
            "markeredgewidth": 1.1,
            "linestyle": "none",
        }

    @property
    def face(self) -> str:
        """What a marker or a bar is filled with."""
        return self.colour if self.filled else "white"

    def key(self, *, line: bool = False) -> Line2D:
        """The legend's sample of this mark, with its line where `line`."""
        return Line2D(
            [], [], color=self.colour, **(self.points() | ({"linestyle": self.line} if line else {}))
        )


_CYCLE = (
    Mark(VERMILLION, "o", True, "-", ""),
    Mark(BLUE, "D", False, (0, (4, 1.5)), "////"),
    Mark(GREEN, "s", True, (0, (1, 1)), "...."),
    Mark(PURPLE, "v", True, (0, (6, 2)), "\\\\\\\\"),
    Mark(ORANGE, "P", False, (0, (2, 1)), "++++"),
    Mark(SKY, "X", True, (0, (3, 1, 1, 1, 1, 1)), "||||"),
    Mark(WINE, "^", False, (0, (4, 1, 1, 1)), "xxxx"),
    Mark(OLIVE, "h", True, (0, (1, 2)), "oo"),
    Mark(INDIGO, "p", False, (0, (8, 2)), "OO"),
    Mark(TEAL, "*", True, (0, (2, 2)), "**"),
)
#: nobody was trained for these: they are black and grey, so that the colours are left to the conditions
_REFERENCES = {
    RATERS: Mark(GREY, "<", False, (0, (5, 3)), "----"),
    TRUTH: Mark(BLACK, "d", True, (0, (2, 1, 1, 1)), "//"),
}


def marks(column: pd.Series) -> dict[str, Mark]:
    """The mark of each condition in the column, in order.

    A mark belongs to the place in the run's order (`judge.report.conditions`), so that a condition looks the same in
    every figure of a page, whichever of the others stand beside it. From the eleventh on colours come again.
    """
    all_places = {name: _CYCLE[i % len(_CYCLE)] for i, name in enumerate(places(column))} | _REFERENCES
    baseline = baseline_of(column)
    labels = {
        name: titled(plain(name), plain(name) if name == baseline else None) for name in in_order(column)
    }
    return {name: replace(all_places[name], label=label) for name, label in labels.items()}


def keys(style: Mapping[str, Mark], *, line: bool = False) -> list[tuple[Any, str]]:
    """Legend entries of the named conditions; a single nameless one has none."""
    return [(mark.key(line=line), mark.label) for name, mark in style.items() if name]


def rule(at: float) -> dict[str, Any]:
    """How a reference line is drawn: full at parity or no error (1, 0), dashed elsewhere (four fifths)."""
    if at in (0, 1):
        return {"color": INK, "linewidth": 0.8}
    return {"color": GREY, "linewidth": 0.9, "linestyle": (0, (4, 2))}


def rule_keys(lines: Iterable[tuple[float, str]]) -> list[tuple[Any, str]]:
    """Legend entries of reference lines: (height, words)."""
    return [(Line2D([], [], **rule(at)), words) for at, words in lines]


def with_note(label: str, left_out: int, what: str = "groups") -> str:
    """An axis label, and under it how many groups the figure does not draw, if any."""
    note = f"{left_out:,} smaller {what} not drawn; all are in the table files" if left_out else ""
    return "\n".join(line for line in (label, note) if line)


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


def new_figure(height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, np.ndarray]:
    """A figure of the paper's width and its axes as a (rows, columns) array."""
    figure = Figure(figsize=(current().width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes


def one_axes(height: float) -> tuple[Figure, Axes]:
    """A figure of the paper's width with a single axes."""
    figure, axes = new_figure(height)
    return figure, axes[0, 0]


def panels_of(panels: int, curves: int, *, height: float, wide: bool = False) -> tuple[Figure, np.ndarray]:
    """A figure of panels that share their axes, three in a line, four in two; larger ones where each holds many curves.

    wide: curves stand beside each other and need the whole width when they are many.
    """
    if curves > CROWDED and wide:
        columns, height = 1, 1.1 * height
    elif curves > CROWDED:
        columns, height = min(panels, 3 if panels % 3 == 0 else 2), 1.45 * height
    else:
        columns = 2 if panels == 4 else min(panels, 3)
    columns = current().columns(columns)
    lines = -(-panels // columns)
    return new_figure(0.55 + height * lines + 0.05 * curves, lines, columns, sharex=True, sharey=True)


def panels_done(axes: np.ndarray, used: int) -> None:
    """Hides the panels that are not used and gives tick labels to those that have nothing under them."""
    for ax in axes.flat[used:]:
        ax.set_axis_off()
    columns = axes.shape[1]
    for i, ax in enumerate(axes.flat[:used]):
        if i + columns >= used:
            ax.tick_params(labelbottom=True)


def above(figure: Figure, handles: Sequence[tuple[Any, str]]) -> None:
    """A legend over all panels, in as many columns as the width takes."""
    if handles:
        words, room = [len(text) + 8 for _, text in handles], current().letters(125)
        columns = next(
            c for c in range(len(words), 0, -1) if c * max(words) <= room or sum(words) <= room or c == 1
        )
        figure.legend(
            [handle for handle, _ in handles],
            [text for _, text in handles],
            loc="outside upper left",
            ncols=columns,
            borderaxespad=0.1,
            handletextpad=0.5,
            columnspacing=1.6,
        )


def rows_axis(ax: Axes, labels: Sequence[str], *, zebra: bool = True) -> None:
    """Turns y into rows 0, 1, … from the top, one a group, with light bands to guide the eye."""
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0, pad=6)  # room for arrows at the edge
    ax.spines["left"].set_visible(False)
    if zebra:
        for row in range(0, len(labels), 2):
            ax.axhspan(row - 0.5, row + 0.5, color="#f5f5f5", zorder=-5, linewidth=0)


def empty(figure: Figure, ax: Axes, message: str) -> Figure:
    """An axes that says why it shows nothing."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, message, ha="center", va="center", color=GREY, transform=ax.transAxes)
    return figure
