"""The calibration experiment runs, judges honestly and finds a broken interval; its full table is in results/."""

import sys
from pathlib import Path

import numpy as np
import pytest

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def experiment(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import fairness_calibration

    yield fairness_calibration
    for name in [n for n in sys.modules if n.split(".")[0] in ("fairness_calibration", "calibration_checks")]:
        del sys.modules[name]


def test_a_short_run_writes_every_kind_of_check(experiment, tmp_path, monkeypatch, capsys):
    parts = ["winners_tests", "selection_intervals", "inverse"]
    monkeypatch.setattr(
        sys, "argv", ["fairness_calibration.py", "--contests", "40", "--out", str(tmp_path), "--only", *parts]
    )
    experiment.main()
    text = (tmp_path / "fairness_calibration.md").read_text(encoding="utf-8")
    for words in ("stratified_exact, dark", "size, computed", "false alarm", "coverage", "grid posterior"):
        assert words in text
    assert "winners_tests: 10 checks" in capsys.readouterr().out


def test_computed_sizes_of_the_exact_test_do_not_exceed_five_percent(experiment):
    table = experiment.calibrate(40, ["winners_tests"], report=lambda line: None)
    sizes = table.loc[table["kind"] == "size, computed", "value"]
    assert len(sizes) == 3
    assert (sizes <= 0.05).all()


def test_bad_statistics_are_called_bad(experiment):
    table = experiment.Table()
    p = np.linspace(0.001, 1, 1000)
    table.alarm("honest", p)
    table.alarm("too eager", p / 2)
    table.alarm("too eager, exact", p * 0.7, exact=True)
    table.coverage("too narrow", np.zeros(100), np.ones(100), np.repeat([0.5, 2.0], [80, 20]))
    table.coverage("generous", np.zeros(100), np.ones(100), 0.5)
    table.bias("biased", np.random.default_rng(0).normal(0.7, 0.1, 400), 0.5)
    table.power("off", 0.40, 0.37, 1000)
    verdicts = {row["check"].split(":")[0]: row["verdict"] for row in table.rows}
    assert verdicts == {"honest": "yes", "too eager": "NO", "too eager, exact": "NO", "too narrow": "NO",
                        "generous": "conservative", "biased": "NO", "off": "NO"}  # fmt: skip


def test_the_race_draws_wallenius_winners(experiment):
    from calibration_checks.contests import draw_winners

    from judge.fairness.inference.wallenius import wallenius_log_pmf

    entrants = np.array([[8, 12]])
    won = draw_winners(entrants, np.array([0.4, 1.0]), 60_000, np.random.default_rng(0))[:, 0, 0]
    expected = np.exp(wallenius_log_pmf(np.arange(6), 8, 12, 5, 0.4))
    assert np.bincount(won, minlength=6) / 60_000 == pytest.approx(expected, abs=0.008)
