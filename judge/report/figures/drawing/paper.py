"""What a figure is drawn on: the project's page, or a paper's column of an exact width.

A figure for a column is laid out again at that width, not scaled: its letters keep their size, panels stand under each
other, legends take fewer columns and labels more lines.
"""

from __future__ import annotations

import contextlib
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from judge.errors import InputError

WIDTH = 7.0  # inches: the text width of the page, and of a two-column journal page
SIZE = 8.0  # points: the letters of labels; ticks and margins have half a point to one and a half less
LEAST = 7.0  # points that no letter of a paper's figure falls below, unless all of them are to be smaller
NARROW = 5.0  # inches: up to here a figure is a column's, and has no room for all that stands beside its rows
LOCK = threading.RLock()
_EM = 0.56  # mean width of a letter of DejaVu Sans, of its size


@dataclass(frozen=True)
class Paper:
    """width and height in inches (height None: as the figure needs), size of the labels' letters in points."""

    width: float = WIDTH
    height: float | None = None
    size: float = SIZE

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("width", self.width, 1.5, 20.0),
            ("height", self.height, 0.8, 30.0),
            ("font size", self.size, 5.0, 16.0),
        ):
            if value is not None and not low <= value <= high:
                unit = "points" if name == "font size" else "inches"
                raise InputError(f"a figure’s {name} is {low:g} to {high:g} {unit}; given {value:g}")

    def columns(self, columns: int) -> int:
        """Panels in a line, of so many on the project's page."""
        return max(1, round(columns * self.width / WIDTH * 1.15))

    def letters(self, letters: int) -> float:
        """Letters in a line, of so many on the project's page."""
        return letters * self.width / WIDTH * SIZE / self.size


_current = Paper()


def current() -> Paper:
    """The paper that is drawn on."""
    return _current


@contextlib.contextmanager
def on(paper: Paper) -> Iterator[None]:
    """Draw on this paper; figures are drawn one thread at a time."""
    global _current
    with LOCK:
        before, _current = _current, paper
        try:
            yield
        finally:
            _current = before


def fitted(figure: Figure) -> Figure:
    """The figure with letters, labels and height for the paper; on the project's page as it is."""
    paper = _current
    if paper == Paper():
        return figure
    scale = paper.size / SIZE
    for text in figure.findobj(Text):
        text.set_fontsize(max(text.get_fontsize() * scale, min(LEAST, paper.size)))
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        axis.set_tick_params(which="both", labelsize=max(7.5 * scale, min(LEAST, paper.size)))
        if paper.width <= NARROW and isinstance(locator := axis.get_major_locator(), MaxNLocator):
            locator.set_params(nbins=4)
    if paper.height is not None:
        figure.set_size_inches(paper.width, paper.height)
    columns = max(
        (ax.get_subplotspec().get_gridspec().ncols for ax in figure.axes if ax.get_subplotspec()), default=1
    )
    for label, width in _labels(figure, columns):
        _wrap(label, width)
    return figure


def _labels(figure: Figure, columns: int) -> Iterator[tuple[Any, float]]:
    """Labels that may need more lines, and the inches that each has."""
    width, height = figure.get_size_inches()
    for ax in figure.axes:
        yield ax.xaxis.label, 0.95 * width / columns
        yield ax.yaxis.label, 0.9 * height
        yield ax.title, 0.8 * width / columns
        yield ax._left_title, 0.8 * width / columns
    for text, room in ((figure._supxlabel, width), (figure._supylabel, height)):
        if text is not None:
            yield text, 0.95 * room


def _wrap(text: Text, inches: float) -> None:
    letters = max(8, int(inches * 72 / (_EM * text.get_fontsize())))
    lines = [textwrap.fill(line, letters, break_long_words=False) for line in text.get_text().split("\n")]
    text.set_text("\n".join(lines))
