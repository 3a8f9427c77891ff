"""The page of a run with two, three, seven and ten conditions."""

import re
from collections import Counter
from pathlib import Path

import pytest
from matplotlib.colors import to_hex

from judge.errors import InputError
from judge.report.conditions import with_order
from judge.report.html import Column, Fold, Picture, Table
from judge.report.pages.run import limits, run_sections, write_run_report
from judge.report.sections.entrants import contestants

NAMES = ["untouched", "evened"]


@pytest.fixture(scope="module")
def seven(tmp_path_factory, made_run, settings):
    """The page of seven conditions and the truth."""
    tables, names, trained_as = made_run(7, truth=True)
    folder = tmp_path_factory.mktemp("seven")
    return write_run_report(folder, tables, settings, {}, conditions=names, trained_as=trained_as)


@pytest.fixture(scope="module")
def ten(made_run, settings):
    """The sections of a page of ten conditions and the truth, not written."""
    return sections_of(made_run, settings, 10)


def blocks_of(sections):
    for section in sections:
        for block in section.blocks:
            yield from (block.blocks if isinstance(block, Fold) else [block])


def sections_of(made_run, settings, conditions):
    tables, names, trained_as = made_run(conditions, truth=True)
    tables = {
        name: with_order(table, names) if "condition" in table else table for name, table in tables.items()
    }
    return run_sections(
        Path("run"), tables, settings, {}, trained_as=trained_as, show_faces=False, feature=None
    )


@pytest.mark.slow
def test_the_page_of_a_run_holds_everything_and_says_what_it_does_not_show(
    tmp_path, run_tables, settings, assert_safe
):
    environment = {"judge": "0.1.0", "packages": {"numpy": "2"}, "command": "judge run seed=0"}
    asked = settings | {"audit": {"confidence": 0.9}}
    page = write_run_report(tmp_path / "run", run_tables, asked, environment, conditions=NAMES)
    text = assert_safe(page).flat
    assert "Against untouched, evened moved no group by more than 1 place." in text
    assert "9 of 10 training pictures are light and so are 3 of 4 winners (75.0 %), where 50.0 % of" in text
    assert "Every pool holds 10 pictures" in text
    assert "judge run seed=0" in text
    assert "a broken picture" in text
    assert "majority_share: 0.9" in text
    assert "from one seed no effect of any condition is claimed" in text
    names = {"pools", "winners", "ratios", "scores", "skew", "errors", "calibration"}
    written = {path.name for path in (page.parent / "figures").iterdir()}
    assert written == {f"{name}.{end}" for name in names for end in ("png", "svg")}
    # the level of the intervals is the one that was set; the band of chance has its own
    assert "its 90 % interval over entrants" in text
    assert "Shaded: 90 % interval of the winners’ share" in text
    assert "95 %" not in text.replace("95 % of random rankings", "")


@pytest.mark.slow
@pytest.mark.slow
def test_the_same_tables_give_a_page_of_the_same_bytes(tmp_path, made_run, settings):
    tables, names, trained_as = made_run(3, groups=2)
    pages = [
        write_run_report(
            tmp_path / part / "run", tables, settings, {}, conditions=names, trained_as=trained_as
        )
        for part in "ab"
    ]
    assert pages[0].read_bytes() == pages[1].read_bytes()


@pytest.mark.slow
def test_a_page_of_seven_conditions_runs_no_script_and_scrolls_within_its_tables(seven, assert_safe):
    seen = assert_safe(seven)
    regions = Counter(
        (a["aria-label"].split()[0], a["role"]) for _, a in seen.tags if a.get("tabindex") == "0"
    )
    assert regions["Figure", "region"] == 7
    assert regions["Table", "region"] >= 3
    details = [a for tag, a in seen.tags if tag == "details"]
    assert len(details) >= 4
    assert all("open" not in a for a in details)
    for said in ("The audit table: ", "The settings, as resolved", "Errors by ethnicity: "):
        assert said in seen.text


