"""A run judged by the whole jury: whom the gate refused stays in the audit, the log and the page."""

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_module

from judge.experiment.run import run
from judge.experiment.run_folder import RunDir

OVERRIDES = [
    "jury=full", "gate@jury.gate=beauty_ai_2016", "jury.models.n=12", "jury.models.top_share=1",
    "judge=embedding", "judge.embedding.size=64", "judge.embedding.weights=none", "data.n=360", "data.size=96",
    "data.progress=false", "data.workers=1", "pool.n=72", "pool.majority_share=.6", "pool.validation=.1",
    "entrants.n=48", "data.camera={preset: even, exposure: {uniform: [0.05, 1.0]}}", "audit.n_permutations=99",
    "report.page=true", "save_judges=false", "threads=1",
    "+conditions.within={scores: {_target_: judge.mitigation.scores.StandardiseWithin, min_people: 3}}",
]  # fmt: skip


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    patch = pytest.MonkeyPatch()
    patch.setenv("JUDGE_CACHE", str(cache))
    patch.setenv("XDG_CACHE_HOME", str(cache))
    with initialize_config_module("judge.conf", version_base="1.3"):
        settings = compose("config", overrides=OVERRIDES)
    folder = tmp_path_factory.mktemp("run")
    run(settings, folder)
    patch.undo()
    return RunDir(folder)


def test_every_refusal_is_logged_by_rule_group_and_bracket(home):
    log = home.table("gate").query("condition == 'skewed'")
    assert len(log) > 0
    assert {"image_id", "rule", "value", "threshold", "first", "bracket", "ethnicity", "gender"} <= set(log)
    refused = home.table("unranked").query("condition == 'skewed'")
    by_gate = refused[refused["reason"].str.startswith("gate: ")]
    assert set(by_gate["image_id"]) == set(log["image_id"])


def test_the_audit_sets_winners_against_everybody_who_entered(home):
    members = home.table("membership").query("role == 'entrant' and condition == 'skewed'")
    people = home.table("manifest").merge(members[["image_id"]], on="image_id")
    rates = (
        home.table("audit").query("metric == 'selection_rate' and condition == 'skewed'").set_index("group")
    )
    ranking = home.table("ranking").query("condition == 'skewed'")
    assert len(ranking) < len(people)
    won = people[people["image_id"].isin(ranking.loc[ranking["winner"], "image_id"])]
    for group, entered in people.groupby("ethnicity"):
        expected = (won["ethnicity"] == group).sum() / len(entered)
        assert rates.loc[group, "value"] == pytest.approx(expected)
        assert rates.loc[group, "n"] == len(entered)


def test_the_score_of_the_panel_is_not_audited_as_an_estimate_of_ratings(home):
    metrics = set(home.table("audit").query("condition == 'skewed'")["metric"])
    assert not metrics & {"mae", "signed_error", "pearson"}


def test_all_judges_and_the_panel_score_whoever_was_admitted(home):
    scores = home.table("scores").query("condition == 'rebalanced'")
    assert set(scores["judge"]) == {
        "symmetry",
        "wrinkles",
        "pigment",
        "resemblance",
        "age",
        "beauty",
        "panel",
    }
    admitted = set(home.table("ranking").query("condition == 'rebalanced'")["image_id"])
    assert set(scores["image_id"]) == admitted
    panel = scores[scores["judge"] == "panel"].set_index("image_id")["score"]
    assert np.isfinite(panel).all()


def test_the_page_tells_whom_the_gate_refused(home):
    page = (home.path / "page.html").read_text(encoding="utf-8")
    assert "gate: " in page
    assert isinstance(home.table("brackets"), pd.DataFrame)


def test_where_a_panel_sits_a_method_mends_each_judge_and_the_panel_combines_what_it_made(home):
    scores = home.table("scores").query("condition == 'within'")
    wide = scores.pivot(index="image_id", columns="judge", values="score")
    single = [name for name in wide if f"{name}_adjusted" in wide]
    assert sorted(single) == ["age", "beauty", "pigment", "resemblance", "symmetry", "wrinkles"]
    people = home.table("manifest").set_index("image_id")["ethnicity"].loc[wide.index]
    for name in single:
        # within a group a straight line, with one slope; between groups another
        for _, part in wide[[name, f"{name}_adjusted"]].dropna().groupby(people):
            assert part.corr().iloc[0, 1] == pytest.approx(1, abs=1e-9)
    adjusted = wide[[f"{name}_adjusted" for name in single]]
    z = (adjusted - adjusted.mean()) / adjusted.std(ddof=0)
    # a missing score counts as the median of its judge
    expected = z.fillna(z.median()).mean(axis=1)
    np.testing.assert_allclose(wide["panel"], expected, atol=1e-6)
    baseline = (
        home.table("scores")
        .query("condition == 'skewed' and judge == 'panel'")
        .set_index("image_id")["score"]
    )
    assert not np.allclose(baseline.loc[wide.index], wide["panel"])


def test_nobody_of_the_reference_set_or_of_a_pool_is_fitted_on(home):
    kept = set(pd.read_parquet(home / "judges/skewed/calibration.parquet")["image_id"])
    members = home.table("membership")
    assert kept and not kept & set(members.loc[members["role"].isin(["train", "validation"]), "image_id"])
