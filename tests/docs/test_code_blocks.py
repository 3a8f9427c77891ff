"""Every code block of README and docs/ runs, page by page in order; what cannot run here is marked and checked."""

import os
import sys
from collections import Counter

import pytest
from code_blocks import RUNNABLE, TOP, Reader, blocks_of, commands, pages

PAGES = [page for page in pages() if any(block.language in RUNNABLE for block in blocks_of(page))]


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache for all pages: people are drawn once."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_the_blocks_of_a_page_do_what_the_page_says(page, tmp_path, cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUDGE_CACHE", str(cache))
    monkeypatch.setattr(sys, "path", list(sys.path))
    before, environment = set(sys.modules), dict(os.environ)
    reader = Reader(tmp_path)
    try:
        for block in blocks_of(page):
            if block.language in RUNNABLE:
                reader.read(block)
    finally:
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        for name in set(sys.modules) - before:  # what the page wrote must not be there for the next
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
                del sys.modules[name]


def test_no_block_is_passed_over():
    kinds = Counter()
    for page in pages():
        for block in blocks_of(page):
            place = f"{page.relative_to(TOP)}:{block.line}"
            assert block.language in (*RUNNABLE, "text"), f"{place}: say what it is: {RUNNABLE} or text"
            first = (
                (commands(block.text) or [[""]])[0][0] if block.language == "bash" else block.text.split()[0]
            )
            assert block.language == "bash" or first not in ("judge", "make", "pip"), f"{place}: a command"
            if block.language in RUNNABLE:
                kinds["checked" if block.parsed_only else "run"] += 1
    assert kinds["run"] > kinds["checked"] > 0, kinds


def test_no_command_hides_in_an_indented_block():
    for page in pages():
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            assert not line.startswith(("    judge ", "    python ")), (
                f"{page.relative_to(TOP)}:{number}: fence it"
            )


def test_the_readme_stays_short():
    assert len((TOP / "README.md").read_text(encoding="utf-8").split()) <= 900
