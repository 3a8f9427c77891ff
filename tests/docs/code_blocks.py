"""Code blocks of Markdown pages: found, and run as a reader would who goes through the page from top to bottom.

What a block is, its fence says: ```bash, ```python, ```yaml or ```csv, the last two and a file of Python with
title="FILE", the file that the reader makes of it. ```text is output or a picture in letters. A comment on the line
before a block says how it is tested:

    <!-- sizes: KEY=VALUE … -->       each `judge run` in it gets these settings as well: the same command, smaller
    <!-- parsed only: REASON -->      it needs what a test has not; its command lines are checked and not run
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[2]
RUNNABLE = ("bash", "python", "yaml", "csv")
FENCE = re.compile(r'^```([a-z]*)(?: title="([^"]+)")?\s*$')
MARK = re.compile(r"^<!-- (sizes|parsed only): (.+) -->$")
#: Programs of the reader's shell that a page may use.
SHELL = ("cat", "cp", "head", "ls", "mkdir", "cd")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, what it is, its text, and how it is tested."""

    page: Path
    line: int
    language: str
    title: str | None
    text: str
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def parsed_only(self) -> bool:
        return "parsed only" in self.marks

    @property
    def sizes(self) -> list[str]:
        return shlex.split(self.marks.get("sizes", ""))


def pages() -> list[Path]:
    """README.md and every page of docs/."""
    return [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order. Raises ValueError for a fence that is not closed or not understood."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    i = 0
    while i < len(lines):
        if lines[i].lstrip().startswith("```"):
            opened = FENCE.match(lines[i])
            if not opened:
                raise ValueError(f"{page}:{i + 1}: {lines[i]!r} is no fence that is understood")
            end = next((k for k in range(i + 1, len(lines)) if lines[k].startswith("```")), None)
            if end is None:
                raise ValueError(f"{page}:{i + 1}: the block is not closed")
            marks = {}
            for above in reversed(lines[max(0, i - 2) : i]):
                mark = MARK.match(above)
                if not mark:
                    break
                marks[mark[1]] = mark[2]
            text = "\n".join(lines[i + 1 : end]) + "\n"
            found.append(Block(page, i + 1, opened[1], opened[2], text, marks))
            i = end
        i += 1
    return found


def commands(text: str) -> list[list[str]]:
    """The command lines of a shell block as words, comments left out, lines that end in a backslash joined."""
    joined = text.replace("\\\n", " ")
    return [words for line in joined.splitlines() if (words := shlex.split(line, comments=True))]


class Reader:
    """Goes through a page's blocks in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def read(self, block: Block) -> None:
        """Does what the block says, or checks it. Raises AssertionError with the place of what went wrong."""
        where = f"{block.page.relative_to(TOP)}:{block.line}"
        if block.language == "bash":
            for words in commands(block.text):
                line = f"{where}: {shlex.join(words)}"
                checked(words, line) if block.parsed_only else self._do(words, block.sizes, line)
        elif block.title:
            file = self.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            code = compile(block.text, where, "exec")
            if not block.parsed_only:
                exec(code, self.names)
        else:
            raise AssertionError(f'{where}: a block of {block.language} needs title="FILE"')

    def _do(self, words: list[str], sizes: list[str], line: str) -> None:
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            os.environ[name] = value
            if name == "PYTHONPATH":
                sys.path.insert(0, str(self.folder / value))
        if words[0] == "judge":
            from judge.cli import main

            more = sizes if words[1] == "run" else []
            given = {word.partition("=")[0] for word in more}
            code = main([*(w for w in words[1:] if w.partition("=")[0] not in given), *more])
            assert code == 0, f"{line}: ended with {code}"
        elif words[0] == "python" and (self.folder / words[1]).is_file():
            before, sys.argv = sys.argv, words[1:]
            try:
                runpy.run_path(words[1], run_name="__main__")
            finally:
                sys.argv = before
        elif words[0] in ("make", "pip"):
            checked(words, line)
        else:
            assert words[0] in SHELL, f"{line}: no program that a page may use without a mark"
            subprocess.run(["bash", "-c", shlex.join(words)], check=True)


def checked(words: list[str], line: str) -> None:
    """The command line is one that the program would take. Raises AssertionError."""
    words = [word for word in words if not re.match(r"^[A-Z_]+=", word)]
    if words[0] == "judge" and words[1] == "run":
        assert composed(words[2:]) is not None, line
    elif words[0] == "judge":
        from judge.cli import make_parser

        make_parser(words[1:]).parse_args(words[1:])
    elif words[0] == "make":
        rules = (TOP / "Makefile").read_text(encoding="utf-8")
        for target in words[1:]:
            assert re.search(rf"^{target}:", rules, re.MULTILINE), f"{line}: no such rule"
    elif words[0] == "pip":
        extras = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"][
            "optional-dependencies"
        ]
        for asked in re.findall(r"\[([a-z0-9,]+)\]", " ".join(words)):
            assert set(asked.split(",")) <= set(extras), f"{line}: extras are {sorted(extras)}"
    elif words[0] == "python":
        program = TOP / words[1]
        assert program.is_file(), f"{line}: no such program"
        text = program.read_text(encoding="utf-8")
        unknown = [
            word for word in words[2:] if word.startswith("--") and f'"{word.split("=")[0]}"' not in text
        ]
        assert not unknown, f"{line}: {words[1]} has no {unknown}"
    else:
        assert words[0] in (*SHELL, "sbatch", "git"), f"{line}: no program that a page may use"


def composed(words: list[str]) -> Any:
    """The settings of `judge run` with these words; of a sweep, those of its first job."""
    from hydra import compose, initialize_config_module

    import judge.experiment.settings  # noqa: F401  registers the typed root
    from judge.cli.run import _combinations

    overrides = [word for word in words if word not in ("-m", "--multirun")]
    if "--config-dir" in overrides:
        at = overrides.index("--config-dir")
        folder = Path(overrides[at + 1]).resolve()
        overrides[at : at + 2] = [f"hydra.searchpath=[file://{folder}]"]
    with initialize_config_module("judge.conf", version_base="1.3"):
        return compose("config", overrides=list(next(_combinations(overrides))), return_hydra_config=True)
