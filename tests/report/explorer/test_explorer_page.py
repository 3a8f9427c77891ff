"""The explorer in a real browser: clicked, brushed, followed, held again, and read back; nothing is sent or fetched."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("altair", reason="the page is drawn by altair, which is not installed")

from explorer_fields import a_field

from judge.experiment.explore.recount import combined, panel_from, recounted
from judge.report.explorer import write_explorer
from judge.report.explorer.payload import packed

NOTHING = {"condition": None, "group": None, "run": None, "range": None, "one": None, "places": None, "rule": None,
           "weights": {}}  # fmt: skip


@pytest.fixture(scope="module")
def once(fields, conditions, tmp_path_factory, opened):
    path = tmp_path_factory.mktemp("explorer") / "page.html"
    _, left_out = write_explorer(path, fields, conditions, feature="ethnicity", title="Three contests")
    assert left_out == ""
    return opened(path)


@pytest.fixture
def page(once):
    """The page of three contests with nothing chosen."""
    once.evaluate(
        "nothing => { document.getElementById('what').replaceChildren(); explorer.update(nothing); }", NOTHING
    )
    settled(once)
    yield once
    assert once.asked == [], "the page made a request"
    assert once.wrong == []


def settled(page):
    page.evaluate("window.explorer.settled()")


def until(page, said):
    """Waits until a condition holds in the page: playwright's own way needs eval, which the page forbids."""
    for _ in range(200):
        if page.evaluate(f"() => {said}"):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{said} did not come true")


def table(page, name):
    return page.eval_on_selector_all(
        f"#{name} tbody tr", "rows => rows.map(r => [...r.cells].map(c => c.textContent))"
    )


def test_the_shares_of_the_winners_are_those_of_the_contests_and_a_click_filters_all_views(page, fields):
    rows = {(c, g): mean for c, g, mean, *_ in table(page, "shares-table")}
    for condition in ("skewed", "rebalanced"):
        for group in ("african", "asian", "caucasian"):
            own = [
                f.contests[condition].winner[f.group == group].sum() / f.contests[condition].winner.sum()
                for f in fields
            ]
            assert rows[condition, group] == f"{100 * np.mean(own):.1f} %"
    page.click("button[data-filter=run][data-value='seed 1']")
    page.click("button[data-filter=condition][data-value=rebalanced]")
    page.click("button[data-filter=group][data-value=asian]")
    settled(page)
    held, group = fields[1].contests["rebalanced"], fields[1].group
    n = int((np.isfinite(held.final) & (group == "asian")).sum())
    won = int((held.winner & (group == "asian")).sum())
    assert (
        page.inner_text("#inside-said") == f"All scores: {n} entrants, {won} winner{'' if won == 1 else 's'}."
    )
    assert {row[:2] == ["rebalanced", "asian"] for row in table(page, "again-table")} == {True}
    assert page.get_attribute("button[data-value=asian]", "aria-pressed") == "true"
    page.click("#everything")
    settled(page)
    assert page.evaluate("[explorer.state.condition, explorer.state.group, explorer.state.run]") == [None] * 3


def test_a_click_on_a_dot_chooses_its_condition_group_and_run(page):
    dots = page.query_selector_all("#shares .mark-symbol.role-mark path")
    assert len(dots) == 2 * 3 * 3
    dots[0].click(force=True)
    settled(page)
    condition, group, run = page.evaluate(
        "[explorer.state.condition, explorer.state.group, explorer.state.run]"
    )
    assert (
        condition in ("skewed", "rebalanced")
        and group in ("african", "asian", "caucasian")
        and run.startswith("seed ")
    )


def test_a_brush_over_the_scores_tells_who_is_in_it(page, fields):
    page.click("button[data-filter=condition][data-value=skewed]")  # which has the focus from now on
    page.locator("#scores").scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    box = page.locator("#scores svg").bounding_box()
    page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.85 * box["width"], box["y"] + 60, steps=6)
    page.mouse.up()
    settled(page)
    assert page.evaluate("scrollY") == scrolled > 0, "the page jumped"
    low, high = page.evaluate("explorer.state.range")
    assert low < high
    final = np.concatenate([f.contests["skewed"].final for f in fields])
    group = np.concatenate([f.group for f in fields])
    inside = (final >= low) & (final <= high)
    counts = {row[0]: int(row[1]) for row in table(page, "inside-table")}
    assert counts == {g: int((inside & (group == g)).sum()) for g in ("african", "asian", "caucasian")}
    # and by the keyboard: the same range in the two fields
    page.fill("#from", "0.5")
    page.press("#from", "Tab")
    page.fill("#to", "9")
    page.press("#to", "Tab")
    settled(page)
    counts = {row[0]: int(row[1]) for row in table(page, "inside-table")}
    assert counts == {
        g: int(((final >= 0.5) & (group == g)).sum()) for g in ("african", "asian", "caucasian")
    }
    page.click("#unbrush")
    settled(page)
    assert page.inner_text("#inside-said").startswith(f"All scores: {np.isfinite(final).sum()} entrants")


