"""What the explorer reads: of finished runs and of anybody's table; and that it holds again only what it can."""

import numpy as np
import pandas as pd
import pytest
from finished_runs import CONDITIONS, finished, tables

from judge.cli import main
from judge.contest import fill_places
from judge.errors import InputError
from judge.experiment.explore.of_runs import fields_of_runs
from judge.experiment.explore.of_table import AS_HELD, PANEL, field_of_table
from judge.experiment.explore.recount import recounted
from judge.jury.panel import Panel
from judge.storage import write_text


def a_run(folder, *, seed=0, judges=("beauty",), settings="contest: {places: 1, tie_seed: 0}\n", **changed):
    """A finished run of four entrants with scores by the judges, all of whom agree with its ranking."""
    run = finished(folder, seed=seed)
    made = tables(seed)
    rows = made["ranking"][["image_id", "condition", "score"]]
    scores = pd.concat([rows.assign(judge=name, seed=seed) for name in judges], ignore_index=True)
    run.write_compact("d", scores=scores, **changed)
    write_text(run / "settings.yaml", f"seed: {seed}\n{settings}")
    return run


def test_a_runs_contests_are_held_again_with_its_own_winners(tmp_path):
    for seed in range(2):
        a_run(tmp_path / f"seed={seed}", seed=seed)
    fields, conditions, feature, others = fields_of_runs([tmp_path])
    assert [field.run for field in fields] == ["seed 0", "seed 1"] and conditions == list(CONDITIONS)
    assert feature == "ethnicity" and others.empty
    for field in fields:
        for held in field.contests.values():
            assert held.fixed == "" and held.judges == ("beauty",) and not held.gated
            assert held.winner.tolist() == recounted(field, held)[1].tolist() == [True, False, False, False]
            assert recounted(field, held, places=2)[1].tolist() == [True, True, False, False]


def test_who_may_exist_is_a_number_without_a_picture_unless_asked_for(tmp_path):
    a_run(tmp_path / "run")
    field = fields_of_runs([tmp_path])[0][0]
    assert field.real and field.pictures is None
    assert field.ids.tolist() == ["entrant 1", "entrant 2", "entrant 3", "entrant 4"]
    field = fields_of_runs([tmp_path], show_ids=True, show_faces=True)[0][0]
    assert field.ids.tolist() == ["i0", "i1", "i2", "i3"] and field.pictures[0] == "/pictures/0.png"


def test_the_panel_of_the_settings_is_the_pages_panel(tmp_path):
    panel = "{rule: weights, weights: {beauty: 2, age: 1}, judges: null, missing: worst}"
    settings = f"contest: {{places: 1}}\njury: {{gate: {{min_age: 18}}, panel: {panel}}}\n"
    settings += "conditions: {rebalanced: {jury: {gate: null}}}\n"
    a_run(tmp_path / "run", judges=("age", "beauty", "symmetry", "panel"), settings=settings)
    held = fields_of_runs([tmp_path])[0][0].contests
    assert held["skewed"].judges == ("age", "beauty", "symmetry")
    assert held["skewed"].panel == {
        "rule": "weights", "weights": {"age": 1.0, "beauty": 2.0, "symmetry": 0.0}, "missing": "worst", "min_judges": 1,
    }  # fmt: skip
    assert held["skewed"].gated and not held["rebalanced"].gated and held["skewed"].fixed == ""


def test_a_panel_within_groups_has_them_for_its_scope(tmp_path):
    panel = "{rule: mean_z, within: [ethnicity]}"
    settings = f"contest: {{places: 1}}\njury: {{panel: {panel}}}\n"
    a_run(tmp_path / "run", judges=("age", "beauty", "panel"), settings=settings)
    field = fields_of_runs([tmp_path])[0][0]
    scope = field.contests["skewed"].scope
    assert len(set(zip(field.group, scope, strict=True))) == len(set(field.group)) == 2


def test_places_that_a_method_gave_are_not_held_again(tmp_path):
    ranking = tables(0)["ranking"]
    ranking["rank"] = 5 - ranking["rank"]
    ranking["winner"] = ranking["rank"] == 1
    a_run(tmp_path / "run", ranking=ranking)
    assert "otherwise than by the judges" in fields_of_runs([tmp_path])[0][0].contests["skewed"].fixed


def test_scores_that_a_method_changed_are_those_that_count(tmp_path):
    run = a_run(tmp_path / "run")
    rows = tables(0)["ranking"][["image_id", "condition", "score"]].assign(seed=0)
    scores = pd.concat(
        [rows.assign(judge="beauty", score=-rows["score"]), rows.assign(judge="beauty_adjusted")]
    )
    run.write_compact("d", scores=scores)
    held = fields_of_runs([tmp_path])[0][0].contests["skewed"]
    assert (
        held.judges == ("beauty",) and held.fixed == "" and held.scores[:, 0].tolist() == [4.0, 3.0, 2.0, 1.0]
    )


