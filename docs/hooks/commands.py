"""The page of commands, reference/commands.md: what each says of itself when it is asked with --help."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from mkdocs.structure.files import File

from judge.cli import COMMANDS, make_parser

PAGE = "reference/commands.md"
WORDS = """\
# Commands

What `judge COMMAND --help` prints, made when these pages were built. The settings of `judge run` are those of the
files in `conf/`.
"""


def on_files(files: Any, *, config: Any) -> Any:
    """The files of the site with the page added."""
    text = WORDS + "".join(
        f"\n{'#' * (1 + len(names))} judge {' '.join(names)}\n\n```text\n{help_text}```\n"
        for names, help_text in helps()
    )
    files.append(File.generated(config, PAGE, content=text))
    return files


def helps() -> Iterator[tuple[tuple[str, ...], str]]:
    """Each command by its names, and its help as a terminal of 100 columns shows it."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        for name in COMMANDS:
            if name == "run":  # Hydra writes it
                done = subprocess.run(
                    [sys.executable, "-m", "judge", "run", "--help"],
                    text=True,
                    capture_output=True,
                    check=True,
                )
                yield (name,), done.stdout.rstrip() + "\n"
            else:
                yield from _below((name,), _subparsers(make_parser([name]))[name])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def _below(names: tuple[str, ...], parser: argparse.ArgumentParser) -> Iterator[tuple[tuple[str, ...], str]]:
    yield names, parser.format_help()
    for name, sub in _subparsers(parser).items():
        yield from _below((*names, name), sub)


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    # argparse has no public way to its subcommands
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}
