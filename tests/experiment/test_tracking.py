"""Runs told to TensorBoard and MLflow, read back by those tools' own clients."""

import json
import multiprocessing
from pathlib import Path

import pandas as pd
import pytest

import judge
from judge.errors import InputError
from judge.experiment.run_folder import RunDir
from judge.experiment.tracking import Told, histories, told_of, tracker_of
from judge.experiment.tracking.on_mlflow import MLflow
from judge.experiment.tracking.on_tensorboard import TensorBoard

pytest.importorskip("mlflow", reason="the extra judge[tracking] is not installed")
pytest.importorskip("tensorboard", reason="the extra judge[tracking] is not installed")


def told(folder: Path, seed: int = 0) -> Told:
    """A run of two conditions and two epochs, made up."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.html").write_text(f"<p>seed {seed}</p>", encoding="utf-8")
    losses = pd.DataFrame(
        [("skewed", 1, "loss", 0.5), ("skewed", 2, "loss", 0.25), ("rebalanced", 1, "val_mse", float("nan"))],
        columns=["condition", "epoch", "name", "value"],
    )
    audit = pd.DataFrame(
        {
            "condition": ["skewed", "skewed"],
            "metric": ["winner_share", "mae"],
            "feature": ["ethnicity", "ethnicity"],
            "group": ["非洲 (a)", "asian"],
            "value": [0.25, float("inf")],
            "ci_low": [0.125, float("nan")],
            "ci_high": [0.5, float("nan")],
        }
    )
    settings = {"seed": seed, "pool.majority_share": 0.9, "long": "x" * 9000}
    return Told(
        "demo", folder, f"digest-{seed}", settings, losses, audit, (folder / "page.html",), 1000.0, 60.0
    )


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def runs_of(tracker: MLflow) -> list:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=tracker.uri)
    return [run for one in client.search_experiments() for run in client.search_runs([one.experiment_id])]


def test_tensorboard_reads_losses_by_epoch_and_the_audit(tmp_path):
    TensorBoard().track(told(tmp_path / "seed=0"))
    assert scalars(tmp_path / "seed=0" / "tensorboard") == {
        "training/skewed/loss": [(1, 0.5), (2, 0.25)],
        "audit/skewed/winner_share/ethnicity/非洲 (a)": [(0, 0.25)],
        "audit/skewed/winner_share/ethnicity/非洲 (a)/ci_low": [(0, 0.125)],
        "audit/skewed/winner_share/ethnicity/非洲 (a)/ci_high": [(0, 0.5)],
    }


def test_tensorboard_has_a_run_once_however_often_it_is_told(tmp_path):
    tracker = TensorBoard(folder=str(tmp_path / "all"))
    for _ in range(2):
        tracker.track(told(tmp_path / "seed=0"))
    files = [file for file in (tmp_path / "all" / "demo" / "seed=0").rglob("*") if file.is_file()]
    assert len(files) == 1 and scalars(files[0].parent)["training/skewed/loss"] == [(1, 0.5), (2, 0.25)]


def test_mlflow_reads_settings_losses_audit_and_page(tmp_path):
    from mlflow import MlflowClient

    tracker = MLflow(folder=str(tmp_path / "mlflow"))
    for _ in range(2):
        tracker.track(told(tmp_path / "seed=0"))
    (run,) = runs_of(tracker)
    assert run.info.status == "FINISHED" and run.info.run_name == "seed=0"
    assert (run.info.start_time, run.info.end_time) == (1_000_000, 1_060_000)
    assert run.data.params["pool.majority_share"] == "0.9" and len(run.data.params["long"]) == 6000
    assert run.data.metrics == {
        "training/skewed/loss": 0.25,
        "audit/skewed/winner_share/ethnicity/非洲 _a_": 0.25,
        "audit/skewed/winner_share/ethnicity/非洲 _a_/ci_low": 0.125,
        "audit/skewed/winner_share/ethnicity/非洲 _a_/ci_high": 0.5,
    }
    client = MlflowClient(tracking_uri=tracker.uri)
    history = client.get_metric_history(run.info.run_id, "training/skewed/loss")
    assert [(one.step, one.value) for one in history] == [(1, 0.5), (2, 0.25)]
    page = client.download_artifacts(run.info.run_id, "page.html", str(tmp_path))
    assert Path(page).read_text(encoding="utf-8") == "<p>seed 0</p>"
    assert client.get_experiment(run.info.experiment_id).name == "demo"


def test_what_a_killed_process_began_to_write_is_written_anew(tmp_path):
    from mlflow import MlflowClient

    tracker, run = MLflow(folder=str(tmp_path / "mlflow")), told(tmp_path / "seed=0")
    tracker.track(run)
    (done,) = runs_of(tracker)
    MlflowClient(tracking_uri=tracker.uri).update_run(done.info.run_id, status="RUNNING")
    tracker.track(run)
    (again,) = runs_of(tracker)
    assert again.info.run_id != done.info.run_id and again.info.status == "FINISHED"


def _write(folder: str, seeds: range, home: str) -> None:
    for seed in seeds:
        MLflow(folder=folder).track(told(Path(home) / f"seed={seed}", seed))


@pytest.mark.slow
def test_processes_of_a_sweep_lose_no_run_in_one_new_database(tmp_path):
    context = multiprocessing.get_context("spawn")
    folder = str(tmp_path / "mlflow")
    jobs = [
        context.Process(target=_write, args=(folder, range(first, first + 3), str(tmp_path / "runs")))
        for first in (0, 3, 6)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0, 0, 0]
    runs = runs_of(MLflow(folder=folder))
    assert sorted(int(run.data.params["seed"]) for run in runs) == list(range(9))
    assert {len(run.data.metrics) for run in runs} == {4}


def test_losses_are_kept_where_judges_are_not(tmp_path):
    (tmp_path / "judges" / "skewed").mkdir(parents=True)
    (tmp_path / "judges" / "skewed" / "judge.json").write_text(
        json.dumps(
            {"history": [{"epoch": 1, "loss": 0.5, "val_mse": 2}, {"epoch": 2, "loss": 0.25, "val_mse": 1}]}
        )
    )
    from judge.experiment.tracking.told import keep_histories

    home = RunDir(tmp_path)
    before = histories(home)
    keep_histories(home)
    (tmp_path / "judges" / "skewed" / "judge.json").unlink()
    pd.testing.assert_frame_equal(histories(home), before)
    assert before.query("name == 'loss'")[["epoch", "value"]].to_numpy().tolist() == [[1, 0.5], [2, 0.25]]


def test_no_tracking_is_the_default_and_asks_for_nothing(monkeypatch):
    assert tracker_of(None) is None
    monkeypatch.setattr("judge.extras.importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"tracking=mlflow needs .* pip install 'judge\[tracking\]'"):
        tracker_of({"_target_": "judge.experiment.tracking.on_mlflow.MLflow"})


@pytest.mark.slow
def test_a_run_is_told_to_both_and_changes_no_number(tmp_path):
    small = [
        "judge=embedding",
        "data.n=150",
        "data.size=32",
        "pool.n=30",
        "pool.majority_share=.6",
        "entrants.n=30",
    ]
    small += ["report.page=false"]
    run = judge.run([*small, "tracking=tensorboard"], folder=tmp_path / "run")
    digest = run.summary["settings_hash"]
    shares = run.audit.query("condition == 'skewed' and metric == 'mae'").set_index("group")["value"]
    found = scalars(run.folder / "tensorboard")
    for group, value in shares.items():
        assert found[f"audit/skewed/mae/ethnicity/{group}"][0][1] == pytest.approx(value)
    # a finished run is told to another tracker without being done again
    again = judge.run(
        [*small, "tracking=mlflow", f"tracking.folder={tmp_path / 'mlflow'}"], folder=tmp_path / "run"
    )
    assert again.summary["settings_hash"] == digest
    (kept,) = runs_of(MLflow(folder=str(tmp_path / "mlflow")))
    assert kept.data.params["judge._target_"].endswith("EmbeddingJudge")
    for group, value in shares.items():
        assert kept.data.metrics[f"audit/skewed/mae/ethnicity/{group}"] == pytest.approx(value)
    assert told_of(RunDir(run.folder), {}).digest == digest