def test_a_contestant_is_followed_through_gate_judges_panel_and_ranks(page, fields):
    who = int(
        np.flatnonzero(~fields[0].contests["skewed"].judged & fields[0].contests["rebalanced"].judged)[0]
    )
    page.fill("#contestant", f"p{who}")
    page.press("#contestant", "Tab")
    settled(page)
    rows = {row[0]: row for row in table(page, "one-table")}
    assert rows["skewed"][1] == "too dark (0.01; limit 0.02)"
    assert rows["skewed"][2:] == ["–", "–", "–", "–", "–", "–", "no"]
    held = fields[0].contests["rebalanced"]
    of = int((held.rank[fields[0].bracket == fields[0].bracket[who]] > 0).sum())
    assert rows["rebalanced"][1] == "let through"
    assert rows["rebalanced"][-2] == f"{held.rank[who]} of {of}"
    assert float(rows["rebalanced"][-3].replace("−", "-")) == pytest.approx(held.final[who], rel=1e-3)
    page.click("#next")
    settled(page)
    assert page.input_value("#contestant") != f"p{who}"


CASES = [
    ("weights", {"beauty": 2.0, "symmetry": 0.5, "wrinkles": 0.0, "pigment": 1.25}, 3),
    ("weights", {"beauty": 0.0, "symmetry": 1.0, "wrinkles": 1.0, "pigment": 0.0}, 1),
    ("mean_rank", {"beauty": 1.0, "symmetry": 1.0, "wrinkles": 1.0, "pigment": 1.0}, 5),
    ("borda", {"beauty": 1.0, "symmetry": 0.0, "wrinkles": 3.0, "pigment": 1.0}, 3),
    ("minimum", {"beauty": 1.0, "symmetry": 1.0, "wrinkles": 1.0, "pigment": 0.0}, 4),
]


def test_held_again_in_the_page_as_by_the_projects_own_panel_and_contest(page, fields):
    for rule, weights, places in CASES:
        page.evaluate(
            "changes => explorer.update(changes)", {"rule": rule, "weights": weights, "places": places}
        )
        for at, field in enumerate(fields):
            for condition, held in field.contests.items():
                settings = {**held.panel, "rule": rule, "weights": weights}
                rank, winner = recounted(field, held, settings, places=places)
                told = page.evaluate(
                    "([at, c]) => [explorer.ranks(at, c), explorer.winners(at, c)]", [at, condition]
                )
                assert told[0] == rank.tolist(), (rule, condition)
                assert told[1] == winner.astype(int).tolist()


def test_what_the_sliders_and_fields_set_is_what_is_held_again(page, fields):
    page.fill("#places", "2")
    page.press("#places", "Tab")
    page.eval_on_selector(
        "input[data-judge=pigment]", "e => { e.value = 4; e.dispatchEvent(new Event('input')); }"
    )
    until(page, "explorer.state.rule === 'weights'")
    settled(page)
    weights = {"beauty": 1.0, "symmetry": 1.0, "wrinkles": 1.0, "pigment": 4.0}
    rows = {(c, g): (int(was), int(now)) for c, g, was, now, *_ in table(page, "again-table")}
    for condition in ("skewed", "rebalanced"):
        for group in ("african", "asian", "caucasian"):
            was = now = 0
            for field in fields:
                held = field.contests[condition]
                _, winner = recounted(
                    field, held, {**held.panel, "rule": "weights", "weights": weights}, places=2
                )
                was += int(held.winner[field.group == group].sum())
                now += int(winner[field.group == group].sum())
            assert rows[condition, group] == (was, now)
    page.click("#as-held")
    settled(page)
    assert "the same people win" in page.inner_text("#again-said")