@pytest.mark.slow
@pytest.mark.parametrize("conditions", [2, 10])
def test_the_baseline_is_marked_once_in_every_table_that_names_conditions(
    ten, made_run, settings, conditions
):
    sections = ten if conditions == 10 else sections_of(made_run, settings, conditions)
    tables = [block for block in blocks_of(sections) if isinstance(block, Table)]
    named = 0
    for table in tables:
        cells = [column.heading for column in table.columns] + [cell for row in table.rows for cell in row]
        if any(re.fullmatch(r"untouched( \(baseline\))?", cell) for cell in cells):
            named += 1
            assert cells.count("untouched (baseline)") == 1, table.caption
            assert not [cell for cell in cells if "(baseline)" in cell and not cell.startswith("untouched")]
    assert named >= 5


@pytest.mark.slow
def test_every_condition_has_one_colour_in_all_figures_of_a_page(ten):
    found = {}
    for block in blocks_of(ten):
        if not isinstance(block, Picture):
            continue
        for ax in block.figure.axes:
            drawn = [(line.get_gid(), line.get_color()) for line in ax.lines]
            drawn += [(bar.get_gid(), bar.get_edgecolor()) for bar in ax.patches]
            for gid, colour in drawn:
                if gid and gid.count(":") == 2:
                    kind, condition, _ = gid.split(":")
                    found.setdefault(condition, {}).setdefault(to_hex(colour), set()).add(kind)
    assert len(found) == 12  # ten, the raters' mean, the truth
    assert [list(colours) for colours in found.values() if len(colours) > 1] == []
    assert len({next(iter(colours)) for colours in found.values()}) == 12
    assert found["truth"] == {"#000000": {"won", "ratio", "skew"}}
    assert {"pool", "won", "ratio", "skew", "pearson", "tenths"} <= found["untouched"]["#d55e00"]


@pytest.mark.slow
def test_the_table_of_conditions_has_a_line_for_each_and_says_whose_judge_it_uses(ten):
    table = next(block for block in ten[0].blocks if isinstance(block, Table))
    assert [row[0] for row in table.rows] == [
        "untouched (baseline)", "evened", "weighed", "robust", "last_layer", "within", "no_gate",
        "panel", "rival", "drawn", "truth",
    ]  # fmt: skip
    assert [row[1] for row in table.rows][:4] == [
        "–",
        "pool: redraw",
        "no gate",
        "objective: group DRO (step 0.01)",
    ]
    assert [row[2] for row in table.rows][:4] == ["its own", "its own", "that of untouched", "its own"]
    assert table.rows[-1][1:3] == ["the known truth decides", "–"]
    headings = [column.heading for column in table.columns]
    assert headings[3:7] == ["light in the pool", "dark winners", "light winners", "tan winners"]
    assert isinstance(table.columns[4], Column)
    assert sum(int(row[4]) + int(row[5]) + int(row[6]) for row in table.rows) == 11 * 8  # eight winners each


@pytest.mark.slow
def test_long_tables_are_folded_and_the_first_one_is_not(ten):
    sections = {section.title: section for section in ten}
    assert not any(isinstance(block, Fold) for block in sections["What the conditions did"].blocks)
    for title in ("All numbers of the audit", "Who entered and who won", "Errors against ratings"):
        assert any(isinstance(block, Fold) for block in sections[title].blocks), title
    for section in sections.values():
        for block in section.blocks:
            assert not isinstance(block, Table) or len(block.rows) <= 24, block.caption


def test_a_table_with_a_condition_that_the_run_does_not_name_is_refused(tmp_path, run_tables, settings):
    with pytest.raises(InputError, match="evened"):
        write_run_report(tmp_path, run_tables, settings, {}, conditions=["untouched"])


def test_a_domain_shift_and_a_planted_shift_are_said(run_tables, settings):
    people = contestants(run_tables["manifest"], run_tables["ranking"], "ethnicity")
    changed = settings | {
        "entrants_data": {"x": 1},
        "pool": settings["pool"] | {"rating_shift": {"dark": -0.5}},
    }
    said = " ".join(limits(changed, people))
    assert "domain shift" in said
    assert "dark −0.50" in said
    assert "domain shift" not in " ".join(limits(settings, people))
