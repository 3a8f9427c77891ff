"""The page's charts as Vega-Lite: made with Altair, filled and listened to by the page's script.

Each has one named data set, `rows`, empty here, and takes the width of its place. Groups have Okabe and Ito's colours
and a shape of their own, so that a chart still reads in grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from judge.errors import InputError
from judge.report.figures.style import (
    BLUE,
    GREEN,
    INDIGO,
    OLIVE,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    TEAL,
    VERMILLION,
    WINE,
)

if TYPE_CHECKING:
    import altair as alt

COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, WINE, OLIVE, INDIGO, TEAL)
#: Of conditions, so that no line has a group's colour while there are six groups or fewer.
LINES = (INDIGO, TEAL, WINE, OLIVE, "#767676", "#117733", "#aa4499", "#000000")
SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)
INK, SOFT, HAIR = "#1b1b1b", "#5c5c5c", "#d9d9d9"
INSTALL = "pip install 'judge[explore]'"
_FONT = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', 'Noto Sans', sans-serif"
CONFIG: dict[str, Any] = {
    "font": _FONT,
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": INK, "domainColor": "#767676", "tickColor": "#767676", "gridColor": PALE,
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 150,
    },
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "labelColor": INK, "symbolSize": 70, "orient": "top",
               "titleFontWeight": "normal", "labelLimit": 160},
}  # fmt: skip


def altair() -> Any:
    """The library, or an InputError that says how to install it (with vl-convert, which brings the script)."""
    try:
        import altair
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"the explorer is drawn by altair and vl-convert-python: {INSTALL} ({error})"
        ) from None
    return altair


def javascript() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script, as vl-convert ships them for this Altair."""
    altair()
    import vl_convert

    return vl_convert.javascript_bundle()


