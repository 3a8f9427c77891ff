"""A bar for people who wait, and for nobody else."""

import io
import sys

from judge.cli import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def looked_at(monkeypatch, stream=Terminal, patience=1e-9):
    """Standard error from here on; set within a test, because pytest sets its own when a test begins."""
    shown = stream()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(progress, "PATIENCE", patience)
    return shown


def walk(steps):
    step, done = progress.bar(steps)
    for i in range(steps):
        step(f"part {i}")
    done()


def test_what_is_quick_shows_no_bar(monkeypatch):
    shown = looked_at(monkeypatch, patience=2.0)
    walk(4)
    assert shown.getvalue().strip() == ""


def test_what_takes_long_shows_what_it_does_and_takes_the_bar_away(monkeypatch):
    shown = looked_at(monkeypatch)
    walk(4)
    assert "part 3" in shown.getvalue() and "3/4" in shown.getvalue()
    assert shown.getvalue().endswith("\r")


def test_a_pipe_gets_nothing(monkeypatch):
    pipe = looked_at(monkeypatch, io.StringIO)
    walk(4)
    assert pipe.getvalue() == ""


def test_a_name_cannot_move_the_cursor(monkeypatch):
    shown = looked_at(monkeypatch)
    step, done = progress.bar(2)
    step("\x1b[2Jgone")
    step("next")
    done()
    assert "[2Jgone" in shown.getvalue() and "\x1b[2J" not in shown.getvalue()


def test_a_step_of_which_more_is_done_is_shown_with_the_time_and_not_counted(monkeypatch):
    shown = looked_at(monkeypatch)
    step, done = progress.bar(counted=False)
    for percent in (3, 40, 97):
        step(f"sorting score {percent} %")
    done()
    assert "sorting score 97 % [00:00]" in shown.getvalue() and "step" not in shown.getvalue()
