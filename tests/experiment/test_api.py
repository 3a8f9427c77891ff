"""Runs and sweeps from Python: what `import judge` hands on."""

import doctest
import subprocess
import sys

import pytest

import judge
from judge.errors import InputError
from judge.experiment import api

SMALL = [
    "judge=embedding", "judge.embedding.size=64", "judge.embedding.weights=none", "data.n=150", "data.size=32",
    "data.progress=false", "data.workers=1", "pool.n=30", "pool.majority_share=.6", "entrants.n=30",
    "audit.n_permutations=99", "report.page=false", "threads=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def here(tmp_path, cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUDGE_CACHE", str(cache))
    return tmp_path


@pytest.mark.slow
def test_the_examples_are_true():
    # in one folder, in this order: load_run reads the run of another example
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    examples = {test.name.rpartition(".")[2]: test for test in finder.find(api) if test.examples}
    assert set(examples) == {"Run", "run", "sweep", "load_run"}
    for name in ("Run", "run", "sweep", "load_run"):
        runner.run(examples[name])
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.slow
def test_a_sweep_raises_unless_every_job_finished_and_keeps_what_was_done(here):
    # the source has 30 caucasian people: enough for 80 % of 30, not for 48 of 60
    with pytest.raises(judge.SweepError, match=r"1 of 2 jobs did not finish.*caucasian") as error:
        judge.sweep([*SMALL, "name=broken", "pool.majority_share=.8", "pool.n=30,60"])
    (lost,) = error.value.jobs
    assert lost["state"] == "failed" and "pool.n=60" in lost["overrides"]
    (done,) = (here / "runs/broken").glob("*/done.json")
    run = judge.load_run(done.parent)
    assert run.summary["pool_n"][run.baseline] == 30
    with pytest.raises(InputError, match=r"holds no finished run: failed.*caucasian"):
        judge.load_run(lost["folder"])


@pytest.mark.slow
def test_winners_are_counted_by_condition_and_group_in_the_order_of_the_run(here):
    run = judge.run([*SMALL, "+conditions.up=resample_up"])
    assert run.folder.parent == here / "runs/contest" or run.folder.parent.name == "contest"
    assert run.winners["condition"].unique().tolist() == ["skewed", "rebalanced", "up", "truth"]
    won = run.ranking.query("winner and condition == 'up'")["image_id"]
    groups = run.table("manifest").set_index("image_id").loc[won, "ethnicity"].value_counts()
    table = run.winners.query("condition == 'up'").set_index("group")
    assert table["winners"].to_dict() == {group: int(groups.get(group, 0)) for group in table.index}
    assert table["winner_share"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: judge.load_run("nowhere"), "no such folder: nowhere"),
        (lambda: judge.run("pool.n=30"), r"overrides are a list of settings such as \["),
        (lambda: judge.sweep(["experiment=no_such"]), "no_such"),
    ],
)
def test_what_cannot_be_is_named(call, words):
    with pytest.raises(Exception, match=words):
        call()


@pytest.mark.slow
def test_importing_judge_costs_no_torch_and_an_unknown_name_is_an_error():
    code = (
        "import sys, judge; judge.audit; judge.load_run; print(sorted({'torch', 'timm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    with pytest.raises(AttributeError, match="'no_such'"):
        _ = judge.no_such
