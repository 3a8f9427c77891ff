"""The examples in docstrings are true, and whatever a room of statistics hands on has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import judge.fairness
import judge.mitigation.ranking

ROOMS = ["judge.contest", "judge.fairness.counts", "judge.reranking", "judge.mitigation.named"] + [
    f"judge.fairness.{name}" for name in ("advice", "attribution", "audit", "inference", "metrics", "sweeps")
]
MODULES = ["judge.contest", "judge.extras", "judge.fairness", "judge.reranking"] + [
    f"judge.publication.{name}" for name in ("disclosure", "formats.markdown")
]
MODULES += [
    module.name
    for room in (judge.fairness, judge.mitigation.ranking)
    for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_function_says_what_it_takes_and_returns_and_shows_it(room):
    module = importlib.import_module(room)
    public = [getattr(module, name) for name in getattr(module, "__all__", vars(module))]
    own = [f for f in public if inspect.isfunction(f) and f.__module__.startswith(room)]
    documented = [f for f in own if not f.__name__.startswith("_") and f.__name__ != "places_of"]
    assert documented or room == "judge.fairness.counts"
    for function in documented:
        text = inspect.getdoc(function) or ""
        first = text.split("\n\n")[0]
        assert "\n" not in first and first.endswith((".", "?")), f"{function.__name__}: {first!r}"
        wanted = ["Returns\n---", "Examples\n---", ">>> "]
        wanted += ["Parameters\n---"] if inspect.signature(function).parameters else []
        assert [section for section in wanted if section not in text] == [], function.__name__
