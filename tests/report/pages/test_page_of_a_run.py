import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from conftest import audit_rows
from judge.report.figures.contest import ratio_forest

from judge.report.html.page import Column, Section, Table, Text, table_from, write_page
from judge.report.pages.audit import write_audit_report
from judge.report.pages.dataset import data_counts, duplicate_counts, write_data_report
from judge.report.pages.run import chosen_otherwise, contestants, limits, pool_table, write_run_report
from judge.report.pages.sweep import outcome_means, write_compare_report
from judge.report.sections.faces import face_blocks
from judge.report.sections.tables import brackets_table, metric_table, reasons_table, winners_table

SCRIPT = '<script>alert("x")</script>'


class Seen(HTMLParser):
    """Tags with attributes, and the text between them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        self.text += " " if tag == "td" else ""

    def handle_data(self, data):
        self.text += data


def assert_safe(path):
    """No script, no handler, no address outside the page; every image has words."""
    seen = Seen(path.read_text(encoding="utf-8"))
    for tag, attributes in seen.tags:
        assert tag not in {"script", "iframe", "object", "embed", "form", "base"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("data:", "#"))
        if tag == "img":
            assert attributes["alt"]
    policy = [a["content"] for tag, a in seen.tags if tag == "meta" and "http-equiv" in a]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    style = re.search(r"<style>(.*?)</style>", path.read_text(encoding="utf-8"), re.S).group(1)
    assert "url(" not in style
    assert "@import" not in style
    return seen


@pytest.fixture
def run_page(tmp_path, run_tables, settings):
    environment = {"judge": "0.1.0", "packages": {"numpy": "2"}, "command": "judge run seed=0"}
    return write_run_report(tmp_path / "run", run_tables, settings, environment)


def test_the_page_of_a_run_holds_everything_and_says_what_it_does_not_show(run_page):
    seen = assert_safe(run_page)
    text = re.sub(r"\s+", " ", seen.text)
    assert "the judge chose 3 light of 4 winners (75.0 %), where 50.0 % of the entrants are light" in text
    assert "Both pools hold 10 pictures" in text
    assert "judge run seed=0" in text
    assert "a broken picture" in text
    assert "majority_share: 0.9" in text
    assert "from one seed no effect of the skew is claimed" in text
    figures = run_page.parent / "figures"
    names = {"pools", "winners", "ratios", "scores", "skew", "errors", "calibration"}
    assert {path.name for path in figures.iterdir()} == {f"{n}.{e}" for n in names for e in ("png", "svg")}


def test_captions_name_the_level_of_the_intervals_that_was_set(tmp_path, run_tables, settings):
    asked = settings | {"audit": {"confidence": 0.9}}
    page = write_run_report(tmp_path / "run", run_tables, asked, {})
    text = re.sub(r"\s+", " ", Seen(page.read_text(encoding="utf-8")).text)
    assert "In brackets: 90 % intervals over entrants" in text
    assert "Shaded: 90 % Clopper" in text
    assert "90 % intervals over people" in text
    random = "95 % of random rankings"  # the band of chance has its own level
    assert "95 %" not in text.replace(random, "")
    forest = ratio_forest(audit_rows("", (1, 3)).tail(1).assign(confidence=0.9), reference="light")
    assert any("[90 % interval]" in text.get_text() for text in forest.axes[0].texts)
    audit = audit_rows("", (1, 3)).drop(columns="condition").assign(score_column="won", primary=False)
    page = write_audit_report(
        tmp_path, None, audit, features=["ethnicity"], winner_columns=["won"], confidence=0.99
    )
    text = re.sub(r"\s+", " ", Seen(page.read_text(encoding="utf-8")).text)
    assert "99 % interval" in text and "95 %" not in text


def people(run_tables):
    return contestants(run_tables["manifest"], run_tables["ranking"], "ethnicity")


def shown(blocks):
    return [
        face.label
        for block in blocks
        if block.block == "faces"
        for _, faces in block.groups
        for face in faces
    ]


def test_faces_of_people_who_do_not_exist_are_shown(run_tables):
    assert len(shown(face_blocks(people(run_tables), show_faces=False))) == 8  # 4 winners, 2 conditions


@pytest.mark.parametrize("source", ["photo", None, "unheard of"])
def test_faces_of_real_people_are_not_shown_unless_asked_for(run_tables, source):
    real = people(run_tables).assign(source=source)
    blocks = face_blocks(real, show_faces=False)
    assert shown(blocks) == []
    assert "4 of 4 winners are real people and are not shown" in blocks[0].text
    assert len(shown(face_blocks(real, show_faces=True))) == 8


def test_of_a_mixed_contest_only_the_faces_of_nobody_are_shown(run_tables):
    mixed = people(run_tables)
    mixed["source"] = np.where(mixed["group"] == "dark", "photo", "generated")
    assert len(shown(face_blocks(mixed, show_faces=False))) == 3 + 2  # light winners, skewed and rebalanced


def test_raters_and_truth_choose_as_many_winners_in_each_bracket(run_tables):
    # ratings rise from e0 to e11; two places a bracket: f has e7, e8 (light), m has e10, e11 (light)
    table = chosen_otherwise(people(run_tables)).set_index("group")
    assert table.loc["light", "winners"] == 4
    assert table.loc["dark", "winners"] == 0
    assert set(table["condition"]) == {"by raters’ mean"}  # there is no truth column
    held = people(run_tables).assign(truth=0.0)
    assert set(chosen_otherwise(held)["condition"]) == {"by known truth", "by raters’ mean"}
    held = pd.concat([held, held[held["condition"] == "skewed"].assign(condition="truth")])
    assert set(chosen_otherwise(held)["condition"]) == {"by raters’ mean"}  # the run held that contest itself
    one_missing = people(run_tables)
    one_missing.loc[0, "rating"] = np.nan
    assert chosen_otherwise(one_missing).empty


def test_pools_are_counted_by_picture_and_by_weight(run_tables):
    table = pool_table(run_tables["manifest"], "ethnicity").set_index(["condition", "group"])
    assert table.loc[("skewed", "dark"), "n"] == 1
    assert table.loc[("rebalanced", "light"), ["n", "pool_n"]].tolist() == [5, 10]
    assert "weight" not in table
    weighted = run_tables["manifest"].assign(weight=1.0)
    weighted.loc[weighted["image_id"] == "rebalanced0", "weight"] = 3.0
    table = pool_table(weighted, "ethnicity").set_index(["condition", "group"])
    assert table.loc[("rebalanced", "dark"), ["n", "weight"]].tolist() == [5, 7]


def test_a_group_that_one_pool_lacks_is_counted_as_zero(run_tables):
    manifest = run_tables["manifest"]
    manifest = manifest[manifest["image_id"] != "skewed0"]  # the one dark picture
    table = pool_table(manifest, "ethnicity").set_index(["condition", "group"])
    assert table.loc[("skewed", "dark"), "n"] == 0


def test_a_domain_shift_and_a_planted_shift_are_said(run_tables, settings):
    changed = settings | {
        "entrants_data": {"x": 1},
        "pool": settings["pool"] | {"rating_shift": {"dark": -0.5}},
    }
    said = " ".join(limits(changed, people(run_tables)))
    assert "domain shift" in said
    assert "dark −0.50" in said
    assert "domain shift" not in " ".join(limits(settings, people(run_tables)))


def test_the_table_of_winners_counts_from_the_audits_shares():
    table = winners_table(audit_rows("skewed", (1, 3)), "ethnicity").set_index("group")
    assert table.loc["dark", ["entrants", "winners"]].tolist() == [6, 1]
    assert table.loc["light", "winner_share"] == 0.75


def test_conditions_stand_side_by_side_in_a_table_of_measures():
    audit = pd.concat([audit_rows("skewed", (1, 3)), audit_rows("rebalanced", (2, 2))])
    table = metric_table(audit[audit["metric"] == "selection_rate_ratio"], "c")
    assert [column.heading for column in table.columns] == ["measure", "group", "n", "skewed", "rebalanced"]
    assert table.rows == [["selection-rate ratio", "dark", "6", "0.333 [0.050, 1.500] p = .250",
                           "1.000 [0.050, 1.500] p = .250"]]  # fmt: skip


def test_brackets_that_agree_are_listed_once_and_empty_ones_are_counted(run_tables):
    table = brackets_table(run_tables["brackets"])
    assert [row[0] for row in table.rows] == ["f", "m", "x"]
    assert table.note == "The same in each condition. 1 without an entrant; 2 places unfilled."


def test_what_was_set_aside_is_counted_by_reason():
    things = pd.DataFrame({"item": list("abc"), "reason": ["broken", "broken", "no label"]})
    assert reasons_table(things, "Exclusions.").rows == [["broken", "2"], ["no label", "1"]]
    counted = pd.DataFrame({"reason": ["broken"], "count": [7]})
    assert reasons_table(counted, "Exclusions.").rows == [["broken", "7"]]
    assert reasons_table(things.iloc[:0], "Exclusions.") == Text("Exclusions: none.")


def test_a_long_table_is_cut_and_says_how_many_rows_are_missing():
    table = table_from(pd.DataFrame({"a": range(1000)}), {"a": Column("a")}, "c", limit=10)
    assert len(table.rows) == 10
    assert "990 more rows" in table.note


def test_names_in_text_tables_and_headings_are_escaped(tmp_path):
    blocks = [Text(f"{SCRIPT} `{SCRIPT}`"), Table(SCRIPT, [Column(SCRIPT)], [[SCRIPT]], SCRIPT)]
    page = write_page(tmp_path, title=SCRIPT, subtitle=SCRIPT, sections=[Section(SCRIPT, blocks)])
    seen = assert_safe(page)
    # title and heading of the page, subtitle, contents, heading of the section, twice in the text; caption, heading,
    # cell and note of the table
    assert seen.text.count(SCRIPT) == 11


def test_the_same_page_has_the_same_bytes(tmp_path, sweep):
    pages = [
        write_compare_report(tmp_path / name, sweep, pd.DataFrame(), None, feature="f", title="t")
        for name in "ab"
    ]
    assert pages[0].read_bytes() == pages[1].read_bytes()


@pytest.fixture
def sweep():
    rows = [
        (f"r{share}{seed}", share, seed, condition, group, won, won / 0.5, 0.5)
        for share in (0.5, 0.9)
        for seed in (0, 1)
        for condition, lost in (("skewed", 0.2), ("rebalanced", 0.0))
        for group, won in (("dark", 0.5 - lost + 0.1 * seed), (SCRIPT, 0.5 + lost - 0.1 * seed))
    ]
    columns = [
        "folder",
        "share",
        "seed",
        "condition",
        "group",
        "winner_share",
        "selection_rate_ratio",
        "entrant_share",
    ]
    return pd.DataFrame(rows, columns=columns).assign(reference=SCRIPT, majority=SCRIPT, n_group=50)


def test_means_of_a_sweep_are_over_training_runs(sweep):
    means = outcome_means(sweep, pd.DataFrame(), "winner_share").set_index(["group", "condition", "dose"])
    row = means.loc[("dark", "skewed", 0.9)]
    assert row["n"] == 2
    assert row["value"] == pytest.approx(0.35)  # seeds .3 and .4
    assert row["ci_high"] - row["value"] == pytest.approx(12.706 * 0.05, rel=1e-3)  # t(1) · s/√2


def test_the_page_of_a_sweep_lists_failed_runs_and_runs_no_script(tmp_path, sweep):
    failed = pd.DataFrame({"folder": ["r7"], "state": ["failed"], "reason": [f"ValueError: {SCRIPT}"]})
    page = write_compare_report(
        tmp_path, sweep, pd.DataFrame(), failed, feature="ethnicity", title=SCRIPT, notes=[SCRIPT]
    )
    text = re.sub(r"\s+", " ", assert_safe(page).text)
    assert "in no number on this page: 1 run." in text
    assert f"ValueError: {SCRIPT}" in text
    assert "8 training runs, 2 seeds, 2 training shares" in text
    assert "There are 2 seeds" in text


def test_the_known_truth_is_no_training_run_and_has_no_errors(tmp_path, sweep):
    truth = sweep[sweep["condition"] == "skewed"].assign(condition="truth")
    runs = pd.concat([sweep, truth]).assign(pearson=0.5)
    page = write_compare_report(tmp_path, runs, pd.DataFrame(), None, feature="ethnicity", title="t")
    text = re.sub(r"\s+", " ", assert_safe(page).text)
    assert "8 training runs" in text
    assert "Truth: winners by the known truth" in text
    errors = text.split("Agreement with ratings: means")[1].split("What these numbers")[0]
    assert "skewed" in errors
    assert "truth" not in errors


def test_the_page_of_an_audit_runs_no_script_and_shows_an_empty_group(tmp_path):
    names = {"dark": SCRIPT, "light": "=1+1"}
    audit = audit_rows("", (0, 4), entrants=(0, 8)).drop(columns="condition")
    audit["group"] = audit["group"].map(names)
    audit = audit.assign(score_column="won", reference="=1+1", primary=False, p_adjusted=np.nan, flag="")
    page = write_audit_report(
        tmp_path, None, audit, features=["ethnicity"], winner_columns=["won"], title=SCRIPT, notes=[SCRIPT]
    )
    text = assert_safe(page).text
    assert SCRIPT in text
    assert "=1+1" in text
    cells = re.sub(r"\s+", " ", text)
    assert f"{SCRIPT} 0 0.0 % 0 0.0 % [10.0, 90.0] % – " in cells  # nobody entered, so there is no rate


def test_several_scores_are_audited_side_by_side(tmp_path):
    from judge.fairness.audit.audit import audit

    entrants = pd.DataFrame(
        {
            "ethnicity": ["a", "b"] * 20,
            "one": np.arange(40.0),
            "two": np.arange(40.0)[::-1],
            "rating": np.arange(40.0),
        }
    )
    table = audit(
        entrants, features="ethnicity", score=["one", "two"], places=5, n_boot=20, n_permutations=50
    )
    page = write_audit_report(
        tmp_path,
        entrants,
        table,
        features=["ethnicity"],
        score_columns=["one", "two"],
        places=5,
        reference="a",
    )
    text = assert_safe(page).text
    assert "one" in text
    assert "two" in text
    assert {"scores.svg", "skew.svg", "winners.svg", "ratios.svg"} <= {
        p.name for p in (tmp_path / "figures").iterdir()
    }


@pytest.fixture
def manifest():
    return pd.DataFrame(
        {
            "image_id": ["1", "2", "3", "4"],
            "ethnicity": ["a", "a", SCRIPT, None],
            "gender": ["f", "m", "f", "f"],
            "rating": [1.0, 2.0, np.nan, 4.0],
            "source": "photo",
            "split": ["train", "test", "train", "train"],
            "content_hash": ["x", "x", "y", "z"],
            "path": "nowhere.jpg",
        }
    )


def test_pictures_are_counted_by_group_and_bracket_with_missing_labels_kept(manifest):
    table = data_counts(manifest, "ethnicity", ["gender"]).set_index(["group", "bracket"])["n"]
    assert table.to_dict() == {("a", "f"): 1, ("a", "m"): 1, (SCRIPT, "f"): 1, ("(missing)", "f"): 1}


def test_copies_are_counted_also_across_splits(manifest):
    assert duplicate_counts(manifest)["count"].tolist() == [2, 2]
    assert duplicate_counts(manifest.assign(split="train"))["count"].tolist() == [2, 0]
    assert duplicate_counts(manifest.drop(columns="content_hash")).empty


def test_the_page_of_a_data_set_shows_no_face_and_counts_what_is_missing(tmp_path, manifest):
    exclusions = pd.DataFrame({"item": ["9"], "reason": ["a broken picture"], "detail": [""]})
    page = write_data_report(
        tmp_path, name=SCRIPT, card=SCRIPT, manifest=manifest, excluded=exclusions, rating_range=(1, 10)
    )
    seen = assert_safe(page)
    images = [a["src"] for tag, a in seen.tags if tag == "img"]
    assert images
    assert all(src.startswith("data:image/svg+xml") for src in images)
    assert "3 (75.0 %)" in seen.text.replace("\u00a0", " ")
    assert "a broken picture" in seen.text
