"""What the site's build adds to the pages: lists of docstrings, commands' own help, the gallery."""

import importlib.util
import sys
from pathlib import Path

import pytest
import yaml

from judge.cli import COMMANDS

TOP = Path(__file__).parents[2]
pytest.importorskip("mkdocs")


def hook(name):
    spec = importlib.util.spec_from_file_location(f"hook_{name}", TOP / f"docs/hooks/{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_columns_of_a_docstring_become_a_list():
    text = "What it does.\n\nstep   of the weights;\n       0: none\nl2     a penalty\n\n    code  stays\n"
    told = hook("aligned_terms").as_lists(text)
    assert told.splitlines()[2:5] == ["- `step` – of the weights;", "  0: none", "- `l2` – a penalty"]
    assert "    code  stays" in told


@pytest.mark.slow
def test_every_command_has_its_help_on_the_page():
    helps = dict(hook("commands").helps())
    assert {names[0] for names in helps} == set(COMMANDS)
    assert ("generate", "sample") in helps
    assert "usage: judge generate sample" in helps["generate", "sample"]


def test_examples_are_short_and_say_what_they_show():
    gallery = hook("gallery")
    files = gallery.examples()
    assert len(files) >= 7
    assert {file.name: n for file in files if not 30 <= (n := len(file.read_text().splitlines())) <= 60} == {}
    assert all(":" in gallery.title(file) for file in files)


def test_no_theme_setting_fetches_anything_from_elsewhere():
    text = (TOP / "mkdocs.yml").read_text(encoding="utf-8").replace("!!python", "")
    theme = yaml.safe_load(text)["theme"]
    assert theme["font"] is False
    assert "http" not in text
    assert "http" not in (TOP / "docs/site.css").read_text(encoding="utf-8")