@pytest.fixture
def entrants(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "id": [f"anna {i}" for i in range(40)],
            "ethnicity": np.array(["a", "b"])[np.arange(40) % 2],
            "gender": np.array(["f", "m"])[np.arange(40) // 20],
            "cnn": rng.normal(size=40).round(1),
            "svm": rng.normal(size=40).round(1),
            "won": np.arange(40) < 4,
        }
    )
    table.loc[3, "svm"] = np.nan
    path = tmp_path / "entrants.csv"
    table.to_csv(path, index=False)
    return path, table


def test_a_table_has_a_contest_by_each_score_by_all_and_as_it_was_held(entrants):
    path, table = entrants
    field, names, _ = field_of_table(
        str(path), features=["ethnicity"], score=["cnn", "svm"], winner="won", brackets=["gender"], places=3
    )
    assert names == [AS_HELD, "cnn", "svm", PANEL]
    assert field.contests[AS_HELD].winner.tolist() == table["won"].tolist() and field.contests[AS_HELD].fixed
    won = fill_places(table["id"], table["cnn"], places=3, bracket=table["gender"])
    assert field.contests["cnn"].rank.tolist() == won.rank.tolist()
    long = table.melt("id", ["cnn", "svm"], "judge", "score").rename(columns={"id": "image_id"})
    panel = Panel()(long)
    best = fill_places(panel["image_id"], panel["score"], places=3, bracket=table["gender"])
    assert field.contests[PANEL].winner.tolist() == best.winner.tolist()
    assert field.contests["svm"].reason[3] == "no score"
    assert field.ids[:2].tolist() == ["row 1", "row 2"]


def test_the_command_writes_a_page_without_names(entrants, tmp_path, capsys):
    pytest.importorskip("altair")
    path, _ = entrants
    out = tmp_path / "page.html"
    words = [
        "explore",
        str(path),
        "--feature",
        "ethnicity",
        "--score",
        "cnn",
        "--places",
        "3",
        "--out",
        str(out),
    ]
    assert main(words) == 0
    assert str(out) in capsys.readouterr().out
    assert "anna" not in (text := out.read_text(encoding="utf-8")) and "row 40" in text
    assert "unsafe-eval" not in text and "connect-src" not in text and "default-src 'none'" in text


def test_what_cannot_be_explored_is_refused_in_a_line(entrants, tmp_path, capsys):
    pytest.importorskip("altair")
    path, _ = entrants
    (tmp_path / "empty").mkdir()
    finished(tmp_path / "no_scores" / "run")
    other = a_run(tmp_path / "mixed" / "one")
    a_run(tmp_path / "mixed" / "two", seed=1)
    done = (other / "done.json").read_text(encoding="utf-8")
    write_text(other / "done.json", done.replace('"rebalanced"', '"other"'))
    for words, told in (
        ([str(tmp_path / "nowhere")], "no such folder or file"),
        ([str(tmp_path / "empty")], "holds no run"),
        ([str(tmp_path / "no_scores")], "no table of scores"),
        ([str(tmp_path / "mixed")], "different conditions"),
        ([str(tmp_path / "mixed"), str(path)], "not both"),
        ([str(tmp_path / "mixed"), "--score", "x"], "for a table"),
        ([str(path), "--feature", "ethnicity"], "--score"),
        ([str(path), "--feature", "ethnicity", "--score", "cnn"], "--places"),
        ([str(path), "--feature", "ethnicity", "--score", "cnn", "--places", "0"], "at least 1"),
        ([str(path), "--feature", "colour", "--score", "cnn", "--places", "3"], "colour"),
        ([str(path), "--score", "cnn", "--places", "3"], "--feature"),
        ([str(path), "--most", "0"], "--most"),
        ([str(path), "--out", str(tmp_path / "page.pdf")], "--out is a page"),
        (
            [str(path), "--show-faces", "--feature", "ethnicity", "--score", "cnn", "--places", "3"],
            "--show-faces",
        ),
    ):
        assert main(["explore", *words]) == 2, words
        assert told in capsys.readouterr().err, words


def test_without_the_drawing_library_the_command_says_how_to_install_it(entrants, monkeypatch):
    import sys

    from judge.report.explorer.charts import altair

    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(InputError, match=r"pip install 'judge\[explore\]'"):
        altair()
