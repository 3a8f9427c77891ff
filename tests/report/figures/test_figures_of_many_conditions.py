"""Two to ten conditions in three to seven groups: nothing overlaps, every condition looks the same everywhere."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text

from judge.report import figures
from judge.report.conditions import with_order

pytestmark = pytest.mark.slow

METRICS = ("pearson", "mae", "signed_error")
SIZES = [(2, 3), pytest.param(10, 7, marks=pytest.mark.slow)]


def names(conditions):
    return [f"condition_{i}" for i in range(conditions)]


def each(conditions, groups):
    """One row a condition and group, with whatever a figure of rows may need."""
    cells = itertools.product(names(conditions), [f"group {i}" for i in range(groups)])
    table = pd.DataFrame(cells, columns=["condition", "group"])
    rng = np.random.default_rng(0)
    table = table.assign(
        n=60,
        entrants=60,
        winners=rng.integers(0, 9, len(table)),
        value=rng.uniform(0.3, 2, len(table)),
        p_value=0.04,
    )
    return with_order(table.assign(ci_low=table["value"] / 2, ci_high=table["value"] * 2), names(conditions))


def people(conditions, groups):
    rng = np.random.default_rng(1)
    table = pd.concat([each(conditions, groups)] * 12, ignore_index=True)
    scores = rng.normal(5, 1, len(table))
    return table.assign(score=scores, rating=rng.normal(5, 1, len(table)), winner=scores > 6, bracket="f")


def drawn(kind, conditions, groups):
    table = each(conditions, groups)
    if kind == "pools":
        return figures.pool_composition(table)
    if kind == "winners":
        return figures.entrants_to_winners(table)
    if kind == "ratios":
        return figures.ratio_forest(table, reference="group 0")
    if kind == "errors":
        rows = pd.concat([table.assign(metric=metric) for metric in METRICS], ignore_index=True)
        return figures.error_by_group(rows)
    if kind == "scores":
        return figures.scores_by_group(people(conditions, groups))
    if kind == "calibration":
        return figures.calibration(people(conditions, groups))
    assert kind == "ranks"
    curve = pd.concat([table.assign(k=k, skew=table["value"] - 1) for k in (1, 3, 9)], ignore_index=True)
    return figures.skew_at_k(curve, sizes=dict.fromkeys(table["group"].unique(), 60))


KINDS = ("pools", "winners", "ratios", "errors", "scores", "calibration", "ranks")


def colours(figure):
    """condition → colours of whatever is drawn for it and says so."""
    found = {}
    for ax in figure.axes:
        marked = [(line.get_gid(), line.get_color()) for line in ax.lines]
        marked += [(bar.get_gid(), bar.get_edgecolor()) for bar in ax.patches]
        for gid, colour in marked:
            if gid and gid.count(":") == 2:
                found.setdefault(gid.split(":")[1], set()).add(to_hex(colour))
    return found


@pytest.mark.parametrize("conditions", [3, 10])
def test_a_condition_has_one_colour_in_all_figures(conditions):
    everywhere = {}
    for kind in set(KINDS) - {"scores"}:
        found = colours(drawn(kind, conditions, 3))
        assert set(found) == set(names(conditions)), kind
        for condition, colour in found.items():
            everywhere.setdefault(condition, set()).update(colour)
    assert [len(colour) for colour in everywhere.values()] == [1] * conditions


@pytest.mark.parametrize(("conditions", "groups"), SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_text_lies_on_another_and_none_leaves_the_figure(kind, conditions, groups):
    figure = drawn(kind, conditions, groups)
    for _ in range(2):
        figure.draw_without_rendering()
    renderer = FigureCanvasAgg(figure).get_renderer()
    page = figure.bbox
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in shown_texts(figure)]
    assert len(boxes) > groups
    for said, box in boxes:
        assert box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1, said
        assert box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1, said
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert wide <= 1 or high <= 0.25 * min(a.height, b.height), (one, other)


def shown_texts(figure):
    """Texts that are drawn: tick labels only of the ticks that matplotlib draws."""
    hidden = set()
    for ax in figure.axes:
        if not ax.axison:
            hidden |= {id(text) for text in ax.findobj(Text)} - {id(text) for text in ax.texts}
            continue
        for axis in (ax.xaxis, ax.yaxis):
            drawn = {id(text) for tick in axis._update_ticks() for text in tick.findobj(Text)}
            hidden |= {
                id(text) for tick in axis.majorTicks + axis.minorTicks for text in tick.findobj(Text)
            } - drawn
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in found if id(text) not in hidden]


@pytest.mark.parametrize("kind", ["pools", "winners", "ratios", "errors"])
def test_every_row_has_room_for_a_line_of_text(kind):
    few, many = (drawn(kind, conditions, 7).get_figheight() for conditions in (2, 10))
    assert many - few == pytest.approx(0.2 * 8 * 7)  # eight conditions more in each of seven groups


@pytest.mark.parametrize("kind", KINDS)
def test_the_baseline_is_marked_in_every_figure(kind):
    figure = drawn(kind, 4, 3)
    figure.draw_without_rendering()
    said = {text.get_text() for text in figure.findobj(Text) if "(baseline)" in text.get_text()}
    assert said == {"condition_0 (baseline)"}


def test_scores_of_another_scale_get_an_axis_of_their_own():
    table = people(2, 3)
    shared = figures.scores_by_group(table)
    far = table.assign(score=table["score"].where(table["condition"] == "condition_0", table["score"] * 100))
    apart = figures.scores_by_group(far)
    assert len({ax.get_xlim() for ax in shared.axes}) == 1
    assert len({ax.get_xlim() for ax in apart.axes}) == 2
    assert "each panel has its own scale" in apart.get_supxlabel()
