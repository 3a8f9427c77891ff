"""What the row figures share: a block of rows for each group, in it a row for each condition, numbers beside.

A figure of many conditions or groups grows in height; its rows are never pressed together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from judge.report.figures.drawing.paper import NARROW, current
from judge.report.figures.style import GREY, INK, PALE, Mark, new_figure, plain, rows_axis, with_note
from judge.report.wording import as_group

ROWS = 20  # groups a figure draws at most; the rest are counted under it
ROW = 0.2  # inches: a line of 7-point text and air


def with_condition(table: pd.DataFrame, *, group: str = "group") -> pd.DataFrame:
    """A copy whose group is text and which has a condition column ("" where the table has none).

    A Categorical column of conditions stays one: it carries their order.
    """
    table = table.copy()
    table[group] = as_group(table[group]) if len(table) else table[group].astype(object)
    if "condition" not in table:
        table["condition"] = ""
    elif not isinstance(table["condition"].dtype, pd.CategoricalDtype):
        table["condition"] = as_group(table["condition"])
    return table


def by_cell(table: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    """(condition, group) → the table's row."""
    return {(row["condition"], row["group"]): row for _, row in table.iterrows()}


def offsets(conditions: Sequence[str], spread: float = 0.52) -> dict[str, float]:
    """Where each condition stands around a shared place, within ±spread/2."""
    where = np.linspace(-spread / 2, spread / 2, len(conditions)) if len(conditions) > 1 else [0.0]
    return dict(zip(conditions, where, strict=True))


@dataclass(frozen=True)
class Rows:
    """The rows of a figure: groups from the top, and where there are several conditions a heading over each group.

    heads: what a group is called in the figure, its number of people included.
    """

    groups: Sequence[str]
    style: Mapping[str, Mark]
    heads: Mapping[str, str]

    @property
    def alone(self) -> bool:
        """True where there is one condition: each group is one row, without a heading."""
        return len(self.style) == 1

    @property
    def lines(self) -> int:
        """Rows in all, headings included."""
        return len(self.groups) * (1 if self.alone else 1 + len(self.style))

    @property
    def inches(self) -> float:
        """Height that the rows need."""
        return self.lines * (ROW if not self.alone else 0.42 if len(self.groups) <= 10 else 0.3)

    def __iter__(self) -> Iterator[tuple[float, str, str, Mark]]:
        """y, condition, group and mark of each row, from the top."""
        y = 0
        for group in self.groups:
            y += 0 if self.alone else 1
            for condition, mark in self.style.items():
                yield float(y), condition, group, mark
                y += 1

    def label(self, ax: Axes, *, first: bool = True) -> None:
        """Turns y into these rows; headings are written in the `first` panel of several only."""
        if self.alone:
            rows_axis(ax, [self.heads[group] for group in self.groups])
            return
        rows_axis(ax, [""] * self.lines, zebra=False)
        ax.set_yticks([y for y, *_ in self], [mark.label for _, _, _, mark in self])
        for i, group in enumerate(self.groups):
            y = i * (1 + len(self.style))
            ax.axhspan(y - 0.45, y + 0.45, color="#f0f0f0", zorder=-5, linewidth=0)
            if first:
                head = self.heads[group].replace("\n", ", ")
                ax.text(0.006, y, head, transform=ax.get_yaxis_transform(), va="center", fontweight="bold",
                        fontsize=7.5, gid=f"head:{i}")  # fmt: skip
        for y, *_ in self:
            ax.axhline(y, color=PALE, linewidth=0.4, zorder=-4)


def rows_of(groups: Sequence[str], style: Mapping[str, Mark], sizes: pd.Series | None = None) -> Rows:
    """Rows whose groups are named with their number of people, where `sizes` has it."""
    counts = {group: "" if sizes is None else f"\nn = {int(sizes[group]):,}" for group in groups}
    return Rows(groups, style, {group: f"{plain(group)}{counts[group]}" for group in groups})


def rows_figure(rows: Rows, panels: int = 1) -> tuple[Figure, np.ndarray]:
    """A figure of these rows, with their labels, and its panels: side by side, on narrow paper under each other."""
    if panels > 1 and current().width <= NARROW:
        figure, axes = new_figure(panels * (0.6 + rows.inches), panels, 1)
        for ax in axes[:, 0]:
            rows.label(ax)
        return figure, axes[:, 0]
    figure, axes = new_figure(0.85 + rows.inches, 1, panels, sharey=panels > 1)
    for i, ax in enumerate(axes[0]):
        rows.label(ax, first=i == 0)
    return figure, axes[0]


def beside(ax: Axes, y: float, text: str, *, header: bool = False) -> None:
    """Text in the margin at the right of a row; a header stands over the first row.

    Parts are set apart by two spaces: a narrow paper has room for the first.
    """
    text = text if current().width > NARROW else text.split("  ")[0]
    ax.text(
        1.015, y - 0.5 if header else y, text, transform=ax.get_yaxis_transform(), ha="left",
        va="bottom" if header else "center", fontsize=7, color=GREY if header else INK,
    )  # fmt: skip


def share_of(part: float, whole: float) -> float:
    """part ÷ whole, NaN where the whole is nothing."""
    return part / whole if whole else float("nan")


def share_axis(ax: Axes, label: str, left_out: int = 0) -> None:
    """An x axis of shares, and under it how many groups are not drawn."""
    ax.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    ax.grid(axis="x")
    ax.set_xlabel(with_note(label, left_out))