def test_every_way_with_missing_scores_and_scopes(tmp_path, opened):
    ways = [
        (missing, within)
        for missing in ("available", "middle", "worst", "refuse")
        for within in (False, True)
    ]
    fields = [a_field(7 + i, missing=missing, within=within) for i, (missing, within) in enumerate(ways)]
    path, _ = write_explorer(
        tmp_path / "page.html", fields, ["skewed"], feature="ethnicity", title="Eight ways"
    )
    page = opened(path)
    weights = {"beauty": 1.0, "symmetry": 2.0, "wrinkles": 1.0, "pigment": 0.5}
    for rule in ("weights", "borda", "mean_rank", "minimum"):
        page.evaluate("changes => explorer.update(changes)", {"rule": rule, "weights": weights, "places": 2})
        for at, field in enumerate(fields):
            held = field.contests["skewed"]
            settings = {**held.panel, "rule": rule, "weights": weights}
            scores, ranks = page.evaluate(
                "at => [explorer.scores(at, 'skewed'), explorer.ranks(at, 'skewed')]", at
            )
            np.testing.assert_allclose(np.array(scores, float), combined(held, settings), rtol=0, atol=1e-9)
            assert ranks == recounted(field, held, settings)[0].tolist(), (ways[at], rule)
    assert page.wrong == [] and page.asked == []


def test_a_contest_whose_places_a_method_gave_is_not_held_again(fields, conditions, tmp_path, opened):
    told = "a method gave the places"
    fixed = dataclasses.replace(fields[0].contests["rebalanced"], fixed=told)
    field = dataclasses.replace(fields[0], contests={**fields[0].contests, "rebalanced": fixed})
    path, _ = write_explorer(tmp_path / "page.html", [field], conditions, feature="ethnicity", title="One")
    page = opened(path)
    assert f"rebalanced: not held again, {told}" in page.inner_text("#again-said")
    assert {row[0] for row in table(page, "again-table")} == {"skewed"}


def test_a_sample_keeps_places_among_everybody_and_is_not_held_again(tmp_path, opened):
    field = a_field(3)
    path, told = write_explorer(
        tmp_path / "page.html",
        [field],
        ["skewed"],
        feature="ethnicity",
        title="A sample",
        most=field.numbers // 3,
    )
    page = opened(path)
    assert told in page.inner_text("#s1 .caution")
    assert page.is_hidden("#what") and "skewed: not held again" in page.inner_text("#again-said")
    ranked = field.contests["skewed"].rank > 0
    who = next(i for i in range(60) if ranked[i] and f"p{i}" in page.evaluate("explorer.fields[0].ids"))
    page.fill("#contestant", f"p{who}")
    page.press("#contestant", "Tab")
    settled(page)
    n = int((ranked & (field.bracket == field.bracket[who])).sum())
    assert table(page, "one-table")[0][-2] == f"{field.contests['skewed'].rank[who]} of {n}"
    low = page.evaluate("explorer.views.path.data('rows').map(row => row.below)")
    assert all(0 <= share <= 1 for share in low)
    assert page.wrong == [] and page.asked == []


def test_names_that_look_like_markup_stay_names(fields, tmp_path, opened):
    bad = "</script><img src=x onerror=alert(1)>"
    field = dataclasses.replace(
        fields[0],
        ids=np.array([bad, *fields[0].ids[1:]], object),
        group=np.array([bad, *fields[0].group[1:]], object),
    )
    path, _ = write_explorer(tmp_path / "page.html", [field], ["skewed"], feature="<b>g", title=bad)
    page = opened(path)
    assert page.inner_text("h1") == bad
    assert page.query_selector_all("main img:not(#face)") == []
    assert bad in page.eval_on_selector_all("#filters button", "all => all.map(b => b.textContent)")
    assert page.wrong == [] and page.asked == []


def test_a_narrow_screen_does_not_scroll_sideways(fields, conditions, tmp_path, opened):
    path, _ = write_explorer(
        tmp_path / "page.html", fields, conditions, feature="ethnicity", title="Three contests"
    )
    page = opened(path, width=420)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    assert page.wrong == []


def test_floats_are_packed_in_32_bits_only_where_that_loses_nothing():
    assert packed(np.array([0.5, np.nan]))["kind"] == "f4"
    assert packed(np.array([0.1]))["kind"] == "f8"


def test_who_weighs_nothing_does_not_sit():
    panel = panel_from(
        {"rule": "borda", "weights": {"a": 0.0, "b": 2.0}, "missing": "middle", "min_judges": 1}
    )
    assert panel.judges == ["b"] and panel.weights is None