def charts(groups: Sequence[str], conditions: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Name → Vega-Lite specification of every chart of the page."""
    altair()
    made = {
        "shares": _shares(groups, conditions),
        "scores": _scores(),
        "inside": _inside(groups),
        "path": _path(conditions),
        "again": _again(groups, conditions),
    }
    return {name: _finished(chart) for name, chart in made.items()}


def _finished(chart: alt.TopLevelMixin) -> dict[str, Any]:
    spec = chart.to_dict()
    spec.pop("datasets", None)
    return spec | {
        "config": CONFIG,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"name": "rows"},
    }


def _rows() -> Any:
    return altair().NamedData(name="rows")


def _group(groups: Sequence[str], channel: str, **options: Any) -> Any:
    alt = altair()
    ranges = COLOURS if channel == "color" else SHAPES
    scale = alt.Scale(domain=list(groups), range=[ranges[i % len(ranges)] for i in range(len(groups))])
    kind = alt.Color if channel == "color" else alt.Shape
    return kind("group:N", scale=scale, title=None, **options)


def _shares(groups: Sequence[str], conditions: Sequence[str]) -> alt.TopLevelMixin:
    """A dot a run: the share of each group among the winners, a row a condition and group; bars: means over runs."""
    alt = altair()
    base = alt.Chart(_rows())
    y = alt.Y(
        "condition:N",
        sort=list(conditions),
        title=None,
        axis=alt.Axis(grid=False, ticks=False, domain=False, labelPadding=8),
    )
    offset = alt.YOffset("group:N", sort=list(groups))
    x = alt.X(
        "share:Q",
        title="share of the winners",
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domainMin=0, nice=True),
    )
    dim = alt.condition("datum.on", alt.value(0.75), alt.value(0.13))
    dots = (
        base.mark_point(filled=True, size=60, cursor="pointer")
        .transform_filter("datum.kind == 'run'")
        .encode(
            x=x, y=y, yOffset=offset, color=_group(groups, "color"), shape=_group(groups, "shape"), opacity=dim,
            tooltip=[alt.Tooltip("condition:N"), alt.Tooltip("group:N"), alt.Tooltip("run:N"),
                     alt.Tooltip("share:Q", format=".1%", title="share of the winners"),
                     alt.Tooltip("told:N", title="winners")],
        )
    )  # fmt: skip
    means = (
        base.mark_tick(thickness=2.5, size=15, cursor="pointer")
        .transform_filter("datum.kind == 'mean'")
        .encode(x=x, y=y, yOffset=offset, color=_group(groups, "color"),
                opacity=alt.condition("datum.on", alt.value(1), alt.value(0.2)),
                tooltip=[alt.Tooltip("condition:N"), alt.Tooltip("group:N"), alt.Tooltip("told:N", title="over runs"),
                         alt.Tooltip("share:Q", format=".1%", title="mean share")])
    )  # fmt: skip
    entered = (
        base.mark_tick(thickness=1.2, size=15, color=SOFT, strokeDash=[2, 2])
        .transform_filter("datum.kind == 'entered'")
        .encode(x=x, y=y, yOffset=offset,
                tooltip=[alt.Tooltip("group:N"), alt.Tooltip("share:Q", format=".1%", title="of those who entered")])
    )  # fmt: skip
    return (entered + dots + means).properties(width="container", height=alt.Step(17))


def _scores() -> alt.TopLevelMixin:
    """Scores in bins, to be brushed; winners are dark."""
    alt = altair()
    won = alt.Scale(domain=["did not win", "winner"], range=["#b9c4cc", INK])
    brush = alt.selection_interval(
        name="brush",
        encodings=["x"],
        mark=alt.BrushConfig(fill="#0072b2", fillOpacity=0.12, stroke="#0072b2"),
    )
    return (
        alt.Chart(_rows())
        .mark_bar()
        .encode(
            x=alt.X("low:Q", title="score", scale=alt.Scale(zero=False, nice=False)),
            x2="high:Q",
            y=alt.Y("sum(n):Q", title="entrants", axis=alt.Axis(tickCount=4)),
            color=alt.Color("won:N", scale=won, title=None),
            order=alt.Order("won:N", sort="descending"),
            tooltip=[alt.Tooltip("low:Q", format=".3~g", title="from"),
                     alt.Tooltip("high:Q", format=".3~g", title="to"),
                     alt.Tooltip("won:N", title=" "), alt.Tooltip("sum(n):Q", title="entrants")],
        )
        .add_params(brush)
        .properties(width="container", height=170)
    )  # fmt: skip


def _inside(groups: Sequence[str]) -> alt.TopLevelMixin:
    """Share of each group among those in the range, beside its share among all of them."""
    alt = altair()
    base = alt.Chart(_rows())
    y = alt.Y(
        "group:N", sort=list(groups), title=None, axis=alt.Axis(ticks=False, domain=False, labelPadding=8)
    )
    bars = base.mark_bar(height=13).encode(
        y=y,
        x=alt.X("share:Q", title="share of those in the range", axis=alt.Axis(format=".0%", tickCount=5)),
        color=_group(groups, "color", legend=None),
        tooltip=[alt.Tooltip("group:N"), alt.Tooltip("told:N", title="in the range"),
                 alt.Tooltip("share:Q", format=".1%"), alt.Tooltip("all:Q", format=".1%", title="of all")],
    )  # fmt: skip
    ticks = base.mark_tick(thickness=2, size=19, color=INK).encode(y=y, x="all:Q")
    return (bars + ticks).properties(width="container", height=alt.Step(24))


def _path(conditions: Sequence[str]) -> alt.TopLevelMixin:
    """One contestant: the place before each judge, the panel and in the bracket, a line a condition."""
    alt = altair()
    base = alt.Chart(_rows())
    palette = [LINES[i % len(LINES)] for i in range(len(conditions))]
    scale = alt.Scale(domain=list(conditions), range=palette)
    shapes = alt.Scale(
        domain=list(conditions), range=[SHAPES[i % len(SHAPES)] for i in range(len(conditions))]
    )
    x = alt.X("step:N", sort=alt.EncodingSortField("place", op="min"), title=None, scale=alt.Scale(padding=0.35),
              axis=alt.Axis(labelAngle=-30, labelPadding=4, ticks=False))  # fmt: skip
    y = alt.Y(
        "below:Q", title="put below", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=5)
    )
    colour = alt.Color("condition:N", scale=scale, title=None, legend=alt.Legend(columns=3))
    lines = base.mark_line(strokeWidth=1.6, opacity=0.8).encode(x=x, y=y, color=colour, detail="condition:N")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=x, y=y, color=colour, shape=alt.Shape("condition:N", scale=shapes, title=None),
        tooltip=[alt.Tooltip("condition:N"), alt.Tooltip("step:N", title="before"), alt.Tooltip("told:N", title="is"),
                 alt.Tooltip("below:Q", format=".0%", title="of the others put below")],
    )  # fmt: skip
    return (lines + points).properties(width="container", height=230)


def _again(groups: Sequence[str], conditions: Sequence[str]) -> alt.TopLevelMixin:
    """Share of each group among the winners, as it was (hollow) and held again (filled): means over runs."""
    alt = altair()
    base = alt.Chart(_rows())
    y = alt.Y(
        "condition:N",
        sort=list(conditions),
        title=None,
        axis=alt.Axis(grid=False, ticks=False, domain=False, labelPadding=8),
    )
    offset = alt.YOffset("group:N", sort=list(groups))
    axis = alt.Axis(format=".0%", tickCount=5)
    colour, shape = _group(groups, "color"), _group(groups, "shape")
    tips = [alt.Tooltip("condition:N"), alt.Tooltip("group:N"), alt.Tooltip("before:Q", format=".1%", title="as held"),
            alt.Tooltip("after:Q", format=".1%", title="held again"), alt.Tooltip("told:N", title="over")]  # fmt: skip
    lines = base.mark_rule(strokeWidth=1.6).encode(
        x=alt.X("before:Q", title="share of the winners", axis=axis, scale=alt.Scale(domainMin=0, nice=True)),
        x2="after:Q", y=y, yOffset=offset, color=colour,
    )  # fmt: skip
    was = base.mark_point(filled=False, size=70, strokeWidth=1.6).encode(
        x="before:Q", y=y, yOffset=offset, color=colour, shape=shape, tooltip=tips
    )
    now = base.mark_point(filled=True, size=80, opacity=1).encode(
        x="after:Q", y=y, yOffset=offset, color=colour, shape=shape, tooltip=tips
    )
    return (lines + was + now).properties(width="container", height=alt.Step(17))
