"""Every cure of the zoo in one run, and the tables, figure and page that are made of several."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_module

from judge.data.tables import validated
from judge.experiment.run import run
from judge.fairness.advice.cures import CURES

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
TINY = [
    "experiment=cures", "judge=embedding", "judge.embedding.size=64", "threads=1",
    "+judge.progress=false", "judge.steps=20", "data.n=900", "data.size=64", "data.progress=false", "data.workers=1",
    "pool.n=90", "pool.refit=90", "entrants.n=120", "audit.n_permutations=99", "contest.places=8",
]  # fmt: skip
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cures():
    sys.path.insert(0, str(EXPERIMENTS))
    try:
        import cures

        yield cures
    finally:
        sys.path.remove(str(EXPERIMENTS))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two seeds of an even and of a skewed contest."""
    patch = pytest.MonkeyPatch()
    patch.setenv("JUDGE_CACHE", str(tmp_path_factory.mktemp("cache")))
    found = {}
    for skew in ("none", "ratings"):
        for seed in (0, 1):
            with initialize_config_module("judge.conf", version_base="1.3"):
                settings = compose("config", overrides=[*TINY, f"skew={skew}", f"seed={seed}"])
            folder = tmp_path_factory.mktemp(skew)
            run(settings, folder)
            found.setdefault(skew, []).append(folder)
    yield found
    patch.undo()


def test_every_cure_of_the_zoo_holds_a_contest_and_none_is_lost_on_the_way(
    cures, folders, tmp_path, monkeypatch
):
    monkeypatch.setattr(cures, "RESULTS", tmp_path)
    tables = cures.tables("embedding_depths", folders)
    runs, table = tables["runs"], tables["cures"]
    listed = {name for names in cures.CURES.values() for name in names}
    needs_a_network = {"gradient_reversal", "match_features"}
    assert set(runs["condition"]) == listed - needs_a_network - {"reference_set"}
    assert (runs.groupby(["skew", "condition"]).size() == 2).all()
    # one contest, one truth: it does not depend on the cure
    assert (runs.groupby(["skew", "seed"])["truth_share"].nunique() == 1).all()
    assert runs["share"].between(0, 1).all()
    for ranking in ("quota", "fa_ir", "det_const_sort", "exposure"):
        own, base = (runs[runs["condition"] == name].reset_index(drop=True) for name in (ranking, "uncured"))
        assert own["worst_pearson"].equals(base["worst_pearson"])  # scores stay
    assert table.set_index(["skew", "condition"])["recovered"].xs("uncured", level=1).eq(0).all()
    assert {path.name for path in tmp_path.glob("*.csv")} == {
        f"embedding_depths_{name}.csv" for name in ("runs", "cures", "probes", "composition")
    }
    page = cures.write_report(tmp_path, {"embedding_depths": tables}, command="python experiments/cures.py")
    told = page.read_text(encoding="utf-8")
    assert "Cures that are made for a skew" in told and "domain_independent" in told


def test_what_advice_reads_of_the_comparison_has_its_schema(cures, folders, tmp_path, monkeypatch):
    monkeypatch.setattr(cures, "RESULTS", tmp_path)
    runs = pd.concat([cures.rows_of(folder, skew) for skew, fs in folders.items() for folder in fs])
    table = validated(cures.advice(cures.compared(runs)), CURES)
    assert set(table["skew"]) == {"reading", "ratings"}
    assert "uncured" not in set(table["cure"])
    by_cure = table.drop_duplicates("cure").set_index("cure")
    assert by_cure.loc["quota", "needs"] == "the groups of the contestants"
    assert by_cure.loc["leace", "seam"] == "refit"


def test_a_refusal_names_the_cures_that_a_seed_is_run_again_without(cures):
    few = "InputError: mitigation correct_ratings: no picture of 'african' in the pool has a rating by raters of it"
    flat = "InputError: calibrate_within: among 200 people scores do not rise; standardise_within needs none"
    assert cures.refused(few) == ["correct_ratings"]
    assert cures.refused(flat) == ["calibrate_within"]
    assert cures.refused("OSError: no space left") == cures.refused("") == []
